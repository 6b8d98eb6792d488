//! A program on its way: the tables of a plane's model and plan, the buffers that all walks have, and the ops over them.
//!
//! A cell's *place* is its rank in the order of the plan's steps and runs: ints, predictions, heads and intervals lie in that order on
//! the device, and only the CPU knows which int of the tile it is. A *target* is a cell that holds an int: its home, or a copy of it.

use super::activation_grid::{self, Grid};
use super::op::Op;
use super::params;
use super::program::{Buf, Program};
use super::tables::{Block, columns, linear_terms, net_params, net_weights};
use crate::kernel::predict::Linear;
use crate::kernel::table::Choices;
use crate::kernel::{Offsets, PlaneStats};
use crate::model::Plan;
use crate::net::Head;
use crate::tile::stream::PlaneContext;
use std::ops::Range;

pub(super) struct Builder<'a> {
    pub p: Program,
    pub context: PlaneContext<'a>,
    pub plan: &'a Plan,
    pub n_refs: usize,
    /// Of mixtures; 0 of tables.
    pub k: usize,
    /// The cell of each place.
    pub cells: Buf,
    /// (cell, place): homes and copies of ints, and cells that never hold one.
    pub targets: Buf,
    linear: Buf,
    pub offsets: Buf,
    pub weights: Buf,
    /// Where each net begins, or each of its layers.
    pub nets: Vec<Vec<u32>>,
    pub grid: Option<Grid>,
    pub ints: Buf,
    pub seeds: Buf,
    pub values: Buf,
    pub residuals: Buf,
    pub refs: Buf,
    pub b: Buf,
    pub heads: Buf,
    pub mixtures: Buf,
    /// Of tables, where nets name some.
    pub choices: Buf,
    constants: Buf,
}

impl<'a> Builder<'a> {
    /// Of a plane's plan; of a tile `n_ints` ints, and results of up to `room` places, lie on the device at once.
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize, n_ints: usize, room: usize) -> Builder<'a> {
        let mut p = Program::default();
        let [cells, targets, linear, offsets, weights] = [(); 5].map(|()| p.table());
        for &run in plan.steps.iter().flat_map(|step| &step.runs) {
            p.append(cells, &(run.at..run.at + run.n).collect::<Vec<u32>>());
            p.index.extend(run.indices().map(|i| i as u32));
        }
        let nets = || context.model.nets.iter().map(|part| &part.net);
        // only raster plans have nets of causal convolutions, and these have one pass
        let convolved =
            plan.steps.first().map(|step| &context.model.nets[context.model.net_index(step.pass, n_refs)].net);
        let grid = convolved.filter(|net| !net.is_plain()).map(|net| Grid::new(net, plan.h, plan.w));
        p.columns = columns(nets().filter(|net| net.is_plain()));
        let begins = nets().map(|net| {
            let (mut all, mut begins) = (Vec::new(), vec![0]);
            match grid {
                Some(grid) => begins = activation_grid::layers(net, &grid.offsets(net), &mut all),
                None => all = net_weights(net),
            }
            let first = p.append(weights, &all).start as u32;
            begins.into_iter().map(|begin| first + begin).collect()
        });
        let begins = begins.collect();
        let head = context.model.head();
        let (k, n_choices) = (head.k(), if head == Head::Table { Choices::n_words(context.max) } else { 0 });
        let n_outputs = nets().map(|net| net.head.n_outputs()).max().unwrap_or(0);
        let [ints, seeds, b] = [n_ints, 1, room].map(|n| p.per_tile(n));
        let [values, residuals, refs] = [1, 1, n_refs].map(|n| p.per_tile(n * plan.n_arena));
        let [heads, mixtures, choices] = [n_outputs + 1, 3 * k, n_choices].map(|n| p.per_tile(n * room));
        let constants = p.constants();
        let mut builder = Builder {
            p,
            context,
            plan,
            n_refs,
            k,
            cells,
            targets,
            linear,
            offsets,
            weights,
            nets: begins,
            grid,
            ints,
            seeds,
            values,
            residuals,
            refs,
            b,
            heads,
            mixtures,
            choices,
            constants,
        };
        builder.fill_refs();
        builder
    }

    /// The arenas of reference planes, filled at the start of a batch.
    fn fill_refs(&mut self) {
        if self.n_refs == 0 {
            return;
        }
        let n_ints = self.plan.h * self.plan.w;
        let ref_ints = self.p.per_tile(self.n_refs * n_ints);
        let mirror: Vec<[u32; 2]> = (0..).zip(&self.plan.mirror).map(|(cell, &i)| [cell, i]).collect();
        let mirror = self.p.table_of(&mirror);
        self.p.ref_ints = Some(ref_ints);
        let (told, all) = (self.arena(Block { base: 0, stride: n_ints }), 0..self.plan.mirror.len());
        self.p.run_rows(Op::Fill, &[mirror, ref_ints, self.seeds, self.refs], told, all, self.n_refs);
    }

    pub fn arena(&self, block: Block) -> params::Arena {
        let (n_arena, spread) = (self.plan.n_arena as u32, self.context.stats.spread);
        params::Arena { base: block.base as u32, stride: block.stride as u32, n_arena, spread }
    }

    pub fn predictor(&mut self, linear: &Linear, offsets: &Offsets, block: Block) -> params::Predict {
        let terms = linear_terms(&mut self.p, self.linear, linear, offsets, self.n_refs);
        let (n_arena, max) = (self.plan.n_arena as u32, self.context.max);
        params::Predict { base: block.base as u32, stride: block.stride as u32, n_arena, max, ..terms }
    }

    /// Net number `part` at a level.
    pub fn net(&mut self, part: usize, offsets: &Offsets, level: i32, block: Block) -> params::Net {
        let PlaneStats { median, spread } = self.context.stats;
        let net = params::Net {
            base: block.base as u32,
            stride: block.stride as u32,
            n_arena: self.plan.n_arena as u32,
            n_refs: self.n_refs as u32,
            median,
            spread,
            level,
            weights: self.nets[part][0],
            ..net_params(&mut self.p, self.offsets, &self.context.model.nets[part].net, offsets)
        };
        self.grid.map_or(net, |grid| grid.params(self.p.index.len(), net))
    }

    /// Ints of the block, and seeds where a target has none.
    pub fn fill(&mut self, (ints, seeds): (Buf, Buf), block: Block, targets: Range<usize>) {
        self.p.run(Op::Fill, &[self.targets, ints, seeds, self.values], self.arena(block), targets);
    }

    /// What predictions b got wrong, and the spread of the plane where a target has no int.
    pub fn residual(&mut self, (b, residuals): (Buf, Buf), block: Block, targets: Range<usize>) {
        self.p.run(Op::Residual, &[self.targets, self.values, b, residuals], self.arena(block), targets);
    }

    pub fn predict(&mut self, told: params::Predict, places: Range<usize>) {
        self.p.run(Op::Predict, &[self.cells, self.values, self.refs, self.linear, self.b], told, places);
    }

    pub fn context(&mut self, (residuals, b): (Buf, Buf), told: params::Net, places: Range<usize>) {
        let Builder { cells, values, refs, offsets, weights, heads, .. } = *self;
        self.p.run(Op::Context, &[cells, values, residuals, refs, b, offsets, weights, heads], told, places);
    }

    pub fn mixture(&mut self, b: Buf, told: params::Symbol, places: Range<usize>) {
        self.p.run(Op::Mixture, &[b, self.heads, self.constants, self.mixtures], told, places);
    }

    pub fn table(&mut self, told: params::Table, places: Range<usize>) {
        self.p.run(Op::Table, &[self.b, self.heads, self.choices], told, places);
    }

    pub fn interval(&mut self, (ints, b): (Buf, Buf), intervals: Buf, told: params::Symbol, places: Range<usize>) {
        self.p.run(Op::Interval, &[ints, b, self.mixtures, self.constants, intervals], told, places);
    }
}
