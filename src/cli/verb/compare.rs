//! Ratio and speed on the caller's own files; nothing is written.

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::measure::benchmark_files::{self, Codec, ONCE, Outcome, Row, Turns};
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
    let given = weights::given(&args.weights)?;
    let models = weights::lossless(&given);
    let inputs = input::inputs(&args.files, Wanted::Others, talk)?;
    let codecs = codecs(&models, &weights::lossless_of(&given), talk.verbose, args.quick);
    let (tally, total) = each(&inputs, &codecs, &models, ONCE, talk)?;
    if let Some(total) = total {
        let mut value = json_of(&total);
        value["files"] = total.n_files.into();
        talk.data(&json!({"total": value}), || text(&total))?;
    }
    Ok(tally)
}

/// Every other level and the peers, with the networks that were given; all that there is where more is to be said.
pub fn codecs(models: &[Arc<Model>], given: &[Arc<Model>], verbose: bool, quick: bool) -> Vec<Codec> {
    let last = if quick { 7 } else { 9 };
    let levels = benchmark_files::levels((1..=last).filter(|n| verbose || n % 2 == 1));
    let named = if verbose { benchmark_files::named(models) } else { benchmark_files::networks_named(given, models) };
    levels.into_iter().chain(named).chain(benchmark_files::peers(quick)).collect()
}

/// Every codec on every file, each file told; and all files together, if one was measured.
pub fn each(
    inputs: &[Input],
    codecs: &[Codec],
    models: &[Arc<Model>],
    turns: Turns,
    talk: Talk,
) -> Result<(Tally, Option<Outcome>)> {
    let (mut tally, mut total) = (Tally::default(), None::<Outcome>);
    for input in inputs {
        let result = read(input).and_then(|bytes| benchmark_files::run(&bytes, codecs, models, turns));
        let Some(outcome) = tally.add(&talk, &input.path, result) else { continue };
        let mut value = json_of(&outcome);
        json::put_name(&mut value, "file", &input.path);
        match (talk.json, inputs.len()) {
            (true, _) => talk.data(&value, String::new)?,
            (false, 2..) => talk.line(&format!("{}: {}", print::name(&input.path), in_a_line(&outcome))),
            _ => {}
        }
        match &mut total {
            Some(total) => total.add(&outcome),
            None => total = Some(outcome),
        }
    }
    Ok((tally, total))
}

fn read(input: &Input) -> Result<Vec<u8>> {
    let source = input.open()?.source;
    if source.is_empty() {
        return Err(Error::argument("is empty: there is nothing to compare"));
    }
    if source.len() > MAX_BYTES {
        return Err(Error::limit(format!("is larger than {}, the most that is compared", print::bytes(MAX_BYTES))));
    }
    source.bytes(0, source.len() as usize)
}

/// The rows that say what they are called, and the names of the networks that coded no tile.
fn rows(outcome: &Outcome) -> (Vec<&Row>, Vec<String>) {
    let (misnamed, rows): (Vec<&Row>, Vec<&Row>) = outcome.rows.iter().partition(|row| row.is_misnamed());
    (rows, misnamed.iter().map(|row| row.codec.name()).collect())
}

pub fn json_of(outcome: &Outcome) -> Value {
    let one = |row: &Row| {
        let s = &row.score;
        json!({
            "codec": row.codec.name(), "level": row.level(), "networks": row.networks,
            "bytes_in": s.n_in, "bytes_out": s.n_out, "ratio": print::ratio(s.n_in, s.n_out),
            "encode_mb_per_s": print::speed(s.n_in, s.encode_s), "decode_mb_per_s": print::speed(s.n_in, s.decode_s),
        })
    };
    let (rows, all_classic) = rows(outcome);
    json!({
        "codecs": rows.into_iter().map(one).collect::<Vec<Value>>(), "all_classic": all_classic,
        "noise_limit_bytes": outcome.noise_bytes, "device": resources::used(outcome.on_gpus()).json(),
    })
}

fn in_a_line(outcome: &Outcome) -> String {
    let one = |row: &&Row| format!("{} {:.2}", row.codec.name(), print::ratio(row.score.n_in, row.score.n_out));
    rows(outcome).0.iter().map(one).collect::<Vec<_>>().join(", ")
}

pub fn text(outcome: &Outcome) -> String {
    let mut table = Table::new(&["codec", "bytes", "ratio", "compress MB/s", "decompress MB/s", "networks"]);
    let speed = |n: u64, s: f64| if s > 0.0 { digits(print::speed(n, s)) } else { "-".to_string() };
    let (rows, all_classic) = rows(outcome);
    for row in rows {
        let s = &row.score;
        let ratio = format!("{:.3}", print::ratio(s.n_in, s.n_out));
        let speeds = [speed(s.n_in, s.encode_s), speed(s.n_in, s.decode_s)];
        let [encode, decode] = speeds;
        table.row(&[row.codec.name(), s.n_out.to_string(), ratio, encode, decode, coded_by(row)]);
    }
    if let Some(bytes) = outcome.noise_bytes {
        let ratio = format!("{:.3}", outcome.n_bytes() as f64 / bytes.max(1.0));
        table.row(&["limit if noise is white".into(), format!("{bytes:.0}"), ratio]);
    }
    let files = if outcome.n_files == 1 { "1 file".to_string() } else { format!("{} files", outcome.n_files) };
    let mut out = format!(
        "{files}, {}; collapsar on {} threads, the others on one; level 5 is what compress does\n{}",
        print::bytes(outcome.n_bytes()),
        rayon::current_num_threads(),
        table.text()
    );
    if !all_classic.is_empty() {
        out += &format!("classic modes were smaller in every tile than {}\n", print::clean(&all_classic.join(", ")));
    }
    out
}

/// MB/s: of slow ones more digits.
fn digits(speed: f64) -> String {
    if speed < 9.995 { format!("{speed:.2}") } else { format!("{speed:.1}") }
}

/// Of a row that names none itself.
fn coded_by(row: &Row) -> String {
    match &row.codec {
        Codec::Peer(_) => String::new(),
        _ if row.networks.is_empty() => "none: classic".into(),
        _ => print::clean(&row.networks.iter().map(String::as_str).collect::<Vec<&str>>().join(" + ")),
    }
}
