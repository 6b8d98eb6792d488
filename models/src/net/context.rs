//! x = (f − 64) / 32          h = clamp(W x + c, 0, 127/32) per hidden layer          outputs = W h + c
//!
//! The engine's net in floats: steps, clamps and units are those of kernel/context.rs. What outputs mean says its
//! `Head`.

use crate::net::batch::Batch;
use crate::net::head::{FloatHead, Head};
use crate::net::layers::Layers;
use crate::net::quantise::{Grid, log2_units, to_grid};
use crate::net::shape::{CEILING, Shape, n_floats};
use crate::random::Random;
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

#[derive(Debug)]
pub struct ContextNet {
    pub layers: Layers,
    pub head: Head,
}

impl ContextNet {
    /// A net of these floats: layer by layer weight, then bias.
    pub fn new(floats: &[f32], shape: &Shape, head: Head, device: &Device) -> ContextNet {
        ContextNet { layers: Layers::new(floats, shape, device), head }
    }

    /// A net that a loss can be followed back to; its device has autodiff.
    pub fn tracked(self) -> ContextNet {
        ContextNet { layers: self.layers.tracked(), ..self }
    }

    /// What the head makes a distribution of. With `quantised`, weights and activations are those that integers can
    /// have.
    pub fn outputs(&self, features: Tensor<2>, quantised: bool) -> Tensor<2> {
        let mut x = features;
        for (i, layer) in self.layers.0.iter().enumerate() {
            let last = i + 1 == self.layers.0.len();
            let weight = layer.weight.clone();
            let units = |o| log2_units(last, o, self.head);
            let weight = if quantised { Grid::of(&weight, &units).nearest(weight) } else { weight };
            let y = x.matmul(weight) + layer.bias.clone().unsqueeze();
            if last {
                return y;
            }
            // clamp(y, 0, ceiling), which burn does three times as fast in this form
            let h = relu(y.clone()) - relu(y - CEILING);
            x = if quantised { to_grid(h) } else { h };
        }
        x
    }

    /// −log2 P of each cell's int, [n, 1].
    pub fn bits(&self, batch: &Batch, quantised: bool) -> Tensor<2> {
        self.head.bits(batch, self.outputs(batch.features.clone(), quantised), quantised)
    }
}

/// Where training begins: He's normals, the last layer's a tenth of that.
pub fn first_floats(shape: &Shape, head: Head, random: &mut Random) -> Vec<f32> {
    let mut floats = Vec::with_capacity(n_floats(shape));
    for (i, &[n_in, n_out]) in shape.iter().enumerate() {
        let last = i + 1 == shape.len();
        let sigma = if last { 0.1 } else { 2f64.sqrt() } / (n_in as f64).sqrt();
        floats.extend((0..n_in * n_out).map(|_| (sigma * random.normal()) as f32));
        floats.extend(if last { head.first_biases() } else { vec![0.0; n_out] });
    }
    floats
}
