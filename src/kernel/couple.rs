//! v ← v ± 64 · ⌊(b + s · m) / 64⌉          a coupling of a flow, done and undone
//!
//! m is the location of the first logistic of a net, in 1/128 of s. What is added depends on other cells only, so that the inverse ends
//! where the forward transform began. The forward transform never meets the limits: they bound what a corrupt payload may do.

use super::ONE;
use super::context::Heads;

/// The largest magnitude of an int inside a flow: planes hold 2²², and at most 48 updates of at most 2¹⁶ + 1 come on top.
pub const MAX_LIFTED: i32 = 7 << 20;
/// The largest magnitude of a detail: what is left of an odd sample when its prediction is taken away.
pub const MAX_DETAIL: i32 = 1 << 24;

/// Which step of a lifting, forward or inverse: its sign, and how large a value may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// 1 or −1.
    pub sign: i32,
    pub most: i32,
}

impl Direction {
    pub const PREDICT: Direction = Direction { sign: -1, most: MAX_DETAIL };
    pub const UPDATE: Direction = Direction { sign: 1, most: MAX_LIFTED };

    /// The step that undoes this one.
    pub fn inverse(self) -> Direction {
        Direction { sign: -self.sign, most: MAX_LIFTED }
    }
}

/// Couples the run of `b.len()` cells at `at` with the heads of a net whose mixtures have `k` logistics.
pub fn couple(k: usize, direction: Direction, b: &[i32], heads: &Heads, at: usize, values: &mut [i32]) {
    let most = direction.most * ONE;
    for (i, &b) in b.iter().enumerate() {
        let m = heads.heads[k * heads.stride + i].clamp(-1024, 1024);
        let shift = (heads.s[i].min(1 << 19) * m + 64) >> 7;
        let int = (b + shift + ONE / 2) >> 6;
        values[at + i] = (values[at + i] + direction.sign * int * ONE).clamp(-most, most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heads(s: i32, m: i32) -> Heads {
        Heads { stride: 1, s: vec![s], heads: vec![7, m, 9] }
    }

    fn coupled(v: i32, b: i32, s: i32, m: i32, direction: Direction) -> i32 {
        let mut values = [1, v, 2];
        couple(1, direction, &[b], &heads(s, m), 1, &mut values);
        assert_eq!((values[0], values[2]), (1, 2));
        values[1]
    }

    #[test]
    fn the_sum_is_rounded_to_ints_half_up() {
        // 640 + 128 · 31 / 128 is half an int less one above 10
        assert_eq!(coupled(0, 640, 128, 31, Direction::UPDATE), 10 * ONE);
        assert_eq!(coupled(0, 640, 128, 32, Direction::UPDATE), 11 * ONE);
        assert_eq!(coupled(0, 640, 128, -32, Direction::PREDICT), -10 * ONE);
        assert_eq!(coupled(0, 640, 128, -33, Direction::PREDICT), -9 * ONE);
    }

    #[test]
    fn what_is_done_is_undone_at_every_size() {
        for (s, m, b) in
            [(1, 0, 0), (1 << 22, 1024, 1 << 28), (1 << 22, -32768, 0), (300, 32767, 1 << 28), (77, -5, 6400)]
        {
            for v in [0, ONE, 65535 * ONE, (1 << 22) * ONE, -MAX_LIFTED * ONE, MAX_LIFTED * ONE] {
                assert_eq!(coupled(coupled(v, b, s, m, Direction::PREDICT), b, s, m, Direction::PREDICT.inverse()), v);
            }
            let forward = coupled((1 << 22) * ONE, 0, s, m, Direction::UPDATE);
            assert_eq!(coupled(forward, 0, s, m, Direction::UPDATE.inverse()), (1 << 22) * ONE);
        }
    }

    #[test]
    fn a_corrupt_value_stays_within_what_kernels_may_see() {
        let most = (MAX_DETAIL - 1) * ONE;
        assert_eq!(coupled(most, 1 << 28, 1 << 22, 1024, Direction::PREDICT.inverse()), MAX_LIFTED * ONE);
        assert_eq!(coupled(-most, 0, 1 << 22, -1024, Direction::UPDATE.inverse()), -MAX_LIFTED * ONE);
    }
}
