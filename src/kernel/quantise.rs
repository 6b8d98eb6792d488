//! q  = clamp(round(a₁ / 256), 0, 24)          a₁ the first head of an encoder's net: the feature that is transmitted
//! b′ = (b + 32 − 32·2ᴰ) >> D,   s′ = max(s >> D, 1)          a prediction in steps of 2ᴰ ints
//!
//! A step holds ints B·2ᴰ … B·2ᴰ + 2ᴰ − 1: its lower edge, half an int below, becomes the lower edge of symbol B.

use super::context::Heads;
use super::{MAX_RESIDUAL, ONE};

/// Features are 0..=24.
pub const MAX_FEATURE: i32 = 24;
/// log2 of a feature's step, in the unit of a head.
pub(super) const FEATURE_SHIFT: u32 = 8;
/// What features are expected around, and their scale.
pub const FEATURE_B: i32 = 12 * ONE;
pub const FEATURE_S: i32 = 4 * ONE;

/// The feature of every cell of a run of n, none above `most`.
pub fn quantise(n: usize, heads: &Heads, most: i32, out: &mut [i32]) {
    for (q, &a) in out[..n].iter_mut().zip(&heads.heads) {
        *q = ((a + (1 << FEATURE_SHIFT >> 1)) >> FEATURE_SHIFT).clamp(0, most);
    }
}

/// Predictions and scales of a run of n in steps of 2^log2_step ints.
pub fn coarsen(n: usize, log2_step: u32, b: &[i32], s: &mut [i32], out: &mut [i32]) {
    for i in 0..n {
        out[i] = (b[i] + (ONE / 2) - ((ONE / 2) << log2_step)) >> log2_step;
        s[i] = (s[i] >> log2_step).max(1);
    }
}

/// The step that an int lies in.
pub fn coarse(int: i32, log2_step: u32) -> i32 {
    int >> log2_step
}

/// The int in the middle of a step, or the last one there is.
pub fn centre(step: i32, log2_step: u32, max: i32) -> i32 {
    ((step << log2_step) + ((1 << log2_step) >> 1)).min(max)
}

const _: () = assert!(MAX_RESIDUAL >> 15 > 0, "the coarsest step is finer than the coarsest scale");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_step_lies_in_it_and_edges_fall_on_edges() {
        for log2_step in 0..=15 {
            for max in [1, 250, 255, 65_535, 1 << 22] {
                for step in [0, 1, 7, max >> log2_step].into_iter().filter(|&step| step <= max >> log2_step) {
                    let int = centre(step, log2_step, max);
                    assert!(int <= max && coarse(int, log2_step) == step);
                    let (mut s, mut b) = ([100], [0]);
                    coarsen(1, log2_step, &[ONE * (step << log2_step) - ONE / 2], &mut s, &mut b);
                    assert_eq!((b[0], s[0]), (ONE * step - ONE / 2, (100 >> log2_step).max(1)));
                }
            }
        }
    }

    #[test]
    fn a_feature_is_a_rounded_head_within_its_range() {
        let heads = [-32768, -129, -128, 127, 128, 24 * 256, 32767];
        let heads = Heads { stride: 7, s: vec![1; 7], heads: heads.to_vec() };
        let mut q = [9; 7];
        quantise(7, &heads, MAX_FEATURE, &mut q);
        assert_eq!(q, [0, 0, 0, 0, 1, 24, 24]);
        quantise(7, &heads, 3, &mut q);
        assert_eq!(q, [0, 0, 0, 0, 1, 3, 3]);
    }
}
