//! w ← Adam(∇ loss of some blocks)          kept: the average of the weights, and the codes at the end
//!
//! The first part of the way latents are painted as they are; then codes begin as their means. The rate rises, then falls as a cosine;
//! the last part of the way is rounded. There are no checkpoints: a training that is interrupted begins anew.

use crate::train::adam::Adam;
use crate::net::codes::N_MEANT;
use crate::net::context::ContextNet;
use crate::data::crops::{Shown, draw};
use crate::data::corpus::Corpus;
use crate::train::run::{WINDOW, rate};
use crate::train::log::Log;
use crate::random::Random;
use crate::train::settings::Settings;
use crate::net::vqae::{Autoencoder, Batch, N_CELLS, PIXELS, Sizes, gradients};
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::vqae::Codebook;
use collapsar::internals::net::Mesh;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Instant;

/// The part of the way in which there are no codes.
const FREE: f64 = 0.12;
/// Steps from one look for codes that nobody chooses to the next.
const RENEWAL: u64 = 50;
/// Blocks that judge, and the least of a step.
const N_JUDGES: usize = 96;
const LEAST_BLOCKS: usize = 12;
const N_LINES: f64 = 30.0;

/// Finds and paints, trained on blocks of `training`.
pub fn train(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    sizes: Sizes,
    log: &mut Log,
) -> Result<([Mesh; 3], Codebook, Codebook)> {
    let device = &settings.device;
    let mut random = Random::of(&[settings.seed, 0]);
    let mut model = Autoencoder::new(sizes, device);
    let firsts = [(1.0, 1.5), (1.0, 1.5), (1.0, 0.0)];
    let mut weights: Vec<f32> = (0..3).flat_map(|i| model.plans[i].first(&mut random, firsts[i])).collect();
    let judges: Vec<Shown> = (0..N_JUDGES).map(|i| draw(validation, &mut Random::of(&[7, i as u64]))).collect();
    let (mut average, mut adam) = (weights.clone(), Adam::new(weights.len()));
    let (begin, mut step, mut lines, mut recent) = (Instant::now(), 0u64, -1.0, (0.0, 0.0, 0u64));
    let n_blocks = (settings.batch / (N_CELLS * PIXELS)).max(LEAST_BLOCKS);
    let mut latents = (Vec::new(), Vec::new());
    loop {
        let minutes = settings.minutes.map_or(0.0, |m| begin.elapsed().as_secs_f64() / (60.0 * m));
        let way = (step as f64 / settings.steps as f64).max(minutes).min(1.0);
        if (way * N_LINES).floor() > lines {
            lines = (way * N_LINES).floor();
            let inner = device.clone().inner();
            let judged = model.on(&inner);
            let o = judged.pass(&judged.nets(&average, &inner), &Batch::new(&judges, &inner), way < FREE, way >= FREE);
            let used = |chosen: &[usize]| chosen.iter().collect::<BTreeSet<_>>().len();
            let n = recent.2.max(1) as f64;
            let held_out = json!({"loss": o.loss.into_scalar::<f32>(), "wrong": o.wrong, "mse": o.mse,
                "top": used(&o.top.1), "bottom": used(&o.bottom.1)});
            let seconds = begin.elapsed().as_secs_f64().round();
            log.line(
                json!({"step": step, "way": way, "seconds": seconds, "loss": recent.0 / n, "wrong": recent.1 / n,
                "held_out": held_out}),
            )?;
            recent = (0.0, 0.0, 0);
        }
        if way >= 1.0 {
            break;
        }
        let shown: Vec<Shown> = (0..n_blocks).map(|_| draw(training, &mut random)).collect();
        let batch = Batch::new(&shown, device);
        let nets = model.nets(&weights, device).map(ContextNet::tracked);
        let free = way < FREE;
        let outcome = model.pass(&nets, &batch, free, way >= settings.round_from);
        let loss = outcome.loss.clone().into_scalar::<f32>();
        let slopes = gradients(&nets, &outcome.loss);
        if !loss.is_finite() || slopes.iter().any(|g| !g.is_finite()) {
            return Err(Error::argument(format!("the training leaves the numbers at step {step}: try a lower --rate")));
        }
        let levels = [
            (&mut model.top, &outcome.top, &batch.top_live, &mut latents.0),
            (&mut model.bottom, &outcome.bottom, &batch.live, &mut latents.1),
        ];
        for (codes, (z, chosen), live, latents) in levels {
            if free {
                collect(latents, z, live, N_MEANT * n_blocks * N_CELLS * sizes.width);
                continue;
            }
            if !latents.is_empty() {
                codes.begin(&std::mem::take(latents), &mut random);
            }
            codes.follow(z, live, chosen);
            if step.is_multiple_of(RENEWAL) && way < settings.round_from + 0.1 {
                codes.renew(z, live, &mut random);
            }
        }
        recent = (recent.0 + f64::from(loss), recent.1 + f64::from(outcome.wrong), recent.2 + 1);
        adam.step(step + 1, rate(settings.rate, step, way), &mut weights, &slopes);
        step += 1;
        let window = step.min(WINDOW) as f32;
        average.iter_mut().zip(&weights).for_each(|(a, w)| *a += (w - *a) / window);
    }
    let mut rest = average.as_slice();
    let [a, b, c] = [0, 1, 2].map(|i| {
        let (these, others) = rest.split_at(model.plans[i].n_floats());
        rest = others;
        model.plans[i].export(these)
    });
    Ok(([a?, b?, c?], model.top.export()?, model.bottom.export()?))
}

/// Keeps the latents that are seen, at most so many numbers, the last ones.
fn collect(latents: &mut Vec<f32>, z: &[f32], live: &[bool], most: usize) {
    let width = z.len() / live.len().max(1);
    let rows = z.chunks_exact(width.max(1)).zip(live).filter(|(_, live)| **live);
    latents.extend(rows.flat_map(|(z, _)| z));
    latents.drain(..latents.len().saturating_sub(most));
}
