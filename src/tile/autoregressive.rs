//! One tile through a network: ints in, payload out, and back.
//!
//! ```text
//! for each step of the plan, for each run:   b = predict, mixtures = describe      the same calls on the same integers
//!     encode: push the interval of each int          decode: pop each int from its lane
//!     residuals = ints − b
//! ```
//!
//! The payload is that of `stream`; its seed is the tile's first int, uniform over the plane's range. Ints that a mask hides are not
//! coded: `inpaint` says what they are.

use crate::entropy::lanes::Interval;
use crate::error::Result;
use crate::fit::Cells;
use crate::kernel::context::{Heads, Hidden};
use crate::kernel::fast::{Scratch, room};
use crate::kernel::interval::beyond;
use crate::kernel::mixture::{Mixtures, mass};
use crate::kernel::{Look, ONE};
use crate::model::Plan;
use crate::model::plan::{Run, Step};
use crate::tile::inpaint::{all_hidden, fill};
use crate::tile::mask::hides;
use crate::tile::stream::{Context, pack, pop, unpack};
use std::cell::Cell;

/// What a thread needs for a tile, kept for the next one.
#[derive(Default)]
pub(super) struct Buffers {
    pub values: Vec<i32>,
    pub residuals: Vec<i32>,
    pub b: Vec<i32>,
    /// b in steps of a coarser scale.
    pub coarse: Vec<i32>,
    pub scratch: Scratch,
    pub heads: Heads,
    pub hidden: Hidden,
    pub mixtures: Mixtures,
    pub known: Vec<i32>,
    pub start: Vec<u32>,
    pub width: Vec<u32>,
    pub symbols: Vec<Interval>,
    pub excess: Vec<Option<u32>>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// The arenas of a tile and the scratch of the run at hand.
pub(super) struct Tile<'a> {
    pub context: Context<'a>,
    plan: &'a Plan,
    refs: &'a [&'a [i32]],
    pub at_hand: Box<Buffers>,
}

impl<'a> Tile<'a> {
    pub(super) fn new(context: Context<'a>, plan: &'a Plan, seed: i32, refs: &'a [&'a [i32]]) -> Tile<'a> {
        let k = context.model.parts[0].net.k;
        let longest = plan.steps.iter().flat_map(|s| &s.runs).map(|r| r.n as usize).max().unwrap_or(0);
        let room = room(longest);
        let mut t = BUFFERS.take().unwrap_or_default();
        for (arena, first) in [(&mut t.values, seed * ONE), (&mut t.residuals, context.usual.residual)] {
            arena.clear();
            arena.resize(plan.n_arena, first);
        }
        t.b.resize(room, 0);
        t.coarse.resize(room, 0);
        t.known.resize(room, 0);
        t.start.resize(room, 0);
        t.width.resize(room, 0);
        if t.heads.stride != room || t.mixtures.k != k {
            (t.heads, t.mixtures) = (Heads::new(k, room), Mixtures::new(k, room));
        }
        t.scratch.fit(context.fast);
        if let Some(step) = plan.steps.first() {
            let net = context.model.part(step.pass, refs.len());
            t.scratch.begin(context.fast, net, &plan.offsets[step.offsets], longest);
        }
        Tile { context, plan, refs, at_hand: t }
    }

    /// b of a run, from what is known.
    pub(super) fn predict(&mut self, step: &Step, run: Run) {
        let t = &mut *self.at_hand;
        let look = Look { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let (linear, offsets) = (&self.context.linears[step.set], &self.plan.offsets[step.offsets]);
        self.context.fast.predict(linear, offsets, look, run.at as usize, self.context.max, run.n as usize, &mut t.b);
    }

    /// The mixtures of a run, from what is known and b.
    fn describe(&mut self, step: &Step, run: Run) {
        let (Context { model, fast, .. }, t) = (self.context, &mut *self.at_hand);
        let look = Look { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let (net, offsets) = (model.part(step.pass, self.refs.len()), &self.plan.offsets[step.offsets]);
        let (at, n) = (run.at as usize, run.n as usize);
        fast.context(net, offsets, look, at, step.level, n, &t.b, &mut t.scratch, &mut t.heads);
        fast.mixture(n, &t.b, &t.heads, mass(self.context.window().n_symbols()), &mut t.mixtures);
    }

    /// What the last layer of net `part` sees of a run.
    fn watch(&mut self, part: usize, step: &Step, run: Run) {
        let (Context { model, fast, .. }, t) = (self.context, &mut *self.at_hand);
        let look = Look { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let n_in = model.parts[part].net.layers().last().expect("a net has layers").n_in;
        let stride = t.b.len();
        if t.hidden.stride != stride || t.hidden.words.len() < n_in / 4 * stride {
            t.hidden = Hidden::new(n_in, stride);
        }
        let (offsets, at, n) = (&self.plan.offsets[step.offsets], run.at as usize, run.n as usize);
        fast.hidden(part, offsets, look, at, step.level, n, &t.b, &mut t.scratch, &mut t.hidden);
    }

    /// The ints of the run are known: so are its residuals.
    pub(super) fn settle(&mut self, run: Run) {
        let t = &mut *self.at_hand;
        self.context.fast.settle(&t.values, run.at as usize, run.n as usize, &t.b, &mut t.residuals);
    }

    pub(super) fn done(self) {
        BUFFERS.set(Some(self.at_hand));
    }
}

/// The payload of a tile whose ints all lie in 0..=max; those that `classes` hide have been filled in.
pub fn encode(context: Context, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<u8> {
    let refs = plan.mirrored(refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut tile = Tile::new(context, plan, ints[0], &refs);
    let cost = tile.intervals(ints, classes).iter().sum();

    let Buffers { symbols, excess, .. } = &*tile.at_hand;
    let symbol = |index: usize| (symbols[index], excess.get(index).copied().flatten());
    let payload = pack(plan, (ints[0] as u32, context.max as u32 + 1), cost, symbol);
    tile.done();
    payload
}

/// −256 · log2 of the probability that each net of the model gives to its ints; what lies beyond windows is not counted.
pub fn costs(context: Context, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<i64> {
    let refs = plan.mirrored(refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut tile = Tile::new(context, plan, ints[0], &refs);
    let costs = tile.intervals(ints, classes);
    tile.done();
    costs
}

/// Adds every `stride`-th cell to those of its net, unless it is hidden. A net that looks around has to see the cells between
/// them, too.
pub fn gather(
    context: Context,
    plan: &Plan,
    ints: &[i32],
    classes: &[u8],
    refs: &[&[i32]],
    stride: usize,
    cells: &mut [Cells],
) {
    let refs = plan.mirrored(refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut tile = Tile::new(context, plan, ints[0], &refs);
    plan.fill(ints, &mut tile.at_hand.values);
    let mut next = vec![0; cells.len()];
    for step in &plan.steps {
        let part = context.model.part(step.pass, refs.len());
        let always = !context.model.parts[part].net.is_plain();
        for &run in &step.runs {
            tile.predict(step, run);
            tile.settle(run);
            let n = run.n as usize;
            if always || next[part] < n {
                tile.watch(part, step, run);
            }
            let t = &*tile.at_hand;
            for i in (next[part]..n).step_by(stride).filter(|&i| !hides(classes, run.index(i))) {
                cells[part].push(&t.hidden, i, t.b[i], t.values[run.at as usize + i] / ONE);
            }
            next[part] += (n - next[part].min(n)).div_ceil(stride) * stride;
            next[part] -= n.min(next[part]);
        }
        step.copy(&mut tile.at_hand.residuals);
    }
    tile.done();
}

impl Tile<'_> {
    /// The intervals of all ints; returns what they cost, net by net.
    fn intervals(&mut self, ints: &[i32], classes: &[u8]) -> Vec<i64> {
        let (Context { model, .. }, plan) = (self.context, self.plan);
        plan.fill(ints, &mut self.at_hand.values);
        self.at_hand.symbols.resize(ints.len(), Interval::default());
        self.at_hand.excess.resize(if self.context.window().escapes() { ints.len() } else { 0 }, None);
        let mut costs = vec![0; model.parts.len()];
        for step in &plan.steps {
            let part = model.part(step.pass, self.refs.len());
            for &run in &step.runs {
                self.predict(step, run);
                self.settle(run);
                if !all_hidden(classes, run) {
                    self.describe(step, run);
                }
                costs[part] += self.measure(run, ints, classes);
            }
            step.copy(&mut self.at_hand.residuals);
        }
        costs
    }

    /// The intervals of a run's ints; returns −256 · log2 of their probability.
    fn measure(&mut self, run: Run, ints: &[i32], classes: &[u8]) -> i64 {
        let (Context { fast, .. }, t) = (self.context, &mut *self.at_hand);
        let (window, n) = (self.context.window(), run.n as usize);
        if all_hidden(classes, run) {
            run.indices().for_each(|index| t.symbols[index] = Interval::CERTAIN);
            if window.escapes() {
                run.indices().for_each(|index| t.excess[index] = None);
            }
            return 0;
        }
        for (known, index) in t.known.iter_mut().zip(run.indices()) {
            *known = ints[index];
        }
        fast.intervals(&t.mixtures, window, n, &t.b, &t.known, &mut t.start, &mut t.width);
        for (i, _) in run.indices().enumerate().filter(|(_, index)| hides(classes, *index)) {
            (t.start[i], t.width[i]) = (Interval::CERTAIN.start, Interval::CERTAIN.width);
        }
        for ((index, &start), &width) in run.indices().zip(&t.start).zip(&t.width) {
            t.symbols[index] = Interval { start, width };
        }
        if window.escapes() {
            for ((index, &b), &int) in run.indices().zip(&t.b).zip(&t.known) {
                let low = window.low(b);
                let coded = int.clamp(low, low + window.n_symbols() as i32 - 1);
                t.excess[index] = beyond(window, b, coded, int).filter(|_| !hides(classes, index));
            }
        }
        fast.cost(n, &t.width)
    }
}

/// The ints of a payload, where a mask hides some; `plan` must be the model's plan for decoding.
pub fn decode(
    context: Context,
    plan: &Plan,
    payload: &[u8],
    classes: &[u8],
    refs: &[&[i32]],
    ints: &mut [i32],
) -> Result<()> {
    let (mut popper, seed) = unpack(payload, context.max as u32 + 1)?;
    ints[0] = seed as i32;
    let refs = plan.mirrored(refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut tile = Tile::new(context, plan, ints[0], &refs);
    for step in &plan.steps {
        for &run in &step.runs {
            tile.predict(step, run);
            fill(plan, step, run, classes, &tile.at_hand.values, ints);
            if !all_hidden(classes, run) {
                tile.describe(step, run);
                let t = &tile.at_hand;
                pop(&mut popper, context.fast, context.popped(), run, &t.mixtures, &t.b, 0, classes, ints)?;
            }
            tile.know(run, ints);
            tile.settle(run);
        }
        step.copy(&mut tile.at_hand.values);
        step.copy(&mut tile.at_hand.residuals);
    }
    tile.done();
    popper.finish()
}

impl Tile<'_> {
    /// The ints of a run, at their homes.
    pub(super) fn know(&mut self, run: Run, ints: &[i32]) {
        let cells = &mut self.at_hand.values[run.at as usize..][..run.n as usize];
        for (cell, index) in cells.iter_mut().zip(run.indices()) {
            *cell = ints[index] * ONE;
        }
    }
}
