//! w ← Adam(∇ loss of a batch)      average ← average + (w − average) / min(step, window)      kept: the best on held-out data
//!
//! The rate rises, then falls as a cosine; the last part of the way the forward pass has weights and activations that
//! integers can have. What a step does depends on what stands in the checkpoint, not on how often the training was
//! interrupted before it.

use crate::random::Random;
use crate::train::checkpoint::{Best, Checkpoint, State};
use crate::train::log::{Event, Progress, Report};
use crate::train::objective::{BatchLoss, Kept, Objective, Step};
use crate::train::settings::Settings;
use collapsar::internals::error::{Error, Result};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Steps between two draws.
pub const REFRESH: u64 = 3;
/// The first so many steps the learning rate rises.
const WARM_UP: f64 = 100.0;
/// Steps that the average looks back.
const WINDOW: u64 = 250;
/// Lines in the log, and judgements, of one net.
const N_LINES: f64 = 40.0;
/// Between two checkpoints.
const SAVE: Duration = Duration::from_secs(30);

/// The training of one net, or of several together.
#[derive(Clone, Copy, Debug)]
pub struct Stage {
    pub name: &'static str,
    pub part: usize,
    pub n_parts: usize,
    /// Whichever comes first ends it.
    pub steps: u64,
    pub minutes: Option<f64>,
}

impl Stage {
    /// One of several that share a training's steps and minutes.
    pub fn share(name: &'static str, (part, n_parts): (usize, usize), settings: &Settings) -> Stage {
        let share = 1.0 / n_parts as f64;
        let steps = (settings.steps as f64 * share).max(1.0).floor() as u64;
        Stage { name, part, n_parts, steps, minutes: settings.minutes.map(|minutes| minutes * share) }
    }
}

/// The stages of a model, one after the other.
pub struct Training<'a> {
    settings: &'a Settings,
    report: &'a mut Report<'a>,
    checkpoint: Checkpoint,
    /// Stages that are over.
    turn: usize,
}

impl<'a> Training<'a> {
    /// From where the checkpoint stands, or from the beginning; refused where its lists are not of these lengths.
    pub fn take_up(
        settings: &'a Settings,
        identity: Map<String, Value>,
        lengths: &[usize],
        report: &'a mut Report<'a>,
    ) -> Result<Training<'a>> {
        let found = match &settings.checkpoint {
            Some(path) => Checkpoint::read(path, &identity)?.map(|checkpoint| (path, checkpoint)),
            None => None,
        };
        let Some((path, checkpoint)) = found else {
            let checkpoint = Checkpoint { identity, done: Vec::new(), state: None };
            return Ok(Training { settings, report, checkpoint, turn: 0 });
        };
        if !checkpoint.fits(lengths) {
            return Err(Error::corrupt("its lists are not as long as those of the nets").at(path.display()));
        }
        let step = checkpoint.state.as_ref().map_or(0, |state| state.step);
        report(Event::Line(json!({"taken_up": path, "nets_done": checkpoint.done.len(), "step": step})))?;
        Ok(Training { settings, report, checkpoint, turn: 0 })
    }

    /// What a stage gives that is not trained.
    pub fn skip(&mut self, floats: Vec<f32>) -> Kept {
        if self.turn == self.checkpoint.done.len() {
            self.checkpoint.done.push(Kept { floats, lists: Vec::new() });
        }
        self.turn += 1;
        self.checkpoint.done[self.turn - 1].clone()
    }

    /// What the next stage gives: from the checkpoint where it is done, else trained from wherever it stands.
    pub fn stage<O: Objective>(
        &mut self,
        stage: Stage,
        first: impl FnOnce() -> (Vec<f32>, Random),
        objective: impl FnOnce() -> Result<O>,
    ) -> Result<Kept> {
        if self.turn == self.checkpoint.done.len() {
            let mut objective = objective()?;
            let state = self.checkpoint.state.take();
            let mut state = state.unwrap_or_else(|| State::new(first()));
            let damaged = || Error::corrupt("the checkpoint holds what this training cannot go on with");
            objective.begin(&state.memory).ok_or_else(damaged)?;
            let kept = self.run(&mut objective, &stage, &mut state)?;
            if let Some(line) = objective.summary(&kept)? {
                (self.report)(Event::Line(line))?;
            }
            self.checkpoint.done.push(kept);
            if let Some(path) = &self.settings.checkpoint {
                self.checkpoint.write(path)?;
            }
        }
        self.turn += 1;
        Ok(self.checkpoint.done[self.turn - 1].clone())
    }

    /// From where the state stands to the end.
    fn run(&mut self, objective: &mut dyn Objective, stage: &Stage, state: &mut State) -> Result<Kept> {
        let begin = Instant::now() - Duration::from_secs_f64(state.seconds);
        let (mut saved, mut recent) = (Instant::now(), Recent::new());
        let mut progress = stage.progress(state);
        let mut lines = if state.step == 0 { -1.0 } else { (progress * N_LINES).floor() };
        loop {
            let is_due = (progress.min(1.0) * N_LINES).floor() > lines;
            if is_due {
                lines = (progress * N_LINES).floor();
                self.line(objective, stage, state, progress, &mut recent)?;
            }
            if is_due || saved.elapsed() > SAVE {
                self.save(objective, state)?;
                saved = Instant::now();
            }
            if progress >= 1.0 {
                let end = || Kept { floats: state.average.clone(), lists: objective.memory().lists };
                return Ok(state.best.as_ref().map_or_else(end, |best| best.kept.clone()));
            }
            recent.add(self.step(objective, state, progress)?);
            state.seconds = begin.elapsed().as_secs_f64();
            progress = stage.progress(state);
            (self.report)(Event::Moved(Progress {
                part: stage.part,
                n_parts: stage.n_parts,
                pass: stage.name,
                way: progress,
                bits: recent.last,
                cells_per_second: recent.cells_per_second(),
                seconds_left: state.seconds * (1.0 / progress - 1.0).max(0.0),
            }))?;
        }
    }

    fn save(&self, objective: &dyn Objective, state: &mut State) -> Result<()> {
        let Some(path) = &self.settings.checkpoint else { return Ok(()) };
        state.memory = objective.memory();
        Checkpoint { state: Some(state.clone()), ..self.checkpoint.clone() }.write(path)
    }

    fn step(&self, objective: &mut dyn Objective, state: &mut State, progress: f64) -> Result<BatchLoss> {
        let step = Step { number: state.step, progress, rounded: progress >= self.settings.round_from };
        let loss = objective.batch_loss(&state.weights, step, &mut state.random);
        if loss.values.iter().any(|(_, x)| !x.is_finite()) || loss.gradients.iter().any(|g| !g.is_finite()) {
            let text = format!("the training leaves the numbers at step {}: try a lower --rate", state.step);
            return Err(Error::argument(text));
        }
        let rate = rate(self.settings.rate, state.step, progress);
        state.adam.step(state.step + 1, rate, &mut state.weights, &loss.gradients);
        state.step += 1;
        let window = state.step.min(WINDOW) as f32;
        state.average.iter_mut().zip(&state.weights).for_each(|(a, w)| *a += (w - *a) / window);
        Ok(loss)
    }

    /// Judges, and says how it goes.
    fn line(
        &mut self,
        objective: &dyn Objective,
        stage: &Stage,
        state: &mut State,
        progress: f64,
        recent: &mut Recent,
    ) -> Result<()> {
        let mut line = json!({
            "part": stage.part, "pass": stage.name, "step": state.step, "way": round(progress, 4),
            "seconds": round(state.seconds, 1), "rate": rate(self.settings.rate, state.step, progress),
        });
        std::mem::replace(recent, Recent::new()).say(&mut line);
        let weights = objective.judges_weights().then_some(("weights", &state.weights));
        for (what, floats) in weights.into_iter().chain([("average", &state.average)]) {
            let Some(held_out) = objective.held_out_loss(floats, progress) else { break };
            line["held_out"][what] = json!(round(held_out.loss, 5));
            held_out.line.into_iter().for_each(|(name, value)| line["held_out"][name] = value);
            let (loss, provisional) = (held_out.loss, held_out.provisional);
            if state.best.as_ref().is_none_or(|best| best.provisional || provisional || loss < best.loss) {
                let kept = Kept { floats: floats.clone(), lists: objective.memory().lists };
                state.best = Some(Best { loss, provisional, step: state.step, kept });
            }
        }
        if let Some(best) = &state.best {
            line["best"] = json!({"bits": round(best.loss, 5), "step": best.step});
        }
        (self.report)(Event::Line(line))
    }
}

impl Stage {
    /// How far it is gone, by steps or by minutes: whichever is farther.
    fn progress(&self, state: &State) -> f64 {
        let minutes = self.minutes.map_or(0.0, |minutes| state.seconds / (minutes * 60.0));
        (state.step as f64 / self.steps as f64).max(minutes)
    }
}

/// The learning rate of a step, of which `highest` is the most there is.
fn rate(highest: f64, step: u64, progress: f64) -> f64 {
    let cosine = 0.5 * (1.0 + (progress * std::f64::consts::PI).cos());
    highest * cosine * ((step + 1) as f64 / WARM_UP).min(1.0)
}

/// What has been measured since the last line.
struct Recent {
    since: Instant,
    n_steps: u64,
    n_cells: usize,
    last: f32,
    /// Sums by name.
    sums: Vec<(&'static str, f64)>,
}

impl Recent {
    fn new() -> Recent {
        Recent { since: Instant::now(), n_steps: 0, n_cells: 0, last: 0.0, sums: Vec::new() }
    }

    fn add(&mut self, loss: BatchLoss) {
        self.n_steps += 1;
        self.n_cells += loss.n_cells;
        self.last = loss.values[0].1;
        self.sums.resize(loss.values.len(), ("", 0.0));
        for (sum, (name, x)) in self.sums.iter_mut().zip(loss.values) {
            *sum = (name, sum.1 + f64::from(x));
        }
    }

    fn cells_per_second(&self) -> f64 {
        self.n_cells as f64 / self.since.elapsed().as_secs_f64().max(1e-9)
    }

    fn say(&self, line: &mut Value) {
        for (name, sum) in &self.sums {
            line[*name] = json!(round(sum / self.n_steps as f64, 5));
        }
        if self.n_steps > 0 {
            line["cells_per_second"] = json!(self.cells_per_second().round());
        }
    }
}

fn round(x: f64, digits: i32) -> f64 {
    let one = 10f64.powi(digits);
    (x * one).round() / one
}
