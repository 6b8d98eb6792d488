//! c = argmin Σ |v − v₁ − Σᵢ cᵢ · (vᵢ − v₁) − Σ cᵣⱼ · (uᵣⱼ − uᵣ₀)|          least absolute residuals, by reweighting
//!
//! What the encoder alone chooses and transmits. This room may use floats, but only + − × ÷ and rounding, which IEEE fixes, in
//! one order: the same coefficients on every machine.

mod cells;
mod elementary;
mod likelihood;
mod normal;
mod predictive_gain;
mod refit;
mod slopes;
mod solve;
mod table_likelihood;
pub mod train;

use crate::kernel::predict::Linear;
use crate::kernel::{MAX_INT, ONE, PlaneStats, address};
use crate::model::l3c::{Steps, pyramid};
use crate::model::plan::Step;
use crate::model::vdm::ladder;
use crate::model::{Family, Model, Plan};
use crate::net::Pass;
pub use cells::Cells;
use normal::{Cell, equations};
pub use predictive_gain::{CandidateWindow, predictive_gain};
pub use refit::{Refitted, refit};
use solve::solve;

/// Cells per predictor that are looked at.
const MAX_CELLS: usize = 8192;
const N_ROUNDS: usize = 5;
/// Rounds end where the last one made residuals smaller by no more than this share: most frames are there after two or three.
const SETTLED: f64 = 1.0 / 128.0;
/// How strongly coefficients are held where they came from, as a share of the mean diagonal of the normal equations: the first that
/// leads to coefficients within their range. Smooth fields want to be held loosely, and large coefficients.
const HOLDS: [f64; 4] = [1e-6, 1e-5, 1e-4, 1e-3];

/// A tile to fit to, and its reference planes.
pub struct Sample<'a> {
    pub plan: &'a Plan,
    pub ints: &'a [i32],
    pub refs: &'a [&'a [i32]],
}

/// One predictor per set of the model, and what is usual in the tiles.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fit {
    pub linears: Vec<Linear>,
    pub stats: PlaneStats,
}

/// One row of the equations per cell: differences, then the target.
struct Rows {
    width: usize,
    cells: Vec<f64>,
}

impl Rows {
    fn targets(&self) -> impl Iterator<Item = f64> + '_ {
        self.cells.chunks_exact(self.width).map(|row| row[self.width - 1])
    }
}

/// Predictors fitted to a few tiles, all with the same number of reference planes.
pub fn fit(model: &Model, samples: &[Sample]) -> Fit {
    fit_masked(model, samples, &vec![&[][..]; samples.len()], 0)
}

/// The same from those cells whose class is 0; no classes: all. Of scales, with steps so many octaves
/// wider than the tiles' noise asks for.
pub fn fit_masked(model: &Model, samples: &[Sample], classes: &[&[u8]], octaves: i32) -> Fit {
    let n_refs = samples.first().map_or(0, |s| s.refs.len());
    let steps = (model.family == Family::L3c).then(|| measured(samples).wider(octaves));
    let start = model.linears(n_refs);
    let mut rows: Vec<Rows> = start.iter().map(|l| Rows { width: n_coefficients(l) + 1, cells: Vec::new() }).collect();
    let strides = strides(start.len(), samples);
    for (sample, classes) in samples.iter().zip(classes) {
        let images = match (model.family, steps) {
            (_, Some(steps)) => Some(pyramid(sample.plan, sample.ints, MAX_INT, steps)),
            (Family::Vdm, _) => Some(ladder(sample.plan, model.per_octave, sample.ints)),
            _ => None,
        };
        collect(sample, classes, &start, &strides, images, &mut rows);
    }
    let mut errors = Vec::new();
    let linears = start.iter().zip(&rows).map(|(start, rows)| {
        let linear = refine(start, rows);
        errors.extend(residuals(&coefficients(&linear), rows));
        linear
    });
    let linears = linears.collect();
    let residual = (median(&mut errors) * f64::from(ONE)).clamp(8.0, 1e6) as i32;
    let residual = steps.map_or(residual, Steps::residual);
    let known = |(s, classes): (&Sample, &&[u8])| -> Vec<f64> {
        let known = s.ints.iter().enumerate().filter(|(i, _)| classes.get(*i).is_none_or(|&class| class == 0));
        known.map(|(_, &int)| f64::from(int)).collect()
    };
    let mut ints: Vec<f64> = samples.iter().zip(classes).flat_map(known).collect();
    Fit { linears, stats: PlaneStats { median: median(&mut ints) as i32 * ONE, spread: residual } }
}

fn n_coefficients(linear: &Linear) -> usize {
    linear.own().len() + linear.refs().iter().map(Vec::len).sum::<usize>()
}

/// So many cells are passed over per set that about `MAX_CELLS` are left.
fn strides(n_sets: usize, samples: &[Sample]) -> Vec<usize> {
    let mut n = vec![0; n_sets];
    for step in samples.iter().flat_map(|s| fitted(s.plan)) {
        n[step.set] += step.runs.iter().map(|r| r.n as usize).sum::<usize>();
    }
    n.iter().map(|n| n.div_ceil(MAX_CELLS).max(1)).collect()
}

/// Of scales the steps that suit the noise of these tiles.
fn measured(samples: &[Sample]) -> Steps {
    Steps::measured(samples.iter().map(|s| (s.ints, s.plan.w)))
}

/// Steps whose predictor is fitted: of a feature the mean itself is all that is foreseen.
fn fitted(plan: &Plan) -> impl Iterator<Item = &Step> {
    plan.steps.iter().filter(|step| step.pass != Pass::Feature)
}

fn collect(
    sample: &Sample,
    classes: &[u8],
    linears: &[Linear],
    strides: &[usize],
    images: Option<Vec<i32>>,
    rows: &mut [Rows],
) {
    let mut arena = sample.plan.arena(sample.ints[0] * ONE);
    sample.plan.fill(images.as_deref().unwrap_or(sample.ints), &mut arena);
    let refs: Vec<Vec<i32>> = sample.refs.iter().map(|ints| sample.plan.mirror(ints)).collect();
    let mut next = vec![0; linears.len()];
    for step in fitted(sample.plan) {
        let offsets = &sample.plan.offsets[step.offsets];
        let (stride, next, rows) = (strides[step.set], &mut next[step.set], &mut rows[step.set]);
        for run in &step.runs {
            while *next < run.n as usize {
                let cell = run.at as usize + *next;
                let index = run.first as usize as isize + *next as isize * run.step as isize;
                *next += stride;
                if classes.get(index as usize).is_some_and(|&class| class != 0) {
                    continue;
                }
                let v1 = arena[address(cell, offsets.taps[0])];
                let difference = |v: i32, v1: i32| f64::from(((v - v1) >> 6).clamp(-32768, 32767));
                for &o in &offsets.taps[1..=linears[step.set].own().len()] {
                    rows.cells.push(difference(arena[address(cell, o)], v1));
                }
                for u in &refs {
                    let u0 = u[address(cell, offsets.ref_taps[0])];
                    rows.cells.extend(offsets.ref_taps[1..].iter().map(|&o| difference(u[address(cell, o)], u0)));
                }
                rows.cells.push(difference(arena[cell], v1));
            }
            *next -= run.n as usize;
        }
    }
}

fn coefficients(linear: &Linear) -> Vec<f64> {
    linear.own().iter().chain(linear.refs().iter().flatten()).map(|&c| f64::from(c) / 4096.0).collect()
}

/// Σ cᵢ · dᵢ of every row. Each sum is taken in order; four rows go side by side, which hides how long an addition takes.
fn foreseen<'a>(c: &'a [f64], rows: &'a Rows) -> impl Iterator<Item = f64> + 'a {
    rows.cells.chunks(4 * rows.width).flat_map(move |cells| {
        let mut sums = [0.0; 4];
        let mut four: [&[f64]; 4] = [&cells[..c.len()]; 4];
        four.iter_mut().zip(cells.chunks_exact(rows.width)).for_each(|(four, row)| *four = &row[..c.len()]);
        for (i, c) in c.iter().enumerate() {
            sums.iter_mut().zip(four).for_each(|(sum, row)| *sum += c * row[i]);
        }
        sums.into_iter().take(cells.len() / rows.width)
    })
}

fn residuals(c: &[f64], rows: &Rows) -> Vec<f64> {
    foreseen(c, rows).zip(rows.targets()).map(|(p, target)| (target - p).abs()).collect()
}

fn median(values: &mut [f64]) -> f64 {
    if values.is_empty() {
        return 0.0;
    }
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

/// The coefficients held to `start` as loosely as leads to some that a file may have; `start` itself where that leads nowhere.
fn refine(start: &Linear, rows: &Rows) -> Linear {
    if rows.cells.len() < 8 * n_coefficients(start) * rows.width {
        return start.clone();
    }
    let sum = |linear: &Linear| residuals(&coefficients(linear), rows).iter().fold(0.0, |sum, e| sum + e);
    let before = sum(start);
    let held = |&hold: &f64| round(&reweighted(start, rows, hold)?, start).filter(|linear| sum(linear) < before);
    HOLDS.iter().find_map(held).unwrap_or(start.clone())
}

/// A few rounds of reweighted least squares around `start`.
fn reweighted(start: &Linear, rows: &Rows, hold: f64) -> Option<Vec<f64>> {
    let first = coefficients(start);
    let n = first.len();
    let mut c = first.clone();
    let rests: Vec<f64> = foreseen(&first, rows).zip(rows.targets()).map(|(p, target)| target - p).collect();
    let mut before = f64::INFINITY;
    for _ in 0..N_ROUNDS {
        let errors = residuals(&c, rows);
        let sum = errors.iter().fold(0.0, |sum, e| sum + e);
        if sum > before * (1.0 - SETTLED) {
            break;
        }
        before = sum;
        let floor = 0.3 * median(&mut errors.clone()) + 1e-3;
        let cells = rows.cells.chunks_exact(rows.width).zip(&errors).zip(&rests);
        let weighted = |((differences, error), &target): ((_, &f64), _)| Cell {
            differences,
            weight: 1.0 / error.max(floor),
            target,
        };
        let (mut matrix, right) = equations(n, cells.map(weighted));
        let hold = hold * (0..n).fold(0.0, |sum, i| sum + matrix[i * n + i]) / n as f64 + 1e-9;
        for i in 0..n {
            matrix[i * n + i] += hold;
        }
        let step = solve(&mut matrix, right)?;
        c = first.iter().zip(step).map(|(c, s)| c + s).collect();
    }
    Some(c)
}

fn round(c: &[f64], like: &Linear) -> Option<Linear> {
    let c: Vec<i16> = c.iter().map(|c| (c * 4096.0).round().clamp(-32767.0, 32767.0) as i16).collect();
    let (own, mut rest) = c.split_at(like.own().len());
    let refs = like.refs().iter().map(|r| {
        let (one, others) = rest.split_at(r.len());
        rest = others;
        one.to_vec()
    });
    let refs = refs.collect();
    Linear::new(own.to_vec(), refs).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Family;
    use crate::synthetic;

    fn sum_of_residuals(model: &Model, ints: &[i32], n: usize, linear: &Linear) -> i64 {
        let plan = model.plan_to_encode(n, n);
        let mut arena = plan.arena(0);
        plan.fill(ints, &mut arena);
        let arenas = crate::kernel::Arenas {
            values: &arena,
            residuals: &arena,
            refs: &[],
            stats: PlaneStats { median: 0, spread: 64 },
        };
        let mut b = vec![0; n];
        let mut sum = 0;
        for (step, &run) in plan.steps.iter().flat_map(|s| s.runs.iter().map(move |run| (s, run))) {
            crate::kernel::predict::predict(linear, plan.site(arenas, step, run), 1 << 22, &mut b);
            sum += b.iter().zip(&arena[run.at as usize..]).map(|(b, v)| i64::from((b - v).abs())).sum::<i64>();
        }
        sum
    }

    #[test]
    fn a_slope_is_learned_exactly() {
        let model = synthetic::tiny(Family::Pixelcnn, 1, 2);
        let ints: Vec<i32> = (0..64 * 64).map(|i| 7 * (i / 64) * (i / 64) + 31 * (i % 64) + 100).collect();
        let plan = model.plan_to_encode(64, 64);
        let fitted = fit(&model, &[Sample { plan: &plan, ints: &ints, refs: &[] }]);
        let before = sum_of_residuals(&model, &ints, 64, &model.linears(0)[0]);
        let after = sum_of_residuals(&model, &ints, 64, &fitted.linears[0]);
        assert!(after * 4 < before, "{after} against {before}");
    }

    #[test]
    fn few_cells_leave_the_predictor_as_it_was() {
        let model = synthetic::tiny(Family::Lattice, 1, 2);
        let plan = model.plan_to_encode(3, 3);
        let fitted = fit(&model, &[Sample { plan: &plan, ints: &[5; 9], refs: &[] }]);
        assert_eq!(fitted.linears, model.linears(0));
    }

    #[test]
    fn a_reference_plane_that_tells_all_is_used() {
        let model = synthetic::tiny(Family::Pixelcnn, 1, 2);
        let ints: Vec<i32> = (0..64 * 64u32)
            .map(|i| (i.wrapping_mul(2654435761).rotate_left(11).wrapping_mul(0x9e37_79b1) >> 20) as i32)
            .collect();
        let plan = model.plan_to_encode(64, 64);
        let fitted = fit(&model, &[Sample { plan: &plan, ints: &ints, refs: &[&ints] }]);
        assert!(fitted.stats.spread < 64 * 40, "{}", fitted.stats.spread);
        assert!(fit(&model, &[Sample { plan: &plan, ints: &ints, refs: &[] }]).stats.spread > 64 * 500);
    }
}
