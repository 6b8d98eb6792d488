//! A frame from nothing, compressed, tested, restored and compared: what a newcomer sees first.

use super::args;
use super::compare;
use super::contest;
use super::exit::Tally;
use super::models;
use super::painted;
use super::power;
use super::say::{self, Talk};
use collapsar::internals::{Options, Result};
use serde_json::json;
use std::time::Instant;

const SIDE: usize = 2048;

pub fn run(args: &args::Demo) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let models = models::lossless(&models::given(&args.weights)?);
    talk.line(&format!(
        "painting a telescope frame of {SIDE} × {SIDE} samples of 16 bits: sky, stars, noise, hot pixels"
    ));
    let frame = painted::fits(SIDE, SIDE, &painted::frame(SIDE, SIDE, args.seed));

    let options = Options {
        model: models::choice(None, &models::given(&args.weights)?, false)?,
        device: power::device(),
        memory: power::memory(),
        ..Options::default()
    };
    let start = Instant::now();
    let packed = collapsar::internals::compress(&frame, &options)?;
    let seconds = start.elapsed().as_secs_f64();
    let (n_in, n_out) = (frame.len() as u64, packed.len() as u64);
    talk.line(&format!(
        "compress    {} → {}  ratio {:.2}  {}",
        say::bytes(n_in),
        say::bytes(n_out),
        say::ratio(n_in, n_out),
        say::speed_text(say::speed(n_in, seconds))
    ));
    let start = Instant::now();
    let mut back = Vec::with_capacity(frame.len());
    collapsar::internals::decompress_to(&packed, &mut back, &power::decoding(&models), &|_| Ok(()))?;
    let speed = say::speed_text(say::speed(n_in, start.elapsed().as_secs_f64()));
    let same = back == frame;
    let verdict = if same { "every byte is the same: LOSSLESS" } else { "the bytes differ" };
    talk.line(&format!("decompress  {speed}, {verdict}"));
    if !same {
        return Err(collapsar::internals::Error::verify(
            "the restored frame differs from the painted one: please report this",
        ));
    }
    talk.line("");
    let outcome = contest::run(&frame, &models, true)?;
    let value = json!({
        "frame": {"side": SIDE, "seed": args.seed, "bytes": n_in}, "bytes_out": n_out,
        "ratio": say::ratio(n_in, n_out), "lossless": same, "codecs": compare::json_of(&outcome.scores),
        "noise_limit_bytes": outcome.noise_bytes, "device": power::used(outcome.by_network).json(),
    });
    talk.data(&value, || compare::text(1, &outcome.scores, outcome.noise_bytes))?;
    talk.line("\nnext: collapsar compare YOUR_FILES, which writes nothing");
    Ok(Tally::default())
}
