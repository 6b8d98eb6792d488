//! loss = Σ seen · (ln(1 + u²) + λ_mse · d²) / Σ seen + β Σ (z − e)² + λ_freq · |DCT d|          d = decoded − int, in units of the size
//!
//! u = d · S / 32.5: how much of a correction the error is; ln(1 + u²) is about what it costs. Gradients pass the
//! codes straight through. The meshes of the engine's autoencoder, and what they come to on blocks.

use crate::data::crops::Crop;
use crate::net::codes::Codes;
use crate::net::layers::Layers;
use crate::net::mesh::{MeshPlan, Plan};
use crate::net::quantise::to_grid;
use crate::net::shape::CEILING;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::model::vqae::{CELL, SIDE, SIZE, TOP_SIDE, Vqae};
use collapsar::internals::net::{Input, Sheet};
use collapsar::internals::tile::transform::SUBSTEPS;
use collapsar::internals::tile::transform::vqae::scale;

pub const PIXELS: usize = CELL * CELL;
pub const N_CELLS: usize = SIDE * SIDE;
const N_TOP: usize = TOP_SIDE * TOP_SIDE;
/// How much a latent is held to its code.
const COMMITMENT: f32 = 0.25;
const MSE: f32 = 4.0;

/// How large everything is.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub n_top: usize,
    pub n_bottom: usize,
    pub width: usize,
    pub hidden: usize,
    /// How much errors count by frequency; 0: not at all.
    pub frequency: f32,
}

/// The plans of all meshes, in the order of the weights file.
pub fn plans(sizes: Sizes) -> [MeshPlan; Vqae::N_MESHES] {
    let Sizes { n_top, n_bottom, width, hidden, .. } = sizes;
    let pixels = Sheet { side: SIDE, width: PIXELS };
    let (top, bottom) = (Sheet { side: TOP_SIDE, width }, Sheet { side: SIDE, width });
    let at = |source: usize, taps: &[(i32, i32)]| taps.iter().map(|&tap| Input { source, tap }).collect::<Vec<Input>>();
    let (here, square) = ([(0, 0)], square());
    let quad = [(0, 0), (0, 1), (1, 0), (1, 1)];
    let before = [(0, -1), (-1, 0), (-1, -1), (-1, 1)];
    let around = [(0, 0), (0, 1), (1, 0), (0, -1), (-1, 0)];
    let layer = |side: usize, inputs: Vec<Input>, add: Option<usize>, n_out: usize| Plan { side, inputs, add, n_out };
    let mesh = |sources: &[Sheet], log2_heads: i32, layers: Vec<Plan>| MeshPlan {
        sources: sources.to_vec(),
        layers,
        log2_heads,
    };
    [
        mesh(
            &[pixels],
            5,
            vec![
                layer(SIDE, at(0, &here), None, hidden),
                layer(TOP_SIDE, at(1, &quad), None, hidden),
                layer(TOP_SIDE, at(2, &square), Some(2), hidden),
                layer(TOP_SIDE, at(3, &here), None, width),
            ],
        ),
        mesh(
            &[pixels, top],
            5,
            vec![
                layer(SIDE, [at(0, &here), at(1, &here)].concat(), None, hidden),
                layer(SIDE, at(2, &square), Some(2), hidden),
                layer(SIDE, at(3, &here), None, width),
            ],
        ),
        mesh(
            &[top, bottom],
            9,
            vec![
                layer(SIDE, [at(0, &around), at(1, &square)].concat(), None, hidden),
                layer(SIDE, at(2, &square), Some(2), hidden),
                layer(SIDE, at(3, &here), None, PIXELS),
            ],
        ),
        mesh(
            &[top, SIZE],
            8,
            vec![
                layer(TOP_SIDE, [at(0, &before), at(1, &here)].concat(), None, hidden),
                layer(TOP_SIDE, at(2, &here), None, n_top),
            ],
        ),
        mesh(
            &[bottom, top, SIZE],
            8,
            vec![
                layer(SIDE, [at(0, &before), at(1, &around), at(2, &here)].concat(), None, hidden),
                layer(SIDE, at(3, &here), None, n_bottom),
            ],
        ),
    ]
}

fn square() -> Vec<(i32, i32)> {
    (-1..=1).flat_map(|dy| (-1..=1).map(move |dx| (dy, dx))).collect()
}

/// Blocks as tensors.
pub struct Batch {
    pixels: Tensor<2>,
    target: Tensor<2>,
    seen: Tensor<2>,
    /// S / 32.5, [n · cells, 1].
    steps: Tensor<2>,
    pub live: Vec<bool>,
    pub top_live: Vec<bool>,
    n_seen: f32,
}

impl Batch {
    pub fn new(crops: &[Crop], device: &Device) -> Batch {
        let n = crops.len() * N_CELLS;
        let tensor = |all: Vec<f32>, width: usize| Tensor::<2>::from_data(TensorData::new(all, [n, width]), device);
        let pixels = crops.iter().flat_map(|s| s.block.pixels.iter().map(|&x| x as f32 / 32.0)).collect();
        let target = crops.iter().flat_map(|s| s.target.iter().copied()).collect();
        let seen: Vec<f32> = crops.iter().flat_map(|s| s.seen.iter().copied()).collect();
        let steps = |s: &Crop| [2.0 * scale(s.block.size) as f32 / SUBSTEPS as f32; N_CELLS];
        Batch {
            n_seen: seen.iter().sum(),
            pixels: tensor(pixels, PIXELS),
            target: tensor(target, PIXELS),
            seen: tensor(seen, PIXELS),
            steps: tensor(crops.iter().flat_map(steps).collect(), 1),
            live: crops.iter().flat_map(|s| (0..N_CELLS).map(|i| s.block.is_live(i))).collect(),
            top_live: crops.iter().flat_map(|s| (0..N_TOP).map(|i| s.block.is_top_live(i))).collect(),
        }
    }
}

/// The encoder and the decoder, in training.
pub struct Autoencoder {
    pub plans: [MeshPlan; Vqae::N_MESHES],
    pub top: Codes,
    pub bottom: Codes,
    frequency: f32,
    dct: Tensor<2>,
}

/// What a forward pass comes to.
pub struct Outcome {
    pub loss: Tensor<1>,
    /// Of ints that are seen, the share that needs a correction.
    pub wrong: f32,
    pub mse: f32,
    /// Latents, and the codes they chose.
    pub top: (Vec<f32>, Vec<usize>),
    pub bottom: (Vec<f32>, Vec<usize>),
}

impl Autoencoder {
    pub fn new(sizes: Sizes, device: &Device) -> Autoencoder {
        Autoencoder {
            plans: plans(sizes),
            top: Codes::new(sizes.n_top, sizes.width),
            bottom: Codes::new(sizes.n_bottom, sizes.width),
            frequency: sizes.frequency,
            dct: dct(device),
        }
    }

    /// The same on another device.
    pub fn on(&self, device: &Device) -> Autoencoder {
        let (plans, top, bottom) = (self.plans.clone(), self.top.clone(), self.bottom.clone());
        Autoencoder { plans, top, bottom, frequency: self.frequency, dct: dct(device) }
    }

    /// The nets of encoder and decoder, of floats one behind the other.
    pub fn nets(&self, floats: &[f32], device: &Device) -> [Layers; 3] {
        let mut rest = floats;
        [0, 1, 2].map(|i| {
            let (these, others) = rest.split_at(self.plans[i].n_floats());
            rest = others;
            Layers::new(these, &self.plans[i].shape(), device)
        })
    }

    /// `free`: latents are decoded as they are.
    pub fn pass(&self, nets: &[Layers; 3], batch: &Batch, free: bool, quantised: bool) -> Outcome {
        let latent = |z: Tensor<2>| {
            let z = relu(z.clone()) - relu(z - CEILING);
            if quantised { to_grid(z) } else { z }
        };
        let z = latent(self.plans[0].heads(&nets[0], std::slice::from_ref(&batch.pixels), quantised));
        let choose = |codes: &Codes, z: &Tensor<2>, live: &[bool]| match free {
            true => codes.leave(z, live),
            false => codes.choose(z, live, quantised),
        };
        let (top, apart_top, z_top, chosen_top) = choose(&self.top, &z, &batch.top_live);
        let z = latent(self.plans[1].heads(&nets[1], &[batch.pixels.clone(), top.clone()], quantised));
        let (bottom, apart_bottom, z_bottom, chosen_bottom) = choose(&self.bottom, &z, &batch.live);
        let decoded = self.plans[2].heads(&nets[2], &[top, bottom], quantised);
        let d = (decoded - batch.target.clone()) * batch.seen.clone();
        let squares = d.clone().powi_scalar(2);
        let steps = batch.steps.clone();
        let cost = (squares.clone() * steps.clone() * steps.clone() + 1.0).log().sum() / batch.n_seen;
        let mse = squares.sum() / batch.n_seen;
        let mut loss = cost + mse.clone() * MSE + (apart_top + apart_bottom) * COMMITMENT;
        if self.frequency > 0.0 {
            loss = loss + d.clone().matmul(self.dct.clone()).abs().sum() * (self.frequency / batch.n_seen);
        }
        let wrong =
            (d.detach().abs() * steps.detach()).greater_elem(1.0).float().sum().into_scalar::<f32>() / batch.n_seen;
        let mse = mse.detach().into_scalar::<f32>();
        Outcome { loss, wrong, mse, top: (z_top, chosen_top), bottom: (z_bottom, chosen_bottom) }
    }
}

/// The 8 × 8 DCT of the pixels of a cell, [64, 64].
fn dct(device: &Device) -> Tensor<2> {
    let wave = |k: usize, i: usize| {
        let norm = if k == 0 { (1.0 / CELL as f64).sqrt() } else { (2.0 / CELL as f64).sqrt() };
        norm * (std::f64::consts::PI * (i as f64 + 0.5) * k as f64 / CELL as f64).cos()
    };
    let pixel = |p: usize| (0..PIXELS).map(move |f| (wave(f / CELL, p / CELL) * wave(f % CELL, p % CELL)) as f32);
    Tensor::from_data(TensorData::new((0..PIXELS).flat_map(pixel).collect::<Vec<f32>>(), [PIXELS, PIXELS]), device)
}
