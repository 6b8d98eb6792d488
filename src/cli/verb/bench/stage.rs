//! What a tile costs, stage by stage: the kernels that the product runs, on one thread.

use super::tiles::{STATS, Tile};
use crate::cli::measure::noise::round;
use collapsar::internals::entropy::lanes::{Interval, Popper, Pusher};
use collapsar::internals::kernel::context::Heads;
use collapsar::internals::kernel::fast::{Inverted, Kernels, Level, Scratch, room};
use collapsar::internals::kernel::interval::Distributions;
use collapsar::internals::kernel::mixture::{Mixtures, mass};
use collapsar::internals::kernel::{Arenas, ONE};
use collapsar::internals::model::plan::Run;
use collapsar::internals::model::{Model, Plan};
use collapsar::internals::net::Head;
use collapsar::internals::tile::cells;
use collapsar::internals::{Error, Result};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// As a tile of this size has: the most there may be.
const N_LANES: usize = 16;
const STAGES: [&str; 8] = [
    "predict, settle",
    "context: features, net",
    "mixture",
    "intervals",
    "push",
    "invert, pop",
    "tile: encode",
    "tile: decode",
];

pub struct Stage {
    pub device: String,
    pub model: String,
    pub stage: String,
    pub mb_per_s: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
}

impl Stage {
    /// From its times for `n_bytes` each.
    pub fn new(device: &str, model: &Model, stage: &str, mut times: Vec<Duration>, n_bytes: usize) -> Stage {
        times.sort();
        let at = |percent: usize| times[((times.len() - 1) * percent).div_ceil(100)].as_secs_f64();
        let mb_per_s = n_bytes as f64 / 1e6 / at(50).max(1e-9);
        let (device, model, stage) = (device.to_string(), model.name.clone(), stage.to_string());
        Stage { device, model, stage, mb_per_s, p50_ms: at(50) * 1e3, p95_ms: at(95) * 1e3 }
    }

    pub fn json(&self) -> Value {
        json!({
            "device": self.device, "model": self.model, "stage": self.stage, "mb_per_s": round(self.mb_per_s),
            "p50_ms": round(self.p50_ms), "p95_ms": round(self.p95_ms),
        })
    }

    pub fn row(&self) -> [String; 5] {
        let [speed, p50, p95] = [self.mb_per_s, self.p50_ms, self.p95_ms].map(|x| format!("{x:.2}"));
        [self.model.clone(), self.stage.clone(), speed, p50, p95]
    }
}

/// Each stage over tiles of one size, in bytes of 16-bit samples.
pub fn stages(model: &Model, tiles: &[Tile]) -> Result<Vec<Stage>> {
    let level = Level::detect();
    let kernels = model.kernels(level);
    let plans = (model.plan_to_encode(tiles[0].h, tiles[0].w), model.plan_to_decode(tiles[0].h, tiles[0].w));
    // scales and tables have stages of their own: of them only whole tiles are measured
    let in_stages = plans.0.scales.is_empty() && model.head() != Head::Table;
    let mut times: [Vec<Duration>; STAGES.len()] = Default::default();
    for tile in tiles {
        let mut taken = [Duration::ZERO; STAGES.len()];
        if in_stages {
            let payload = encode(model, &kernels, &plans.0, tile, &mut taken)?;
            decode(model, &kernels, &plans.1, tile, &payload, &mut taken)?;
        }
        whole(model, &kernels, (&plans.0, &plans.1), tile, &mut taken)?;
        times.iter_mut().zip(taken).for_each(|(all, t)| all.push(t));
    }
    let n_bytes = tiles[0].ints.len() * 2;
    let device = level.name();
    let stage = |(stage, times): (&str, Vec<Duration>)| Stage::new(&device, model, stage, times, n_bytes);
    let measured = STAGES.into_iter().zip(times).filter(|(stage, _)| in_stages || stage.starts_with("tile"));
    Ok(measured.map(stage).collect())
}

/// The arenas of a tile and the scratch of a run.
struct Bench<'a> {
    /// The encoder's arena holds all ints from the start, the decoder's fills run by run.
    is_decoder: bool,
    model: &'a Model,
    kernels: &'a Kernels,
    plan: &'a Plan,
    values: Vec<i32>,
    residuals: Vec<i32>,
    b: Vec<i32>,
    scratch: Scratch,
    heads: Heads,
    mixtures: Mixtures,
}

impl<'a> Bench<'a> {
    fn decoder(model: &'a Model, kernels: &'a Kernels, plan: &'a Plan, tile: &Tile) -> Bench<'a> {
        let longest = plan.steps.iter().flat_map(|s| &s.runs).map(|r| r.n as usize).max().unwrap_or(0);
        let (room, k) = (room(longest), model.nets[0].net.spec().head.k());
        let values = plan.arena(tile.ints[0] * ONE);
        let mut scratch = Scratch::default();
        scratch.fit(kernels);
        if let Some(step) = plan.steps.first() {
            scratch.begin(kernels, model.net_index(step.pass, 0), &plan.offsets[step.offsets], longest);
        }
        let residuals = plan.arena(STATS.spread);
        let (heads, mixtures) = (Heads::new(3 * k, room), Mixtures::new(k, room));
        Bench { is_decoder: true, model, kernels, plan, values, residuals, b: vec![0; room], scratch, heads, mixtures }
    }

    fn encoder(model: &'a Model, kernels: &'a Kernels, plan: &'a Plan, tile: &Tile) -> Bench<'a> {
        let mut bench = Bench { is_decoder: false, ..Bench::decoder(model, kernels, plan, tile) };
        plan.fill(&tile.ints, &mut bench.values);
        bench
    }

    fn distributions(&self, tile: &Tile) -> Distributions<'_> {
        Distributions { mixtures: &self.mixtures, window: tile.window(), b: &self.b }
    }

    /// b and the mixtures of every run in turn, each stage with its clock; `and_then` is given the run.
    fn walk(
        &mut self,
        tile: &Tile,
        taken: &mut [Duration],
        mut and_then: impl FnMut(&Bench, Run) -> Result<()>,
    ) -> Result<()> {
        let (plan, linears, n_symbols) = (self.plan, self.model.linears(0), tile.window().n_symbols());
        for step in &plan.steps {
            let net = self.model.net_index(step.pass, 0);
            for &run in &step.runs {
                let (at, n) = (run.at as usize, run.n as usize);
                let arenas = Arenas { values: &self.values, residuals: &self.residuals, refs: &[], stats: STATS };
                let clock = Instant::now();
                self.kernels.predict(&linears[step.set], plan.site(arenas, step, run), tile.max, &mut self.b);
                if !self.is_decoder {
                    // a row of the encoder is its own reference
                    self.kernels.update_residuals(&self.values, at, n, &self.b, &mut self.residuals);
                }
                let predicted = Instant::now();
                let arenas = Arenas { values: &self.values, residuals: &self.residuals, refs: &[], stats: STATS };
                let (scratch, heads) = (&mut self.scratch, &mut self.heads);
                self.kernels.context(net, plan.site(arenas, step, run), &self.b, scratch, heads);
                let described = Instant::now();
                self.kernels.mixture(n, &self.b, &self.heads, mass(n_symbols), &mut self.mixtures);
                let mixed = Instant::now();
                let parts = [predicted - clock, described - predicted, mixed - described];
                taken.iter_mut().zip(parts).for_each(|(all, t)| *all += t);
                and_then(self, run)?;
                if self.is_decoder {
                    let cells = self.values[at..][..n].iter_mut().zip(indices(run));
                    cells.for_each(|(cell, i)| *cell = tile.ints[i] * ONE);
                    self.kernels.update_residuals(&self.values, at, n, &self.b, &mut self.residuals);
                }
            }
            step.copy(&mut self.residuals);
            if self.is_decoder {
                step.copy(&mut self.values);
            }
        }
        Ok(())
    }
}

/// The payload of a tile, by the stages of the encoder in its order of runs.
fn encode(model: &Model, kernels: &Kernels, plan: &Plan, tile: &Tile, taken: &mut [Duration]) -> Result<Vec<u8>> {
    let mut bench = Bench::encoder(model, kernels, plan, tile);
    let room = bench.b.len();
    let (mut known, mut start, mut width) = (vec![0; room], vec![0; room], vec![0; room]);
    let mut symbols = vec![Interval::default(); tile.ints.len()];
    let mut in_intervals = Duration::ZERO;
    bench.walk(tile, taken, |bench, run| {
        known.iter_mut().zip(indices(run)).for_each(|(int, i)| *int = tile.ints[i]);
        let clock = Instant::now();
        let n = run.n as usize;
        kernels.intervals(bench.distributions(tile), n, &known, &mut start, &mut width);
        in_intervals += clock.elapsed();
        let intervals = start.iter().zip(&width).map(|(&start, &width)| Interval { start, width });
        indices(run).zip(intervals).for_each(|(i, interval)| symbols[i] = interval);
        Ok(())
    })?;
    taken[3] = in_intervals;

    let clock = Instant::now();
    let (mut pusher, mut payload) = (Pusher::new(N_LANES), Vec::new());
    for &run in plan.order.iter().rev() {
        let symbols = indices(run).map(|i| symbols[i]).enumerate();
        symbols.rev().for_each(|(i, symbol)| pusher.push(i % N_LANES, symbol));
    }
    pusher.finish(&mut payload);
    taken[4] = clock.elapsed();
    Ok(payload)
}

/// Pops what `encode` pushed, with the mixtures of the decoder's order of runs.
fn decode(
    model: &Model,
    kernels: &Kernels,
    plan: &Plan,
    tile: &Tile,
    payload: &[u8],
    taken: &mut [Duration],
) -> Result<()> {
    let mut popper = Popper::new(N_LANES, payload)?;
    let (mut quantiles, mut symbols) = ([0; N_LANES], Inverted::default());
    let mut elsewhere = [Duration::ZERO; STAGES.len()]; // of these the encoder's count
    Bench::decoder(model, kernels, plan, tile).walk(tile, &mut elsewhere, |bench, run| {
        let (clock, mut indices) = (Instant::now(), indices(run));
        for first in (0..run.n as usize).step_by(N_LANES) {
            let n = N_LANES.min(run.n as usize - first);
            quantiles[..n].iter_mut().enumerate().for_each(|(lane, q)| *q = popper.quantile(lane));
            kernels.invert(bench.distributions(tile), first, n, &quantiles, &mut symbols);
            for (lane, index) in indices.by_ref().take(n).enumerate() {
                popper.pop(lane, Interval { start: symbols.start[lane], width: symbols.width[lane] });
                if symbols.ints[lane] != tile.ints[index] {
                    return Err(Error::verify(format!("{}: another int is popped than was pushed", model.name)));
                }
            }
        }
        taken[5] += clock.elapsed();
        Ok(())
    })?;
    popper.finish()
}

fn whole(model: &Model, kernels: &Kernels, plans: (&Plan, &Plan), tile: &Tile, taken: &mut [Duration]) -> Result<()> {
    let linears = model.linears(0);
    let context = tile.context(model, kernels, &linears);
    let clock = Instant::now();
    let payload = cells::encode(context, plans.0, &tile.ints, &[]);
    taken[6] = clock.elapsed();
    let mut back = vec![0; tile.ints.len()];
    let clock = Instant::now();
    cells::decode(context, plans.1, &payload, &[], &mut back)?;
    taken[7] = clock.elapsed();
    match back == tile.ints {
        true => Ok(()),
        false => Err(Error::verify(format!("{}: a tile does not come back", model.name))),
    }
}

/// Where in the tile the ints of a run lie.
fn indices(run: Run) -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    (0..run.n as i32).map(move |i| (run.first as i32 + i * run.step) as usize)
}
