//! `models matrix`: a model per survey, measured on all.

use crate::measure::matrix::{Places, corpora, matrix};
use crate::train::settings::ROUND_FROM;
use crate::verb::options::{Data, Net, TrainOptions, end};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;

#[derive(Args)]
pub struct Matrix {
    #[command(flatten)]
    net: Net,
    /// A folder for the models. The same command given again goes on where it was.
    #[arg(long)]
    out: PathBuf,
    /// Of each model.
    #[arg(long, default_value_t = 5.0)]
    minutes: f64,
    /// Steps instead of minutes: the same table every time.
    #[arg(long)]
    steps: Option<u64>,
    #[arg(long, default_value_t = 3e-3)]
    rate: f64,
    #[arg(long, default_value_t = 4)]
    tiles: usize,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    options: TrainOptions,
}

impl Matrix {
    pub fn run(self) -> Result<()> {
        let Matrix { net, out, minutes, steps, rate, tiles, data, options } = self;
        let start = net.fresh(options.seed)?;
        let settings = options.settings(String::new(), end(steps, minutes), rate, ROUND_FROM)?;
        let corpora = corpora(&data.data, data.files)?;
        let TrainOptions { checkpoint, again, log, .. } = options;
        matrix(&settings, &corpora, &start, &Places { out, checkpoint, again, log }, tiles.max(1))
    }
}
