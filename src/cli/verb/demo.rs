//! A frame from nothing, compressed, tested, restored and compared: what a newcomer sees first.

use super::compare;
use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::measure::benchmark_files::{self, ONCE};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::synthetic;
use collapsar::internals::{Choice, Level, Options, Result};
use serde_json::json;
use std::time::Instant;

const SIDE: usize = 2048;

pub fn run(args: &args::Demo) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let given = weights::given(&args.weights)?;
    let models = weights::lossless(&given);
    talk.line(&format!(
        "a synthetic telescope frame of {SIDE} × {SIDE} samples of 16 bits: sky, stars, noise, hot pixels"
    ));
    let frame = synthetic::fits(SIDE, SIDE, &synthetic::frame(SIDE, SIDE, args.seed));

    let options = Options {
        model: Choice::named(None, &given, Level::default())?,
        device: resources::device(),
        memory: resources::memory(),
        ..Options::default()
    };
    let start = Instant::now();
    let packed = collapsar::internals::compress(&frame, &options)?;
    let seconds = start.elapsed().as_secs_f64();
    let (n_in, n_out) = (frame.len() as u64, packed.len() as u64);
    talk.line(&format!(
        "compress    {} → {}  ratio {:.2}  {}",
        print::bytes(n_in),
        print::bytes(n_out),
        print::ratio(n_in, n_out),
        print::speed_text(print::speed(n_in, seconds))
    ));
    let start = Instant::now();
    let mut back = Vec::with_capacity(frame.len());
    collapsar::internals::decompress_to(&packed, &mut back, &resources::decoding(&models), &|_| Ok(()))?;
    let speed = print::speed_text(print::speed(n_in, start.elapsed().as_secs_f64()));
    let same = back == frame;
    let verdict = if same { "every byte is the same: LOSSLESS" } else { "the bytes differ" };
    talk.line(&format!("decompress  {speed}, {verdict}"));
    if !same {
        return Err(collapsar::internals::Error::verify(
            "the restored frame differs from the synthetic one: please report this",
        ));
    }
    talk.line("");
    let codecs = compare::codecs(&models, &weights::lossless_of(&given), talk.verbose, true);
    let outcome = benchmark_files::run(&frame, &codecs, &models, ONCE)?;
    let mut value = compare::json_of(&outcome);
    value["frame"] = json!({"side": SIDE, "seed": args.seed, "bytes": n_in});
    (value["bytes_out"], value["ratio"], value["lossless"]) =
        (n_out.into(), print::ratio(n_in, n_out).into(), same.into());
    talk.data(&value, || compare::text(&outcome))?;
    talk.line("\nnext: collapsar compare YOUR_FILES, which writes nothing");
    Ok(Tally::default())
}
