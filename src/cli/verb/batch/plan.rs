//! plan.jsonl: a line with the settings, then a line per file: {"file", "bytes", "output"}

use crate::cli::args::{self, Files, Place, Settings};
use crate::cli::path::input::{self, Input, Wanted};
use crate::cli::path::names::{Names, Target};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::model::Model;
use collapsar::internals::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Of the lines of a plan.
const VERSION: u64 = 1;

pub struct Plan {
    pub path: PathBuf,
    pub settings: Settings,
    /// What tells these settings, weights included, from all others.
    pub key: String,
    pub files: Vec<Planned>,
}

pub struct Planned {
    pub path: PathBuf,
    pub n_bytes: u64,
    pub output: PathBuf,
}

/// `batch plan`
pub fn write(args: &args::Plan) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let (words, settings) = (args.settings.words(), &args.settings);
    let given = weights::given(&settings.coding.weights)?;
    settings.coding.choice(&given)?;
    settings.lossy.loss().check()?;
    let files = planned(args, talk)?;
    let n_bytes: u64 = files.iter().map(|file| file.n_bytes).sum();
    let mut head = json!({
        "collapsar_plan": VERSION, "version": env!("CARGO_PKG_VERSION"), "options": words,
        "level": settings.coding.choice(&given)?.level_number(), "model": settings.coding.model,
        "loss": settings.lossy.loss().describe(), "settings": key(&words, &given),
        "weights": [], "files": files.len(), "bytes": n_bytes,
    });
    for path in &settings.coding.weights.weights {
        let mut weights = json!({});
        json::put_name(&mut weights, "file", &absolute(path)?);
        head["weights"].as_array_mut().expect("it is a list").push(weights);
    }

    let mut out =
        Output::create(&args.output, if args.force { Existing::Replace } else { Existing::Refuse(Some("-f")) })?;
    writeln!(out, "{head}")?;
    for file in &files {
        writeln!(out, "{}", line(file))?;
    }
    out.commit()?;
    let mut value = json!({"files": files.len(), "bytes": n_bytes, "settings": head["settings"]});
    json::put_name(&mut value, "plan", &args.output);
    let name = print::name(&args.output);
    talk.done(&value, &format!("{name}  {} files, {}", files.len(), print::bytes(n_bytes)))?;
    Ok(Tally::default())
}

fn line(file: &Planned) -> Value {
    let mut line = json!({"file": null, "bytes": file.n_bytes, "output": null});
    json::put_name(&mut line, "file", &file.path);
    json::put_name(&mut line, "output", &file.output);
    line
}

/// What is to be done, in the order given; folders in the order of names.
fn planned(args: &args::Plan, talk: Talk) -> Result<Vec<Planned>> {
    let inputs = input::inputs(&Files { files: args.files.clone(), recursive: true }, Wanted::Others, talk)?;
    let place = Place { output_dir: args.output_dir.clone(), ..Place::default() };
    let mut names = Names::new(&place, inputs.len())?;
    let ours = [absolute(&args.output)?, receipts_of(&absolute(&args.output)?)];
    let mut files = Vec::new();
    for input in inputs {
        let path = absolute(&input.path)?;
        if ours.iter().any(|own| path.starts_with(own)) {
            continue;
        }
        let named = |e: Error| e.at(print::name(&input.path));
        let file = one(&input, &mut names).map_err(named)?;
        files.push(Planned { path, output: absolute(&file.1)?, n_bytes: file.0 });
    }
    Ok(files)
}

/// Bytes of a file, and the name of its result.
fn one(input: &Input, names: &mut Names) -> Result<(u64, PathBuf)> {
    if input.is_stdin() {
        return Err(Error::argument("can be read only once: name files"));
    }
    let missing = |text: String| Error::new(ErrorKind::Missing, text);
    let meta = fs::metadata(&input.path).map_err(|e| missing(format!("cannot be read: {e}")))?;
    if !meta.is_file() {
        return Err(missing("is no file that can be read again".into()));
    }
    match names.planned(input)? {
        Target::File(output) => Ok((meta.len(), output)),
        Target::Stdout => Err(Error::argument("results of a plan are files")),
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| Error::from(e).at(print::name(path)))
}

fn key(words: &[String], given: &[Arc<Model>]) -> String {
    let mut hash = blake3::Hasher::new();
    hash.update(json!(words).to_string().as_bytes());
    given.iter().for_each(|model| _ = hash.update(&model.hash));
    json::hex(&hash.finalize().as_bytes()[..16])
}

/// Where the receipts of a plan lie.
fn receipts_of(plan: &Path) -> PathBuf {
    let mut name = OsString::from(plan.file_name().unwrap_or_default());
    name.push(".receipts");
    plan.with_file_name(name)
}

impl Plan {
    pub fn read(path: &Path) -> Result<Plan> {
        let named = |e: Error| e.at(print::name(path));
        let text = input::read_file(path).map_err(named)?;
        let text =
            String::from_utf8(text).map_err(|_| named(Error::corrupt("is not a plan: make one with batch plan")))?;
        Plan::of(path, &text).map_err(named)
    }

    fn of(path: &Path, text: &str) -> Result<Plan> {
        let broken = || Error::corrupt("is not a plan, or not a whole one: make one with batch plan");
        let mut lines = text.lines().map(serde_json::from_str::<Value>);
        let head = lines.next().and_then(|line| line.ok()).ok_or_else(broken)?;
        match head["collapsar_plan"].as_u64() {
            Some(VERSION) => {}
            Some(n) => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!("is a plan of version {n}: install a newer collapsar"),
                ));
            }
            None => return Err(broken()),
        }
        let words: Option<Vec<String>> =
            head["options"].as_array().and_then(|words| words.iter().map(|w| Some(w.as_str()?.to_string())).collect());
        let mut settings = Settings::of(&words.ok_or_else(broken)?)?;
        let weights = head["weights"].as_array().ok_or_else(broken)?;
        settings.coding.weights.weights =
            weights.iter().map(|w| json::name(w, "file")).collect::<Option<_>>().ok_or_else(broken)?;
        let file = |line: Value| {
            let (path, output) = (json::name(&line, "file")?, json::name(&line, "output")?);
            Some(Planned { path, output, n_bytes: line["bytes"].as_u64()? })
        };
        let files: Option<Vec<Planned>> = lines.map(|line| file(line.ok()?)).collect();
        let files = files.filter(|files| head["files"].as_u64() == Some(files.len() as u64)).ok_or_else(broken)?;
        let key = head["settings"].as_str().ok_or_else(broken)?.to_string();
        Ok(Plan { path: path.to_owned(), settings, key, files })
    }

    /// The weights that it was made with.
    pub fn given(&self) -> Result<Vec<Arc<Model>>> {
        let given = weights::given(&self.settings.coding.weights)?;
        match key(&self.settings.words(), &given) == self.key {
            true => Ok(given),
            false => Err(Error::argument("the weights files are not those that it was made with: plan again")
                .at(print::name(&self.path))),
        }
    }

    /// The folder of its receipts.
    pub fn receipts(&self) -> PathBuf {
        receipts_of(&self.path)
    }
}
