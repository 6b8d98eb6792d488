//! batch verify: hash of the result = receipt; what it decodes to = receipt; hash of the source, where it still is = receipt
//!
//! What was lossless decodes to its source. What was not decodes to what the encoder held against the bound, sample by sample.

use super::hash::{self, Hashing};
use super::plan::{Plan, Planned};
use super::receipts::{Receipt, Receipts};
use crate::cli::args;
use crate::cli::machine::{memory, resources};
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::codec::file::decode::decode_all;
use collapsar::internals::model::Model;
use collapsar::internals::source::FileSource;
use collapsar::internals::{Error, Result};
use serde_json::json;
use std::fs::File;
use std::io;
use std::sync::Arc;

pub fn run(args: &args::VerifyBatch) -> Result<Tally> {
    resources::apply(&args.resources, &args.talk)?;
    let talk = Talk::from(&args.talk);
    let plan = Plan::read(&args.plan)?;
    let (given, receipts) = (plan.given()?, Receipts::read(&plan)?);
    let mut tally = Tally::default();
    let (mut n_same, mut n_without, mut n_failed) = (0u64, 0u64, 0u64);
    for file in sample(&plan.files, args.sample) {
        let result = one(file, &receipts.of(&plan, &file.output, file.n_bytes), &given);
        match tally.add(&talk, &file.output, result) {
            None => n_failed += 1,
            Some(has_source) => {
                n_same += 1;
                n_without += u64::from(!has_source);
                let mut value = json!({"output": null, "verified": true, "source": has_source});
                json::put_name(&mut value, "output", &file.output);
                let gone = if has_source { "" } else { ", its source is gone" };
                talk.done(&value, &format!("{}  OK{gone}", print::name(&file.output)))?;
            }
        }
    }
    let value = json!({"verified": n_same, "without_source": n_without, "failed": n_failed, "files": plan.files.len()});
    let line = format!(
        "{n_same} of {} files verified, {n_without} of them without their source, {n_failed} failed",
        plan.files.len()
    );
    talk.done(&value, &line)?;
    Ok(tally)
}

/// The files whose names hash lowest: the same ones each time, spread over the plan, in its order.
fn sample(files: &[Planned], share: f64) -> Vec<&Planned> {
    let n = ((files.len() as f64 * share).ceil() as usize).min(files.len());
    let rank = |i: &usize| *blake3::hash(files[*i].output.as_os_str().as_encoded_bytes()).as_bytes();
    let mut numbers: Vec<usize> = (0..files.len()).collect();
    numbers.sort_by_cached_key(rank);
    numbers.truncate(n);
    numbers.sort_unstable();
    numbers.into_iter().map(|i| &files[i]).collect()
}

/// Whether the source was there to be compared.
fn one(file: &Planned, receipts: &[&Receipt], given: &[Arc<Model>]) -> Result<bool> {
    let Some(there) = hash::of_file(&file.output)? else { return Err(Error::verify("is not there: run the batch")) };
    let Some(receipt) = receipts.iter().find(|receipt| receipt.output == there) else {
        let what = if receipts.is_empty() { "has no receipt" } else { "is not what its receipt says" };
        return Err(Error::verify(format!("{what}: run the batch")));
    };
    let written = FileSource::new(File::open(&file.output)?)?;
    let archive = Archive::open(&written, given)?;
    let mut sink = Hashing::new(io::sink());
    decode_all(&archive, &resources::all(), &mut sink, &|_| memory::watch())?;
    if sink.digits() != receipt.content {
        return Err(Error::verify("decodes to something else than its receipt says"));
    }
    if receipt.lossless && !receipt.unpacked && sink.digits() != receipt.source {
        return Err(Error::verify("decodes to something else than its source held"));
    }
    match hash::of_file(&file.path)? {
        None => Ok(false),
        Some(source) if source == receipt.source => Ok(true),
        Some(_) => Err(Error::verify("its source is not what it was when it was compressed")),
    }
}
