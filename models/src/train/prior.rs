//! loss = mean −log2 P(code)        P = 2^a / Σ 2^a over the logits of the codes, at the cells that are seen
//!
//! The prior: meshes that say how probable codes are, trained on those that the finished autoencoder gives to blocks.

use crate::data::corpus::Corpus;
use crate::data::crops::draw;
use crate::net::layers::{Layers, gradients};
use crate::net::mesh::MeshPlan;
use crate::random::Random;
use crate::train::objective::{BatchLoss, HeldOut, Memory, Objective, Step};
use crate::train::settings::Settings;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::model::vqae::{Codebook, Vqae};
use collapsar::internals::net::Mesh;
use collapsar::internals::tile::transform::vqae::{Autoencoder, Block};
use serde_json::Map;
use std::f32::consts::LN_2;

/// Blocks whose codes are at hand, unless it is said otherwise.
pub const N_BLOCKS: usize = 6000;
/// Some of them judge.
const N_JUDGES: usize = 300;
/// Blocks of a step.
const N_AT_ONCE: usize = 24;

/// Codes of drawn blocks, found by the engine.
pub fn coded(corpus: &Corpus, vqae: &Vqae, n: usize, seed: u64) -> Vec<Block> {
    let kernels = Kernels::new(Level::detect(), []).with(vqae.meshes());
    let autoencoder = Autoencoder { vqae, kernels: &kernels };
    let block = |i: usize| {
        let mut block = draw(corpus, &mut Random::of(&[seed, 11, i as u64])).block;
        block.encode(autoencoder);
        block.pixels = Vec::new();
        block
    };
    (0..n).map(block).collect()
}

/// The codes that a mesh is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Top,
    Bottom,
}

impl Which {
    pub fn name(self) -> &'static str {
        match self {
            Which::Top => "top prior",
            Which::Bottom => "bottom prior",
        }
    }
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
    fn bits(&self, plan: &MeshPlan, net: &Layers, quantised: bool) -> Tensor<1> {
        let logits = plan.heads(net, &self.sources, quantised);
        let log_p = log_softmax(logits * LN_2, 1).gather(1, self.codes.clone());
        (log_p * self.live.clone()).sum() * (-1.0 / (LN_2 * self.n_live))
    }
}

/// The training of the mesh about the codes of a level.
pub struct Prior<'a> {
    settings: &'a Settings,
    plan: &'a MeshPlan,
    which: Which,
    books: (&'a Codebook, &'a Codebook),
    blocks: &'a [Block],
    /// None where there are too few blocks.
    judge: Option<Batch>,
}

impl<'a> Prior<'a> {
    /// `vqae` found the codes of the blocks.
    pub fn new(
        settings: &'a Settings,
        blocks: &'a [Block],
        vqae: &'a Vqae,
        plan: &'a MeshPlan,
        which: Which,
    ) -> Prior<'a> {
        let books = (&vqae.top, &vqae.bottom);
        let (judges, blocks) = blocks.split_at(N_JUDGES.min(blocks.len() / 10));
        let judges: Vec<&Block> = judges.iter().collect();
        let inner = settings.device.clone().inner();
        let judge = (!judges.is_empty()).then(|| Batch::new(&judges, books, which, &inner));
        Prior { settings, plan, which, books, blocks, judge }
    }

    /// Where its training begins.
    pub fn first(seed: u64, plan: &MeshPlan, which: Which) -> (Vec<f32>, Random) {
        let mut random = Random::of(&[seed, 12, which as u64]);
        (plan.first(&mut random, (0.3, 0.0)), random)
    }
}

impl Objective for Prior<'_> {
    fn begin(&mut self, _memory: &Memory) -> Option<()> {
        Some(())
    }

    fn memory(&self) -> Memory {
        Memory::default()
    }

    fn batch_loss(&mut self, weights: &[f32], step: Step, random: &mut Random) -> BatchLoss {
        let device = &self.settings.device;
        let some: Vec<&Block> = (0..N_AT_ONCE).map(|_| &self.blocks[random.below(self.blocks.len())]).collect();
        let batch = Batch::new(&some, self.books, self.which, device);
        let net = Layers::new(weights, &self.plan.shape(), device).tracked();
        let loss = batch.bits(self.plan, &net, step.rounded);
        let gradients = gradients([&net], &loss);
        let n_cells = batch.n_live as usize;
        BatchLoss { values: vec![("bits", loss.into_scalar::<f32>())], gradients, n_cells }
    }

    /// Bits per code of the blocks that judge.
    fn held_out_loss(&self, floats: &[f32], _progress: f64) -> Option<HeldOut> {
        let judge = self.judge.as_ref()?;
        let net = Layers::new(floats, &self.plan.shape(), &self.settings.device.clone().inner());
        let bits = judge.bits(self.plan, &net, true).into_scalar::<f32>();
        Some(HeldOut { loss: f64::from(bits), provisional: false, line: Map::new() })
    }
}

/// A mesh that finds all codes alike: before there is one.
pub fn blank(plan: &MeshPlan) -> Result<Mesh> {
    plan.export(&vec![0.0; plan.n_floats()])
}
