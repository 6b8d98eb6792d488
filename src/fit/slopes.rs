//! Σ over cells of −log2 P, its slopes by the last layer, and how inputs and slopes go together
//!
//! Cells are taken in chunks of a fixed size; a chunk is summed in f32, chunks are added in order in f64. So the sums do not
//! depend on the number of threads.

use super::cells::Cells;
use super::elementary::log2;
use super::likelihood::{N, Row, likelihood};
use super::table_likelihood;
use crate::net::Head;
use rayon::prelude::*;

const CHUNK: usize = 256;

/// A last layer in floats: y_o = Σᵢ w[o][i] · xᵢ + w[o][n_in], x in 1/32 of activations.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub n_in: usize,
    pub n_out: usize,
    pub head: Head,
    /// [n_out][n_in + 1], the bias last.
    pub w: Vec<f32>,
}

/// Sums over cells.
#[derive(Clone, Debug)]
pub struct Sums {
    pub bits: f64,
    /// Of −ln P by the weights, in their order.
    pub slopes: Vec<f64>,
    /// Products of the slopes by the heads, [n_out][n_out].
    pub heads: Vec<f64>,
}

/// The sums over `n` cells from cell `from`.
pub fn sums(cells: &Cells, weights: &Weights, from: usize, n: usize) -> Sums {
    let starts: Vec<usize> = (from..from + n).step_by(CHUNK).collect();
    let chunks: Vec<Chunk> = starts.par_iter().map(|&at| chunk(cells, weights, at, CHUNK.min(from + n - at))).collect();
    let (n_out, n_in) = (weights.n_out, weights.n_in);
    let mut all = Sums { bits: 0.0, slopes: vec![0.0; n_out * (n_in + 1)], heads: vec![0.0; n_out * n_out] };
    for chunk in &chunks {
        all.bits += f64::from(chunk.bits);
        add(&mut all.slopes, &chunk.slopes);
        add(&mut all.heads, &chunk.heads);
    }
    all
}

fn add(sum: &mut [f64], x: &[f32]) {
    sum.iter_mut().zip(x).for_each(|(sum, &x)| *sum += f64::from(x));
}

struct Chunk {
    bits: f32,
    slopes: Vec<f32>,
    heads: Vec<f32>,
}

fn chunk(cells: &Cells, weights: &Weights, from: usize, n: usize) -> Chunk {
    let (n_in, n_out) = (weights.n_in, weights.n_out);
    let mut slopes = vec![[0.0; N]; n_out * n_in.div_ceil(N)];
    let (mut biases, mut products) = (vec![0.0; n_out], vec![0.0; n_out * n_out]);
    let mut bits = 0.0;
    let mut rows = vec![[0.0; N]; n_in.div_ceil(N) * N];
    let mut columns = vec![[0.0; N]; n_in];
    let mut heads = vec![[0.0; N]; n_out];
    for at in (from..from + n).step_by(N) {
        let whole = N.min(from + n - at);
        let places: [usize; N] = std::array::from_fn(|i| at + i.min(whole - 1));
        cells.inputs(&places, &mut rows, &mut columns);
        let block = cells.block(&places);
        let p = match weights.head {
            Head::Mixture { .. } => {
                forward::<3>(weights, &columns, &mut heads);
                likelihood(cells.share(), &block, &mut heads)
            }
            Head::Table => {
                forward::<4>(weights, &columns, &mut heads);
                table_likelihood::likelihood(&block, &mut heads)
            }
        };
        bits -= p[..whole].iter().fold(0.0, |sum, &p| sum + log2(p));
        for (o, row) in heads.iter_mut().enumerate() {
            row[whole..].fill(0.0); // cells that are there twice
            biases[o] += row.iter().fold(0.0, |sum, x| sum + x);
        }
        for o in 0..n_out {
            for q in 0..=o {
                products[o * n_out + q] += (0..N).fold(0.0, |sum, i| sum + heads[o][i] * heads[q][i]);
            }
        }
        match weights.head {
            Head::Mixture { .. } => backward::<3>(&heads, &rows, &mut slopes),
            Head::Table => backward::<4>(&heads, &rows, &mut slopes),
        }
    }
    let width = n_in.div_ceil(N);
    let of = |o: usize| slopes[o * width..][..width].as_flattened()[..n_in].iter().copied().chain([biases[o]]);
    Chunk { bits, slopes: (0..n_out).flat_map(of).collect(), heads: products }
}

/// heads[o][cell] = Σ w[o][i] · x[i][cell], G outputs at a time: as many sums as registers hold.
fn forward<const G: usize>(weights: &Weights, columns: &[Row], heads: &mut [Row]) {
    let width = weights.n_in + 1;
    for (w, heads) in weights.w.chunks_exact(G * width).zip(heads.chunks_exact_mut(G)) {
        let w: [&[f32]; G] = std::array::from_fn(|g| &w[g * width..][..width]);
        let mut sums = w.map(|w| [w[weights.n_in]; N]);
        for (k, x) in columns.iter().enumerate() {
            for g in 0..G {
                for i in 0..N {
                    sums[g][i] += w[g][k] * x[i];
                }
            }
        }
        heads.copy_from_slice(&sums);
    }
}

/// slopes[o][i] += Σ heads[o][cell] · x[cell][i]
fn backward<const G: usize>(heads: &[Row], rows: &[Row], slopes: &mut [Row]) {
    let width = rows.len() / N;
    for (heads, slopes) in heads.chunks_exact(G).zip(slopes.chunks_exact_mut(G * width)) {
        for i in 0..width {
            let mut sums: [Row; G] = std::array::from_fn(|g| slopes[g * width + i]);
            for c in 0..N {
                let x = &rows[c * width + i];
                for g in 0..G {
                    for j in 0..N {
                        sums[g][j] += heads[g][c] * x[j];
                    }
                }
            }
            sums.iter().enumerate().for_each(|(g, sum)| slopes[g * width + i] = *sum);
        }
    }
}

/// Σ x xᵀ over the first `n` cells, [n_in + 1][n_in + 1], x in 1/32; the last input is 1. Only its lower half means something.
pub fn moments(cells: &Cells, n_in: usize, n: usize) -> Vec<f64> {
    let starts: Vec<usize> = (0..n / N * N).step_by(CHUNK).collect();
    let width = n_in.div_ceil(N);
    let chunk = |&at: &usize| {
        let mut sums = vec![[0.0; N]; (n_in + 1).next_multiple_of(3) * width];
        let mut rows = vec![[0.0; N]; width * N];
        let mut columns = vec![[0.0; N]; (n_in + 1).next_multiple_of(3)];
        columns[n_in] = [1.0; N];
        for at in (at..(n / N * N).min(at + CHUNK)).step_by(N) {
            cells.inputs(&std::array::from_fn(|i| at + i), &mut rows, &mut columns[..n_in]);
            backward::<3>(&columns, &rows, &mut sums);
        }
        sums
    };
    let chunks: Vec<Vec<Row>> = starts.par_iter().map(chunk).collect();
    let mut all = vec![0.0; (n_in + 1) * (n_in + 1)];
    for chunk in &chunks {
        for (i, all) in all.chunks_exact_mut(n_in + 1).enumerate() {
            add(&mut all[..n_in], chunk[i * width..][..width].as_flattened());
        }
    }
    all[(n_in + 1) * (n_in + 1) - 1] = (n / N * N) as f64;
    all
}
