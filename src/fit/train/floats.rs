//! w ≈ q / 2^e, one e per output, |q| ≤ 127          x = (feature − 64) / 32,  h = activation / 32
//!
//! A plain net in floats, and the integers nearest to it: those that `net` stores, with shift = e + 5 − log2(steps of the output),
//! where the steps are 1/32 in hidden layers and those of the head in the last. Forward, a training computes with what the integers
//! stand for: sums of them are exact in f32, so it sees what the engine will.

use crate::net::{Head, Layer, Net};

/// Features and activations are held in steps of 1/32; the feature 64 stands for nothing.
pub const LOG2_STEPS: i32 = 5;
const MIDDLE: i32 = 64;
/// A finer weight than this is finer than the features deserve.
const MAX_EXPONENT: i32 = 12;

/// Inputs that are no padding, and outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    pub n_in: usize,
    pub n_out: usize,
}

impl Size {
    pub fn n_floats(self) -> usize {
        (self.n_in + 1) * self.n_out
    }
}

pub fn sizes(net: &Net) -> Vec<Size> {
    net.layers().iter().enumerate().map(|(l, layer)| Size { n_in: net.width(l), n_out: layer.n_out }).collect()
}

/// A layer as the forward pass uses it.
#[derive(Clone, Debug)]
pub struct Rounded {
    pub size: Size,
    /// [n_out][n_in], and the same as [n_in][n_out].
    pub weights: Vec<f32>,
    pub across: Vec<f32>,
    pub biases: Vec<f32>,
}

/// 2^e for small e, exactly.
fn power(e: i32) -> f32 {
    f32::from_bits(((127 + e) as u32) << 23)
}

fn log2_units(is_last: bool, output: usize, head: Head) -> i32 {
    if is_last { head.log2_steps(output) as i32 } else { LOG2_STEPS }
}

/// The finest with |w · 2^e| ≤ 127 and a shift that is none to the left.
fn exponent(weights: &[f32], log2_units: i32) -> i32 {
    let largest = weights.iter().fold(0.0f32, |max, w| max.max(w.abs()));
    let least = log2_units - LOG2_STEPS;
    (least..=MAX_EXPONENT).rev().find(|&e| largest * power(e) <= 127.0).unwrap_or(least)
}

/// The floats that an integer net stands for, layer by layer weights [n_out][n_in], then biases.
pub fn import(net: &Net) -> Vec<f32> {
    let (sizes, head) = (sizes(net), net.spec().head);
    let mut floats = Vec::new();
    for (l, (layer, &Size { n_in, n_out })) in net.layers().iter().zip(&sizes).enumerate() {
        let mut biases = Vec::new();
        for o in 0..n_out {
            let e = i32::from(layer.shift[o]) - LOG2_STEPS + log2_units(l + 1 == sizes.len(), o, head);
            let weights = &layer.weights[o * layer.n_in..][..n_in];
            floats.extend(weights.iter().map(|&w| f32::from(w) * power(-e)));
            biases.push((layer.bias[o] + offset(l, weights)) as f32 * power(-e - LOG2_STEPS));
        }
        floats.extend(biases);
    }
    floats
}

/// What the features' middle adds to the sum of an output.
fn offset(l: usize, weights: &[i8]) -> i32 {
    if l == 0 { MIDDLE * weights.iter().map(|&w| i32::from(w)).sum::<i32>() } else { 0 }
}

/// What every layer has of the floats.
fn split<'a>(mut floats: &'a [f32], sizes: &'a [Size]) -> impl Iterator<Item = (Size, &'a [f32], &'a [f32])> {
    sizes.iter().map(move |&size| {
        let (own, rest) = floats.split_at(size.n_floats());
        floats = rest;
        let (weights, biases) = own.split_at(size.n_in * size.n_out);
        (size, weights, biases)
    })
}

/// The layers that integers nearest to the floats stand for.
pub fn rounded(floats: &[f32], sizes: &[Size], head: Head) -> Vec<Rounded> {
    let layer = |(l, (size, weights, biases)): (usize, (Size, &[f32], &[f32]))| {
        let Size { n_in, n_out } = size;
        let mut out = Rounded { size, weights: vec![], across: vec![0.0; n_in * n_out], biases: vec![] };
        for (o, row) in weights.chunks_exact(n_in).enumerate() {
            let e = exponent(row, log2_units(l + 1 == sizes.len(), o, head));
            out.weights.extend(row.iter().map(|w| int(*w, e) * power(-e)));
            out.biases.push((biases[o] * power(e + LOG2_STEPS)).round() * power(-e - LOG2_STEPS));
            (0..n_in).for_each(|i| out.across[i * n_out + o] = out.weights[o * n_in + i]);
        }
        out
    };
    split(floats, sizes).enumerate().map(layer).collect()
}

/// The layers that the floats are.
#[cfg(test)]
pub fn unrounded(floats: &[f32], sizes: &[Size]) -> Vec<Rounded> {
    let layer = |(size, weights, biases): (Size, &[f32], &[f32])| {
        let across = (0..size.n_in).flat_map(|i| weights.iter().skip(i).step_by(size.n_in).copied()).collect();
        Rounded { size, weights: weights.to_vec(), across, biases: biases.to_vec() }
    };
    split(floats, sizes).map(layer).collect()
}

fn int(w: f32, e: i32) -> f32 {
    (w * power(e)).round().clamp(-127.0, 127.0)
}

/// A net of the integers nearest to the floats; None where one of its sums could overflow.
pub fn export(floats: &[f32], like: &Net) -> Option<Net> {
    let (sizes, head) = (sizes(like), like.spec().head);
    let layer = |(l, (Size { n_in: n_used, n_out }, weights, biases)): (usize, (Size, &[f32], &[f32]))| {
        let n_in = n_used.next_multiple_of(4);
        let mut layer = Layer { n_in, n_out, weights: vec![0; n_in * n_out], bias: vec![], shift: vec![] };
        for (o, row) in weights.chunks_exact(n_used).enumerate() {
            let units = log2_units(l + 1 == sizes.len(), o, head);
            let e = exponent(row, units);
            let ints = &mut layer.weights[o * n_in..][..n_used];
            ints.iter_mut().zip(row).for_each(|(q, w)| *q = int(*w, e) as i8);
            let offset = offset(l, ints);
            // a bias beyond i32 saturates, and the sum that it makes is refused
            layer.bias.push(((biases[o] * power(e + LOG2_STEPS)).round() as i32).saturating_sub(offset));
            layer.shift.push((e + LOG2_STEPS - units) as u8);
        }
        layer
    };
    Net::new(like.spec(), split(floats, &sizes).enumerate().map(layer).collect()).ok()
}
