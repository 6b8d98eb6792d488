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

/// Mean powers around a frequency, such that white noise of variance σ², in squares of the range, has σ² at every one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Ring {
    /// Mean of those that lie in it.
    pub frequency: f64,
    pub before: f64,
    pub after: f64,
    pub residual: f64,
}

/// None where blocks are too small, or a band has no power.
pub fn bands(pair: &Pair, range: Ends) -> Result<Vec<Band>> {
    let Some((_, _, [before, after, residual])) = sums(pair, range, &EDGES)? else { return Ok(Vec::new()) };
    let lowest = |i: usize| if i == 0 { 0.0 } else { EDGES[i - 1] };
    let band = |i: usize| Band {
        from: lowest(i),
        to: EDGES[i],
        ratio: after[i] / before[i],
        residual: residual[i] / before[i],
    };
    Ok((0..EDGES.len()).filter(|&i| before[i] > 0.0).map(band).collect())
}

/// A third of an octave wide; None where blocks are too small.
pub fn rings(pair: &Pair, range: Ends) -> Result<Vec<Ring>> {
    let edges: Vec<f64> = (-2..=27).rev().map(|third| 0.5 * (f64::from(-third) / 3.0).exp2()).collect();
    let Some(((h, w), n_blocks, [before, after, residual])) = sums(pair, range, &edges)? else { return Ok(Vec::new()) };
    let mut modes = vec![(0.0, 0.0); edges.len()];
    for i in 1..h * w {
        let f = frequency(i, (h, w));
        let (n, sum) = &mut modes[bin(f, &edges)];
        (*n, *sum) = (*n + 1.0, *sum + f);
    }
    // the mean square of a Hann window is 3/8
    let window = if h > 1 { 9.0 / 64.0 } else { 3.0 / 8.0 };
    let ring = |(i, (n, sum)): (usize, &(f64, f64))| {
        let mean = |sums: &[f64]| sums[i] / (n * n_blocks as f64 * (h * w) as f64 * window);
        Ring { frequency: sum / n, before: mean(&before), after: mean(&after), residual: mean(&residual) }
    };
    Ok(modes.iter().enumerate().filter(|(_, (n, _))| *n > 0.0).map(ring).collect())
}

/// The size of blocks, how many there are, and their powers between edges: before, after, and of what they are off.
type Sums = ((usize, usize), usize, [Vec<f64>; 3]);

fn sums(pair: &Pair, range: Ends, edges: &[f64]) -> Result<Option<Sums>> {
    let (h, w) = (pair.cut.h, pair.cut.w);
    let power_of_two = |n: usize| 1 << n.max(1).ilog2();
    let side = power_of_two(h.min(w)).min(MAX_SIDE);
    let (block_h, block_w) = if side >= MIN_SIDE { (side, side) } else { (1, power_of_two(w).min(MAX_ROW)) };
    if block_w < MIN_SIDE {
        return Ok(None);
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
        Ok(powers(&scaled(before), &scaled(after), (block_h, block_w), edges))
    };
    let blocks: Vec<[Vec<f64>; 3]> = (0..n).into_par_iter().map(block).collect::<Result<_>>()?;
    let mut sums = [(); 3].map(|()| vec![0.0; edges.len()]);
    for block in &blocks {
        sums.iter_mut().flatten().zip(block.iter().flatten()).for_each(|(sum, power)| *sum += power);
    }
    Ok(Some(((block_h, block_w), n, sums)))
}

/// Of a block before, after and of what it is off, between edges.
fn powers(before: &[f64], after: &[f64], size: (usize, usize), edges: &[f64]) -> [Vec<f64>; 3] {
    let n = before.iter().filter(|x| !x.is_nan()).count().max(1) as f64;
    let mean = before.iter().filter(|x| !x.is_nan()).sum::<f64>() / n;
    let around =
        |numbers: &[f64]| numbers.iter().map(|x| if x.is_nan() { 0.0 } else { x - mean }).collect::<Vec<f64>>();
    let (before, after) = (around(before), around(after));
    let residual: Vec<f64> = after.iter().zip(&before).map(|(y, x)| y - x).collect();
    [before, after, residual].map(|numbers| between(numbers, size, edges))
}

/// Cycles per sample of the nth number of a transform.
fn frequency(i: usize, (h, w): (usize, usize)) -> f64 {
    let of = |i: usize, n: usize| i.min(n - i) as f64 / n as f64;
    let (y, x) = (of(i / w, h), of(i % w, w));
    (y * y + x * x).sqrt()
}

/// Which edge a frequency lies below; the last for those beyond it.
fn bin(f: f64, edges: &[f64]) -> usize {
    edges.iter().position(|edge| f <= *edge).unwrap_or(edges.len() - 1)
}

fn between(mut re: Vec<f64>, (h, w): (usize, usize), edges: &[f64]) -> Vec<f64> {
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
    let mut sums = vec![0.0; edges.len()];
    for i in 1..h * w {
        sums[bin(frequency(i, (h, w)), edges)] += re[i] * re[i] + im[i] * im[i];
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
                let sums = between(wave, (h, w), &EDGES);
                assert!(sums[band] > 0.9 * sums.iter().sum::<f64>(), "{f}: {sums:?}");
            }
        }
    }

    #[test]
    fn white_noise_has_its_variance_at_every_frequency() {
        use crate::array::{ArrayType, Dtype};
        use crate::internals::quality::Stretch;
        use crate::internals::quality::{cut::Cut, passes};
        use crate::sample::Ordinary;
        use crate::synthetic::Lcg;
        for (h, w) in [(512, 1024), (1, 1 << 16)] {
            let mut random = Lcg(1);
            let mut noise = |_| (0..12).map(|_| random.bits(16) as f32 / 65536.0).sum::<f32>() - 6.0;
            let before: Vec<f32> = (0..h * w).map(&mut noise).collect();
            let after: Vec<f32> = before.iter().map(|x| 2.0 * x).collect();
            let [a, b] = [&before, &after].map(|x| x.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>());
            let ty = ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![h as u64, w as u64] };
            let [original, decoded] = [&a, &b].map(|source| Stretch { source, offset: 0, ty: &ty });
            let cut = Cut::new(&ty).unwrap();
            let ordinary = Ordinary::of(&passes::survey(&original, &cut).unwrap());
            let rings = rings(&Pair { original, decoded, ordinary, cut }, (0.0, 10.0)).unwrap();
            assert!(rings.len() > 15 && rings.windows(2).all(|two| two[0].frequency < two[1].frequency));
            // a tenth of σ = 1; the lowest rings have few numbers
            for ring in &rings[rings.len() - 8..] {
                assert!((ring.before / 0.01 - 1.0).abs() < 0.15, "{ring:?}");
                assert!(
                    (ring.after / ring.before - 4.0).abs() < 1e-6 && (ring.residual / ring.before - 1.0).abs() < 1e-6
                );
            }
        }
    }
}
