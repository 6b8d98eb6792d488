//! a.fits.clps → a.fits, and the same without writing: test

use super::args::{self, Files, Place};
use super::exit::Tally;
use super::input::{self, Input, Opened, Wanted};
use super::names::{Names, Target};
use super::output::Sink;
use super::power;
use super::progress::Progress;
use super::say::{self, Talk};
use super::{lost, models, verify};
use collapsar::codec::archive::Archive;
use collapsar::codec::decode::decode_all;
use collapsar::model::Model;
use collapsar::sample::Bound;
use collapsar::source::Source;
use collapsar::{Error, Result, SalvageReport};
use serde_json::json;
use std::fs;
use std::sync::Arc;
use std::time::Instant;

struct Run<'a> {
    /// None: nothing is written.
    place: Option<&'a Place>,
    salvage: bool,
    talk: Talk,
    progress: &'a args::Progress,
    given: Vec<Arc<Model>>,
}

/// What came of a file.
struct Done {
    target: Option<Target>,
    n_bytes_in: u64,
    n_bytes_out: u64,
    seconds: f64,
    checked: bool,
    /// What `--salvage` found; of a file that was to be whole, nothing.
    salvage: SalvageReport,
    models: Vec<String>,
    /// Of the arrays that lost something when they were compressed.
    bounds: Vec<String>,
}

pub fn run(args: &args::Decompress) -> Result<Tally> {
    let run = Run {
        place: Some(&args.place),
        salvage: args.salvage,
        talk: Talk::from(&args.talk),
        progress: &args.progress,
        given: models::given(&args.weights)?,
    };
    run.all(&args.files, &args.place)
}

pub fn test(args: &args::Test) -> Result<Tally> {
    let run = Run {
        place: None,
        salvage: false,
        talk: Talk::from(&args.talk),
        progress: &args.progress,
        given: models::given(&args.weights)?,
    };
    run.all(&args.files, &Place::default())
}

impl Run<'_> {
    fn all(&self, files: &Files, place: &Place) -> Result<Tally> {
        let inputs = input::inputs(files, Wanted::Clps)?;
        let mut names = Names::new(place, inputs.len())?;
        let mut tally = Tally::default();
        for input in &inputs {
            let result = self.one(input, &mut names).and_then(|done| self.tell(input, &done));
            tally.add(&self.talk, &input.path, result);
        }
        Ok(tally)
    }

    fn one(&self, input: &Input, names: &mut Names) -> Result<Done> {
        let target = self.place.map(|_| names.restored(input)).transpose()?;
        let Opened { source, meta } = input.open()?;
        let force = self.place.is_some_and(|p| p.force);
        let (rm, check) = self.place.map_or((false, false), |p| (p.rm, p.rm || p.verify));
        if target == Some(Target::Stdout) && (self.talk.json || check) {
            return Err(Error::argument("standard output takes the data: --json, --rm and --verify need a file"));
        }
        let start = Instant::now();
        let mut done = Done {
            n_bytes_in: source.len(),
            n_bytes_out: 0,
            seconds: 0.0,
            checked: false,
            salvage: SalvageReport::default(),
            models: vec![],
            bounds: vec![],
            target: target.clone(),
        };
        let sink = || match &target {
            Some(target) => Sink::create(target, force, meta.as_ref()),
            None => Ok(Sink::nowhere()),
        };
        let progress = |n_bytes| Progress::start(self.talk, self.progress, &say::name(&input.path), n_bytes);
        let (sink, hash) = if self.salvage {
            let mut sink = sink()?;
            let progress = progress(source.len());
            let report = collapsar::salvage(&source, &mut sink, &self.given, &|at| progress.at(at))?;
            if report.unpacked {
                self.talk.note("the file was a .gz: its content is given back unpacked");
            }
            done.bounds = report.bounds.iter().map(Bound::to_string).collect();
            done.salvage = report;
            (sink, None)
        } else {
            // opened before anything is created: a file that is none of ours leaves no trace
            let archive = Archive::open(&source, &self.given)?;
            done.models = model_names(&archive);
            done.bounds = archive.arrays().filter_map(|a| a.head.map.bound()).map(|bound| bound.to_string()).collect();
            let mut sink = sink()?;
            let progress = progress(archive.reader.content_len());
            decode_all(&archive, &power::resources(), &mut sink, &|at| progress.at(at))?;
            (sink, Some(*archive.reader.content_blake3()))
        };
        done.bounds.dedup();
        done.n_bytes_out = sink.n_bytes;
        done.seconds = start.elapsed().as_secs_f64();
        let written = sink.finish(None)?;
        if let (Some(path), Some(hash), true) = (&written, hash, check) {
            verify::restored(path, &hash)?;
            done.checked = true;
        }
        if rm && done.checked && meta.is_some() {
            fs::remove_file(&input.path).map_err(|e| Error::from(e).at("the source cannot be removed"))?;
        }
        Ok(done)
    }

    fn tell(&self, input: &Input, done: &Done) -> Result<()> {
        let name = say::name(&input.path);
        let (n_in, n_out) = (done.n_bytes_in, done.n_bytes_out);
        let (ratio, speed) = (say::ratio(n_out, n_in), say::speed(n_out, done.seconds));
        let word = match (self.place, done.salvage.is_whole()) {
            (_, false) => "DAMAGED",
            (None, _) => "OK",
            _ if done.bounds.is_empty() => "LOSSLESS",
            _ => "LOSSY",
        };
        let bounds = if done.bounds.is_empty() { String::new() } else { format!(" ({})", done.bounds.join(", ")) };
        let verified = if done.checked { ", verified" } else { "" };
        let line = format!(
            "{name}  {} → {}  ratio {ratio:.2}  {}  {}  {word}{bounds}{verified}",
            say::bytes(n_in),
            say::bytes(n_out),
            say::speed_text(speed),
            say::clean(&done.models.join(" + ")),
        );
        let output = match &done.target {
            Some(Target::File(path)) => Some(path.to_string_lossy()),
            _ => None,
        };
        let value = json!({
            "file": name, "output": output, "bytes_in": n_in, "bytes_out": n_out, "ratio": ratio,
            "seconds": done.seconds, "mb_per_s": speed,
            "lossless": done.salvage.is_whole() && done.bounds.is_empty(), "bounds": done.bounds,
            "verified": done.checked, "models": done.models, "damage": done.salvage.damage,
            "lost": lost::json(&done.salvage), "parts_lost": done.salvage.n_lost,
        });
        self.talk.done(&value, &line)?;
        lost::tell(&self.talk, &name, &done.salvage)
    }
}

/// What the arrays of a file were coded by.
fn model_names(archive: &Archive) -> Vec<String> {
    let mut names: Vec<String> = archive.arrays().map(|a| a.head.coder().unwrap_or("classic").to_string()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { vec!["no arrays".into()] } else { names }
}
