//! files → each over a row of bounds → a page per file, a page of all, lines of CSV, JSON, a table
//!
//! The same files and the same bounds give the same bytes: no time is told here, and the device in JSON only.

use super::keep::N_HALVINGS;
use super::places::{Places, is_stdout, put, title};
use super::rates::{self, Point};
use super::several::{self, Entry};
use super::study::{Plan, Study};
use super::{csv, page};
use crate::cli::args::{self, Files};
use crate::cli::machine::resources;
use crate::cli::measure::trial::Trial;
use crate::cli::path::input::{self, Input, Wanted};
use crate::cli::path::output;
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use crate::cli::verb::eval::{self, TITLES, cell, figures_of_all};
use collapsar::internals::{Error, Loss, Result};
use serde_json::{Value, json};

pub fn run(args: &args::Report) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let outputs = [&args.csv, &args.html].into_iter().flatten();
    let to_stdout = outputs.filter(|path| is_stdout(path)).count();
    if to_stdout + usize::from(talk.json) > 1 {
        return Err(Error::argument("standard output takes one of --csv -, --html - and --json"));
    }
    if let Some(path) = args.csv.as_ref().filter(|path| !is_stdout(path)) {
        output::check(path, args.force)?;
    }
    let losses = match &args.keep {
        Some(_) if args.bounds.is_default() => (1..=6).map(|n| Loss::Rel(10f64.powi(-n))).collect(),
        _ => args.bounds.losses()?,
    };
    let inputs = input::inputs(&Files { files: args.files.clone(), recursive: true }, Wanted::Others, talk)?;
    let is_one = inputs.len() == 1 && inputs[0].root.is_none();
    let mut places = Places::new(args, is_one)?;
    let n_trials = losses.len() + if args.keep.is_some() { N_HALVINGS } else { 0 };
    let n_drawn = match &args.html {
        Some(page) if is_one || !is_stdout(page) => (page::MAX_DRAWN / n_trials).clamp(1, page::MAX_ARRAYS),
        _ => 0,
    };
    let plan = Plan { args, losses, given: weights::given(&args.coding.weights)?, n_drawn, talk };
    let (mut tally, mut lines, mut rows) = (Tally::default(), csv::head(), Vec::new());
    let (mut files, mut n_skipped) = (Vec::new(), 0);
    for input in &inputs {
        match one(input, &plan, &mut places) {
            Ok(Some((study, link))) => {
                if talk.json {
                    talk.data(&json_of(&study), String::new)?;
                }
                lines += &csv::lines(&study);
                text_rows(&study, is_one, &mut rows);
                let missed = study.recommended.as_ref().filter(|recommended| recommended.is_none());
                tally.add(&talk, &input.path, missed.map_or(Ok(()), |none| Err(Error::argument(none.text()))));
                files.push(Entry::new(&study, link));
            }
            Ok(None) => n_skipped += 1,
            Err(error) => _ = tally.add::<()>(&talk, &input.path, Err(error)),
        }
    }
    if n_skipped > 0 {
        talk.line(&format!("{n_skipped} files hold no arrays that are understood"));
    }
    if files.is_empty() {
        return Ok(tally);
    }
    if let Some(path) = &args.csv {
        put(path, args.force, &lines)?;
    }
    if let Some(page) = places.page.as_ref().filter(|_| !is_one) {
        put(page, args.force, &several::page(&title(&args.files, files.len()), &files, n_skipped))?;
    }
    if talk.json && !is_one {
        talk.data(&total(&files), String::new)?;
    }
    if !talk.json && to_stdout == 0 {
        print::out(&text(is_one, &rows, &files))?;
    }
    Ok(tally)
}

fn one(input: &Input, plan: &Plan, places: &mut Places) -> Result<Option<(Study, Option<String>)>> {
    let Some(study) = plan.study(input)? else { return Ok(None) };
    let name = places.name(&study.name, &study.class);
    let (page, link) = places.page_of(&name)?;
    if let Some(path) = page {
        put(&path, plan.args.force, &page::page(&study, places.back().as_deref()))?;
    }
    Ok(Some((study, link)))
}

fn json_of(study: &Study) -> Value {
    let bounds = |trials: &[Trial]| trials.iter().map(|t| eval::json_of(&study.path, t)).collect::<Vec<Value>>();
    let others = study.curves().skip(1).map(|(codec, trials)| json!({"codec": codec, "bounds": bounds(trials)}));
    let device = resources::used(study.trials.iter().any(Trial::on_gpus)).json();
    let mut value = json!({
        "bytes_in": study.n_bytes, "codec": study.curves().next().map(|(codec, _)| codec), "bounds": bounds(&study.trials),
        "others": others.collect::<Vec<Value>>(), "device": device,
    });
    if let Some(recommended) = &study.recommended {
        value["keep"] = recommended.json();
    }
    json::put_name(&mut value, "file", &study.path);
    value
}

fn total(files: &[Entry]) -> Value {
    let point = |p: &Point| {
        json!({
            "codec": p.codec, "bound": p.bound, "bytes_in": p.n_in, "bytes_out": p.n_out, "ratio": print::ratio(p.n_in, p.n_out),
            "bits": p.bits(), "psnr": p.total.psnr(), "ssim": p.total.ssim(), "largest": p.total.largest,
            "largest_of_range": p.total.largest_share,
        })
    };
    let points = rates::summed(files.iter().map(|file| file.points.as_slice()));
    json!({"total": {"files": files.len(), "points": points.iter().map(point).collect::<Vec<Value>>()}})
}

/// A row per codec and bound, with the file before it where there are several.
fn text_rows(study: &Study, is_one: bool, rows: &mut Vec<Vec<String>>) {
    for (codec, trials) in study.curves() {
        for trial in trials {
            let figures = figures_of_all(&trial.total, trial.bits());
            let ratio = print::ratio(trial.n_bytes_in, trial.n_bytes_out.unwrap_or(0));
            let cells = figures.iter().take(TITLES.len()).map(|(_, x)| cell(*x));
            let mut row = vec![codec.to_string(), trial.asked(), format!("{ratio:.2}")];
            row.extend(cells);
            if !is_one {
                row.insert(0, study.name.clone());
            }
            rows.push(row);
        }
    }
}

fn text(is_one: bool, rows: &[Vec<String>], files: &[Entry]) -> String {
    let file = if is_one { &[][..] } else { &["file"] };
    let mut table = Table::new(&[file, &["codec", "bound", "ratio"], &TITLES[..]].concat());
    rows.iter().for_each(|row| table.row(row));
    let why = |file: &Entry| {
        let name = if is_one { String::new() } else { format!("{}: ", file.name) };
        file.recommended.as_ref().map_or(String::new(), |why| format!("{name}{why}\n"))
    };
    table.text() + &files.iter().map(why).collect::<String>()
}
