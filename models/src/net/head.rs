//! What the outputs of a net's last layer mean to a training: where they begin, the loss.

use crate::net::batch::Batch;
use crate::net::{mixture, table};
use burn::tensor::Tensor;
pub use collapsar::internals::net::Head;

pub trait FloatHead {
    /// The biases that a training begins with; weights begin small.
    fn first_biases(self) -> Vec<f32>;

    /// −log2 P of each cell's int, [n, 1]; with `quantised` what is rounded to name a distribution has been rounded.
    fn bits(self, batch: &Batch, outputs: Tensor<2>, quantised: bool) -> Tensor<2>;
}

impl FloatHead for Head {
    fn first_biases(self) -> Vec<f32> {
        match self {
            Head::Mixture { k } => mixture::first_biases(k),
            Head::Table => table::first_biases(),
        }
    }

    fn bits(self, batch: &Batch, outputs: Tensor<2>, quantised: bool) -> Tensor<2> {
        match self {
            Head::Mixture { .. } => mixture::bits(batch, outputs),
            Head::Table => table::bits(batch, outputs, quantised),
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
        for head in [Head::Mixture { k: 1 }, Head::Mixture { k: 3 }, Head::Mixture { k: 5 }, Head::Table] {
            let biases = head.first_biases();
            assert_eq!(biases.len(), head.n_outputs());
            let outputs = Tensor::<2>::from_data(TensorData::new(biases, [1, head.n_outputs()]), &device);
            let p =
                |int: i32| (-head.bits(&batch(int as f32, &device), outputs.clone(), true).into_scalar::<f32>()).exp2();
            let sum: f32 = (-40..=40).map(p).sum();
            // 81 times what every int has, 2⁻²⁴ or 2⁻¹⁶, and the tails
            let allowed = if head == Head::Table { 4e-4 } else { 1e-4 };
            assert!((sum - 1.0).abs() < allowed, "{head:?} sums to {sum}");
        }
    }
}
