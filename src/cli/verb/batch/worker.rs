//! One file: receipt holds → nothing; else compress → temporary → fsync → rename that replaces nothing → receipt
//!
//! Where two workers have the same file, both write the same bytes, one of them gets the name, and both write a receipt.

use super::hash::{self, Hashing};
use super::plan::{Plan, Planned};
use super::receipts::{Journal, Receipt};
use crate::cli::args;
use crate::cli::interrupt;
use crate::cli::machine::{memory, resources};
use crate::cli::path::input::{Input, Opened};
use crate::cli::path::names;
use crate::cli::talk::exit;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::progress::Progress;
use crate::cli::verb::compress;
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::model::Model;
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::{Error, ErrorKind, Options, Report, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub struct Worker<'a> {
    pub plan: &'a Plan,
    pub options: Options,
    pub given: Vec<Arc<Model>>,
    pub journal: Journal,
    pub talk: Talk,
    pub progress: &'a args::Progress,
}

/// What was coded, and the hash of it.
struct Coded {
    report: Report,
    digits: String,
}

impl Worker<'_> {
    /// The receipt of what was done; None where it had been done. What failed is written down, too.
    pub fn one(&mut self, file: &Planned, receipts: &[&Receipt]) -> Result<Option<Value>> {
        let result = self.work(file, receipts);
        if let Err(error) = &result {
            // what fails because a signal has removed the temporary is no failure
            interrupt::wait_while_ending();
            let mut value = json!({
                "file": null, "output": null, "settings": self.plan.key, "error": {
                    "kind": format!("{:?}", error.kind).to_lowercase(), "message": error.to_string(),
                    "code": exit::code(error.kind),
                },
            });
            json::put_name(&mut value, "file", &file.path);
            json::put_name(&mut value, "output", &file.output);
            let _ = self.journal.ends(&value); // the error itself is told, and decides the exit code
        }
        result
    }

    fn work(&mut self, file: &Planned, receipts: &[&Receipt]) -> Result<Option<Value>> {
        let there = hash::of_file(&file.output)?;
        if there.as_ref().is_some_and(|there| receipts.iter().any(|receipt| receipt.output == *there)) {
            return Ok(None);
        }
        let opened = Input { path: file.path.clone(), root: None }.open()?;
        if opened.source.len() != file.n_bytes {
            let (now, then) = (opened.source.len(), file.n_bytes);
            return Err(changed(format!("has {now} bytes, and {then} when it was planned: plan again")));
        }
        let start = Instant::now();
        match there {
            // no receipt says that it is ours
            Some(there) if receipts.is_empty() => self.compare(file, &opened, &there, start),
            there => self.write(file, &opened, there.is_some(), start),
        }
        .map(Some)
    }

    /// Writes the result: in place of a damaged one, or where there is none.
    fn write(&mut self, file: &Planned, opened: &Opened, is_damaged: bool, start: Instant) -> Result<Value> {
        if let Some(folder) = file.output.parent() {
            names::make(folder)?;
        }
        let existing = if is_damaged { Existing::Replace } else { Existing::Refuse(None) };
        let mut output = match interrupt::create(|| Output::create(&file.output, existing)) {
            Ok(output) => output,
            Err(error) => return self.after_another(file, opened, error, start),
        };
        if let Some(meta) = &opened.meta {
            output.like(meta);
        }
        self.journal.begins(output.temporary())?;
        let (mut output, coded) = self.code(file, opened, output)?;
        output.flush()?;
        let receipt = self.receipt(file, opened, &coded, output.temporary(), start)?;
        interrupt::undisturbed(|| {
            if let Err(error) = output.commit() {
                // another worker was quicker; what it wrote must be the same
                match hash::of_file(&file.output) {
                    Ok(Some(there)) if there == coded.digits => {}
                    _ => return Err(error),
                }
            }
            self.journal.ends(&receipt)
        })?;
        Ok(receipt)
    }

    /// An output that has just come is another worker's: what fails because of it is not told unless it is another file.
    fn after_another(&mut self, file: &Planned, opened: &Opened, error: Error, start: Instant) -> Result<Value> {
        match hash::of_file(&file.output)? {
            Some(there) => self.compare(file, opened, &there, start),
            None => Err(error),
        }
    }

    /// What stands there without a receipt is as good as ours if it is what we would write.
    fn compare(&mut self, file: &Planned, opened: &Opened, there: &str, start: Instant) -> Result<Value> {
        let (_, coded) = self.code(file, opened, io::sink())?;
        if coded.digits != there {
            return Err(Error::argument(format!(
                "{} is there already, is no result of this plan and is kept: move it away",
                print::name(&file.output)
            )));
        }
        let receipt = self.receipt(file, opened, &coded, &file.output, start)?;
        interrupt::undisturbed(|| self.journal.ends(&receipt))?;
        Ok(receipt)
    }

    fn code<W: Write>(&self, file: &Planned, opened: &Opened, to: W) -> Result<(W, Coded)> {
        let source = &opened.source;
        let progress = Progress::start(self.talk, self.progress, &file.path, source.len());
        let (sink, report) = collapsar::internals::compress_to(source, Hashing::new(to), &self.options, &|at| {
            memory::watch().map(|()| progress.at(at))
        })?;
        let digits = sink.digits();
        Ok((sink.to, Coded { report, digits }))
    }

    /// Of what is written in `written`.
    fn receipt(&self, file: &Planned, opened: &Opened, coded: &Coded, written: &Path, start: Instant) -> Result<Value> {
        let report = &coded.report;
        let source = digits_of(&opened.source)?;
        let written = FileSource::new(File::open(written)?)?;
        let content = json::hex(Archive::open(&written, &self.given)?.reader.content_blake3());
        // behind the last reading: all of them saw one state of the source
        opened.held.check()?;
        if report.is_lossless() && !report.gunzipped && content != source {
            return Err(Error::verify("what was written is not what the source holds: check disk and memory"));
        }
        let used = resources::used(report.arrays.iter().any(|a| a.on_gpus));
        let mut value = json!({
            "file": null, "output": null, "bytes_in": report.n_bytes_in, "bytes_out": report.n_bytes_out,
            "source_blake3": source, "output_blake3": coded.digits, "content_blake3": content,
            "lossless": report.is_lossless(), "unpacked": report.gunzipped, "largest_error": report.errors().largest,
            "level": Some(self.options.model.level_number()).filter(|level| *level > 0),
            "models": compress::model_names(report), "settings": self.plan.key, "note": report.note,
            "version": env!("CARGO_PKG_VERSION"), "seconds": start.elapsed().as_secs_f64(), "device": used.name,
        });
        json::put_name(&mut value, "file", &file.path);
        json::put_name(&mut value, "output", &file.output);
        Ok(value)
    }
}

fn changed(text: String) -> Error {
    Error::new(ErrorKind::Changed, text)
}

/// The hash of a source.
fn digits_of(source: &FileSource) -> Result<String> {
    const STEP: u64 = 1 << 20;
    let mut hash = blake3::Hasher::new();
    let mut at = 0;
    while at < source.len() {
        let n = STEP.min(source.len() - at);
        hash.update(&source.bytes(at, n as usize)?);
        at += n;
    }
    Ok(hash.finalize().to_hex().to_string())
}
