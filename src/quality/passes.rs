//! survey → errors, windows → histograms, picture → thresholds
//!
//! What each pass over a pair of arrays gathers; one needs what the one before it found.

use super::cut::{Cut, Spot};
use super::histogram::Histogram;
use super::moments::Moments;
use super::picture::Picture;
use super::{Segmentation, Stretch, place, ssim};
use crate::array::Dtype;
use crate::error::Result;
use crate::sample::{Ordinary, Squares, Sum, Survey, bits, difference, worth};

/// Ranges away from a window's range, where nothing of it is seen any more: squares of squares are floats.
pub const FAR: f64 = 1e60;

pub struct Pair<'a> {
    pub original: Stretch<'a>,
    pub decoded: Stretch<'a>,
    pub ordinary: Ordinary,
    pub cut: Cut,
}

/// What the first pass over both finds.
#[derive(Default)]
pub struct Near {
    pub n: u64,
    pub largest: f64,
    pub sum: Sum,
    pub squares: Squares,
    pub ssim: (f64, u64),
    /// The plane with the largest error, the first of several.
    pub plane: usize,
    /// Smallest and largest of both.
    pub ends: Option<(f64, f64)>,
}

/// What the second finds.
pub struct Far {
    pub n_masked: u64,
    pub n_masked_changed: u64,
    pub n_lost: u64,
    pub n_changed: u64,
    pub before: Histogram,
    pub after: Histogram,
    pub residuals: Histogram,
    pub picture: Picture,
    /// Of samples as shares of the range, before and after.
    pub moments: [Moments; 2],
}

/// The bytes of a spot, row after row.
fn read(stretch: &Stretch, cut: &Cut, spot: &Spot) -> Result<Vec<u64>> {
    let dtype = stretch.ty.dtype;
    let n_bytes = dtype.n_bytes();
    let mut bytes = vec![0; spot.rows.len() * spot.w() * n_bytes];
    let place = |row: usize| stretch.offset + cut.index(spot, row) * n_bytes as u64;
    if spot.w() == cut.w {
        stretch.source.read_at(place(spot.rows.start), &mut bytes)?;
    } else {
        let rows = bytes.chunks_exact_mut(spot.w() * n_bytes).zip(spot.rows.clone());
        rows.into_iter().try_for_each(|(out, row)| stretch.source.read_at(place(row), out))?;
    }
    Ok(bits(dtype, &bytes, stretch.ty.big_endian))
}

pub fn survey(stretch: &Stretch, cut: &Cut) -> Result<Survey> {
    let dtype = stretch.ty.dtype;
    let look = |survey: &mut Survey, spot: &Spot| {
        let bits = read(stretch, cut, spot)?;
        let n = dtype.n_bytes();
        survey.update(&bits.iter().flat_map(|b| b.to_le_bytes().into_iter().take(n)).collect::<Vec<u8>>(), false);
        Ok(())
    };
    cut.fold(&|| Survey::new(dtype), &look, &|all, part| all.merge(&part))
}

impl Pair<'_> {
    fn dtype(&self) -> Dtype {
        self.original.ty.dtype
    }

    pub fn is_whole(&self) -> bool {
        !matches!(self.dtype(), Dtype::F32 | Dtype::F64)
    }

    /// Bits of both.
    pub fn read(&self, spot: &Spot) -> Result<(Vec<u64>, Vec<u64>)> {
        Ok((read(&self.original, &self.cut, spot)?, read(&self.decoded, &self.cut, spot)?))
    }

    /// Numbers of both, NaN where one does not count.
    pub fn numbers_of(&self, spot: &Spot) -> Result<(Vec<f64>, Vec<f64>)> {
        let (x, y) = self.read(spot)?;
        Ok(x.iter().zip(&y).map(|(&x, &y)| self.numbers(x, y).unwrap_or((f64::NAN, f64::NAN))).unzip())
    }

    /// The same of so many rows and columns from a plane, row and column on.
    pub fn block(&self, (plane, y, x): (usize, usize, usize), (h, w): (usize, usize)) -> Result<(Vec<f64>, Vec<f64>)> {
        self.numbers_of(&Spot { plane, rows: y..y + h, columns: x..x + w })
    }

    /// Both numbers of a sample that counts and is still a number.
    pub fn numbers(&self, x: u64, y: u64) -> Option<(f64, f64)> {
        let (a, b) = (self.ordinary.number(x), worth(self.dtype(), y));
        (a.is_finite() && b.is_finite()).then_some((a, b))
    }

    pub fn neighbours(&self, range: Option<(f64, f64)>) -> Result<Near> {
        let window = ssim::window((self.cut.h, self.cut.w));
        let new = Near::default;
        let look = |near: &mut Near, spot: &Spot| {
            let wide = spot.widened((window.0.saturating_sub(1), window.1.saturating_sub(1)));
            let (x, y) = self.read(&wide)?;
            near.add(self, spot, &wide, (&x, &y));
            if let Some(range) = range.filter(|(min, max)| min < max) {
                let scaled = |a: f64| place(a, range).clamp(-FAR, FAR);
                let pairs = x.iter().zip(&y);
                let pairs = pairs.map(|(&x, &y)| self.numbers(x, y).unwrap_or((f64::NAN, f64::NAN)));
                let (x, y): (Vec<f64>, Vec<f64>) = pairs.map(|(a, b)| (scaled(a), scaled(b))).unzip();
                let (sum, n) = ssim::sum(&x, &y, wide.w(), window);
                near.ssim = (near.ssim.0 + sum, near.ssim.1 + n);
            }
            Ok(())
        };
        self.cut.fold(&new, &look, &|all, part| all.merge(&part))
    }

    pub fn distribution(&self, near: &Near, range: Option<(f64, f64)>) -> Result<Far> {
        let ends = near.ends.unwrap_or((0.0, 0.0));
        let new = || Far {
            n_masked: 0,
            n_masked_changed: 0,
            n_lost: 0,
            n_changed: 0,
            before: Histogram::of_samples(ends, self.is_whole()),
            after: Histogram::of_samples(ends, self.is_whole()),
            residuals: Histogram::of_residuals(near.largest, self.is_whole()),
            picture: Picture::new(near.plane, self.cut.h, self.cut.w),
            moments: [Moments::default(); 2],
        };
        let range = range.filter(|(min, max)| min < max);
        let look = |far: &mut Far, spot: &Spot| {
            let (x, y) = self.read(spot)?;
            let mut scaled: [Vec<f64>; 2] = [Vec::new(), Vec::new()];
            for (i, (&x, &y)) in x.iter().zip(&y).enumerate() {
                let is_hidden = self.ordinary.number(x).is_nan();
                far.n_masked += u64::from(is_hidden);
                far.n_masked_changed += u64::from(is_hidden && x != y);
                far.n_changed += u64::from(!is_hidden && x != y);
                match self.numbers(x, y) {
                    Some((a, b)) => {
                        far.before.add(a);
                        far.after.add(b);
                        if let Some(range) = range {
                            scaled.iter_mut().zip([a, b]).for_each(|(s, x)| s.push(place(x, range).clamp(-FAR, FAR)));
                        }
                        let d = difference(self.dtype(), x, y);
                        far.residuals.add(d);
                        if spot.plane == near.plane {
                            let (row, column) = (spot.rows.start + i / spot.w(), spot.columns.start + i % spot.w());
                            far.picture.add(row, column, d.abs());
                        }
                    }
                    None => far.n_lost += u64::from(!is_hidden),
                }
            }
            far.moments.iter_mut().zip(&scaled).for_each(|(all, numbers)| all.merge(&Moments::of(numbers)));
            Ok(())
        };
        self.cut.fold(&new, &look, &|all, part| all.merge(&part))
    }

    /// None where one of the two has no threshold.
    pub fn segmentation(&self, far: &Far) -> Result<Option<Segmentation>> {
        let (Some(first_before), Some(first_after)) = (far.before.threshold(), far.after.threshold()) else {
            return Ok(None);
        };
        let look = |(before, after, both): &mut (u64, u64, u64), spot: &Spot| {
            let (x, y) = self.read(spot)?;
            for (a, b) in x.iter().zip(&y).filter_map(|(&x, &y)| self.numbers(x, y)) {
                let [was, is] = [far.before.bin(a) >= first_before, far.after.bin(b) >= first_after];
                *before += u64::from(was);
                *after += u64::from(is);
                *both += u64::from(was && is);
            }
            Ok(())
        };
        let merge = |all: &mut (u64, u64, u64), part: (u64, u64, u64)| {
            *all = (all.0 + part.0, all.1 + part.1, all.2 + part.2);
        };
        let (n_above_before, n_above_after, n_above_both) = self.cut.fold(&|| (0, 0, 0), &look, &merge)?;
        Ok(Some(Segmentation {
            before: far.before.edge(first_before),
            after: far.after.edge(first_after),
            n: far.before.n(),
            n_above_before,
            n_above_after,
            n_above_both,
        }))
    }
}

impl Near {
    /// The errors of a spot; `wide` is what was read, with its halo.
    fn add(&mut self, pair: &Pair, spot: &Spot, wide: &Spot, (x, y): (&[u64], &[u64])) {
        let (mut sum, mut squares) = (Sum::default(), Squares::default());
        for row in spot.rows.clone() {
            let first = (row - wide.rows.start) * wide.w() + spot.columns.start - wide.columns.start;
            for (&x, &y) in x[first..].iter().zip(&y[first..]).take(spot.w()) {
                let Some((a, b)) = pair.numbers(x, y) else { continue };
                let d = difference(pair.dtype(), x, y);
                self.n += 1;
                if d.abs() > self.largest {
                    (self.largest, self.plane) = (d.abs(), spot.plane);
                }
                sum.add(d);
                squares.add(d);
                let (min, max) = self.ends.unwrap_or((a, a));
                self.ends = Some((min.min(a).min(b), max.max(a).max(b)));
            }
        }
        self.sum.merge(&sum);
        self.squares.merge(&squares);
    }

    fn merge(&mut self, part: &Near) {
        self.n += part.n;
        if part.largest > self.largest {
            (self.largest, self.plane) = (part.largest, part.plane);
        }
        self.sum.merge(&part.sum);
        self.squares.merge(&part.squares);
        self.ssim = (self.ssim.0 + part.ssim.0, self.ssim.1 + part.ssim.1);
        let both = |a: (f64, f64), b: (f64, f64)| (a.0.min(b.0), a.1.max(b.1));
        self.ends = self.ends.zip(part.ends).map(|(a, b)| both(a, b)).or(self.ends).or(part.ends);
    }
}

impl Far {
    fn merge(&mut self, part: &Far) {
        self.n_masked += part.n_masked;
        self.n_masked_changed += part.n_masked_changed;
        self.n_lost += part.n_lost;
        self.n_changed += part.n_changed;
        self.before.merge(&part.before);
        self.after.merge(&part.after);
        self.residuals.merge(&part.residuals);
        self.picture.merge(&part.picture);
        self.moments.iter_mut().zip(&part.moments).for_each(|(all, part)| all.merge(part));
    }
}
