//! `models deep`: a net whose layers read other cells.

use crate::data::corpus::CorpusKind;
use crate::net::deep::Plan;
use crate::net::preset::Preset;
use crate::train::deep;
use crate::verb::options::Run;
use clap::Args;
use collapsar::internals::error::Result;
use collapsar::internals::model::Family;

#[derive(Args)]
pub struct Deep {
    /// Where it reads ints: fast, default or max.
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
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[command(flatten)]
    run: Run,
}

impl Deep {
    pub fn run(self) -> Result<()> {
        let Deep { preset, width, blocks, name, rate, run } = self;
        let spec = Preset::from_name(&preset)?.specs(Family::PixelcnnDeep).remove(0);
        let plan = Plan::blocks(spec, width, blocks);
        run.train((name, rate), CorpusKind::Widened, |settings, corpora, report| {
            deep::train(settings, corpora, &plan, report)
        })
    }
}
