//! |x − x′| ≤ E     E = the bound, or a share of the range, or of |x|;     integers: |x − x′| ≤ N
//!
//! What the caller allows to be lost, and what that means for one array. A bound has a short mantissa (20 bits, rounded down): it
//! is transmitted, and what is promised is what was checked.

use super::octave::exp2;
use super::survey::Survey;
use crate::array::Dtype;
use crate::error::{Error, Result};
use std::fmt;

/// What may be lost; nothing unless it is asked for. An array whose dtype this does not concern stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
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
        };
        if sane { Ok(self) } else { Err(Error::argument(what)) }
    }

    pub fn is_none(self) -> bool {
        self == Loss::None
    }

    /// Nothing is searched for: the bounds of arrays follow from their samples.
    pub fn bound(self, survey: &Survey) -> Option<Bound> {
        let of_range = |share: f64| match survey.range() {
            // the difference may be no float
            Some((min, max)) => max * share - min * share,
            None => 0.0,
        };
        let absolute = |e: f64| match survey.dtype() {
            Dtype::F32 | Dtype::F64 => Some(short(e)).filter(|e| *e > 0.0).map(Bound::Abs),
            _ => Some(e as u64).filter(|n| *n > 0).map(Bound::Near),
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

/// A search for the largest bound that keeps a PSNR. The error of a bound is measured by whoever reads the array.
#[derive(Clone, Debug)]
pub struct PsnrSearch {
    /// Root of the mean squared error that is allowed, squared.
    allowed: f64,
    range: f64,
    trial: f64,
    best: Option<f64>,
    n_left: u32,
}

impl PsnrSearch {
    /// None where nothing is to be searched for.
    pub fn new(loss: Loss, survey: &Survey) -> Option<PsnrSearch> {
        let (Loss::Psnr(db), Some((min, max))) = (loss, survey.range()) else { return None };
        let range = max - min;
        let root = range * exp2(-db / 20.0 * std::f64::consts::LOG2_10);
        // errors that fill ±E evenly have a mean square of E²/3
        let trial = root * 1.732_050_8;
        (trial > 0.0 && range.is_finite()).then_some(PsnrSearch {
            allowed: root * root,
            range,
            trial,
            best: None,
            n_left: 8,
        })
    }

    /// What to measure next.
    pub fn trial(&self) -> Option<Loss> {
        (self.n_left > 0).then_some(Loss::Abs(self.trial))
    }

    /// The mean squared error of the trial.
    pub fn tell(&mut self, mean_square: f64) {
        self.n_left -= 1;
        if mean_square <= self.allowed {
            self.best = Some(self.best.map_or(self.trial, |best| best.max(self.trial)));
        }
        // the root's factor by one step of Newton's iteration is enough: the error grows about as the bound does
        let factor = if mean_square > 0.0 { (self.allowed / mean_square).clamp(0.01, 16.0) } else { 16.0 };
        let root = 0.5 * (factor + 1.0);
        let root = 0.5 * (root + factor / root);
        let root = 0.5 * (root + factor / root);
        let next = (self.trial * root * 0.9999).min(self.range);
        if (next / self.trial - 1.0).abs() < 1e-3 && self.best.is_some() {
            self.n_left = 0;
        }
        self.trial = next;
    }

    /// The largest bound that kept it.
    pub fn found(&self) -> Loss {
        self.best.map_or(Loss::None, Loss::Abs)
    }
}

/// A search for the smallest bound, as a share of the range, that reaches a ratio: halving in octaves.
#[derive(Clone, Debug)]
pub struct RatioSearch {
    wanted: f64,
    /// log₂ of shares: one that was too small, one that was enough.
    below: f64,
    enough: f64,
    n_left: u32,
    reached: bool,
}

impl RatioSearch {
    pub fn new(loss: Loss) -> Option<RatioSearch> {
        let Loss::Ratio(wanted) = loss else { return None };
        Some(RatioSearch { wanted, below: -34.0, enough: -1.0, n_left: 9, reached: false })
    }

    /// What to compress with next: nothing lost first.
    pub fn trial(&self) -> Option<Loss> {
        match self.n_left {
            9 => Some(Loss::None),
            0 => None,
            _ => Some(Loss::Rel(exp2(self.middle()))),
        }
    }

    fn middle(&self) -> f64 {
        0.5 * (self.below + self.enough)
    }

    pub fn tell(&mut self, n_bytes_in: u64, n_bytes_out: u64) {
        let enough = n_bytes_in as f64 >= self.wanted * n_bytes_out as f64;
        match (self.n_left, enough) {
            (9, true) => {
                self.n_left = 1;
                self.enough = f64::NEG_INFINITY;
            }
            (9, false) => {}
            (_, true) => self.enough = self.middle(),
            (_, false) => self.below = self.middle(),
        }
        self.reached |= enough;
        self.n_left -= 1;
    }

    /// What reached the ratio, or an error where nothing did.
    pub fn found(&self) -> Result<Loss> {
        match self.reached {
            false => Err(Error::verify(format!("a ratio of {} is not reached by any bound", number(self.wanted)))),
            true if self.enough == f64::NEG_INFINITY => Ok(Loss::None),
            true => Ok(Loss::Rel(exp2(self.enough))),
        }
    }
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
        ];
        for loss in wrong {
            assert!(loss.check().is_err(), "{loss:?}");
        }
        assert!(Loss::Near(0).check().is_ok());
    }
}
