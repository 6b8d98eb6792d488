//! What was measured: as JSON, whose format 1 `--diff` reads, as all its tables, and in short on one screen.

use super::adapter::Adapter;
use super::conformance::Conformance;
use super::latency::{self, Latency};
use super::machine;
use super::stage::Stage;
use super::whole::Whole;
use crate::cli::talk::table::Table;
use serde_json::{Value, json};
use std::collections::BTreeSet;

pub struct Report {
    side: usize,
    pub adapters: Vec<Adapter>,
    pub conformance: Vec<Conformance>,
    pub stages: Vec<Stage>,
    pub gpu_stages: Vec<Stage>,
    pub whole: Vec<Whole>,
    pub latencies: Vec<Latency>,
}

/// Adapters and differences that are shown in short.
const MOST_ROWS: usize = 5;

impl Report {
    pub fn new(side: usize, adapters: Vec<Adapter>) -> Report {
        let (conformance, stages, gpu_stages, whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Report { side, adapters, conformance, stages, gpu_stages, whole, latencies: Vec::new() }
    }

    pub fn json(&self) -> Value {
        json!({
            "report": "collapsar bench", "format": 1, "side": self.side, "machine": machine::json(),
            "adapters": self.adapters.iter().map(Adapter::json).collect::<Vec<Value>>(),
            "conformance": self.conformance.iter().map(Conformance::json).collect::<Vec<Value>>(),
            "stages": self.stages.iter().map(Stage::json).collect::<Vec<Value>>(),
            "gpu_stages": self.gpu_stages.iter().map(Stage::json).collect::<Vec<Value>>(),
            "whole": self.whole.iter().map(Whole::json).collect::<Vec<Value>>(),
            "latencies": self.latencies.iter().map(Latency::json).collect::<Vec<Value>>(),
        })
    }

    pub fn text(&self) -> String {
        let tables = [
            self.adapter_table(),
            self.conformance_table(),
            stage_table("CPU, one thread, per tile of 256×256", &self.stages),
            self.gpu_tables(),
            self.whole_table(),
            latency::table(&self.latencies),
        ];
        let tables: Vec<String> = tables.into_iter().filter(|table| !table.is_empty()).collect();
        format!("{}\n{}", machine::text(), tables.join("\n"))
    }

    /// What fits on a screen.
    pub fn summary(&self) -> String {
        format!(
            "{}{}{}\n{}\n{}\nstages, tiles and each device: -v, or --json\n",
            machine::text(),
            self.adapter_lines(),
            self.conformance_lines(),
            self.model_table(),
            latency::table(&self.latencies),
        )
    }

    fn adapter_lines(&self) -> String {
        if self.adapters.is_empty() {
            return "adapters: none, networks run on the CPU\n".into();
        }
        let line = |adapter: &Adapter| {
            let state = adapter.gpu.as_ref().err().map_or(String::new(), |e| format!(", {e}"));
            format!("{}{state}\n", adapter.name())
        };
        self.adapters.iter().take(MOST_ROWS).map(line).collect::<String>() + &further(self.adapters.len())
    }

    /// That all payloads are those of the plain kernels, or which are not.
    fn conformance_lines(&self) -> String {
        let distinct = |of: fn(&Conformance) -> &str| self.conformance.iter().map(of).collect::<BTreeSet<&str>>();
        let (n_models, levels) = (distinct(|c| &c.model).len(), distinct(|c| &c.level));
        let (gpus, levels): (Vec<&str>, Vec<&str>) = levels.into_iter().partition(|level| level.starts_with("gpu:"));
        let gpus = match gpus.len() {
            0 => String::new(),
            1 => " and a GPU".into(),
            n => format!(" and {n} GPUs"),
        };
        let by_gpu = |c: &&Conformance| c.level.starts_with("gpu:");
        let elsewhere: BTreeSet<&str> = self.conformance.iter().filter(by_gpu).map(|c| &c.model[..]).collect();
        let on_cpu: Vec<&str> = distinct(|c| &c.model).into_iter().filter(|name| !elsewhere.contains(name)).collect();
        let by = levels.join(", ") + &gpus;
        let but = match elsewhere.is_empty() || on_cpu.is_empty() {
            true => String::new(),
            false => format!("; no GPU runs {}", on_cpu.join(", ")),
        };
        let wrong: Vec<&Conformance> = self.conformance.iter().filter(|c| !c.is_equal()).collect();
        if wrong.is_empty() {
            return format!("{n_models} networks give the same bytes by {by}{but}\n");
        }
        let line = |c: &&Conformance| format!("{} by {}: {}\n", c.model, c.level, c.verdict());
        let lines: String = wrong.iter().take(MOST_ROWS).map(line).collect();
        format!("{n_models} networks DO NOT give the same bytes by {by}:\n{lines}{}", further(wrong.len()))
    }

    /// A row per network that can be named: a tile on one thread, a whole file on all.
    fn model_table(&self) -> String {
        let threads = format!("file, {} threads: ratio", rayon::current_num_threads());
        let titles = ["CPU, MB/s", "tile, 1 thread: encode", "decode", &threads, "compress", "decompress"];
        let mut table = Table::new(&titles);
        for whole in &self.whole {
            let tile = |what: &str| {
                let stage = self.stages.iter().find(|stage| stage.model == whole.model && stage.stage == what);
                stage.map_or("-".into(), |stage| format!("{:.1}", stage.mb_per_s))
            };
            let [model, ratio, encode, decode] = whole.row();
            table.row(&[model, tile("tile: encode"), tile("tile: decode"), ratio, encode, decode]);
        }
        table.text()
    }

    fn adapter_table(&self) -> String {
        if self.adapters.is_empty() {
            return "adapters: none, networks run on the CPU\n".into();
        }
        let mut table = Table::new(&["adapter", "name", "backend", "driver", "type", ""]);
        self.adapters.iter().for_each(|adapter| table.row(&adapter.row()));
        table.text()
    }

    fn conformance_table(&self) -> String {
        let mut table = Table::new(&["conformance", "computed by", "tiles", "differing bytes", "fingerprint", ""]);
        for c in &self.conformance {
            let numbers = [c.n_tiles, c.n_bytes_differing].map(|n| n.to_string());
            let [n_tiles, n_differing] = numbers;
            let print = c.fingerprint[..16].to_string();
            table.row(&[c.model.clone(), c.level.clone(), n_tiles, n_differing, print, c.verdict()]);
        }
        table.text()
    }

    fn gpu_tables(&self) -> String {
        let table = |adapter: &Adapter| {
            let name = adapter.name();
            let stages = self.gpu_stages.iter().filter(|stage| stage.device == name);
            stage_table(&format!("{name}, per batch of tiles"), stages)
        };
        let tables: Vec<String> = self.adapters.iter().filter(|a| a.gpu.is_ok()).map(table).collect();
        tables.join("\n")
    }

    fn whole_table(&self) -> String {
        let title = format!("whole file, CPU, {} threads", rayon::current_num_threads());
        let mut table = Table::new(&[&title, "ratio", "encode MB/s", "decode MB/s"]);
        self.whole.iter().for_each(|whole| table.row(&whole.row()));
        table.text()
    }
}

/// How many of so many rows are not shown.
fn further(n: usize) -> String {
    if n > MOST_ROWS { format!("… and {} further\n", n - MOST_ROWS) } else { String::new() }
}

fn stage_table<'a>(title: &str, stages: impl IntoIterator<Item = &'a Stage>) -> String {
    let mut table = Table::new(&[title, "stage", "MB/s", "p50 ms", "p95 ms"]);
    stages.into_iter().for_each(|stage| table.row(&stage.row()));
    table.text()
}
