//! night1/*.fits → camera.recipe: a network trained on frames of one camera

use crate::cli::args::AdaptTo;
use crate::cli::machine::resources;
use crate::cli::path::input::{self, Input, Opened, Wanted};
use crate::cli::path::names::Target;
use crate::cli::path::output::{self, Sink};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::progress::Progress;
use collapsar::internals::fit::train::{N_BATCH, Told, Way};
use collapsar::internals::source::Source;
use collapsar::internals::{Adapt, Adapted, Choice, Error, Options, Recipe, Result, Training, Turn};
use collapsar::internals::{adapt, learn, write_recipe};
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// What is written, by the ending of its name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Weights,
    Recipe,
}

pub fn run(args: &AdaptTo) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let form = form(&args.output)?;
    output::check(&args.output, args.force)?;
    let inputs = input::inputs(&args.files, Wanted::Others, talk)?;
    let given = weights::given(&args.begin.weights)?;
    let options = Options {
        model: args.begin.choice(&given)?,
        raw: args.raw.array(),
        memory: resources::memory(),
        loss: args.lossy.loss().check()?,
        fields: args.fields,
        ..Options::default()
    };
    let open = |input: &Input| input.open().map_err(|e| e.at(print::name(&input.path)));
    let opened: Vec<Opened> = inputs.iter().map(open).collect::<Result<_>>()?;
    let sources: Vec<&dyn Source> = opened.iter().map(|opened| &opened.source as &dyn Source).collect();
    let training = Training { name: name(args), seed: args.seed };
    let start = Instant::now();
    let adapted = {
        let progress = Progress::of_work(talk, &args.progress, &args.output);
        adapt(&sources, &options, &training, &mut |turn, told| pace(args, turn, told, start, &progress))?
    };
    for opened in &opened {
        opened.held.check()?;
    }
    let bytes = match form {
        Form::Weights => adapted.bytes.clone(),
        Form::Recipe => recipe(&sources, &options, &adapted)?,
    };
    let mut sink = Sink::create(&Target::File(args.output.clone()), args.force, None)?;
    sink.write_all(&bytes)?;
    sink.finish(None)?;
    tell(args, talk, &adapted, sources.len(), bytes.len(), start.elapsed().as_secs_f64())
}

fn form(path: &Path) -> Result<Form> {
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("recipe") => Ok(Form::Recipe),
        Some("safetensors") => Ok(Form::Weights),
        _ => Err(Error::argument("-o takes a name that ends in .recipe or .safetensors").at(print::name(path))),
    }
}

fn name(args: &AdaptTo) -> String {
    let stem = || args.output.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    args.name.clone().unwrap_or_else(stem)
}

/// How much of the way of a net is gone: of its steps, or of its share of the minutes.
fn pace(args: &AdaptTo, turn: Turn, told: Told, start: Instant, progress: &Progress) -> Way {
    let (number, n) = (turn.number as f64, turn.n as f64);
    let way = match args.minutes {
        Some(minutes) => start.elapsed().as_secs_f64() / (60.0 * minutes) * n - number,
        None => told.step as f64 / args.steps.unwrap_or_else(|| usual_steps(turn.n_cells)) as f64,
    };
    progress.share((number + way.clamp(0.0, 1.0)) / n);
    Way(way)
}

/// As many as pay, and no more than few cells are good for.
fn usual_steps(n_cells: u64) -> u64 {
    const MOST: u64 = 2000;
    const LEAST: u64 = 100;
    const ROUNDS: u64 = 32;
    (n_cells * ROUNDS / N_BATCH as u64).clamp(LEAST, MOST)
}

/// What is decided for the frames with the adapted network as it is: it is their camera that it was fitted to.
fn recipe(sources: &[&dyn Source], options: &Options, adapted: &Adapted) -> Result<Vec<u8>> {
    let model = Arc::new(adapted.model.clone());
    let options = Options { model: Choice::These(vec![model.clone()]), adapt: Adapt::Off, ..options.clone() };
    let mut recipe = Recipe::default();
    recipe.carry(adapted.bytes.clone(), model);
    for &source in sources {
        learn(source, &options, &mut recipe)?;
    }
    Ok(write_recipe(&recipe))
}

fn tell(args: &AdaptTo, talk: Talk, adapted: &Adapted, n_files: usize, n_bytes: usize, seconds: f64) -> Result<Tally> {
    let Adapted { model, begun_with, n_ints, before, after, n_cells, .. } = adapted;
    let bits = |cost: u64| cost as f64 / 256.0 / (*n_ints).max(1) as f64;
    let (before, after) = (bits(*before), bits(*after));
    let mut value = json!({
        "model": model.name, "hash": json::hex(&model.hash), "begun_with": begun_with, "files": n_files,
        "cells": n_cells, "held_out_samples": n_ints, "bits_before": before, "bits_after": after,
        "bytes": n_bytes, "seconds": seconds,
    });
    json::put_name(&mut value, "adapted", &args.output);
    let gain = 100.0 * (1.0 - after / before.max(1e-9));
    let text = format!(
        "{}  {begun_with} adapted to {n_files} files: {before:.3} → {after:.3} bits per sample held out ({gain:.1} % less), {}, {seconds:.0} s",
        print::name(&args.output),
        print::bytes(n_bytes as u64),
    );
    talk.done(&value, &text)?;
    if after >= before {
        talk.note(&format!("nothing was gained on what was held out: the weights are those of {begun_with}"));
    }
    Ok(Tally::default())
}
