//! What was measured: as JSON, whose format 1 `--diff` reads, and as tables.

use super::adapter::Adapter;
use super::conformance::Conformance;
use super::machine;
use super::stage::Stage;
use super::whole::Whole;
use crate::cli::talk::table::Table;
use serde_json::{Value, json};

pub struct Report {
    side: usize,
    pub adapters: Vec<Adapter>,
    pub conformance: Vec<Conformance>,
    pub stages: Vec<Stage>,
    pub gpu_stages: Vec<Stage>,
    pub whole: Vec<Whole>,
}

impl Report {
    pub fn new(side: usize, adapters: Vec<Adapter>) -> Report {
        let (conformance, stages, gpu_stages, whole) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Report { side, adapters, conformance, stages, gpu_stages, whole }
    }

    pub fn json(&self) -> Value {
        json!({
            "report": "collapsar bench", "format": 1, "side": self.side, "machine": machine::json(),
            "adapters": self.adapters.iter().map(Adapter::json).collect::<Vec<Value>>(),
            "conformance": self.conformance.iter().map(Conformance::json).collect::<Vec<Value>>(),
            "stages": self.stages.iter().map(Stage::json).collect::<Vec<Value>>(),
            "gpu_stages": self.gpu_stages.iter().map(Stage::json).collect::<Vec<Value>>(),
            "whole": self.whole.iter().map(Whole::json).collect::<Vec<Value>>(),
        })
    }

    pub fn text(&self) -> String {
        let tables = [
            self.adapter_table(),
            self.conformance_table(),
            stage_table("CPU, one thread, per tile of 256×256", &self.stages),
            self.gpu_tables(),
            self.whole_table(),
        ];
        let tables: Vec<String> = tables.into_iter().filter(|table| !table.is_empty()).collect();
        format!("{}\n{}", machine::text(), tables.join("\n"))
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

fn stage_table<'a>(title: &str, stages: impl IntoIterator<Item = &'a Stage>) -> String {
    let mut table = Table::new(&[title, "stage", "MB/s", "p50 ms", "p95 ms"]);
    stages.into_iter().for_each(|stage| table.row(&stage.row()));
    table.text()
}
