//! how far an array is off, in the unit of what was asked for
//!
//! ```text
//! abs, near |x − x′|    rel |x − x′| / (max − min)    pw-rel, mantissa |x − x′| / |x|    noise-step, denoise |x − x′| / σ    psnr dB
//! ```

use super::psnr;
use crate::sample::{Ends, Errors, Loss, NoiseStep, number};
use std::fmt;

/// The largest error; the PSNR where that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Off {
    /// As samples are.
    Samples(f64),
    /// As a share of the range.
    Range(f64),
    /// As a share of the sample.
    Each(f64),
    /// In units of the noise.
    Noise(f64),
    /// dB.
    Psnr(f64),
}

impl Off {
    /// Of an array with these ends; None where no sample is off.
    pub fn of(loss: Loss, errors: &Errors, ends: Option<Ends>, noise: Option<NoiseStep>) -> Option<Off> {
        let largest = errors.largest;
        let off = match loss {
            Loss::Rel(_) => ends.map(|ends| Off::Range(share(largest, ends))),
            Loss::PwRel(_) | Loss::Mantissa(..) => Some(Off::Each(errors.largest_relative)),
            Loss::NoiseStep(_) | Loss::Denoise(_) => noise.map(|noise| Off::Noise(largest / noise.sigma)),
            Loss::Psnr(_) => ends.and_then(|ends| psnr(ends, &errors.squares, errors.n_samples)).map(Off::Psnr),
            Loss::None | Loss::Abs(_) | Loss::Near(_) | Loss::Ratio(_) => None,
        };
        (largest > 0.0).then(|| off.unwrap_or(Off::Samples(largest)))
    }

    /// Of two arrays of one file.
    pub fn worse(self, other: Off) -> Off {
        let how = |off: Off| match off {
            Off::Psnr(db) => -db,
            Off::Samples(x) | Off::Range(x) | Off::Each(x) | Off::Noise(x) => x,
        };
        if how(other) > how(self) { other } else { self }
    }

    /// The figure, and the unit by name.
    pub fn figure(self) -> (&'static str, f64) {
        match self {
            Off::Samples(x) => ("abs", x),
            Off::Range(x) => ("rel", x),
            Off::Each(x) => ("pw_rel", x),
            Off::Noise(x) => ("sigma", x),
            Off::Psnr(db) => ("psnr", db),
        }
    }
}

impl fmt::Display for Off {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Off::Samples(x) => write!(f, "largest error {}", number(*x)),
            Off::Range(x) => write!(f, "largest error {} of the range", number(*x)),
            Off::Each(x) => write!(f, "largest error {} of the sample", number(*x)),
            Off::Noise(x) => write!(f, "largest error {} σ", number(*x)),
            Off::Psnr(db) => write!(f, "{} dB", number(*db)),
        }
    }
}

/// The range itself may be no float.
fn share(d: f64, (min, max): Ends) -> f64 {
    if (max - min).is_finite() { d / (max - min) } else { 0.5 * d / (0.5 * max - 0.5 * min) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;
    use crate::sample::Rounding;

    fn errors(pairs: &[(f64, f64)]) -> Errors {
        let bytes = |of: fn(&(f64, f64)) -> f64| pairs.iter().flat_map(|p| of(p).to_le_bytes()).collect::<Vec<u8>>();
        Errors::of(Dtype::F64, &bytes(|p| p.0), &bytes(|p| p.1), false)
    }

    #[test]
    fn an_error_is_told_in_the_unit_that_was_asked_for() {
        // off by ¼ in a range of 8, where the sample is ½
        let found = errors(&[(0.0, 0.0), (0.5, 0.75), (8.0, 8.0), (4.0, 4.0)]);
        let (ends, noise) = (Some((0.0, 8.0)), Some(NoiseStep { sigma: 2.0, step: 1.0 }));
        for (loss, off, text) in [
            (Loss::Abs(0.3), Off::Samples(0.25), "largest error 0.25"),
            (Loss::Near(3), Off::Samples(0.25), "largest error 0.25"),
            (Loss::Rel(0.1), Off::Range(0.03125), "largest error 0.03125 of the range"),
            (Loss::PwRel(0.6), Off::Each(0.5), "largest error 0.5 of the sample"),
            (Loss::Mantissa(1, Rounding::Round), Off::Each(0.5), "largest error 0.5 of the sample"),
            (Loss::Denoise(2.0), Off::Noise(0.125), "largest error 0.125 σ"),
            (Loss::NoiseStep(2.0), Off::Noise(0.125), "largest error 0.125 σ"),
            // √(¼² / 4) = 1/8: a 64th of the range
            (Loss::Psnr(30.0), Off::Psnr(20.0 * 64f64.log10()), "36.124 dB"),
        ] {
            let told = Off::of(loss, &found, ends, noise).unwrap();
            assert_eq!((told, told.to_string().as_str()), (off, text));
        }
        assert_eq!(Off::of(Loss::Rel(0.1), &errors(&[(1.0, 1.0)]), ends, None), None);
    }

    #[test]
    fn of_several_arrays_the_worst_is_told() {
        assert_eq!(Off::Range(0.1).worse(Off::Range(0.2)), Off::Range(0.2));
        assert_eq!(Off::Psnr(60.0).worse(Off::Psnr(61.0)), Off::Psnr(60.0));
    }

    #[test]
    fn a_range_and_squares_that_are_no_floats_have_their_figures() {
        let m = f64::MAX;
        let found = errors(&[(m, 0.5 * m), (-m, -m), (0.0, 0.0), (0.5 * m, 0.5 * m)]);
        assert_eq!(Off::of(Loss::Rel(0.3), &found, Some((-m, m)), None), Some(Off::Range(0.25)));
        let Some(Off::Psnr(db)) = Off::of(Loss::Psnr(9.0), &found, Some((-m, m)), None) else { panic!("no PSNR") };
        // √((m/2)² / 4) is an eighth of the range; logarithms of 308 have 13 digits behind the point
        assert!((db - 20.0 * 8f64.log10()).abs() < 1e-11, "{db}");
    }
}
