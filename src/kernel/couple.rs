//! v ← v ± 64 · ⌊(b + s · m) / 64⌉          a coupling of a flow, done and undone
//!
//! m is the location of the first logistic that a net says, in 1/128 of s. What is added depends on other cells only, so that the way
//! back ends where the way there began. The limits are never met on the way there: they hold what a corrupt payload may do.

use super::ONE;
use super::context::Heads;

/// The largest magnitude of an int inside a flow: planes hold 2²², and at most 48 updates of at most 2¹⁶ + 1 come on top.
pub const MAX_LIFTED: i32 = 7 << 20;
/// The largest magnitude of what is left of a midpoint.
pub const MAX_LEFT: i32 = 1 << 24;

/// Which way, and how large a value may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// 1 or −1.
    pub sign: i32,
    pub most: i32,
}

impl Way {
    pub const PREDICT: Way = Way { sign: -1, most: MAX_LEFT };
    pub const UPDATE: Way = Way { sign: 1, most: MAX_LIFTED };

    /// The other way.
    pub fn back(self) -> Way {
        Way { sign: -self.sign, most: MAX_LIFTED }
    }
}

/// Couples the run of `b.len()` cells at `at` with the heads of a net whose mixtures have `k` logistics.
pub fn couple(k: usize, way: Way, b: &[i32], heads: &Heads, at: usize, values: &mut [i32]) {
    let most = way.most * ONE;
    for (i, &b) in b.iter().enumerate() {
        let m = heads.heads[k * heads.stride + i].clamp(-1024, 1024);
        let shift = (heads.s[i].min(1 << 19) * m + 64) >> 7;
        let int = (b + shift + ONE / 2) >> 6;
        values[at + i] = (values[at + i] + way.sign * int * ONE).clamp(-most, most);
    }
}
