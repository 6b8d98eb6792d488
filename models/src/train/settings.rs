//! What is set of a training: its length, its batches, where it runs.

use burn::tensor::Device;
use std::path::PathBuf;

/// From this part of the way on a training rounds, unless it begins from integers.
pub const ROUND_FROM: f64 = 0.6;

#[derive(Clone, Debug)]
pub struct Settings {
    /// The name users call the model by.
    pub name: String,
    /// Whichever comes first ends the training.
    pub steps: u64,
    pub minutes: Option<f64>,
    /// Cells in a batch.
    pub batch: usize,
    pub rate: f64,
    pub seed: u64,
    /// Draws at hand at once.
    pub n_draws: u64,
    /// From this part of the way on, the forward pass is rounded.
    pub round_from: f64,
    /// Where the training can be taken up after an interruption.
    pub checkpoint: Option<PathBuf>,
    /// Where tensors live; with autodiff.
    pub device: Device,
}
