//! This machine, measured on built-in data: who computes, whether it computes right, and how fast each stage is.

mod cpu;
mod diff;
mod machine;
mod random;

use super::args;
use super::exit::Tally;
use super::models;
use super::painted;
use super::say::Talk;
use super::table::Table;
use collapsar::Result;
use collapsar::model::{Family, Model};
use cpu::{Conformance, Stage, Whole};
use serde_json::{Value, json};
use std::sync::Arc;

/// Sides of the frame, in samples: 4 tiles, 64 tiles.
const QUICK: usize = 512;
const THOROUGH: usize = 2048;
const SEED: u64 = 1;

pub fn run(args: &args::Bench) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    if let Some([a, b]) = args.diff.as_deref() {
        return diff::run(a, b, talk);
    }
    let given = models::given(&args.weights)?;
    let at_hand = models::at_hand(&given);
    let mut models = at_hand.clone();
    for family in [Family::Pixelcnn, Family::Lattice] {
        models.push(Arc::new(random::model(family)?)); // what a stage costs does not depend on what a net has learnt
    }
    let side = if args.quick { QUICK } else { THOROUGH };
    let frame = painted::frame(side, side, SEED);
    let mut report = Report { side, ..Report::default() };
    for model in &models {
        talk.verbose(&format!("measuring {}", model.name));
        report.conformance.push(cpu::conformance(model)?);
        report.stages.extend(cpu::stages(model, &frame, side)?);
    }
    for model in &at_hand {
        report.whole.push(cpu::whole(Some(model), &frame, side)?);
    }
    report.whole.push(cpu::whole(None, &frame, side)?);
    talk.data(&report.json(), || report.text())?;
    Ok(Tally::default())
}

#[derive(Default)]
struct Report {
    side: usize,
    conformance: Vec<Conformance>,
    stages: Vec<Stage>,
    whole: Vec<Whole>,
}

impl Report {
    fn json(&self) -> Value {
        json!({
            "report": "collapsar bench", "format": 1, "side": self.side, "machine": machine::json(),
            "adapters": machine::adapters(),
            "conformance": self.conformance.iter().map(Conformance::json).collect::<Vec<Value>>(),
            "stages": self.stages.iter().map(Stage::json).collect::<Vec<Value>>(),
            "whole": self.whole.iter().map(Whole::json).collect::<Vec<Value>>(),
        })
    }

    fn text(&self) -> String {
        let mut out = machine::text();
        let adapters = machine::adapters();
        out += &match adapters.is_empty() {
            true => "adapters: none, networks run on the CPU\n".to_string(),
            false => format!("adapters: {}\n", adapters.join(", ")),
        };
        out += "\n";
        let mut table = Table::new(&["conformance", "level", "tiles", "fingerprint", ""]);
        for c in &self.conformance {
            table.row(&[
                c.model.clone(),
                c.level.into(),
                c.n_tiles.to_string(),
                c.fingerprint[..16].into(),
                "equal".into(),
            ]);
        }
        out += &table.text();
        out += "\n";
        let mut table = Table::new(&["one thread, per tile of 256×256", "stage", "MB/s", "p50 ms", "p95 ms"]);
        for s in &self.stages {
            let [speed, p50, p95] = [s.mb_per_s, s.p50_ms, s.p95_ms].map(|x| format!("{x:.2}"));
            table.row(&[s.model.clone(), s.stage.into(), speed, p50, p95]);
        }
        out += &table.text();
        out += "\n";
        let title = format!("whole file, {} threads", rayon::current_num_threads());
        let mut table = Table::new(&[&title, "ratio", "encode MB/s", "decode MB/s"]);
        for w in &self.whole {
            let [ratio, encode, decode] = [w.ratio, w.encode, w.decode].map(|x| format!("{x:.2}"));
            table.row(&[w.model.clone(), ratio, encode, decode]);
        }
        out + &table.text()
    }
}

/// The model's name, or what stands for none.
fn name_of(model: Option<&Model>) -> String {
    model.map_or("classic".into(), |m| m.name.clone())
}
