//! One tile through a network: ints in, payload out, and back.
//!
//! ```text
//! for each step of the plan, for each run:   b = predict, mixtures = describe      the same calls on the same integers
//!     encode: push the interval of each int          decode: pop each int from its lane
//!     residuals = ints − b
//! ```
//!
//! Payload: log2 of the number of lanes (u8), then the lanes. Lane 0 begins with the seed, the tile's first int, uniform over
//! the plane's range. A run deals its symbols to the lanes in turn, from lane 0. An int at or beyond the end of an escaping
//! window is followed, in its lane, by its distance from that end in 24 plain bits.
//!
//! Ints that a mask hides are not coded: `hidden` says what they are.

use crate::codec::flow;
use crate::codec::hidden::{all_hidden, fill};
use crate::codec::mask::hides;
use crate::codec::scales;
use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::fit::Cells;
use crate::kernel::context::{Heads, Hidden};
use crate::kernel::fast::{Fast, Inverted, Scratch, room};
use crate::kernel::interval::{Distributions, PRECISION, beyond};
use crate::kernel::mixture::{Mixtures, Window, mass};
use crate::kernel::predict::Linear;
use crate::kernel::{Arenas, MAX_INT, ONE, Usual};
use crate::model::plan::{Run, Step};
use crate::model::{Family, Model, Plan};
use std::cell::Cell;

/// A tile gets one more lane per so many bytes, in powers of two: a lane costs about five.
const BYTES_PER_LANE: i64 = 2048;
const MAX_LOG2_LANES: u8 = 4;

/// What all tiles of a plane share.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub model: &'a Model,
    /// The kernels, with the nets of the model.
    pub fast: &'a Fast,
    /// One predictor per set of the model.
    pub linears: &'a [Linear],
    pub usual: Usual,
    /// The largest int of the plane.
    pub max: i32,
}

impl Context<'_> {
    pub(crate) fn window(&self) -> Window {
        debug_assert!((0..=MAX_INT).contains(&self.max), "planes beyond {MAX_INT} do not come here");
        Window { max: self.max }
    }

    /// Whether tiles go through a flow, which codes what is hidden like all else.
    pub(crate) fn is_flow(&self) -> bool {
        self.model.family == Family::Idf
    }

    pub(crate) fn popped(&self) -> Popped {
        Popped { window: self.window(), range: (0, self.max) }
    }
}

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
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let site = self.plan.site(arenas, step, run);
        self.context.fast.predict(&self.context.linears[step.set], site, self.context.max, &mut t.b);
    }

    /// The mixtures of a run, from what is known and b.
    fn describe(&mut self, step: &Step, run: Run) {
        let (Context { model, fast, .. }, t) = (self.context, &mut *self.at_hand);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let net = model.part(step.pass, self.refs.len());
        fast.context(net, self.plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.heads);
        fast.mixture(run.n as usize, &t.b, &t.heads, mass(self.context.window().n_symbols()), &mut t.mixtures);
    }

    /// What the last layer of net `part` sees of a run.
    fn watch(&mut self, part: usize, step: &Step, run: Run) {
        let (Context { model, fast, .. }, t) = (self.context, &mut *self.at_hand);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let n_in = model.parts[part].net.layers().last().expect("a net has layers").n_in;
        let stride = t.b.len();
        if t.hidden.stride != stride || t.hidden.words.len() < n_in / 4 * stride {
            t.hidden = Hidden::new(n_in, stride);
        }
        fast.hidden(part, self.plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.hidden);
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

/// The reference planes as this plan's arenas show them.
pub(crate) fn mirrored(plan: &Plan, refs: &[&[i32]]) -> Vec<Vec<i32>> {
    refs.iter().map(|ints| plan.mirror(ints)).collect()
}

/// The payload of a tile whose ints all lie in 0..=max; `plan` may be any of the model's for this size.
pub fn encode(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<u8> {
    encode_masked(context, plan, ints, &[], refs)
}

/// The same of ints of which a mask hides some: they must have been filled in. No classes: nothing is hidden.
pub fn encode_masked(context: Context, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<u8> {
    if context.is_flow() {
        return flow::encode(context, plan, ints, refs);
    }
    if context.model.family == Family::L3c {
        assert!(classes.iter().all(|class| *class == 0), "this family leaves nothing out");
        return scales::encode(context, plan, ints);
    }
    let refs = mirrored(plan, refs);
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
    if context.is_flow() {
        return flow::costs(context, plan, ints, refs);
    }
    if context.model.family == Family::L3c {
        return scales::costs(context, plan, ints);
    }
    let refs = mirrored(plan, refs);
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
    if context.is_flow() {
        return flow::gather(context, plan, ints, refs, stride, cells);
    }
    if context.model.family == Family::L3c {
        return scales::gather(context, plan, ints, stride, cells);
    }
    let refs = mirrored(plan, refs);
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
            for i in (next[part]..n).step_by(stride).filter(|&i| !hides(classes, index(run, i))) {
                cells[part].push(&t.hidden, i, t.b[i], t.values[run.at as usize + i] / ONE);
            }
            next[part] += (n - next[part].min(n)).div_ceil(stride) * stride;
            next[part] -= n.min(next[part]);
        }
        step.copy(&mut tile.at_hand.residuals);
    }
    tile.done();
}

/// The payload of a tile: the seed is one of so many, `cost` is the sum of the intervals' costs, `symbol` gives the interval of an int
/// by its index, and how far it lies beyond the window's end.
pub(crate) fn pack(
    plan: &Plan,
    (seed, n_seeds): (u32, u32),
    cost: i64,
    symbol: impl Fn(usize) -> (Interval, Option<u32>),
) -> Vec<u8> {
    let bytes = cost / (256 * 8);
    let log2_lanes = (bytes / BYTES_PER_LANE).max(1).ilog2().min(u32::from(MAX_LOG2_LANES)) as u8;
    let n_lanes = 1 << log2_lanes;
    let mut pusher = Pusher::new(n_lanes);
    for &run in plan.order.iter().rev() {
        for (i, index) in indices(run).enumerate().rev() {
            let (interval, excess) = symbol(index);
            if let Some(excess) = excess {
                pusher.push(i % n_lanes, Interval::uniform(excess, 1 << PRECISION));
            }
            pusher.push(i % n_lanes, interval);
        }
    }
    pusher.push(0, Interval::uniform(seed, n_seeds));
    let mut payload = vec![log2_lanes];
    pusher.finish(&mut payload);
    payload
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
            indices(run).for_each(|index| t.symbols[index] = Interval::CERTAIN);
            if window.escapes() {
                indices(run).for_each(|index| t.excess[index] = None);
            }
            return 0;
        }
        for (known, index) in t.known.iter_mut().zip(indices(run)) {
            *known = ints[index];
        }
        let of = Distributions { mixtures: &t.mixtures, window, b: &t.b };
        fast.intervals(of, n, &t.known, &mut t.start, &mut t.width);
        for (i, _) in indices(run).enumerate().filter(|(_, index)| hides(classes, *index)) {
            (t.start[i], t.width[i]) = (Interval::CERTAIN.start, Interval::CERTAIN.width);
        }
        for ((index, &start), &width) in indices(run).zip(&t.start).zip(&t.width) {
            t.symbols[index] = Interval { start, width };
        }
        if window.escapes() {
            for ((index, &b), &int) in indices(run).zip(&t.b).zip(&t.known) {
                let low = window.low(b);
                let coded = int.clamp(low, low + window.n_symbols() as i32 - 1);
                t.excess[index] = beyond(window, b, coded, int).filter(|_| !hides(classes, index));
            }
        }
        fast.cost(n, &t.width)
    }
}

/// The ints of a payload; `plan` must be the model's plan for decoding.
pub fn decode(context: Context, plan: &Plan, payload: &[u8], refs: &[&[i32]], ints: &mut [i32]) -> Result<()> {
    decode_masked(context, plan, payload, &[], refs, ints)
}

/// The same where a mask hides some.
pub fn decode_masked(
    context: Context,
    plan: &Plan,
    payload: &[u8],
    classes: &[u8],
    refs: &[&[i32]],
    ints: &mut [i32],
) -> Result<()> {
    if context.is_flow() {
        return flow::decode(context, plan, payload, refs, ints);
    }
    if context.model.family == Family::L3c {
        return match classes.iter().all(|class| *class == 0) {
            true => scales::decode(context, plan, payload, ints),
            false => Err(Error::corrupt("a masked tile in a family that knows no masks")),
        };
    }
    let (mut popper, seed) = unpack(payload, context.max as u32 + 1)?;
    ints[0] = seed as i32;
    let refs = mirrored(plan, refs);
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
        for (cell, index) in cells.iter_mut().zip(indices(run)) {
            *cell = ints[index] * ONE;
        }
    }
}

/// Opens a payload and pops the seed, one of `n_seeds`.
pub(crate) fn unpack(payload: &[u8], n_seeds: u32) -> Result<(Popper, u32)> {
    let (&log2_lanes, lanes) = payload.split_first().ok_or_else(|| Error::corrupt("a payload without bytes"))?;
    if log2_lanes > MAX_LOG2_LANES {
        return Err(Error::corrupt(format!("2^{log2_lanes} lanes")));
    }
    let mut popper = Popper::new(1 << log2_lanes, lanes)?;
    let (seed, interval) = Interval::of_uniform(popper.quantile(0), n_seeds)?;
    popper.pop(0, interval);
    Ok((popper, seed))
}

/// What is popped: in which window, and from where to where it may lie.
#[derive(Clone, Copy)]
pub(crate) struct Popped {
    pub window: Window,
    pub range: (i32, i32),
}

/// Pops the ints of a run but for those that are hidden, as many at once as there are lanes; its mixtures and predictions begin
/// at `from`.
#[expect(clippy::too_many_arguments, reason = "the stream, the cells, and what is known of them")]
pub(crate) fn pop(
    popper: &mut Popper,
    fast: &Fast,
    popped: Popped,
    run: Run,
    mixtures: &Mixtures,
    b: &[i32],
    from: usize,
    classes: &[u8],
    ints: &mut [i32],
) -> Result<()> {
    let (Popped { window, range: (least, most) }, n, n_lanes) = (popped, run.n as usize, popper.n_lanes());
    let of = Distributions { mixtures, window, b };
    let mut symbols = Inverted::default();
    let mut quantiles = [0; 1 << MAX_LOG2_LANES];
    let mut indices = indices(run);
    for first in (0..n).step_by(n_lanes) {
        let n = n_lanes.min(n - first);
        for (lane, quantile) in quantiles[..n].iter_mut().enumerate() {
            *quantile = popper.quantile(lane);
        }
        fast.invert(of, from + first, n, &quantiles, &mut symbols);
        for (lane, index) in indices.by_ref().take(n).enumerate() {
            if hides(classes, index) {
                continue;
            }
            popper.pop(lane, Interval { start: symbols.start[lane], width: symbols.width[lane] });
            let (b, mut int) = (b[from + first + lane], symbols.ints[lane]);
            if beyond(window, b, int, int).is_some() {
                int = far(popper, lane, int, window.low(b))?;
            }
            if !(least..=most).contains(&int) {
                return Err(Error::corrupt(format!("int {int} in a plane of {least}..={most}")));
            }
            ints[index] = int;
        }
    }
    Ok(())
}

/// The int beyond the window's end `coded`.
fn far(popper: &mut Popper, lane: usize, coded: i32, low: i32) -> Result<i32> {
    let (excess, interval) = Interval::of_uniform(popper.quantile(lane), 1 << PRECISION)?;
    popper.pop(lane, interval);
    Ok(if coded == low { coded - excess as i32 } else { coded + excess as i32 })
}

pub(crate) fn index(run: Run, i: usize) -> usize {
    (run.first as i32 + i as i32 * run.step) as usize
}

/// Where in the tile the ints of a run lie.
pub(crate) fn indices(run: Run) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    (0..run.n as usize).map(move |i| index(run, i))
}

#[cfg(test)]
mod tests;
