//! `models ratio`: bytes in against bytes of whole compressed files.

use crate::data::corpus::Corpus;
use crate::data::survey::{self, Survey};
use crate::measure::{ratio, table};
use crate::verb::options::{Data, weights};
use clap::Args;
use collapsar::internals::error::Result;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Args)]
pub struct Ratio {
    /// Weights files; what is built in unless given.
    #[arg(long, num_args = 1..)]
    weights: Vec<PathBuf>,
    #[command(flatten)]
    data: Data,
    /// Only the files that training holds out.
    #[arg(long)]
    held_out: bool,
}

impl Ratio {
    pub fn run(self) -> Result<()> {
        measure(&self.weights, &self.data, self.held_out)
    }
}

fn measure(paths: &[PathBuf], data: &Data, held_out: bool) -> Result<()> {
    let mut models = paths.iter().map(|path| Ok(Some(Arc::new(weights(path)?)))).collect::<Result<Vec<_>>>()?;
    if models.is_empty() {
        models.push(None);
    }
    let columns: Vec<String> = models.iter().map(|m| m.as_ref().map_or("auto".into(), |m| m.name.clone())).collect();
    let mut surveys = survey::surveys(&data.data, survey::Part::Test, data.files)?;
    if held_out {
        let corpus = Corpus::read_test(&data.data, data.files, false)?;
        let names: Vec<_> = corpus.frames().map(|f| (&f.class, &f.name)).collect();
        for Survey { name, files, .. } in &mut surveys {
            files.retain(|file| names.contains(&(name, &survey::file_name(&file.path))));
        }
    }
    let (mut rows, mut totals) = (Vec::new(), vec![ratio::Bytes::default(); models.len()]);
    for survey in &surveys {
        let mut row = Vec::new();
        for (model, total) in models.iter().zip(&mut totals) {
            let bytes = ratio::ratio(survey, model.as_ref())?;
            *total = *total + bytes;
            row.push(bytes);
        }
        if row[0].n_arrays > 0 {
            rows.push((survey.name.clone(), row.iter().map(ratio::Bytes::ratio).collect()));
        }
    }
    rows.push(("total".into(), totals.iter().map(ratio::Bytes::ratio).collect()));
    println!("{}", table::numbers("bytes in / bytes out", &columns, &rows, 3));
    Ok(())
}
