//! `models train`: a family's nets, one after the other.

use crate::data::corpus::CorpusKind;
use crate::train::cells;
use crate::train::start::Start;
use crate::verb::options::{Net, Run, weights};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct Train {
    #[command(flatten)]
    net: Net,
    /// The name users call the model by; FAMILY-PRESET unless given.
    #[arg(long)]
    name: Option<String>,
    /// Weights to begin from.
    #[arg(long)]
    from: Option<PathBuf>,
    /// Leave the nets of --from as they are and train further ones, that read 1, 2 … this many reference planes.
    #[arg(long, requires = "from", default_value_t = 0)]
    refs: usize,
    /// On float fields, quantised to bounds of 3 % of their range down to two millionths.
    #[arg(long)]
    fields: bool,
    /// Of a vdm: rungs from one size of image to the next, 1, 2 or 4.
    #[arg(long, default_value_t = 1)]
    per_octave: usize,
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[command(flatten)]
    run: Run,
}

impl Train {
    pub fn run(self) -> Result<()> {
        let Train { net, name, from, refs, fields, per_octave, rate, run } = self;
        let name = name.unwrap_or_else(|| format!("{}-{}", net.family, net.preset));
        let mut start = net.fresh(run.options.seed)?;
        if let Some(from) = &from {
            start = start.with(weights(from)?).map_err(|e| e.at(from.display()))?;
        }
        if refs > 0 {
            start = Start::with_refs(start.model, refs)?;
        }
        start.model.per_octave = per_octave;
        let kind = if fields { CorpusKind::Fields } else { CorpusKind::Widened };
        run.train((name, rate), kind, |settings, corpora, report| cells::train(settings, corpora, &start, report))
    }
}
