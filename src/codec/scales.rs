//! One tile of family `l3c`: scales of means and features, coarse to fine.
//!
//! ```text
//! all scales = pyramid(tile)          residuals of all scales          F = quantise(context(encoder's net))
//! for each step: the features of a scale, its ints by phase: a run sees the scale above only
//!     b = predict, heads = context, (b′, heads) = coarsen, mixtures = mixture          the same calls on the same integers
//!     encode: push the interval of each symbol          decode: pop each symbol from its lane
//! ```
//!
//! The payload is that of the other families: a seed, which is the last mean of all, and lanes.

use crate::codec::network::{Context, Tile, indices, pack, pop, unpack};
use crate::entropy::lanes::Interval;
use crate::error::{Error, Result};
use crate::fit::Cells;
use crate::kernel::context::Hidden;
use crate::kernel::interval::{Distributions, beyond};
use crate::kernel::mixture::mass;
use crate::kernel::quantise::{FEATURE_B, FEATURE_S, MAX_FEATURE};
use crate::kernel::{Arenas, Site, address};
use crate::model::Plan;
use crate::model::l3c::{Steps, int, last_symbol, pyramid, symbol};
use crate::model::plan::{Run, Step};
use crate::net::Pass;

/// The payload of a tile.
pub fn encode(context: Context, plan: &Plan, ints: &[i32]) -> Vec<u8> {
    let (mut tile, all, steps) = known(context, plan, ints);
    let cost = tile.coarse_intervals(plan, steps, &all).iter().sum();
    let (symbols, excess) = (&tile.at_hand.symbols, &tile.at_hand.excess);
    let symbol = |index: usize| (symbols[index], excess.get(index).copied().flatten());
    let payload = pack(plan, (all[0] as u32, context.max as u32 + 1), cost, symbol);
    tile.done();
    payload
}

/// −256 · log2 of the probability that each net of the model gives to its symbols.
pub fn costs(context: Context, plan: &Plan, ints: &[i32]) -> Vec<i64> {
    let (mut tile, all, steps) = known(context, plan, ints);
    let costs = tile.coarse_intervals(plan, steps, &all);
    tile.done();
    costs
}

/// All scales of a tile, with the features that are transmitted of it.
pub fn said(context: Context, plan: &Plan, ints: &[i32]) -> Vec<i32> {
    let (tile, all, _) = known(context, plan, ints);
    tile.done();
    all
}

/// Adds every `stride`-th cell to those of its net.
pub fn gather(context: Context, plan: &Plan, ints: &[i32], stride: usize, cells: &mut [Cells]) {
    let (mut tile, all, steps) = known(context, plan, ints);
    let mut next = vec![0; cells.len()];
    for step in &plan.steps {
        let part = context.model.part(step.pass, 0);
        for &run in &step.runs {
            let n = run.n as usize;
            if next[part] < n {
                tile.foresee(plan, step, run);
                tile.watch_coarse(plan, part, steps, step, run);
            }
            let t = &*tile.at_hand;
            for i in (next[part]..n).step_by(stride) {
                let int = all[crate::codec::network::index(run, i)];
                cells[part].push(&t.hidden, i, t.coarse[i], symbol(steps, step, int));
            }
            next[part] += (n - next[part].min(n)).div_ceil(stride) * stride;
            next[part] -= n.min(next[part]);
        }
    }
    tile.done();
}

/// The ints of a payload.
pub fn decode(context: Context, plan: &Plan, payload: &[u8], ints: &mut [i32]) -> Result<()> {
    let steps = Steps::of(context.usual);
    let mut all = vec![0; plan.n_ints()];
    let (mut popper, seed) = unpack(payload, context.max as u32 + 1)?;
    all[0] = seed as i32;
    let mut tile = Tile::new(context, plan, all[0], &[]);
    for step in &plan.steps {
        for &run in &step.runs {
            tile.foresee(plan, step, run);
            tile.describe_coarse(plan, steps, step, run);
            let t = &tile.at_hand;
            pop(&mut popper, context.fast, context.popped(), run, &t.mixtures, &t.coarse, 0, &[], &mut all)?;
            restore(context, steps, step, run, &mut all)?;
            tile.know(run, &all);
            tile.settle(run);
        }
        step.copy(&mut tile.at_hand.values);
        step.copy(&mut tile.at_hand.residuals);
    }
    tile.done();
    ints.copy_from_slice(&all[plan.scales[0].ints..]);
    popper.finish()
}

/// The ints of the symbols of a run, in their places.
pub(crate) fn restore(context: Context, steps: Steps, step: &Step, run: Run, all: &mut [i32]) -> Result<()> {
    let last = last_symbol(steps, step, context.max);
    for index in indices(run) {
        let symbol = all[index];
        if symbol > last {
            return Err(Error::corrupt(format!("symbol {symbol} where {last} is the last")));
        }
        all[index] = int(steps, step, symbol, context.max);
    }
    Ok(())
}

/// A tile of which an encoder knows all scales, residuals and features, and the steps chosen for it.
fn known<'a>(context: Context<'a>, plan: &'a Plan, ints: &[i32]) -> (Tile<'a>, Vec<i32>, Steps) {
    let steps = Steps::of(context.usual);
    let mut all = pyramid(plan, ints, context.max, steps);
    let mut tile = Tile::new(context, plan, all[0], &[]);
    plan.fill(&all, &mut tile.at_hand.values);
    for step in plan.steps.iter().filter(|step| step.pass == Pass::Finer) {
        for &run in &step.runs {
            tile.foresee(plan, step, run);
            tile.settle(run);
        }
        step.copy(&mut tile.at_hand.residuals);
    }
    for step in plan.steps.iter().filter(|step| step.pass == Pass::Feature) {
        for &run in &step.runs {
            tile.say(plan, step, run, &mut all);
            tile.know(run, &all);
        }
        step.copy(&mut tile.at_hand.values);
    }
    (tile, all, steps)
}

impl Tile<'_> {
    /// b of a run: of features the mean itself.
    fn foresee(&mut self, plan: &Plan, step: &Step, run: Run) {
        if step.pass != Pass::Feature {
            return self.predict(step, run);
        }
        let t = &mut *self.at_hand;
        let mean = address(run.at as usize, plan.offsets[step.offsets].taps[0]);
        t.b[..run.n as usize].copy_from_slice(&t.values[mean..][..run.n as usize]);
    }

    /// The features that the encoder's net says of a run.
    fn say(&mut self, plan: &Plan, step: &Step, run: Run, all: &mut [i32]) {
        self.foresee(plan, step, run);
        let (Context { model, fast, max, usual, .. }, t) = (self.context, &mut *self.at_hand);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: &[], usual };
        let offsets = &plan.offsets[plan.scales[step.level as usize].encoder];
        let (part, n) = (model.part(Pass::Encoder, 0), run.n as usize);
        let site = Site { offsets, ..plan.site(arenas, step, run) };
        fast.context(part, site, &t.b, &mut t.scratch, &mut t.heads);
        fast.quantise(n, &t.heads, MAX_FEATURE.min(max), &mut t.known);
        indices(run).zip(&t.known).for_each(|(index, &q)| all[index] = q);
    }

    /// The mixtures of a run's symbols.
    fn describe_coarse(&mut self, plan: &Plan, steps: Steps, step: &Step, run: Run) {
        let (Context { model, fast, usual, .. }, n) = (self.context, run.n as usize);
        let t = &mut *self.at_hand;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: &[], usual };
        let part = model.part(step.pass, 0);
        fast.context(part, plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.heads);
        match step.pass {
            Pass::Feature => {
                t.coarse[..n].fill(FEATURE_B);
                t.heads.s[..n].fill(FEATURE_S);
            }
            _ => fast.coarsen(n, steps.of_scale(step.level as usize), &t.b, &mut t.heads.s, &mut t.coarse),
        }
        fast.mixture(n, &t.coarse, &t.heads, mass(self.context.window().n_symbols()), &mut t.mixtures);
    }

    /// What the last layer of net `part` sees of a run, b and s in steps.
    fn watch_coarse(&mut self, plan: &Plan, part: usize, steps: Steps, step: &Step, run: Run) {
        let (Context { model, fast, usual, .. }, n) = (self.context, run.n as usize);
        let t = &mut *self.at_hand;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: &[], usual };
        let n_in = model.parts[part].net.layers().last().expect("a net has layers").n_in;
        let stride = t.b.len();
        if t.hidden.stride != stride || t.hidden.words.len() < n_in / 4 * stride {
            t.hidden = Hidden::new(n_in, stride);
        }
        fast.hidden(part, plan.site(arenas, step, run), &t.b, &mut t.scratch, &mut t.hidden);
        match step.pass {
            Pass::Feature => {
                t.coarse[..n].fill(FEATURE_B);
                t.hidden.s[..n].fill(FEATURE_S);
            }
            _ => fast.coarsen(n, steps.of_scale(step.level as usize), &t.b, &mut t.hidden.s, &mut t.coarse),
        }
    }

    /// The intervals of all symbols; returns what they cost, net by net.
    fn coarse_intervals(&mut self, plan: &Plan, steps: Steps, all: &[i32]) -> Vec<i64> {
        let window = self.context.window();
        self.at_hand.symbols.resize(all.len(), Interval::default());
        self.at_hand.excess.resize(if window.escapes() { all.len() } else { 0 }, None);
        let mut costs = vec![0; self.context.model.parts.len()];
        for step in &plan.steps {
            for &run in &step.runs {
                self.foresee(plan, step, run);
                self.describe_coarse(plan, steps, step, run);
                costs[self.context.model.part(step.pass, 0)] += self.measure_coarse(steps, step, run, all);
            }
        }
        costs
    }

    /// The intervals of a run's symbols; returns −256 · log2 of their probability.
    fn measure_coarse(&mut self, steps: Steps, step: &Step, run: Run, all: &[i32]) -> i64 {
        let (Context { fast, .. }, t) = (self.context, &mut *self.at_hand);
        let (window, n) = (self.context.window(), run.n as usize);
        for (known, index) in t.known.iter_mut().zip(indices(run)) {
            *known = symbol(steps, step, all[index]);
        }
        let of = Distributions { mixtures: &t.mixtures, window, b: &t.coarse };
        fast.intervals(of, n, &t.known, &mut t.start, &mut t.width);
        for ((index, &start), &width) in indices(run).zip(&t.start).zip(&t.width) {
            t.symbols[index] = Interval { start, width };
        }
        if window.escapes() {
            for ((index, &b), &symbol) in indices(run).zip(&t.coarse).zip(&t.known) {
                let low = window.low(b);
                let coded = symbol.clamp(low, low + window.n_symbols() as i32 - 1);
                t.excess[index] = beyond(window, b, coded, symbol);
            }
        }
        fast.cost(n, &t.width)
    }
}
