//! Hidden ints by a pyramid: means of what is seen, ever coarser; then back from coarse to fine, where nothing is seen
//!
//! An encoder may put anything there. What is smooth takes few numbers, and this is smooth after one pass.

use super::lift::Size;
use crate::tile::mask::hides;

/// A plane at half the size of the one below it.
struct Level {
    h: usize,
    w: usize,
    values: Vec<i32>,
    seen: Vec<bool>,
}

/// Fills in the ints of planes that are hidden; those of planes that are hidden whole become `nothing`.
pub fn fill(ints: &mut [i32], classes: &[u8], [_, h, w]: Size, nothing: i32) {
    for (nth, plane) in ints.chunks_exact_mut(h * w).enumerate() {
        let seen: Vec<bool> = (0..h * w).map(|i| !hides(classes, nth * h * w + i)).collect();
        match seen.iter().filter(|seen| **seen).count() {
            0 => plane.fill(nothing),
            n if n < h * w => {
                let filled = Level { h, w, values: plane.to_vec(), seen }.filled();
                plane.copy_from_slice(&filled.values);
            }
            _ => {}
        }
    }
}

impl Level {
    fn filled(mut self) -> Level {
        if self.seen.iter().all(|seen| *seen) {
            return self;
        }
        let above = self.coarser().filled();
        for (y, x) in (0..self.h).flat_map(|y| (0..self.w).map(move |x| (y, x))) {
            let i = y * self.w + x;
            if !self.seen[i] {
                self.values[i] = above.between(y, x);
            }
        }
        self
    }

    /// Means of what is seen of 2 × 2.
    fn coarser(&self) -> Level {
        let (h, w) = (self.h.div_ceil(2), self.w.div_ceil(2));
        let mut coarser = Level { h, w, values: vec![0; h * w], seen: vec![false; h * w] };
        for (y, x) in (0..h).flat_map(|y| (0..w).map(move |x| (y, x))) {
            let (mut sum, mut n) = (0i64, 0);
            for yy in 2 * y..(2 * y + 2).min(self.h) {
                for i in yy * self.w + 2 * x..yy * self.w + (2 * x + 2).min(self.w) {
                    sum += if self.seen[i] { i64::from(self.values[i]) } else { 0 };
                    n += i64::from(self.seen[i]);
                }
            }
            if n > 0 {
                (coarser.values[y * w + x], coarser.seen[y * w + x]) = ((sum / n) as i32, true);
            }
        }
        coarser
    }

    /// The value at a place of the finer level: 9/16 of the nearest, the rest of the three beside it.
    fn between(&self, y: usize, x: usize) -> i32 {
        let near = |at: usize, n: usize| (at / 2, (at / 2 + at % 2 * 2).saturating_sub(1).min(n - 1));
        let ((y, other_y), (x, other_x)) = (near(y, self.h), near(x, self.w));
        let at = |y: usize, x: usize| i64::from(self.values[y * self.w + x]);
        let sum = 9 * at(y, x) + 3 * (at(other_y, x) + at(y, other_x)) + at(other_y, other_x);
        ((sum + 8) >> 4) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_lies_between_what_is_seen_and_what_is_seen_stays() {
        for [n, h, w] in [[1, 1, 1], [2, 1, 9], [3, 7, 1], [2, 33, 40]] {
            let classes: Vec<u8> = (0..n * h * w).map(|i| u8::from(i >= h * w && i % 5 > 1 || i % w > w / 2)).collect();
            let ints: Vec<i32> = (0..n * h * w).map(|i| 1000 + (i * 7919 % 500) as i32).collect();
            let mut filled = ints.clone();
            fill(&mut filled, &classes, [n, h, w], 1200);
            assert!(filled.iter().all(|v| (1000..1500).contains(v)), "{n}×{h}×{w}");
            assert!((0..ints.len()).all(|i| classes[i] > 0 || filled[i] == ints[i]));
        }
    }

    #[test]
    fn a_plane_that_is_hidden_whole_becomes_what_is_said() {
        let mut ints = [1, 2, 3, 4, 5, 6, 7, 8];
        fill(&mut ints, &[1, 1, 1, 1, 0, 0, 0, 1], [2, 2, 2], 50);
        assert_eq!(ints, [50, 50, 50, 50, 5, 6, 7, 6]);
    }
}
