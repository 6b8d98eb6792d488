//! batch status: done, missing, failed; by receipts and by the sizes of results

use super::plan::Plan;
use super::receipts::Receipts;
use crate::cli::args;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::Result;
use serde_json::{Value, json};
use std::fs;

pub fn run(args: &args::OfPlan) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let plan = Plan::read(&args.plan)?;
    let receipts = Receipts::read(&plan)?;
    let (mut n_done, mut n_missing, mut n_in, mut n_out, mut n_all) = (0u64, 0u64, 0u64, 0u64, 0u64);
    let mut failures = Vec::new();
    for file in &plan.files {
        n_all += file.n_bytes;
        let len = fs::metadata(&file.output).map(|meta| meta.len()).ok();
        let receipts_of = receipts.of(&plan, &file.output, file.n_bytes);
        let holds = receipts_of.iter().find(|receipt| Some(receipt.n_bytes_out) == len);
        match (holds, receipts.failure(&plan, &file.output)) {
            (Some(receipt), _) => {
                n_done += 1;
                n_in += receipt.n_bytes_in;
                n_out += receipt.n_bytes_out;
            }
            (None, Some(failure)) => failures.push(failure),
            (None, None) => n_missing += 1,
        }
    }
    let ratio = print::ratio(n_in, n_out);
    let told: Vec<Value> = failures.iter().map(|f| json!({"file": f["file"], "error": f["error"]})).collect();
    let mut value = json!({
        "plan": null, "files": plan.files.len(), "bytes": n_all, "done": n_done, "missing": n_missing,
        "failed": failures.len(), "bytes_in": n_in, "bytes_out": n_out, "ratio": ratio, "failures": told,
    });
    json::put_name(&mut value, "plan", &plan.path);
    talk.data(&value, || {
        let mut text = format!(
            "{}  {n_done} of {} files done, {n_missing} missing, {} failed  {} → {}  ratio {ratio:.2}\n",
            print::name(&plan.path),
            plan.files.len(),
            failures.len(),
            print::bytes(n_in),
            print::bytes(n_out)
        );
        for failure in &failures {
            let word = |value: &Value| print::clean(value.as_str().unwrap_or_default());
            text += &format!("{}: {}\n", word(&failure["file"]), word(&failure["error"]["message"]));
        }
        text
    })?;
    Ok(Tally::default())
}
