//! The models at hand, and which of them a run uses.

use super::args::{self, Weights};
use super::exit::Tally;
use super::input;
use super::say::{self, Talk};
use super::table::Table;
use collapsar::model::Model;
use collapsar::weights::zoo;
use collapsar::{Choice, Result};
use serde_json::json;
use std::sync::Arc;

/// The models of the files that the caller gave.
pub fn given(weights: &Weights) -> Result<Vec<Arc<Model>>> {
    let load = |path: &std::path::PathBuf| {
        let model = input::read_file(path).and_then(|bytes| collapsar::weights::load(&bytes));
        Ok(Arc::new(model.map_err(|e| e.at(say::name(path)))?))
    };
    weights.weights.iter().map(load).collect()
}

/// Who gives weights and no name means the weights.
pub fn choice(name: Option<&str>, given: &[Arc<Model>], embed: bool) -> Result<Choice> {
    Ok(match name {
        None if !given.is_empty() => Choice::These(given.to_vec()),
        None | Some("auto") if embed => Choice::These(zoo::defaults()),
        None | Some("auto") => Choice::Auto,
        Some("classic") => Choice::Classic,
        Some("waves") => Choice::Waves,
        Some(name) => Choice::These(zoo::by_name(name, given)?),
    })
}

pub fn is_embedded(hash: &[u8; 32]) -> bool {
    zoo::embedded().iter().any(|m| m.hash == *hash)
}

/// All that can be chosen by name.
fn at_hand(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
    zoo::embedded().iter().chain(given).cloned().collect()
}

/// Those that code whatever there is, without loss; the others are for fields within a bound.
pub fn lossless(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
    at_hand(given).into_iter().filter(|model| model.vqae.is_none()).collect()
}

pub fn run(args: &args::Models) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let given = given(&args.weights)?;
    let defaults = zoo::defaults();
    let mut table = Table::new(&["model", "family", "MAC/cell", "default", "blake3"]);
    let mut list = Vec::new();
    for model in at_hand(&given) {
        let default = defaults.iter().any(|d| d.hash == model.hash);
        let hash = say::hex(&model.hash);
        let shown = if args.talk.verbose { hash.clone() } else { hash[..16].to_string() };
        let yes = if default { "yes" } else { "" };
        table.row(&[model.name.clone(), model.family.name().into(), model.n_mac().to_string(), yes.into(), shown]);
        list.push(json!({
            "name": model.name, "family": model.family.name(), "mac_per_cell": model.n_mac(), "default": default,
            "embedded": is_embedded(&model.hash), "blake3": hash,
        }));
    }
    let empty = list.is_empty();
    talk.data(&json!({ "models": list }), || match empty {
        true => "no models are built in: arrays are coded by the classic modes, or with --weights FILE\n".into(),
        false => table.text(),
    })?;
    Ok(Tally::default())
}
