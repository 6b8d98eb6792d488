//! μₖ = b + s · mₖ          λₖ = L(s) + lₖ          wₖ = softmax(aₖ), in 1/4096, summing to `mass`
//!
//! aₖ and lₖ are in 1/256 octave, mₖ in 1/128 of s. The softmax needs no division: a table of reciprocals rounds every
//! weight down, and the largest takes what is left.

use super::context::Heads;
use super::log2::log2;
use super::tables::{EXP2_4096, RECIPROCAL};
use crate::net::MAX_K;

/// The least and the largest log2 scale, in 1/256 octave of 1/64 int.
pub const MIN_LOG2_SCALE: i32 = 256;
pub const MAX_LOG2_SCALE: i32 = 24 * 256 - 1;

/// K logistics for every cell of a run, one array per component: component k of cell i is at `k * stride + i`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mixtures {
    pub k: usize,
    pub stride: usize,
    pub location: Vec<i32>,
    pub log2_scale: Vec<i32>,
    pub weight: Vec<i32>,
}

impl Mixtures {
    pub fn new(k: usize, stride: usize) -> Mixtures {
        let zero = vec![0; k * stride];
        Mixtures { k, stride, location: zero.clone(), log2_scale: zero.clone(), weight: zero }
    }
}

/// The mixtures of a run from its predictions and heads.
pub fn mixture(b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) {
    let k = out.k;
    for (i, &b) in b.iter().enumerate() {
        let s = heads.s[i];
        let head = |h: usize| heads.heads[h * heads.stride + i];
        let mut logits = [0; MAX_K];
        for c in 0..k {
            logits[c] = head(c);
            let m = head(k + c).clamp(-1024, 1024);
            let shift = (s.min(1 << 19) * m + 64) >> 7;
            out.location[c * out.stride + i] = b + shift;
            out.log2_scale[c * out.stride + i] = (log2(s) + head(2 * k + c)).clamp(MIN_LOG2_SCALE, MAX_LOG2_SCALE);
        }
        let mut weights = [0; MAX_K];
        softmax(&logits[..k], mass, &mut weights);
        for c in 0..k {
            out.weight[c * out.stride + i] = weights[c];
        }
    }
}

/// wₖ ≤ 4096 · 2^aₖ / Σ 2^aⱼ for all but the first largest, which gets the rest of `mass`.
fn softmax(logits: &[i32], mass: i32, weights: &mut [i32; MAX_K]) {
    let mut top = 0;
    for k in 1..logits.len() {
        if logits[k] > logits[top] {
            top = k;
        }
    }
    let mut sum = 0;
    for (k, &a) in logits.iter().enumerate() {
        let q = (logits[top] - a).min(12 * 256 - 1);
        weights[k] = EXP2_4096[(q & 255) as usize] >> (q >> 8);
        sum += weights[k];
    }
    // 2¹² ≤ sum ≤ 2¹⁵, so n is 0..=3 and the index below 0..=127
    let n = (sum as u32).leading_zeros() as i32 - 16;
    let r = RECIPROCAL[(((sum << n) >> 8) & 127) as usize];
    let mut rest = mass;
    for (k, w) in weights[..logits.len()].iter_mut().enumerate() {
        if k != top {
            *w = (*w * r) >> (18 - n);
            rest -= *w;
        }
    }
    weights[top] = rest;
}

/// How much of the 4096 the logistics share: the rest gives every one of `n_symbols` symbols a width of at least 1 in 2²⁴.
pub fn mass(n_symbols: u32) -> i32 {
    debug_assert!((1..=65536).contains(&n_symbols), "a window of {n_symbols} symbols");
    4096 - n_symbols.div_ceil(4096) as i32
}

/// What the kernels need to know of a plane: its largest int, and the window of symbols that follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub max: i32,
}

impl Window {
    pub fn n_symbols(self) -> u32 {
        (self.max as u32 + 1).min(65536)
    }

    /// Planes of up to 65 536 ints are coded whole; of larger ones a window around b, whose two ends mean "beyond".
    pub fn escapes(self) -> bool {
        self.max >= 65536
    }

    /// The first int of the window for a prediction.
    #[inline(always)]
    pub fn low(self, b: i32) -> i32 {
        if self.escapes() { (b >> 6) - 32768 } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_share_the_mass_exactly() {
        let values = [-32768, -4000, -300, -1, 0, 1, 255, 256, 3000, 32767];
        for a in values {
            for b in values {
                for c in values {
                    let mut w = [0; MAX_K];
                    softmax(&[a, b, c], 4095, &mut w);
                    assert_eq!(w[..3].iter().sum::<i32>(), 4095, "{a} {b} {c}");
                    assert!(w.iter().all(|&w| (0..=4095).contains(&w)), "{a} {b} {c}: {w:?}");
                }
            }
        }
        let mut w = [0; MAX_K];
        softmax(&[0; MAX_K], 4080, &mut w);
        assert_eq!(w.iter().sum::<i32>(), 4080);
    }

    #[test]
    fn every_window_leaves_a_width_of_one_for_each_symbol() {
        for n in [1, 2, 4095, 4096, 4097, 65535, 65536] {
            assert!(i64::from(mass(n)) * 4096 + i64::from(n) <= 1 << 24);
        }
    }
}
