//! place = cell − first          activations of the cells that came last, in a window of the arena that moves along with the runs
//!
//! Runs come in the order of their addresses, and layers see earlier cells only: what lies farther behind than the farthest tap is not
//! needed any more. A whole arena of activations would not fit the caches of a CPU. Where no cell has been, there is 0.

use super::SLACK;

/// Activations of earlier cells, in planes of one number per cell.
#[derive(Clone, Debug, Default)]
pub struct ActivationCache {
    planes: Vec<i32>,
    length: usize,
    span: usize,
    first: usize,
}

impl ActivationCache {
    /// Forgets all. No run is longer than `longest`, no offset is below −`span`.
    pub fn begin(&mut self, n_planes: usize, span: usize, longest: usize) {
        let length = 2 * span + longest + 2 * SLACK;
        *self = ActivationCache { planes: std::mem::take(&mut self.planes), length, span, first: 0 };
        self.planes.clear();
        self.planes.resize(n_planes * length, 0);
    }

    /// Makes room for the run of `n` cells at `at`, which lies behind all runs before it.
    pub fn reach(&mut self, at: usize, n: usize) {
        if self.planes.is_empty() || at + n + 2 * SLACK <= self.first + self.length {
            return;
        }
        let by = at - self.span - self.first;
        for plane in self.planes.chunks_exact_mut(self.length) {
            let n_left = self.length.saturating_sub(by);
            plane.copy_within(self.length - n_left.., 0);
            plane[n_left..].fill(0);
        }
        self.first += by;
    }

    /// The cells from `cell` on, in one plane.
    #[inline(always)]
    pub fn cells(&self, plane: usize, cell: usize) -> &[i32] {
        &self.planes[plane * self.length..][..self.length][cell - self.first..]
    }

    #[inline(always)]
    pub fn cells_mut(&mut self, plane: usize, cell: usize) -> &mut [i32] {
        &mut self.planes[plane * self.length..][..self.length][cell - self.first..]
    }

    /// Makes `n` cells from `cell` on such where nobody has been.
    pub fn forget(&mut self, cell: usize, n: usize) {
        for plane in self.planes.chunks_exact_mut(self.length.max(1)) {
            plane[cell - self.first..][..n].fill(0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of all lengths, some far behind the one before, each a number of its own.
    #[test]
    fn what_the_farthest_tap_sees_is_what_was_there() {
        let (span, longest) = (70, 50);
        let mut cache = ActivationCache::default();
        for _ in 0..2 {
            cache.begin(2, span, longest);
            let mut all = vec![0; 9000];
            let mut at = span;
            for i in 0..90 {
                let n = 1 + i * 7 % longest;
                cache.reach(at, n);
                for cell in at..at + n {
                    for tap in [1, span / 2, span] {
                        assert_eq!(cache.cells(1, cell - tap)[0], all[cell - tap], "run {i}, {tap} back");
                    }
                    all[cell] = cell as i32;
                    cache.cells_mut(1, cell)[0] = cell as i32;
                }
                at += n + [0, 1, 200][i % 3];
            }
        }
    }

    #[test]
    fn what_is_forgotten_was_never_there() {
        let mut cache = ActivationCache::default();
        cache.begin(2, 8, 20);
        cache.reach(8, 20);
        cache.cells_mut(0, 8)[..20].fill(7);
        cache.cells_mut(1, 8)[..20].fill(7);
        cache.forget(18, 40);
        assert_eq!(cache.cells(1, 8)[..12], [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 0, 0]);
        assert_eq!(cache.cells(0, 17)[..2], [7, 0]);
    }
}
