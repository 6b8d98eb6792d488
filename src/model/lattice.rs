//! Coarse to fine: every second int of every second row is known, then the midpoints of four, then the midpoints of two.
//!
//! Level l ≥ 1 has every 2^(l−1)-th int. It keeps four arrays, one per phase (y & 1, x & 1): phase 00 is the whole of
//! level l + 1, phase 11 the diagonal pass, phases 01 and 10 the rest. The coarsest phase 00 is one int, the seed.
//!
//! Outside the tile a phase shows its nearest int; a phase without ints shows the seed.

use super::Places;
use super::plan::{Plan, Run, Step};
use crate::kernel::Offsets;
use crate::net::Pass;
use std::ops::Range;

/// The levels below this share their predictors.
const N_LEVEL_CLASSES: usize = 3;

/// One level: the size of its image, and where its four arrays lie.
pub(super) struct Level {
    pub log2_spacing: usize,
    pub h: usize,
    pub w: usize,
    pub margin: usize,
    pub pitch: usize,
    base: usize,
}

impl Level {
    fn n_rows(&self) -> usize {
        self.h.div_ceil(2) + 2 * self.margin
    }

    /// Where the array of a phase lies.
    pub fn array(&self, (py, px): (usize, usize)) -> Range<usize> {
        let n = self.n_rows() * self.pitch;
        let begin = self.base + (2 * py + px) * n;
        begin..begin + n
    }

    fn n_cells(&self) -> usize {
        4 * self.n_rows() * self.pitch
    }

    /// Ints of a phase: (rows, columns).
    pub fn size(&self, (py, px): (usize, usize)) -> (usize, usize) {
        ((self.h + 1 - py) / 2, (self.w + 1 - px) / 2)
    }

    pub fn at(&self, (py, px): (usize, usize), row: usize, column: usize) -> usize {
        self.array((py, px)).start + (row + self.margin) * self.pitch + column + self.margin
    }

    pub fn offset(&self, (py, px): (usize, usize), (dy, dx): (i32, i32)) -> i32 {
        let (y, x) = (py as i32 + dy, px as i32 + dx);
        let other = ((y & 1) as usize, (x & 1) as usize);
        let arrays = self.at(other, 0, 0) as i32 - self.at((py, px), 0, 0) as i32;
        arrays + (y >> 1) * self.pitch as i32 + (x >> 1)
    }

    /// The index in the tile of the int at (row, column) of a phase, clamped to the phase.
    pub fn index(&self, (py, px): (usize, usize), row: isize, column: isize, tile_w: usize) -> Option<usize> {
        let (rows, columns) = self.size((py, px));
        if rows == 0 || columns == 0 {
            return None;
        }
        let y = 2 * row.clamp(0, rows as isize - 1) as usize + py;
        let x = 2 * column.clamp(0, columns as isize - 1) as usize + px;
        Some((y << self.log2_spacing) * tile_w + (x << self.log2_spacing))
    }
}

/// The plan of both encoder and decoder.
pub fn plan(places: [Places; 2], h: usize, w: usize) -> Plan {
    plan_on(&levels(h, w, margin(&places)), places, h, w)
}

/// Cells around a phase that taps may reach.
pub(super) fn margin(places: &[Places]) -> usize {
    let all = places.iter().flat_map(|p| p.taps.iter().chain(p.ref_taps));
    (all.map(|t| t.0.abs().max(t.1.abs())).max().unwrap_or(1) as usize + 2) / 2
}

pub(super) fn plan_on(levels: &[Level], [diagonal, rest]: [Places; 2], h: usize, w: usize) -> Plan {
    let mut plan = Plan {
        h,
        w,
        n_arena: 0,
        offsets: vec![],
        steps: vec![],
        order: vec![],
        mirror: vec![],
        lifts: vec![],
        scales: vec![],
    };
    plan.n_arena = levels.iter().map(Level::n_cells).sum();

    const NOT_CODED: (usize, u32) = (usize::MAX, 0);
    let mut home = vec![NOT_CODED; h * w]; // (step, cell) of every int
    for (depth, level) in levels.iter().enumerate() {
        let number = levels.len() - 1 - depth;
        let class = number.min(N_LEVEL_CLASSES - 1);
        for (phase, pass) in [((1, 1), Pass::Diagonal), ((0, 1), Pass::Rest), ((1, 0), Pass::Rest)] {
            let Places { taps, ref_taps, .. } = if pass == Pass::Diagonal { diagonal } else { rest };
            let (rows, columns) = level.size(phase);
            if rows == 0 || columns == 0 {
                continue;
            }
            let set = 2 * class + usize::from(pass == Pass::Rest);
            let runs = (0..rows).map(|row| Run {
                at: level.at(phase, row, 0) as u32,
                n: columns as u32,
                first: level.index(phase, row as isize, 0, w).expect("the phase has ints") as u32,
                step: 2 << level.log2_spacing,
            });
            let step = Step {
                pass,
                level: number as i32,
                set,
                runs: runs.collect(),
                copies: vec![],
                offsets: plan.offsets.len(),
            };
            for run in &step.runs {
                for i in 0..run.n {
                    home[run.first as usize + i as usize * run.step as usize] = (plan.steps.len(), run.at + i);
                }
            }
            plan.order.extend(&step.runs);
            plan.steps.push(step);
            plan.offsets.push(Offsets {
                taps: taps.iter().map(|&t| level.offset(phase, t)).collect(),
                ref_taps: ref_taps.iter().map(|&t| level.offset(phase, t)).collect(),
                around: Vec::new(),
                hints: Vec::new(),
            });
        }
    }
    plan.mirror = vec![0; plan.n_arena];
    for level in levels {
        spread(level, &home, &mut plan);
    }
    plan.with_slack()
}

/// From the coarsest, whose phase 00 is one int, to the finest.
pub(super) fn levels(h: usize, w: usize, margin: usize) -> Vec<Level> {
    let n = h.max(w).next_power_of_two().trailing_zeros() as usize;
    let mut base = 0;
    (1..=n)
        .rev()
        .map(|l| {
            let (h, w) = (h.div_ceil(1 << (l - 1)), w.div_ceil(1 << (l - 1)));
            let level = Level { log2_spacing: l - 1, h, w, margin, pitch: w.div_ceil(2) + 2 * margin, base };
            base += level.n_cells();
            level
        })
        .collect()
}

/// Copies for the cells of phases 00 and 11 that are no homes, mirrors for all.
fn spread(level: &Level, home: &[(usize, u32)], plan: &mut Plan) {
    let m = level.margin as isize;
    let (rows, columns) = (level.h.div_ceil(2) as isize, level.w.div_ceil(2) as isize);
    for phase in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        for row in -m..rows + m {
            for column in -m..columns + m {
                let Some(index) = level.index(phase, row, column, plan.w) else { continue };
                let cell = (level.at(phase, 0, 0) as isize + row * level.pitch as isize + column) as u32;
                plan.mirror[cell as usize] = index as u32;
                let (step, at) = home[index];
                if phase.0 == phase.1 && step != usize::MAX && at != cell {
                    plan.steps[step].copies.push((at, cell));
                }
            }
        }
    }
}
