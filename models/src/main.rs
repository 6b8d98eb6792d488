//! The float side of collapsar: trains context nets with burn, turns them into integers, and measures what they code.
//!
//! Reading order: `context` (the formula), `quantise` (its integers), `preset` (where nets look), `data` and `cells` (what they
//! are shown, by the engine itself), `pool`, `descend` (one net's way), `judge`, `train` (a model's), `checkpoint`, `work` (files
//! in, a file out), `eval`.

mod adam;
mod cells;
mod checkpoint;
mod context;
mod data;
mod descend;
mod eval;
mod judge;
mod log;
mod pool;
mod preset;
mod quantise;
mod random;
#[cfg(test)]
mod scratch;
mod train;
mod work;

use clap::{Args, Parser, Subcommand};
use collapsar::error::{Error, Result};
use collapsar::model::{Family, Model};
use collapsar::net::load;
use data::Corpus;
use preset::Preset;
use std::path::{Path, PathBuf};
use train::{Settings, Start};
use work::Work;

#[derive(Parser)]
#[command(about = "Trains and measures the networks of collapsar")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Train a family's nets on the 16-bit frames below a folder of classes and write their integer weights. The same command
    /// given again takes up a training that was interrupted.
    Train {
        #[arg(long, default_value = "lattice")]
        family: String,
        #[arg(long, default_value = "default")]
        preset: String,
        /// The name users call the model by; FAMILY-PRESET unless given.
        #[arg(long)]
        name: Option<String>,
        /// Weights to begin from.
        #[arg(long)]
        from: Option<PathBuf>,
        #[arg(long, default_value_t = 20000)]
        steps: u64,
        /// An end by the clock, if it comes before the steps'; what comes of it cannot be reproduced.
        #[arg(long)]
        minutes: Option<f64>,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[command(flatten)]
        common: Common,
    },
    /// Adapt weights to the frames of one survey.
    Finetune {
        #[arg(long)]
        from: PathBuf,
        /// The name users call the model by; that of the weights with the folder's behind it unless given.
        #[arg(long)]
        name: Option<String>,
        /// Steps instead of minutes: the same bytes every time.
        #[arg(long)]
        steps: Option<u64>,
        #[arg(long, default_value_t = 3.0)]
        minutes: f64,
        #[arg(long, default_value_t = 1e-3)]
        rate: f64,
        #[command(flatten)]
        common: Common,
    },
    /// Bits per sample by class, of the model and of real payloads.
    Eval {
        #[arg(long)]
        weights: PathBuf,
        #[arg(long)]
        data: PathBuf,
        /// Only the files that training holds out.
        #[arg(long)]
        held_out: bool,
        /// Tiles of each plane.
        #[arg(long, default_value_t = 4)]
        tiles: usize,
    },
}

/// What every training needs.
#[derive(Args)]
struct Common {
    /// A folder of classes, each a folder of FITS or NPY files.
    #[arg(long)]
    data: PathBuf,
    #[arg(long)]
    out: PathBuf,
    /// A folder for the checkpoint; that of the output unless given.
    #[arg(long)]
    checkpoint: Option<PathBuf>,
    /// Forget an earlier training of this name, and replace its output.
    #[arg(long)]
    again: bool,
    /// A file for lines of JSON; standard output unless given, where that is no terminal.
    #[arg(long)]
    log: Option<PathBuf>,
    /// Cells per step.
    #[arg(long, default_value_t = 8192)]
    batch: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Draws of some tiles each that batches are mixed of.
    #[arg(long, default_value_t = pool::N_DRAWS)]
    pool: u64,
}

fn main() -> std::process::ExitCode {
    match run(Arguments::parse().verb) {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn run(verb: Verb) -> Result<()> {
    match verb {
        Verb::Train { family, preset, name, from, steps, minutes, rate, common } => {
            let name = name.unwrap_or_else(|| format!("{family}-{preset}"));
            let (family, preset) = (Family::from_name(&family)?, Preset::from_name(&preset)?);
            let mut start = Start::fresh(family, preset, common.seed)?;
            if let Some(from) = &from {
                start = start.with(weights(from)?).map_err(|e| e.at(from.display()))?;
            }
            let settings = settings(&common, name, (steps, minutes), rate, train::ROUND_FROM)?;
            work(common)?.train(settings, &start)
        }
        Verb::Finetune { from, name, steps, minutes, rate, common } => {
            let start = Start::of(weights(&from)?);
            let survey = common.data.file_name().unwrap_or_default().to_string_lossy();
            let name = name.unwrap_or_else(|| format!("{}-{survey}", start.model.name));
            let end = steps.map_or((u64::MAX, Some(minutes)), |steps| (steps, None));
            let settings = settings(&common, name, end, rate, 0.0)?;
            work(common)?.train(settings, &start)
        }
        Verb::Eval { weights: path, data, held_out, tiles } => {
            let model = weights(&path)?;
            let corpus = Corpus::read(&data)?;
            let corpus = if held_out { corpus.split().1 } else { corpus };
            print(&model.name, &eval::evaluate(&model, &corpus, tiles.max(1))?);
            Ok(())
        }
    }
}

fn settings(
    common: &Common,
    name: String,
    (steps, minutes): (u64, Option<f64>),
    rate: f64,
    round_from: f64,
) -> Result<Settings> {
    let positive = |x: f64| x > 0.0 && x.is_finite();
    if steps == 0 || common.batch == 0 || common.pool == 0 || !positive(rate) || !minutes.is_none_or(positive) {
        return Err(Error::argument("steps, minutes, batch, pool and rate are more than 0"));
    }
    let (batch, seed, n_draws) = (common.batch, common.seed, common.pool);
    let device = work::device();
    Ok(Settings { name, steps, minutes, batch, rate, seed, n_draws, round_from, checkpoint: None, device })
}

fn work(common: Common) -> Result<Work> {
    let Common { data, out, checkpoint, again, log, .. } = common;
    Work::new(&data, out, checkpoint, again, log.as_deref())
}

fn weights(path: &Path) -> Result<Model> {
    let bytes = std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))?;
    load(&bytes).map_err(|e| e.at(path.display()))
}

fn print(name: &str, scores: &[(String, eval::Score)]) {
    println!("{name:28} {:>6} {:>10} {:>9} {:>9} {:>7}", "planes", "samples", "model", "coded", "ratio");
    let mut mean = [0.0; 2];
    for (class, score) in scores {
        let n = score.n_samples as f64;
        let (model, coded) = (score.model_bits / n, score.coded_bits / n);
        mean[0] += model / scores.len() as f64;
        mean[1] += coded / scores.len() as f64;
        println!("{class:28} {:6} {:10} {model:9.4} {coded:9.4} {:7.3}", score.n_planes, score.n_samples, 16.0 / coded);
    }
    println!("{:28} {:6} {:10} {:9.4} {:9.4} {:7.3}", "mean of classes", "", "", mean[0], mean[1], 16.0 / mean[1]);
}
