//! What is told of a compressed file: a line, more lines with -v, or JSON

use super::Run;
use crate::cli::machine::resources;
use crate::cli::talk::json;
use crate::cli::talk::print;
use collapsar::internals::codec::file::report::ArrayReport;
use collapsar::internals::device::Device;
use collapsar::internals::quality::Off;
use collapsar::internals::sample::NoiseStep;
use collapsar::internals::{Loss, Report, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

impl Run<'_> {
    pub(super) fn tell(
        &self,
        path: &Path,
        written: Option<&PathBuf>,
        r: &Report,
        seconds: f64,
        checked: bool,
    ) -> Result<()> {
        let (name, used) = (print::name(path), resources::used(r.arrays.iter().any(|a| a.on_gpus)));
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
}

/// LOSSLESS, or LOSSY with what was promised and what came of it.
fn word(r: &Report) -> String {
    if r.is_lossless() {
        return "LOSSLESS".into();
    }
    // what changed without an error is a −0 that is 0 now
    let off = worst(r).unwrap_or(Off::Samples(0.0));
    format!("LOSSY ({}; {}{off})", r.loss.describe(), steps(r))
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
fn steps(r: &Report) -> String {
    let arrays = &r.arrays;
    let number = collapsar::internals::sample::number;
    let ends = |of: fn(&NoiseStep) -> f64| {
        let all = arrays.iter().filter_map(|a| a.noise.as_ref()).map(of);
        let (min, max) = all.fold((f64::INFINITY, 0.0f64), |(min, max), x| (min.min(x), max.max(x)));
        if min < max { format!("{} to {}", number(min), number(max)) } else { number(max) }
    };
    match arrays.iter().any(|a| a.noise.is_some()) {
        true if matches!(r.loss, Loss::Denoise(_)) => format!("σ {}, ", ends(|n| n.sigma)),
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
