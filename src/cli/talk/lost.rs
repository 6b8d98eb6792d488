//! What `--salvage` could not give back, for people and for programs.

use super::print::{self, Talk};
use collapsar::internals::{Error, Lost, Result, SalvageReport, What};
use serde_json::{Value, json};
use std::ops::Range;

/// Lines about one file; beyond them they are counted.
const MAX_LINES: usize = 10_000;

/// The parts of the content that are lost; ranges as everywhere else: from 0, the end not included.
pub fn json(report: &SalvageReport) -> Value {
    report.lost.iter().map(part).collect()
}

fn part(Lost { what, written, why }: &Lost) -> Value {
    let ends = |range: Range<u64>| json!([range.start, range.end]);
    match what {
        What::Samples { array, region, phase } => json!({
            "array": array, "planes": ends(region.planes()), "rows": ends(region.rows()),
            "columns": ends(region.columns()), "phase": phase, "written": written, "why": why,
        }),
        What::Bytes(bytes) => json!({"bytes": ends(bytes.clone()), "written": written, "why": why}),
    }
}

/// Names what is damaged and what is lost; an error where anything is.
pub fn tell(talk: &Talk, name: &str, report: &SalvageReport) -> Result<()> {
    let lines = |what: &str, all: &mut dyn Iterator<Item = String>| {
        all.take(MAX_LINES).for_each(|line| talk.note(&format!("{name}: {what}: {}", print::clean(&line))));
    };
    lines("damaged", &mut report.damage.iter().cloned());
    lines("lost", &mut report.lost.iter().map(Lost::to_string));
    let SalvageReport { n_tiles, n_tiles_lost, n_lost, .. } = *report;
    if report.is_whole() {
        Ok(())
    } else if n_lost == 0 {
        Err(Error::corrupt("it is damaged where nothing of its content is: all of that was given back"))
    } else {
        let parts = if n_lost == 1 {
            "1 part of the content is lost"
        } else {
            &format!("{n_lost} parts of the content are lost")
        };
        Err(Error::corrupt(format!(
            "{parts}, {n_tiles_lost} of {n_tiles} tiles; what stands there instead, each line says"
        )))
    }
}
