//! z₂ ← x₂ − round(t(x₁))     x₁ ← x₁ + round(u(z₂))     from fine to coarse; z₂ is coded, coarse to fine
//!
//! An integer flow over the phases of the lattice. At every level the odd samples of two (phases 01 and 10) go first, by what lies on
//! phases 00 and 11, then the odd samples of four (phase 11), by phase 00; what is left of phase 00 is the image of the level above.
//! Each half is undone by the same nets with the other sign, so that whatever they say comes back.

use super::lattice::{self, Level};
use super::plan::{Half, Known, Lift, Phase, Plan, Run};
use super::{PassNet, Places};
use crate::error::{Error, Result};
use crate::kernel::Offsets;
use crate::net::{Pass, Tap};
use std::ops::Range;

/// What is asked of a flow's nets beside what is asked of all: a odd sample has one prediction, and both of its nets see around it.
pub(super) fn check(nets: &[PassNet]) -> Result<()> {
    let of = |pass: Pass| nets.iter().find(move |p| p.net.pass == pass).map(|p| &p.net);
    let twins = [(Pass::Diagonal, Pass::PredictDiagonal), (Pass::Rest, Pass::PredictRest)];
    match twins.iter().all(|&(a, b)| of(a).map(|n| (&n.taps, &n.ref_taps)) == of(b).map(|n| (&n.taps, &n.ref_taps))) {
        true => Ok(()),
        false => Err(Error::corrupt("nets that code and nets that predict read different places")),
    }
}

/// The plan of both encoder and decoder.
pub(super) fn plan(coded: [Places; 2], update: [Places; 2], h: usize, w: usize) -> Plan {
    let levels = lattice::levels(h, w, lattice::margin(&[coded, update].concat()));
    let mut plan = lattice::plan_on(&levels, coded, h, w);
    let mut first = 0;
    for (depth, level) in levels.iter().enumerate() {
        let n = [3, 1, 2].iter().filter(|&&phase| has_ints(level, phase)).count();
        let above = depth.checked_sub(1).map(|above| &levels[above]);
        let lift = lift(level, above, (levels.len() - 1 - depth) as i32, update, first..first + n, w);
        first += n;
        plan.lifts.push(lift);
    }
    plan
}

fn split(phase: usize) -> (usize, usize) {
    (phase >> 1, phase & 1)
}

fn has_ints(level: &Level, phase: usize) -> bool {
    let (rows, columns) = level.size(split(phase));
    rows > 0 && columns > 0
}

fn lift(level: &Level, above: Option<&Level>, number: i32, update: [Places; 2], steps: Range<usize>, w: usize) -> Lift {
    let phases = [0, 1, 2, 3].map(|phase| cells(level, phase, w));
    let whole = has_ints(level, 3);
    let offsets = |phase: usize, taps: &[Tap], refs: &[Tap]| Offsets {
        taps: taps.iter().map(|&t| level.offset(split(phase), t)).collect(),
        ref_taps: refs.iter().map(|&t| level.offset(split(phase), t)).collect(),
        around: Vec::new(),
        hints: Vec::new(),
    };
    let own: [Tap; 4] = [(0, -2), (-2, 0), (0, 2), (2, 0)];
    let mixed: [Tap; 4] = [(-1, -1), (-1, 1), (1, -1), (1, 1)];
    let known = |phase: usize, near: &[Tap], update: Places| Known {
        phase,
        near: offsets(phase, near, &[]),
        update: offsets(phase, update.taps, update.ref_taps),
    };
    let middle = steps.start + usize::from(whole);
    let diagonal = Half {
        code: Pass::Diagonal,
        predict: Pass::PredictDiagonal,
        update: Pass::UpdateDiagonal,
        steps: steps.start..middle,
        coded: vec![3; usize::from(whole)],
        known: if whole { vec![known(0, &own, update[0])] } else { Vec::new() },
    };
    let coded: Vec<usize> = [1, 2].into_iter().filter(|&phase| has_ints(level, phase)).collect();
    let mut around = vec![known(0, if whole { &mixed } else { &own }, update[1])];
    if whole {
        around.push(known(3, &mixed, update[1]));
    }
    let rest = Half {
        code: Pass::Rest,
        predict: Pass::PredictRest,
        update: Pass::UpdateRest,
        steps: middle..steps.end,
        known: if coded.is_empty() { Vec::new() } else { around },
        coded,
    };
    let empty = if whole { 0..0 } else { level.array((1, 1)) };
    Lift { level: number, descent: descent(level, above), empty, phases, halves: [diagonal, rest] }
}

fn cells(level: &Level, phase: usize, w: usize) -> Phase {
    let (rows, columns) = level.size(split(phase));
    if rows == 0 || columns == 0 {
        return Phase::default();
    }
    let run = |row: usize| Run {
        at: level.at(split(phase), row, 0) as u32,
        n: columns as u32,
        first: level.index(split(phase), row as isize, 0, w).expect("the phase has ints") as u32,
        step: 2 << level.log2_spacing,
    };
    let m = level.margin as isize;
    let (all_rows, all_columns) = (level.h.div_ceil(2) as isize, level.w.div_ceil(2) as isize);
    let mut halo = Vec::new();
    for row in -m..all_rows + m {
        for column in -m..all_columns + m {
            let near = (row.clamp(0, rows as isize - 1), column.clamp(0, columns as isize - 1));
            if near != (row, column) {
                let cell = level.at(split(phase), 0, 0) as isize + row * level.pitch as isize + column;
                halo.push((level.at(split(phase), near.0 as usize, near.1 as usize) as u32, cell as u32));
            }
        }
    }
    Phase { runs: (0..rows).map(run).collect(), halo }
}

/// Phase 00 is the image of the level above.
fn descent(level: &Level, above: Option<&Level>) -> Vec<(u32, u32)> {
    let Some(above) = above else { return Vec::new() };
    let (rows, columns) = level.size((0, 0));
    let cell = |i: usize| {
        let (y, x) = (i / columns, i % columns);
        let there = above.at((y & 1, x & 1), y >> 1, x >> 1);
        (there as u32, level.at((0, 0), y, x) as u32)
    };
    (0..rows * columns).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, Model};
    use crate::synthetic;

    #[test]
    fn a_flow_whose_nets_see_different_places_is_refused() {
        let Model { name, nets, hash, .. } = synthetic::tiny(Family::Idf, 1, 2);
        let model = |nets: Vec<PassNet>| Model::new(&name, Family::Idf, nets, hash).map(drop);
        assert_eq!(model(nets.clone()), Ok(()));
        let mut other = nets.clone();
        for part in other.iter_mut().filter(|part| part.net.pass == Pass::PredictRest) {
            part.net.taps.swap(0, 1);
        }
        assert!(model(other).is_err());
        let without = |pass| nets.iter().filter(|part| part.net.pass != pass).cloned().collect();
        for &pass in Family::Idf.passes() {
            assert!(model(without(pass)).is_err(), "{pass:?}");
        }
    }

    /// Every int has one home, and what a half knows is neither coded by it nor later.
    #[test]
    fn halves_and_homes_of_every_size_fit_each_other() {
        let model = synthetic::tiny(Family::Idf, 1, 2);
        for (h, w) in [(1, 1), (1, 2), (2, 1), (1, 9), (3, 5), (16, 17), (33, 64)] {
            let plan = model.plan_to_encode(h, w);
            let mut coded: Vec<u32> = plan.order.iter().flat_map(|run| run.at..run.at + run.n).collect();
            assert_eq!(coded.len(), h * w - 1);
            coded.sort_unstable();
            coded.dedup();
            assert_eq!(coded.len(), h * w - 1);
            let mut next = 0;
            for lift in &plan.lifts {
                for half in &lift.halves {
                    assert_eq!((half.steps.start, half.steps.len()), (next, half.coded.len()));
                    next = half.steps.end;
                    assert_eq!(half.known.is_empty(), half.coded.is_empty());
                    for (step, &phase) in plan.steps[half.steps.clone()].iter().zip(&half.coded) {
                        assert_eq!((step.pass, &step.runs), (half.code, &lift.phases[phase].runs));
                    }
                    assert!(half.known.iter().all(|known| !half.coded.contains(&known.phase)));
                }
            }
            assert_eq!(next, plan.steps.len());
        }
    }
}
