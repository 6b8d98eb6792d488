//! The command line: the only rooms that print.
//!
//! `args` says what can be asked, one file per verb does it, `say` talks, `exit` counts what failed. Results are data and go
//! to standard output; everything else is talk and goes to standard error.

mod args;
mod bench;
mod compare;
mod compress;
mod contest;
mod decompress;
mod demo;
mod drivers;
mod eval;
mod exit;
mod held;
mod info;
mod input;
mod interrupt;
mod lost;
mod memory;
mod models;
mod names;
mod noise;
mod output;
mod painted;
mod power;
mod progress;
mod report;
mod say;
mod table;
mod trial;
mod verify;

use args::{Args, Verb};
use clap::Parser;
use collapsar::internals::Result;
use exit::Tally;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let json = args::is_json(&words);
    exit::tell_panics_in_one_line(json);
    interrupt::leave_nothing_behind();
    let code = match Args::try_parse_from(args::expand(words, |word| Path::new(word).exists())) {
        Ok(args) => run(&args.verb).map_or_else(|error| exit::tell(&error, None, json), Tally::finish),
        Err(error) => exit::usage(&error, json),
    };
    ExitCode::from(code)
}

fn run(verb: &Verb) -> Result<Tally> {
    match verb {
        Verb::Compress(a) => power::apply(&a.power, &a.talk).and_then(|()| compress::run(a)),
        Verb::Decompress(a) => power::apply(&a.power, &a.talk).and_then(|()| decompress::run(a)),
        Verb::Test(a) => power::apply(&a.power, &a.talk).and_then(|()| decompress::test(a)),
        Verb::Info(a) => info::run(a),
        Verb::Compare(a) => power::apply(&a.power, &a.talk).and_then(|()| compare::run(a)),
        Verb::Eval(a) => power::apply(&a.power, &a.talk).and_then(|()| eval::run(a)),
        Verb::Report(a) => power::apply(&a.power, &a.talk).and_then(|()| report::run(a)),
        Verb::Bench(a) => power::apply(&a.power, &a.talk).and_then(|()| bench::run(a)),
        Verb::Models(a) => models::run(a),
        Verb::Demo(a) => power::apply(&a.power, &a.talk).and_then(|()| demo::run(a)),
    }
}
