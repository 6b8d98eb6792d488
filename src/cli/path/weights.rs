//! The models at hand, those built in and those of weights files, and which of them a run uses.

use super::input;
use crate::cli::args::Weights;
use crate::cli::talk::{json, print};
use collapsar::internals::codec::search::choice;
use collapsar::internals::model::Model;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Result, read_weights};
use std::path::PathBuf;
use std::sync::Arc;

/// The models of the files that the caller gave.
pub fn given(weights: &Weights) -> Result<Vec<Arc<Model>>> {
    let load = |path: &PathBuf| {
        let models = input::read_file(path).and_then(|bytes| read_weights(&bytes));
        models.map_err(|e| e.at(print::name(path)))
    };
    Ok(weights.weights.iter().map(load).collect::<Result<Vec<_>>>()?.concat())
}

pub fn is_embedded(hash: &[u8; 32]) -> bool {
    zoo::embedded().iter().any(|m| m.hash == *hash)
}

/// All of them, each once.
pub fn at_hand(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
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

/// Of those that the caller gave, each once.
pub fn lossless_of(given: &[Arc<Model>]) -> Vec<Arc<Model>> {
    let is_given = |model: &Arc<Model>| given.iter().any(|m| m.hash == model.hash);
    lossless(given).into_iter().filter(is_given).collect()
}

/// What a model is called beside others: where one of them has its name, with the start of its hash.
pub fn label(model: &Model, among: &[Arc<Model>]) -> String {
    let is_other = |m: &&Arc<Model>| m.name == model.name && m.hash != model.hash;
    match among.iter().find(is_other) {
        Some(_) => format!("{} {}", model.name, json::hex(&model.hash[..4])),
        None => model.name.clone(),
    }
}
