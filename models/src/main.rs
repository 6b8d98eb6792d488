//! The float side of collapsar: trains nets with burn, turns them into integers, and measures what they code.
//!
//! Rooms, each naming only those above it: `data` (files, planes, and what the engine makes of their tiles), `net`
//! (the nets in floats and their integers), `train` (one loop, an objective per family), `measure` (bits, bytes,
//! tables), `verb` (the command).

mod data;
mod measure;
mod net;
mod random;
#[cfg(test)]
mod scratch;
mod train;
mod verb;

use clap::Parser;

fn main() -> std::process::ExitCode {
    match verb::Arguments::parse().verb.run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("{e}");
            std::process::ExitCode::FAILURE
        }
    }
}
