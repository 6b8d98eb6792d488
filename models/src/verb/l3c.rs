//! `models l3c`: the three nets of family l3c together.

use crate::data::corpus::CorpusKind;
use crate::net::l3c::Plan;
use crate::train::l3c;
use crate::verb::options::Run;
use clap::Args;
use collapsar::internals::error::Result;

#[derive(Args)]
pub struct L3c {
    /// The name users call the model by.
    #[arg(long, default_value = "l3c-default")]
    name: String,
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[command(flatten)]
    run: Run,
}

impl L3c {
    pub fn run(self) -> Result<()> {
        let L3c { name, rate, run } = self;
        run.train((name, rate), CorpusKind::Widened, |settings, corpora, report| {
            l3c::train(settings, corpora, &Plan::usual(), report)
        })
    }
}
