//! The command `collapsar`.

use collapsar::internals::cli;
use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::main(std::env::args_os().collect()))
}
