//! batch gc: temporaries of results of a plan whose writers have ended

use super::plan::Plan;
use super::receipts::{Life, Receipts, age};
use crate::cli::args;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use collapsar::internals::{Error, Result, atomic};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub fn run(args: &args::Gc) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let plan = Plan::read(&args.plan)?;
    let receipts = Receipts::read(&plan)?;
    let lives = receipts.workers.iter().map(|worker| (worker, worker.life()));
    let writers: BTreeMap<&Path, Life> =
        lives.flat_map(|(worker, life)| worker.temporaries.iter().map(move |path| (&**path, life))).collect();
    let oldest = Duration::from_secs(args.older_than.saturating_mul(3600));
    let is_old = |path: &Path| age(path).is_some_and(|age| age >= oldest);
    let mut tally = Tally::default();
    let (mut n_removed, mut n_kept) = (0u64, 0u64);
    for path in temporaries(&plan)? {
        let goes = match writers.get(&*path) {
            Some(Life::Alive) => false,
            Some(Life::Ended) => true,
            Some(Life::Unknown) | None => is_old(&path),
        };
        if !goes {
            n_kept += 1;
            talk.verbose(&format!("{}  kept: its writer lives, or may", print::name(&path)));
            continue;
        }
        let removed = fs::remove_file(&path).map_err(|e| Error::from(e).at("cannot be removed"));
        if tally.add(&talk, &path, removed).is_some() {
            n_removed += 1;
            let mut value = json!({"removed": null});
            json::put_name(&mut value, "removed", &path);
            talk.done(&value, &format!("{}  removed", print::name(&path)))?;
        }
    }
    let line = format!("{n_removed} temporaries removed, {n_kept} kept");
    talk.done(&json!({"temporaries_removed": n_removed, "temporaries_kept": n_kept}), &line)?;
    Ok(tally)
}

/// Those that lie where results of the plan go and have the names of temporaries of them.
fn temporaries(plan: &Plan) -> Result<Vec<PathBuf>> {
    let mut folders: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
    for file in &plan.files {
        if let (Some(folder), Some(name)) = (file.output.parent(), file.output.file_name()) {
            folders.entry(folder).or_default().insert(atomic::prefix(&name.to_string_lossy()));
        }
    }
    let mut found = Vec::new();
    for (folder, prefixes) in folders {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            let prefix = name.find(atomic::PARTIAL).map(|at| &name[..at + atomic::PARTIAL.len()]);
            if prefix.is_some_and(|prefix| prefixes.contains(prefix)) {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
