//! `models l3c`: the three nets of family l3c together.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::net::l3c::Plan;
use crate::train::l3c;
use crate::train::settings::ROUND_FROM;
use crate::verb::options::{Data, Length, TrainOptions};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct L3c {
    /// The name users call the model by.
    #[arg(long, default_value = "l3c-default")]
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

impl L3c {
    pub fn run(self) -> Result<()> {
        let L3c { name, out, length, rate, data, options } = self;
        let settings = options.settings(name, (length.steps, length.minutes), rate, ROUND_FROM)?;
        let corpus = Corpus::read(&data.data, data.files, CorpusKind::Widened)?;
        options.train(out, settings, corpus, |settings, corpora, report| {
            l3c::train(settings, corpora, &Plan::usual(), report)
        })
    }
}
