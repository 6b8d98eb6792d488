//! One tile through a flow: ints in, what is left of them coded, and back.
//!
//! ```text
//! there:  for each level from the finest, the midpoints of two, then of four:     midpoints −= t(known), known += u(midpoints)
//! back:   for each level from the coarsest, the midpoints of four, then of two:
//!             encode: push the interval of what is left of each midpoint          decode: pop it from its lane
//!             known −= u(midpoints), midpoints += t(known)
//! ```
//!
//! The encoder walks both ways, so that both sides see the same at every step back. Payload: as in `network`, but the seed is the int
//! of the coarsest level, plus 2²³, uniform over 2²⁴; what is left of midpoints is coded in an escaping window around 0.

use crate::codec::network::{Context, Popped, index, indices, mirrored, pack, pop, unpack};
use crate::entropy::lanes::{Interval, Popper};
use crate::error::{Error, Result};
use crate::fit::Cells;
use crate::kernel::context::{Heads, Hidden};
use crate::kernel::couple::{Direction, MAX_DETAIL, MAX_LIFTED, couple};
use crate::kernel::fast::{Scratch, room};
use crate::kernel::interval::{Distributions, beyond};
use crate::kernel::mixture::{Mixtures, Window, mass};
use crate::kernel::predict::Linear;
use crate::kernel::{Arenas, MAX_INT, ONE, Offsets, Site, Usual};
use crate::model::Plan;
use crate::model::idf::{Half, Known, Lift, Phase};
use crate::model::plan::{Run, Step};
use crate::net::Pass;
use std::cell::Cell;

/// The window of what is left of midpoints: 65 536 ints around 0, whatever the plane.
pub(crate) const WINDOW: Window = Window { max: MAX_INT };
/// Seeds are coded plus this, as one of twice as many.
const SEED_OFFSET: i32 = 1 << 23;
pub(crate) const N_SEEDS: u32 = 1 << 24;
const _: () = assert!(MAX_LIFTED < SEED_OFFSET);

/// What a thread needs for a tile, kept for the next one.
#[derive(Default)]
struct Buffers {
    values: Vec<i32>,
    residuals: Vec<i32>,
    sharp: Vec<i32>,
    b: Vec<i32>,
    zeros: Vec<i32>,
    scratch: Scratch,
    heads: Heads,
    hidden: Hidden,
    mixtures: Mixtures,
    known: Vec<i32>,
    start: Vec<u32>,
    width: Vec<u32>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

/// A net that meets a run of cells, and what it is shown: how a trainer looks on.
pub struct Meeting<'a> {
    pub pass: Pass,
    pub site: Site<'a>,
    pub run: Run,
    pub b: &'a [i32],
    /// Of known cells, by how much they stand out of the four nearest.
    pub sharp: &'a [i32],
    /// What is left of midpoints, in the places of their ints, as far as that is known.
    pub left: &'a [i32],
}

/// A tile inside a flow: the arenas, and the scratch of the run at hand.
struct Flow<'a> {
    context: Context<'a>,
    plan: &'a Plan,
    refs: &'a [&'a [i32]],
    mean: Linear,
    at_hand: Box<Buffers>,
}

impl<'a> Flow<'a> {
    fn new(context: Context<'a>, plan: &'a Plan, refs: &'a [&'a [i32]]) -> Flow<'a> {
        let k = context.model.parts[0].net.k;
        let longest = plan.lifts.iter().flat_map(|l| &l.phases).flat_map(|p| &p.runs).map(|r| r.n as usize).max();
        let room = room(longest.unwrap_or(0));
        let mut t = BUFFERS.take().unwrap_or_default();
        let residual = context.usual.residual;
        for (arena, first) in [(&mut t.values, 0), (&mut t.residuals, residual), (&mut t.sharp, residual)] {
            arena.clear();
            arena.resize(plan.n_arena, first);
        }
        for run in [&mut t.b, &mut t.zeros, &mut t.known] {
            run.resize(room, 0);
        }
        for lift in &plan.lifts {
            t.values[lift.bare.clone()].fill(context.usual.value);
        }
        t.start.resize(room, 0);
        t.width.resize(room, 0);
        let n_heads = context.model.parts.iter().map(|part| part.net.k).max().unwrap_or(k);
        if t.heads.stride != room || t.heads.heads.len() < 3 * n_heads * room || t.mixtures.k != k {
            (t.heads, t.mixtures) = (Heads::new(n_heads, room), Mixtures::new(k, room));
        }
        t.scratch.fit(context.fast);
        Flow { context, plan, refs, mean: Linear::mean(4), at_hand: t }
    }

    /// From the finest level to the coarsest: what is left of midpoints comes to the places of their ints, the seed to its own.
    fn there(&mut self, ints: &[i32], left: &mut [i32], see: &mut dyn FnMut(Meeting)) -> i32 {
        let Some(finest) = self.plan.lifts.last() else { return ints[0] };
        for run in finest.phases.iter().flat_map(|phase| &phase.runs) {
            let cells = &mut self.at_hand.values[run.at as usize..][..run.n as usize];
            cells.iter_mut().zip(indices(*run)).for_each(|(cell, i)| *cell = ints[i] * ONE);
        }
        for (depth, lift) in self.plan.lifts.iter().enumerate().rev() {
            lift.phases.iter().for_each(|phase| show(phase, &mut self.at_hand.values));
            for half in lift.halves.iter().rev() {
                self.predict(lift, half, Direction::PREDICT, see);
                for step in &self.plan.steps[half.steps.clone()] {
                    step.runs.iter().for_each(|&run| self.leave(run, left));
                }
                half.coded.iter().for_each(|&phase| show(&lift.phases[phase], &mut self.at_hand.residuals));
                self.update(lift, half, Direction::UPDATE, see);
            }
            if depth > 0 {
                lift.descent.iter().for_each(|&(there, here)| {
                    self.at_hand.values[there as usize] = self.at_hand.values[here as usize];
                });
            }
        }
        left[0] = self.at_hand.values[self.plan.lifts[0].phases[0].runs[0].at as usize] / ONE;
        left[0]
    }

    /// From the coarsest level to the finest; `code` finds what is left of the midpoints of a run. What has been coded last is not
    /// undone: an encoder needs no more.
    fn back(
        &mut self,
        seed: i32,
        code: &mut dyn FnMut(&mut Flow, &Step, Run) -> Result<()>,
    ) -> Result<Option<(&'a Lift, &'a Half)>> {
        let plan = self.plan;
        let Some(coarsest) = plan.lifts.first() else { return Ok(None) };
        self.at_hand.residuals.fill(self.context.usual.residual);
        self.at_hand.values[coarsest.phases[0].runs[0].at as usize] = seed * ONE;
        let mut last = None;
        for lift in &plan.lifts {
            for (i, half) in lift.halves.iter().enumerate() {
                if let Some((lift, half)) = last.replace((lift, half)) {
                    self.undo(lift, half);
                }
                if i == 0 {
                    self.descend(lift);
                }
                for step in &plan.steps[half.steps.clone()] {
                    step.runs.iter().try_for_each(|&run| code(self, step, run))?;
                }
                for &phase in &half.coded {
                    let t = &mut *self.at_hand;
                    show(&lift.phases[phase], &mut t.values);
                    show(&lift.phases[phase], &mut t.residuals);
                }
            }
        }
        Ok(last)
    }

    /// Phase 00 is the image of the level above.
    fn descend(&mut self, lift: &Lift) {
        let t = &mut *self.at_hand;
        for &(there, here) in &lift.descent {
            t.values[here as usize] = t.values[there as usize];
            t.residuals[here as usize] = t.residuals[there as usize];
        }
        show(&lift.phases[0], &mut t.values);
        show(&lift.phases[0], &mut t.residuals);
    }

    fn undo(&mut self, lift: &Lift, half: &Half) {
        self.update(lift, half, Direction::UPDATE.inverse(), &mut |_| ());
        self.predict(lift, half, Direction::PREDICT.inverse(), &mut |_| ());
    }

    /// The ints of the finest level, or of a tile of one, which has none.
    fn ints(&self, seed: i32, ints: &mut [i32]) {
        ints[0] = seed;
        for run in self.plan.lifts.last().iter().flat_map(|lift| &lift.phases).flat_map(|phase| &phase.runs) {
            let cells = &self.at_hand.values[run.at as usize..][..run.n as usize];
            cells.iter().zip(indices(*run)).for_each(|(cell, i)| ints[i] = cell / ONE);
        }
    }

    /// Midpoints ± t(known).
    fn predict(&mut self, lift: &Lift, half: &Half, way: Direction, see: &mut dyn FnMut(Meeting)) {
        half.known.iter().for_each(|known| self.sharpen(lift, known));
        let part = self.context.model.part(half.predict, self.refs.len());
        for step in &self.plan.steps[half.steps.clone()] {
            let offsets = &self.plan.offsets[step.offsets];
            for &run in &step.runs {
                self.center(step, run);
                let t = &mut *self.at_hand;
                let (refs, usual) = (self.refs, self.context.usual);
                let arenas = Arenas { values: &t.values, residuals: &t.sharp, refs, usual };
                let site = site(arenas, offsets, run, lift.level);
                let b = &t.b[..site.n];
                see(Meeting { pass: half.predict, site, run, b, sharp: &t.sharp, left: &[] });
                let Context { fast, model, .. } = self.context;
                fast.context(part, site, &t.b, &mut t.scratch, &mut t.heads);
                couple(model.parts[part].net.k, way, &t.b[..site.n], &t.heads, site.at, &mut t.values);
            }
        }
        half.coded.iter().for_each(|&phase| show(&lift.phases[phase], &mut self.at_hand.values));
    }

    /// Known ± u(midpoints).
    fn update(&mut self, lift: &Lift, half: &Half, way: Direction, see: &mut dyn FnMut(Meeting)) {
        let part = self.context.model.part(half.update, self.refs.len());
        let usual = Usual { value: 0, ..self.context.usual };
        for known in &half.known {
            for &run in &lift.phases[known.phase].runs {
                let t = &mut *self.at_hand;
                let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual };
                let site = site(arenas, &known.update, run, lift.level);
                let b = &t.zeros[..site.n];
                see(Meeting { pass: half.update, site, run, b, sharp: &t.sharp, left: &[] });
                let Context { fast, model, .. } = self.context;
                fast.context(part, site, &t.zeros, &mut t.scratch, &mut t.heads);
                couple(model.parts[part].net.k, way, &t.zeros[..site.n], &t.heads, site.at, &mut t.values);
            }
        }
        half.known.iter().for_each(|known| show(&lift.phases[known.phase], &mut self.at_hand.values));
    }

    /// By how much known cells stand out of the four nearest.
    fn sharpen(&mut self, lift: &Lift, known: &Known) {
        let (fast, t) = (self.context.fast, &mut *self.at_hand);
        for &run in &lift.phases[known.phase].runs {
            let arenas = Arenas { values: &t.values, residuals: &t.sharp, refs: &[], usual: self.context.usual };
            fast.predict(&self.mean, site(arenas, &known.near, run, lift.level), self.context.max, &mut t.b);
            fast.settle(&t.values, run.at as usize, run.n as usize, &t.b, &mut t.sharp);
        }
        show(&lift.phases[known.phase], &mut t.sharp);
    }

    /// b of the midpoints of a run.
    fn center(&mut self, step: &Step, run: Run) {
        let t = &mut *self.at_hand;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual: self.context.usual };
        let site = self.plan.site(arenas, step, run);
        self.context.fast.predict(&self.context.linears[step.set], site, self.context.max, &mut t.b);
    }

    /// Tells what is left of the midpoints of a run, which is their residual, too.
    fn leave(&mut self, run: Run, left: &mut [i32]) {
        let (at, n, t) = (run.at as usize, run.n as usize, &mut *self.at_hand);
        t.values[at..at + n].iter().zip(indices(run)).for_each(|(v, i)| left[i] = v / ONE);
        self.context.fast.settle(&t.values, at, n, &t.zeros, &mut t.residuals);
    }

    /// The same the other way.
    fn take(&mut self, run: Run, left: &[i32]) {
        let (at, n, t) = (run.at as usize, run.n as usize, &mut *self.at_hand);
        t.values[at..at + n].iter_mut().zip(indices(run)).for_each(|(v, i)| *v = left[i] * ONE);
        self.context.fast.settle(&t.values, at, n, &t.zeros, &mut t.residuals);
    }

    /// The mixtures of what is left of the midpoints of a run.
    fn describe(&mut self, step: &Step, run: Run) {
        self.center(step, run);
        let (Context { fast, model, usual, .. }, t) = (self.context, &mut *self.at_hand);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual };
        let part = model.part(step.pass, self.refs.len());
        fast.context(part, self.plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.heads);
        fast.mixture(run.n as usize, &t.zeros, &t.heads, mass(WINDOW.n_symbols()), &mut t.mixtures);
    }

    fn done(self) {
        BUFFERS.set(Some(self.at_hand));
    }
}

/// A run of a phase, seen through offsets that are no step's.
fn site<'a>(arenas: Arenas<'a>, offsets: &'a Offsets, run: Run, level: i32) -> Site<'a> {
    Site { arenas, offsets, at: run.at as usize, n: run.n as usize, level }
}

/// Shows the cells of a phase beyond its edges.
fn show(phase: &Phase, arena: &mut [i32]) {
    phase.halo.iter().for_each(|&(from, to)| arena[to as usize] = arena[from as usize]);
}

/// One symbol: its interval, and how far what it stands for lies beyond the window's end.
pub(crate) type Symbol = (Interval, Option<u32>);

/// What lies beyond the window's end; none inside.
pub(crate) fn far(left: i32) -> Option<u32> {
    let low = WINDOW.low(0);
    beyond(WINDOW, 0, left.clamp(low, low + WINDOW.n_symbols() as i32 - 1), left)
}

/// The payload of a tile whose ints all lie in 0..=max.
pub fn encode(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<u8> {
    let (seed, symbols, costs) = measure(context, plan, ints, refs);
    packed(plan, seed, costs.iter().sum(), |index| symbols[index])
}

/// −256 · log2 of the probability that each net of the model gives to what it codes.
pub fn costs(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<i64> {
    measure(context, plan, ints, refs).2
}

pub(crate) fn packed(plan: &Plan, seed: i32, cost: i64, symbol: impl Fn(usize) -> Symbol) -> Vec<u8> {
    pack(plan, ((seed + SEED_OFFSET) as u32, N_SEEDS), cost, symbol)
}

/// The seed, the symbols in the places of their ints, and what they cost, net by net.
fn measure(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> (i32, Vec<Symbol>, Vec<i64>) {
    let refs = mirrored(plan, refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut flow = Flow::new(context, plan, &refs);
    let mut left = vec![0; ints.len()];
    let seed = flow.there(ints, &mut left, &mut |_| ());
    let mut symbols = vec![Symbol::default(); ints.len()];
    let mut costs = vec![0; context.model.parts.len()];
    let mut code = |flow: &mut Flow, step: &Step, run: Run| {
        flow.describe(step, run);
        let (n, t) = (run.n as usize, &mut *flow.at_hand);
        t.known.iter_mut().zip(indices(run)).for_each(|(known, i)| *known = left[i]);
        let of = Distributions { mixtures: &t.mixtures, window: WINDOW, b: &t.zeros };
        context.fast.intervals(of, n, &t.known, &mut t.start, &mut t.width);
        for (i, index) in indices(run).enumerate() {
            symbols[index] = (Interval { start: t.start[i], width: t.width[i] }, far(left[index]));
        }
        costs[context.model.part(step.pass, refs.len())] += context.fast.cost(n, &t.width);
        flow.take(run, &left);
        Ok(())
    };
    flow.back(seed, &mut code).expect("an encoder knows what comes");
    flow.done();
    (seed, symbols, costs)
}

/// Shows every net every run that it meets, of an encoder's way.
pub fn meet(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]], see: &mut dyn FnMut(Meeting)) {
    let refs = mirrored(plan, refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut flow = Flow::new(context, plan, &refs);
    let mut left = vec![0; ints.len()];
    let seed = flow.there(ints, &mut left, see);
    let mut code = |flow: &mut Flow, step: &Step, run: Run| {
        flow.center(step, run);
        let t = &*flow.at_hand;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: &refs, usual: context.usual };
        let site = plan.site(arenas, step, run);
        see(Meeting { pass: step.pass, site, run, b: &t.b[..site.n], sharp: &t.sharp, left: &left });
        flow.take(run, &left);
        Ok(())
    };
    flow.back(seed, &mut code).expect("an encoder knows what comes");
    flow.done();
}

/// Adds every `stride`-th cell to those of its net.
pub fn gather(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]], stride: usize, cells: &mut [Cells]) {
    let refs = mirrored(plan, refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut flow = Flow::new(context, plan, &refs);
    let mut left = vec![0; ints.len()];
    let seed = flow.there(ints, &mut left, &mut |_| ());
    let mut next = vec![0; cells.len()];
    let mut code = |flow: &mut Flow, step: &Step, run: Run| {
        let part = context.model.part(step.pass, refs.len());
        let n = run.n as usize;
        if next[part] < n {
            flow.watch(part, step, run);
            let hidden = &flow.at_hand.hidden;
            (next[part]..n).step_by(stride).for_each(|i| cells[part].push(hidden, i, 0, left[index(run, i)]));
        }
        next[part] += (n - next[part].min(n)).div_ceil(stride) * stride;
        next[part] -= n.min(next[part]);
        flow.take(run, &left);
        Ok(())
    };
    flow.back(seed, &mut code).expect("an encoder knows what comes");
    flow.done();
}

impl Flow<'_> {
    /// What the last layer of net `part` sees of a run.
    fn watch(&mut self, part: usize, step: &Step, run: Run) {
        self.center(step, run);
        let (Context { fast, model, usual, .. }, t) = (self.context, &mut *self.at_hand);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, usual };
        let n_in = model.parts[part].net.layers().last().expect("a net has layers").n_in;
        let stride = t.start.len();
        if t.hidden.stride != stride || t.hidden.words.len() < n_in / 4 * stride {
            t.hidden = Hidden::new(n_in, stride);
        }
        fast.hidden(part, self.plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.hidden);
    }
}

/// The ints of a payload; `plan` must be the model's for this size.
pub fn decode(context: Context, plan: &Plan, payload: &[u8], refs: &[&[i32]], ints: &mut [i32]) -> Result<()> {
    let (mut popper, seed) = opened(payload)?;
    let refs = mirrored(plan, refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut flow = Flow::new(context, plan, &refs);
    let mut left = vec![0; ints.len()];
    let mut code = |flow: &mut Flow, step: &Step, run: Run| {
        flow.describe(step, run);
        let t = &*flow.at_hand;
        pop(&mut popper, context.fast, POPPED, run, &t.mixtures, &t.zeros, 0, &[], &mut left)?;
        flow.take(run, &left);
        Ok(())
    };
    if let Some((lift, half)) = flow.back(seed, &mut code)? {
        flow.undo(lift, half);
    }
    flow.ints(seed, ints);
    flow.done();
    check(context, ints)?;
    popper.finish()
}

/// What a decoder takes for what is left of midpoints.
pub(crate) const POPPED: Popped = Popped { window: WINDOW, range: (1 - MAX_DETAIL, MAX_DETAIL - 1) };

/// Opens a payload: the seed.
pub(crate) fn opened(payload: &[u8]) -> Result<(Popper, i32)> {
    let (popper, seed) = unpack(payload, N_SEEDS)?;
    let seed = seed as i32 - SEED_OFFSET;
    if seed.abs() > MAX_LIFTED {
        return Err(Error::corrupt(format!("the seed {seed} of a flow")));
    }
    Ok((popper, seed))
}

/// A corrupt payload may lead anywhere.
pub(crate) fn check(context: Context, ints: &[i32]) -> Result<()> {
    match ints.iter().find(|int| !(0..=context.max).contains(*int)) {
        None => Ok(()),
        Some(int) => Err(Error::corrupt(format!("int {int} in a plane of 0..={}", context.max))),
    }
}
