//! Stages of a tile on one thread, whole files on all, and whether encoder and decoder agree.

use super::name_of;
use crate::cli::noise::round;
use crate::cli::{painted, say};
use collapsar::codec::network::{self, Context};
use collapsar::entropy::lanes::{Interval, Popper, Pusher};
use collapsar::kernel::context::{Heads, context};
use collapsar::kernel::fast::Level;
use collapsar::kernel::interval::{intervals, invert};
use collapsar::kernel::mixture::{Mixtures, Window, mass, mixture};
use collapsar::kernel::predict::{predict, residual};
use collapsar::kernel::{Look, ONE};
use collapsar::model::Model;
use collapsar::{Choice, Error, Options, Result};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

const TILE: usize = 256;
const MAX: i32 = 65535;
const FIRST_RESIDUAL: i32 = 64;
const STAGES: [&str; 7] =
    ["predict", "context: features, net", "mixture, intervals", "push", "invert, pop", "tile: encode", "tile: decode"];

pub struct Stage {
    pub model: String,
    pub stage: &'static str,
    pub mb_per_s: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
}

impl Stage {
    pub fn json(&self) -> Value {
        json!({
            "model": self.model, "stage": self.stage, "mb_per_s": round(self.mb_per_s),
            "p50_ms": round(self.p50_ms), "p95_ms": round(self.p95_ms),
        })
    }
}

/// Each stage over every tile of the frame, in bytes of 16-bit samples.
pub fn stages(model: &Model, frame: &[u16], side: usize) -> Result<Vec<Stage>> {
    let mut times: [Vec<Duration>; STAGES.len()] = Default::default();
    for tile in 0..(side / TILE) * (side / TILE) {
        let ints = tile_ints(frame, side, tile);
        let taken = one_tile(model, &ints)?;
        times.iter_mut().zip(taken).for_each(|(all, t)| all.push(t));
    }
    let stage = |(stage, mut times): (&'static str, Vec<Duration>)| {
        times.sort();
        let at = |percent: usize| times[(times.len() - 1) * percent / 100].as_secs_f64();
        let mb_per_s = (TILE * TILE * 2) as f64 / 1e6 / at(50).max(1e-9);
        Stage { model: model.name.clone(), stage, mb_per_s, p50_ms: at(50) * 1e3, p95_ms: at(95) * 1e3 }
    };
    Ok(STAGES.into_iter().zip(times).map(stage).collect())
}

fn tile_ints(frame: &[u16], side: usize, tile: usize) -> Vec<i32> {
    let columns = side / TILE;
    let (y0, x0) = (tile / columns * TILE, tile % columns * TILE);
    (0..TILE).flat_map(|y| &frame[(y0 + y) * side + x0..][..TILE]).map(|&v| i32::from(v)).collect()
}

/// The stages in the decoder's order of runs, each with a clock of its own.
fn one_tile(model: &Model, ints: &[i32]) -> Result<[Duration; STAGES.len()]> {
    const LANE: usize = 0;
    let linears = model.linears(0);
    let plan = model.plan_to_decode(TILE, TILE);
    let window = Window { max: MAX };
    let k = model.parts[0].net.spec().k;
    let longest = plan.steps.iter().flat_map(|s| &s.runs).map(|r| r.n as usize).max().unwrap_or(0);
    let (mut heads, mut mixtures, mut b) = (Heads::new(k, longest), Mixtures::new(k, longest), vec![0; longest]);
    let (mut start, mut width) = (vec![0; longest], vec![0; longest]);
    let mut values = plan.arena(ints[0] * ONE);
    plan.fill(ints, &mut values);

    let mut taken = [Duration::ZERO; STAGES.len()];
    let mut popper: Option<Popper> = None;
    for turn in ["encode", "decode"] {
        let mut residuals = plan.arena(FIRST_RESIDUAL);
        let mut symbols = Vec::new();
        for step in &plan.steps {
            for &run in &step.runs {
                let (at, n) = (run.at as usize, run.n as usize);
                let look = Look { values: &values, residuals: &residuals, refs: &[] };
                let offsets = &plan.offsets[step.offsets];
                let clock = Instant::now();
                predict(&linears[step.set], offsets, look, at, MAX, &mut b[..n]);
                let predicted = Instant::now();
                let net = &model.parts[model.part(step.pass, 0)].net;
                context(net, offsets, look, at, step.level, &b[..n], &mut heads);
                let described = Instant::now();
                let known: Vec<i32> = values[at..][..n].iter().map(|v| v / ONE).collect();
                mixture(&b[..n], &heads, mass(window.n_symbols()), &mut mixtures);
                let Some(popper) = &mut popper else {
                    intervals(&mixtures, window, &b[..n], &known, &mut start, &mut width);
                    let coded = Instant::now();
                    let parts = [predicted - clock, described - predicted, coded - described];
                    taken.iter_mut().zip(parts).for_each(|(all, t)| *all += t);
                    symbols.extend((0..n).map(|i| Interval { start: start[i], width: width[i] }));
                    settle(&values, &b, at, n, &mut residuals);
                    continue;
                };
                let clock = Instant::now();
                for (i, &int) in known.iter().enumerate() {
                    let (coded, start, width) = invert(&mixtures, window, b[i], i, popper.quantile(LANE));
                    popper.pop(LANE, Interval { start, width });
                    if coded != int {
                        return Err(Error::verify(format!("{}: popped {coded} where {int} was pushed", model.name)));
                    }
                }
                taken[4] += clock.elapsed();
                settle(&values, &b, at, n, &mut residuals);
            }
            step.copy(&mut residuals);
        }
        if turn == "encode" {
            let clock = Instant::now();
            let (mut pusher, mut bytes) = (Pusher::new(1), Vec::new());
            symbols.iter().rev().for_each(|&symbol| pusher.push(LANE, symbol));
            pusher.finish(&mut bytes);
            taken[3] += clock.elapsed();
            popper = Some(Popper::new(1, &bytes)?);
        }
    }

    let fast = model.fast(Level::detect());
    let context = Context { model, fast: &fast, linears: &linears, residual: FIRST_RESIDUAL, max: MAX };
    let (to_encode, clock) = (model.plan_to_encode(TILE, TILE), Instant::now());
    let payload = network::encode(context, &to_encode, ints, &[]);
    taken[5] = clock.elapsed();
    let mut back = vec![0; ints.len()];
    let clock = Instant::now();
    network::decode(context, &plan, &payload, &[], &mut back)?;
    taken[6] = clock.elapsed();
    Ok(taken)
}

fn settle(values: &[i32], b: &[i32], at: usize, n: usize, residuals: &mut [i32]) {
    (0..n).for_each(|i| residuals[at + i] = residual(values[at + i], b[i]));
}

/// A whole file through the front door.
pub struct Whole {
    pub model: String,
    pub ratio: f64,
    pub encode: f64,
    pub decode: f64,
}

impl Whole {
    pub fn json(&self) -> Value {
        json!({
            "model": self.model, "ratio": self.ratio, "encode_mb_per_s": self.encode, "decode_mb_per_s": self.decode,
            "threads": rayon::current_num_threads(),
        })
    }
}

pub fn whole(model: Option<&Arc<Model>>, frame: &[u16], side: usize) -> Result<Whole> {
    let file = painted::fits(side, side, frame);
    let n = file.len() as u64;
    let choice = model.map_or(Choice::Classic, |m| Choice::These(vec![m.clone()]));
    let options = Options { model: choice, embed: model.is_some(), ..Options::default() };
    let clock = Instant::now();
    let packed = collapsar::compress(&file, &options)?;
    let encode = say::speed(n, clock.elapsed().as_secs_f64());
    let clock = Instant::now();
    let back = collapsar::decompress(&packed)?;
    let decode = say::speed(n, clock.elapsed().as_secs_f64());
    let name = name_of(model.map(Arc::as_ref));
    if back != file {
        return Err(Error::verify(format!("{name} does not give the frame back")));
    }
    Ok(Whole { model: name, ratio: say::ratio(n, packed.len() as u64), encode, decode })
}

/// That tiles come back, and the blake3 of their payloads: it must be the same on every machine and at every level.
pub struct Conformance {
    pub model: String,
    pub level: &'static str,
    pub n_tiles: usize,
    pub fingerprint: String,
}

impl Conformance {
    pub fn json(&self) -> Value {
        json!({"model": self.model, "level": self.level, "tiles": self.n_tiles, "fingerprint": self.fingerprint, "equal": true})
    }
}

pub fn conformance(model: &Model) -> Result<Conformance> {
    const SIZES: [(usize, usize); 6] = [(1, 1), (1, 70), (33, 31), (64, 65), (3, 300), (128, 128)];
    let linears = model.linears(0);
    let mut hash = blake3::Hasher::new();
    for (i, (h, w)) in SIZES.into_iter().enumerate() {
        let frame = painted::frame(h, w, 100 + i as u64);
        let ints: Vec<i32> = frame.iter().map(|&v| i32::from(v)).collect();
        let fast = model.fast(Level::detect());
        let context = Context { model, fast: &fast, linears: &linears, residual: FIRST_RESIDUAL, max: MAX };
        let payload = network::encode(context, &model.plan_to_encode(h, w), &ints, &[]);
        hash.update(&payload);
        let mut back = vec![0; ints.len()];
        network::decode(context, &model.plan_to_decode(h, w), &payload, &[], &mut back)?;
        if back != ints {
            return Err(Error::verify(format!("{}: a tile of {h}×{w} does not come back on this machine", model.name)));
        }
    }
    let fingerprint = hash.finalize().to_hex().to_string();
    Ok(Conformance { model: model.name.clone(), level: "plain", n_tiles: SIZES.len(), fingerprint })
}
