//! Family `idf`: an integer lifting, forward and inverse, as `codec::flow` does it run by run, phase by phase.
//!
//! ```text
//! forward   for each level from the finest, each half:     odd −= P(even)     details are their residuals     even += U(odd)
//! inverse   for each level from the coarsest, each half:   the details of odd are coded     even −= U(odd)     odd += P(even)
//! encode    ints -> forward -> details -> inverse, an interval for each
//! decode    inverse; at each coded step the CPU pops details
//! ```
//!
//! Places are those of coded steps, then that of the seed, then those of the phases that no step codes. A target is a home or a copy
//! beyond the edges of a phase, and both are always changed alike.

use super::op::Op;
use super::params;
use super::program::{Buf, Command, Fetch, Program, Stage};
use super::stages::{add_refs, pop_stage};
use super::tables::{Block, NONE, Tables, symbol_params};
use super::walk::{Prepared, Tile, TileInts, Walk};
use crate::codec::flow::{POPPED, WINDOW, check, far, opened, packed};
use crate::codec::network::{Context, indices};
use crate::entropy::lanes::Interval;
use crate::error::Result;
use crate::kernel::couple::Direction;
use crate::kernel::interval::cost;
use crate::kernel::predict::Linear;
use crate::kernel::{ONE, Offsets};
use crate::model::Plan;
use crate::model::idf::{Half, Lift, Phase};
use crate::model::plan::Run;
use std::collections::BTreeMap;
use std::ops::Range;

pub(super) struct Flow<'a> {
    context: Context<'a>,
    plan: &'a Plan,
    program: Program,
}

/// Cells of a phase: their places, and the entries of `targets`.
#[derive(Clone, Debug, Default)]
struct Group {
    places: Range<usize>,
    targets: Range<usize>,
}

/// A program on its way.
struct Lifting<'a> {
    t: Tables<'a>,
    buffers: Buffers,
    /// The groups of each level, by phase.
    groups: Vec<[Group; 4]>,
    n_coded: usize,
}

#[derive(Clone, Copy)]
struct Buffers {
    ints: Buf,
    details: Buf,
    seeds: Buf,
    medians: Buf,
    values: Buf,
    /// Details as residuals, and how even samples stand out of the four nearest.
    residuals: Buf,
    contrast: Buf,
    refs: Buf,
    b: Buf,
    zeros: Buf,
    heads: Buf,
    mixtures: Buf,
    constants: Buf,
    pairs: Buf,
}

impl<'a> Flow<'a> {
    pub fn to_encode(context: Context<'a>, plan: &'a Plan, n_refs: usize) -> Flow<'a> {
        let mut l = Lifting::new(context, plan, n_refs);
        let Buffers { ints, details, medians, zeros, mixtures, constants, .. } = l.buffers;
        let finest = plan.lifts.last().map_or(Vec::new(), |lift| lift.phases.iter().flat_map(ints_of).collect());
        l.fill((ints, l.buffers.seeds), Block { base: 0, stride: plan.h * plan.w }, &finest);
        // the details and the seed, in one block
        let (n, block) = (l.n_coded + 1, Block { base: 0, stride: l.n_coded + 1 });
        l.forward();
        l.t.p.run(Op::Detail, &[l.t.cells, l.buffers.values, details], l.t.arena(block), 0..n);
        let intervals = l.t.p.per_tile(2 * n);
        l.inverse(|l, step, group| {
            let told = l.mixtures(step, group, block);
            l.t.p.run(Op::Interval, &[details, zeros, mixtures, constants, intervals], told, group.places.clone());
        });
        let mut program = l.t.p;
        program.inputs = vec![medians, ints];
        program.outputs = vec![Fetch::block(intervals, 2 * n), Fetch::block(details, n)];
        Flow { context, plan, program }
    }

    pub fn to_decode(context: Context<'a>, plan: &'a Plan, n_refs: usize) -> Flow<'a> {
        let mut l = Lifting::new(context, plan, n_refs);
        let Buffers { ints, details, seeds, medians, values, mixtures, .. } = l.buffers;
        let seed = plan.lifts.first().map_or(Vec::new(), |lift| ints_of(&lift.phases[0]));
        let seed: Vec<[u32; 2]> = seed.into_iter().map(|[cell, _]| [cell, NONE]).collect();
        l.fill((ints, seeds), Block::default(), &seed);
        let k = context.model.parts[0].net.k;
        l.inverse(|l, step, group| {
            let stage = Stage { steps: step..step + 1, first: group.places.start, n: group.places.len() };
            let block = Block::of(&stage);
            l.mixtures(step, group, block);
            let fetch = vec![Fetch::block(mixtures, 3 * k * stage.n)];
            l.t.p.commands.push(Command::Pop(stage, fetch));
            let buffers = [l.t.targets, details, seeds, values];
            l.t.p.run(Op::Fill, &buffers, l.t.arena(block), group.targets.clone());
        });
        // what an encoder need not undo: it knows what comes of it
        if let Some((lift, half)) = plan.lifts.last().and_then(|lift| Some((lift, lift.halves.last()?))) {
            l.undo(plan.lifts.len() - 1, lift, half);
        }
        let mut program = l.t.p;
        program.inputs = vec![medians, seeds];
        program.popped = Some(details);
        program.outputs = vec![Fetch::block(values, plan.n_arena)];
        Flow { context, plan, program }
    }

    fn median(&self) -> Vec<i32> {
        vec![self.context.usual.value / ONE]
    }
}

/// The cells of a phase and its copies, and the ints of the tile that lie there.
fn ints_of(phase: &Phase) -> Vec<[u32; 2]> {
    let of_run = |run: &Run| (run.at..run.at + run.n).zip(indices(*run).map(|i| i as u32));
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
    fn new(context: Context<'a>, plan: &'a Plan, n_refs: usize) -> Lifting<'a> {
        let mut t = Tables::new(context, plan, n_refs);
        t.add_places(&plan.steps);
        let n_coded = t.p.index.len();
        t.p.append(t.cells, &[plan.lifts[0].phases[0].runs[0].at]);
        let groups = groups(&mut t, n_coded);
        let largest = groups.iter().flatten().map(|group| group.places.len()).max().unwrap_or(0);
        let n = largest.max(n_coded + 1);
        let k = context.model.parts[0].net.k;
        let most_k = context.model.parts.iter().map(|part| part.net.k).max().unwrap_or(k);
        let [ints, details, seeds, medians] = [plan.h * plan.w, n, 1, 1].map(|n| t.p.per_tile(n));
        let [b, zeros, heads, mixtures] = [n, n, n * (3 * most_k + 1), 3 * k * n].map(|n| t.p.per_tile(n));
        let [values, residuals, contrast, refs] = [1, 1, 1, n_refs].map(|n| t.p.per_tile(n * plan.n_arena));
        let (constants, pairs) = (t.p.constants(), t.p.table());
        t.p.cleared = vec![values];
        add_refs(&mut t, seeds, refs);
        let buffers = Buffers {
            ints,
            details,
            seeds,
            medians,
            values,
            residuals,
            contrast,
            refs,
            b,
            zeros,
            heads,
            mixtures,
            constants,
            pairs,
        };
        let mut l = Lifting { t, buffers, groups, n_coded };
        let empty = plan.lifts.iter().flat_map(|lift| lift.bare.clone()).map(|cell| [cell as u32, NONE]);
        l.fill((ints, medians), Block::default(), &empty.collect::<Vec<_>>());
        l.reset(contrast);
        l.reset(residuals);
        l
    }

    /// Ints, or seeds where there are none.
    fn fill(&mut self, (ints, seeds): (Buf, Buf), block: Block, targets: &[[u32; 2]]) {
        let targets = self.t.p.append(self.t.targets, targets);
        self.t.p.run(Op::Fill, &[self.t.targets, ints, seeds, self.buffers.values], self.t.arena(block), targets);
    }

    /// The spread of the plane in all cells.
    fn reset(&mut self, residuals: Buf) {
        let all: Vec<[u32; 2]> = (0..self.t.plan.n_arena as u32).map(|cell| [cell, NONE]).collect();
        let all = self.t.p.append(self.t.targets, &all);
        self.residual(self.buffers.zeros, residuals, Block::default(), all);
    }

    fn residual(&mut self, b: Buf, residuals: Buf, block: Block, targets: Range<usize>) {
        let buffers = [self.t.targets, self.buffers.values, b, residuals];
        self.t.p.run(Op::Residual, &buffers, self.t.arena(block), targets);
    }

    fn forward(&mut self) {
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
                self.copy(&[self.buffers.values], homes.chain(halos).collect());
            }
        }
    }

    /// `code` finds the details of a group. What has been coded last is not undone.
    fn inverse(&mut self, mut code: impl FnMut(&mut Lifting<'a>, usize, &Group)) {
        let plan = self.t.plan;
        self.reset(self.buffers.residuals);
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
                    self.copy(&[self.buffers.values, self.buffers.residuals], homes.chain(halos).collect());
                }
                for (step, &phase) in half.steps.clone().zip(&half.coded) {
                    let group = self.groups[depth][phase].clone();
                    code(self, step, &group);
                }
            }
        }
    }

    fn undo(&mut self, depth: usize, lift: &Lift, half: &Half) {
        self.residuals(depth, half);
        self.update(depth, lift, half, Direction::UPDATE.inverse());
        self.predict(depth, lift, half, Direction::PREDICT.inverse());
    }

    /// odd ± P(even)
    fn predict(&mut self, depth: usize, lift: &Lift, half: &Half, direction: Direction) {
        let (Tables { context, plan, n_refs, .. }, Buffers { contrast, b, .. }) = (&self.t, self.buffers);
        let (context, plan, part) = (*context, *plan, context.model.part(half.predict, *n_refs));
        for even in &half.known {
            let (group, block) = self.group(depth, even.phase);
            self.centre(&Linear::mean(4), &even.near, block, group.places);
            self.residual(b, contrast, block, group.targets);
        }
        for (step, &phase) in half.steps.clone().zip(&half.coded) {
            let (group, block) = self.group(depth, phase);
            let (offsets, linear) = (&plan.offsets[plan.steps[step].offsets], &context.linears[plan.steps[step].set]);
            self.centre(linear, offsets, block, group.places.clone());
            let net = self.t.net(part, offsets, lift.level, block);
            self.context(contrast, b, net, group.places.clone());
            self.couple(b, net, group.targets, direction);
        }
    }

    /// even ± U(odd)
    fn update(&mut self, depth: usize, lift: &Lift, half: &Half, direction: Direction) {
        let Buffers { residuals, zeros, .. } = self.buffers;
        let part = self.t.context.model.part(half.update, self.t.n_refs);
        for even in &half.known {
            let (group, block) = self.group(depth, even.phase);
            let net = params::Net { median: 0, ..self.t.net(part, &even.update, lift.level, block) };
            self.context(residuals, zeros, net, group.places);
            self.couple(zeros, net, group.targets, direction);
        }
    }

    /// Details are their own residuals.
    fn residuals(&mut self, depth: usize, half: &Half) {
        for &phase in &half.coded {
            let (group, block) = self.group(depth, phase);
            self.residual(self.buffers.zeros, self.buffers.residuals, block, group.targets);
        }
    }

    /// The mixtures of the details of a step, in a block; returns what its intervals are told.
    fn mixtures(&mut self, step: usize, group: &Group, block: Block) -> params::Symbol {
        let (Tables { context, plan, n_refs, .. }, step) = (&self.t, &self.t.plan.steps[step]);
        let (offsets, linear) = (&plan.offsets[step.offsets], &context.linears[step.set]);
        let part = context.model.part(step.pass, *n_refs);
        let Buffers { residuals, b, zeros, heads, mixtures, constants, .. } = self.buffers;
        self.centre(linear, offsets, block, group.places.clone());
        let net = self.t.net(part, offsets, step.level, block);
        self.context(residuals, b, net, group.places.clone());
        let told = symbol_params(WINDOW, net.k as usize, block);
        self.t.p.run(Op::Mixture, &[zeros, heads, constants, mixtures], told, group.places.clone());
        told
    }

    /// What stands in b of these places.
    fn centre(&mut self, linear: &Linear, offsets: &Offsets, block: Block, places: Range<usize>) {
        let told = self.t.predict(linear, offsets, block);
        let buffers = [self.t.cells, self.buffers.values, self.buffers.refs, self.t.linear, self.buffers.b];
        self.t.p.run(Op::Predict, &buffers, told, places);
    }

    fn context(&mut self, residuals: Buf, b: Buf, net: params::Net, places: Range<usize>) {
        let (Tables { cells, offsets, weights, .. }, Buffers { values, refs, heads, .. }) = (&self.t, self.buffers);
        let buffers = [*cells, values, residuals, refs, b, *offsets, *weights, heads];
        self.t.p.run(Op::Context, &buffers, net, places);
    }

    fn couple(&mut self, b: Buf, net: params::Net, targets: Range<usize>, direction: Direction) {
        let params::Net { base, stride, n_arena, k, .. } = net;
        let Direction { sign, most } = direction;
        let told = params::Couple { base, stride, n_arena, k, sign, most };
        self.t.p.run(Op::Couple, &[self.t.targets, b, self.buffers.heads, self.buffers.values], told, targets);
    }

    fn copy(&mut self, arenas: &[Buf], pairs: Vec<[u32; 2]>) {
        let pairs = self.t.p.append(self.buffers.pairs, &pairs);
        for &arena in arenas {
            let told = self.t.arena(Block::default());
            self.t.p.run(Op::Copy, &[self.buffers.pairs, arena], told, pairs.clone());
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
fn groups(t: &mut Tables, n_coded: usize) -> Vec<[Group; 4]> {
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

impl Walk for Flow<'_> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn prepare<'t>(&self, tile: &TileInts<'t>) -> Prepared<'t> {
        Prepared { inputs: vec![self.median(), tile.ints.to_vec()], ints: tile.ints.into() }
    }

    fn pack(&self, ints: &[i32], parts: &[&[i32]]) -> Vec<u8> {
        let (index, details) = (&self.program.index, parts[1]);
        let mut symbols = vec![(Interval::default(), None); ints.len()];
        let pairs = parts[0].chunks_exact(2).map(|pair| Interval { start: pair[0] as u32, width: pair[1] as u32 });
        let widths: Vec<u32> = pairs.clone().take(index.len()).map(|interval| interval.width).collect();
        for ((&index, interval), &detail) in index.iter().zip(pairs).zip(details) {
            symbols[index as usize] = (interval, far(detail));
        }
        packed(self.plan, details[index.len()], cost(&widths), |index| symbols[index])
    }

    fn open(&self, payload: &[u8]) -> Tile {
        let opened = opened(payload);
        let seed = opened.as_ref().map_or(0, |(_, seed)| *seed);
        Tile {
            inputs: vec![self.median(), vec![seed]],
            ints: vec![0; self.plan.h * self.plan.w],
            popper: opened.map(|(popper, _)| popper),
        }
    }

    fn pop(&self, tile: &mut Tile, stage: &Stage, parts: &[&[i32]]) {
        pop_stage(tile, (self.context, POPPED), self.plan, stage, parts);
    }

    /// The ints, from the arena's finest level.
    fn finish(&self, tile: Tile, parts: &[&[i32]]) -> Result<Vec<i32>> {
        let popper = tile.popper?;
        let mut ints = tile.ints;
        for run in self.plan.lifts.last().iter().flat_map(|lift| &lift.phases).flat_map(|phase| &phase.runs) {
            let cells = &parts[0][run.at as usize..][..run.n as usize];
            cells.iter().zip(indices(*run)).for_each(|(cell, i)| ints[i] = cell / ONE);
        }
        check(self.context, &ints)?;
        popper.finish().map(|()| ints)
    }
}
