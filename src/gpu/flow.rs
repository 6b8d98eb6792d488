//! Family `idf`: tiles through an integer lifting. `lifting` has its steps.
//!
//! ```text
//! encode    ints -> forward -> details -> inverse, an interval for each detail
//! decode    inverse; at each coded step the CPU pops details
//! ```

use super::interface::TileInts;
use super::lifting::{Lifting, ints_of};
use super::op::Op;
use super::program::{Command, Fetch, Program, Stage};
use super::stages::pop_stage;
use super::tables::{Block, NONE};
use super::walk::{Popper, Prepared, Tile, Walk};
use crate::entropy::lanes::Interval;
use crate::error::Result;
use crate::kernel::ONE;
use crate::kernel::interval::cost;
use crate::model::Plan;
use crate::tile::flow::{POPPED, check, far, opened, packed};
use crate::tile::stream::PlaneContext;

pub(super) struct Flow<'a> {
    context: PlaneContext<'a>,
    plan: &'a Plan,
    program: Program,
}

impl<'a> Flow<'a> {
    pub fn to_encode(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Flow<'a> {
        let mut l = Lifting::new(context, plan, n_refs);
        let (ints, medians, details, zeros) = (l.t.ints, l.medians, l.details, l.zeros);
        let finest = plan.lifts.last().map_or(Vec::new(), |lift| lift.phases.iter().flat_map(ints_of).collect());
        l.fill((ints, l.t.seeds), Block { base: 0, stride: plan.h * plan.w }, &finest);
        // the details and the seed, in one block
        let (n, block) = (l.n_coded + 1, Block { base: 0, stride: l.n_coded + 1 });
        l.forward();
        l.t.p.run(Op::Detail, &[l.t.cells, l.t.values, details], l.t.arena(block), 0..n);
        let intervals = l.t.p.per_tile(2 * n);
        l.inverse(|l, step, group| {
            let told = l.mixtures(step, group, block);
            l.t.interval((details, zeros), intervals, told, group.places.clone());
        });
        let mut program = l.t.p;
        program.inputs = vec![medians, ints];
        program.outputs = vec![Fetch::block(intervals, 2 * n), Fetch::block(details, n)];
        Flow { context, plan, program }
    }

    pub fn to_decode(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Flow<'a> {
        let mut l = Lifting::new(context, plan, n_refs);
        let (seeds, medians, details, values) = (l.t.seeds, l.medians, l.details, l.t.values);
        let seed = plan.lifts.first().map_or(Vec::new(), |lift| ints_of(&lift.phases[0]));
        l.fill(
            (l.t.ints, seeds),
            Block::default(),
            &seed.into_iter().map(|[cell, _]| [cell, NONE]).collect::<Vec<_>>(),
        );
        l.inverse(|l, step, group| {
            let stage = Stage { steps: step..step + 1, first: group.places.start, n: group.places.len() };
            let block = Block::of(&stage);
            l.mixtures(step, group, block);
            let fetch = vec![Fetch::block(l.t.mixtures, 3 * l.t.k * stage.n)];
            l.t.p.commands.push(Command::Pop(stage, fetch));
            l.t.fill((details, seeds), block, group.targets.clone());
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
        vec![self.context.stats.median / ONE]
    }
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
            popper: opened.map(|(popper, _)| Popper::Mixtures(popper)),
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
            cells.iter().zip(run.indices()).for_each(|(cell, i)| ints[i] = cell / ONE);
        }
        check(self.context, &ints)?;
        popper.finish().map(|()| ints)
    }
}
