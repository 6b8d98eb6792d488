//! Adam on bits per cell, cosine learning rate; the last part of the way with weights and activations that integers can have.
//!
//! The nets of a family are trained one after the other, each with an equal share of the steps and minutes.

use crate::cells::{self, Cells};
use crate::context::{Batch, ContextNet};
use crate::data::Corpus;
use crate::pool::{Pool, Source, held_out, plan};
use crate::preset::Preset;
use crate::quantise::{export, import};
use crate::random::Random;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsParams};
use burn::tensor::Device;
use collapsar::error::{Error, Result};
use collapsar::kernel::predict::Linear;
use collapsar::model::{Family, Model, Part};
use collapsar::net::{Layer, Net, Spec};
use std::time::Instant;

/// From this part of the way on, the forward pass is rounded.
const QUANTISE_FROM: f64 = 0.6;
/// Steps between two draws.
const REFRESH: usize = 3;
/// The first so many steps the learning rate rises.
const WARM_UP: f64 = 100.0;

#[derive(Clone, Debug)]
pub struct Settings {
    pub name: String,
    pub family: Family,
    pub preset: Preset,
    /// Whichever comes first ends the training.
    pub steps: usize,
    pub minutes: f64,
    pub batch: usize,
    pub rate: f64,
    pub seed: u64,
    /// Where tensors live; with autodiff.
    pub device: Device,
}

/// A model trained on `training`, beginning from `from` where there is one; `report` gets a line of JSON now and then.
pub fn train(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    from: Option<&Model>,
    report: &mut dyn FnMut(serde_json::Value),
) -> Result<Model> {
    let (specs, device) = (settings.preset.specs(settings.family), &settings.device);
    let model = match from {
        Some(model) if model.family == settings.family && same_specs(model, &specs) => model.clone(),
        Some(_) => return Err(Error::argument("the weights to begin from are of another family or preset")),
        None => blank(settings, &specs)?,
    };
    let plan = plan(&model);
    let mut trained = model.parts.clone();
    for (part, spec) in specs.iter().enumerate() {
        let source = Source { model: &model, part, plan: &plan };
        let held_out = held_out(validation, &source);
        let mut random = Random::new(settings.seed.wrapping_add(part as u64));
        let pool = Pool::new(training, source, &mut random);
        let net = match from {
            Some(model) => import(&model.parts[part].net, device),
            None => {
                device.seed(settings.seed);
                ContextNet::new(spec.n_features(), &settings.preset.widths(), device)
            }
        };
        let share = 1.0 / specs.len() as f64;
        let net = descend(settings, share, net, pool, random, report);
        trained[part].net = export(&net, spec)?;
        report(compare(&net, &trained[part].net, validation, &held_out, device));
    }
    Model::new(&settings.name, settings.family, trained, [0; 32])
}

/// The whole way of one net.
fn descend(
    settings: &Settings,
    share: f64,
    mut net: ContextNet,
    mut pool: Pool,
    mut random: Random,
    report: &mut dyn FnMut(serde_json::Value),
) -> ContextNet {
    let spec = pool.net().spec();
    let mut optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let (begin, steps) = (Instant::now(), (settings.steps as f64 * share).max(1.0));
    let (mut step, mut recent, mut next_report) = (0, Vec::new(), 0.02);
    loop {
        let seconds = begin.elapsed().as_secs_f64();
        let way = (step as f64 / steps).max(seconds / (settings.minutes * 60.0 * share));
        if way >= next_report || way >= 1.0 {
            next_report = way + 0.05;
            let bits = recent.iter().sum::<f32>() / recent.len().max(1) as f32;
            recent.clear();
            let speed = step as f64 * settings.batch as f64 / seconds;
            report(serde_json::json!({
                "pass": format!("{:?}", spec.pass), "step": step, "seconds": seconds.round(), "bits": bits,
                "cells_per_second": speed.round(),
            }));
        }
        if way >= 1.0 {
            return net;
        }
        let rate = settings.rate * 0.5 * (1.0 + (way * std::f64::consts::PI).cos());
        let rate = rate * ((step + 1) as f64 / WARM_UP).min(1.0);

        let places = pool.places(settings.batch, &mut random);
        let batch = Batch::new(&pool.cells, &places, spec.n_features(), &settings.device);
        let loss = net.bits(&batch, way >= QUANTISE_FROM).mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &net);
        net = optimiser.step(rate, net, gradients);
        recent.push(loss.into_scalar::<f32>());
        step += 1;
        if step % REFRESH == 0 {
            pool.refresh(&mut random);
        }
    }
}

/// Bits per held-out cell by class: as floats, as rounded floats, as the engine's integers.
fn compare(net: &ContextNet, integer: &Net, corpus: &Corpus, cells: &Cells, device: &Device) -> serde_json::Value {
    let net = net.clone().valid();
    let device = device.clone().inner();
    let n_features = integer.spec().n_features();
    let places: Vec<usize> = (0..cells.len()).collect();
    let float = |quantised: bool| {
        let bits = |places: &[usize]| {
            let bits = net.bits(&Batch::new(cells, places, n_features, &device), quantised);
            bits.into_data().try_into_vec::<f32>().expect("bits are f32").into_iter().map(f64::from)
        };
        places.chunks(1 << 14).flat_map(bits).collect::<Vec<f64>>()
    };
    let (plain, rounded, engine) = (float(false), float(true), cells::bits(integer, cells));
    let mean = |bits: &[f64], class: Option<u8>| {
        let chosen = bits.iter().zip(&cells.class).filter(|(_, c)| class.is_none_or(|class| class == **c));
        let (n, sum) = chosen.fold((0.0, 0.0), |(n, sum), (bits, _)| (n + 1.0, sum + bits));
        sum / n
    };
    let seen = (0..corpus.classes.len()).filter(|&i| cells.class.contains(&(i as u8)));
    let classes = seen.map(|i| {
        let class = Some(i as u8);
        let bits = serde_json::json!([mean(&plain, class), mean(&rounded, class), mean(&engine, class)]);
        (corpus.classes[i].0.clone(), bits)
    });
    serde_json::json!({
        "pass": format!("{:?}", integer.spec().pass), "held_out": "[float, rounded float, integer] bits per cell",
        "all": [mean(&plain, None), mean(&rounded, None), mean(&engine, None)],
        "classes": classes.collect::<serde_json::Map<_, _>>(),
    })
}

fn same_specs(model: &Model, specs: &[Spec]) -> bool {
    model.parts.len() == specs.len() && model.parts.iter().zip(specs).all(|(part, spec)| part.net.spec() == *spec)
}

/// A model with the taps and shapes of the specs and no weights yet.
fn blank(settings: &Settings, specs: &[Spec]) -> Result<Model> {
    let parts = specs.iter().map(|spec| {
        let mut n_in = spec.n_features();
        let layers = settings.preset.widths().into_iter().map(|n_out| {
            let n = n_in.next_multiple_of(4);
            n_in = n_out;
            Layer { n_in: n, n_out, weights: vec![0; n * n_out], bias: vec![0; n_out], shift: vec![0; n_out] }
        });
        Ok(Part { net: Net::new(spec.clone(), layers.collect())?, linear: mean_of_nearest(spec)? })
    });
    Model::new(&settings.name, settings.family, parts.collect::<Result<_>>()?, [0; 32])
}

/// Where the encoder's fit begins: the mean of the four nearest.
fn mean_of_nearest(spec: &Spec) -> Result<Linear> {
    let mut own = vec![0; spec.n_linear - 1];
    own[..3].fill(1024);
    Linear::new(own, Vec::new())
}
