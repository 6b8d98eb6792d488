//! w′ = w + 2^g · q,   bias′ = bias + 32 · 2^g · q,   per output one g and one q per input, and one for the bias
//!
//! What an encoder says of a last layer that it has refitted to an array. An activation of 32 is 1 to the trainer: so one q of
//! the bias moves an output as far as one q of a usual input does.

use super::{Layer, MAX_WEIGHT, Net};
use crate::error::{Error, Result};

/// The largest g.
pub const MAX_LOG2_STEP: u8 = 7;
/// Weights of a bias, and what an activation must be for the same.
const ONE: i64 = 32;

/// The difference of a last layer to that of the weights file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refit {
    /// g of each output.
    pub log2_steps: Vec<u8>,
    /// q, [n_out][n_used + 1], the bias last.
    pub counts: Vec<i32>,
}

impl Net {
    /// Inputs of the last layer that are no padding.
    pub fn n_last_used(&self) -> usize {
        self.width(self.layers.len() - 1)
    }

    /// The net with its last layer moved; an error where a number leaves its range.
    pub fn refitted(&self, refit: &Refit) -> Result<Net> {
        let n_used = self.n_last_used();
        let last = self.layers.last().expect("a net has layers");
        assert_eq!(refit.counts.len(), last.n_out * (n_used + 1), "a refit of another layer");
        let mut layer = last.clone();
        for (o, counts) in refit.counts.chunks_exact(n_used + 1).enumerate() {
            let step = 1i64 << refit.log2_steps[o].min(MAX_LOG2_STEP);
            let weights = &mut layer.weights[o * layer.n_in..][..n_used];
            for (weight, &q) in weights.iter_mut().zip(counts) {
                *weight = moved(i64::from(*weight), step * i64::from(q))?;
            }
            layer.bias[o] = moved(i64::from(layer.bias[o]), ONE * step * i64::from(counts[n_used]))?;
        }
        self.with_last_layer(layer)
    }
}

fn moved<T: TryFrom<i64>>(from: i64, by: i64) -> Result<T> {
    T::try_from(from + by).map_err(|_| Error::corrupt("a refitted weight leaves its range"))
}

impl Layer {
    /// How far the q of a weight may go without leaving its range.
    pub fn room(&self, o: usize, i: usize, log2_step: u8) -> (i32, i32) {
        let weight = i32::from(self.weights[o * self.n_in + i]);
        (-((MAX_WEIGHT + weight) >> log2_step), (MAX_WEIGHT - weight) >> log2_step)
    }
}
