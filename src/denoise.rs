//! x′ = x + clamp(round(head · σ / 64), −bound, bound)        and x itself where something stands out at x or beside it
//!
//! The estimate of a sample from the 24 samples around it, 5 × 5 without itself, by an integer net: `weights::denoiser`. The net sees
//! differences to the sample in eighths of the noise σ, so neither a level nor a unit means anything to it.
//!
//! What stands out is no noise, and stays as it is: a sample far above or below the median of the 16 that lie two steps away, a sum of
//! 3 × 3 samples that is, or an outer ring that spreads more than noise does. Neighbours of such a sample stay, too.
//!
//! Only integers are computed with: what an encoder writes does not depend on its machine. Fill values stay, and nobody sees them. Of
//! dtypes of up to 16 bits a sample only becomes a value that occurs in its array: codes that never come may be none.

use crate::kernel::fast::Kernels;
use crate::net::{Sheet, Tap};
use crate::sample::{HOLE, Movable};

/// Samples around a patch that must be known, in steps: two for the net, one more for the neighbours.
pub const HALO: usize = 3;
/// A block of the net.
const SIDE: usize = 8;
pub const CELLS: usize = SIDE * SIDE;
/// What the net sees of a block.
pub const SEEN: Sheet = Sheet { side: SIDE, width: AROUND.len() };
/// Activations are not negative.
pub const MIDDLE: i32 = 64;
const NEAR: usize = 8;
/// The nearest 8, then the 16 around them.
const AROUND: [Tap; 24] = [
    (-1, -1),
    (-1, 0),
    (-1, 1),
    (0, -1),
    (0, 1),
    (1, -1),
    (1, 0),
    (1, 1),
    (-2, -2),
    (-2, -1),
    (-2, 0),
    (-2, 1),
    (-2, 2),
    (-1, -2),
    (-1, 2),
    (0, -2),
    (0, 2),
    (1, -2),
    (1, 2),
    (2, -2),
    (2, -1),
    (2, 0),
    (2, 1),
    (2, 2),
];
/// In sixteenths of σ. White noise is further off once in 1200 times, and a sum of nine once in 480.
const FAR: i32 = 56;
const FAR_IN_ALL: i32 = 197;
/// The same of the distance between the fourth of 16 samples and the thirteenth: white noise has 24, and more than this once in 6700 times.
const WIDE: i32 = 52;

/// h × w samples and those around them, `HALO` steps wide. A step is the distance to the next sample of its kind.
#[derive(Clone, Copy)]
pub struct Patch<'a> {
    pub samples: &'a [i64],
    pub h: usize,
    pub w: usize,
    pub step: usize,
}

impl Patch<'_> {
    /// Samples of a row with those around it.
    pub fn stride(&self) -> usize {
        self.w + 2 * HALO * self.step
    }

    fn centre(&self, y: usize, x: usize) -> usize {
        (y + HALO * self.step) * self.stride() + x + HALO * self.step
    }

    /// The samples around a place: (sample − this sample) · 16 / σ.
    pub fn around(&self, at: usize, movable: &Movable) -> [i32; AROUND.len()] {
        let (here, most, per_sigma) =
            (self.samples[at], 9 * movable.sigma_256 / 256 + 1, (1 << 44) / movable.sigma_256);
        AROUND.map(|(dy, dx)| {
            let there =
                (at as i64 + (i64::from(dy) * self.stride() as i64 + i64::from(dx)) * self.step as i64) as usize;
            let sample = self.samples[there];
            let d = if sample == HOLE { 0 } else { sample.saturating_sub(here).clamp(-most, most) };
            ((d * per_sigma + (1 << 31)) >> 32).clamp(-127, 127) as i32
        })
    }

    /// Places where nothing stands out, of a patch and one step around it: as long as `samples`.
    pub fn quiet(&self, movable: &Movable) -> Vec<bool> {
        let (mut quiet, step) = (vec![false; self.samples.len()], self.step);
        for y in 2 * step..self.h + 4 * step {
            let first = y * self.stride() + 2 * step;
            for (quiet, at) in quiet[first..][..self.w + 2 * step].iter_mut().zip(first..) {
                *quiet = self.samples[at] != HOLE && !stands_out(&self.around(at, movable));
            }
        }
        quiet
    }

    /// Whether a sample may be moved.
    fn is_free(&self, at: usize, quiet: &[bool], movable: &Movable) -> bool {
        let (here, (low, high)) = (self.samples[at], movable.ends);
        let down = self.step * self.stride();
        let mut near = [at - down, at, at + down].into_iter().flat_map(|i| [i - self.step, i, i + self.step]);
        here > low && here < high && near.all(|i| quiet[i])
    }

    /// The samples that may be moved, by their place in `samples`.
    pub fn free(&self, movable: &Movable) -> Vec<usize> {
        let quiet = self.quiet(movable);
        let places = (0..self.h).flat_map(|y| (0..self.w).map(move |x| (y, x)));
        places.map(|(y, x)| self.centre(y, x)).filter(|&at| self.is_free(at, &quiet, movable)).collect()
    }

    /// The h × w samples, denoised by the one mesh of the kernels.
    pub fn denoised(&self, kernels: &Kernels, movable: &Movable) -> Vec<i64> {
        let mut all = self.samples.to_vec();
        for block in self.free(movable).chunks(CELLS) {
            let mut seen = vec![0; CELLS * AROUND.len()];
            for (cell, &at) in seen.chunks_exact_mut(AROUND.len()).zip(block) {
                cell.copy_from_slice(&inputs(self.around(at, movable)));
            }
            for (&at, head) in block.iter().zip(kernels.mesh(0, &[&seen])) {
                all[at] = moved(self.samples[at], head, movable);
            }
        }
        (0..self.h).flat_map(|y| &all[self.centre(y, 0)..][..self.w]).copied().collect()
    }
}

/// What the net sees of them: eighths of σ, the middle is `MIDDLE`.
pub fn inputs(around: [i32; AROUND.len()]) -> [i32; AROUND.len()] {
    around.map(|d| (MIDDLE + ((d + 1) >> 1)).clamp(0, 127))
}

/// A sample moved by so many 64ths of σ.
fn moved(here: i64, head: i32, movable: &Movable) -> i64 {
    let by = i64::from(head).saturating_mul(movable.sigma_256).saturating_add(1 << 13) >> 14;
    let (low, high) = movable.ends;
    movable.nearest(here, here.saturating_add(by.clamp(-movable.bound, movable.bound)).clamp(low, high))
}

/// Whether a sample, or the 3 × 3 around it, is further off from the outer ring than noise is, or that ring is no noise.
fn stands_out(around: &[i32; AROUND.len()]) -> bool {
    let (near, mut ring) = (around[..NEAR].iter().sum::<i32>(), [0; AROUND.len() - NEAR]);
    ring.copy_from_slice(&around[NEAR..]);
    ring.sort_unstable();
    let twice_median = ring[7] + ring[8];
    twice_median.abs() > 2 * FAR || (2 * near - 9 * twice_median).abs() > 2 * FAR_IN_ALL || ring[12] - ring[3] > WIDE
}
