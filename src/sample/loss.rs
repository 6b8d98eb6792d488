//! |x − x′| ≤ E     E = the bound, or a share of the range, or of |x|;     integers: |x − x′| ≤ N
//!
//! What the caller allows to be lost, and what that means for one array. A bound has a short mantissa (20 bits, rounded down): it
//! is transmitted, and what is promised is what was checked.

use super::ieee::{Ieee, MAX_WHOLE};
use super::survey::Survey;
use crate::array::Dtype;
use crate::error::{Error, Result};
use std::fmt;

/// What may be lost; nothing unless it is asked for. An array whose dtype this does not concern stays as it is.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    /// Nothing: every sample comes back bit for bit.
    #[default]
    None,
    /// |x − x′| ≤ E. Of integers, ⌊E⌋.
    Abs(f64),
    /// |x − x′| ≤ E · (max − min), over the samples that are finite and no fill value.
    Rel(f64),
    /// |x − x′| ≤ E · |x|: floats.
    PwRel(f64),
    /// |x − x′| ≤ N: integers.
    Near(u64),
    /// Floats keep so many bits of their mantissas; what is then compressed is lossless.
    Mantissa(u32, Rounding),
    /// At least so many dB: 20 log₁₀((max − min) / root of the mean squared error).
    Psnr(f64),
    /// The bound, as a share of the range, at which the file gets this much smaller.
    Ratio(f64),
    /// Steps of this fraction of the noise of each array, step = σ / Q: |x − x′| ≤ step / 2. Of integers, the whole part of that.
    NoiseStep(f64),
    /// Integers come closer to what their neighbours say, by at most K σ of the noise of each array; what is then compressed is lossless.
    Denoise(f64),
}

/// How a mantissa is shortened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// To the nearest; halves away from zero.
    #[default]
    Round,
    /// Towards zero.
    Trunc,
}

/// What is promised of every ordinary sample of an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    Abs(f64),
    PwRel(f64),
    Near(u64),
}

impl Loss {
    /// Refuses what means nothing.
    pub fn check(self) -> Result<Loss> {
        let (sane, what) = match self {
            Loss::None | Loss::Near(_) => (true, ""),
            Loss::Abs(e) => (e > 0.0 && e.is_finite(), "an absolute bound is above 0"),
            Loss::Rel(e) => (e > 0.0 && e < 1.0, "a bound relative to the range lies between 0 and 1"),
            Loss::PwRel(e) => (e > 0.0 && e < 1.0, "a pointwise relative bound lies between 0 and 1"),
            Loss::Mantissa(n, _) => ((1..=52).contains(&n), "1 to 52 bits of a mantissa can be kept"),
            Loss::Psnr(db) => (db > 0.0 && db <= 300.0, "a PSNR lies between 0 and 300 dB"),
            Loss::Ratio(r) => (r > 1.0 && r.is_finite(), "a ratio that can be reached is above 1"),
            Loss::NoiseStep(q) => (q > 0.0 && q.is_finite(), "steps per noise are more than 0"),
            Loss::Denoise(k) => (k > 0.0 && k.is_finite(), "denoising moves samples by a share of the noise above 0"),
        };
        if sane { Ok(self) } else { Err(Error::argument(what)) }
    }

    pub fn is_none(self) -> bool {
        self == Loss::None
    }

    /// What is left to do for maps: where a source is denoised, its samples come back bit for bit.
    pub fn of_maps(self) -> Loss {
        if let Loss::Denoise(_) = self { Loss::None } else { self }
    }

    /// Nothing is searched for: the bounds of arrays follow from their samples.
    pub fn bound(self, survey: &Survey) -> Option<Bound> {
        let of_range = |share: f64| match survey.range() {
            // the difference may be no float, and the bound is to be one
            Some((min, max)) => (max * share - min * share).min(f64::MAX),
            None => 0.0,
        };
        // of integers the whole part; where floats round a range up it is taken of the range itself
        let most = match (self, survey.span()) {
            (Loss::Rel(share), Some(span)) if span > MAX_WHOLE as u64 => share_of(span, share),
            _ => u64::MAX,
        };
        let absolute = |e: f64| match survey.dtype() {
            Dtype::F32 | Dtype::F64 => Some(short(e)).filter(|e| *e > 0.0).map(Bound::Abs),
            _ => Some((e as u64).min(most)).filter(|n| *n > 0).map(Bound::Near),
        };
        let is_float = matches!(survey.dtype(), Dtype::F32 | Dtype::F64);
        match self {
            Loss::Abs(e) => absolute(e),
            Loss::Rel(share) => absolute(of_range(share)),
            Loss::PwRel(e) if is_float => Some(short(e)).filter(|e| *e > 0.0).map(Bound::PwRel),
            Loss::Near(n) if !is_float && n > 0 => Some(Bound::Near(n)),
            _ => None,
        }
    }

    /// The words behind LOSSY where the whole file has one bound.
    pub fn describe(self) -> String {
        match self {
            Loss::None => "nothing".into(),
            Loss::Abs(e) => format!("abs {}", number(e)),
            Loss::Rel(e) => format!("rel {}", number(e)),
            Loss::PwRel(e) => format!("pw-rel {}", number(e)),
            Loss::Near(n) => format!("near {n}"),
            Loss::Mantissa(n, Rounding::Round) => format!("mantissa {n}, rounded"),
            Loss::Mantissa(n, Rounding::Trunc) => format!("mantissa {n}, truncated"),
            Loss::Psnr(db) => format!("psnr {}", number(db)),
            Loss::Ratio(r) => format!("ratio {}", number(r)),
            Loss::NoiseStep(q) => format!("noise-step {}", number(q)),
            Loss::Denoise(k) => format!("denoise {}", number(k)),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Bound::Abs(e) => write!(f, "±{}", number(*e)),
            Bound::PwRel(e) => write!(f, "±{} of each", number(*e)),
            Bound::Near(n) => write!(f, "±{n}"),
        }
    }
}

/// Five digits of a number, without zeros that say nothing.
pub fn number(x: f64) -> String {
    let text = format!("{x:.4e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let digits = if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&exponent) {
        let n_behind = digits.split_once('.').map_or(0, |(_, behind)| behind.len()) as i32 - exponent;
        return format!("{x:.*}", n_behind.max(0) as usize);
    }
    format!("{digits}e{exponent}")
}

/// The largest float of 20 bits behind the point that is not above x, as it is transmitted.
pub fn short(x: f64) -> f64 {
    f64::from_bits(x.to_bits() & !0xffff_ffff)
}

/// ⌊span · share⌋, of a share between 0 and 1.
fn share_of(span: u64, share: f64) -> u64 {
    let (mantissa, exponent) = Ieee::of(Dtype::F64).map_or((0, 0), |ieee| ieee.split(share.to_bits()));
    let product = u128::from(span) * u128::from(mantissa);
    product.checked_shr(exponent.unsigned_abs()).unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (x, text) in [
            (short(1e-3), "0.001"),
            (0.25, "0.25"),
            (12.0, "12"),
            (1e-7, "1e-7"),
            (1234567.0, "1.2346e6"),
            (0.0, "0"),
            (99999.0, "99999"),
        ] {
            assert_eq!(number(x), text);
        }
    }

    #[test]
    fn a_short_bound_is_never_above_what_was_asked_for() {
        for e in [1e-3, 0.1, 1.0, 3.3e-9, 1e300, 1e-300] {
            assert!(short(e) <= e && short(e) > e * (1.0 - 1e-6));
        }
    }

    #[test]
    fn a_share_of_a_range_beyond_what_floats_count_is_not_rounded_up() {
        for (span, share, n) in [
            (u64::MAX, 0.5, (1 << 63) - 1),
            (u64::MAX, 0.25, (1 << 62) - 1),
            (u64::MAX - 1, 0.999_999_999, 18_446_744_055_262_808_062),
            ((1 << 53) + 1, 0.75, 6_755_399_441_055_744),
            (u64::MAX, 1e-300, 0),
            (u64::MAX, f64::from_bits(1), 0),
        ] {
            assert_eq!(share_of(span, share), n, "{span} · {share}");
        }
        let mut survey = Survey::new(Dtype::I64);
        let ends = [i64::MIN, i64::MAX, 0, 1, 2].map(i64::to_le_bytes);
        survey.update(ends.as_flattened(), false);
        assert_eq!(Loss::Rel(0.25).bound(&survey), Some(Bound::Near((1 << 62) - 1)));
        assert_eq!(Loss::Rel(0.5).bound(&survey), Some(Bound::Near((1 << 63) - 1)));
    }

    #[test]
    fn a_bound_that_would_be_no_float_is_the_largest() {
        let mut survey = Survey::new(Dtype::F64);
        let ends = [f64::MAX, -f64::MAX, 0.0, 1.0, 2.0].map(f64::to_le_bytes);
        survey.update(ends.as_flattened(), false);
        assert_eq!(Loss::Rel(0.9).bound(&survey), Some(Bound::Abs(short(f64::MAX))));
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let wrong = [
            Loss::Abs(0.0),
            Loss::Abs(-1.0),
            Loss::Abs(f64::NAN),
            Loss::Rel(1.0),
            Loss::PwRel(0.0),
            Loss::Mantissa(0, Rounding::Round),
            Loss::Mantissa(53, Rounding::Trunc),
            Loss::Psnr(f64::INFINITY),
            Loss::Ratio(1.0),
            Loss::NoiseStep(0.0),
            Loss::NoiseStep(f64::INFINITY),
            Loss::Denoise(0.0),
            Loss::Denoise(f64::NAN),
        ];
        for loss in wrong {
            assert!(loss.check().is_err(), "{loss:?}");
        }
        assert!(Loss::Near(0).check().is_ok());
    }
}
