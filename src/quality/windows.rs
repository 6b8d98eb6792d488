//! A few windows of 4 × 4 samples (1 × 16 in rows), before and after, at places that a fixed seed draws: what two-sample tests look at.
//!
//! ```text
//! MMD² = mean k(x, x′) + mean k(y, y′) − 2 · mean k(x, y)          k(u, v) = exp(−|u − v|² / 2s²)
//! ```
//!
//! The maximum mean discrepancy of Gretton et al. (2012) over all pairs of the first 512 windows before, x, and after, y, of the same
//! places; s is the median distance of windows before. 0 where nothing changed, at most √2. Windows with a sample that does not count
//! are not drawn. Exponentials are `sample`'s own: a figure is the same on every machine.

use super::passes::Pair;
use super::place;
use crate::error::Result;
use crate::sample::{Ends, exp2};
use std::f64::consts::LOG2_E;

/// Samples of a window.
pub const N: usize = 16;
const SIDE: usize = 4;
const N_WINDOWS: usize = 2048;
/// Fewer say nothing.
const MIN_WINDOWS: usize = 64;
/// Places that are tried, per window.
const TRIES: usize = 4;
/// Windows whose pairs are looked at.
const N_IN_PAIRS: usize = 512;
/// Widths away from where most samples are.
const FAR: f64 = 1e6;

pub type Window = [f64; N];

/// A fixed sequence.
pub struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Draw {
        Draw(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// In 0..n, n below 2³¹; of a larger one in its first 2³¹.
    pub fn below(&mut self, n: usize) -> usize {
        let high = self.next() as usize;
        if n < 1 << 31 { high % n.max(1) } else { (high << 31 | self.next() as usize) % n }
    }

    /// In −1..1.
    pub fn signed(&mut self) -> f64 {
        self.next() as f64 / f64::from(1u32 << 30) - 1.0
    }
}

/// Windows before and after, in the order drawn: around the median of what was before, in units of its spread.
pub struct Windows {
    /// Samples of a row.
    pub w: usize,
    pub before: Vec<Window>,
    pub after: Vec<Window>,
}

impl Windows {
    /// None where too few places have samples that count.
    pub fn draw(pair: &Pair, range: Ends) -> Result<Option<Windows>> {
        let cut = &pair.cut;
        let (h, w) = if cut.h >= SIDE && cut.w >= SIDE { (SIDE, SIDE) } else { (1, N) };
        let mut drawn = Windows { w, before: Vec::new(), after: Vec::new() };
        if cut.w < w || cut.h < h {
            return Ok(None);
        }
        let mut draw = Draw::new(1);
        for _ in 0..TRIES * N_WINDOWS {
            let (plane, y, x) = (draw.below(cut.n_planes), draw.below(cut.h - h + 1), draw.below(cut.w - w + 1));
            let (before, after) = pair.block((plane, y, x), (h, w))?;
            if before.iter().any(|x| x.is_nan()) {
                continue;
            }
            let scaled = |samples: &[f64]| std::array::from_fn(|i| place(samples[i], range));
            drawn.before.push(scaled(&before));
            drawn.after.push(scaled(&after));
            if drawn.before.len() == N_WINDOWS {
                break;
            }
        }
        drawn.scale();
        Ok(Some(drawn).filter(|drawn| drawn.before.len() >= MIN_WINDOWS))
    }

    fn scale(&mut self) {
        let all: Vec<f64> = self.before.iter().flatten().copied().collect();
        let middle = median(all.clone());
        let deviations: Vec<f64> = all.iter().map(|x| (x - middle).abs()).collect();
        let spread = [median(deviations.clone()), deviations.iter().sum::<f64>() / all.len().max(1) as f64, 1.0];
        let spread = spread.into_iter().find(|spread| *spread > 0.0).unwrap_or(1.0);
        let scaled = |x: &mut f64| *x = ((*x - middle) / spread).clamp(-FAR, FAR);
        self.before.iter_mut().chain(&mut self.after).flatten().for_each(scaled);
    }

    pub fn discrepancy(&self) -> f64 {
        let n = self.before.len().min(N_IN_PAIRS);
        let (x, y) = (&self.before[..n], &self.after[..n]);
        let mut distances = Vec::with_capacity(n * (n - 1) / 2);
        for (i, a) in x.iter().enumerate() {
            distances.extend(x[..i].iter().map(|b| distance(a, b)));
        }
        let square = median(distances.into_iter().filter(|d| *d > 0.0).collect());
        let unit = if square > 0.0 { LOG2_E / (2.0 * square) } else { LOG2_E };
        let mean = |p: &[Window], q: &[Window]| {
            let rows = p.iter().map(|a| q.iter().map(|b| exp2(-distance(a, b) * unit)).sum::<f64>());
            rows.sum::<f64>() / (n * n) as f64
        };
        (mean(x, x) + mean(y, y) - 2.0 * mean(x, y)).max(0.0).sqrt()
    }
}

/// |a − b|²
fn distance(a: &Window, b: &Window) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The upper one of two; 0 of none.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    match numbers.len() {
        0 => 0.0,
        n => *numbers.select_nth_unstable_by(n / 2, f64::total_cmp).1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normal(draw: &mut Draw) -> f64 {
        (0..12).map(|_| draw.signed()).sum::<f64>() / 2.0
    }

    #[test]
    fn what_is_drawn_again_is_near_and_what_is_wider_or_moved_is_far() {
        let windows = |seed, scale: f64, shift: f64| {
            let mut draw = Draw::new(seed);
            (0..N_IN_PAIRS).map(|_| std::array::from_fn(|_| normal(&mut draw) * scale + shift)).collect::<Vec<Window>>()
        };
        let of = |after| Windows { w: 4, before: windows(1, 1.0, 0.0), after }.discrepancy();
        assert_eq!(of(windows(1, 1.0, 0.0)), 0.0);
        let [again, wider, moved] = [of(windows(2, 1.0, 0.0)), of(windows(2, 1.5, 0.0)), of(windows(2, 1.0, 0.5))];
        // by chance: √(2 / n)
        assert!(again < 0.07 && wider > 0.15 && moved > 0.15, "{again} {wider} {moved}");
    }

    #[test]
    fn draws_lie_where_they_should() {
        let mut draw = Draw::new(3);
        assert!((0..1000).all(|_| draw.below(7) < 7 && draw.signed().abs() <= 1.0));
        assert!((0..1000).any(|_| draw.below(1 << 40) > 1 << 33));
        assert_eq!((draw.below(1), draw.below(0)), (0, 0));
        assert_eq!((median(vec![]), median(vec![3.0]), median(vec![3.0, 1.0, 2.0])), (0.0, 3.0, 2.0));
    }
}
