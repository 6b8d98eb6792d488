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
use collapsar::internals::Result;
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::quality::Stretch;
use std::ffi::OsString;
use std::path::Path;
use talk::exit::{self, Tally};

/// Runs the command and returns its exit code: `words` are its name and its arguments. The process is its own, signals and panics included.
pub fn main(words: Vec<OsString>) -> u8 {
    let is_json = args::is_json(&words);
    panic::tell_in_one_line(is_json);
    interrupt::leave_nothing_behind();
    match Args::try_parse_from(args::expand(words, |word| Path::new(word).exists())) {
        Ok(args) => Level::allowed()
            .and_then(|_| verb::run(&args.verb))
            .map_or_else(|error| exit::tell(&error, None, is_json), Tally::finish),
        Err(error) => exit::usage(&error, is_json),
    }
}

/// What `eval --json` says of a file and what it became: for the Python package.
pub fn evaluate_files(original: &Path, coded: &Path) -> Result<String> {
    Ok(verb::eval::of_files(original, coded)?.to_string())
}

/// The same of one array.
pub fn evaluate_arrays(original: Stretch, decoded: Stretch) -> Result<String> {
    Ok(verb::eval::of_arrays(original, decoded)?.to_string())
}
