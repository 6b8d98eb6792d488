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

use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::context::{Heads, context};
use crate::kernel::interval::{PRECISION, beyond, intervals, invert};
use crate::kernel::mixture::{Mixtures, Window, mass, mixture};
use crate::kernel::predict::{Linear, predict, residual};
use crate::kernel::{Look, MAX_INT, ONE};
use crate::model::plan::{Run, Step};
use crate::model::{Model, Plan};

/// A tile gets one more lane per so many bytes, in powers of two: a lane costs about five.
const BYTES_PER_LANE: i64 = 2048;
const MAX_LOG2_LANES: u8 = 4;

/// What all tiles of a plane share.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    pub model: &'a Model,
    /// One predictor per set of the model.
    pub linears: &'a [Linear],
    /// |residual| where nothing is known yet, in 1/64 int.
    pub residual: i32,
    /// The largest int of the plane.
    pub max: i32,
}

impl Context<'_> {
    pub(crate) fn window(&self) -> Window {
        debug_assert!((0..=MAX_INT).contains(&self.max), "planes beyond {MAX_INT} do not come here");
        Window { max: self.max }
    }
}

/// The arenas of a tile and the scratch of the run at hand.
struct Tile<'a> {
    context: Context<'a>,
    plan: &'a Plan,
    values: Vec<i32>,
    residuals: Vec<i32>,
    refs: Vec<Vec<i32>>,
    b: Vec<i32>,
    heads: Heads,
    mixtures: Mixtures,
}

impl<'a> Tile<'a> {
    fn new(context: Context<'a>, plan: &'a Plan, seed: i32, refs: &[&[i32]]) -> Tile<'a> {
        let k = context.model.parts[0].net.k;
        let longest = plan.steps.iter().flat_map(|s| &s.runs).map(|r| r.n as usize).max().unwrap_or(0);
        Tile {
            context,
            plan,
            values: plan.arena(seed * ONE),
            residuals: plan.arena(context.residual),
            refs: refs.iter().map(|ints| plan.mirror(ints)).collect(),
            b: vec![0; longest],
            heads: Heads::new(k, longest),
            mixtures: Mixtures::new(k, longest),
        }
    }

    /// b and the mixtures of a run, from what is known.
    fn predict(&mut self, step: &Step, run: Run) {
        let refs: Vec<&[i32]> = self.refs.iter().map(Vec::as_slice).collect();
        let look = Look { values: &self.values, residuals: &self.residuals, refs: &refs };
        let b = &mut self.b[..run.n as usize];
        predict(
            &self.context.linears[step.set],
            &self.plan.offsets[step.offsets],
            look,
            run.at as usize,
            self.context.max,
            b,
        );
    }

    fn describe(&mut self, step: &Step, run: Run) {
        let refs: Vec<&[i32]> = self.refs.iter().map(Vec::as_slice).collect();
        let look = Look { values: &self.values, residuals: &self.residuals, refs: &refs };
        let net = &self.context.model.parts[self.context.model.part(step.pass, refs.len())].net;
        let b = &self.b[..run.n as usize];
        context(net, &self.plan.offsets[step.offsets], look, run.at as usize, step.level, b, &mut self.heads);
        mixture(b, &self.heads, mass(self.context.window().n_symbols()), &mut self.mixtures);
    }

    /// The ints of the run are known: so are its residuals.
    fn settle(&mut self, run: Run) {
        let at = run.at as usize;
        for i in 0..run.n as usize {
            self.residuals[at + i] = residual(self.values[at + i], self.b[i]);
        }
    }
}

/// The payload of a tile whose ints all lie in 0..=max; `plan` may be any of the model's for this size.
pub fn encode(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<u8> {
    let window = context.window();
    let mut tile = Tile::new(context, plan, ints[0], refs);
    plan.fill(ints, &mut tile.values);
    let mut symbols = vec![(Interval::default(), None); ints.len()];
    let (mut start, mut width) = (vec![0; tile.b.len()], vec![0; tile.b.len()]);
    for step in &plan.steps {
        for &run in &step.runs {
            tile.predict(step, run);
            tile.settle(run);
            tile.describe(step, run);
            let n = run.n as usize;
            let known: Vec<i32> = indices(run).map(|index| ints[index]).collect();
            intervals(&tile.mixtures, window, &tile.b[..n], &known, &mut start, &mut width);
            for (i, index) in indices(run).enumerate() {
                let coded =
                    known[i].clamp(window.low(tile.b[i]), window.low(tile.b[i]) + window.n_symbols() as i32 - 1);
                let excess = beyond(window, tile.b[i], coded, known[i]);
                symbols[index] = (Interval { start: start[i], width: width[i] }, excess);
            }
        }
        step.copy(&mut tile.residuals);
    }
    pack(context, plan, ints, &symbols)
}

/// One int as it is coded: its interval, and how far it lies beyond the window's end.
pub(crate) type Symbol = (Interval, Option<u32>);

/// The payload of a tile from the symbols of its ints, both row-major.
pub(crate) fn pack(context: Context, plan: &Plan, ints: &[i32], symbols: &[Symbol]) -> Vec<u8> {
    let bytes = symbols.iter().map(|(interval, _)| interval.cost()).sum::<i64>() / (256 * 8);
    let log2_lanes = (bytes / BYTES_PER_LANE).max(1).ilog2().min(u32::from(MAX_LOG2_LANES)) as u8;
    let n_lanes = 1 << log2_lanes;
    let mut pusher = Pusher::new(n_lanes);
    pusher.push(0, Interval::uniform(ints[0] as u32, context.max as u32 + 1));
    for &run in &plan.order {
        for (i, index) in indices(run).enumerate() {
            let (interval, excess) = symbols[index];
            pusher.push(i % n_lanes, interval);
            if let Some(excess) = excess {
                pusher.push(i % n_lanes, Interval::uniform(excess, 1 << PRECISION));
            }
        }
    }
    let mut payload = vec![log2_lanes];
    pusher.finish(&mut payload);
    payload
}

/// The ints of a payload; `plan` must be the model's plan for decoding.
pub fn decode(context: Context, plan: &Plan, payload: &[u8], refs: &[&[i32]], ints: &mut [i32]) -> Result<()> {
    let mut popper = unpack(context, payload, ints)?;
    let mut tile = Tile::new(context, plan, ints[0], refs);
    for step in &plan.steps {
        for &run in &step.runs {
            tile.predict(step, run);
            tile.describe(step, run);
            pop(&mut popper, context, run, &tile.mixtures, &tile.b, 0, ints)?;
            for (i, index) in indices(run).enumerate() {
                tile.values[run.at as usize + i] = ints[index] * ONE;
            }
            tile.settle(run);
        }
        step.copy(&mut tile.values);
        step.copy(&mut tile.residuals);
    }
    popper.finish()
}

/// Opens a payload and pops the seed, the first of the tile's ints.
pub(crate) fn unpack(context: Context, payload: &[u8], ints: &mut [i32]) -> Result<Popper> {
    let (&log2_lanes, lanes) = payload.split_first().ok_or_else(|| Error::corrupt("a payload without bytes"))?;
    if log2_lanes > MAX_LOG2_LANES {
        return Err(Error::corrupt(format!("2^{log2_lanes} lanes")));
    }
    let mut popper = Popper::new(1 << log2_lanes, lanes)?;
    let (seed, interval) = Interval::of_uniform(popper.quantile(0), context.max as u32 + 1)?;
    popper.pop(0, interval);
    ints[0] = seed as i32;
    Ok(popper)
}

/// Pops the ints of a run, whose mixtures and predictions begin at `from`.
pub(crate) fn pop(
    popper: &mut Popper,
    context: Context,
    run: Run,
    mixtures: &Mixtures,
    b: &[i32],
    from: usize,
    ints: &mut [i32],
) -> Result<()> {
    let window = context.window();
    let n_lanes = popper.n_lanes();
    for (i, index) in indices(run).enumerate() {
        let (lane, b) = (i % n_lanes, b[from + i]);
        let (coded, start, width) = invert(mixtures, window, b, from + i, popper.quantile(lane));
        popper.pop(lane, Interval { start, width });
        ints[index] = match beyond(window, b, coded, coded) {
            None => coded,
            Some(_) => far(popper, lane, coded, window.low(b))?,
        };
        if !(0..=context.max).contains(&ints[index]) {
            return Err(Error::corrupt(format!("int {} in a plane of 0..={}", ints[index], context.max)));
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

/// Where in the tile the ints of a run lie.
pub(crate) fn indices(run: Run) -> impl Iterator<Item = usize> {
    (0..run.n as i32).map(move |i| (run.first as i32 + i * run.step) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Family, tests::painted_model};

    fn painted(h: usize, w: usize, max: i32) -> Vec<i32> {
        let mut state = 7u32;
        let noise = |state: &mut u32| {
            *state = state.wrapping_mul(1664525).wrapping_add(1013904223);
            (*state >> 27) as i32
        };
        (0..h * w).map(|i| ((i / w + i % w) as i32 * 3 + noise(&mut state)).min(max)).collect()
    }

    fn comes_back(model: &Model, h: usize, w: usize, ints: &[i32], max: i32, refs: &[&[i32]]) -> usize {
        let linears = model.linears(refs.len());
        let context = Context { model, linears: &linears, residual: 200, max };
        let payload = encode(context, &model.plan_to_encode(h, w), ints, refs);
        let mut back = vec![-1; h * w];
        decode(context, &model.plan_to_decode(h, w), &payload, refs, &mut back).unwrap();
        assert_eq!(back, ints, "{h}×{w}");
        payload.len()
    }

    #[test]
    fn every_size_comes_back_in_both_schedules() {
        for family in [Family::Pixelcnn, Family::Lattice] {
            let model = painted_model(family, 1, 3);
            for (h, w) in
                [(1, 1), (1, 2), (2, 1), (1, 70), (70, 1), (2, 2), (3, 5), (16, 16), (17, 15), (31, 33), (64, 65)]
            {
                comes_back(&model, h, w, &painted(h, w, 4000), 4000, &[]);
            }
        }
    }

    #[test]
    fn extreme_planes_come_back() {
        for family in [Family::Pixelcnn, Family::Lattice] {
            let model = painted_model(family, 2, 5);
            for max in [1, 255, 4095, 65535, 65536, MAX_INT] {
                let ends: Vec<i32> = (0..400).map(|i| if i % 7 < 3 { 0 } else { max }).collect();
                comes_back(&model, 20, 20, &ends, max, &[]);
                comes_back(&model, 20, 20, &vec![max; 400], max, &[]);
            }
            comes_back(&model, 20, 20, &vec![0; 400], 0, &[]);
        }
    }

    #[test]
    fn reference_planes_are_seen_by_both_sides_and_help() {
        for family in [Family::Pixelcnn, Family::Lattice] {
            let model = painted_model(family, 3, 3);
            let (a, b) = (painted(40, 37, 9000), painted(40, 37, 9001));
            comes_back(&model, 40, 37, &a, 9001, &[&b]);
            comes_back(&model, 40, 37, &a, 9001, &[&b, &a]);
        }
    }

    #[test]
    fn no_cut_and_no_flip_panics() {
        let model = painted_model(Family::Lattice, 4, 3);
        let linears = model.linears(0);
        let context = Context { model: &model, linears: &linears, residual: 200, max: 4000 };
        let ints = painted(16, 16, 4000);
        let payload = encode(context, &model.plan_to_encode(16, 16), &ints, &[]);
        let plan = model.plan_to_decode(16, 16);
        let mut back = vec![0; 256];
        for n in 0..payload.len() {
            assert!(decode(context, &plan, &payload[..n], &[], &mut back).is_err(), "cut at {n}");
        }
        for bit in 0..payload.len() * 8 {
            let mut wrong = payload.clone();
            wrong[bit / 8] ^= 1 << (bit % 8);
            let _ = decode(context, &plan, &wrong, &[], &mut back);
        }
    }
}
