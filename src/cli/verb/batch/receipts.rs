//! PLAN.receipts/3-of-500-HOST-PID-TIME.jsonl: what one worker did, a line each. No other process writes to its file.
//!
//! Only whole lines count: what a kill left behind the last line end is nothing. A worker holds a lock on its file for as long as it lives.

use super::plan::Plan;
use crate::cli::args::Shard;
use crate::cli::path::names;
use crate::cli::talk::json;
use collapsar::internals::error::explain;
use collapsar::internals::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// The file of this worker; it is there from its first line on.
pub struct Journal {
    folder: PathBuf,
    shard: Shard,
    file: Option<File>,
}

impl Journal {
    pub fn new(plan: &Plan, shard: Shard) -> Journal {
        Journal { folder: plan.receipts(), shard, file: None }
    }

    /// A temporary of this worker is there.
    pub fn begins(&mut self, temporary: &Path) -> Result<()> {
        let mut value = json!({});
        json::put_name(&mut value, "temporary", temporary);
        self.put(&value)
    }

    /// What came of a file. It outlives a power cut.
    pub fn ends(&mut self, value: &Value) -> Result<()> {
        self.put(value)?;
        match &self.file {
            Some(file) => file.sync_data().map_err(|e| failed(&self.folder, &e)),
            None => Ok(()),
        }
    }

    /// A line, at once: two halves of it have no third between them.
    fn put(&mut self, value: &Value) -> Result<()> {
        if self.file.is_none() {
            self.file = Some(self.create()?);
        }
        let file = self.file.as_mut().expect("it has just been made");
        file.write_all(format!("{value}\n").as_bytes()).map_err(|e| failed(&self.folder, &e))
    }

    fn create(&self) -> Result<File> {
        names::make(&self.folder)?;
        let host = host();
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let Shard { index, of } = self.shard;
        let plain = host.as_deref().unwrap_or("host").replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "_");
        let name = format!("{index}-of-{of}-{plain}-{}-{since}.jsonl", std::process::id());
        let mut options = OpenOptions::new();
        let mut file =
            options.append(true).create_new(true).open(self.folder.join(name)).map_err(|e| failed(&self.folder, &e))?;
        hold(&file);
        let head = json!({"host": host, "pid": std::process::id(), "shard": format!("{index}/{of}"),
            "version": env!("CARGO_PKG_VERSION")});
        file.write_all(format!("{head}\n").as_bytes()).map_err(|e| failed(&self.folder, &e))?;
        Ok(file)
    }
}

/// Where there are no locks, age decides what is collected.
#[cfg(unix)]
fn hold(file: &File) {
    let _ = file.lock();
}

/// A lock would keep others from reading.
#[cfg(not(unix))]
fn hold(_: &File) {}

fn failed(folder: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("a receipt cannot be written: {}", explain(error))).at(folder.display())
}

/// The name of this machine, where the system says it.
fn host() -> Option<String> {
    let of = |path: &str| fs::read_to_string(path).ok().map(|name| name.trim().to_string());
    of("/proc/sys/kernel/hostname").or_else(|| of("/etc/hostname")).filter(|name| !name.is_empty())
}

/// That a file was compressed, and to what. Hashes are blake3, as hexadecimal digits.
#[derive(Clone, Debug, PartialEq)]
pub struct Receipt {
    settings: String,
    pub n_bytes_in: u64,
    pub n_bytes_out: u64,
    pub source: String,
    pub output: String,
    /// Of what it decodes to.
    pub content: String,
    /// The source was a .gz, and its content is what it decodes to.
    pub unpacked: bool,
    pub lossless: bool,
}

/// What a worker's file says.
#[derive(Default)]
pub struct Worker {
    pub path: PathBuf,
    pub host: Option<String>,
    pub temporaries: BTreeSet<PathBuf>,
}

/// All that workers said of results.
#[derive(Default)]
pub struct Receipts {
    done: BTreeMap<PathBuf, Vec<Receipt>>,
    failed: BTreeMap<PathBuf, Value>,
    pub workers: Vec<Worker>,
}

impl Receipts {
    /// A folder that is not there holds none.
    pub fn read(plan: &Plan) -> Result<Receipts> {
        let folder = plan.receipts();
        let entries = match fs::read_dir(&folder) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Receipts::default()),
            entries => entries.map_err(|e| Error::from(e).at(folder.display()))?,
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "jsonl"));
        paths.sort();
        let mut receipts = Receipts::default();
        for path in paths {
            let bytes = fs::read(&path).map_err(|e| Error::from(e).at(path.display()))?;
            receipts.add(path, &bytes);
        }
        Ok(receipts)
    }

    fn add(&mut self, path: PathBuf, bytes: &[u8]) {
        let mut worker = Worker { path, ..Worker::default() };
        for value in whole_lines(bytes) {
            if let Some(host) = value["host"].as_str() {
                worker.host = Some(host.to_string());
            } else if let Some(temporary) = json::name(&value, "temporary") {
                worker.temporaries.insert(temporary);
            } else if let Some(output) = json::name(&value, "output") {
                match Receipt::of(&value) {
                    Some(receipt) => self.done.entry(output).or_default().push(receipt),
                    None if value["error"].is_object() => _ = self.failed.insert(output, value),
                    None => {}
                }
            }
        }
        self.workers.push(worker);
    }

    /// For a file of a plan: what was made of it with the same settings when it was as long as it is planned.
    pub fn of(&self, plan: &Plan, output: &Path, n_bytes: u64) -> Vec<&Receipt> {
        let all = self.done.get(output).into_iter().flatten();
        all.filter(|receipt| receipt.settings == plan.key && receipt.n_bytes_in == n_bytes).collect()
    }

    /// Why a file of a plan has none.
    pub fn failure(&self, plan: &Plan, output: &Path) -> Option<&Value> {
        self.failed.get(output).filter(|value| value["settings"] == plan.key.as_str())
    }
}

/// The last one is whole only if a line end follows; and no line counts that is none of ours.
fn whole_lines(bytes: &[u8]) -> impl Iterator<Item = Value> {
    let end = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    bytes[..end].split(|b| *b == b'\n').filter_map(|line| serde_json::from_slice(line).ok())
}

impl Receipt {
    fn of(value: &Value) -> Option<Receipt> {
        let text = |key: &str| value[key].as_str().map(str::to_string);
        Some(Receipt {
            settings: text("settings")?,
            n_bytes_in: value["bytes_in"].as_u64()?,
            n_bytes_out: value["bytes_out"].as_u64()?,
            source: text("source_blake3")?,
            output: text("output_blake3")?,
            content: text("content_blake3")?,
            unpacked: value["unpacked"].as_bool()?,
            lossless: value["lossless"].as_bool()?,
        })
    }
}

/// Whether a worker has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    Alive,
    Ended,
    /// Its machine is another one: a lock that can be taken here may be held there.
    Unknown,
}

impl Worker {
    pub fn life(&self) -> Life {
        let is_here = self.host.is_some() && self.host == host();
        let locked = OpenOptions::new().append(true).open(&self.path).map(|file| file.try_lock());
        match locked {
            Ok(Err(TryLockError::WouldBlock)) => Life::Alive,
            Ok(Ok(())) if is_here => Life::Ended,
            _ => Life::Unknown,
        }
    }
}

/// How long ago a file was written to.
pub fn age(path: &Path) -> Option<Duration> {
    fs::symlink_metadata(path).and_then(|meta| meta.modified()).ok()?.elapsed().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_torn_or_none_of_ours_is_nothing_and_the_others_count() {
        let receipt = |output: &str| {
            json!({"output": output, "settings": "s", "bytes_in": 9, "bytes_out": 3, "source_blake3": "a",
                "output_blake3": "b", "content_blake3": "a", "unpacked": false, "lossless": true})
            .to_string()
        };
        let text =
            format!("{{\"host\": \"h\"}}\n{}\n{{\"outp\n\0\0\0\n{}\n{}", receipt("x"), receipt("y"), receipt("z"));
        let mut receipts = Receipts::default();
        receipts.add("w".into(), text.as_bytes());
        assert_eq!(receipts.done.keys().collect::<Vec<_>>(), [Path::new("x"), Path::new("y")]);
        assert_eq!(receipts.workers[0].host.as_deref(), Some("h"));
        receipts.add("v".into(), format!("{}\n", receipt("z")).as_bytes());
        assert_eq!(receipts.done.len(), 3);
        receipts.add("u".into(), b"");
        receipts.add("t".into(), receipt("q").as_bytes());
        assert_eq!((receipts.done.len(), receipts.workers.len()), (3, 4));
    }
}
