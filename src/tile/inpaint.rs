//! int = (v₁ + … + vₘ + 32·m) / (64·m)         m the largest of 1, 2, 4 that is no more than there are taps
//!
//! What stands where a mask hides an int: the mean of the nearest known values, rounded. NUMERICS.md, section 5.5. It needs no net and
//! no predictor, so the encoder fills in whole tiles before they are coded, and planes that are predicted from them see what a decoder
//! will. A mean stays within what it is of: a prediction would run away over a continent.

use crate::kernel::{ONE, address};
use crate::model::Plan;
use crate::model::plan::{Run, Step};
use crate::tile::mask::hides;

/// Fills in the ints of a run that are masked, from the values of its plan's arena.
pub(crate) fn fill(plan: &Plan, step: &Step, run: Run, classes: &[u8], values: &[i32], ints: &mut [i32]) {
    if classes.is_empty() {
        return;
    }
    let taps = &plan.offsets[step.offsets].taps;
    let log2_m = taps.len().ilog2().min(2);
    for (i, index) in run.indices().enumerate().filter(|(_, index)| hides(classes, *index)) {
        let sum: i32 = taps[..1 << log2_m].iter().map(|&o| values[address(run.at as usize + i, o)]).sum();
        ints[index] = (sum + ((ONE / 2) << log2_m)) >> (6 + log2_m);
    }
}

/// Fills in all ints of a tile that are masked, as a decoder will; `plan` may be any of the model's for this size.
pub fn fill_in(plan: &Plan, classes: &[u8], ints: &mut [i32]) {
    let Some(first) = (0..ints.len()).find(|&i| !hides(classes, i)) else { return ints.fill(0) };
    if hides(classes, 0) {
        ints[0] = ints[first]; // the seed
    }
    let seed = ints[0];
    let mut values = plan.arena(seed * ONE);
    for step in &plan.steps {
        for &run in &step.runs {
            for i in 0..run.n {
                // the encoder's runs may hold cells that see each other
                let cell = Run { at: run.at + i, n: 1, first: run.index(i as usize) as u32, step: 1 };
                fill(plan, step, cell, classes, &values, ints);
                values[cell.at as usize] = ints[cell.first as usize] * ONE;
            }
        }
        step.copy(&mut values);
    }
}

/// Whether a run has nothing to say.
pub(crate) fn all_hidden(classes: &[u8], run: Run) -> bool {
    !classes.is_empty() && run.indices().all(|index| hides(classes, index))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::PlaneStats;
    use crate::kernel::fast::Level;
    use crate::model::Family;
    use crate::synthetic;
    use crate::tile::cells::{decode_masked, encode_masked};
    use crate::tile::stream::PlaneContext;

    #[test]
    fn what_is_hidden_costs_nothing_and_comes_back_as_it_was_filled_in() {
        for family in [Family::Pixelcnn, Family::Lattice] {
            let model = synthetic::tiny(family, 1, 3);
            let linears = model.linears(0);
            for (h, w) in [(1, 1), (1, 9), (9, 1), (2, 2), (17, 15), (40, 33)] {
                for max in [900, 70_000] {
                    let masked: [fn(usize, usize) -> bool; 4] =
                        [|_, _| false, |y, x| y == 0 && x == 0, |y, x| x > y, |y, x| (y * 7 + x * 3) % 5 < 3];
                    for masked in masked {
                        let classes: Vec<u8> = (0..h * w).map(|i| u8::from(masked(i / w, i % w))).collect();
                        let mut ints: Vec<i32> = (0..h * w).map(|i| (i as i32 * 7919 % 31 + i as i32) % max).collect();
                        let known = ints.clone();
                        fill_in(&model.plan_to_encode(h, w), &classes, &mut ints);
                        for i in 0..h * w {
                            assert!((0..=max).contains(&ints[i]) && (classes[i] > 0 || ints[i] == known[i]));
                        }
                        let kernels = model.kernels(Level::detect());
                        let stats = PlaneStats { median: 640, spread: 200 };
                        let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max };
                        let payload = encode_masked(context, &model.plan_to_encode(h, w), &ints, &classes, &[]);
                        let mut back = vec![-1; h * w];
                        let plan = model.plan_to_decode(h, w);
                        decode_masked(context, &plan, &payload, &classes, &[], &mut back).unwrap();
                        assert_eq!(back, ints, "{family:?} {h} × {w}");
                        if classes.iter().all(|class| *class > 0) {
                            assert!(payload.len() <= 6);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_hidden_int_between_known_ones_is_their_mean() {
        let model = synthetic::tiny(Family::Lattice, 1, 2);
        let mut ints = vec![10, 20, 30, 40, 0, 60, 70, 80, 90];
        fill_in(&model.plan_to_encode(3, 3), &[0, 0, 0, 0, 1, 0, 0, 0, 0], &mut ints);
        assert_eq!(ints[4], (10 + 30 + 70 + 90) / 4);
    }
}
