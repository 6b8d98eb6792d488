//! What several verbs can be told, and what they make of it.

use crate::data::corpus::{Corpus, CorpusKind};
use crate::data::pool::N_DRAWS;
use crate::net::device::device;
use crate::net::preset::Preset;
use crate::train::log::{Log, Report};
use crate::train::settings::{ROUND_FROM, Settings};
use crate::train::start::Start;
use crate::train::work::Work;
use clap::Args;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::{Family, Model};
use collapsar::internals::weights::load;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct Net {
    /// pixelcnn, lattice, idf or vdm.
    #[arg(long, default_value = "lattice")]
    pub family: String,
    /// tiny, small, fast, default or max.
    #[arg(long, default_value = "default")]
    pub preset: String,
}

#[derive(Args)]
pub struct Data {
    /// A folder with a folder of FITS or NPY files per class, or with files of one class, or in the layout of
    /// AstroCompress.
    #[arg(long)]
    pub data: PathBuf,
    /// At most so many files of each class.
    #[arg(long, default_value_t = usize::MAX, hide_default_value = true)]
    pub files: usize,
}

/// What every training can be told.
#[derive(Args)]
pub struct TrainOptions {
    /// A folder for checkpoints; that of the output unless given.
    #[arg(long)]
    pub checkpoint: Option<PathBuf>,
    /// Forget an earlier training of this output, and replace it.
    #[arg(long)]
    pub again: bool,
    /// A file for lines of JSON; standard output unless given, where that is no terminal.
    #[arg(long)]
    pub log: Option<PathBuf>,
    /// Cells per step.
    #[arg(long, default_value_t = 8192)]
    pub batch: usize,
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
    /// Draws of some tiles each that batches are mixed of.
    #[arg(long, default_value_t = N_DRAWS)]
    pub pool: u64,
}

/// What every training of nets that begin anew can be told.
#[derive(Args)]
pub struct Run {
    #[arg(long)]
    out: PathBuf,
    #[arg(long, default_value_t = 20000)]
    steps: u64,
    /// An end by the clock, if it comes before the steps'; what comes of it cannot be reproduced.
    #[arg(long)]
    minutes: Option<f64>,
    #[command(flatten)]
    data: Data,
    #[command(flatten)]
    pub options: TrainOptions,
}

impl Run {
    /// Reads the data, trains to the end and writes the weights.
    pub fn train(
        self,
        (name, rate): (String, f64),
        kind: CorpusKind,
        train: impl FnOnce(&Settings, (&Corpus, &Corpus), &mut Report) -> Result<Model>,
    ) -> Result<()> {
        let Run { out, steps, minutes, data, options } = self;
        let settings = options.settings(name, (steps, minutes), rate, ROUND_FROM)?;
        let corpus = Corpus::read(&data.data, data.files, kind)?;
        options.train(out, settings, corpus, train)
    }
}

impl Net {
    /// Nets without weights yet.
    pub fn fresh(&self, seed: u64) -> Result<Start> {
        match Family::from_name(&self.family)? {
            Family::L3c => Err(Error::argument("the nets of family l3c learn together: verb l3c")),
            family => Start::fresh(family, Preset::from_name(&self.preset)?, seed),
        }
    }
}

impl TrainOptions {
    /// Whichever of steps and minutes comes first ends the training.
    pub fn settings(
        &self,
        name: String,
        (steps, minutes): (u64, Option<f64>),
        rate: f64,
        round_from: f64,
    ) -> Result<Settings> {
        let positive = |x: f64| x > 0.0 && x.is_finite();
        if steps == 0 || self.batch == 0 || self.pool == 0 || !positive(rate) || !minutes.is_none_or(positive) {
            return Err(Error::argument("steps, minutes, batch, pool and rate are more than 0"));
        }
        let (batch, seed, n_draws, device) = (self.batch, self.seed, self.pool, device()?);
        Ok(Settings { name, steps, minutes, batch, rate, seed, n_draws, round_from, checkpoint: None, device })
    }

    /// Trains to the end and writes `out`.
    pub fn train(
        &self,
        out: PathBuf,
        settings: Settings,
        corpus: Corpus,
        train: impl FnOnce(&Settings, (&Corpus, &Corpus), &mut Report) -> Result<Model>,
    ) -> Result<()> {
        let log = Log::new(self.log.as_deref())?;
        let work = Work::new(out, self.checkpoint.clone(), self.again)?;
        work.train(settings, corpus.split(), log, train)?;
        Ok(())
    }
}

/// An end by steps, or else by minutes.
pub fn end(steps: Option<u64>, minutes: f64) -> (u64, Option<f64>) {
    steps.map_or((u64::MAX, Some(minutes)), |steps| (steps, None))
}

pub fn weights(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))?;
    load(&bytes).map_err(|e| e.at(path.display()))
}
