//! The models at hand, and which of them a run uses.

use super::args::{self, Weights};
use super::exit::Tally;
use super::input;
use super::say::{self, Talk};
use super::table::Table;
use collapsar::internals::codec::search::choice;
use collapsar::internals::model::Model;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Choice, Result};
use serde_json::json;
use std::sync::Arc;

/// The models of the files that the caller gave.
pub fn given(weights: &Weights) -> Result<Vec<Arc<Model>>> {
    let load = |path: &std::path::PathBuf| {
        let model = input::read_file(path).and_then(|bytes| collapsar::internals::weights::load(&bytes));
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
        Some("wavelet") => Choice::Wavelet,
        Some(name) => Choice::These(zoo::by_name(name, given)?),
    })
}

pub fn is_embedded(hash: &[u8; 32]) -> bool {
    zoo::embedded().iter().any(|m| m.hash == *hash)
}

/// All of them, each once.
fn at_hand(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let mut models: Vec<Arc<Model>> = zoo::embedded().to_vec();
    for model in given {
        if !models.iter().any(|m| m.hash == model.hash) {
            models.push(model.clone());
        }
    }
    models
}

/// Those that can be chosen by name and code whatever there is, without loss.
pub fn lossless(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
    choice::lossless(&at_hand(given))
}

/// What a model is called beside others: where one of them has its name, with the start of its hash.
pub fn label(model: &Model, among: &[Arc<Model>]) -> String {
    let is_other = |m: &&Arc<Model>| m.name == model.name && m.hash != model.hash;
    match among.iter().find(is_other) {
        Some(_) => format!("{} {}", model.name, say::hex(&model.hash[..4])),
        None => model.name.clone(),
    }
}

pub fn run(args: &args::Models) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let given = given(&args.weights)?;
    let defaults = zoo::defaults();
    let mut table = Table::new(&["model", "family", "MAC/cell", "chosen", "blake3"]);
    let mut list = Vec::new();
    for model in at_hand(&given) {
        let default = defaults.iter().any(|d| d.hash == model.hash);
        let hash = say::hex(&model.hash);
        let shown = if args.talk.verbose { hash.clone() } else { hash[..16].to_string() };
        let superseded = zoo::is_superseded(&model);
        let chosen = match (default, superseded) {
            (true, _) => "by default",
            (_, true) => "no: reads older files",
            _ => "by name",
        };
        table.row(&[model.name.clone(), model.family.name().into(), model.n_mac().to_string(), chosen.into(), shown]);
        list.push(json!({
            "name": model.name, "family": model.family.name(), "mac_per_cell": model.n_mac(), "default": default, "superseded": superseded,
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
