//! PSNR = 20 log₁₀(range / root of the mean squared error)
//!
//! A search for the largest bound that keeps one. The error of a bound is measured by whoever reads the array; what is compared are
//! squares, in a unit in which they are floats.

use super::errors::Errors;
use super::loss::Loss;
use super::octave::exp2;
use super::sums::Unit;
use super::survey::Survey;

#[derive(Clone, Debug)]
pub struct PsnrSearch {
    unit: Unit,
    /// Root of the mean squared error that is allowed, squared, in the unit.
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
        // half of it: the range itself may be no float
        let unit = Unit::of(0.5 * max - 0.5 * min);
        let range = unit.share(max) - unit.share(min);
        let root = range * exp2(-db / 20.0 * std::f64::consts::LOG2_10);
        // errors that fill ±E evenly have a mean square of E²/3
        let trial = unit.times(root * 1.732_050_8);
        (trial > 0.0).then_some(PsnrSearch {
            unit,
            allowed: root * root,
            range: unit.times(range),
            trial,
            best: None,
            n_left: 8,
        })
    }

    /// What to measure next.
    pub fn trial(&self) -> Option<Loss> {
        (self.n_left > 0).then_some(Loss::Abs(self.trial))
    }

    /// What came of the trial.
    pub fn tell(&mut self, errors: &Errors) {
        let mean_square = errors.squares.in_unit(self.unit) / errors.n_samples.max(1) as f64;
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

#[cfg(test)]
mod tests {
    use super::super::Map;
    use super::super::octave::power;
    use super::*;
    use crate::array::Dtype;

    /// Noise up to a size, and the bound that keeps 60 dB of it.
    fn found(scale: f64) -> Loss {
        let values = (0..5000).map(|i| (i * 7919 % 5003) as f64 / 5003.0 * scale);
        let bytes: Vec<u8> = values.flat_map(f64::to_le_bytes).collect();
        let mut survey = Survey::new(Dtype::F64);
        survey.update(&bytes, false);
        let mut search = PsnrSearch::new(Loss::Psnr(60.0), &survey).unwrap();
        while let Some(trial) = search.trial() {
            let map = trial.bound(&survey).and_then(|bound| Map::bounded(&survey, bound)).unwrap();
            search.tell(&map.measure(&bytes, false));
        }
        search.found()
    }

    #[test]
    fn a_bound_grows_as_the_samples_do_however_small_or_large_they_are() {
        let Loss::Abs(bound) = found(1.0) else { panic!("none was found") };
        // errors of ±E have a mean square of E²/3: the share of the range is √3 / 1000
        assert!(bound > 0.0017 && bound < 0.0018, "{bound}");
        for e in [-960, -700, -500, -401, -400, -300, 300, 400, 401, 500, 700, 1000, 1023] {
            assert_eq!(found(power(e)), Loss::Abs(bound * power(e)), "2^{e}");
        }
    }
}
