//! `models finetune`: weights adapted to one survey.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::data::survey::file_name;
use crate::train::cells;
use crate::train::start::Start;
use crate::verb::options::{Data, TrainOptions, end, weights};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct Finetune {
    #[arg(long)]
    from: PathBuf,
    /// To the float fields of a dataset.
    #[arg(long)]
    fields: bool,
    /// Only the nets for reference planes: to planes of other fields in the same folder, beside those before.
    #[arg(long, requires = "fields")]
    cross: bool,
    /// The name users call the model by; that of the weights with the folder's behind it unless given.
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    out: PathBuf,
    /// Steps instead of minutes: the same bytes every time.
    #[arg(long)]
    steps: Option<u64>,
    #[arg(long, default_value_t = 3.0)]
    minutes: f64,
    /// As high as that of a training: a third of it left a fifth of the gain behind.
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    options: TrainOptions,
}

impl Finetune {
    pub fn run(self) -> Result<()> {
        let Finetune { from, fields, cross, name, out, steps, minutes, rate, data, options } = self;
        let start = if cross { Start::of_refs(weights(&from)?) } else { Start::of(weights(&from)?) };
        let survey = file_name(&data.data.canonicalize().unwrap_or_default());
        let name = name.unwrap_or_else(|| format!("{}-{survey}", start.model.name));
        let settings = options.settings(name, end(steps, minutes), rate, 0.0)?;
        let kind = match (fields, cross) {
            (_, true) => CorpusKind::Cross,
            (true, false) => CorpusKind::Fields,
            _ => CorpusKind::Frames,
        };
        let corpus = Corpus::read(&data.data, data.files, kind)?;
        options
            .train(out, settings, corpus, |settings, corpora, report| cells::train(settings, corpora, &start, report))
    }
}
