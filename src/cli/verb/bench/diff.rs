//! Two reports side by side: b in per cent of a, and whether both machines computed the same.

use crate::cli::measure::noise::round;
use crate::cli::path::input;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use collapsar::internals::{Error, Result};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

pub fn run(a: &Path, b: &Path, talk: Talk) -> Result<Tally> {
    let (before, after) = (read(a)?, read(b)?);
    let (speeds_a, speeds_b) = (speeds(&before), speeds(&after));
    let mut table = Table::new(&["MB/s", "a", "b", "b / a"]);
    let mut rows = Vec::new();
    for (what, a) in &speeds_a {
        let Some(b) = speeds_b.get(what) else { continue };
        table.row(&[what.clone(), format!("{a:.2}"), format!("{b:.2}"), format!("{:.3}", b / a)]);
        rows.push(json!({"what": what, "a": a, "b": b, "b_by_a": round(b / a)}));
    }
    let differing = differing(&before, &after);
    let same_machine = before["machine"] == after["machine"];
    let value = json!({"same_machine": same_machine, "differing_fingerprints": differing, "speeds": rows});
    talk.data(&value, || {
        let warning = if same_machine { "" } else { "the two were not measured on one machine with one build\n" };
        format!("{warning}{}", table.text())
    })?;
    if let Some(first) = differing.first() {
        return Err(Error::verify(format!(
            "{first} was coded to other bytes in {} than in {}",
            print::name(b),
            print::name(a)
        )));
    }
    Ok(Tally::default())
}

fn read(path: &Path) -> Result<Value> {
    let read = || {
        let value: Value = serde_json::from_slice(&input::read_file(path)?)
            .map_err(|e| Error::corrupt(format!("is no report of `bench --json`: {e}")))?;
        match value["report"] == "collapsar bench" {
            true => Ok(value),
            false => Err(Error::corrupt("is no report of `bench --json`")),
        }
    };
    read().map_err(|e: Error| e.at(print::name(path)))
}

fn rows<'a>(report: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    report[key].as_array().into_iter().flatten()
}

fn text<'a>(row: &'a Value, key: &str) -> &'a str {
    row[key].as_str().unwrap_or("?")
}

fn speeds(report: &Value) -> BTreeMap<String, f64> {
    let stages = rows(report, "stages")
        .map(|row| (format!("{} {}", text(row, "model"), text(row, "stage")), row["mb_per_s"].as_f64()));
    let gpu = rows(report, "gpu_stages").map(|row| {
        let what = format!("{} {} on {}", text(row, "model"), text(row, "stage"), text(row, "device"));
        (what, row["mb_per_s"].as_f64())
    });
    let whole = rows(report, "whole").flat_map(|row| {
        let one = |key: &str| {
            (format!("{} whole file {}", text(row, "model"), key.replace("_mb_per_s", "")), row[key].as_f64())
        };
        [one("encode_mb_per_s"), one("decode_mb_per_s")]
    });
    stages.chain(gpu).chain(whole).filter_map(|(what, speed)| Some((what, speed.filter(|s| *s > 0.0)?))).collect()
}

/// Models whose payloads differ between the reports. No device may have others, so none is part of the key.
fn differing(a: &Value, b: &Value) -> Vec<String> {
    let prints = |report| {
        let mut prints: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for row in rows(report, "conformance") {
            let what = format!("{} in {} tiles", text(row, "model"), row["tiles"]);
            prints.entry(what).or_default().insert(text(row, "fingerprint").into());
        }
        prints
    };
    let b = prints(b);
    let differs = |(what, print): &(String, BTreeSet<String>)| b.get(what).is_some_and(|other| other != print);
    prints(a).into_iter().filter(differs).map(|(what, _)| what).collect()
}
