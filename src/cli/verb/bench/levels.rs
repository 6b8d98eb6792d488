//! The levels on the caller's files, beside other codecs: ratio, speed both ways, the order of times, and a drawing of it.

use super::chart::{self, Point};
use super::machine;
use crate::cli::args;
use crate::cli::measure::benchmark_files::{self, Outcome, Row, Turns};
use crate::cli::path::input::{self, Wanted};
use crate::cli::path::names::Target;
use crate::cli::path::output::{self, Sink};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use crate::cli::verb::compare;
use collapsar::internals::Level;
use collapsar::internals::Result;
use serde_json::{Value, json};
use std::io::Write;
use std::time::Duration;

const THOROUGH: Turns = Turns { most: 5, enough: Duration::from_secs(1) };

pub fn run(args: &args::Bench, talk: Talk) -> Result<Tally> {
    if let Some(path) = &args.svg {
        // what would be refused after the work is refused before it
        output::check(path, args.force)?;
    }
    let files = args::Files { files: args.levels.clone(), recursive: false };
    let inputs = input::inputs(&files, Wanted::Others, talk)?;
    let models = weights::lossless(&weights::given(&args.weights)?);
    let mut codecs = benchmark_files::levels(Level::FIRST..=Level::LAST);
    codecs.extend(benchmark_files::peers(false));
    let turns = if args.quick { benchmark_files::ONCE } else { THOROUGH };
    let (tally, total) = compare::each(&inputs, &codecs, &models, turns, talk)?;
    let Some(total) = total else { return Ok(tally) };
    let mut value = compare::json_of(&total);
    (value["files"], value["machine"], value["order"]) = (total.n_files.into(), machine::json(), order_json(&total));
    talk.data(&json!({"total": value}), || format!("{}{}", compare::text(&total), order_text(&total)))?;
    if let Some(path) = &args.svg {
        let mut sink = Sink::create(&Target::File(path.clone()), args.force, None)?;
        sink.write_all(drawing(&total).as_bytes())?;
        sink.finish(None)?;
        talk.line(&format!("drawn: {}", print::name(path)));
    }
    Ok(tally)
}

/// The levels from the fastest to the slowest.
fn order(total: &Outcome, seconds: impl Fn(&Row) -> f64) -> Vec<u8> {
    let mut levels: Vec<(u8, f64)> = total.rows.iter().filter_map(|row| Some((row.level()?, seconds(row)))).collect();
    levels.sort_by(|a, b| a.1.total_cmp(&b.1));
    levels.into_iter().map(|(level, _)| level).collect()
}

fn order_json(total: &Outcome) -> Value {
    json!({"compress": order(total, |row| row.score.encode_s), "decompress": order(total, |row| row.score.decode_s)})
}

fn order_text(total: &Outcome) -> String {
    let words = |levels: Vec<u8>| levels.iter().map(u8::to_string).collect::<Vec<String>>().join(" ");
    format!(
        "levels from the fastest to the slowest: compress {}; decompress {}\n",
        words(order(total, |row| row.score.encode_s)),
        words(order(total, |row| row.score.decode_s))
    )
}

fn drawing(total: &Outcome) -> String {
    let point = |row: &Row| {
        let s = &row.score;
        let speed = |seconds: f64| if seconds > 0.0 { print::speed(s.n_in, seconds) } else { 0.0 };
        Point {
            name: row.level().map_or_else(|| row.codec.name(), |level| level.to_string()),
            is_level: row.level().is_some(),
            ratio: print::ratio(s.n_in, s.n_out),
            speeds: [speed(s.encode_s), speed(s.decode_s)],
        }
    };
    let points: Vec<Point> = total.rows.iter().map(point).collect();
    let files = if total.n_files == 1 { "1 file".to_string() } else { format!("{} files", total.n_files) };
    let threads = rayon::current_num_threads();
    let head = format!(
        "Ratio against speed: {files}, {}; {}, {threads} threads, other codecs 1",
        print::bytes(total.n_bytes()),
        machine::cpu()
    );
    chart::chart(&head, &points)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::measure::benchmark_files::{Codec, Score};
    use collapsar::internals::peers::Peer;

    #[test]
    fn levels_are_ordered_by_their_times_and_peers_are_not_among_them() {
        let row = |codec: Codec, encode_s: f64, decode_s: f64| Row {
            codec,
            score: Score { n_in: 1, n_out: 1, encode_s, decode_s },
            networks: Default::default(),
        };
        let levels = benchmark_files::levels([1, 3, 5]);
        let rows = levels.into_iter().zip([(1.0, 0.2), (3.0, 0.1), (2.0, 0.3)]);
        let mut rows: Vec<Row> = rows.map(|(codec, (encode, decode))| row(codec, encode, decode)).collect();
        rows.push(row(Codec::Peer(Peer::Rice), 0.5, 0.5));
        let total = Outcome { n_files: 1, rows, noise_bytes: None };
        assert_eq!(order_json(&total), json!({"compress": [1, 5, 3], "decompress": [3, 1, 5]}));
        assert!(order_text(&total).contains("compress 1 5 3; decompress 3 1 5"));
    }
}
