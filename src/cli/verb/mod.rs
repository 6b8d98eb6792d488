//! What is done: one file per verb.

mod adapt;
mod batch;
mod bench;
mod compare;
mod completions;
mod compress;
mod decompress;
mod demo;
pub mod eval;
mod external;
mod info;
mod man;
mod models;
mod recipe;
mod report;
mod restoring;

use super::args::{Talk, Verb};
use super::machine::resources;
use super::talk::exit::Tally;
use collapsar::internals::Result;

pub fn run(verb: &Verb) -> Result<Tally> {
    match verb {
        Verb::Compress(a) => resources::apply(&a.resources, &a.talk).and_then(|()| compress::run(a)),
        Verb::Decompress(a) => resources::apply(&a.resources, &a.talk).and_then(|()| decompress::run(a)),
        Verb::Test(a) => resources::apply(&a.resources, &a.talk).and_then(|()| decompress::test(a)),
        Verb::Info(a) => info::run(a),
        Verb::Compare(a) => resources::apply(&a.resources, &a.talk).and_then(|()| compare::run(a)),
        Verb::Eval(a) => resources::apply(&a.resources, &a.talk).and_then(|()| eval::run(a)),
        Verb::Report(a) => resources::apply(&a.resources, &a.talk).and_then(|()| report::run(a)),
        Verb::Bench(a) => resources::apply(&a.resources, &a.talk).and_then(|()| bench::run(a)),
        Verb::Batch(a) => batch::run(a),
        Verb::External(a) => resources::apply(&a.resources, &Talk::default()).and_then(|()| external::run(a)),
        Verb::Adapt(a) => resources::apply(&a.resources, &a.talk).and_then(|()| adapt::run(a)),
        Verb::Models(a) => models::run(a),
        Verb::Demo(a) => resources::apply(&a.resources, &a.talk).and_then(|()| demo::run(a)),
        Verb::Man(a) => man::run(a),
        Verb::Completions(a) => completions::run(a),
    }
}
