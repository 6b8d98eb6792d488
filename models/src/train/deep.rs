//! loss = mean bits of the inner cells of some patches: nets whose layers read other cells

use crate::data::corpus::Corpus;
use crate::data::patch::{N_CELLS, N_PER_DRAW, Patches, SIDE, drawn, held_out, mask};
use crate::data::pool::{Items, Pool};
use crate::data::source::Source;
use crate::net::batch::Batch;
use crate::net::deep::{DeepNet, Plan};
use crate::net::preset::mean_of_nearest;
use crate::net::shape::n_floats;
use crate::random::Random;
use crate::train::identity::identity;
use crate::train::log::Report;
use crate::train::objective::{BatchLoss, HeldOut, Kept, Memory, Objective, Step};
use crate::train::run::{REFRESH, Stage, Training};
use crate::train::settings::Settings;
use crate::train::validate::{evenly, mean_of_classes};
use burn::tensor::{Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::model::{Family, Model, PassNet};
use serde_json::{Map, json};

/// Held-out patches that judge, and patches of one forward pass.
const N_JUDGES: usize = 96;
const N_AT_ONCE: usize = 16;

/// A model of one net, trained on `training`, judged by `validation`.
pub fn train(settings: &Settings, corpora: (&Corpus, &Corpus), plan: &Plan, report: &mut Report) -> Result<Model> {
    let nets = json!({"family": "pixelcnn-deep", "nets": format!("{plan:?}")});
    let identity = identity(settings, corpora, nets)?;
    let mut training = Training::take_up(settings, identity, &[n_floats(&plan.shape)], report)?;
    let mut random = Random::of(&[settings.seed, 0]);
    let first = plan.first(&mut random);
    let model = |name: &str, floats: &[f32]| {
        let part = PassNet { net: plan.export(floats)?, linear: mean_of_nearest(&plan.spec)? };
        Model::new(name, Family::PixelcnnDeep, vec![part], [0; 32])
    };
    let blank = model("blank", &first)?;
    let source = Source { model: &blank, part: 0 };
    let stage = Stage::share("deep", (0, 1), settings);
    let objective = || Ok(Deep::new(settings, corpora, plan, &source));
    let Kept { floats, .. } = training.stage(stage, || (first, random), objective)?;
    model(&settings.name, &floats)
}

struct Deep<'a> {
    settings: &'a Settings,
    corpus: &'a Corpus,
    source: &'a Source<'a>,
    plan: &'a Plan,
    held_out: Patches,
    pool: Option<Pool<'a, Patches>>,
    n_patches: usize,
    /// 1 for the cells of a batch whose receptive field lies inside their patch.
    inner: Tensor<2>,
    share: f32,
}

impl<'a> Deep<'a> {
    fn new(
        settings: &'a Settings,
        (corpus, validation): (&'a Corpus, &Corpus),
        plan: &'a Plan,
        source: &'a Source,
    ) -> Deep<'a> {
        let n_patches = (settings.batch / N_CELLS).max(1);
        let mask = TensorData::new(mask(plan.margin()).repeat(n_patches), [n_patches * N_CELLS, 1]);
        let inner = Tensor::<2>::from_data(mask, &settings.device);
        let share = inner.clone().mean().into_scalar::<f32>();
        let held_out = held_out(validation, source);
        Deep { settings, corpus, source, plan, held_out, pool: None, n_patches, inner, share }
    }
}

impl Objective for Deep<'_> {
    fn begin(&mut self, memory: &Memory) -> Option<()> {
        let (corpus, source, seed) = (self.corpus, self.source, self.settings.seed);
        let draw = move |n| drawn(corpus, source, seed, n);
        let size = (self.settings.n_draws, N_PER_DRAW);
        self.pool = Some(Pool::new(Patches::new(source.net()), draw, size, memory.past()?));
        Some(())
    }

    fn memory(&self) -> Memory {
        self.pool.as_ref().map_or(Memory::default(), |pool| Memory::of_pool(pool.past()))
    }

    fn batch_loss(&mut self, weights: &[f32], step: Step, random: &mut Random) -> BatchLoss {
        let pool = self.pool.as_mut().expect("it has begun");
        if step.number > 0 && step.number.is_multiple_of(REFRESH) {
            pool.refresh();
        }
        let patches = pool.places(self.n_patches, random);
        let places: Vec<usize> = patches.into_iter().flat_map(|p| p * N_CELLS..(p + 1) * N_CELLS).collect();
        let batch = Batch::new(&pool.items.0, &places, self.plan.spec.n_features(), &self.settings.device);
        let net = DeepNet::new(self.plan, weights, &self.settings.device).tracked();
        let loss = (net.bits(&batch, SIDE, step.rounded) * self.inner.clone()).mean() / self.share;
        let gradients = net.gradients(&loss);
        BatchLoss { values: vec![("bits", loss.into_scalar::<f32>())], gradients, n_cells: places.len() }
    }

    /// The mean over classes of bits per inner cell of the held-out patches, rounded.
    fn held_out_loss(&self, floats: &[f32], _progress: f64) -> Option<HeldOut> {
        let device = self.settings.device.clone().inner();
        let net = DeepNet::new(self.plan, floats, &device);
        let inner = mask(self.plan.margin());
        let cells = &self.held_out.0;
        let chosen = evenly(self.held_out.n_items(), N_JUDGES);
        let mut judged = Vec::new();
        for some in chosen.chunks(N_AT_ONCE) {
            let places: Vec<usize> = some.iter().flat_map(|p| p * N_CELLS..(p + 1) * N_CELLS).collect();
            let batch = Batch::new(cells, &places, self.plan.spec.n_features(), &device);
            let bits = net.bits(&batch, SIDE, true).into_data();
            let bits = bits.try_into_vec::<f32>().expect("bits are f32");
            let of_cell = |((&i, bits), inner): ((&usize, f32), &f32)| (cells.class[i], bits * inner, *inner);
            judged.extend(places.iter().zip(bits).zip(inner.iter().cycle()).map(of_cell));
        }
        Some(HeldOut { loss: mean_of_classes(judged)?, provisional: false, line: Map::new() })
    }
}
