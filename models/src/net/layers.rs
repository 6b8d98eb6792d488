//! Weights and biases as tensors, layer by layer, and the gradients of a loss in the order of the floats.

use crate::net::shape::{Shape, n_floats};
use burn::tensor::{Device, Tensor, TensorData};

/// weight [n_in, n_out], bias [n_out].
#[derive(Debug)]
pub struct Layer {
    pub weight: Tensor<2>,
    pub bias: Tensor<1>,
}

#[derive(Debug)]
pub struct Layers(pub Vec<Layer>);

impl Layers {
    /// Layers of these floats: layer by layer weight, then bias.
    pub fn new(floats: &[f32], shape: &Shape, device: &Device) -> Layers {
        assert_eq!(floats.len(), n_floats(shape), "floats of another shape");
        let mut rest = floats;
        let mut next = |n: usize| {
            let (these, others) = rest.split_at(n);
            rest = others;
            these.to_vec()
        };
        let layers = shape.iter().map(|&[n_in, n_out]| Layer {
            weight: Tensor::from_data(TensorData::new(next(n_in * n_out), [n_in, n_out]), device),
            bias: Tensor::from_data(TensorData::new(next(n_out), [n_out]), device),
        });
        Layers(layers.collect())
    }

    /// Layers that a loss can be followed back to; their device has autodiff.
    pub fn tracked(self) -> Layers {
        let track = |l: Layer| Layer { weight: l.weight.require_grad(), bias: l.bias.require_grad() };
        Layers(self.0.into_iter().map(track).collect())
    }
}

/// Of a loss that several nets have part in, in the order of their floats.
pub fn gradients<'a>(nets: impl IntoIterator<Item = &'a Layers>, loss: &Tensor<1>) -> Vec<f32> {
    let gradients = loss.backward();
    let floats = |data: TensorData| data.try_into_vec::<f32>().expect("a gradient is made of f32");
    let of_layer = |layer: &Layer| {
        let weight = layer.weight.grad(&gradients).expect("every weight has part in the loss").into_data();
        let bias = layer.bias.grad(&gradients).expect("every bias has part in the loss").into_data();
        [floats(weight), floats(bias)].concat()
    };
    nets.into_iter().flat_map(|net| &net.0).flat_map(of_layer).collect()
}
