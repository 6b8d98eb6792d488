//! bounds → (bits per sample, distortion): a table, lines of CSV, JSON, a page; without loss → where bits go: `lossless`
//!
//! The same file and the same bounds give the same bytes: no time is told here, and the device in JSON only.

mod bar;
mod cards;
mod file;
mod fits;
mod folder;
mod keep;
mod lossless;
mod maps;
mod page;
mod plot;
mod png;
mod scatter;
mod sheet;
mod single;
mod stretch;

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::measure::trial::{Original, Trial};
use crate::cli::path::input::Opened;
use crate::cli::path::names::Target;
use crate::cli::path::output::{self, Sink};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use crate::cli::verb::eval::{self, Figures, TITLES, cell, figures, figures_of_all};
use collapsar::internals::source::Source;
use collapsar::internals::{Error, Loss, Result};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;

pub fn run(args: &args::Report) -> Result<Tally> {
    if args.lossless {
        return lossless::run(args);
    }
    let [file] = args.files.as_slice() else {
        return Err(Error::argument("bounds are scanned for one file; several are for --lossless"));
    };
    let talk = Talk::from(&args.talk);
    let mut tally = Tally::default();
    let result = one(file, args, talk);
    tally.add(&talk, file, result);
    Ok(tally)
}

fn one(file: &Path, args: &args::Report, talk: Talk) -> Result<()> {
    let losses = match &args.keep {
        Some(_) if args.bounds.is_default() => (1..=6).map(|n| Loss::Rel(10f64.powi(-n))).collect(),
        _ => args.bounds.losses()?,
    };
    let outputs = [&args.csv, &args.html].into_iter().flatten();
    if outputs.filter(|path| is_stdout(path)).count() + usize::from(talk.json) > 1 {
        return Err(Error::argument("standard output takes one of --csv -, --html - and --json"));
    }
    for path in [&args.csv, &args.html].into_iter().flatten().filter(|path| !is_stdout(path)) {
        // what would be refused after the work is refused before it
        output::check(path, args.force)?;
    }
    let given = weights::given(&args.coding.weights)?;
    let Opened { source, held, .. } = eval::open(file)?;
    let original = Original::new(source, args.raw.array())?.checked()?;
    let name = print::name(file);
    let trial = |loss: Loss| {
        let trial = original.trial(loss, &args.coding, &given)?;
        talk.verbose(&format!("{name}: {}: {} bits", label(&trial), cell(trial.bits())));
        Ok::<_, Error>(trial)
    };
    let (trials, recommended) = match &args.keep {
        None => (losses.into_iter().map(trial).collect::<Result<Vec<Trial>>>()?, None),
        Some(keep) => {
            let (trials, recommended) = keep::scan(keep, losses, args.bounds.is_default(), trial)?;
            (trials, Some(recommended))
        }
    };
    held.check()?;
    let mut is_told = false;
    if let Some(path) = &args.csv {
        is_told |= put(path, args.force, &csv(&trials))?;
    }
    if let Some(path) = &args.html {
        is_told |=
            put(path, args.force, &page::page(&name, recommended.as_ref().map(|r| r.text()).as_deref(), &trials))?;
    }
    let value = || {
        let bounds: Vec<Value> = trials.iter().map(|t| eval::json_of(file, t)).collect();
        let device = resources::used(trials.iter().any(Trial::by_network)).json();
        let mut value = json!({"bytes_in": original.source.len(), "bounds": bounds, "device": device});
        if let Some(recommended) = &recommended {
            value["keep"] = recommended.json();
        }
        json::put_name(&mut value, "file", file);
        value
    };
    if !is_told {
        let why = recommended.as_ref().map_or(String::new(), |r| r.text() + "\n");
        talk.data(&value(), || text(&trials) + &why)?;
    }
    match recommended {
        Some(none) if none.is_none() => Err(Error::argument(none.text())),
        _ => Ok(()),
    }
}

fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

/// Whether standard output has been written to.
fn put(path: &Path, force: bool, text: &str) -> Result<bool> {
    if is_stdout(path) {
        return print::out(text).map(|()| true);
    }
    let mut sink = Sink::create(&Target::File(path.to_owned()), force, None)?;
    sink.write_all(text.as_bytes())?;
    sink.finish(None).map(|_| false)
}

/// What was asked for.
fn label(trial: &Trial) -> String {
    trial.loss.map_or(String::new(), Loss::describe)
}

fn text(trials: &[Trial]) -> String {
    let mut table = Table::new(&[&["bound", "ratio"], &TITLES[..]].concat());
    for trial in trials {
        let figures = figures_of_all(&trial.total, trial.bits());
        let ratio = print::ratio(trial.n_bytes_in, trial.n_bytes_out.unwrap_or(0));
        let cells = figures.iter().take(TITLES.len()).map(|(_, x)| cell(*x));
        table.row(&[label(trial), format!("{ratio:.2}")].into_iter().chain(cells).collect::<Vec<String>>());
    }
    table.text()
}

/// A line per bound and array and one per bound for all; a figure that is none is empty, one that is infinite `inf`.
fn csv(trials: &[Trial]) -> String {
    let head = "bound,array,dtype,shape,samples,excluded,lost,changed,bytes_in,bytes_out";
    let names = figures_of_all(&trials[0].total, None).map(|(name, _)| name).join(",");
    let mut out = format!("{head},{names}\n");
    let mut line = |cells: [String; 10], figures: Figures| {
        let figures = figures.map(|(_, x)| x.map_or(String::new(), |x| format!("{x}")));
        out += &format!("{},{}\n", cells.map(|c| quoted(&c)).join(","), figures.join(","));
    };
    for trial in trials {
        let counts = |counts: [u64; 4]| counts.map(|n| n.to_string());
        let bytes_out = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
        for a in &trial.arrays {
            let shape = a.ty.shape.iter().map(u64::to_string).collect::<Vec<String>>().join("x");
            let q = &a.quality;
            let [samples, excluded, lost, changed] = counts([q.n_samples, q.n_masked, q.n_lost, q.n_changed]);
            let (n_in, n_out) = (a.ty.n_bytes().unwrap_or(0).to_string(), bytes_out(a.coded.map(|c| c.n_bytes)));
            let dtype = a.ty.dtype.name().to_string();
            let cells = [label(trial), a.label.clone(), dtype, shape, samples, excluded, lost, changed, n_in, n_out];
            line(cells, figures(q, a.bits()));
        }
        let t = &trial.total;
        let [samples, excluded, lost, changed] = counts([t.n_samples, t.n_masked, t.n_lost, t.n_changed]);
        let (n_in, n_out) = (trial.n_bytes_in.to_string(), bytes_out(trial.n_bytes_out));
        let (all, none) = ("total".to_string(), String::new());
        let cells = [label(trial), all, none.clone(), none, samples, excluded, lost, changed, n_in, n_out];
        line(cells, figures_of_all(t, trial.bits()));
    }
    out
}

/// As RFC 4180 has it; a name cannot begin a formula.
fn quoted(cell: &str) -> String {
    let cell = print::clean(cell);
    let cell = if cell.starts_with(['=', '+', '-', '@']) { format!("'{cell}") } else { cell };
    if cell.contains([',', '"']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_of_csv_hold_commas_and_quotes_and_no_formulas() {
        let pairs =
            [("a", "a"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("=1+1", "'=1+1"), ("a\nb", "a\\nb")];
        for (cell, text) in pairs {
            assert_eq!(quoted(cell), text);
        }
    }
}
