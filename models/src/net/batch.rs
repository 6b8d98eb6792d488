//! Some cells as tensors: what a net is shown of them, and the ints that came, in the units of the head's formula.

use crate::data::sample::Cells;
use crate::net::shape::MIDDLE;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::kernel::ONE;
use collapsar::internals::kernel::log2::log2;
use collapsar::internals::kernel::mixture::{Window, mass};

/// What a net is shown of some cells, and what came; everything but the features is one column.
pub struct Batch {
    /// x, [n, n_features].
    pub features: Tensor<2>,
    /// s in ints, as locations use it.
    pub s: Tensor<2>,
    /// log2 of s in ints, as scales use it.
    pub log_s: Tensor<2>,
    /// int − b.
    pub distance: Tensor<2>,
    /// 0 where the int is the first of its plane, and where it is the last; 1 elsewhere.
    pub not_first: Tensor<2>,
    pub not_last: Tensor<2>,
    /// How much of the probability the logistics share.
    pub share: Tensor<2>,
}

impl Batch {
    /// The cells at these places; `n_features` of their features are no padding.
    pub fn new(cells: &Cells, places: &[usize], n_features: usize, device: &Device) -> Batch {
        let mut features = Vec::with_capacity(places.len() * n_features);
        for &i in places {
            let f = &cells.features[i * cells.n_in..][..n_features];
            features.extend(f.iter().map(|&f| (i32::from(f) - MIDDLE) as f32 / 32.0));
        }
        let column = |of: &dyn Fn(usize) -> f32| {
            let values = places.iter().map(|&i| of(i)).collect();
            Tensor::from_data(TensorData::new::<f32, _>(values, [places.len(), 1]), device)
        };
        Batch {
            features: Tensor::from_data(TensorData::new::<f32, _>(features, [places.len(), n_features]), device),
            s: column(&|i| cells.s[i].min(1 << 19) as f32 / ONE as f32),
            log_s: column(&|i| log2(cells.s[i]) as f32 / 256.0 - 6.0),
            distance: column(&|i| (cells.int[i] * ONE - cells.b[i]) as f32 / ONE as f32),
            not_first: column(&|i| f32::from(cells.int[i] != 0)),
            not_last: column(&|i| f32::from(cells.int[i] != cells.max[i])),
            share: column(&|i| mass(Window { max: cells.max[i] }.n_symbols()) as f32 / 4096.0),
        }
    }

    /// Symbols that a gradient can be followed through, [n, 1], expected around `b` in a scale of 2^log_s, at `least`
    /// or more.
    pub fn of_symbols(features: Tensor<2>, symbols: Tensor<2>, b: f32, log_s: f32, least: f32) -> Batch {
        let one = symbols.ones_like();
        Batch {
            features,
            s: one.clone() * log_s.exp2(),
            log_s: one.clone() * log_s,
            not_first: symbols.clone().detach().greater_elem(least).float(),
            not_last: one.clone(),
            share: one * 0.999,
            distance: symbols - b,
        }
    }

    /// The same cells with other features.
    pub fn with_features(self, features: Tensor<2>) -> Batch {
        Batch { features, ..self }
    }
}
