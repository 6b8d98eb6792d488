//! What a header says of the array behind it: where an array's own head is lost, and for samples that are.

use super::{fits, npy};
use crate::array::ArrayType;

/// An array as the header that ends where it begins describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    pub ty: ArrayType,
    /// The integer that stands where there is no sample, if the header has one.
    pub missing: Option<Missing>,
}

/// An integer as it is stored, and what it is for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missing {
    pub stored: i64,
    pub name: String,
}

/// The array that begins where these bytes end, if a header is the last of them.
pub fn described(before: &[u8]) -> Option<Described> {
    fits::before(before).or_else(|| npy::before(before))
}
