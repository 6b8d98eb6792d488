//! loss = Σ seen · (ln(1 + u²) + λ_mse · d²) / Σ seen + β Σ (z − e)² + λ_freq · |DCT d|          d = painted − int, in units of the size
//!
//! u = d · S / 32.5: how much of a correction the error is; ln(1 + u²) is about what it costs. Gradients pass the codes straight
//! through; codes follow the mean of the latents that chose them, and one that nobody chooses begins anew where a latent is.

use crate::adam::Adam;
use crate::blocks::{Shown, draw};
use crate::context::{CEILING, ContextNet, n_floats};
use crate::data::Corpus;
use crate::descend::{WINDOW, rate};
use crate::log::Log;
use crate::mesh::{MeshPlan, Plan};
use crate::quantise::to_grid;
use crate::random::Random;
use crate::train::Settings;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::codec::vqae::{FINE, scale};
use collapsar::error::{Error, Result};
use collapsar::model::vqae::{CELL, Codebook, SIDE, SIZE, TOP_SIDE, Vqae};
use collapsar::net::{Input, Mesh, Sheet};
use serde_json::json;
use std::time::Instant;

const PIXELS: usize = CELL * CELL;
const N_CELLS: usize = SIDE * SIDE;
const N_TOP: usize = TOP_SIDE * TOP_SIDE;
/// How much a latent is held to its code.
const COMMITMENT: f32 = 0.25;
const MSE: f32 = 4.0;
/// Of a codebook's means, per step.
const DECAY: f32 = 0.99;
/// A code chosen less often per step, on average, begins anew.
const SELDOM: f32 = 0.05;
/// Blocks that judge, and blocks at once.
const N_JUDGES: usize = 96;
const N_LINES: f64 = 30.0;

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

/// Codes in floats, and the means that they follow.
struct Codes {
    width: usize,
    codes: Vec<f32>,
    n: Vec<f32>,
    sums: Vec<f32>,
}

impl Codes {
    fn new(n: usize, width: usize) -> Codes {
        Codes { width, codes: vec![0.0; n * width], n: vec![0.0; n], sums: vec![0.0; n * width] }
    }

    fn nearest(&self, z: &[f32]) -> usize {
        let distance = |code: &[f32]| code.iter().zip(z).map(|(e, z)| (e - z) * (e - z)).sum::<f32>();
        let all = self.codes.chunks_exact(self.width).map(distance).enumerate();
        all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
    }

    /// Where latents are, at the beginning and where a code is hardly ever chosen.
    fn renew(&mut self, z: &[f32], live: &[bool], random: &mut Random) {
        let rows: Vec<&[f32]> =
            z.chunks_exact(self.width).zip(live).filter(|(_, live)| **live).map(|(z, _)| z).collect();
        for i in 0..self.n.len() {
            if self.n[i] < SELDOM && !rows.is_empty() {
                let z = rows[random.below(rows.len())];
                self.codes[i * self.width..][..self.width].copy_from_slice(z);
                self.sums[i * self.width..][..self.width].copy_from_slice(z);
                self.n[i] = 1.0;
            }
        }
    }

    fn follow(&mut self, z: &[f32], live: &[bool], chosen: &[usize]) {
        self.n.iter_mut().chain(&mut self.sums).for_each(|x| *x *= DECAY);
        for ((z, _), &i) in z.chunks_exact(self.width).zip(live).zip(chosen).filter(|((_, live), _)| **live) {
            self.n[i] += 1.0 - DECAY;
            self.sums[i * self.width..][..self.width].iter_mut().zip(z).for_each(|(s, z)| *s += (1.0 - DECAY) * z);
        }
        for (i, n) in self.n.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            for j in i * self.width..(i + 1) * self.width {
                self.codes[j] = (self.sums[j] / n).clamp(0.0, CEILING);
            }
        }
    }

    fn export(&self) -> Result<Codebook> {
        Codebook::new(self.width, self.codes.iter().map(|e| (e * 32.0).round().clamp(0.0, 127.0) as u8).collect())
    }

    /// The codes of latents, with the gradient of the latents, and how far these are from them.
    fn choose(&self, z: &Tensor<2>, live: &[bool], quantised: bool) -> (Tensor<2>, Tensor<1>, Vec<f32>, Vec<usize>) {
        let floats = z.clone().into_data().try_into_vec::<f32>().expect("latents are f32");
        let chosen: Vec<usize> = floats.chunks_exact(self.width).map(|z| self.nearest(z)).collect();
        let round = |e: f32| if quantised { (e * 32.0).round() / 32.0 } else { e };
        let code = |(&i, &live): (&usize, &bool)| {
            let codes = self.codes[i * self.width..][..self.width].iter();
            codes.map(move |&e| if live { round(e) } else { 0.0 }).collect::<Vec<f32>>()
        };
        let codes: Vec<f32> = chosen.iter().zip(live).flat_map(code).collect();
        let e = Tensor::<2>::from_data(TensorData::new(codes, z.dims()), &z.device());
        let mask: Vec<f32> = live.iter().map(|&live| f32::from(u8::from(live))).collect();
        let mask = Tensor::<2>::from_data(TensorData::new(mask, [live.len(), 1]), &z.device());
        let z = z.clone() * mask;
        let error = e - z.clone().detach();
        let apart = (z.clone() - (z.clone() + error.clone()).detach()).powi_scalar(2).mean();
        (z + error, apart, floats, chosen)
    }
}

/// Blocks as tensors.
struct Batch {
    pixels: Tensor<2>,
    target: Tensor<2>,
    seen: Tensor<2>,
    /// S / 32.5, [n · cells, 1].
    steps: Tensor<2>,
    live: Vec<bool>,
    top_live: Vec<bool>,
    n_seen: f32,
}

impl Batch {
    fn new(shown: &[Shown], device: &Device) -> Batch {
        let n = shown.len() * N_CELLS;
        let tensor = |all: Vec<f32>, width: usize| Tensor::<2>::from_data(TensorData::new(all, [n, width]), device);
        let pixels = shown.iter().flat_map(|s| s.block.pixels.iter().map(|&x| x as f32 / 32.0)).collect();
        let target = shown.iter().flat_map(|s| s.target.iter().copied()).collect();
        let seen: Vec<f32> = shown.iter().flat_map(|s| s.seen.iter().copied()).collect();
        let steps = |s: &Shown| [2.0 * scale(s.block.size) as f32 / FINE as f32; N_CELLS];
        Batch {
            n_seen: seen.iter().sum(),
            pixels: tensor(pixels, PIXELS),
            target: tensor(target, PIXELS),
            seen: tensor(seen, PIXELS),
            steps: tensor(shown.iter().flat_map(steps).collect(), 1),
            live: shown.iter().flat_map(|s| (0..N_CELLS).map(|i| s.block.is_live(i))).collect(),
            top_live: shown.iter().flat_map(|s| (0..N_TOP).map(|i| s.block.is_top_live(i))).collect(),
        }
    }
}

/// The meshes that find and paint, in training.
struct Autoencoder {
    plans: [MeshPlan; Vqae::N_MESHES],
    top: Codes,
    bottom: Codes,
    frequency: f32,
    dct: Tensor<2>,
}

/// What a forward pass comes to.
struct Outcome {
    loss: Tensor<1>,
    /// Of ints that are seen, the share that needs a correction.
    wrong: f32,
    mse: f32,
    top: (Vec<f32>, Vec<usize>),
    bottom: (Vec<f32>, Vec<usize>),
}

impl Autoencoder {
    fn n_floats(&self) -> [usize; 3] {
        [0, 1, 2].map(|i| n_floats(&self.plans[i].shape()))
    }

    fn nets(&self, floats: &[f32], device: &Device) -> [ContextNet; 3] {
        let mut rest = floats;
        [0, 1, 2].map(|i| {
            let (these, others) = rest.split_at(self.plans[i].n_floats());
            rest = others;
            ContextNet::new(these, &self.plans[i].shape(), device)
        })
    }

    fn pass(&self, nets: &[ContextNet; 3], batch: &Batch, quantised: bool) -> Outcome {
        let latent = |z: Tensor<2>| {
            let z = relu(z.clone()) - relu(z - CEILING);
            if quantised { to_grid(z) } else { z }
        };
        let z = latent(self.plans[0].heads(&nets[0], std::slice::from_ref(&batch.pixels), quantised));
        let (top, apart_top, z_top, chosen_top) = self.top.choose(&z, &batch.top_live, quantised);
        let z = latent(self.plans[1].heads(&nets[1], &[batch.pixels.clone(), top.clone()], quantised));
        let (bottom, apart_bottom, z_bottom, chosen_bottom) = self.bottom.choose(&z, &batch.live, quantised);
        let painted = self.plans[2].heads(&nets[2], &[top, bottom], quantised);
        let d = (painted - batch.target.clone()) * batch.seen.clone();
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

/// Finds and paints, trained on blocks of `training`.
pub fn train(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    sizes: Sizes,
    log: &mut Log,
) -> Result<([Mesh; 3], Codebook, Codebook)> {
    let device = &settings.device;
    let mut random = Random::of(&[settings.seed, 0]);
    let mut model = Autoencoder {
        plans: plans(sizes),
        top: Codes::new(sizes.n_top, sizes.width),
        bottom: Codes::new(sizes.n_bottom, sizes.width),
        frequency: sizes.frequency,
        dct: dct(device),
    };
    let firsts = [(1.0, 1.5), (1.0, 1.5), (1.0, 0.0)];
    let mut weights: Vec<f32> = (0..3).flat_map(|i| model.plans[i].first(&mut random, firsts[i])).collect();
    let judges: Vec<Shown> = (0..N_JUDGES).map(|i| draw(validation, &mut Random::of(&[7, i as u64]))).collect();
    let (mut average, mut adam) = (weights.clone(), Adam::new(weights.len()));
    let (begin, mut step, mut lines, mut recent) = (Instant::now(), 0u64, -1.0, (0.0, 0.0, 0u64));
    let n_blocks = (settings.batch / (N_CELLS * PIXELS)).max(8);
    loop {
        let minutes = settings.minutes.map_or(0.0, |m| begin.elapsed().as_secs_f64() / (60.0 * m));
        let way = (step as f64 / settings.steps as f64).max(minutes).min(1.0);
        if (way * N_LINES).floor() > lines {
            lines = (way * N_LINES).floor();
            let inner = device.clone().inner();
            let judged = Autoencoder {
                dct: dct(&inner),
                plans: model.plans.clone(),
                frequency: model.frequency,
                top: Codes { codes: model.top.codes.clone(), ..Codes::new(sizes.n_top, sizes.width) },
                bottom: Codes { codes: model.bottom.codes.clone(), ..Codes::new(sizes.n_bottom, sizes.width) },
            };
            let o = judged.pass(&judged.nets(&average, &inner), &Batch::new(&judges, &inner), true);
            let used = |chosen: &[usize]| chosen.iter().collect::<std::collections::BTreeSet<_>>().len();
            let n = recent.2.max(1) as f64;
            log.line(json!({"step": step, "way": way, "seconds": begin.elapsed().as_secs_f64().round(), "loss": recent.0 / n, "wrong": recent.1 / n,
                "held_out": {"loss": o.loss.into_scalar::<f32>(), "wrong": o.wrong, "mse": o.mse, "top": used(&o.top.1), "bottom": used(&o.bottom.1)}}))?;
            recent = (0.0, 0.0, 0);
        }
        if way >= 1.0 {
            break;
        }
        let shown: Vec<Shown> = (0..n_blocks).map(|_| draw(training, &mut random)).collect();
        let batch = Batch::new(&shown, device);
        let nets = model.nets(&weights, device).map(ContextNet::tracked);
        let outcome = model.pass(&nets, &batch, way >= settings.round_from);
        let loss = outcome.loss.clone().into_scalar::<f32>();
        let gradients = all_gradients(&nets, &outcome.loss);
        if !loss.is_finite() || gradients.iter().any(|g| !g.is_finite()) {
            return Err(Error::argument(format!("the training leaves the numbers at step {step}: try a lower --rate")));
        }
        for (codes, (z, chosen), live) in
            [(&mut model.top, &outcome.top, &batch.top_live), (&mut model.bottom, &outcome.bottom, &batch.live)]
        {
            codes.follow(z, live, chosen);
            if step < 20 || step.is_multiple_of(50) && way < 0.7 {
                codes.renew(z, live, &mut random);
            }
        }
        recent = (recent.0 + f64::from(loss), recent.1 + f64::from(outcome.wrong), recent.2 + 1);
        adam.step(step + 1, rate(settings.rate, step, way), &mut weights, &gradients);
        step += 1;
        let window = step.min(WINDOW) as f32;
        average.iter_mut().zip(&weights).for_each(|(a, w)| *a += (w - *a) / window);
    }
    let n = model.n_floats();
    let parts = [&average[..n[0]], &average[n[0]..n[0] + n[1]], &average[n[0] + n[1]..]];
    let [a, b, c] = [0, 1, 2].map(|i| model.plans[i].export(parts[i]));
    Ok(([a?, b?, c?], model.top.export()?, model.bottom.export()?))
}

fn all_gradients(nets: &[ContextNet; 3], loss: &Tensor<1>) -> Vec<f32> {
    let gradients = loss.backward();
    let floats = |data: TensorData| data.try_into_vec::<f32>().expect("a gradient is made of f32");
    let layers = nets.iter().flat_map(|net| &net.layers);
    let of_layer = |layer: &crate::context::Layer| {
        let weight = layer.weight.grad(&gradients).expect("every weight has part in the loss").into_data();
        let bias = layer.bias.grad(&gradients).expect("every bias has part in the loss").into_data();
        [floats(weight), floats(bias)].concat()
    };
    layers.flat_map(of_layer).collect()
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
