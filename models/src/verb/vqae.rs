//! `models vqae`: an autoencoder, and the nets that say how probable its codes are.

use crate::data::corpus::CorpusKind;
use crate::net::vqae::Sizes;
use crate::train::prior::N_BLOCKS;
use crate::train::vqae::{self, Priors};
use crate::verb::options::Run;
use clap::Args;
use collapsar::internals::error::Result;

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
    #[arg(long, default_value_t = 2e-3)]
    rate: f64,
    #[command(flatten)]
    run: Run,
}

impl Vqae {
    pub fn run(self) -> Result<()> {
        let Vqae { top, bottom, width, hidden, frequency, prior, name, rate, run } = self;
        let sizes = Sizes { n_top: top, n_bottom: bottom, width, hidden, frequency };
        let priors = Priors { steps: prior.max(1), n_blocks: N_BLOCKS };
        run.train((name, rate), CorpusKind::Fields, |settings, corpora, report| {
            vqae::train(settings, corpora, (sizes, priors), report)
        })
    }
}
