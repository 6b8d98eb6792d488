//! σ = median |d| / (z · √Σc²)          d = first or second differences along rows, c their coefficients
//! step = σ / Q          |x − x′| ≤ step / 2            where samples are denoised, step / 2 = K σ
//!
//! z is the quantile of the normal distribution at the share of |d| that are at most their median: about 0.6745, and more where
//! samples are so coarse that many are equal. The median does not see the stars. A bound follows from it, so there are only
//! + − × ÷ √ of IEEE floats here, in one order.
//!
//! Nothing is dithered: what a sample becomes depends on the sample alone, and from Q = 1 on the noise leaves the mean where it was.

use super::errors::Errors;
use super::loss::Loss;
use super::octave::exp2;
use super::ordinary::Ordinary;
use super::survey::Survey;
use std::f64::consts::{LOG2_E, PI};

/// Fewer differences say nothing.
const MIN_DIFFERENCES: usize = 16;

/// What a step in units of the noise means for an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NoiseStep {
    pub sigma: f64,
    pub step: f64,
}

impl NoiseStep {
    /// From rows of `w` samples of the array; None where no such step is asked for, or no noise can be seen.
    pub fn of(loss: Loss, survey: &Survey, rows: &[u8], big_endian: bool, w: usize) -> Option<NoiseStep> {
        if !matches!(loss, Loss::NoiseStep(_) | Loss::Denoise(_)) {
            return None;
        }
        let sigma = sigma(&Ordinary::of(survey).numbers(rows, big_endian), w).filter(|sigma| *sigma > 0.0)?;
        let step = match loss {
            Loss::Denoise(k) => 2.0 * k * sigma,
            Loss::NoiseStep(q) => sigma / q,
            _ => return None,
        };
        Some(NoiseStep { sigma, step })
    }

    /// The bound that it comes to.
    pub fn loss(self) -> Loss {
        Loss::Abs(0.5 * self.step)
    }

    /// Whether no sample is off by more.
    pub fn allows(self, errors: &Errors) -> bool {
        errors.largest <= 0.5 * self.step
    }
}

/// The noise of rows of `w` numbers, NaN where none counts. The least of four estimates: a gradient spoils first differences, a
/// colour filter array those of neighbours.
pub fn sigma(numbers: &[f64], w: usize) -> Option<f64> {
    let kinds = [(1, false), (2, false), (1, true), (2, true)];
    let sigmas = kinds.iter().filter_map(|&(distance, second)| {
        let rows = numbers.chunks(w.max(1));
        let d = rows.flat_map(|row| {
            row.windows((1 + usize::from(second)) * distance + 1).map(move |r| {
                let at = |i: usize| r[i * distance];
                if second { at(0) - 2.0 * at(1) + at(2) } else { at(1) - at(0) }
            })
        });
        let (sigma, unit) = spread(d.filter(|d| d.is_finite()).map(f64::abs).collect())?;
        // squares of the coefficients add up to 6 or 2, and each sample was rounded to the unit
        let n = if second { 6.0 } else { 2.0 };
        Some((sigma * sigma / n - unit * unit / 12.0 / n).max(0.0).sqrt())
    });
    sigmas.min_by(f64::total_cmp)
}

/// σ of a normal distribution of which as many |d| are at most their median (plus half of the unit) as of these; and the unit, the
/// distance of the median from what comes next.
fn spread(mut d: Vec<f64>) -> Option<(f64, f64)> {
    if d.len() < MIN_DIFFERENCES {
        return None;
    }
    let middle = d.len() / 2;
    let median = *d.select_nth_unstable_by(middle, f64::total_cmp).1;
    let share = d.iter().filter(|&&x| x <= median).count() as f64 / d.len() as f64;
    let next = d.iter().copied().filter(|&x| x > median).fold(f64::INFINITY, f64::min);
    let unit = if next.is_finite() { next - median } else { 0.0 };
    Some(((median + 0.5 * unit) / normal_quantile(share), unit))
}

/// z with P(|normal| ≤ z) = share, up to 6.
fn normal_quantile(share: f64) -> f64 {
    const N: usize = 6000;
    let step = 6.0 / N as f64;
    let mut sum = 0.0;
    for i in 0..N {
        let z = (i as f64 + 0.5) * step;
        sum += (2.0 / PI).sqrt() * exp2(-z * z / 2.0 * LOG2_E) * step;
        if sum >= share {
            return z + step / 2.0;
        }
    }
    6.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;

    /// Sums of twelve uniforms: about normal, σ = 1.
    fn normal(n: usize) -> Vec<f64> {
        let mut state = 7u64;
        let mut uniform = move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1u64 << 53) as f64
        };
        (0..n).map(|_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0).collect()
    }

    // an estimate from 2¹⁶ samples: 3 % is ten times its own spread
    fn is_near(found: f64, sigma: f64) -> bool {
        (found / sigma - 1.0).abs() < 0.03
    }

    #[test]
    fn noise_is_found_on_a_slope_in_whole_numbers_and_in_floats() {
        for sigma in [1.0, 3.0, 40.0] {
            let slope = |(i, z): (usize, f64)| 1000.0 + (i % 256) as f64 * 0.01 + sigma * z;
            let floats: Vec<f64> = normal(1 << 16).into_iter().enumerate().map(slope).collect();
            let ints: Vec<f64> = floats.iter().map(|x| x.round()).collect();
            let (floats, ints) = (super::sigma(&floats, 256).unwrap(), super::sigma(&ints, 256).unwrap());
            assert!(is_near(floats, sigma) && is_near(ints, sigma), "{sigma}: {floats} {ints}");
        }
        assert_eq!(super::sigma(&[5.0; 100], 10), Some(0.0));
        assert_eq!(super::sigma(&[5.0; 3], 3), None);
    }

    #[test]
    fn a_step_is_a_fraction_of_the_noise_and_fill_values_are_none_of_it() {
        let noise = normal(1 << 16);
        let land = |(i, z): (usize, &f64)| if i % 256 < 180 { 1e20f32 } else { 50.0 + 2.0 * *z as f32 };
        let bytes: Vec<u8> = noise.iter().enumerate().map(land).flat_map(f32::to_le_bytes).collect();
        let mut survey = Survey::new(Dtype::F32);
        survey.update(&bytes, false);
        let found = NoiseStep::of(Loss::NoiseStep(4.0), &survey, &bytes, false, 256).unwrap();
        assert!(is_near(found.sigma, 2.0) && found.step == found.sigma / 4.0, "{found:?}");
        assert_eq!(found.loss(), Loss::Abs(found.step / 2.0));
        assert_eq!(NoiseStep::of(Loss::Abs(1.0), &survey, &bytes, false, 256), None);
        assert_eq!(NoiseStep::of(Loss::NoiseStep(4.0), &survey, &[0; 4096], false, 256), None);
    }
}
