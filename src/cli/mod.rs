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
mod eval;
mod exit;
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
use collapsar::Result;
use exit::Tally;
use std::io::IsTerminal;
use std::process::ExitCode;

pub fn main() -> ExitCode {
    exit::tell_panics_in_one_line();
    interrupt::leave_nothing_behind();
    let args = match Args::try_parse_from(args::expand(std::env::args_os())) {
        Ok(args) => args,
        Err(error) if error.use_stderr() => {
            let _ = error.print(); // nothing more can be said
            return ExitCode::from(exit::USAGE);
        }
        Err(help) => return answer(&help),
    };
    let tally = match run(&args.verb) {
        Ok(tally) => tally,
        Err(error) => {
            say::error(&error);
            return ExitCode::from(exit::code(error.kind));
        }
    };
    ExitCode::from(tally.finish())
}

/// What --help and --version say is data, too.
fn answer(help: &clap::Error) -> ExitCode {
    let text = help.render();
    let text = if std::io::stdout().is_terminal() { text.ansi().to_string() } else { text.to_string() };
    match say::print(&text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say::error(&error);
            ExitCode::from(exit::code(error.kind))
        }
    }
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
