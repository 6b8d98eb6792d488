//! The float side of collapsar: trains context nets with burn, turns them into integers, and measures what they code.
//!
//! Reading order: `context` (the formula), `quantise` (its integers), `preset` (where nets look), `data` and `cells` (what they
//! are shown, by the engine itself), `pool`, `train`, `eval`.

mod augment;
mod cells;
mod context;
mod data;
mod eval;
mod pool;
mod preset;
mod quantise;
mod random;
mod simulate;
mod train;

use burn::tensor::Device;
use clap::{Parser, Subcommand};
use collapsar::error::{Error, Result};
use collapsar::model::Family;
use collapsar::net::{load, store};
use data::Corpus;
use preset::Preset;
use std::path::{Path, PathBuf};

#[derive(Parser)]
#[command(about = "Trains and measures the networks of collapsar")]
struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Train a family's nets on the 16-bit frames below a folder of classes and write their integer weights.
    Train {
        #[arg(long, default_value = "lattice")]
        family: String,
        #[arg(long, default_value = "default")]
        preset: String,
        #[arg(long)]
        data: PathBuf,
        #[arg(long)]
        out: PathBuf,
        /// The name users call the model by; FAMILY-PRESET unless given.
        #[arg(long)]
        name: Option<String>,
        /// Weights to begin from.
        #[arg(long)]
        from: Option<PathBuf>,
        #[arg(long, default_value_t = 20000)]
        steps: usize,
        #[arg(long, default_value_t = 1e9)]
        minutes: f64,
        #[arg(long, default_value_t = 8192)]
        batch: usize,
        #[arg(long, default_value_t = 3e-3)]
        rate: f64,
        #[arg(long, default_value_t = 0)]
        seed: u64,
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
        Verb::Train { family, preset, data, out, name, from, steps, minutes, batch, rate, seed } => {
            let name = name.unwrap_or_else(|| format!("{family}-{preset}"));
            let (family, preset) = (Family::from_name(&family)?, Preset::from_name(&preset)?);
            let device = device();
            let settings = train::Settings { name, family, preset, steps, minutes, batch, rate, seed, device };
            let from = from.map(|path| load(&bytes(&path)?)).transpose()?;
            let (training, validation) = Corpus::read(&data)?.split();
            for frame in validation.frames() {
                println!("{}", serde_json::json!({"held_out_file": frame.name, "class": frame.class}));
            }
            let mut report = |line| println!("{line}");
            let model = train::train(&settings, (&training, &validation), from.as_ref(), &mut report)?;
            let packed = store(&model)?;
            println!(
                "{}",
                serde_json::json!({"out": out, "blake3": blake3::hash(&packed).to_hex().as_str(), "mac": model.n_mac()})
            );
            std::fs::write(&out, packed).map_err(|e| Error::from(e).at(out.display()))
        }
        Verb::Eval { weights, data, held_out, tiles } => {
            let model = load(&bytes(&weights)?)?;
            let corpus = Corpus::read(&data)?;
            let corpus = if held_out { corpus.split().1 } else { corpus };
            print(&model.name, &eval::evaluate(&model, &corpus, tiles.max(1))?);
            Ok(())
        }
    }
}

/// Where tensors live: the CPU, or with the feature `wgpu` the default GPU.
fn device() -> Device {
    #[cfg(feature = "wgpu")]
    let device = Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(not(feature = "wgpu"))]
    let device = Device::flex();
    device.autodiff()
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Error::from(e).at(path.display()))
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
