//! w ← Adam(∇ mean bits)      average ← average + (w − average) / min(step, window)      best: what the judge liked most of both
//!
//! The rate rises, then falls as a cosine; the last part of the way the forward pass has weights and activations that integers can
//! have. What a step does depends on its number and the seed, not on how often the training was interrupted before it.

use crate::train::checkpoint::{Best, State};
use crate::net::context::{Batch, ContextNet};
use crate::net::shape::Shape;
use crate::train::validate::Judge;
use crate::train::log::{Event, Progress};
use crate::data::pool::Pool;
use crate::random::Random;
use crate::train::settings::Settings;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::net::Pass;
use serde_json::json;
use std::time::{Duration, Instant};

/// Steps between two draws.
pub const REFRESH: u64 = 3;
/// The first so many steps the learning rate rises.
const WARM_UP: f64 = 100.0;
/// Steps that the average looks back.
pub const WINDOW: u64 = 250;
/// Lines in the log, and judgements, of one net's way.
pub const N_LINES: f64 = 40.0;
/// Between two checkpoints.
const SAVE: Duration = Duration::from_secs(30);

/// One net's way, and who is told of it.
pub struct Descent<'a> {
    pub settings: &'a Settings,
    pub shape: &'a Shape,
    pub part: usize,
    pub n_parts: usize,
    pub judge: &'a Judge<'a>,
    pub report: &'a mut dyn FnMut(Event) -> Result<()>,
    pub save: &'a mut dyn FnMut(&State) -> Result<()>,
}

/// The learning rate of a step, of which `highest` is the most there is.
pub fn rate(highest: f64, step: u64, way: f64) -> f64 {
    let cosine = 0.5 * (1.0 + (way * std::f64::consts::PI).cos());
    highest * cosine * ((step + 1) as f64 / WARM_UP).min(1.0)
}

/// What has been measured since the last line.
struct Recent {
    since: Instant,
    n_steps: u64,
    bits: f64,
}

impl Descent<'_> {
    /// From where the state stands to the end; the weights to keep.
    pub fn run(&mut self, state: &mut State, pool: &mut Pool) -> Result<Vec<f32>> {
        let (taken_up, begin) = (state.step, Instant::now() - Duration::from_secs_f64(state.seconds));
        let (mut saved, mut recent) = (Instant::now(), Recent::new());
        let mut way = self.way(state);
        let mut lines = if taken_up == 0 { -1.0 } else { (way * N_LINES).floor() };
        loop {
            state.past = pool.past();
            if (way.min(1.0) * N_LINES).floor() > lines {
                lines = (way * N_LINES).floor();
                self.line(state, pool.net().spec().pass, way, &mut recent)?;
                (self.save)(state)?;
                saved = Instant::now();
            } else if saved.elapsed() > SAVE {
                (self.save)(state)?;
                saved = Instant::now();
            }
            if way >= 1.0 {
                return Ok(state.best.as_ref().map_or(&state.average, |best| &best.floats).clone());
            }
            let bits = self.step(state, pool, way)?;
            state.seconds = begin.elapsed().as_secs_f64();
            recent.bits += f64::from(bits);
            recent.n_steps += 1;
            way = self.way(state);
            (self.report)(Event::Moved(Progress {
                part: self.part,
                n_parts: self.n_parts,
                pass: pool.net().spec().pass.name(),
                way,
                bits,
                cells_per_second: recent.cells_per_second(self.settings.batch),
                seconds_left: state.seconds * (1.0 / way - 1.0).max(0.0),
            }))?;
        }
    }

    /// How far it is gone, by steps or by minutes: whichever is farther.
    fn way(&self, state: &State) -> f64 {
        let share = 1.0 / self.n_parts as f64;
        let steps = state.step as f64 / (self.settings.steps as f64 * share).max(1.0).floor();
        let minutes = self.settings.minutes.map_or(0.0, |minutes| state.seconds / (minutes * 60.0 * share));
        steps.max(minutes)
    }

    fn step(&self, state: &mut State, pool: &mut Pool, way: f64) -> Result<f32> {
        let Settings { batch, seed, round_from, device, .. } = self.settings;
        let mut random = Random::of(&[*seed, self.part as u64, 2, state.step]);
        let places = pool.places(*batch, &mut random);
        let batch = Batch::new(&pool.cells, &places, self.shape[0][0], device);
        let net = ContextNet::new(&state.weights, self.shape, device).tracked();
        let loss = net.bits(&batch, way >= *round_from).mean();
        let gradients = net.gradients(&loss);
        let bits = loss.into_scalar::<f32>();
        if !bits.is_finite() || gradients.iter().any(|g| !g.is_finite()) {
            let text = format!("the training leaves the numbers at step {}: try a lower --rate", state.step);
            return Err(Error::argument(text));
        }
        state.adam.step(state.step + 1, rate(self.settings.rate, state.step, way), &mut state.weights, &gradients);
        state.step += 1;
        let window = state.step.min(WINDOW) as f32;
        state.average.iter_mut().zip(&state.weights).for_each(|(a, w)| *a += (w - *a) / window);
        if state.step.is_multiple_of(REFRESH) {
            pool.refresh();
        }
        Ok(bits)
    }

    /// Judges, and says how it goes.
    fn line(&mut self, state: &mut State, pass: Pass, way: f64, recent: &mut Recent) -> Result<()> {
        let mut line = json!({
            "part": self.part, "pass": pass.name(), "step": state.step, "way": round(way, 4),
            "seconds": round(state.seconds, 1), "rate": rate(self.settings.rate, state.step, way),
        });
        if recent.n_steps > 0 {
            line["bits"] = json!(round(recent.bits / recent.n_steps as f64, 5));
            line["cells_per_second"] = json!(recent.cells_per_second(self.settings.batch).round());
        }
        for (what, floats) in [("weights", &state.weights), ("average", &state.average)] {
            let Some((bits, classes)) = self.judge.bits(floats) else { break };
            line["held_out"][what] = json!(round(bits, 5));
            line["held_out"]["classes"] = classes.into();
            if state.best.as_ref().is_none_or(|best| bits < best.bits) {
                state.best = Some(Best { bits, step: state.step, floats: floats.clone() });
            }
        }
        if let Some(best) = &state.best {
            line["best"] = json!({"bits": round(best.bits, 5), "step": best.step});
        }
        *recent = Recent::new();
        (self.report)(Event::Line(line))
    }
}

impl Recent {
    fn new() -> Recent {
        Recent { since: Instant::now(), n_steps: 0, bits: 0.0 }
    }

    fn cells_per_second(&self, batch: usize) -> f64 {
        self.n_steps as f64 * batch as f64 / self.since.elapsed().as_secs_f64().max(1e-9)
    }
}

fn round(x: f64, digits: i32) -> f64 {
    let one = 10f64.powi(digits);
    (x * one).round() / one
}
