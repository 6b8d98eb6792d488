//! loss = mean bits of some cells: one net after the other, each with an equal share of the way
//!
//! Of families raster, lattice and flow. The same settings, data and seed give the same bytes on one backend, however
//! often the training is interrupted and taken up, unless minutes end it.

use crate::data::corpus::Corpus;
use crate::data::pool::Pool;
use crate::data::sample::Cells;
use crate::data::source::{CELLS_PER_DRAW, Source, drawn, held_out};
use crate::net::batch::Batch;
use crate::net::context::ContextNet;
use crate::net::layers::gradients;
use crate::net::quantise::{export, shape};
use crate::net::shape::{Shape, n_floats};
use crate::random::Random;
use crate::train::identity::{hash_of_floats, identity};
use crate::train::log::Report;
use crate::train::objective::{BatchLoss, HeldOut, Kept, Memory, Objective, Step};
use crate::train::run::{REFRESH, Stage, Training};
use crate::train::settings::Settings;
use crate::train::start::Start;
use crate::train::validate::Validator;
use collapsar::internals::error::Result;
use collapsar::internals::model::Model;
use collapsar::internals::net::Pass;
use collapsar::internals::weights::store;
use serde_json::{Value, json};

/// A model trained on `training`, judged by `validation`.
pub fn train(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    start: &Start,
    report: &mut Report,
) -> Result<Model> {
    let specs = Model { name: String::new(), hash: [0; 32], ..start.model.clone() };
    let nets = json!({
        "nets": blake3::hash(&store(&specs)?).to_hex().as_str(), "from": hash_of_floats(start.floats.iter().flatten()),
        "kept": start.n_kept, "per octave": start.model.per_octave,
    });
    let identity = identity(settings, (training, validation), nets)?;
    let order = order(&start.model);
    let shapes: Vec<Shape> = order.iter().map(|&part| shape(&start.model.nets[part].net)).collect();
    let lengths: Vec<usize> = shapes.iter().map(n_floats).collect();
    let mut stages = Training::take_up(settings, identity, &lengths, report)?;
    let n_parts = shapes.len() - start.n_kept;
    let mut model = start.model.clone();
    for (turn, (&part, shape)) in order.iter().zip(&shapes).enumerate() {
        let spec = model.nets[part].net.spec();
        let first = &start.floats[part];
        // a net that is kept, or has nothing to learn from, stays as it is
        if turn < start.n_kept || !training.can_draw(spec.n_refs) {
            stages.skip(first.clone());
            continue;
        }
        let source = Source { model: &model, part };
        let number = turn - start.n_kept;
        let objective = || {
            let cells = held_out(validation, &source);
            let validator = Validator::new(validation, cells, source.net(), &settings.device);
            Ok(CellBits { settings, corpus: training, source: &source, number: number as u64, validator, pool: None })
        };
        let stage = Stage::share(spec.pass.name(), (number, n_parts), settings);
        // every step has a stream of its own
        let kept = stages.stage(stage, || (first.clone(), Random::new(0)), objective)?;
        model.nets[part].net = export(&kept.floats, shape, &spec)?;
    }
    Model::new(&settings.name, start.model.family, model.nets, [0; 32])
}

/// The nets in the order in which they are trained: of a flow the couplings come first, since what they leave is what
/// is coded, and of these those that take part first.
fn order(model: &Model) -> Vec<usize> {
    let turn = |part: &usize| match model.nets[*part].net.spec().pass {
        Pass::PredictDiagonal | Pass::PredictRest => 0,
        Pass::UpdateRest => 1,
        Pass::UpdateDiagonal => 2,
        _ => 3,
    };
    let mut order: Vec<usize> = (0..model.nets.len()).collect();
    order.sort_by_key(turn);
    order
}

struct CellBits<'a> {
    settings: &'a Settings,
    corpus: &'a Corpus,
    source: &'a Source<'a>,
    /// Of the nets that are trained.
    number: u64,
    validator: Validator<'a>,
    pool: Option<Pool<'a, Cells>>,
}

impl Objective for CellBits<'_> {
    fn begin(&mut self, memory: &Memory) -> Option<()> {
        let (corpus, source, seed) = (self.corpus, self.source, self.settings.seed);
        let draw = move |n| drawn(corpus, source, seed, n);
        let size = (self.settings.n_draws, CELLS_PER_DRAW);
        self.pool = Some(Pool::new(Cells::new(source.net().n_in()), draw, size, memory.past()?));
        Some(())
    }

    fn memory(&self) -> Memory {
        self.pool.as_ref().map_or(Memory::default(), |pool| Memory::of_pool(pool.past()))
    }

    fn batch_loss(&mut self, weights: &[f32], step: Step, _random: &mut Random) -> BatchLoss {
        let Settings { batch, seed, device, .. } = self.settings;
        let pool = self.pool.as_mut().expect("it has begun");
        if step.number > 0 && step.number.is_multiple_of(REFRESH) {
            pool.refresh();
        }
        let mut random = Random::of(&[*seed, self.number, 2, step.number]);
        let places = pool.places(*batch, &mut random);
        let net = self.source.net();
        let (shape, head) = (shape(net), net.spec().head);
        let batch = Batch::new(&pool.items, &places, shape[0][0], device);
        let net = ContextNet::new(weights, &shape, head, device).tracked();
        let loss = net.bits(&batch, step.rounded).mean();
        let gradients = gradients([&net.layers], &loss);
        BatchLoss { values: vec![("bits", loss.into_scalar::<f32>())], gradients, n_cells: places.len() }
    }

    fn held_out_loss(&self, floats: &[f32], _progress: f64) -> Option<HeldOut> {
        let (loss, classes) = self.validator.bits(floats)?;
        let line = [("classes".to_string(), classes.into())].into_iter().collect();
        Some(HeldOut { loss, provisional: false, line })
    }

    fn judges_weights(&self) -> bool {
        true
    }

    /// Each class's bits as floats, as rounded floats and as the engine's integers.
    fn summary(&self, kept: &Kept) -> Result<Option<Value>> {
        let net = self.source.net();
        let integer = export(&kept.floats, &shape(net), &net.spec())?;
        let classes = self.validator.compare(&kept.floats, &integer);
        let text = "bits per held-out cell: floats, rounded floats, the engine's integers";
        let (part, pass) = (self.source.part, net.spec().pass.name());
        Ok(Some(json!({"part": part, "pass": pass, "trained": text, "classes": classes})))
    }
}
