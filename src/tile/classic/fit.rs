//! minimise Σ wₛ · (t − Σ xᵢ·fᵢ)²       t = u − W,  fᵢ = uᵢ − W for the other neighbours,  f_m = m − W for the median m
//!
//! Written with differences from W, so that a smooth field keeps its level exactly whatever the coefficients are rounded
//! to; x_m is how far the prediction leans to the middle of the tile, which is worth 0.1 bit where there is only noise.
//! A weight falls with the square of the activity around its place, and a value far from its neighbours is pulled to
//! them: one star, one hot pixel must not decide for the whole sky (1 % of all bytes on raw frames).
//! Integers in a fixed order: the bytes must not depend on the machine. The result is transmitted, so a poor fit costs
//! bits and never correctness.

use super::predict::{N_TAPS, Predictor, shift};
use crate::tile::mask::hides;

/// The neighbours other than W, and the median.
const N_UNKNOWNS: usize = N_TAPS;
type Sample = [i64; N_UNKNOWNS + 1];

/// A tile's values above its minimum, as rows of `w`.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    pub values: &'a [u32],
    pub h: usize,
    pub w: usize,
    /// Of a mask, none where nothing is masked.
    pub classes: &'a [u8],
}

/// About `n_wanted` places are looked at.
pub fn fit(tile: Tile, spread: u32, n_wanted: usize) -> Option<Predictor> {
    let samples = gather(tile, n_wanted);
    if samples.len() < 4 * N_UNKNOWNS {
        return None;
    }
    let middle = median(tile);
    let (normal, right) = sums(&samples, middle, tile.h == 1);
    let x = solve(normal, right)?;
    quantise(&x, middle, shift(spread)).filter(|predictor| predictor.fits(spread))
}

/// The median everywhere.
pub fn constant(tile: Tile, spread: u32) -> Predictor {
    Predictor::Linear { coefs: [0; N_TAPS], bias: median(tile) << shift(spread) }
}

/// W first, then the other neighbours in the order of the taps, then the value itself.
fn gather(tile: Tile, n_wanted: usize) -> Vec<Sample> {
    let Tile { values, h, w, classes } = tile;
    let (first_row, n_rows) = if h == 1 { (0, 1) } else { (2.min(h), h.saturating_sub(2)) };
    if w < 5 || n_rows == 0 {
        return Vec::new();
    }
    // Odd strides meet all phases of a mosaic.
    let stride = (n_rows * (w - 4)).div_ceil(n_wanted);
    let step_y = (1..).find(|s| s * s >= stride).unwrap_or(1).min(n_rows) | 1;
    let step_x = stride.div_ceil(step_y) | 1;
    let mut samples = Vec::with_capacity((n_rows / step_y + 1) * ((w - 4) / step_x + 1));
    for (i, y) in (first_row..first_row + n_rows).step_by(step_y).enumerate() {
        let row = &values[y * w..][..w];
        let (north, north2) = match h {
            1 => (row, row),
            _ => (&values[(y - 1) * w..][..w], &values[(y - 2) * w..][..w]),
        };
        for x in (2 + (i * 7) % step_x..w - 2).step_by(step_x).filter(|x| !hides(classes, y * w + x)) {
            let at = |row: &[u32], dx: usize| i64::from(row[x + dx - 2]);
            samples.push([
                at(row, 1),
                at(row, 0),
                at(north, 0),
                at(north, 1),
                at(north, 2),
                at(north, 3),
                at(north, 4),
                at(north2, 0),
                at(north2, 1),
                at(north2, 2),
                at(north2, 3),
                at(north2, 4),
                at(row, 2),
            ]);
        }
    }
    samples
}

fn median(tile: Tile) -> i64 {
    let step = (tile.values.len() / 1024).max(1) | 1;
    let mut sampled: Vec<u32> = tile.values.iter().copied().step_by(step).collect();
    let middle = sampled.len() / 2;
    i64::from(*sampled.select_nth_unstable(middle).1)
}

/// Places more restless than this many times the median are left out.
const MAX_RATIO: i64 = 32;
type Matrix = [[i128; N_UNKNOWNS]; N_UNKNOWNS];
type Vector = [i128; N_UNKNOWNS];

/// The normal equations; unknown i < 11 belongs to tap i + 1, the last to the median.
fn sums(samples: &[Sample], middle: i64, one_row: bool) -> (Matrix, Vector) {
    let n_near = if one_row { 2 } else { N_TAPS };
    let level = |s: &Sample| s[..n_near].iter().sum::<i64>() / n_near as i64;
    let activity = |s: &Sample| {
        let level = level(s);
        s[..n_near].iter().map(|u| (u - level).abs()).sum::<i64>() / n_near as i64
    };
    let mut activities: Vec<i64> = samples.iter().map(activity).collect();
    let typical = 1 + *activities.select_nth_unstable(samples.len() / 2).1;
    let octave = typical.ilog2() as i32;
    // Squares take 2·(13 + 6) bits, weights 8, the number of samples 12: below 63. Restless places have low weights.
    let scale = (octave - 13).max(0);
    let bound = 1i64 << (octave + 6);
    let mut normal = [[0i64; N_UNKNOWNS]; N_UNKNOWNS];
    let mut right = [0i64; N_UNKNOWNS];
    for s in samples {
        let (level, activity) = (level(s), activity(s));
        if activity > typical * MAX_RATIO {
            continue;
        }
        let ratio = activity * 16 / typical;
        let weight = (64 << 8) / (ratio * ratio + 100);
        let mut f = [0i64; N_UNKNOWNS];
        for (f, u) in f.iter_mut().zip(&s[1..n_near]) {
            *f = (u - s[0]) >> scale;
        }
        f[N_UNKNOWNS - 1] = (middle - s[0]).clamp(-bound, bound) >> scale;
        // 3 mean deviations are 2.4 σ of noise; 12 instead of 3 cost 0.3 % on raw frames.
        let far = 3 * (activity + typical / 2);
        let target = (s[N_TAPS].clamp(level - far, level + far) - s[0]) >> scale;
        for i in 0..N_UNKNOWNS {
            let g = f[i] * weight;
            for j in 0..=i {
                normal[i][j] += g * f[j];
            }
            right[i] += g * target;
        }
    }
    let mut full = [[0i128; N_UNKNOWNS]; N_UNKNOWNS];
    for i in 0..N_UNKNOWNS {
        for j in 0..N_UNKNOWNS {
            full[i][j] = i128::from(normal[i.max(j)][i.min(j)]) << 16;
        }
        // The ridge keeps the system solvable where neighbours are equal or absent.
        full[i][i] += (full[i][i] >> 26) + (1 << 16);
    }
    (full, right.map(|r| i128::from(r) << 16))
}

/// Gaussian elimination without pivots: the matrix is symmetric and positive. The answer is in units of 2⁻³².
fn solve(mut a: Matrix, mut b: Vector) -> Option<Vector> {
    for k in 0..N_UNKNOWNS {
        if a[k][k] <= 0 {
            return None;
        }
        for i in k + 1..N_UNKNOWNS {
            let factor = a[i][k].checked_mul(1 << 32)? / a[k][k];
            let pivot = a[k];
            for (a, p) in a[i][k..].iter_mut().zip(&pivot[k..]) {
                *a -= factor.checked_mul(*p)? >> 32;
            }
            b[i] -= factor.checked_mul(b[k])? >> 32;
        }
    }
    let mut x = [0i128; N_UNKNOWNS];
    for i in (0..N_UNKNOWNS).rev() {
        let mut rest = b[i].checked_mul(1 << 32)?;
        for j in i + 1..N_UNKNOWNS {
            rest = rest.checked_sub(a[i][j].checked_mul(x[j])?)?;
        }
        x[i] = rest / a[i][i];
    }
    Some(x)
}

fn quantise(x: &Vector, middle: i64, shift: u32) -> Option<Predictor> {
    let mut coefs = [0i32; N_TAPS];
    let rounded = |x: i128| i32::try_from((x + (1 << (31 - shift))) >> (32 - shift)).ok();
    for (c, &x) in coefs[1..].iter_mut().zip(x) {
        *c = rounded(x)?;
    }
    let lean = rounded(x[N_UNKNOWNS - 1])?;
    let others: i64 = coefs[1..].iter().map(|&c| i64::from(c)).sum();
    coefs[0] = i32::try_from((1 << shift) - others - i64::from(lean)).ok()?;
    Some(Predictor::Linear { coefs, bias: i64::from(lean) * middle + (1 << (shift - 1)) })
}
