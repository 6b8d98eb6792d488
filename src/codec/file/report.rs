//! What an encoder did.

use crate::array::ArrayType;
use crate::sample::{Bound, Ends, Errors, Loss, NoiseStep};

/// What was done, for people and for `--json`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub format: &'static str,
    pub note: Option<String>,
    pub n_bytes_in: u64,
    pub n_bytes_out: u64,
    /// The source was a .gz, and its content is what will be given back.
    pub gunzipped: bool,
    /// What was allowed to be lost: what was asked for, or what a search came to.
    pub loss: Loss,
    pub arrays: Vec<ArrayReport>,
}

#[derive(Clone, Debug)]
pub struct ArrayReport {
    pub label: String,
    pub ty: ArrayType,
    pub n_bytes_out: u64,
    pub model: Option<String>,
    /// Whether that is a network that a GPU may run.
    pub on_gpus: bool,
    /// Of them, what the refit of the model takes; 0 where the model is as its weights file says.
    pub refit_bytes: u64,
    pub map: String,
    /// Labels of the arrays that it is predicted from.
    pub references: Vec<String>,
    /// Of a map that loses.
    pub bound: Option<Bound>,
    /// Where something may be lost.
    pub ends: Option<Ends>,
    /// What the noise of the array decided, where steps are a fraction of it.
    pub noise: Option<NoiseStep>,
    /// How far what will be given back is off.
    pub errors: Errors,
}

impl Report {
    /// Whether what will be given back is the source, or the content of a .gz, bit for bit.
    pub fn is_lossless(&self) -> bool {
        self.arrays.iter().all(|array| array.errors.is_none())
    }

    /// Of all arrays together.
    pub fn errors(&self) -> Errors {
        let mut all = Errors::default();
        self.arrays.iter().for_each(|array| all.merge(&array.errors));
        all
    }
}
