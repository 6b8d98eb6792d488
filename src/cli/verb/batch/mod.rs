//! Many files: a plan → workers, whoever starts them → a result and a receipt for each file.
//!
//! A worker is a process that takes a share of the plan, and may be killed at any moment. A result gets its name when it is whole and
//! replaces nothing; its receipt is written behind it. So a run after a kill does what has no receipt whose result still is what it was.

mod gc;
mod hash;
mod plan;
mod receipts;
mod run;
mod status;
mod verify;
mod worker;

use crate::cli::args::{Batch, Step};
use crate::cli::talk::exit::Tally;
use collapsar::internals::Result;

pub fn run(args: &Batch) -> Result<Tally> {
    match &args.step {
        Step::Plan(a) => plan::write(a),
        Step::Run(a) => run::run(a),
        Step::Status(a) => status::run(a),
        Step::Verify(a) => verify::run(a),
        Step::Gc(a) => gc::run(a),
    }
}
