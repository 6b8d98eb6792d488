//! NaN in floats;   in integers BLANK where a FITS header names it, else 0          what stands where samples are lost

use crate::array::Dtype;
use crate::format::Missing;

/// The sample that is written where samples are lost: its bits, and its name for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filler {
    pub bits: u64,
    pub name: String,
}

impl Filler {
    pub fn new(dtype: Dtype, missing: Option<&Missing>) -> Filler {
        match (dtype, missing) {
            (Dtype::F32, _) => Filler { bits: 0x7fc0_0000, name: "NaN".into() },
            (Dtype::F64, _) => Filler { bits: 0x7ff8 << 48, name: "NaN".into() },
            (_, Some(missing)) => Filler { bits: missing.stored as u64, name: missing.name.clone() },
            (_, None) => Filler { bits: 0, name: "0".into() },
        }
    }
}
