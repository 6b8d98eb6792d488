//! The command line: the only rooms that print.
//!
//! `args` says what can be asked, a file of `verb` does it. `path` knows files, `machine` threads, memory and devices, `measure` what
//! came of a file; `talk` tells it. Results are data and go to standard output; everything else is talk and goes to standard error.

mod args;
mod interrupt;
mod machine;
mod measure;
mod panic;
mod path;
mod talk;
mod verb;

use args::Args;
use clap::Parser;
use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use talk::exit::{self, Tally};

pub fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    let is_json = args::is_json(&words);
    panic::tell_in_one_line(is_json);
    interrupt::leave_nothing_behind();
    let code = match Args::try_parse_from(args::expand(words, |word| Path::new(word).exists())) {
        Ok(args) => verb::run(&args.verb).map_or_else(|error| exit::tell(&error, None, is_json), Tally::finish),
        Err(error) => exit::usage(&error, is_json),
    };
    ExitCode::from(code)
}
