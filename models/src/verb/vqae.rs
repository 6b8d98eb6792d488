//! `models vqae`: an autoencoder, and the nets that say how probable its codes are.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::net::vqae::Sizes;
use crate::train::prior::N_BLOCKS;
use crate::train::settings::ROUND_FROM;
use crate::train::vqae::{self, Priors};
use crate::verb::options::{Data, Length, TrainOptions};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct Vqae {
    /// Codes of a cell of 16 × 16 ints, and of one of 8 × 8.
    #[arg(long, default_value_t = 64)]
    top: usize,
    #[arg(long, default_value_t = 128)]
    bottom: usize,
    /// Numbers of a code.
    #[arg(long, default_value_t = 16)]
    width: usize,
    /// Activations of a cell and layer.
    #[arg(long, default_value_t = 48)]
    hidden: usize,
    /// How much errors count by frequency, beside their cost.
    #[arg(long, default_value_t = 0.0)]
    frequency: f32,
    /// Steps of each mesh that says how probable codes are.
    #[arg(long, default_value_t = 3000)]
    prior: u64,
    /// The name users call the model by.
    #[arg(long, default_value = "vqae")]
    name: String,
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    length: Length,
    #[arg(long, default_value_t = 2e-3)]
    rate: f64,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    options: TrainOptions,
}

impl Vqae {
    pub fn run(self) -> Result<()> {
        let Vqae { top, bottom, width, hidden, frequency, prior, name, out, length, rate, data, options } = self;
        let sizes = Sizes { n_top: top, n_bottom: bottom, width, hidden, frequency };
        let priors = Priors { steps: prior.max(1), n_blocks: N_BLOCKS };
        let settings = options.settings(name, (length.steps, length.minutes), rate, ROUND_FROM)?;
        let corpus = Corpus::read(&data.data, data.files, CorpusKind::Fields)?;
        options.train(out, settings, corpus, |settings, corpora, report| {
            vqae::train(settings, corpora, (sizes, priors), report)
        })
    }
}
