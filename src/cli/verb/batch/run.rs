//! batch run: what of a plan, or of a share of it, has no receipt that holds

use super::plan::Plan;
use super::receipts::{Journal, Receipts};
use super::worker::Worker;
use crate::cli::args::{self, Shard};
use crate::cli::interrupt;
use crate::cli::machine::resources;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::print::{self, Talk};
use crate::cli::verb::compress;
use collapsar::internals::Result;
use serde_json::{Value, json};

pub fn run(args: &args::RunBatch) -> Result<Tally> {
    interrupt::ask_to_be_run_again();
    resources::apply(&args.resources, &args.talk)?;
    let talk = Talk::from(&args.talk);
    let plan = Plan::read(&args.plan)?;
    let (given, settings) = (plan.given()?, &plan.settings);
    let options = compress::options(&settings.lossy, &settings.coding, &settings.arrays, &given)?;
    let receipts = Receipts::read(&plan)?;
    let shard = args.shard.unwrap_or(Shard::ALL);
    let journal = Journal::new(&plan, shard);
    let mut worker = Worker { plan: &plan, options, given, journal, talk, progress: &args.progress };
    let mut tally = Tally::default();
    let (mut n_done, mut n_before, mut n_failed) = (0u64, 0u64, 0u64);
    for (_, file) in plan.files.iter().enumerate().filter(|(number, _)| shard.has(*number)) {
        let result = worker.one(file, &receipts.of(&plan, &file.output, file.n_bytes));
        match tally.add(&talk, &file.path, result) {
            None => n_failed += 1,
            Some(None) => n_before += 1,
            Some(Some(receipt)) => {
                n_done += 1;
                tell(talk, &print::name(&file.path), &receipt)?;
            }
        }
    }
    let Shard { index, of } = shard;
    let value = json!({"shard": format!("{index}/{of}"), "done": n_done, "before": n_before, "failed": n_failed});
    let line = format!("shard {index}/{of}: {n_done} done, {n_before} were done before, {n_failed} failed");
    talk.done(&value, &line)?;
    Ok(tally)
}

fn tell(talk: Talk, name: &str, receipt: &Value) -> Result<()> {
    let n = |key: &str| receipt[key].as_u64().unwrap_or(0);
    let (n_in, n_out) = (n("bytes_in"), n("bytes_out"));
    let word = if receipt["lossless"] == true { "LOSSLESS" } else { "LOSSY" };
    let speed = print::speed_text(print::speed(n_in, receipt["seconds"].as_f64().unwrap_or(0.0)));
    let ratio = print::ratio(n_in, n_out);
    talk.done(
        receipt,
        &format!("{name}  {} → {}  ratio {ratio:.2}  {speed}  {word}", print::bytes(n_in), print::bytes(n_out)),
    )
}
