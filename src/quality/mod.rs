//! d = x′ − x over the samples that count          RMSE = √(Σd² / n)          PSNR = 20 log₁₀(range / RMSE)
//!
//! How far one array is from another of the same type. Samples that count are those that the range of a bound is taken of: no fill
//! values, no NaN, no infinities in the original; the others are counted, and those that changed. The range is the original's.
//!
//! Four passes, each a few tiles at a time: the survey, what needs neighbours, what needs the largest error, what needs thresholds.
//! Sums are merged in the order of the array, so the number of threads does not show. Then what looks at a part: `windows` and
//! `classifier` (can the two be told apart), `spectrum`, `stars`. What is drawn and is no figure: `look`.

mod classifier;
mod cut;
mod histogram;
mod logs;
mod look;
mod moments;
mod off;
mod passes;
mod picture;
mod spectrum;
mod ssim;
mod stars;
mod total;
mod windows;

use crate::array::ArrayType;
use crate::error::{Error, Result};
use crate::sample::{Ends, Ordinary, Squares, Sum};
use crate::source::Source;
use cut::Cut;
use std::f64::consts::LOG10_2;
use windows::Windows;

pub use histogram::{Distances, Histogram};
pub use logs::Logs;
pub use look::{ByValue, Look, N_PARTS, Part, Place, look};
pub use moments::Moments;
pub use off::Off;
pub use picture::Picture;
pub use spectrum::{Band, Ring};
pub use stars::{Spread, Stars};
pub use total::Total;

/// An array somewhere in a source.
#[derive(Clone, Copy)]
pub struct Stretch<'a> {
    pub source: &'a dyn Source,
    pub offset: u64,
    pub ty: &'a ArrayType,
}

/// What was measured of an array.
#[derive(Clone, Debug)]
pub struct Quality {
    pub n_samples: u64,
    /// Fill values and what is not finite in the original; of them, those that are other bits now.
    pub n_masked: u64,
    pub n_masked_changed: u64,
    /// Samples that count and came out as no number: part of no other figure.
    pub n_lost: u64,
    /// Samples that count and are other bits now.
    pub n_changed: u64,
    /// Samples that count and are still numbers: what the figures are of.
    pub n_measured: u64,
    /// Smallest and largest sample that counts.
    pub range: Option<(f64, f64)>,
    /// The largest |d|.
    pub largest: f64,
    pub sum: Sum,
    pub squares: Squares,
    /// Over all windows, and how many there are.
    pub ssim_sum: f64,
    pub n_windows: u64,
    pub distances: Option<Distances>,
    pub segmentation: Option<Segmentation>,
    /// d from −largest to largest.
    pub residuals: Histogram,
    pub picture: Picture,
    /// The shape of the distribution before and after.
    pub moments: [Moments; 2],
    /// Maximum mean discrepancy of windows; None where they are too few.
    pub mmd: Option<f64>,
    /// How well a classifier tells windows after from windows before.
    pub auc: Option<f64>,
    /// What became of the power of frequencies.
    pub spectrum: Vec<Band>,
    /// None where none were found.
    pub stars: Option<Stars>,
}

/// Which samples lie above the threshold that parts an array best in two (Otsu: the largest variance between the classes), before
/// by the original's threshold and after by that of what came out of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Segmentation {
    pub before: f64,
    pub after: f64,
    pub n: u64,
    pub n_above_before: u64,
    pub n_above_after: u64,
    pub n_above_both: u64,
}

impl Segmentation {
    /// Share of the samples that are on the other side.
    pub fn moved(&self) -> f64 {
        let n_moved = self.n_above_before + self.n_above_after - 2 * self.n_above_both;
        n_moved as f64 / self.n as f64
    }

    /// Above in both / above in either.
    pub fn overlap(&self) -> f64 {
        let n_either = self.n_above_before + self.n_above_after - self.n_above_both;
        if n_either == 0 { 1.0 } else { self.n_above_both as f64 / n_either as f64 }
    }
}

impl Quality {
    /// Mean of d.
    pub fn bias(&self) -> f64 {
        self.sum.mean(self.n_measured)
    }

    pub fn rmse(&self) -> f64 {
        self.squares.root_mean(self.n_measured)
    }

    /// max − min of the original, the largest float where that is none.
    pub fn width(&self) -> f64 {
        self.range.map_or(0.0, |(min, max)| (max - min).min(f64::MAX))
    }

    /// dB; infinite where nothing changed, None where the range is one value or nothing was measured.
    pub fn psnr(&self) -> Option<f64> {
        psnr(self.range?, &self.squares, self.n_measured)
    }

    /// RMSE / range, which is not 0 where it is no float.
    fn share(&self) -> Option<f64> {
        let (psnr, rmse, width) = (self.psnr()?, self.rmse(), self.width());
        let share = rmse / width;
        let is_plain = self.squares.is_zero() || rmse.is_normal() && share.is_normal() && width < f64::MAX;
        Some(if is_plain { share } else { 10f64.powf(-psnr / 20.0).max(f64::MIN_POSITIVE) })
    }

    /// Power after / before in the band where it is furthest from 1.
    pub fn power(&self) -> Option<f64> {
        let off = |ratio: f64| ratio.max(1.0 / ratio);
        self.spectrum.iter().map(|band| band.ratio).max_by(|a, b| off(*a).total_cmp(&off(*b)))
    }

    /// Mean over all windows.
    pub fn ssim(&self) -> Option<f64> {
        (self.n_windows > 0).then(|| self.ssim_sum / self.n_windows as f64)
    }
}

/// dB, of errors in a range; None where that is one value, and of no errors.
fn psnr((min, max): Ends, squares: &Squares, n: u64) -> Option<f64> {
    if max <= min || n == 0 {
        return None;
    }
    let rmse = squares.root_mean(n);
    let width = max - min;
    let ratio = width / rmse;
    if squares.is_zero() || rmse.is_normal() && ratio.is_normal() {
        return Some(20.0 * ratio.log10());
    }
    // one of the two, or their ratio, is no float: their logarithms are
    let (mean, octaves) = squares.mean(n);
    let log10_width = if width.is_finite() { width.log10() } else { (0.5 * max - 0.5 * min).log10() + LOG10_2 };
    Some(20.0 * log10_width - 10.0 * (mean.log10() + f64::from(octaves) * LOG10_2))
}

/// Where a number lies between two others, as a share of what lies between them.
fn place(x: f64, (min, max): Ends) -> f64 {
    if (max - min).is_finite() { (x - min) / (max - min) } else { (0.5 * x - 0.5 * min) / (0.5 * max - 0.5 * min) }
}

/// Holds what came out against what was there.
pub fn measure(original: Stretch, decoded: Stretch) -> Result<Quality> {
    let (a, b) = (original.ty, decoded.ty);
    if (a.dtype, &a.shape) != (b.dtype, &b.shape) {
        let [a, b] = [a, b].map(|ty| format!("{} of {:?}", ty.dtype.name(), ty.shape));
        return Err(Error::argument(format!("arrays of different types cannot be compared: {a} and {b}")));
    }
    let cut = Cut::new(a)?;
    let survey = passes::survey(&original, &cut)?;
    let ordinary = Ordinary::of(&survey);
    let pair = passes::Pair { original, decoded, ordinary, cut };
    let range = survey.range();
    let near = pair.neighbours(range)?;
    let far = pair.distribution(&near, range)?;
    let segmentation = pair.segmentation(&far)?;
    let wide = range.filter(|(min, max)| min < max);
    let windows = wide.map(|range| Windows::draw(&pair, range)).transpose()?.flatten();
    let spectrum = wide.map_or(Ok(Vec::new()), |range| spectrum::bands(&pair, range))?;
    let stars = stars::stars(&pair)?;
    Ok(Quality {
        n_samples: a.n_samples()?,
        n_masked: far.n_masked,
        n_masked_changed: far.n_masked_changed,
        n_lost: far.n_lost,
        n_changed: far.n_changed,
        n_measured: near.n,
        range,
        largest: near.largest,
        sum: near.sum,
        squares: near.squares,
        ssim_sum: near.ssim.0,
        n_windows: near.ssim.1,
        distances: Distances::between(&far.before, &far.after),
        segmentation,
        residuals: far.residuals,
        picture: far.picture,
        moments: far.moments,
        mmd: windows.as_ref().map(Windows::discrepancy),
        auc: windows.as_ref().map(classifier::auc),
        spectrum,
        stars,
    })
}

#[cfg(test)]
mod tests;
