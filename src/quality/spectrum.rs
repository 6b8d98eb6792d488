//! P(band) = Σ |F|² over frequencies |f| of a band          ratio = P after / P before,  residual = P of d / P before
//!
//! The power spectra of up to 32 blocks of at most 128 × 128 samples (rows of 1024 in one dimension), spread evenly over the array,
//! around their means and under a Hann window; f in cycles per sample. What does not count is at the mean. A bound that smooths takes
//! power from high frequencies, one that rounds adds some.

use super::passes::{FAR, Pair};
use super::place;
use crate::error::Result;
use crate::sample::Ends;
use rayon::prelude::*;
use std::f64::consts::PI;

const MAX_SIDE: usize = 128;
const MAX_ROW: usize = 1024;
/// The lowest frequency of a shorter block is half of the highest band.
const MIN_SIDE: usize = 16;
const MAX_BLOCKS: usize = 32;
/// Upper ends; the last band has the corners beyond it, too.
pub const EDGES: [f64; 5] = [1.0 / 32.0, 1.0 / 16.0, 1.0 / 8.0, 1.0 / 4.0, 1.0 / 2.0];

/// Frequencies from one to another, and what became of their power.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    pub from: f64,
    pub to: f64,
    pub ratio: f64,
    pub residual: f64,
}

/// None where blocks are too small, or a band has no power.
pub fn bands(pair: &Pair, range: Ends) -> Result<Vec<Band>> {
    let (h, w) = (pair.cut.h, pair.cut.w);
    let power_of_two = |n: usize| 1 << n.max(1).ilog2();
    let side = power_of_two(h.min(w)).min(MAX_SIDE);
    let (block_h, block_w) = if side >= MIN_SIDE { (side, side) } else { (1, power_of_two(w).min(MAX_ROW)) };
    if block_w < MIN_SIDE {
        return Ok(Vec::new());
    }
    let (n_down, n_across) = (h / block_h, w / block_w);
    let n_all = pair.cut.n_planes * n_down * n_across;
    let n = n_all.min(MAX_BLOCKS);
    let block = |i: usize| {
        let nth = ((i as u128 * 2 + 1) * n_all as u128 / (2 * n as u128)) as usize;
        let (plane, rest) = (nth / (n_down * n_across), nth % (n_down * n_across));
        let at = (plane, rest / n_across * block_h, rest % n_across * block_w);
        let (before, after) = pair.block(at, (block_h, block_w))?;
        let scaled =
            |numbers: Vec<f64>| numbers.into_iter().map(|x| place(x, range).clamp(-FAR, FAR)).collect::<Vec<f64>>();
        Ok(powers(&scaled(before), &scaled(after), (block_h, block_w)))
    };
    let blocks: Vec<[[f64; EDGES.len()]; 3]> = (0..n).into_par_iter().map(block).collect::<Result<_>>()?;
    let mut sums = [[0.0; EDGES.len()]; 3];
    for block in &blocks {
        sums.iter_mut().flatten().zip(block.iter().flatten()).for_each(|(sum, power)| *sum += power);
    }
    let [before, after, residual] = sums;
    let lowest = |i: usize| if i == 0 { 0.0 } else { EDGES[i - 1] };
    let band = |i: usize| Band {
        from: lowest(i),
        to: EDGES[i],
        ratio: after[i] / before[i],
        residual: residual[i] / before[i],
    };
    Ok((0..EDGES.len()).filter(|&i| before[i] > 0.0).map(band).collect())
}

/// Of a block before, after and of what it is off, by band.
fn powers(before: &[f64], after: &[f64], size: (usize, usize)) -> [[f64; EDGES.len()]; 3] {
    let n = before.iter().filter(|x| !x.is_nan()).count().max(1) as f64;
    let mean = before.iter().filter(|x| !x.is_nan()).sum::<f64>() / n;
    let around =
        |numbers: &[f64]| numbers.iter().map(|x| if x.is_nan() { 0.0 } else { x - mean }).collect::<Vec<f64>>();
    let (before, after) = (around(before), around(after));
    let residual: Vec<f64> = after.iter().zip(&before).map(|(y, x)| y - x).collect();
    [before, after, residual].map(|numbers| by_band(numbers, size))
}

fn by_band(mut re: Vec<f64>, (h, w): (usize, usize)) -> [f64; EDGES.len()] {
    let hann =
        |i: usize, n: usize| if n == 1 { 1.0 } else { 0.5 - 0.5 * (2.0 * PI * (i as f64 + 0.5) / n as f64).cos() };
    let (down, across): (Vec<f64>, Vec<f64>) =
        ((0..h).map(|i| hann(i, h)).collect(), (0..w).map(|i| hann(i, w)).collect());
    re.iter_mut().enumerate().for_each(|(i, x)| *x *= down[i / w] * across[i % w]);
    let mut im = vec![0.0; h * w];
    for (re, im) in re.chunks_exact_mut(w).zip(im.chunks_exact_mut(w)) {
        transform(re, im);
    }
    let (mut column_re, mut column_im) = (vec![0.0; h], vec![0.0; h]);
    for x in (0..w).filter(|_| h > 1) {
        for y in 0..h {
            (column_re[y], column_im[y]) = (re[y * w + x], im[y * w + x]);
        }
        transform(&mut column_re, &mut column_im);
        for y in 0..h {
            (re[y * w + x], im[y * w + x]) = (column_re[y], column_im[y]);
        }
    }
    let frequency = |i: usize, n: usize| i.min(n - i) as f64 / n as f64;
    let mut sums = [0.0; EDGES.len()];
    for i in 1..h * w {
        let (y, x) = (frequency(i / w, h), frequency(i % w, w));
        let f = (y * y + x * x).sqrt();
        let band = EDGES.iter().position(|edge| f <= *edge).unwrap_or(EDGES.len() - 1);
        sums[band] += re[i] * re[i] + im[i] * im[i];
    }
    sums
}

/// The Fourier transform in place; as many numbers as a power of two.
fn transform(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    let shift = usize::BITS - n.ilog2();
    for i in (1..n).filter(|_| n > 1) {
        let j = i.reverse_bits() >> shift;
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        for k in 0..half {
            let angle = -PI * k as f64 / half as f64;
            let (sine, cosine) = angle.sin_cos();
            for i in (k..n).step_by(2 * half) {
                let j = i + half;
                let (x, y) = (re[j] * cosine - im[j] * sine, re[j] * sine + im[j] * cosine);
                (re[j], im[j]) = (re[i] - x, im[i] - y);
                (re[i], im[i]) = (re[i] + x, im[i] + y);
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transform_is_the_sum_that_defines_it() {
        let x: Vec<f64> = (0..32).map(|i| ((i * i * 7 + 3) % 23) as f64).collect();
        let (mut re, mut im) = (x.clone(), vec![0.0; 32]);
        transform(&mut re, &mut im);
        for k in 0..32 {
            let term = |(j, x): (usize, &f64)| {
                let (sine, cosine) = (-2.0 * PI * (j * k) as f64 / 32.0).sin_cos();
                (x * cosine, x * sine)
            };
            let sum = x.iter().enumerate().map(term).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
            // 32 terms of up to 23, each rounded a few times
            assert!((re[k] - sum.0).abs() < 1e-12 && (im[k] - sum.1).abs() < 1e-12, "{k}");
        }
    }

    #[test]
    fn a_wave_lies_in_the_band_of_its_frequency() {
        for (f, band) in [(1.0 / 64.0, 0), (3.0 / 64.0, 1), (3.0 / 32.0, 2), (3.0 / 16.0, 3), (3.0 / 8.0, 4)] {
            for (h, w) in [(1, 1024), (128, 128)] {
                let wave: Vec<f64> = (0..h * w).map(|i| (2.0 * PI * f * (i % w) as f64).sin()).collect();
                let sums = by_band(wave, (h, w));
                assert!(sums[band] > 0.9 * sums.iter().sum::<f64>(), "{f}: {sums:?}");
            }
        }
    }
}
