//! W ← W − η · (A + λĀ)⁻¹ · (∇ + λĀ (W − W₀) G) · G⁻¹          A = E[x xᵀ],  G = E[g gᵀ],  ∇ = E[g xᵀ]
//!
//! The last layer of a net, fitted to the code length of an array's own cells by natural gradient: inputs x are whitened by A, slopes
//! g of −ln P by the heads by G. Every step sees a few cells and is short by its own measure; the mean of the later half is what is
//! returned. On cameras that no net had met, L-BFGS took about ten times as many looks at cells for the same bits, Adam in the
//! same coordinates two to four times.

use super::cells::Cells;
use super::slopes::{Sums, Weights, moments, sums};
use super::solve::{factor, inverse};
use crate::net::{Head, Layer, MAX_LOG2_STEP, Net, Refit};

/// Cells that say how inputs and slopes go together.
const N_CURVATURE: usize = 4096;
/// Cells of a step: a step costs as much as 50 cells besides.
const N_BATCH: usize = 1024;
/// The most steps; beyond it they see more cells.
const MAX_STEPS: usize = 256;
/// Cells that the layer of the weights file is worth.
const HOLD: f64 = 200.0;
/// The way that all steps may go together, in roots of nats per cell, and the largest share of Newton's step.
const REACH: f64 = 3.2;
const RATE: f64 = 0.5;

/// A fitted last layer beside the one it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Refitted {
    before: Weights,
    after: Weights,
    metric: Metric,
}

/// Means of products, with what keeps them positive.
#[derive(Clone, Debug, PartialEq)]
struct Metric {
    inputs: Vec<f64>,
    heads: Vec<f64>,
    inverse_inputs: Vec<f64>,
    inverse_heads: Vec<f64>,
    /// λĀ.
    hold: f64,
}

/// The refit that about `n_visits` of cells give; None where the cells say nothing.
pub fn refit(net: &Net, cells: &Cells, n_visits: usize) -> Option<Refitted> {
    let before = floats(net);
    let mut metric = Metric::new(cells, &before)?;
    let n_batch = (n_visits / MAX_STEPS).max(N_BATCH).min(cells.len());
    let n_steps = (n_visits / n_batch).max(8);
    let start: Vec<f64> = before.w.iter().map(|&w| f64::from(w)).collect();
    let (mut w, mut mean, mut n_mean) = (start.clone(), vec![0.0; start.len()], 0.0);
    for step in 0..n_steps {
        let now = Weights { w: w.iter().map(|&w| w as f32).collect(), ..before.clone() };
        // as many whole batches as there are, then from the begin
        let from = step % (cells.len() / n_batch) * n_batch;
        let Sums { mut slopes, heads, .. } = sums(cells, &now, from, n_batch);
        metric.see(heads, n_batch, step)?;
        slopes.iter_mut().for_each(|slope| *slope /= n_batch as f64);
        metric.pull(&mut slopes, &w, &start);
        let way = metric.natural(&slopes);
        let length = dot(&way, &slopes).max(1e-30).sqrt();
        let rate = RATE.min(REACH / (n_steps as f64 * length));
        w.iter_mut().zip(&way).for_each(|(w, way)| *w -= rate * way);
        if step >= n_steps / 2 {
            n_mean += 1.0;
            mean.iter_mut().zip(&w).for_each(|(mean, w)| *mean += (w - *mean) / n_mean);
        }
    }
    let after = Weights { w: mean.iter().map(|&w| w as f32).collect(), ..before.clone() };
    mean.iter().all(|w| w.is_finite()).then_some(Refitted { before, after, metric })
}

impl Metric {
    fn new(cells: &Cells, before: &Weights) -> Option<Metric> {
        let (n, width) = (cells.len().min(N_CURVATURE), before.n_in + 1);
        let lambda = HOLD / cells.len() as f64 + 1e-4;
        let inputs = positive(moments(cells, before.n_in, n), width, n, lambda);
        let inverse_inputs = inverse(&inputs, width)?;
        let mean = (0..width).fold(0.0, |sum, i| sum + inputs[i * (width + 1)]) / width as f64;
        let heads = vec![0.0; before.n_out * before.n_out];
        Some(Metric { inputs, inverse_inputs, inverse_heads: heads.clone(), heads, hold: lambda * mean })
    }

    /// Moves G to what it is at the weights at hand: the mean of the first batches, then of about the last sixteen.
    fn see(&mut self, sums: Vec<f64>, n: usize, step: usize) -> Option<()> {
        let n_out = sums.len().isqrt();
        let share = 1.0 / (step + 1).min(16) as f64;
        let now = positive(sums, n_out, n, 1e-2);
        self.heads.iter_mut().zip(&now).for_each(|(mean, now)| *mean += share * (now - *mean));
        self.inverse_heads = inverse(&self.heads, n_out)?;
        Some(())
    }

    /// Adds what holds the weights where they came from.
    fn pull(&self, slopes: &mut [f64], w: &[f64], start: &[f64]) {
        let moved: Vec<f64> = w.iter().zip(start).map(|(w, start)| self.hold * (w - start)).collect();
        let pulled = left(&self.heads, &moved);
        slopes.iter_mut().zip(&pulled).for_each(|(slope, pull)| *slope += pull);
    }

    /// G⁻¹ · slopes · A⁻¹.
    fn natural(&self, slopes: &[f64]) -> Vec<f64> {
        let width = self.inputs.len().isqrt();
        let half: Vec<f64> = slopes
            .chunks_exact(width)
            .flat_map(|row| self.inverse_inputs.chunks_exact(width).map(|column| dot(column, row)))
            .collect();
        left(&self.inverse_heads, &half)
    }
}

/// G · x, with G [n][n] and x [n][any].
fn left(g: &[f64], x: &[f64]) -> Vec<f64> {
    let n = g.len().isqrt();
    let width = x.len() / n;
    let mut out = vec![0.0; x.len()];
    for (out, g) in out.chunks_exact_mut(width).zip(g.chunks_exact(n)) {
        for (x, g) in x.chunks_exact(width).zip(g) {
            out.iter_mut().zip(x).for_each(|(out, x)| *out += g * x);
        }
    }
    out
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

/// A symmetric matrix of sums, of which the lower half is known, as means, with a share of the mean diagonal added to the diagonal.
fn positive(mut sums: Vec<f64>, n: usize, n_cells: usize, share: f64) -> Vec<f64> {
    for i in 0..n {
        for j in 0..=i {
            sums[i * n + j] /= n_cells as f64;
            sums[j * n + i] = sums[i * n + j];
        }
    }
    let mean = (0..n).fold(0.0, |sum, i| sum + sums[i * n + i]) / n as f64;
    (0..n).for_each(|i| sums[i * n + i] += share * mean + 1e-9);
    sums
}

/// What one step of a weight of this output is worth: 2^−e with e = shift + log2 of the output's steps − 5.
fn unit(head: Head, layer: &Layer, o: usize) -> f32 {
    1.0 / (1u32 << (u32::from(layer.shift[o]) + head.log2_steps(o) - 5)) as f32
}

fn floats(net: &Net) -> Weights {
    let layer = net.layers().last().expect("a net has layers");
    let n_in = net.n_last_used();
    let row = |o: usize| {
        let unit = unit(net.head, layer, o);
        let weights = layer.weights[o * layer.n_in..][..n_in].iter().map(move |&w| f32::from(w) * unit);
        weights.chain([layer.bias[o] as f32 * unit / 32.0])
    };
    Weights { n_in, n_out: layer.n_out, head: net.head, w: (0..layer.n_out).flat_map(row).collect() }
}

impl Refitted {
    /// In integers, for about `n_ints` ints of this net. A step is so wide that a finer one would cost more to say than it would
    /// save, which is at N · G · A · step² = 12; what an input is rounded off by, those behind it make good as far as they go along
    /// with it.
    pub fn round(&self, net: &Net, n_ints: u64) -> Option<Refit> {
        let Refitted { before, after, metric } = self;
        let layer = net.layers().last().expect("a net has layers");
        let width = before.n_in + 1;
        // of its diagonal, the squares are 1 / the variance of each input given those behind it
        let mut lower = metric.inverse_inputs.clone();
        factor(&mut lower, width)?;
        let mut diagonal: Vec<f64> = (0..width).map(|i| lower[i * (width + 1)]).collect();
        let middle = *diagonal.select_nth_unstable_by(width / 2, f64::total_cmp).1;
        let mut refit = Refit { log2_steps: Vec::new(), counts: Vec::new() };
        for o in 0..before.n_out {
            let unit = f64::from(unit(net.head, layer, o));
            let heads = metric.heads[o * (before.n_out + 1)];
            let best = middle * (12.0 / (heads * n_ints.max(1) as f64)).sqrt() / unit;
            let wide = (0..MAX_LOG2_STEP).find(|&g| f64::from(1u32 << g) * 1.4 > best);
            let g = wide.unwrap_or(MAX_LOG2_STEP);
            let step = f64::from(1u32 << g) * unit;
            let rows = after.w[o * width..].iter().zip(&before.w[o * width..]).take(width);
            let mut moves: Vec<f64> = rows.map(|(after, before)| f64::from(*after) - f64::from(*before)).collect();
            for i in 0..width {
                let (least, most) = if i < before.n_in { layer.room(o, i, g) } else { (-MAX_BIAS, MAX_BIAS) };
                let q = ((moves[i] / step).round() as i32).clamp(least, most);
                let off = (moves[i] - f64::from(q) * step) / lower[i * (width + 1)];
                (i + 1..width).for_each(|j| moves[j] -= off * lower[j * width + i]);
                refit.counts.push(q);
            }
            refit.log2_steps.push(g);
        }
        Some(refit)
    }
}

/// A bias that wants to go farther is a fit gone wrong.
const MAX_BIAS: i32 = 1 << 16;
