//! A plan's stages on the device: steps that are dispatched together, their cells, and where ints go when they are known.
//!
//! Shared by families that code ints in the steps of a plan: `autoregressive` and `pyramid`.

use super::builder::Builder;
use super::params;
use super::program::{Buf, Command, Fetch, Program, Stage};
use super::tables::{Block, NONE, symbol_params, table_params};
use super::walk::{Popper, Tile};
use crate::entropy::lanes::Interval;
use crate::error::{Error, Result};
use crate::kernel::fast::room;
use crate::kernel::interval::{beyond, cost};
use crate::kernel::mixture::Mixtures;
use crate::kernel::predict::Linear;
use crate::kernel::table::Choices;
use crate::model::Plan;
use crate::model::plan::{Run, Step};
use crate::tile::stream::{PlaneContext, Popped, pop};
use crate::tile::table_coder::TablePack;
use std::iter::repeat_n;
use std::ops::Range;

/// Stages of neighbouring steps that go together.
pub(super) fn stages(plan: &Plan, together: impl Fn(&Step, &Step) -> bool) -> Vec<Stage> {
    let (mut at, mut first) = (0, 0);
    let stage = |steps: &[Step]| {
        let stage = Stage { steps: at..at + steps.len(), first, n: steps.iter().map(n_cells).sum() };
        (at, first) = (stage.steps.end, stage.places().end);
        stage
    };
    plan.steps.chunk_by(together).map(stage).collect()
}

pub(super) fn n_cells(step: &Step) -> usize {
    step.runs.iter().map(|run| run.n as usize).sum()
}

/// A program that goes through stages.
pub(super) struct Stages<'a> {
    pub t: Builder<'a>,
    pub all: Vec<Stage>,
    /// Entries of `targets`: cells that never hold an int, and those of each stage.
    none: Range<usize>,
    targets: Vec<Range<usize>>,
}

impl<'a> Stages<'a> {
    /// Of a plane's plan; results of up to `room` places lie on the device at once.
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize, all: Vec<Stage>, room: usize) -> Stages<'a> {
        let mut t = Builder::new(context, plan, n_refs, room, room);
        let none = add_none(&mut t);
        let targets = all.iter().map(|stage| add_targets(&mut t, stage)).collect();
        Stages { t, all, none, targets }
    }

    /// What is told of the cells of a step: its predictor, and its net.
    pub fn told(&mut self, step: &Step, linear: &Linear, block: Block) -> (params::Predict, params::Net) {
        let Builder { context, plan, n_refs, .. } = self.t;
        let offsets = &plan.offsets[step.offsets];
        let part = context.model.net_index(step.pass, n_refs);
        (self.t.predictor(linear, offsets, block), self.t.net(part, offsets, plan.level(step), block))
    }

    pub fn context(&mut self, told: params::Net, places: Range<usize>) {
        self.t.context((self.t.residuals, self.t.b), told, places);
    }

    /// The mixtures around predictions b.
    pub fn mixture(&mut self, b: Buf, block: Block, places: Range<usize>) {
        let told = symbol_params(self.t.context.window(), self.t.k, block);
        self.t.mixture(b, told, places);
    }

    /// Ints of stage `i`.
    pub fn fill_stage(&mut self, ints: Buf, block: Block, i: usize) {
        self.t.fill((ints, self.t.seeds), block, self.targets[i].clone());
    }

    /// Cells that never hold an int, and all others: an encoder knows all ints from the start.
    pub fn fill_all(&mut self, block: Block) {
        self.t.fill((self.t.ints, self.t.seeds), block, self.all_targets());
    }

    pub fn residual_all(&mut self, block: Block) {
        self.t.residual((self.t.b, self.t.residuals), block, self.all_targets());
    }

    fn all_targets(&self) -> Range<usize> {
        self.none.start..self.targets.last().map_or(self.none.end, |last| last.end)
    }

    /// What a decoder knows from the start.
    pub fn begin(&mut self) {
        self.t.fill((self.t.ints, self.t.seeds), Block::default(), self.none.clone());
        self.t.residual((self.t.b, self.t.residuals), Block::default(), self.none.clone());
    }

    /// The tables around predictions b.
    pub fn table(&mut self, block: Block, places: Range<usize>) {
        let told = table_params(self.t.context.max, block);
        self.t.table(told, places);
    }

    /// The mixtures of `n` places, and their predictions.
    pub fn mixtures(&self, n: usize, b: Buf) -> Vec<Fetch> {
        vec![Fetch::block(self.t.mixtures, 3 * self.t.k * n), Fetch::block(b, n)]
    }

    /// The tables of `n` places, and their middles: see `Choices::from_words`.
    pub fn choices(&self, n: usize) -> Vec<Fetch> {
        vec![Fetch::block(self.t.choices, Choices::n_words(self.t.context.max) * n)]
    }

    /// The CPU pops stage `i` from what it fetches; then its ints and residuals are known.
    pub fn pop(&mut self, i: usize, fetch: Vec<Fetch>) {
        let stage = self.all[i].clone();
        let block = Block::of(&stage);
        self.t.p.commands.push(Command::Pop(stage, fetch));
        self.fill_stage(self.t.ints, block, i);
        self.t.residual((self.t.b, self.t.residuals), block, self.targets[i].clone());
    }

    /// The intervals of all symbols come back, and predictions b where a window may escape.
    pub fn intervals(&mut self, symbols: Buf, b: Buf, block: Block) {
        let (n, window) = (block.stride, self.t.context.window());
        let intervals = self.t.p.per_tile(2 * n);
        self.t.interval((symbols, b), intervals, symbol_params(window, self.t.k, block), 0..n);
        self.t.p.outputs = vec![Fetch::block(intervals, 2 * n)];
        self.t.p.outputs.extend(window.escapes().then(|| Fetch::block(b, n)));
    }
}

/// The cells that never hold an int.
fn add_none(t: &mut Builder) -> Range<usize> {
    let mut none = vec![true; t.plan.n_arena];
    for step in &t.plan.steps {
        step.runs.iter().for_each(|run| none[run.at as usize..][..run.n as usize].fill(false));
        step.copies.iter().for_each(|&(_, to)| none[to as usize] = false);
    }
    let cells = none.iter().enumerate().filter(|(_, none)| **none).map(|(cell, _)| [cell as u32, NONE]);
    t.p.append(t.targets, &cells.collect::<Vec<_>>())
}

/// Homes and copies of the ints of a stage.
fn add_targets(t: &mut Builder, stage: &Stage) -> Range<usize> {
    let (mut place, mut targets) = (stage.first as u32, Vec::new());
    for step in &t.plan.steps[stage.steps.clone()] {
        let mut homes: Vec<[u32; 2]> = Vec::new();
        for run in &step.runs {
            homes.extend((0..run.n).map(|i| [run.at + i, place + i]));
            place += run.n;
        }
        targets.extend(&homes);
        homes.sort_unstable();
        targets.extend(step.copies.iter().map(|&(from, to)| {
            let home = homes.binary_search_by_key(&from, |h| h[0]).expect("a step copies its own ints");
            [to, homes[home][1]]
        }));
    }
    t.p.append(t.targets, &targets)
}

/// The ints of a tile in the order of their places.
pub(super) fn in_places(index: &[u32], ints: &[i32]) -> Vec<i32> {
    index.iter().map(|&i| ints[i as usize]).collect()
}

/// The payload of a tile whose first int is the seed, from the intervals of its places, and their predictions where a window may
/// escape.
pub(super) fn packed(context: PlaneContext, plan: &Plan, p: &Program, ints: &[i32], parts: &[&[i32]]) -> Vec<u8> {
    let (window, b) = (context.window(), parts.get(1).copied().unwrap_or_default());
    let mut symbols = vec![(Interval::default(), None); ints.len()];
    let (mut widths, last) = (Vec::with_capacity(p.index.len()), window.n_symbols() as i32 - 1);
    for (place, (&index, pair)) in p.index.iter().zip(parts[0].chunks_exact(2)).enumerate() {
        let excess = b.get(place).and_then(|&b| {
            let (low, int) = (window.low(b), ints[index as usize]);
            beyond(window, b, int.clamp(low, low + last), int)
        });
        symbols[index as usize] = (Interval { start: pair[0] as u32, width: pair[1] as u32 }, excess);
        widths.push(pair[1] as u32);
    }
    let seed = (ints[0] as u32, context.max as u32 + 1);
    crate::tile::stream::pack(plan, seed, cost(&widths), |index| symbols[index])
}

/// The payload of a tile whose first int is the seed, from the tables of its places and their middles.
pub(super) fn packed_by_tables(context: PlaneContext, plan: &Plan, ints: &[i32], words: &[i32]) -> Vec<u8> {
    let (mut pack, n) = (TablePack::new(plan), words.len() / Choices::n_words(context.max));
    let (mut all, mut of_run) = (Choices::new(n), Choices::new(room(plan.longest())));
    Choices::from_words(words, n, context.max, &mut all);
    let mut from = 0;
    for &run in plan.steps.iter().flat_map(|step| &step.runs) {
        let (n, cells) = (run.n as usize, from..from + run.n as usize);
        of_run.choice[..n].copy_from_slice(&all.choice[cells.clone()]);
        of_run.middle[..n].copy_from_slice(&all.middle[cells]);
        pack.put(context.kernels, run, &of_run, &[], ints);
        from += n;
    }
    pack.payload(context.kernels, plan, ints[0])
}

/// Pops the ints of a stage from what was fetched of its cells: see `Stages::mixtures` and `Stages::choices`.
pub(super) fn pop_stage(
    tile: &mut Tile,
    (context, popped): (PlaneContext, Popped),
    plan: &Plan,
    stage: &Stage,
    parts: &[&[i32]],
) {
    let (n, ints) = (stage.n, &mut tile.ints);
    let runs = plan.steps[stage.steps.clone()].iter().flat_map(|step| &step.runs);
    let outcome = match &mut tile.popper {
        Err(_) => return,
        Ok(Popper::Mixtures(popper)) => {
            let k = context.model.head().k();
            let [location, log2_scale, weight] = [0, 1, 2].map(|i| padded(n, &parts[0][i * k * n..][..k * n]));
            let mixtures = Mixtures { k, stride: room(n), location, log2_scale, weight };
            let b = parts.get(1).map_or_else(|| vec![0; room(n)], |b| padded(n, b));
            each(runs, |run, from| pop(popper, context.kernels, popped, run, &mixtures, &b, from, &[], ints))
        }
        Ok(Popper::Tables(popper)) => {
            let mut choices = Choices::new(n);
            Choices::from_words(parts[0], n, context.max, &mut choices);
            let Choices { choice, middle } = &choices;
            each(runs, |run, from| popper.pop(context.kernels, run, (&choice[from..], &middle[from..]), &[], ints))
        }
    };
    if let Err((run, e)) = outcome {
        // the tile is lost, and goes on with what any tile might hold
        run.indices().for_each(|i| tile.ints[i] = 0);
        tile.popper = Err(e);
    }
}

/// Each run in turn, and where its cells begin; the first that fails, and why.
fn each<'a>(
    runs: impl Iterator<Item = &'a Run>,
    mut pop: impl FnMut(Run, usize) -> Result<()>,
) -> std::result::Result<(), (Run, Error)> {
    let mut from = 0;
    for &run in runs {
        pop(run, from).map_err(|e| (run, e))?;
        from += run.n as usize;
    }
    Ok(())
}

/// Rows of `n` numbers with room behind each: the kernels work in whole vectors.
fn padded(n: usize, rows: &[i32]) -> Vec<i32> {
    let rows = rows.chunks_exact(n);
    rows.flat_map(|row| row.iter().copied().chain(repeat_n(1, room(n) - n))).collect()
}
