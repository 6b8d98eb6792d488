//! loss = mean bits of inner ints + price · mean bits of features / 4: three nets at once
//!
//! Features that nobody reads yet cost what they take: so their price rises from next to nothing to all of it while
//! the last net learns to read them.

use crate::data::blocks::{Blocks, N_INTS, N_PER_DRAW, drawn, held_out};
use crate::data::corpus::Corpus;
use crate::data::pool::{Items, Pool};
use crate::data::source::Source;
use crate::net::l3c::{Nets, Plan};
use crate::net::shape::n_floats;
use crate::random::Random;
use crate::train::identity::identity;
use crate::train::log::Report;
use crate::train::objective::{BatchLoss, HeldOut, Kept, Memory, Objective, Step};
use crate::train::run::{REFRESH, Stage, Training};
use crate::train::settings::Settings;
use crate::train::validate::{evenly, mean_of_classes};
use collapsar::internals::error::Result;
use collapsar::internals::model::Model;
use serde_json::{Map, json};

/// Held-out patches that judge, and patches of one forward pass.
const N_JUDGES: usize = 128;
const N_AT_ONCE: usize = 16;

/// What the features' bits count for: next to nothing for a tenth of the way, all from four tenths on.
fn price(progress: f64) -> f64 {
    ((progress - 0.1) / 0.3).clamp(0.02, 1.0)
}

/// A model trained on `training`, judged by `validation`.
pub fn train(settings: &Settings, corpora: (&Corpus, &Corpus), plan: &Plan, report: &mut Report) -> Result<Model> {
    let identity = identity(settings, corpora, json!({"family": "l3c", "nets": format!("{plan:?}")}))?;
    let length = plan.shapes.iter().map(n_floats).sum();
    let mut training = Training::take_up(settings, identity, &[length], report)?;
    let mut random = Random::of(&[settings.seed, 0]);
    let first = plan.first(&mut random);
    let blank = plan.export("blank", &first)?;
    let source = Source { model: &blank, part: 2 };
    let stage = Stage::share("l3c", (0, 1), settings);
    let objective = || {
        let (corpus, validation) = corpora;
        let held_out = held_out(validation, &source);
        Ok(L3c { settings, corpus, source: &source, plan, held_out, pool: None })
    };
    let Kept { floats, .. } = training.stage(stage, || (first, random), objective)?;
    plan.export(&settings.name, &floats)
}

struct L3c<'a> {
    settings: &'a Settings,
    corpus: &'a Corpus,
    source: &'a Source<'a>,
    plan: &'a Plan,
    held_out: Blocks,
    pool: Option<Pool<'a, Blocks>>,
}

impl Objective for L3c<'_> {
    fn begin(&mut self, memory: &Memory) -> Option<()> {
        let (corpus, source, seed) = (self.corpus, self.source, self.settings.seed);
        let draw = move |n| drawn(corpus, source, seed, n);
        let size = (self.settings.n_draws, N_PER_DRAW);
        self.pool = Some(Pool::new(Blocks::new(source.model), draw, size, memory.past()?));
        Some(())
    }

    fn memory(&self) -> Memory {
        self.pool.as_ref().map_or(Memory::default(), |pool| Memory::of_pool(pool.past()))
    }

    fn batch_loss(&mut self, weights: &[f32], step: Step, random: &mut Random) -> BatchLoss {
        let device = &self.settings.device;
        let pool = self.pool.as_mut().expect("it has begun");
        if step.number > 0 && step.number.is_multiple_of(REFRESH) {
            pool.refresh();
        }
        let patches = pool.places((self.settings.batch / N_INTS).max(1), random);
        let nets = Nets::new(self.plan, weights, device).tracked();
        let bits = nets.bits(&pool.items, &patches, step.rounded, device);
        let (ints, features) = (bits.ints.mean(), bits.features.mean() * 0.25);
        let loss = ints.clone() + features.clone() * price(step.progress) as f32;
        let gradients = nets.gradients(&loss);
        let values = vec![("bits", ints.into_scalar::<f32>()), ("feature_bits", features.into_scalar::<f32>())];
        BatchLoss { values, gradients, n_cells: patches.len() * N_INTS }
    }

    /// Bits per int of the held-out patches, rounded: of the ints, the mean of the classes; of the features, of all.
    fn held_out_loss(&self, floats: &[f32], progress: f64) -> Option<HeldOut> {
        let device = self.settings.device.clone().inner();
        let nets = Nets::new(self.plan, floats, &device);
        let (mut judged, mut features, mut n_parts) = (Vec::new(), 0.0, 0.0);
        for some in evenly(self.held_out.n_items(), N_JUDGES).chunks(N_AT_ONCE) {
            let bits = nets.bits(&self.held_out, some, true, &device);
            features += f64::from(bits.features.mean().into_scalar::<f32>()) / 4.0;
            n_parts += 1.0;
            let ints = bits.ints.into_data().try_into_vec::<f32>().expect("bits are f32");
            // the ints of a pass lie phase by phase, patch by patch
            let class = |i: usize| self.held_out.finer.class[some[i / (N_INTS / 4) % some.len()] * N_INTS];
            judged.extend(ints.into_iter().enumerate().map(|(i, bits)| (class(i), bits, 1.0)));
        }
        let (ints, features) = (mean_of_classes(judged)?, features / n_parts);
        let mut line = Map::new();
        line.insert("features".into(), json!(features));
        Some(HeldOut { loss: ints + features, provisional: price(progress) < 1.0, line })
    }
}
