//! This machine, measured on built-in data: who computes, whether it computes right, how fast each stage is and each level.

mod adapter;
mod chart;
mod conformance;
mod diff;
mod latency;
mod levels;
mod machine;
mod random;
mod report;
mod stage;
mod tiles;
mod whole;

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::Talk;
use collapsar::internals::model::{Family, Model};
use collapsar::internals::synthetic;
use collapsar::internals::{Error, Result};
use conformance::Plain;
use report::Report;
use tiles::Tile;
use whole::Whole;

const SEED: u64 = 1;

/// How much is measured.
struct Effort {
    /// Of the frame, in samples.
    side: usize,
    n_tiles: usize,
    /// Sizes of random models that GPUs run beside the models at hand: a software renderer is slow.
    n_sizes_on_gpu: usize,
    n_odd_on_gpu: usize,
    n_tiles_on_gpu: usize,
    n_turns: usize,
}

const QUICK: Effort =
    Effort { side: 512, n_tiles: 4, n_sizes_on_gpu: 1, n_odd_on_gpu: 4, n_tiles_on_gpu: 1, n_turns: 3 };
const THOROUGH: Effort =
    Effort { side: 2048, n_tiles: 64, n_sizes_on_gpu: 3, n_odd_on_gpu: 7, n_tiles_on_gpu: 16, n_turns: 5 };

pub fn run(args: &args::Bench) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    if let Some([a, b]) = args.diff.as_deref() {
        return diff::run(a, b, talk);
    }
    if !args.levels.is_empty() {
        return levels::run(args, talk);
    }
    let effort = if args.quick { QUICK } else { THOROUGH };
    let at_hand = weights::lossless(&weights::given(&args.weights)?);
    let frame = synthetic::frame(effort.side, effort.side, SEED);
    let frame_tiles = tiles::of_frame(&frame, effort.side, effort.n_tiles);
    let odd = tiles::odd();
    let adapters = resources::quietly(talk, || adapter::wanted(args.resources.device));
    let mut report = Report::new(effort.side, adapters);

    for model in &at_hand {
        measure_cpu(model, &odd, &frame_tiles, &mut report, talk)?;
    }
    for (i, size) in random::SIZES.iter().enumerate() {
        for family in [Family::Pixelcnn, Family::Lattice, Family::L3c] {
            if i + 1 == random::SIZES.len() && !family.has_large_nets() {
                continue;
            }
            let model = random::model(family, size)?; // what a stage costs does not depend on what a net has learnt
            measure_cpu(&model, &odd, &frame_tiles, &mut report, talk)?;
            if i < effort.n_sizes_on_gpu {
                measure_gpus(&model, &odd, &frame_tiles, &effort, &mut report, talk)?;
            }
        }
    }
    for family in [Family::Pixelcnn, Family::Lattice] {
        let model = random::model(family, &random::TABLES)?;
        measure_cpu(&model, &odd, &frame_tiles, &mut report, talk)?;
        measure_gpus(&model, &odd, &frame_tiles, &effort, &mut report, talk)?;
    }
    let deep = random::deep()?;
    measure_cpu(&deep, &odd, &frame_tiles, &mut report, talk)?;
    measure_gpus(&deep, &odd, &frame_tiles, &effort, &mut report, talk)?;
    if !args.quick {
        for model in &at_hand {
            measure_gpus(model, &odd, &frame_tiles, &effort, &mut report, talk)?;
        }
    }
    for model in at_hand.iter().map(Some).chain([None]) {
        report.whole.push(Whole::new(model, &frame, effort.side)?);
    }
    let frames = if args.quick { latency::QUICK } else { latency::THOROUGH };
    report.latencies = latency::measure(&frames, SEED, talk)?;
    talk.data(&report.json(), || if talk.verbose { report.text() } else { report.summary() })?;
    match report.conformance.iter().find(|c| !c.is_equal()) {
        None => Ok(Tally::default()),
        Some(c) => Err(Error::verify(format!(
            "{} on {}: {} bytes of {} tiles are other than the plain kernels' ({})",
            c.model,
            c.level,
            c.n_bytes_differing,
            c.n_tiles,
            c.verdict()
        ))),
    }
}

fn measure_cpu(model: &Model, odd: &[Tile], tiles: &[Tile], report: &mut Report, talk: Talk) -> Result<()> {
    talk.verbose(&format!("{} on the CPU", model.name));
    report.conformance.extend(Plain::new(model, odd).levels());
    report.stages.extend(stage::stages(model, tiles)?);
    Ok(())
}

fn measure_gpus(
    model: &Model,
    odd: &[Tile],
    tiles: &[Tile],
    effort: &Effort,
    report: &mut Report,
    talk: Talk,
) -> Result<()> {
    if !model.family.runs_on_gpus() {
        return Ok(());
    }
    let plain = Plain::new(model, &odd[..effort.n_odd_on_gpu]);
    let tiles = &tiles[..effort.n_tiles_on_gpu.min(tiles.len())];
    for adapter in &report.adapters {
        talk.verbose(&format!("{} on {}", model.name, adapter.name()));
        let Some(conformance) = adapter.conformance(&plain) else { continue };
        if conformance.is_equal() {
            report.gpu_stages.extend(adapter.stages(model, tiles, effort.n_turns)?);
        }
        report.conformance.push(conformance);
    }
    Ok(())
}
