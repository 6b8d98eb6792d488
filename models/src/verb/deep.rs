//! `models deep`: a net whose layers look around.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::net::deep::Plan;
use crate::net::preset::Preset;
use crate::train::deep;
use crate::train::settings::ROUND_FROM;
use crate::verb::options::{Data, Length, TrainOptions};
use clap::Args;
use collapsar::internals::error::Result;
use collapsar::internals::model::Family;
use std::path::PathBuf;

#[derive(Args)]
pub struct Deep {
    /// Where it looks at ints: fast, default or max.
    #[arg(long, default_value = "default")]
    preset: String,
    /// Activations of a cell and layer.
    #[arg(long, default_value_t = 24)]
    width: usize,
    /// Gated residual blocks.
    #[arg(long, default_value_t = 3)]
    blocks: usize,
    /// The name users call the model by.
    #[arg(long, default_value = "pixelcnn-deep")]
    name: String,
    #[arg(long)]
    out: PathBuf,
    #[command(flatten)]
    length: Length,
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    options: TrainOptions,
}

impl Deep {
    pub fn run(self) -> Result<()> {
        let Deep { preset, width, blocks, name, out, length, rate, data, options } = self;
        let spec = Preset::from_name(&preset)?.specs(Family::PixelcnnDeep).remove(0);
        let plan = Plan::blocks(spec, width, blocks);
        let settings = options.settings(name, (length.steps, length.minutes), rate, ROUND_FROM)?;
        let corpus = Corpus::read(&data.data, data.files, CorpusKind::Widened)?;
        options.train(out, settings, corpus, |settings, corpora, report| deep::train(settings, corpora, &plan, report))
    }
}
