//! a.fits.clps → a.fits, and the same without writing: test

use crate::cli::args::{self, Files, Place};
use crate::cli::machine::{memory, resources};
use crate::cli::measure::verify;
use crate::cli::path::input::{self, Input, Opened, Wanted};
use crate::cli::path::names::{Names, Target};
use crate::cli::path::output::Sink;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::lost;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::progress::Progress;
use crate::cli::verb::restoring;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::codec::file::decode::decode_all;
use collapsar::internals::model::Model;
use collapsar::internals::sample::Bound;
use collapsar::internals::source::Source;
use collapsar::internals::{Error, Result, SalvageReport};
use serde_json::json;
use std::sync::Arc;
use std::time::Instant;

struct Run<'a> {
    /// None: nothing is written.
    place: Option<&'a Place>,
    salvage: bool,
    restore: bool,
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
    /// One of them a network.
    on_gpus: bool,
    /// Of the arrays that lost something when they were compressed.
    bounds: Vec<String>,
    /// Of arrays that were restored, the bits that their mantissas had been rounded to; where nothing was to be restored, None.
    restored: Option<Vec<Option<u32>>>,
}

pub fn run(args: &args::Decompress) -> Result<Tally> {
    let run = Run {
        place: Some(&args.place),
        salvage: args.salvage,
        restore: args.restore,
        talk: Talk::from(&args.talk),
        progress: &args.progress,
        given: weights::given(&args.weights)?,
    };
    run.all(&args.files, &args.place)
}

pub fn test(args: &args::Test) -> Result<Tally> {
    let run = Run {
        place: None,
        salvage: false,
        restore: false,
        talk: Talk::from(&args.talk),
        progress: &args.progress,
        given: weights::given(&args.weights)?,
    };
    run.all(&args.files, &Place::default())
}

impl Run<'_> {
    fn all(&self, files: &Files, place: &Place) -> Result<Tally> {
        let inputs = input::inputs(files, Wanted::Clps, self.talk)?;
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
        let opened = input.open()?;
        let (rm, check) = self.place.map_or((false, false), |p| (p.rm, p.rm || p.verify));
        if target == Some(Target::Stdout) && (self.talk.json || check) {
            return Err(Error::argument("standard output takes the data: --json, --rm and --verify need a file"));
        }
        let mut done = Done {
            n_bytes_in: opened.source.len(),
            n_bytes_out: 0,
            seconds: 0.0,
            checked: false,
            salvage: SalvageReport::default(),
            models: vec![],
            on_gpus: false,
            bounds: vec![],
            restored: None,
            target,
        };
        let held = &opened.held;
        let (mut sink, hash) = self.decode(input, &opened, &mut done).map_err(|e| held.blame(e))?;
        if let (Some(hash), true, Some(path)) = (hash, check, sink.written()?) {
            verify::restored(path, &hash).map_err(|e| held.blame(e))?;
            done.checked = true;
        }
        held.admit(hash.is_some(), rm)?;
        sink.finish(None)?;
        if rm && done.checked {
            held.remove()?;
        }
        Ok(done)
    }

    /// Decodes a file into its sink; and the blake3 that its content has, unless some of it was lost.
    fn decode(&self, input: &Input, opened: &Opened, done: &mut Done) -> Result<(Sink, Option<[u8; 32]>)> {
        let (source, force) = (&opened.source, self.place.is_some_and(|p| p.force));
        let start = Instant::now();
        let sink = || match &done.target {
            Some(target) => Sink::create(target, force, opened.meta.as_ref()),
            None => Ok(Sink::nowhere()),
        };
        let progress = |n_bytes| Progress::start(self.talk, self.progress, &input.path, n_bytes);
        let (sink, hash) = if self.salvage {
            let mut sink = sink()?;
            let progress = progress(source.len());
            let report = collapsar::internals::salvage(source, &mut sink, &self.given, &|at| {
                memory::watch().map(|()| progress.at(at))
            })?;
            if report.unpacked {
                self.talk.note("the file was a .gz: its content is given back unpacked");
            }
            done.bounds = report.bounds.iter().map(Bound::to_string).collect();
            done.salvage = report;
            (sink, None)
        } else {
            // opened before anything is created: a file that is none of ours leaves no trace
            let archive = Archive::open(source, &self.given)?;
            let mut sink = sink()?;
            done.models = model_names(&archive);
            done.on_gpus = archive.arrays().any(|a| a.head.coder.runs_on_gpus());
            done.bounds = archive.arrays().filter_map(|a| a.head.map.bound()).map(|bound| bound.to_string()).collect();
            let progress = progress(archive.reader.content_len());
            let (with, progress) = (resources::all(), |at| memory::watch().map(|()| progress.at(at)));
            if self.restore {
                done.restored = Some(restoring::decode(&archive, &with, &mut sink, &progress)?);
            } else {
                decode_all(&archive, &with, &mut sink, &progress)?;
            }
            (sink, Some(*archive.reader.content_blake3()))
        };
        done.bounds.dedup();
        done.n_bytes_out = sink.n_bytes;
        done.seconds = start.elapsed().as_secs_f64();
        Ok((sink, hash))
    }

    fn tell(&self, input: &Input, done: &Done) -> Result<()> {
        let name = print::name(&input.path);
        let (n_in, n_out) = (done.n_bytes_in, done.n_bytes_out);
        let (ratio, speed) = (print::ratio(n_out, n_in), print::speed(n_out, done.seconds));
        let word = match (self.place, done.salvage.is_whole()) {
            (_, false) => "DAMAGED",
            (None, _) => "OK",
            _ if done.restored.is_some() => "RESTORED",
            _ if done.bounds.is_empty() => "LOSSLESS",
            _ => "LOSSY",
        };
        let bounds = if done.bounds.is_empty() { String::new() } else { format!(" ({})", done.bounds.join(", ")) };
        let restored = done.restored.as_deref().map_or(String::new(), restored);
        let verified = if done.checked { ", verified" } else { "" };
        let line = format!(
            "{name}  {} → {}  ratio {ratio:.2}  {}  {}  {word}{restored}{bounds}{verified}",
            print::bytes(n_in),
            print::bytes(n_out),
            print::speed_text(speed),
            print::clean(&done.models.join(" + ")),
        );
        let used = match self.salvage {
            true => resources::on_cpu("what is left of a damaged file is read by the CPU"),
            false => resources::used(done.on_gpus),
        };
        let mut value = json!({
            "output": null, "device": used.json(), "bytes_in": n_in, "bytes_out": n_out, "ratio": ratio,
            "seconds": done.seconds, "mb_per_s": speed,
            "lossless": done.salvage.is_whole() && done.bounds.is_empty() && done.restored.is_none(),
            "restored_bits": done.restored, "bounds": done.bounds,
            "verified": done.checked, "models": done.models, "damage": done.salvage.damage,
            "lost": lost::json(&done.salvage), "parts_lost": done.salvage.n_lost,
        });
        json::put_name(&mut value, "file", &input.path);
        if let Some(Target::File(path)) = &done.target {
            json::put_name(&mut value, "output", path);
        }
        self.talk.done(&value, &line)?;
        self.talk.verbose(&format!("{name}: {}", used.text()));
        lost::tell(&self.talk, &name, &done.salvage)
    }
}

/// How many arrays, and from how many bits.
fn restored(n_bits: &[Option<u32>]) -> String {
    let mut bits: Vec<String> = n_bits.iter().flatten().map(u32::to_string).collect();
    let (n, all) = (bits.len(), n_bits.len());
    bits.dedup();
    match n {
        0 => format!(" 0 of {all} arrays: none has rounded mantissas"),
        _ => format!(" {n} of {all} arrays, from mantissas of {} bits", bits.join(", ")),
    }
}

/// What the arrays of a file were coded by.
fn model_names(archive: &Archive) -> Vec<String> {
    let mut names: Vec<String> =
        archive.arrays().map(|a| a.head.coder.name().unwrap_or("classic").to_string()).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { vec!["no arrays".into()] } else { names }
}
