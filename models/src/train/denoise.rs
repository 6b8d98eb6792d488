//! min Σ huber(net(x₁ … x₂₄) − (clean − x) / σ)        over cells of simulated frames in which nothing stands out
//!
//! The net of `--denoise`, for which a simulated camera knows the truth. It is trained as the integers that it becomes: weights are rounded
//! on the way forward, activations too, and gradients pass as if they were not.

use crate::data::plane::TILE;
use crate::data::simulate::{Seen, seen};
use crate::random::Random;
use collapsar::internals::array::Dtype;
use collapsar::internals::denoise::{HALO, MIDDLE, Patch, SEEN, inputs};
use collapsar::internals::error::Result;
use collapsar::internals::net::{Input, Layer, Mesh, MeshLayer, Sheet};
use collapsar::internals::sample::{Loss, Movable, Survey, Values};

/// Activations are sixteenths of σ.
const UNIT: f32 = 16.0;
/// Of what layers see, and of what they say, so many are σ.
const IN: [f32; 3] = [8.0, UNIT, UNIT];
const OUT: [f32; 3] = [UNIT, UNIT, 64.0];
const HIDDEN: [usize; 2] = [32, 16];
const CELLS_PER_TILE: usize = 768;
const BATCH: usize = 1024;
const RATE: f32 = 2e-3;
/// Beyond so many σ an error counts by its size, not by its square.
const HUBER: f32 = 1.5;

/// What the net sees of cells, and what they are off, in σ.
#[derive(Default)]
pub struct Cells {
    pub seen: Vec<[i32; SEEN.width]>,
    pub off: Vec<f32>,
}

/// A tile as an encoder has it: its samples, and what may be moved.
pub struct Tile {
    pub samples: Vec<i64>,
    pub movable: Movable,
    pub clean: Vec<f64>,
}

impl Tile {
    pub fn draw(random: &mut Random) -> Tile {
        loop {
            let Seen { ints, clean } = seen(random);
            let bytes: Vec<u8> = ints.iter().flat_map(|&int| (int as u16).to_le_bytes()).collect();
            let mut survey = Survey::new(Dtype::U16);
            survey.update(&bytes, false);
            let known = (&survey, &Values::new(Dtype::U16));
            let Some(movable) = Movable::of(Loss::Denoise(2.0), known, &bytes, false, TILE) else { continue };
            let mut samples = Vec::new();
            movable.read(&bytes, &mut samples);
            // samples count from the middle of their dtype
            let clean = clean.into_iter().map(|x| x - 32768.0).collect();
            return Tile { samples, movable, clean };
        }
    }

    /// All of it but a margin.
    pub fn patch(&self) -> Patch<'_> {
        Patch { samples: &self.samples, h: TILE - 2 * HALO, w: TILE - 2 * HALO, step: 1 }
    }

    /// How far a sample is from the truth, in σ.
    pub fn off(&self, at: usize) -> f32 {
        ((self.clean[at] - self.samples[at] as f64) / self.movable.noise.sigma) as f32
    }
}

impl Cells {
    pub fn draw(n_tiles: usize, random: &mut Random) -> Cells {
        let mut cells = Cells::default();
        for _ in 0..n_tiles {
            let tile = Tile::draw(random);
            let free = tile.patch().free(&tile.movable);
            for _ in 0..CELLS_PER_TILE.min(free.len()) {
                let at = free[random.below(free.len())];
                cells.seen.push(inputs(tile.patch().around(at, &tile.movable)));
                cells.off.push(tile.off(at));
            }
        }
        cells
    }
}

/// y = W x + b, and where Adam stands.
struct Linear {
    n_in: usize,
    values: Vec<f32>,
    gradients: Vec<f32>,
    means: Vec<f32>,
    squares: Vec<f32>,
}

pub struct Denoiser {
    layers: Vec<Linear>,
    n_steps: i32,
}

impl Linear {
    fn draw(n_in: usize, n_out: usize, random: &mut Random) -> Linear {
        let spread = (2.0 / n_in as f64).sqrt();
        let n = n_out * (n_in + 1);
        let values = (0..n).map(|i| if i < n_out * n_in { (spread * random.normal()) as f32 } else { 0.0 }).collect();
        Linear { n_in, values, gradients: vec![0.0; n], means: vec![0.0; n], squares: vec![0.0; n] }
    }

    fn n_out(&self) -> usize {
        self.values.len() / (self.n_in + 1)
    }

    /// The integers that it stands for, as layer `l`.
    fn integers(&self, l: usize) -> Layer {
        let (n_out, scale) = (self.n_out(), OUT[l] / IN[l]);
        let (weights, biases) = self.values.split_at(n_out * self.n_in);
        let mut layer = Layer { n_in: self.n_in, n_out, weights: Vec::new(), bias: Vec::new(), shift: Vec::new() };
        for (row, bias) in weights.chunks_exact(self.n_in).zip(biases) {
            let most = scale * row.iter().fold(1e-6f32, |most, w| most.max(w.abs()));
            let shift = (127.0 / most).log2().floor().clamp(0.0, 12.0);
            let unit = scale * shift.exp2();
            let first = layer.weights.len();
            layer.weights.extend(row.iter().map(|w| (w * unit).round().clamp(-127.0, 127.0) as i8));
            layer.bias.push((bias * OUT[l] * shift.exp2()).round() as i32 - middle(l, &layer.weights[first..]));
            layer.shift.push(shift as u8);
        }
        layer
    }

    /// The same integers as floats, rows of weights and then biases, in units of activations.
    fn rounded(&self, l: usize) -> Vec<f32> {
        let layer = self.integers(l);
        let unit = |o: usize| f32::from(layer.shift[o]).exp2();
        let weights =
            layer.weights.iter().enumerate().map(|(i, &w)| f32::from(w) / unit(i / self.n_in) * IN[l] / OUT[l]);
        let rows = layer.weights.chunks_exact(self.n_in).zip(&layer.bias).enumerate();
        let bias = |(o, (row, b)): (usize, (&[i8], &i32))| (b + middle(l, row)) as f32 / unit(o) * UNIT / OUT[l];
        weights.chain(rows.map(bias)).collect()
    }

    fn step(&mut self, n: i32, rate: f32) {
        let (m, v) = (1.0 - 0.9f32.powi(n), 1.0 - 0.999f32.powi(n));
        let moments = self.means.iter_mut().zip(&mut self.squares);
        for ((value, gradient), (mean, square)) in self.values.iter_mut().zip(&mut self.gradients).zip(moments) {
            *mean = 0.9 * *mean + 0.1 * *gradient;
            *square = 0.999 * *square + 0.001 * *gradient * *gradient;
            *value -= rate * (*mean / m) / ((*square / v).sqrt() + 1e-8);
            *gradient = 0.0;
        }
    }
}

/// What a row of weights makes of inputs that say 0.
fn middle(l: usize, row: &[i8]) -> i32 {
    if l == 0 { row.iter().map(|&w| i32::from(w) * MIDDLE).sum() } else { 0 }
}

impl Denoiser {
    pub fn draw(random: &mut Random) -> Denoiser {
        let widths = [SEEN.width, HIDDEN[0], HIDDEN[1], 1];
        let layers = widths.windows(2).map(|w| Linear::draw(w[0], w[1], random)).collect();
        Denoiser { layers, n_steps: 0 }
    }

    /// One step on some of the cells; the mean loss of them. `left` is the share of the training that is left.
    pub fn step(&mut self, cells: &Cells, left: f32, random: &mut Random) -> f32 {
        let rounded: Vec<Vec<f32>> = (0..3).map(|l| self.layers[l].rounded(l)).collect();
        let mut loss = 0.0;
        for _ in 0..BATCH {
            let i = random.below(cells.off.len());
            loss += self.cell(&rounded, &cells.seen[i].map(|x| 2.0 * (x - MIDDLE) as f32), cells.off[i]);
        }
        self.n_steps += 1;
        let rate = RATE * (0.02 + 0.98 * left);
        self.layers.iter_mut().for_each(|layer| layer.step(self.n_steps, rate));
        loss / BATCH as f32
    }

    /// Forward and back for one cell.
    fn cell(&mut self, rounded: &[Vec<f32>], seen: &[f32], off: f32) -> f32 {
        let mut activations = vec![seen.to_vec()];
        for (l, values) in rounded.iter().enumerate() {
            let (x, n_in) = (&activations[l], self.layers[l].n_in);
            let (weights, biases) = values.split_at(self.layers[l].n_out() * n_in);
            let sum = |(row, bias): (&[f32], &f32)| row.iter().zip(x).map(|(w, x)| w * x).sum::<f32>() + bias;
            let sums = weights.chunks_exact(n_in).zip(biases).map(sum);
            let y = if l == 2 { sums.collect() } else { sums.map(|y| y.round().clamp(0.0, 127.0)).collect() };
            activations.push(y);
        }
        let error = activations[3][0] / UNIT - off;
        // of one over the batch; a unit of heads is a sixteenth of σ, a unit of biases σ
        let mut back = vec![error.clamp(-HUBER, HUBER) / BATCH as f32];
        for l in (0..3).rev() {
            let (x, layer) = (&activations[l], &mut self.layers[l]);
            let (n_in, n_weights) = (layer.n_in, layer.n_out() * layer.n_in);
            let mut before = vec![0.0; n_in];
            for (o, &g) in back.iter().enumerate().filter(|(_, g)| **g != 0.0) {
                let row = o * n_in..(o + 1) * n_in;
                layer.gradients[row.clone()].iter_mut().zip(x).for_each(|(gradient, x)| *gradient += g * x / UNIT);
                layer.gradients[n_weights + o] += g;
                before.iter_mut().zip(&rounded[l][row]).for_each(|(before, w)| *before += g * w);
            }
            // nothing passes where an activation was cut off
            before.iter_mut().zip(x).filter(|(_, x)| l > 0 && (**x <= 0.0 || **x >= 127.0)).for_each(|(b, _)| *b = 0.0);
            back = before;
        }
        let size = error.abs();
        if size < HUBER { 0.5 * size * size } else { HUBER * (size - 0.5 * HUBER) }
    }

    pub fn mesh(&self) -> Result<Mesh> {
        let layers = self.layers.iter().enumerate().map(|(l, linear)| MeshLayer {
            side: SEEN.side,
            inputs: vec![Input { source: l, tap: (0, 0) }],
            add: None,
            layer: linear.integers(l),
        });
        Mesh::new(vec![Sheet { ..SEEN }], layers.collect())
    }
}
