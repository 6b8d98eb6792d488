//! loss = that of net/vqae.rs over some blocks: the meshes of encoder and decoder, together with the codebooks
//!
//! The first part of the way latents are decoded as they are; then codes begin as their means. Behind them the two
//! meshes of the prior are trained, on the codes that are found then.

use crate::data::corpus::Corpus;
use crate::data::crops::{Crop, draw};
use crate::net::codes::{Codes, N_MEANT};
use crate::net::layers::{Layers, gradients};
use crate::net::vqae::{Autoencoder, Batch, N_CELLS, PIXELS, Sizes, plans};
use crate::random::Random;
use crate::train::identity::identity;
use crate::train::log::Report;
use crate::train::objective::{BatchLoss, HeldOut, Memory, Objective, Step};
use crate::train::prior::{Prior, Which, blank, coded};
use crate::train::run::{Stage, Training};
use crate::train::settings::Settings;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::Model;
use collapsar::internals::model::vqae::Vqae;
use serde_json::{Map, json};
use std::cell::OnceCell;
use std::collections::BTreeSet;

/// The part of the way in which there are no codes.
const FREE: f64 = 0.12;
/// Steps from one look for codes that nobody chooses to the next.
const RENEWAL: u64 = 50;
/// Blocks that judge, and the least of a step.
const N_JUDGES: usize = 96;
const LEAST_BLOCKS: usize = 12;

/// How the meshes of the prior are trained.
#[derive(Clone, Copy, Debug)]
pub struct Priors {
    /// Of each.
    pub steps: u64,
    /// Blocks whose codes are at hand.
    pub n_blocks: usize,
}

/// A model trained on blocks of `training`, judged by blocks of `validation`.
pub fn train(
    settings: &Settings,
    corpora: (&Corpus, &Corpus),
    (sizes, priors): (Sizes, Priors),
    report: &mut Report,
) -> Result<Model> {
    let identity = identity(settings, corpora, json!({"family": "vqae", "nets": format!("{sizes:?} {priors:?}")}))?;
    let plans = plans(sizes);
    let n_coding = plans[..3].iter().map(|plan| plan.n_floats()).sum();
    let lengths = [n_coding, plans[3].n_floats(), plans[4].n_floats()];
    let mut training = Training::take_up(settings, identity, &lengths, report)?;

    let first = || {
        let mut random = Random::of(&[settings.seed, 0]);
        let firsts = [(1.0, 1.5), (1.0, 1.5), (1.0, 0.0)];
        ((0..3).flat_map(|i| plans[i].first(&mut random, firsts[i])).collect(), random)
    };
    let stage = Stage { n_parts: 3, ..Stage::share("autoencoder", (0, 1), settings) };
    let kept = training.stage(stage, first, || Ok(Reconstruction::new(settings, corpora, sizes)))?;
    let mut rest = kept.floats.as_slice();
    let [encoder_top, encoder_bottom, decoder] = [0, 1, 2].map(|i| {
        let (these, others) = rest.split_at(plans[i].n_floats());
        rest = others;
        plans[i].export(these)
    });
    let (top, bottom, _) =
        books(sizes, &kept.lists).ok_or_else(|| Error::corrupt("the checkpoint has no codebooks"))?;
    let meshes = [encoder_top?, encoder_bottom?, decoder?, blank(&plans[3])?, blank(&plans[4])?];
    let mut vqae = Vqae::new(meshes, top.export()?, bottom.export()?)?;

    let (found, blocks) = (vqae.clone(), OnceCell::new());
    let mut prior = |which: Which, plan, part| {
        let stage = Stage { name: which.name(), part, n_parts: 3, steps: priors.steps, minutes: None };
        let first = || Prior::first(settings.seed, plan, which);
        let objective = || {
            let blocks = blocks.get_or_init(|| coded(corpora.0, &found, priors.n_blocks, settings.seed));
            Ok(Prior::new(settings, blocks, &found, plan, which))
        };
        plan.export(&training.stage(stage, first, objective)?.floats)
    };
    vqae.prior_top = prior(Which::Top, &plans[3], 1)?;
    vqae.prior_bottom = prior(Which::Bottom, &plans[4], 2)?;
    Ok(Model::of_vqae(&settings.name, vqae, [0; 32]))
}

/// Codes of both levels, and the latents that the first codes will be means of.
type Books = (Codes, Codes, [Vec<f32>; 2]);

fn books(sizes: Sizes, lists: &[Vec<f32>]) -> Option<Books> {
    let [a, b, c, d, e, f, latents_top, latents_bottom] = lists else { return None };
    let top = Codes::from_lists(sizes.n_top, sizes.width, [a, b, c])?;
    let bottom = Codes::from_lists(sizes.n_bottom, sizes.width, [d, e, f])?;
    Some((top, bottom, [latents_top.clone(), latents_bottom.clone()]))
}

struct Reconstruction<'a> {
    settings: &'a Settings,
    corpus: &'a Corpus,
    sizes: Sizes,
    model: Autoencoder,
    /// None where nothing is held out.
    judges: Option<Vec<Crop>>,
    n_blocks: usize,
    latents: [Vec<f32>; 2],
}

impl<'a> Reconstruction<'a> {
    fn new(settings: &'a Settings, (corpus, validation): (&'a Corpus, &Corpus), sizes: Sizes) -> Reconstruction<'a> {
        let judge = |i: usize| draw(validation, &mut Random::of(&[7, i as u64]));
        let judges = validation.frames().next().map(|_| (0..N_JUDGES).map(judge).collect());
        let n_blocks = (settings.batch / (N_CELLS * PIXELS)).max(LEAST_BLOCKS);
        let model = Autoencoder::new(sizes, &settings.device);
        Reconstruction { settings, corpus, sizes, model, judges, n_blocks, latents: [Vec::new(), Vec::new()] }
    }
}

impl Objective for Reconstruction<'_> {
    fn begin(&mut self, memory: &Memory) -> Option<()> {
        if !memory.lists.is_empty() {
            (self.model.top, self.model.bottom, self.latents) = books(self.sizes, &memory.lists)?;
        }
        Some(())
    }

    fn memory(&self) -> Memory {
        let [a, b, c] = self.model.top.lists();
        let [d, e, f] = self.model.bottom.lists();
        let [latents_top, latents_bottom] = self.latents.clone();
        Memory { numbers: Vec::new(), lists: vec![a, b, c, d, e, f, latents_top, latents_bottom] }
    }

    fn batch_loss(&mut self, weights: &[f32], step: Step, random: &mut Random) -> BatchLoss {
        let device = &self.settings.device;
        let crops: Vec<Crop> = (0..self.n_blocks).map(|_| draw(self.corpus, random)).collect();
        let batch = Batch::new(&crops, device);
        let nets = self.model.nets(weights, device).map(Layers::tracked);
        let free = step.progress < FREE;
        let outcome = self.model.pass(&nets, &batch, free, step.rounded);
        let loss = outcome.loss.clone().into_scalar::<f32>();
        let gradients = gradients(&nets, &outcome.loss);
        let [latents_top, latents_bottom] = &mut self.latents;
        let levels = [
            (&mut self.model.top, &outcome.top, &batch.top_live, latents_top),
            (&mut self.model.bottom, &outcome.bottom, &batch.live, latents_bottom),
        ];
        for (codes, (z, chosen), live, latents) in levels {
            if free {
                collect(latents, z, live, N_MEANT * self.n_blocks * N_CELLS * self.sizes.width);
                continue;
            }
            if !latents.is_empty() {
                codes.begin(&std::mem::take(latents), random);
            }
            codes.follow(z, live, chosen);
            if step.number.is_multiple_of(RENEWAL) && step.progress < self.settings.round_from + 0.1 {
                codes.renew(z, live, random);
            }
        }
        let n_cells = self.n_blocks * N_CELLS * PIXELS;
        BatchLoss { values: vec![("loss", loss), ("wrong", outcome.wrong)], gradients, n_cells }
    }

    fn held_out_loss(&self, floats: &[f32], progress: f64) -> Option<HeldOut> {
        let device = self.settings.device.clone().inner();
        let (model, free) = (self.model.on(&device), progress < FREE);
        let batch = Batch::new(self.judges.as_ref()?, &device);
        let o = model.pass(&model.nets(floats, &device), &batch, free, !free);
        let used = |chosen: &[usize]| chosen.iter().collect::<BTreeSet<_>>().len();
        let line = json!({"wrong": o.wrong, "mse": o.mse, "top": used(&o.top.1), "bottom": used(&o.bottom.1)});
        let line = line.as_object().cloned().unwrap_or(Map::new());
        // what is decoded of latents cannot be compared with what is decoded of codes
        Some(HeldOut { loss: f64::from(o.loss.into_scalar::<f32>()), provisional: free, line })
    }
}

/// Keeps the latents that are seen, at most so many numbers, the last ones.
fn collect(latents: &mut Vec<f32>, z: &[f32], live: &[bool], most: usize) {
    let width = z.len() / live.len().max(1);
    let rows = z.chunks_exact(width.max(1)).zip(live).filter(|(_, live)| **live);
    latents.extend(rows.flat_map(|(z, _)| z));
    latents.drain(..latents.len().saturating_sub(most));
}
