//! loss = mean −log2 P(code)        P = 2^a / Σ 2^a over the logits of the codes, at the cells that are seen
//!
//! The meshes that foresee codes, trained on the codes that the finished autoencoder gives to blocks.

use crate::train::adam::Adam;
use crate::net::context::ContextNet;
use crate::data::crops::draw;
use crate::data::corpus::Corpus;
use crate::train::run::{WINDOW, rate};
use crate::train::log::Log;
use crate::net::mesh::MeshPlan;
use crate::random::Random;
use crate::train::settings::Settings;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::kernel::fast::{Fast, Level};
use collapsar::internals::model::vqae::{Codebook, Vqae};
use collapsar::internals::net::Mesh;
use collapsar::internals::tile::transform::vqae::{Block, Painter};
use serde_json::json;
use std::f32::consts::LN_2;
use std::time::Instant;

/// Blocks whose codes are at hand; some of them judge.
const N_BLOCKS: usize = 6000;
const N_JUDGES: usize = 300;
const N_LINES: f64 = 10.0;

/// Codes of drawn blocks, found by the engine.
pub fn coded(corpus: &Corpus, vqae: &Vqae, n: usize, seed: u64) -> Vec<Block> {
    let fast = Fast::new(Level::detect(), []).with(vqae.meshes());
    let painter = Painter { vqae, fast: &fast };
    let block = |i: usize| {
        let mut block = draw(corpus, &mut Random::of(&[seed, 11, i as u64])).block;
        block.find(painter);
        block.pixels = Vec::new();
        block
    };
    (0..n).map(block).collect()
}

/// The codes that a mesh foresees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Top,
    Bottom,
}

/// What a mesh is shown of blocks, and what came.
struct Batch {
    sources: Vec<Tensor<2>>,
    codes: Tensor<2, Int>,
    live: Tensor<2>,
    n_live: f32,
}

impl Batch {
    fn new(blocks: &[&Block], (top, bottom): (&Codebook, &Codebook), which: Which, device: &Device) -> Batch {
        let tensor = |ints: Vec<i32>, width: usize| {
            let floats: Vec<f32> = ints.iter().map(|&x| x as f32 / 32.0).collect();
            Tensor::<2>::from_data(TensorData::new(floats, [ints.len() / width, width]), device)
        };
        let tops = tensor(blocks.iter().flat_map(|b| b.top(top)).collect(), top.width());
        let sizes = tensor(blocks.iter().flat_map(|b| b.size_seen()).collect(), 2);
        let (sources, codes, live): (_, Vec<i64>, Vec<bool>) = match which {
            Which::Top => (
                vec![tops, sizes],
                blocks.iter().flat_map(|b| b.codes.top.map(i64::from)).collect(),
                blocks.iter().flat_map(|b| (0..b.codes.top.len()).map(|i| b.is_top_live(i))).collect(),
            ),
            Which::Bottom => (
                vec![tensor(blocks.iter().flat_map(|b| b.bottom(bottom)).collect(), bottom.width()), tops, sizes],
                blocks.iter().flat_map(|b| b.codes.bottom.map(i64::from)).collect(),
                blocks.iter().flat_map(|b| (0..b.codes.bottom.len()).map(|i| b.is_live(i))).collect(),
            ),
        };
        let n = codes.len();
        let mask: Vec<f32> = live.iter().map(|&live| f32::from(u8::from(live))).collect();
        Batch {
            sources,
            codes: Tensor::from_data(TensorData::new(codes, [n, 1]), device),
            n_live: mask.iter().sum(),
            live: Tensor::from_data(TensorData::new(mask, [n, 1]), device),
        }
    }

    /// Bits per code.
    fn bits(&self, plan: &MeshPlan, net: &ContextNet, quantised: bool) -> Tensor<1> {
        let logits = plan.heads(net, &self.sources, quantised);
        let log_p = log_softmax(logits * LN_2, 1).gather(1, self.codes.clone());
        (log_p * self.live.clone()).sum() * (-1.0 / (LN_2 * self.n_live))
    }
}

/// A mesh that foresees the codes of a level.
pub fn train(
    settings: &Settings,
    blocks: &[Block],
    books: (&Codebook, &Codebook),
    plan: &MeshPlan,
    which: Which,
    log: &mut Log,
) -> Result<Mesh> {
    let (judges, shown) = blocks.split_at(N_JUDGES.min(blocks.len() / 10));
    let device = &settings.device;
    let inner = device.clone().inner();
    let judge = Batch::new(&judges.iter().collect::<Vec<_>>(), books, which, &inner);
    let mut random = Random::of(&[settings.seed, 12, which as u64]);
    let mut weights = plan.first(&mut random, (0.3, 0.0));
    let (mut average, mut adam) = (weights.clone(), Adam::new(weights.len()));
    let (begin, mut step, mut lines) = (Instant::now(), 0u64, -1.0);
    loop {
        let minutes = settings.minutes.map_or(0.0, |m| begin.elapsed().as_secs_f64() / (60.0 * m));
        let way = (step as f64 / settings.steps as f64).max(minutes).min(1.0);
        if (way * N_LINES).floor() > lines {
            lines = (way * N_LINES).floor();
            let net = ContextNet::new(&average, &plan.shape(), &inner);
            let bits = judge.bits(plan, &net, true).into_scalar::<f32>();
            log.line(json!({"foresee": format!("{which:?}"), "step": step, "way": way, "bits_per_code": bits}))?;
        }
        if way >= 1.0 {
            return plan.export(&average);
        }
        let some: Vec<&Block> = (0..24).map(|_| &shown[random.below(shown.len())]).collect();
        let batch = Batch::new(&some, books, which, device);
        let net = ContextNet::new(&weights, &plan.shape(), device).tracked();
        let loss = batch.bits(plan, &net, way >= settings.round_from);
        let gradients = net.gradients(&loss);
        adam.step(step + 1, rate(settings.rate, step, way), &mut weights, &gradients);
        step += 1;
        let window = step.min(WINDOW) as f32;
        average.iter_mut().zip(&weights).for_each(|(a, w)| *a += (w - *a) / window);
    }
}

/// A mesh that finds all codes alike: before there is one.
pub fn blank(plan: &MeshPlan) -> Result<Mesh> {
    plan.export(&vec![0.0; plan.n_floats()])
}

/// The whole model: the codes of blocks are gathered, and both meshes trained on them.
pub fn complete(
    settings: &Settings,
    corpus: &Corpus,
    (found, top, bottom): ([Mesh; 3], Codebook, Codebook),
    plans: &[MeshPlan; Vqae::N_MESHES],
    log: &mut Log,
) -> Result<Vqae> {
    let [find_top, find_bottom, paint] = found;
    let meshes = [find_top, find_bottom, paint, blank(&plans[3])?, blank(&plans[4])?];
    let mut vqae = Vqae::new(meshes, top, bottom)?;
    let blocks = coded(corpus, &vqae, N_BLOCKS, settings.seed);
    let books = (&vqae.top.clone(), &vqae.bottom.clone());
    vqae.foresee_top = train(settings, &blocks, books, &plans[3], Which::Top, log)?;
    vqae.foresee_bottom = train(settings, &blocks, books, &plans[4], Which::Bottom, log)?;
    Ok(vqae)
}
