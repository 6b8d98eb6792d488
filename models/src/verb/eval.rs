//! `models eval`: bits per sample by class.

use crate::data::corpus::Corpus;
use crate::measure::{eval, table};
use crate::net::device::device;
use crate::verb::options::{Data, weights};
use clap::Args;
use collapsar::internals::error::{Error, Result};
use std::path::PathBuf;

#[derive(Args)]
pub struct Eval {
    /// One or more weights files.
    #[arg(long, num_args = 1.., required = true)]
    weights: Vec<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// Only the files that training holds out.
    #[arg(long)]
    held_out: bool,
    /// Tiles of each plane.
    #[arg(long, default_value_t = 4)]
    tiles: usize,
    /// Fail where integers cost more than 0.3 % of the floats' bits.
    #[arg(long)]
    check: bool,
}

impl Eval {
    pub fn run(self) -> Result<()> {
        let corpus = Corpus::read_test(&self.data.data, self.data.files, !self.held_out)?;
        evaluate(&self.weights, &corpus, self.tiles.max(1), self.check)
    }
}

fn evaluate(paths: &[PathBuf], corpus: &Corpus, n_tiles: usize, check: bool) -> Result<()> {
    let (mut columns, mut rows) = (Vec::new(), Vec::<(String, Vec<f64>)>::new());
    let device = device()?;
    let mut too_far = Vec::new();
    for path in paths {
        let model = weights(path)?;
        let scores = eval::evaluate(&model, corpus, n_tiles, &device)?;
        println!("{}", table::scores(&model.name, &scores));
        let means = scores.iter().map(|(class, s)| (class.clone(), s.bits_per_sample()));
        for (i, (class, bits)) in means.chain([("mean of classes".into(), table::mean(&scores))]).enumerate() {
            if columns.is_empty() {
                rows.push((class, Vec::new()));
            }
            rows[i].1.push(bits);
        }
        too_far.extend(eval::too_far(&scores).map(|(class, gap)| format!("{} on {class}: {gap:.3} %", model.name)));
        columns.push(model.name);
    }
    if paths.len() > 1 {
        println!("{}", table::numbers("coded bits per sample", &columns, &rows, 4));
    }
    if check && !too_far.is_empty() {
        return Err(Error::verify(format!("integers cost more than {} %: {}", eval::MAX_GAP, too_far.join(", "))));
    }
    Ok(())
}
