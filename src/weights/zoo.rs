//! The models that every build knows: embedded, found by name or by the blake3 of their weights file.

use super::load;
use crate::error::{Error, Result};
use crate::model::{Family, Model};
use std::sync::{Arc, OnceLock};

/// (name, weights file). Files are added, never edited: their hash is how coded files name them.
const EMBEDDED: &[(&str, &[u8])] = &[
    ("idf-default-1", include_bytes!("../../weights/idf-default-1.safetensors")),
    ("lattice-tiny-1", include_bytes!("../../weights/lattice-tiny-1.safetensors")),
    ("lattice-small-1", include_bytes!("../../weights/lattice-small-1.safetensors")),
    ("lattice-tiny-field-1", include_bytes!("../../weights/lattice-tiny-field-1.safetensors")),
    ("lattice-small-field-1", include_bytes!("../../weights/lattice-small-field-1.safetensors")),
    ("lattice-fast-1", include_bytes!("../../weights/lattice-fast-1.safetensors")),
    ("lattice-default-1", include_bytes!("../../weights/lattice-default-1.safetensors")),
    ("lattice-max-1", include_bytes!("../../weights/lattice-max-1.safetensors")),
    ("pixelcnn-tiny-1", include_bytes!("../../weights/pixelcnn-tiny-1.safetensors")),
    ("pixelcnn-small-1", include_bytes!("../../weights/pixelcnn-small-1.safetensors")),
    ("pixelcnn-tiny-field-1", include_bytes!("../../weights/pixelcnn-tiny-field-1.safetensors")),
    ("pixelcnn-small-field-1", include_bytes!("../../weights/pixelcnn-small-field-1.safetensors")),
    ("pixelcnn-fast-1", include_bytes!("../../weights/pixelcnn-fast-1.safetensors")),
    ("pixelcnn-fast-2", include_bytes!("../../weights/pixelcnn-fast-2.safetensors")),
    ("pixelcnn-default-1", include_bytes!("../../weights/pixelcnn-default-1.safetensors")),
    ("pixelcnn-default-2", include_bytes!("../../weights/pixelcnn-default-2.safetensors")),
    ("pixelcnn-max-1", include_bytes!("../../weights/pixelcnn-max-1.safetensors")),
    ("pixelcnn-max-2", include_bytes!("../../weights/pixelcnn-max-2.safetensors")),
    ("pixelcnn-deep-1", include_bytes!("../../weights/pixelcnn-deep-1.safetensors")),
    ("l3c-default-1", include_bytes!("../../weights/l3c-default-1.safetensors")),
    ("pixelcnn-field-1", include_bytes!("../../weights/pixelcnn-field-1.safetensors")),
    ("pixelcnn-field-2", include_bytes!("../../weights/pixelcnn-field-2.safetensors")),
    ("vdm-default-1", include_bytes!("../../weights/vdm-default-1.safetensors")),
    ("vqae-default-1", include_bytes!("../../weights/vqae-default-1.safetensors")),
];

/// All of them, loaded once.
pub fn embedded() -> &'static [Arc<Model>] {
    static MODELS: OnceLock<Vec<Arc<Model>>> = OnceLock::new();
    MODELS.get_or_init(|| {
        let load = |(name, bytes): &(&str, &[u8])| {
            Arc::new(load(bytes).unwrap_or_else(|e| panic!("the embedded weights {name} do not load: {e}")))
        };
        EMBEDDED.iter().map(load).collect()
    })
}

pub fn by_hash(hash: &[u8; 32], others: &[Arc<Model>]) -> Result<Arc<Model>> {
    embedded().iter().chain(others).find(|m| m.hash == *hash).cloned().ok_or_else(|| {
        let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
        not_built_in(format!("with blake3 {hash}"))
    })
}

fn not_built_in(which: String) -> Error {
    Error::model(format!(
        "the model {which} is not built in: give its weights file (--weights FILE; in a program, Decoding::weights)"
    ))
}

/// The model whose hash begins so.
pub fn by_prefix(prefix: &[u8], others: &[Arc<Model>]) -> Result<Arc<Model>> {
    let mut found = embedded().iter().chain(others).filter(|m| m.hash.starts_with(prefix));
    let begins: String = prefix.iter().map(|b| format!("{b:02x}")).collect();
    let model = found.next().ok_or_else(|| not_built_in(format!("whose blake3 begins with {begins}")))?;
    if found.any(|other| other.hash != model.hash) {
        return Err(Error::model(format!("two models have a blake3 that begins with {begins}: give one of them")));
    }
    Ok(model.clone())
}

/// The models that a word means: a name, with or without its number; a family; a preset of those that code whatever there is.
pub fn by_name(word: &str, others: &[Arc<Model>]) -> Result<Vec<Arc<Model>>> {
    let all = || embedded().iter().chain(others);
    let exact: Vec<Arc<Model>> = all().filter(|m| m.name == word).cloned().collect();
    if !exact.is_empty() {
        return Ok(newest(exact));
    }
    let means = |m: &Model| {
        let stem = m.name.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
        let is_preset = stem.strip_prefix(m.family.name()) == Some(&format!("-{word}"));
        stem == word || m.family.name() == word || is_preset && pays(m.family)
    };
    let some: Vec<Arc<Model>> = all().filter(|m| means(m)).cloned().collect();
    if some.is_empty() {
        let names: Vec<String> = newest(all().cloned().collect()).iter().map(|m| m.name.clone()).collect();
        return Err(Error::argument(format!(
            "no model '{word}'; there are auto, classic, wavelet, {}",
            names.join(", ")
        )));
    }
    Ok(newest(some))
}

/// Of models of one name the last: retrained ones stand behind those before them, which old files name.
fn newest(mut models: Vec<Arc<Model>>) -> Vec<Arc<Model>> {
    let names: Vec<String> = models.iter().map(|m| m.name.clone()).collect();
    let mut nth = 0..;
    models.retain(|m| nth.next().is_some_and(|i| !names[i + 1..].contains(&m.name)));
    models
}

/// Whether a family is ahead of the others anywhere at its cost, so that the word of a preset means it, too. Scales take a tenth more
/// bytes than a lattice of as many multiplications; a flow is ahead of it here and there, and takes twice the time; a vqae has ints
/// of its own, within a bound, and is ahead only where that is very wide.
fn pays(family: Family) -> bool {
    !matches!(family, Family::L3c | Family::Idf | Family::Vqae | Family::Vdm)
}

/// Whether no name means it any more, but files that were coded with it.
pub fn is_superseded(model: &Model) -> bool {
    let is_newest = |newest: &[Arc<Model>]| newest.iter().any(|m| m.hash == model.hash);
    embedded().iter().any(|m| m.hash == model.hash) && !is_newest(&newest(embedded().to_vec()))
}

/// The models that `auto` measures for frames.
pub fn defaults() -> Vec<Arc<Model>> {
    by_name("default", &[]).unwrap_or_default()
}

/// The models that `auto` measures: beside the defaults that of fields, where an array may be one, and the largest and a flow, where time
/// is no matter.
pub fn measured(field: bool, thorough: bool) -> Vec<Arc<Model>> {
    let further = [(field, "field"), (thorough, "max"), (thorough, "idf")].into_iter().filter(|(wanted, _)| *wanted);
    let further = further.flat_map(|(_, word)| by_name(word, &[]).unwrap_or_default());
    defaults().into_iter().chain(further).collect()
}
