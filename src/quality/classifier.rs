//! p(after | window) = σ(w₂ · max(0, W₁·f + b₁) + b₂)          AUC = P(p of a window after > p of one before), ties count half
//!
//! Whether a small network can tell what came out from what was there: trained in place on windows of three quarters of the places,
//! asked about the last quarter, four times; a place is before and after in the same quarter. 0.5: it cannot; 1: it always can. Of
//! 2048 places two AUC differ by 0.01 by chance. Seeds and the order of sums are fixed, and σ is made of + − × ÷.
//!
//! A window is told by its samples around their mean in units of the noise, by how often neighbours are equal, and by how far apart
//! they are: a coarse step shows there first.

use super::windows::{Draw, N, Window, Windows, median};
use crate::sample::exp2;
use std::f64::consts::LOG2_E;

const N_FEATURES: usize = N + 4;
const N_HIDDEN: usize = 12;
const N_FOLDS: usize = 4;
const N_EPOCHS: usize = 12;
const N_PER_STEP: usize = 32;
const RATE: f64 = 0.05;
const MOMENTUM: f64 = 0.9;
/// Units of the noise.
const FAR: f64 = 8.0;

type Features = [f64; N_FEATURES];

pub fn auc(windows: &Windows) -> f64 {
    let noise = noise(windows);
    let of = |all: &[Window]| all.iter().map(|window| features(window, windows.w, noise)).collect::<Vec<Features>>();
    let (before, after) = (of(&windows.before), of(&windows.after));
    let folds = (0..N_FOLDS).map(|fold| {
        let is_asked = |i: usize| i % N_FOLDS == fold;
        let part = |all: &[Features], asked: bool| {
            let chosen = all.iter().enumerate().filter(|(i, _)| is_asked(*i) == asked);
            chosen.map(|(_, f)| *f).collect::<Vec<Features>>()
        };
        let net = Net::trained(&part(&before, false), &part(&after, false), fold as u64 + 1);
        let asked = |all: &[Features]| part(all, true).iter().map(|f| net.score(f)).collect::<Vec<f64>>();
        area(&asked(&before), &asked(&after))
    });
    folds.sum::<f64>() / N_FOLDS as f64
}

/// The median difference of neighbours before; of what is flat, one.
fn noise(windows: &Windows) -> f64 {
    let differences = |window: &Window| along(window, windows.w, 1).map(f64::abs).collect::<Vec<f64>>();
    let all: Vec<f64> = windows.before.iter().flat_map(differences).filter(|d| *d > 0.0).collect();
    Some(median(all)).filter(|noise| *noise > 0.0).unwrap_or(1.0)
}

/// Differences of samples so far apart in the rows of a window.
fn along(window: &Window, w: usize, distance: usize) -> impl Iterator<Item = f64> + '_ {
    window.chunks(w).flat_map(move |row| row.windows(distance + 1).map(move |r| r[distance] - r[0]))
}

/// The same down the columns; along the row, at twice the distance, where there is only one.
fn down(window: &Window, w: usize) -> impl Iterator<Item = f64> + '_ {
    let step = if w == N { 2 } else { w };
    window.windows(step + 1).map(move |r| r[step] - r[0])
}

fn features(window: &Window, w: usize, noise: f64) -> Features {
    let mean = window.iter().sum::<f64>() / N as f64;
    let share = |differences: Vec<f64>| {
        let n = differences.len() as f64;
        let equal = differences.iter().filter(|d| **d == 0.0).count() as f64 / n;
        (equal, differences.iter().map(|d| d.abs()).sum::<f64>() / n / noise)
    };
    let (right, below) = (share(along(window, w, 1).collect()), share(down(window, w).collect()));
    let more = [4.0 * right.0, 4.0 * below.0, right.1, below.1];
    std::array::from_fn(|i| if i < N { (window[i] - mean) / noise } else { more[i - N] })
        .map(|x: f64| x.clamp(-FAR, FAR))
}

/// Weights in one row: of each hidden unit its features and its bias, then the last layer and its bias.
struct Net(Vec<f64>);

const N_WEIGHTS: usize = N_HIDDEN * (N_FEATURES + 1) + N_HIDDEN + 1;

impl Net {
    fn trained(before: &[Features], after: &[Features], seed: u64) -> Net {
        let mut draw = Draw::new(seed);
        let mut net = Net((0..N_WEIGHTS).map(|_| 0.3 * draw.signed()).collect());
        let mut order: Vec<(usize, bool)> = (0..before.len()).flat_map(|i| [(i, false), (i, true)]).collect();
        let mut speed = vec![0.0; N_WEIGHTS];
        let mut slope = vec![0.0; N_WEIGHTS];
        for epoch in 0..N_EPOCHS {
            for i in (1..order.len()).rev() {
                order.swap(i, draw.below(i + 1));
            }
            let rate = RATE * (1.0 - epoch as f64 / N_EPOCHS as f64);
            for step in order.chunks(N_PER_STEP) {
                slope.fill(0.0);
                for &(i, is_after) in step {
                    let of = if is_after { &after[i] } else { &before[i] };
                    net.add_slope(of, is_after, &mut slope);
                }
                for ((weight, speed), slope) in net.0.iter_mut().zip(&mut speed).zip(&slope) {
                    *speed = MOMENTUM * *speed - rate * slope / step.len() as f64;
                    *weight += *speed;
                }
            }
        }
        net
    }

    fn hidden(&self, f: &Features) -> [f64; N_HIDDEN] {
        std::array::from_fn(|unit| {
            let row = &self.0[unit * (N_FEATURES + 1)..][..N_FEATURES + 1];
            let sum = row.iter().zip(f).map(|(w, x)| w * x).sum::<f64>() + row[N_FEATURES];
            sum.max(0.0)
        })
    }

    /// Rises with the probability.
    fn score(&self, f: &Features) -> f64 {
        let last = &self.0[N_HIDDEN * (N_FEATURES + 1)..];
        self.hidden(f).iter().zip(last).map(|(x, w)| x * w).sum::<f64>() + last[N_HIDDEN]
    }

    /// Adds the slope of −log p of what it is.
    fn add_slope(&self, f: &Features, is_after: bool, slope: &mut [f64]) {
        let hidden = self.hidden(f);
        let (rows, last) = self.0.split_at(N_HIDDEN * (N_FEATURES + 1));
        debug_assert_eq!(rows.len() + last.len(), N_WEIGHTS);
        let score = hidden.iter().zip(last).map(|(x, w)| x * w).sum::<f64>() + last[N_HIDDEN];
        let p = 1.0 / (1.0 + exp2(-score.clamp(-40.0, 40.0) * LOG2_E));
        let off = p - f64::from(u8::from(is_after));
        let (of_rows, of_last) = slope.split_at_mut(N_HIDDEN * (N_FEATURES + 1));
        of_last[N_HIDDEN] += off;
        for (unit, x) in hidden.iter().enumerate() {
            of_last[unit] += off * x;
            if *x > 0.0 {
                let row = &mut of_rows[unit * (N_FEATURES + 1)..][..N_FEATURES + 1];
                let off = off * last[unit];
                row.iter_mut().zip(f).for_each(|(slope, x)| *slope += off * x);
                row[N_FEATURES] += off;
            }
        }
    }
}

/// The share of pairs in which the second is larger.
fn area(before: &[f64], after: &[f64]) -> f64 {
    let mut below = before.to_vec();
    below.sort_by(f64::total_cmp);
    let larger = |score: &f64| {
        let n_less = below.partition_point(|x| x < score);
        let n_equal = below[n_less..].partition_point(|x| x <= score);
        n_less as f64 + 0.5 * n_equal as f64
    };
    after.iter().map(larger).sum::<f64>() / (before.len() * after.len()) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise_windows(n: usize, seed: u64, change: impl Fn(f64) -> f64) -> Windows {
        let mut draw = Draw::new(seed);
        let mut one = || std::array::from_fn(|_| (0..12).map(|_| draw.signed()).sum::<f64>() / 2.0);
        let before: Vec<Window> = (0..n).map(|_| one()).collect();
        let after = before.iter().map(|window| window.map(&change)).collect();
        Windows { w: 4, before, after }
    }

    #[test]
    fn the_area_is_a_share_of_pairs() {
        assert_eq!(area(&[1.0, 2.0], &[3.0, 4.0]), 1.0);
        assert_eq!(area(&[1.0, 2.0, 3.0], &[1.0, 2.0, 3.0]), 0.5);
        assert_eq!(area(&[1.0, 3.0], &[2.0, 2.0]), 0.5);
        assert_eq!(area(&[2.0], &[1.0]), 0.0);
    }

    #[test]
    fn what_is_the_same_cannot_be_told_and_what_is_quantised_can() {
        assert_eq!(auc(&noise_windows(800, 1, |x| x)), 0.5);
        let fine = auc(&noise_windows(800, 1, |x| (x * 1e4).round() / 1e4));
        let coarse = auc(&noise_windows(800, 1, f64::round));
        assert!((fine - 0.5).abs() < 0.04 && coarse > 0.95, "{fine} {coarse}");
    }
}
