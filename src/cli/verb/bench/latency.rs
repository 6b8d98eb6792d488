//! How long a frame takes, in memory, at each level: what half of the runs do not exceed, and 95 of 100.

use crate::cli::machine::{memory, resources};
use crate::cli::measure::benchmark_files::{Turns, percentile, timed};
use crate::cli::measure::noise::round;
use crate::cli::talk::print::Talk;
use crate::cli::talk::table::Table;
use collapsar::internals::synthetic;
use collapsar::internals::{Choice, Level, Options, Result};
use serde_json::{Value, json};
use std::time::Duration;

const SIDES: [usize; 3] = [256, 1024, 4096];

/// How much is measured.
pub struct Effort {
    levels: &'static [u8],
    /// The highest level for each side: beyond it a frame takes long.
    last: [u8; SIDES.len()],
    turns: Turns,
}

pub const QUICK: Effort =
    Effort { levels: &[1, 3, 5, 7, 9], last: [9, 7, 5], turns: Turns { most: 3, enough: Duration::from_millis(500) } };
pub const THOROUGH: Effort = Effort {
    levels: &[1, 2, 3, 4, 5, 6, 7, 8, 9],
    last: [9; SIDES.len()],
    turns: Turns { most: 20, enough: Duration::from_secs(10) },
};

pub struct Latency {
    pub level: u8,
    pub side: usize,
    n_turns: usize,
    /// p50 and p95, ms.
    encode: [f64; 2],
    decode: [f64; 2],
}

impl Latency {
    pub fn json(&self) -> Value {
        let ms = |[p50, p95]: [f64; 2]| json!({"p50_ms": round(p50), "p95_ms": round(p95)});
        json!({
            "level": self.level, "side": self.side, "runs": self.n_turns,
            "compress": ms(self.encode), "decompress": ms(self.decode),
        })
    }
}

pub fn measure(effort: &Effort, seed: u64, talk: Talk) -> Result<Vec<Latency>> {
    let mut all = Vec::new();
    for (side, last) in SIDES.into_iter().zip(effort.last) {
        let file = synthetic::fits(side, side, &synthetic::frame(side, side, seed));
        for level in effort.levels.iter().filter(|level| **level <= last).filter_map(|n| Level::new(*n)) {
            talk.verbose(&format!("level {} on a frame of {side}×{side}", level.number()));
            all.push(one(level, side, &file, effort.turns)?);
        }
    }
    Ok(all)
}

fn one(level: Level, side: usize, file: &[u8], turns: Turns) -> Result<Latency> {
    let (device, memory) = (resources::device(), resources::memory());
    let options = Options { model: Choice::Level(level), device, memory, ..Options::default() };
    let unpack = |packed: &Vec<u8>| {
        let mut out = Vec::with_capacity(file.len());
        collapsar::internals::decompress_to(packed, &mut out, &resources::decoding(&[]), &|_| memory::watch())?;
        Ok(out)
    };
    let name = format!("level {}", level.number());
    let (_, times) = timed(&name, file, turns, || collapsar::internals::compress(file, &options), unpack)?;
    let ms = |times: &[f64]| [50, 95].map(|percent| percentile(times, percent) * 1e3);
    let (encode, decode) = (ms(&times.encode), ms(&times.decode));
    Ok(Latency { level: level.number(), side, n_turns: times.encode.len(), encode, decode })
}

/// A row per level, a pair of columns per side.
pub fn table(all: &[Latency]) -> String {
    let sides = SIDES.map(|side| [format!("{side}² compress"), "decompress".to_string()]);
    let titles = ["ms, p50 / p95"].into_iter().chain(sides.iter().flatten().map(String::as_str));
    let mut table = Table::new(&titles.collect::<Vec<&str>>());
    let mut levels: Vec<u8> = all.iter().map(|latency| latency.level).collect();
    levels.sort_unstable();
    levels.dedup();
    for level in levels {
        let cells = SIDES.map(|side| match all.iter().find(|latency| (latency.level, latency.side) == (level, side)) {
            Some(latency) => [latency.encode, latency.decode].map(|[p50, p95]| format!("{} / {}", ms(p50), ms(p95))),
            None => ["-".into(), "-".into()],
        });
        table.row(&[format!("level {level}")].into_iter().chain(cells.into_iter().flatten()).collect::<Vec<String>>());
    }
    table.text()
}

/// Three digits.
fn ms(x: f64) -> String {
    match x {
        ..9.995 => format!("{x:.2}"),
        ..99.95 => format!("{x:.1}"),
        _ => format!("{x:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_measured_has_a_dash_in_its_place() {
        let of = |level, side| Latency { level, side, n_turns: 1, encode: [1.5, 20.0], decode: [0.25, 300.0] };
        let text = table(&[of(1, 256), of(1, 1024), of(1, 4096), of(9, 256)]);
        let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
        let cells = |line: usize| lines[line].iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<&str>>();
        let pair = ["1.50 / 20.0", "0.25 / 300"];
        assert_eq!(cells(1), [&["level 1"][..], &pair, &pair, &pair].concat());
        assert_eq!(cells(2), [&["level 9"][..], &pair, &["-"; 4]].concat());
    }
}
