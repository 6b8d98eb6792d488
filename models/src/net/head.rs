//! What the outputs of a net's last layer mean: how many there are, where they begin, their steps as integers, the
//! loss.

use crate::net::batch::Batch;
use crate::net::mixture;
use burn::tensor::Tensor;
use collapsar::internals::net::Spec;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A mixture of so many logistics.
    Mixture { k: usize },
}

impl Head {
    pub fn of(spec: &Spec) -> Head {
        Head::Mixture { k: spec.k }
    }

    pub fn n_outputs(self) -> usize {
        match self {
            Head::Mixture { k } => mixture::N_OUTPUTS * k,
        }
    }

    /// The biases that a training begins with; weights begin small.
    pub fn first_biases(self) -> Vec<f32> {
        match self {
            Head::Mixture { k } => mixture::first_biases(k),
        }
    }

    /// log2 of the steps per unit that an output has as an integer.
    pub fn log2_units(self, output: usize) -> i32 {
        match self {
            Head::Mixture { k } => mixture::log2_units(k, output),
        }
    }

    /// −log2 P of each cell's int, [n, 1].
    pub fn bits(self, batch: &Batch, outputs: Tensor<2>) -> Tensor<2> {
        match self {
            Head::Mixture { .. } => mixture::bits(batch, outputs),
        }
    }
}
