//! An integer lifting as a program, forward and inverse: what `codec::flow` does run by run, phase by phase.
//!
//! ```text
//! forward   for each level from the finest, each half:     odd −= P(even)     details are their residuals     even += U(odd)
//! inverse   for each level from the coarsest, each half:   the details of odd are coded     even −= U(odd)     odd += P(even)
//! ```
//!
//! Places are those of coded steps, then that of the seed, then those of the phases that no step codes. A target is a home or a copy
//! beyond the edges of a phase, and both are always changed alike.

use super::builder::Builder;
use super::op::Op;
use super::params;
use super::program::Buf;
use super::stages::n_cells;
use super::tables::{Block, NONE, symbol_params};
use crate::kernel::couple::Direction;
use crate::kernel::predict::Linear;
use crate::model::Plan;
use crate::model::plan::Run;
use crate::model::plan::{Half, Lift, Phase};
use crate::tile::flow::WINDOW;
use crate::tile::stream::PlaneContext;
use std::collections::BTreeMap;
use std::ops::Range;

/// Cells of a phase: their places, and the entries of `targets`.
#[derive(Clone, Debug, Default)]
pub(super) struct Group {
    pub places: Range<usize>,
    pub targets: Range<usize>,
}

/// A program on its way.
pub(super) struct Lifting<'a> {
    pub t: Builder<'a>,
    /// The groups of each level, by phase.
    groups: Vec<[Group; 4]>,
    pub n_coded: usize,
    pub details: Buf,
    pub medians: Buf,
    pub zeros: Buf,
    /// By how much even samples stand out of the four nearest.
    contrast: Buf,
    pairs: Buf,
}

/// The cells of a phase and its copies, and the ints of the tile that lie there.
pub(super) fn ints_of(phase: &Phase) -> Vec<[u32; 2]> {
    let of_run = |run: &Run| (run.at..run.at + run.n).zip(run.indices().map(|i| i as u32));
    targets(phase, phase.runs.iter().flat_map(of_run).collect())
}

/// Homes, and what lies beyond the edges, where home and entry of a cell are these.
fn targets(phase: &Phase, homes: Vec<(u32, u32)>) -> Vec<[u32; 2]> {
    let entry: BTreeMap<u32, u32> = homes.iter().copied().collect();
    let halo = phase.halo.iter().map(|(from, to)| [*to, entry[from]]);
    homes.iter().map(|&(cell, entry)| [cell, entry]).chain(halo).collect()
}

impl<'a> Lifting<'a> {
    /// The tables and buffers, and arenas in which nothing is known yet.
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Lifting<'a> {
        let n_coded: usize = plan.steps.iter().map(n_cells).sum();
        let size = |phase: &Phase| phase.runs.iter().map(|run| run.n as usize).sum::<usize>();
        let largest = plan.lifts.iter().flat_map(|lift| &lift.phases).map(size).max().unwrap_or(0);
        let room = largest.max(n_coded + 1);
        let mut t = Builder::new(context, plan, n_refs, plan.h * plan.w, room);
        t.p.append(t.cells, &[plan.lifts[0].phases[0].runs[0].at]);
        let groups = groups(&mut t, n_coded);
        let [details, medians, zeros, contrast] = [room, 1, room, plan.n_arena].map(|n| t.p.per_tile(n));
        let pairs = t.p.table();
        t.p.cleared = vec![t.values];
        let mut l = Lifting { t, groups, n_coded, details, medians, zeros, contrast, pairs };
        let empty = plan.lifts.iter().flat_map(|lift| lift.empty.clone()).map(|cell| [cell as u32, NONE]);
        l.fill((l.t.ints, medians), Block::default(), &empty.collect::<Vec<_>>());
        l.reset(contrast);
        l.reset(l.t.residuals);
        l
    }

    /// Ints, or seeds where there are none.
    pub fn fill(&mut self, of: (Buf, Buf), block: Block, targets: &[[u32; 2]]) {
        let targets = self.t.p.append(self.t.targets, targets);
        self.t.fill(of, block, targets);
    }

    /// The spread of the plane in all cells.
    fn reset(&mut self, residuals: Buf) {
        let all: Vec<[u32; 2]> = (0..self.t.plan.n_arena as u32).map(|cell| [cell, NONE]).collect();
        let all = self.t.p.append(self.t.targets, &all);
        self.t.residual((self.zeros, residuals), Block::default(), all);
    }

    pub fn forward(&mut self) {
        let plan = self.t.plan;
        for (depth, lift) in plan.lifts.iter().enumerate().rev() {
            for half in lift.halves.iter().rev() {
                self.predict(depth, lift, half, Direction::PREDICT);
                self.residuals(depth, half);
                self.update(depth, lift, half, Direction::UPDATE);
            }
            if depth > 0 {
                let above = &plan.lifts[depth - 1];
                let here: BTreeMap<u32, u32> = lift.descent.iter().copied().collect();
                let homes = lift.descent.iter().map(|&(there, here)| [here, there]);
                let halos = above.phases.iter().flat_map(|p| &p.halo).map(|(home, to)| [here[home], *to]);
                self.copy(&[self.t.values], homes.chain(halos).collect());
            }
        }
    }

    /// `code` finds the details of a group. What has been coded last is not undone.
    pub fn inverse(&mut self, mut code: impl FnMut(&mut Lifting<'a>, usize, &Group)) {
        let plan = self.t.plan;
        self.reset(self.t.residuals);
        let mut last = None;
        for (depth, lift) in plan.lifts.iter().enumerate() {
            for (i, half) in lift.halves.iter().enumerate() {
                if let Some((depth, lift, half)) = last.replace((depth, lift, half)) {
                    self.undo(depth, lift, half);
                }
                if i == 0 && depth > 0 {
                    let there: BTreeMap<u32, u32> = lift.descent.iter().map(|&(a, b)| (b, a)).collect();
                    let homes = lift.descent.iter().map(|&(there, here)| [there, here]);
                    let halos = lift.phases[0].halo.iter().map(|(home, to)| [there[home], *to]);
                    self.copy(&[self.t.values, self.t.residuals], homes.chain(halos).collect());
                }
                for (step, &phase) in half.steps.clone().zip(&half.coded) {
                    let group = self.groups[depth][phase].clone();
                    code(self, step, &group);
                }
            }
        }
    }

    pub fn undo(&mut self, depth: usize, lift: &Lift, half: &Half) {
        self.residuals(depth, half);
        self.update(depth, lift, half, Direction::UPDATE.inverse());
        self.predict(depth, lift, half, Direction::PREDICT.inverse());
    }

    /// odd ± P(even)
    fn predict(&mut self, depth: usize, lift: &Lift, half: &Half, direction: Direction) {
        let (Builder { context, plan, n_refs, b, .. }, contrast) = (&self.t, self.contrast);
        let (context, plan, part, b) = (*context, *plan, context.model.net_index(half.predict, *n_refs), *b);
        for even in &half.known {
            let (group, block) = self.group(depth, even.phase);
            let mean = self.t.predictor(&Linear::mean(4), &even.near, block);
            self.t.predict(mean, group.places);
            self.t.residual((b, contrast), block, group.targets);
        }
        for (step, &phase) in half.steps.clone().zip(&half.coded) {
            let (group, block) = self.group(depth, phase);
            let (offsets, linear) = (&plan.offsets[plan.steps[step].offsets], &context.linears[plan.steps[step].set]);
            let centre = self.t.predictor(linear, offsets, block);
            self.t.predict(centre, group.places.clone());
            let net = self.t.net(part, offsets, lift.level, block);
            self.t.context((contrast, b), net, group.places);
            self.couple(b, net, group.targets, direction);
        }
    }

    /// even ± U(odd)
    fn update(&mut self, depth: usize, lift: &Lift, half: &Half, direction: Direction) {
        let (part, zeros) = (self.t.context.model.net_index(half.update, self.t.n_refs), self.zeros);
        for even in &half.known {
            let (group, block) = self.group(depth, even.phase);
            let net = params::Net { median: 0, ..self.t.net(part, &even.update, lift.level, block) };
            self.t.context((self.t.residuals, zeros), net, group.places);
            self.couple(zeros, net, group.targets, direction);
        }
    }

    /// Details are their own residuals.
    fn residuals(&mut self, depth: usize, half: &Half) {
        for &phase in &half.coded {
            let (group, block) = self.group(depth, phase);
            self.t.residual((self.zeros, self.t.residuals), block, group.targets);
        }
    }

    /// The mixtures of the details of a step, in a block; returns what its intervals are told.
    pub fn mixtures(&mut self, step: usize, group: &Group, block: Block) -> params::Symbol {
        let Builder { context, plan, n_refs, residuals, b, k, .. } = self.t;
        let (step, places) = (&plan.steps[step], &group.places);
        let offsets = &plan.offsets[step.offsets];
        let centre = self.t.predictor(&context.linears[step.set], offsets, block);
        self.t.predict(centre, places.clone());
        let net = self.t.net(context.model.net_index(step.pass, n_refs), offsets, step.level, block);
        self.t.context((residuals, b), net, places.clone());
        let told = symbol_params(WINDOW, k, block);
        self.t.mixture(self.zeros, told, places.clone());
        told
    }

    fn couple(&mut self, b: Buf, net: params::Net, targets: Range<usize>, direction: Direction) {
        let params::Net { base, stride, n_arena, n_outputs, .. } = net;
        let Direction { sign, most } = direction;
        let told = params::Couple { base, stride, n_arena, k: n_outputs / 3, sign, most };
        self.t.p.run(Op::Couple, &[self.t.targets, b, self.t.heads, self.t.values], told, targets);
    }

    fn copy(&mut self, arenas: &[Buf], pairs: Vec<[u32; 2]>) {
        let pairs = self.t.p.append(self.pairs, &pairs);
        for &arena in arenas {
            let told = self.t.arena(Block::default());
            self.t.p.run(Op::Copy, &[self.pairs, arena], told, pairs.clone());
        }
    }

    /// A group, and a block of its own for results.
    fn group(&self, depth: usize, phase: usize) -> (Group, Block) {
        let group = self.groups[depth][phase].clone();
        let block = Block { base: group.places.start, stride: group.places.len() };
        (group, block)
    }
}

/// The groups of every level: those that steps code in the order of these, the others behind the seed.
fn groups(t: &mut Builder, n_coded: usize) -> Vec<[Group; 4]> {
    let (mut first, mut behind) = (0, n_coded + 1);
    let mut all = Vec::new();
    for lift in &t.plan.lifts {
        let mut groups: [Group; 4] = Default::default();
        for phase in [3, 1, 2, 0] {
            let cells: Vec<u32> = lift.phases[phase].runs.iter().flat_map(|run| run.at..run.at + run.n).collect();
            let begin = if phase == 0 { &mut behind } else { &mut first };
            let places = *begin..*begin + cells.len();
            *begin = places.end;
            if phase == 0 {
                t.p.append(t.cells, &cells);
            }
            let homes = cells.iter().zip(places.clone()).map(|(&cell, place)| (cell, place as u32)).collect();
            let targets = t.p.append(t.targets, &targets(&lift.phases[phase], homes));
            groups[phase] = Group { places, targets };
        }
        all.push(groups);
    }
    all
}
