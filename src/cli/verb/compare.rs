//! Ratio and speed on the caller's own files; nothing is written.

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::measure::benchmark_files::{self, Outcome, Score};
use crate::cli::path::input::{self, Input, Wanted};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use collapsar::internals::model::Model;
use collapsar::internals::source::Source;
use collapsar::internals::{Error, Result};
use serde_json::{Value, json};
use std::sync::Arc;

/// A larger file is not held in memory with all its compressed forms.
const MAX_BYTES: u64 = 2 << 30;

pub fn run(args: &args::Compare) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let models = weights::lossless(&weights::given(&args.weights)?);
    let inputs = input::inputs(&args.files, Wanted::Others, talk)?;
    let mut tally = Tally::default();
    let mut totals: Vec<(String, Score)> = Vec::new();
    let mut noise: Option<f64> = Some(0.0);
    let mut n_good = 0;
    for input in &inputs {
        let result = one(input, &models, args.quick);
        let Some(outcome) = tally.add(&talk, &input.path, result) else { continue };
        n_good += 1;
        noise = noise.zip(outcome.noise_bytes).map(|(a, b)| a + b);
        if totals.is_empty() {
            totals = outcome.scores.clone();
        } else {
            totals.iter_mut().zip(&outcome.scores).for_each(|((_, total), (_, score))| total.add(score));
        }
        let mut value = json!({"codecs": json_of(&outcome.scores), "noise_limit_bytes": outcome.noise_bytes, "device": resources::used(outcome.by_network).json()});
        json::put_name(&mut value, "file", &input.path);
        match (talk.json, inputs.len()) {
            (true, _) => talk.data(&value, String::new)?,
            (false, 2..) => talk.line(&format!("{}: {}", print::name(&input.path), in_a_line(&outcome))),
            _ => {}
        }
    }
    if n_good > 0 {
        let value = json!({"total": {"files": n_good, "codecs": json_of(&totals), "noise_limit_bytes": noise}});
        talk.data(&value, || text(n_good, &totals, noise))?;
    }
    Ok(tally)
}

fn one(input: &Input, models: &[Arc<Model>], quick: bool) -> Result<Outcome> {
    let source = input.open()?.source;
    if source.is_empty() {
        return Err(Error::argument("is empty: there is nothing to compare"));
    }
    if source.len() > MAX_BYTES {
        return Err(Error::limit(format!("is larger than {}, the most that is compared", print::bytes(MAX_BYTES))));
    }
    benchmark_files::run(&source.bytes(0, source.len() as usize)?, models, quick)
}

pub fn json_of(scores: &[(String, Score)]) -> Value {
    let one = |(name, s): &(String, Score)| {
        json!({
            "codec": name, "bytes_in": s.n_in, "bytes_out": s.n_out, "ratio": print::ratio(s.n_in, s.n_out),
            "encode_mb_per_s": print::speed(s.n_in, s.encode_s), "decode_mb_per_s": print::speed(s.n_in, s.decode_s),
        })
    };
    scores.iter().map(one).collect()
}

fn in_a_line(outcome: &Outcome) -> String {
    let one = |(name, s): &(String, Score)| format!("{name} {:.2}", print::ratio(s.n_in, s.n_out));
    outcome.scores.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub fn text(n_files: usize, scores: &[(String, Score)], noise: Option<f64>) -> String {
    let n_in = scores.first().map_or(0, |s| s.1.n_in);
    let mut table = Table::new(&["codec", "bytes", "ratio", "encode MB/s", "decode MB/s"]);
    let speed = |n: u64, s: f64| if s > 0.0 { format!("{:.1}", print::speed(n, s)) } else { "-".to_string() };
    for (name, s) in scores {
        let ratio = format!("{:.3}", print::ratio(s.n_in, s.n_out));
        table.row(&[name.clone(), s.n_out.to_string(), ratio, speed(s.n_in, s.encode_s), speed(s.n_in, s.decode_s)]);
    }
    if let Some(bytes) = noise {
        let ratio = format!("{:.3}", n_in as f64 / bytes.max(1.0));
        table.row(&["limit if noise is white".into(), format!("{bytes:.0}"), ratio, "".into(), "".into()]);
    }
    let files = if n_files == 1 { "1 file".to_string() } else { format!("{n_files} files") };
    format!(
        "{files}, {}; collapsar on {} threads, the others on one; auto is what compress does\n{}",
        print::bytes(n_in),
        rayon::current_num_threads(),
        table.text()
    )
}
