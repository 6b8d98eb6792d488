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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn batch(int: f32, device: &Device) -> Batch {
        let column = |x: f32| Tensor::<2>::from_data(TensorData::new(vec![x], [1, 1]), device);
        let (features, one) = (column(0.0), column(1.0));
        let (not_first, not_last) = (one.clone(), one.clone());
        Batch { features, s: one.clone(), log_s: column(0.0), distance: column(int), not_first, not_last, share: one }
    }

    /// Ints far from the mixture have next to nothing.
    #[test]
    fn a_head_as_it_begins_is_a_distribution_over_ints() {
        let device = Device::flex();
        for k in [1, 3, 5] {
            let head = Head::Mixture { k };
            let biases = head.first_biases();
            assert_eq!(biases.len(), head.n_outputs());
            let outputs = Tensor::<2>::from_data(TensorData::new(biases, [1, head.n_outputs()]), &device);
            let p = |int: i32| (-head.bits(&batch(int as f32, &device), outputs.clone()).into_scalar::<f32>()).exp2();
            let sum: f32 = (-40..=40).map(p).sum();
            // 81 times the 2⁻²⁴ that every int has, and the tails
            assert!((sum - 1.0).abs() < 1e-4, "{k} logistics sum to {sum}");
        }
    }

    #[test]
    fn locations_are_told_in_steps_of_128_and_all_else_in_steps_of_256() {
        let units: Vec<i32> = (0..6).map(|output| Head::Mixture { k: 2 }.log2_units(output)).collect();
        assert_eq!(units, [8, 8, 7, 7, 8, 8]);
    }
}
