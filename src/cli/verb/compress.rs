//! a.fits → a.fits.clps, one line each

use crate::cli::args;
use crate::cli::machine::{memory, resources};
use crate::cli::measure::verify;
use crate::cli::path::held::Held;
use crate::cli::path::input::{self, Input, Opened, Wanted};
use crate::cli::path::names::{Names, Target};
use crate::cli::path::output::Sink;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::progress::Progress;
use crate::cli::verb::recipe;
use collapsar::internals::codec::file::report::ArrayReport;
use collapsar::internals::device::Device;
use collapsar::internals::model::Model;
use collapsar::internals::quality::Off;
use collapsar::internals::sample::NoiseStep;
use collapsar::internals::source::{Change, FileSource, Source};
use collapsar::internals::{Choice, Error, Options, Report, Result};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

struct Run<'a> {
    args: &'a args::Compress,
    talk: Talk,
    options: Options,
    given: Vec<Arc<Model>>,
}

pub fn run(args: &args::Compress) -> Result<Tally> {
    let inputs = input::inputs(&args.files, Wanted::Others, Talk::from(&args.talk))?;
    let given = weights::given(&args.coding.weights)?;
    let mut options = Options { gunzip: args.gunzip, ..options(&args.lossy, &args.coding, &args.arrays, &given)? };
    if let (true, Some(out)) = (args.recipes.learn_recipe, &args.place.output) {
        return recipe::write(out, args.place.force, &inputs, &options, Talk::from(&args.talk));
    }
    let mut names = Names::new(&args.place, inputs.len())?;
    if args.place.stdout && inputs.len() > 1 {
        return Err(Error::argument("several .clps files in one stream cannot be told apart: compress one with -c"));
    }
    options.recipe = recipe::asked(&args.recipes, &inputs, &options, &given)?;
    let run = Run { args, talk: Talk::from(&args.talk), options, given };
    run.warn_of_weights();
    let mut tally = Tally::default();
    for input in &inputs {
        let result = run.one(input, &mut names);
        tally.add(&run.talk, &input.path, result);
    }
    Ok(tally)
}

/// What was asked for, with the device and the memory of this run.
pub fn options(
    lossy: &args::Lossy,
    coding: &args::Coding,
    arrays: &args::Arrays,
    given: &[Arc<Model>],
) -> Result<Options> {
    Ok(Options {
        model: coding.choice(given)?,
        raw: arrays.raw.array(),
        embed: arrays.embed_weights,
        gunzip: false,
        device: resources::device(),
        memory: resources::memory(),
        adapt: coding.adapt(),
        loss: lossy.loss().check()?,
        references: arrays.references(),
        fields: arrays.fields,
        recipe: None,
    })
}

impl Run<'_> {
    fn one(&self, input: &Input, names: &mut Names) -> Result<()> {
        let place = &self.args.place;
        let target = names.compressed(input)?;
        if target == Target::Stdout && (self.talk.json || place.rm || place.verify) {
            return Err(Error::argument("standard output takes the data: --json, --rm and --verify need a file"));
        }
        let Opened { source, meta, held } = input.open()?;
        if self.options.raw.is_none() && !place.force && input::is_clps(&source)? {
            return Err(Error::argument("is a .clps file already: force it with -f"));
        }
        let sink = Sink::create(&target, place.force, meta.as_ref())?;
        let start = Instant::now();
        let (mut sink, report) = {
            let progress = Progress::start(self.talk, &self.args.progress, &input.path, source.len());
            collapsar::internals::compress_to(&source, sink, &self.options, &|at| {
                memory::watch().map(|()| progress.at(at))
            })?
        };
        let seconds = start.elapsed().as_secs_f64();
        let checked = self.check(&mut sink, &report, &source, &held)?;
        let unpacked = if report.gunzipped { unpacked_name(&target, names)? } else { None };
        let written = sink.finish(unpacked.as_deref())?;
        if place.rm && checked {
            held.remove()?;
        }
        self.tell(&input.path, written.as_ref(), &report, seconds, checked)
    }

    /// What was written is what the source held; whether it was read again for that.
    fn check(&self, sink: &mut Sink, report: &Report, source: &FileSource, held: &Held) -> Result<bool> {
        let place = &self.args.place;
        let mut checked = false;
        // where only a reading tells whether the content is another, there is one
        if (place.rm || place.verify || held.change() == Some(Change::Status))
            && let Some(path) = sink.written()?
        {
            let result = verify::compressed(path, source, report, self.args.arrays.raw.array(), &self.given);
            result.map_err(|e| held.blame(e))?;
            checked = true;
        }
        held.admit(checked, place.rm)?;
        Ok(checked)
    }

    fn tell(&self, path: &Path, written: Option<&PathBuf>, r: &Report, seconds: f64, checked: bool) -> Result<()> {
        let (name, used) = (print::name(path), resources::used(r.arrays.iter().any(|a| a.by_network)));
        let (ratio, speed) = (print::ratio(r.n_bytes_in, r.n_bytes_out), print::speed(r.n_bytes_in, seconds));
        let models = model_names(r);
        let sizes = format!("{} → {}", print::bytes(r.n_bytes_in), print::bytes(r.n_bytes_out));
        let word = word(r) + if checked { ", verified" } else { "" };
        let line = format!("{name}  {sizes}  ratio {ratio:.2}  {}  {models}  {word}", print::speed_text(speed));
        let mut value = self.json(path, written, r, seconds, checked);
        value["device"] = used.json();
        self.talk.done(&value, &line)?;
        let how =
            self.level().map_or("no level, what --model or --weights say".into(), |level| format!("level {level}"));
        self.talk.verbose(&format!("{name}: {how}, {}", used.text()));
        if let Some(note) = r.note.as_ref().filter(|_| !self.talk.json) {
            self.talk.line(&format!("{name}: {}", print::clean(note)));
        }
        if r.arrays.iter().any(|a| a.bound.is_some()) && !matches!(self.options.device, Device::Cpu) {
            self.talk.verbose(&format!("{name}: tiles with fill values or exceptions in them are coded by the CPU"));
        }
        for array in &r.arrays {
            self.talk.verbose(&format!(
                "{name}: {}: {}, {}, {} → {}, {}{}{}{}{}",
                print::clean(&array.label),
                collapsar::internals::codec::file::archive::describe(&array.ty),
                array.map,
                print::bytes(array.ty.n_bytes()?),
                print::bytes(array.n_bytes_out),
                array.model.as_deref().unwrap_or("classic"),
                print::refitted(array.refit_bytes),
                array
                    .noise
                    .map_or(String::new(), |n| format!(", noise σ {}", collapsar::internals::sample::number(n.sigma))),
                predicted_from(&array.references),
                off_by(r, array).map_or(String::new(), |off| format!(", {off}")),
            ));
        }
        Ok(())
    }

    /// None where a model was named.
    fn level(&self) -> Option<u8> {
        Some(self.options.model.level_number()).filter(|level| *level > 0)
    }

    fn json(&self, path: &Path, written: Option<&PathBuf>, r: &Report, seconds: f64, checked: bool) -> Value {
        let arrays = r.arrays.iter().map(|a| {
            json!({
                "label": a.label, "dtype": a.ty.dtype.name(), "shape": a.ty.shape, "map": a.map,
                "bytes_in": a.ty.n_bytes().unwrap_or(0), "bytes_out": a.n_bytes_out, "model": a.model,
                "refit_bytes": a.refit_bytes, "references": a.references, "bound": a.bound.map(json::bound),
                "largest_error": a.errors.largest, "off_by": off_by(r, a).map(off_json),
                "samples_changed": a.errors.n_changed, "noise": a.noise.map(json::noise),
            })
        });
        let mut value = json!({
            "output": null, "format": r.format, "level": self.level(), "note": r.note,
            "bytes_in": r.n_bytes_in, "bytes_out": r.n_bytes_out, "ratio": print::ratio(r.n_bytes_in, r.n_bytes_out),
            "seconds": seconds, "mb_per_s": print::speed(r.n_bytes_in, seconds), "lossless": r.is_lossless(),
            "loss": (!r.is_lossless()).then(|| r.loss.describe()), "largest_error": r.errors().largest,
            "off_by": worst(r).map(off_json), "gunzipped": r.gunzipped, "verified": checked, "arrays": arrays.collect::<Vec<Value>>(),
        });
        json::put_name(&mut value, "file", path);
        if let Some(written) = written {
            json::put_name(&mut value, "output", written);
        }
        value
    }

    /// A file whose model is on one disk only cannot be restored elsewhere.
    fn warn_of_weights(&self) {
        let Choice::These(models) = &self.options.model else { return };
        for model in models.iter().filter(|m| !self.options.embed && !weights::is_embedded(&m.hash)) {
            self.talk.note(&format!(
                "model '{}' is not built in: restoring needs its weights file; --embed-weights puts it into each file",
                print::clean(&model.name)
            ));
        }
    }
}

/// a.fits.gz whose content is kept is a.fits.clps; a name that the caller chose stays.
fn unpacked_name(target: &Target, names: &mut Names) -> Result<Option<std::ffi::OsString>> {
    let Target::File(path) = target else { return Ok(None) };
    let Some(stem) = path.file_name().and_then(OsStr::to_str).and_then(|n| n.strip_suffix(".gz.clps")) else {
        return Ok(None);
    };
    let name = format!("{stem}.{}", input::EXTENSION);
    names.claim(&path.with_file_name(&name))?;
    Ok(Some(name.into()))
}

/// LOSSLESS, or LOSSY with what was promised and what came of it.
fn word(r: &Report) -> String {
    if r.is_lossless() {
        return "LOSSLESS".into();
    }
    // what changed without an error is a −0 that is 0 now
    let off = worst(r).unwrap_or(Off::Samples(0.0));
    format!("LOSSY ({}; {}{off})", r.loss.describe(), steps(&r.arrays))
}

/// How far an array is off, in the unit of what was asked for.
fn off_by(r: &Report, array: &ArrayReport) -> Option<Off> {
    Off::of(r.loss, &array.errors, array.ends, array.noise)
}

fn worst(r: &Report) -> Option<Off> {
    r.arrays.iter().filter_map(|array| off_by(r, array)).reduce(Off::worse)
}

fn off_json(off: Off) -> Value {
    let (unit, figure) = off.figure();
    json!({unit: figure})
}

/// What the noise of the arrays decided.
fn steps(arrays: &[ArrayReport]) -> String {
    let number = collapsar::internals::sample::number;
    let ends = |of: fn(&NoiseStep) -> f64| {
        let all = arrays.iter().filter_map(|a| a.noise.as_ref()).map(of);
        let (min, max) = all.fold((f64::INFINITY, 0.0f64), |(min, max), x| (min.min(x), max.max(x)));
        if min < max { format!("{} to {}", number(min), number(max)) } else { number(max) }
    };
    match arrays.iter().any(|a| a.noise.is_some()) {
        true => format!("σ {}, step {}, ", ends(|n| n.sigma), ends(|n| n.step)),
        false => String::new(),
    }
}

/// Other arrays that one is foreseen from.
fn predicted_from(references: &[String]) -> String {
    let names: Vec<String> = references.iter().map(|label| print::clean(label)).collect();
    if names.is_empty() { String::new() } else { format!(", predicted from {}", names.join(" and ")) }
}

/// The networks that were used, or what else was done.
pub fn model_names(report: &Report) -> String {
    let mut names: Vec<&str> = report.arrays.iter().map(|a| a.model.as_deref().unwrap_or("classic")).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { "no arrays".into() } else { print::clean(&names.join(" + ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_gz_loses_its_ending() {
        let place = args::Place {
            output: None,
            output_dir: None,
            stdout: false,
            force: false,
            keep: false,
            rm: false,
            verify: false,
        };
        let mut names = Names::new(&place, 1).unwrap();
        let mut unpacked = |name: &str| {
            let target = Target::File(format!("{name}.clps").into());
            unpacked_name(&target, &mut names).unwrap().map(|n| n.into_string().unwrap())
        };
        assert_eq!(unpacked("no/a.fits.gz").as_deref(), Some("a.fits.clps"));
        assert_eq!(unpacked("no/a.fits"), None);
    }
}
