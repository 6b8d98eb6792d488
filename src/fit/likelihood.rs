//! P(int) = share · Σ wₖ · [S(hiₖ) − S(loₖ)] + 2⁻²⁴,   hi, lo = (int ± ½ − μₖ) / σₖ,   μₖ = b + s·mₖ,   log2 σₖ = log2 s + lₖ
//!
//! kernel::mixture and kernel::interval in floats, with slopes. S is the sigmoid; the first int of a plane reaches down to −∞, the
//! last up to ∞. S(hi) − S(lo) = S(hi) · S(−lo) · (1 − e^(lo − hi)): no difference of like numbers.

use super::elementary::exp2;
use crate::kernel::MAX_K;
use crate::kernel::mixture::{MAX_LOG2_SCALE, MIN_LOG2_SCALE};
use std::f32::consts::{LN_2, LOG2_E};

/// Cells side by side.
pub const N: usize = 16;
pub type Row = [f32; N];

/// Locations reach this many s.
const MAX_LOCATION: f32 = 8.0;
const FLOOR: f32 = 1.0 / 16_777_216.0;

/// What is known of the cells but the heads.
#[derive(Clone, Copy)]
pub struct Block {
    /// s in ints, as locations use it, and its log2, as scales use it.
    pub s: Row,
    pub log_s: Row,
    /// int − b.
    pub distance: Row,
    /// 0 where the int is the first of its plane, and where it is the last; 1 elsewhere.
    pub not_first: Row,
    pub not_last: Row,
}

/// P of each cell's int by its 3K heads (a, m, l), and in their place the slopes of −ln P.
pub fn likelihood(share: f32, block: &Block, heads: &mut [Row]) -> Row {
    let k = heads.len() / 3;
    let mut weights = [[0.0; N]; MAX_K];
    softmax(&heads[..k], &mut weights);
    let mut p = [FLOOR; N];
    let mut parts = [[0.0; N]; MAX_K];
    for c in 0..k {
        let (mut m, mut l) = (heads[k + c], heads[2 * k + c]);
        let values = logistic(block, &mut m, &mut l);
        for i in 0..N {
            parts[c][i] = share * weights[c][i] * values[i];
            p[i] += parts[c][i];
        }
        (heads[k + c], heads[2 * k + c]) = (m, l);
    }
    let mut known = [0.0; N];
    for part in &mut parts[..k] {
        for i in 0..N {
            part[i] /= p[i];
            known[i] += part[i];
        }
    }
    for c in 0..k {
        for i in 0..N {
            heads[c][i] = LN_2 * (weights[c][i] * known[i] - parts[c][i]);
            heads[k + c][i] *= parts[c][i];
            heads[2 * k + c][i] *= parts[c][i];
        }
    }
    p
}

/// 2^aₖ / Σ 2^aⱼ.
#[inline(always)]
fn softmax(logits: &[Row], weights: &mut [Row; MAX_K]) {
    let (mut top, mut sum) = (logits[0], [0.0; N]);
    for a in logits {
        for i in 0..N {
            top[i] = top[i].max(a[i]);
        }
    }
    for (w, a) in weights.iter_mut().zip(logits) {
        for i in 0..N {
            w[i] = exp2(a[i] - top[i]);
            sum[i] += w[i];
        }
    }
    for w in &mut weights[..logits.len()] {
        for i in 0..N {
            w[i] /= sum[i];
        }
    }
}

/// S(hi) − S(lo); in the place of m and l the slopes of its −ln.
#[inline(always)]
fn logistic(block: &Block, m: &mut Row, l: &mut Row) -> Row {
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;
    let (least, most) = (octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE));
    let mut p = [0.0; N];
    for i in 0..N {
        let scale = block.log_s[i] + l[i];
        let steep = exp2(-scale.clamp(least, most));
        let t = block.distance[i] - block.s[i] * m[i].clamp(-MAX_LOCATION, MAX_LOCATION);
        // 1 − e^(−steep), by its series where that is near 0
        let series = steep * (1.0 - steep / 2.0 * (1.0 - steep / 3.0 * (1.0 - steep / 4.0 * (1.0 - steep / 5.0))));
        let far = exp2(-steep * LOG2_E);
        let gap = if steep < 0.25 { series } else { 1.0 - far };
        let both = block.not_first[i] * block.not_last[i];
        let (hi, lo) = ((t + 0.5) * steep * LOG2_E, (t - 0.5) * steep * LOG2_E);
        let above = block.not_last[i] * (1.0 - 1.0 / (1.0 + exp2(-hi)));
        let below = block.not_first[i] * (1.0 - 1.0 / (1.0 + exp2(lo)));
        p[i] = (1.0 - above) * (1.0 - below) * (1.0 - both * (1.0 - gap));

        let by_steep = (t + 0.5) * above - (t - 0.5) * below + both * far / gap;
        let moves = if m[i].abs() < MAX_LOCATION { block.s[i] * steep } else { 0.0 };
        let widens = if scale > least && scale < most { LN_2 * steep } else { 0.0 };
        m[i] = moves * (above - below);
        l[i] = widens * by_steep;
    }
    p
}
