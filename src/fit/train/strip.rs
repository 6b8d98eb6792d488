//! forward:  y = W x + c,  h = clamp(y, 0, 127/32) in whole 1/32          backward:  W̄ += ȳ xᵀ,  x̄ = Wᵀ ȳ where y was not clamped
//!
//! 64 cells at a time through all layers of a net: what it makes of them fits the nearest cache. Straight through: forward with what
//! integers can be, backward as if nothing had been rounded.

use super::floats::{LOG2_STEPS, Rounded};
use super::order::{Order, Place};
use super::product::add_product;
use crate::fit::cells::Cells;
use crate::fit::elementary::log2;
use crate::fit::likelihood::{Block, N, Row, likelihood};
use crate::fit::table_likelihood;
use crate::kernel::table::{MAX_SKEW, MAX_TAIL};
use crate::net::Head;

/// Blocks of 16 cells.
const N_BLOCKS: usize = 4;
const N_CELLS: usize = N_BLOCKS * N;
/// The largest activation of a hidden layer.
const CEILING: f32 = 127.0 / 32.0;

/// Whose cells a net meets.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    pub frames: &'a [Cells],
    pub order: &'a Order,
    /// Added and taken away, this rounds activations.
    coarse: f32,
}

impl<'a> Shown<'a> {
    pub fn new(frames: &'a [Cells], order: &'a Order) -> Shown<'a> {
        Shown { frames, order, coarse: (1 << (23 - LOG2_STEPS)) as f32 }
    }

    /// With activations as they are.
    #[cfg(test)]
    pub fn unrounded(self) -> Shown<'a> {
        Shown { coarse: 0.0, ..self }
    }
}

/// Sums over cells: −log2 P, and the slopes of −ln P by the floats of a net, in their order.
pub struct Sums {
    pub bits: f64,
    pub slopes: Vec<f32>,
}

/// What a layer sees and makes of a strip, in blocks of columns, a row per number.
struct Pass {
    /// [block][n_in], and by cell: [cell][width].
    x: Vec<Row>,
    by_cell: Vec<Row>,
    /// [block][n_out], before it is clamped; in the end its slopes.
    y: Vec<Row>,
    /// Slopes by the weights, [n_out][width], and by the biases.
    weights: Vec<Row>,
    biases: Vec<f32>,
}

impl Pass {
    fn new(layer: &Rounded) -> Pass {
        let (n_in, n_out) = (layer.size.n_in, layer.size.n_out);
        let width = n_in.div_ceil(N);
        Pass {
            x: vec![[0.0; N]; N_BLOCKS * n_in],
            by_cell: vec![[0.0; N]; N_CELLS * width],
            y: vec![[0.0; N]; N_BLOCKS * n_out],
            weights: vec![[0.0; N]; n_out * width],
            biases: vec![0.0; n_out],
        }
    }

    fn forward(&mut self, layer: &Rounded) {
        let (n_in, n_out) = (layer.size.n_in, layer.size.n_out);
        for (x, y) in self.x.chunks_exact(n_in).zip(self.y.chunks_exact_mut(n_out)) {
            y.iter_mut().zip(&layer.biases).for_each(|(y, bias)| *y = [*bias; N]);
            add_product(&layer.weights, n_in, x, 1, y, 1);
        }
    }

    /// Its inputs once more, the numbers of a cell side by side.
    fn turn(&mut self, n_in: usize) {
        let width = n_in.div_ceil(N);
        let by_cell = self.by_cell.as_flattened_mut();
        for (b, x) in self.x.chunks_exact(n_in).enumerate() {
            for (i, x) in x.iter().enumerate() {
                for (c, x) in x.iter().enumerate() {
                    by_cell[(b * N + c) * width * N + i] = *x;
                }
            }
        }
    }

    /// Adds what the slopes of y say of weights and biases.
    fn backward(&mut self, layer: &Rounded, flat: &mut Vec<f32>) {
        let (n_in, n_out) = (layer.size.n_in, layer.size.n_out);
        let width = n_in.div_ceil(N);
        flat.resize(n_out * N_CELLS, 0.0);
        for (b, y) in self.y.chunks_exact(n_out).enumerate() {
            for (o, y) in y.iter().enumerate() {
                flat[o * N_CELLS + b * N..][..N].copy_from_slice(y);
                self.biases[o] += y.iter().fold(0.0, |sum, y| sum + y);
            }
        }
        for i in 0..width {
            add_product(&flat[..n_out * N_CELLS], N_CELLS, &self.by_cell[i..], width, &mut self.weights[i..], width);
        }
    }
}

/// The sums over some blocks, with slopes.
pub fn learn(layers: &[Rounded], head: Head, shown: Shown, places: &[Place]) -> Sums {
    let mut strip = Strip::new(layers, head);
    for places in places.chunks(N_BLOCKS) {
        strip.forward(layers, shown, places);
        strip.backward(layers);
    }
    let mut slopes = Vec::new();
    for (pass, layer) in strip.passes.iter().zip(layers) {
        let (n_in, width) = (layer.size.n_in, layer.size.n_in.div_ceil(N));
        slopes.extend(pass.weights.chunks_exact(width).flat_map(|row| &row.as_flattened()[..n_in]));
        slopes.extend(&pass.biases);
    }
    Sums { bits: strip.bits, slopes }
}

/// −log2 P of all cells of some blocks.
pub fn bits(layers: &[Rounded], head: Head, shown: Shown, places: &[Place]) -> f64 {
    let mut strip = Strip::new(layers, head);
    places.chunks(N_BLOCKS).for_each(|places| strip.forward(layers, shown, places));
    strip.bits
}

/// The heads of a block.
#[cfg(test)]
pub fn outputs(layers: &[Rounded], head: Head, shown: Shown, place: Place) -> Vec<Row> {
    let mut strip = Strip::new(layers, head);
    strip.outputs(layers, shown, &[place]);
    strip.passes.last().expect("a net has layers").y[..head.n_outputs()].to_vec()
}

struct Strip {
    head: Head,
    passes: Vec<Pass>,
    flat: Vec<f32>,
    bits: f64,
}

impl Strip {
    fn new(layers: &[Rounded], head: Head) -> Strip {
        Strip { head, passes: layers.iter().map(Pass::new).collect(), flat: Vec::new(), bits: 0.0 }
    }

    /// The heads of the last layer; returns which cells they are of.
    fn outputs<'a>(&mut self, layers: &[Rounded], shown: Shown<'a>, places: &[Place]) -> Vec<(&'a Cells, [usize; N])> {
        let cells: Vec<(&Cells, [usize; N])> =
            places.iter().map(|&p| (&shown.frames[p.frame], shown.order.cells(p, shown.frames))).collect();
        let n_features = layers[0].size.n_in;
        for ((cells, at), x) in cells.iter().zip(self.passes[0].x.chunks_exact_mut(n_features)) {
            for (c, at) in at.iter().enumerate() {
                let features = &cells.hidden[at * cells.n_in..][..n_features];
                x.iter_mut().zip(features).for_each(|(x, &f)| x[c] = (f32::from(f) - 64.0) / 32.0);
            }
        }
        self.passes[0].forward(&layers[0]);
        for l in 1..layers.len() {
            let (before, behind) = self.passes.split_at_mut(l);
            behind[0].x.iter_mut().zip(&before[l - 1].y).for_each(|(x, y)| *x = y.map(|y| activation(y, shown.coarse)));
            behind[0].forward(&layers[l]);
        }
        cells
    }

    /// The last layer has slopes in place of heads then; where there are fewer blocks than a strip has, they are 0.
    fn forward(&mut self, layers: &[Rounded], shown: Shown, places: &[Place]) {
        let cells = self.outputs(layers, shown, places);
        let last = self.passes.last_mut().expect("a net has layers");
        let n_heads = self.head.n_outputs();
        for ((cells, at), heads) in cells.iter().zip(last.y.chunks_exact_mut(n_heads)) {
            let block = cells.block(at);
            let p = match self.head {
                Head::Mixture { .. } => likelihood(cells.share(), &block, heads),
                Head::Table => of_table(&block, heads),
            };
            self.bits -= p.iter().fold(0.0, |sum, &p| sum + f64::from(log2(p)));
        }
        last.y[places.len() * n_heads..].fill([0.0; N]);
    }

    fn backward(&mut self, layers: &[Rounded]) {
        for l in (0..layers.len()).rev() {
            let (n_in, n_out) = (layers[l].size.n_in, layers[l].size.n_out);
            self.passes[l].turn(n_in);
            self.passes[l].backward(&layers[l], &mut self.flat);
            let (before, behind) = self.passes.split_at_mut(l);
            let Some(before) = before.last_mut() else { return };
            // the inputs are not needed any more: in their place their slopes
            let Pass { x, y, .. } = &mut behind[0];
            for (x, y) in x.chunks_exact_mut(n_in).zip(y.chunks_exact(n_out)) {
                x.fill([0.0; N]);
                add_product(&layers[l].across, n_out, y, 1, x, 1);
            }
            for (y, x) in before.y.iter_mut().zip(x) {
                for i in 0..N {
                    y[i] = if y[i] > 0.0 && y[i] < CEILING { x[i] } else { 0.0 };
                }
            }
        }
    }
}

/// In whole 1/32, a half up: floats as large as 2¹⁸ lie so far apart, and 2⁻¹⁹ is less than what sums differ by.
#[inline(always)]
fn activation(y: f32, coarse: f32) -> f32 {
    const LITTLE: f32 = 1.0 / (1 << 19) as f32;
    y.clamp(0.0, CEILING) + LITTLE + coarse - coarse
}

/// Of a table what is named: scales in eighths of an octave, whole tails and skews. What is rounded to an end of its range stays just
/// inside, where it has the slope that it had.
fn of_table(block: &Block, heads: &mut [Row]) -> Row {
    let near = |x: f32, end: f32| if x < end { nearest(x).min(end - 1e-3) } else { x };
    let [_, scales, tails, skews] = heads else { unreachable!("a table has four heads") };
    for (scale, log_s) in scales.iter_mut().zip(block.log_s) {
        *scale = nearest((log_s + *scale) * 8.0) / 8.0 - log_s;
    }
    tails.iter_mut().for_each(|tail| *tail = near(*tail, MAX_TAIL as f32));
    for skew in skews {
        let size = near(skew.abs(), MAX_SKEW as f32);
        *skew = if *skew < 0.0 { -size } else { size };
    }
    table_likelihood::likelihood(block, heads)
}

/// The nearest whole number of what is far below 2²².
#[inline(always)]
fn nearest(x: f32) -> f32 {
    const WHOLE: f32 = 12_582_912.0;
    x + WHOLE - WHOLE
}
