//! The plan of a tile: where its cells lie in the arena, and which are coded when.
//!
//! Every int has one home, the cell where it is coded; halos and coarser lattices hold copies of it. Encoder and decoder walk
//! the same passes in the same order. A run's symbols are dealt to the coder's lanes from lane 0.

use crate::kernel::{Arenas, Offsets, SLACK, Site};
use crate::net::Pass;
use std::ops::Range;

/// Cells side by side in the arena; their ints lie `step` apart in the tile, from index `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    pub at: u32,
    pub n: u32,
    pub first: u32,
    pub step: i32,
}

/// Cells whose neighbours are all known: one step of the schedule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    pub pass: Pass,
    pub level: i32,
    /// Which of the plane's predictors.
    pub set: usize,
    pub runs: Vec<Run>,
    /// (home, elsewhere): done when the step's ints are known.
    pub copies: Vec<(u32, u32)>,
    /// Index into `Plan::offsets`.
    pub offsets: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub h: usize,
    pub w: usize,
    /// Cells of the arena, slack included.
    pub n_arena: usize,
    pub offsets: Vec<Offsets>,
    pub steps: Vec<Step>,
    /// The runs in the order in which they are coded. The encoder, who knows all ints, may walk them in another.
    pub order: Vec<Run>,
    /// For every cell of the arena the int a reference plane shows there, row-major.
    pub mirror: Vec<u32>,
    /// Of a flow, from the coarsest level to the finest, what happens around the steps.
    pub lifts: Vec<Lift>,
    /// Of family `l3c` the scales of a tile, its own first: its ints are then those of all scales. None elsewhere.
    pub scales: Vec<Scale>,
}

/// What happens at one level around the steps that code it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lift {
    pub level: i32,
    /// (cell of the level above, the same int's cell here): nothing at the coarsest.
    pub descent: Vec<(u32, u32)>,
    /// Cells of phase 11 where it has no ints.
    pub empty: Range<usize>,
    /// By 2y + x.
    pub phases: [Phase; 4],
    /// As they are undone: the odd samples of four, the odd samples of two.
    pub halves: [Half; 2],
}

/// Cells of one phase of a level, and where they are shown beyond its edges: (home, elsewhere).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Phase {
    pub runs: Vec<Run>,
    pub halo: Vec<(u32, u32)>,
}

/// One coupling of a level and its update.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Half {
    pub code: Pass,
    pub predict: Pass,
    pub update: Pass,
    /// The steps that code it.
    pub steps: Range<usize>,
    /// The phases that these steps code.
    pub coded: Vec<usize>,
    pub known: Vec<Known>,
}

/// A phase that is known when a half is coded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub phase: usize,
    /// Its nearest four among what is known.
    pub near: Offsets,
    pub update: Offsets,
}

/// One scale of a tile: the size of its image, and where its ints and its features begin in the array of all scales.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    pub h: usize,
    pub w: usize,
    pub ints: usize,
    pub features: usize,
    /// The offsets by which an encoder's net sees I_s from a feature of the scale above; of the last scale none.
    pub encoder: usize,
}

impl Run {
    /// As kernels see it.
    pub fn site<'a>(self, arenas: Arenas<'a>, offsets: &'a Offsets, level: i32) -> Site<'a> {
        Site { arenas, offsets, at: self.at as usize, n: self.n as usize, level }
    }

    /// Where in the tile its `i`-th int lies.
    pub fn index(self, i: usize) -> usize {
        (self.first as i32 + i as i32 * self.step) as usize
    }

    /// Where in the tile its ints lie.
    pub fn indices(self) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
        (0..self.n as usize).map(move |i| self.index(i))
    }
}

/// The same, of a run.
pub fn indices(run: Run) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    run.indices()
}

impl Step {
    /// Shows the ints of this step wherever later ones look for them.
    pub fn copy(&self, arena: &mut [i32]) {
        for &(from, to) in &self.copies {
            arena[to as usize] = arena[from as usize];
        }
    }
}

impl Plan {
    /// Ints that the runs code: those of the tile, or of all its scales.
    pub fn n_ints(&self) -> usize {
        self.scales.first().map_or(self.h * self.w, |scale| scale.ints + scale.h * scale.w)
    }

    /// Memory that it holds.
    pub fn n_bytes(&self) -> usize {
        fn held<T>(all: &Vec<T>) -> usize {
            all.capacity() * size_of::<T>()
        }
        let steps = self.steps.iter().map(|step| held(&step.runs) + held(&step.copies));
        let phases = self.lifts.iter().flat_map(|lift| &lift.phases).map(|phase| held(&phase.runs) + held(&phase.halo));
        let rest = steps.chain(phases).chain(self.lifts.iter().map(|lift| held(&lift.descent))).sum::<usize>();
        held(&self.steps) + held(&self.order) + held(&self.mirror) + rest
    }

    /// Cells of the longest run.
    pub fn longest(&self) -> usize {
        let phases = self.lifts.iter().flat_map(|lift| &lift.phases).flat_map(|phase| &phase.runs);
        self.steps.iter().flat_map(|step| &step.runs).chain(phases).map(|run| run.n as usize).max().unwrap_or(0)
    }

    /// The level that a net is told: scales are told apart as far as their predictors are.
    pub fn level(&self, step: &Step) -> i32 {
        if self.scales.is_empty() { step.level } else { step.set as i32 }
    }

    /// A run of a step, as kernels see it.
    pub fn site<'a>(&'a self, arenas: Arenas<'a>, step: &Step, run: Run) -> Site<'a> {
        run.site(arenas, &self.offsets[step.offsets], self.level(step))
    }

    /// An arena with every cell at the seed.
    pub fn arena(&self, seed: i32) -> Vec<i32> {
        vec![seed; self.n_arena]
    }

    /// Puts known ints, in kernel units, at their homes and wherever they are copied to.
    pub fn fill(&self, ints: &[i32], arena: &mut [i32]) {
        for step in &self.steps {
            for run in &step.runs {
                let cells = &mut arena[run.at as usize..][..run.n as usize];
                for (cell, index) in cells.iter_mut().zip((run.first as usize..).step_by(run.step as usize)) {
                    *cell = ints[index] * crate::kernel::ONE;
                }
            }
            step.copy(arena);
        }
    }

    /// The arena of a reference plane from its tile of ints, in kernel units.
    pub fn mirror(&self, ints: &[i32]) -> Vec<i32> {
        self.mirror.iter().map(|&i| ints[i as usize] * crate::kernel::ONE).collect()
    }

    /// The same of all reference planes of a tile.
    pub fn mirrored(&self, refs: &[&[i32]]) -> Vec<Vec<i32>> {
        refs.iter().map(|ints| self.mirror(ints)).collect()
    }

    pub(super) fn with_slack(mut self) -> Plan {
        self.n_arena += SLACK;
        if self.scales.is_empty() {
            self.mirror.resize(self.n_arena, 0);
        }
        self
    }
}
