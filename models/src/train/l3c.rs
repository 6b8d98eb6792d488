//! w ← Adam(∇ (mean bits of inner ints + price · mean bits of features / 4))          three nets at once
//!
//! Features that nobody reads yet cost what they take: so their price rises from next to nothing to all of it while D learns to read
//! them. The rest is `drill`'s: the rate rises, then falls as a cosine; the last part of the way is rounded; kept is the average of the
//! weights that was judged best. There are no checkpoints.

use crate::train::adam::Adam;
use crate::data::blocks::{Blocks, N_INTS, Pool, held_out};
use crate::data::corpus::Corpus;
use crate::train::run::{N_LINES, REFRESH, WINDOW, rate};
use crate::net::l3c::{Nets, Plan};
use crate::train::log::Log;
use crate::data::pool::Source;
use crate::random::Random;
use crate::train::settings::Settings;
use burn::tensor::Device;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::Model;
use serde_json::json;
use std::time::Instant;

/// Held-out patches that judge, and patches of one forward pass.
const N_JUDGES: usize = 128;
const N_AT_ONCE: usize = 16;

/// What the features' bits count for: next to nothing for a tenth of the way, all from four tenths on.
fn price(way: f64) -> f64 {
    ((way - 0.1) / 0.3).clamp(0.02, 1.0)
}

/// A model trained on `training`, judged by `validation`.
pub fn relay(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    plan: &Plan,
    log: &mut Log,
) -> Result<Model> {
    let mut random = Random::of(&[settings.seed, 0]);
    let mut weights = plan.first(&mut random);
    let blank = plan.export("blank", &weights)?;
    let source = || Source { model: &blank, part: 2 };
    let judge = Judge { blocks: held_out(validation, &source()), plan, device: settings.device.clone().inner() };
    let mut pool = Pool::new(training, source(), settings.seed, settings.n_draws);
    let n_patches = (settings.batch / N_INTS).max(1);
    let (mut average, mut adam) = (weights.clone(), Adam::new(weights.len()));
    let (begin, mut step, mut lines) = (Instant::now(), 0u64, -1.0);
    let (mut best, mut recent) = ((f64::INFINITY, weights.clone()), (0.0, 0.0, 0u64));
    loop {
        let minutes = settings.minutes.map_or(0.0, |m| begin.elapsed().as_secs_f64() / (60.0 * m));
        let way = (step as f64 / settings.steps as f64).max(minutes).min(1.0);
        if (way * N_LINES).floor() > lines {
            lines = (way * N_LINES).floor();
            let (ints, features) = judge.bits(&average);
            let bits = ints + features;
            if bits < best.0 || best.0.is_infinite() || price(way) < 1.0 {
                best = (bits, average.clone());
            }
            let n = recent.2.max(1) as f64;
            let seconds = begin.elapsed().as_secs_f64().round();
            log.line(json!({
                "step": step, "way": way, "seconds": seconds, "bits": recent.0 / n, "feature_bits": recent.1 / n,
                "held_out": bits, "held_out_features": features, "best": best.0,
            }))?;
            recent = (0.0, 0.0, 0);
        }
        if way >= 1.0 {
            break;
        }
        let patches: Vec<usize> = (0..n_patches).map(|_| random.below(pool.blocks.len())).collect();
        let nets = Nets::new(plan, &weights, &settings.device).tracked();
        let bits = nets.bits(&pool.blocks, &patches, way >= settings.round_from, &settings.device);
        let (ints, features) = (bits.ints.mean(), bits.features.mean() * 0.25);
        let loss = ints.clone() + features.clone() * price(way) as f32;
        let gradients = nets.gradients(&loss);
        let (ints, features) = (ints.into_scalar::<f32>(), features.into_scalar::<f32>());
        if !ints.is_finite() || !features.is_finite() || gradients.iter().any(|g| !g.is_finite()) {
            return Err(Error::argument(format!("the training leaves the numbers at step {step}: try a lower --rate")));
        }
        recent = (recent.0 + f64::from(ints), recent.1 + f64::from(features), recent.2 + 1);
        adam.step(step + 1, rate(settings.rate, step, way), &mut weights, &gradients);
        step += 1;
        let window = step.min(WINDOW) as f32;
        average.iter_mut().zip(&weights).for_each(|(a, w)| *a += (w - *a) / window);
        if step.is_multiple_of(REFRESH) {
            pool.refresh();
        }
    }
    plan.export(&settings.name, &best.1)
}

struct Judge<'a> {
    blocks: Blocks,
    plan: &'a Plan,
    /// Without autodiff.
    device: Device,
}

impl Judge<'_> {
    /// Bits per int of the held-out patches, rounded: of the ints, the mean of the classes; of the features, of all.
    fn bits(&self, floats: &[f32]) -> (f64, f64) {
        let nets = Nets::new(self.plan, floats, &self.device);
        let n = self.blocks.len();
        let chosen: Vec<usize> = (0..n.min(N_JUDGES)).map(|i| i * n / n.min(N_JUDGES)).collect();
        let (mut sums, mut features, mut n_parts) = (vec![(0.0, 0.0); 256], 0.0, 0.0);
        for some in chosen.chunks(N_AT_ONCE) {
            let bits = nets.bits(&self.blocks, some, true, &self.device);
            features += f64::from(bits.features.mean().into_scalar::<f32>()) / 4.0;
            n_parts += 1.0;
            let ints = bits.ints.into_data().try_into_vec::<f32>().expect("bits are f32");
            for (i, bits) in ints.iter().enumerate() {
                let patch = some[i / (N_INTS / 4) % some.len()];
                let (sum, n) = &mut sums[usize::from(self.blocks.finer.class[patch * N_INTS])];
                (*sum, *n) = (*sum + f64::from(*bits), *n + 1.0);
            }
        }
        let classes: Vec<f64> = sums.iter().filter(|(_, n)| *n > 0.0).map(|(sum, n)| sum / n).collect();
        if classes.is_empty() {
            return (f64::INFINITY, 0.0);
        }
        (classes.iter().sum::<f64>() / classes.len() as f64, features / n_parts)
    }
}
