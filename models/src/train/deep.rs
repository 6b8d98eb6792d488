//! w ← Adam(∇ mean bits of the inner cells of some patches)          kept: the average of the weights that was judged best
//!
//! For nets whose layers look around. The rate rises, then falls as a cosine; the last part of the way is rounded. There are no
//! checkpoints: a training that is interrupted begins anew.

use crate::train::adam::Adam;
use crate::data::sample::Cells;
use crate::net::context::Batch;
use crate::data::corpus::Corpus;
use crate::net::deep::{DeepNet, Plan};
use crate::train::run::{N_LINES, REFRESH, WINDOW, rate};
use crate::train::log::Log;
use crate::data::patch::{N_CELLS, Pool, SIDE, held_out, mask};
use crate::data::pool::Source;
use crate::random::Random;
use crate::net::preset::mean_of_nearest;
use crate::train::settings::Settings;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::{Family, Model, Part};
use serde_json::json;
use std::time::Instant;

/// Held-out patches that judge, and patches of one forward pass.
const N_JUDGES: usize = 96;
const N_AT_ONCE: usize = 16;

/// A model of one net, trained on `training`, judged by `validation`.
pub fn drill(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    shape: &Plan,
    log: &mut Log,
) -> Result<Model> {
    let mut random = Random::of(&[settings.seed, 0]);
    let mut weights = shape.first(&mut random);
    let part = Part { net: shape.export(&weights)?, linear: mean_of_nearest(&shape.spec)? };
    let blank = Model::new("blank", Family::PixelcnnDeep, vec![part], [0; 32])?;
    let source = || Source { model: &blank, part: 0 };
    let judge = Judge { cells: held_out(validation, &source()), shape, device: settings.device.clone().inner() };
    let mut pool = Pool::new(training, source(), settings.seed, settings.n_draws);
    let n_patches = (settings.batch / N_CELLS).max(1);
    let inner = Tensor::<2>::from_data(
        TensorData::new(mask(shape.margin()).repeat(n_patches), [n_patches * N_CELLS, 1]),
        &settings.device,
    );
    let share = inner.clone().mean().into_scalar::<f32>();
    let (mut average, mut adam) = (weights.clone(), Adam::new(weights.len()));
    let (begin, mut step, mut lines) = (Instant::now(), 0u64, -1.0);
    let (mut best, mut recent) = ((f64::INFINITY, weights.clone()), (0.0, 0u64));
    loop {
        let minutes = settings.minutes.map_or(0.0, |m| begin.elapsed().as_secs_f64() / (60.0 * m));
        let way = (step as f64 / settings.steps as f64).max(minutes).min(1.0);
        if (way * N_LINES).floor() > lines {
            lines = (way * N_LINES).floor();
            let bits = judge.bits(&average);
            if bits < best.0 || best.0.is_infinite() {
                best = (bits, average.clone());
            }
            let mean = recent.0 / recent.1.max(1) as f64;
            let seconds = begin.elapsed().as_secs_f64().round();
            log.line(
                json!({"step": step, "way": way, "seconds": seconds, "bits": mean, "held_out": bits, "best": best.0}),
            )?;
            recent = (0.0, 0);
        }
        if way >= 1.0 {
            break;
        }
        let places = pool.places(n_patches, &mut random);
        let batch = Batch::new(&pool.cells, &places, shape.spec.n_features(), &settings.device);
        let net = DeepNet::new(shape, &weights, &settings.device).tracked();
        let loss = (net.bits(&batch, SIDE, way >= settings.round_from) * inner.clone()).mean() / share;
        let gradients = net.net.gradients(&loss);
        let bits = loss.into_scalar::<f32>();
        if !bits.is_finite() || gradients.iter().any(|g| !g.is_finite()) {
            return Err(Error::argument(format!("the training leaves the numbers at step {step}: try a lower --rate")));
        }
        recent = (recent.0 + f64::from(bits), recent.1 + 1);
        adam.step(step + 1, rate(settings.rate, step, way), &mut weights, &gradients);
        step += 1;
        let window = step.min(WINDOW) as f32;
        average.iter_mut().zip(&weights).for_each(|(a, w)| *a += (w - *a) / window);
        if step.is_multiple_of(REFRESH) {
            pool.refresh();
        }
    }
    let part = Part { net: shape.export(&best.1)?, linear: mean_of_nearest(&shape.spec)? };
    Model::new(&settings.name, Family::PixelcnnDeep, vec![part], [0; 32])
}

struct Judge<'a> {
    cells: Cells,
    shape: &'a Plan,
    /// Without autodiff.
    device: Device,
}

impl Judge<'_> {
    /// The mean over classes of bits per inner cell of the held-out patches, rounded; infinite where nothing is held out.
    fn bits(&self, floats: &[f32]) -> f64 {
        let net = DeepNet::new(self.shape, floats, &self.device);
        let inner = mask(self.shape.margin());
        let n_patches = self.cells.len() / N_CELLS;
        let chosen: Vec<usize> =
            (0..n_patches.min(N_JUDGES)).map(|i| i * n_patches / n_patches.min(N_JUDGES)).collect();
        let mut sums = vec![(0.0, 0.0); 256];
        for some in chosen.chunks(N_AT_ONCE) {
            let places: Vec<usize> = some.iter().flat_map(|p| p * N_CELLS..(p + 1) * N_CELLS).collect();
            let batch = Batch::new(&self.cells, &places, self.shape.spec.n_features(), &self.device);
            let bits = net.bits(&batch, SIDE, true).into_data();
            let bits = bits.try_into_vec::<f32>().expect("bits are f32");
            for ((&i, bits), inner) in places.iter().zip(bits).zip(inner.iter().cycle()) {
                let (sum, n) = &mut sums[usize::from(self.cells.class[i])];
                (*sum, *n) = (*sum + f64::from(bits * inner), *n + f64::from(*inner));
            }
        }
        let classes: Vec<f64> = sums.iter().filter(|(_, n)| *n > 0.0).map(|(sum, n)| sum / n).collect();
        if classes.is_empty() { f64::INFINITY } else { classes.iter().sum::<f64>() / classes.len() as f64 }
    }
}
