//! The models that every build knows: embedded, found by name or by the blake3 of their weights file.

use super::Model;
use crate::error::{Error, Result};
use std::sync::{Arc, OnceLock};

/// (name, weights file). Files are added, never edited: their hash is how coded files name them.
const EMBEDDED: &[(&str, &[u8])] = &[];

/// All of them, loaded once.
pub fn embedded() -> &'static [Arc<Model>] {
    static MODELS: OnceLock<Vec<Arc<Model>>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let load = |(name, bytes): &(&str, &[u8])| {
            Arc::new(crate::net::load(bytes).unwrap_or_else(|e| panic!("the embedded weights {name} do not load: {e}")))
        };
        EMBEDDED.iter().map(load).collect()
    })
}

pub fn by_hash(hash: &[u8; 32], others: &[Arc<Model>]) -> Result<Arc<Model>> {
    embedded().iter().chain(others).find(|m| m.hash == *hash).cloned().ok_or_else(|| {
        let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        Error::model(format!("the model with blake3 {hash} is not built in; give its weights file with --weights FILE"))
    })
}

pub fn by_name(name: &str, others: &[Arc<Model>]) -> Result<Arc<Model>> {
    embedded().iter().chain(others).rev().find(|m| m.name == name).cloned().ok_or_else(|| {
        let names: Vec<&str> = embedded().iter().chain(others).map(|m| m.name.as_str()).collect();
        Error::argument(format!("no model '{name}'; there are auto, classic, {}", names.join(", ")))
    })
}

/// The models that `auto` measures.
pub fn defaults() -> Vec<Arc<Model>> {
    embedded().iter().filter(|m| m.name.ends_with("default")).cloned().collect()
}
