//! What makes a training this one: all that its bytes depend on. A checkpoint is only taken up by its like.

use crate::data::corpus::Corpus;
use crate::train::settings::Settings;
use collapsar::internals::error::{Error, Result};
use serde_json::{Map, Value, json};

/// `nets`: what is trained, and from what.
pub fn identity(
    settings: &Settings,
    (training, validation): (&Corpus, &Corpus),
    nets: Value,
) -> Result<Map<String, Value>> {
    let Settings { name, steps, minutes, batch, rate, seed, n_draws, round_from, .. } = settings;
    let mut identity = json!({
        "version": 2, "name": name, "steps": steps, "minutes": minutes, "batch": batch, "rate": rate, "seed": seed,
        "pool": n_draws, "round_from": round_from, "corpus": format!("{:?}", training.kind),
        "training_data": hash(training), "held_out_data": hash(validation),
    });
    for (key, value) in nets.as_object().into_iter().flatten() {
        identity[key] = value.clone();
    }
    // as a reader of the checkpoint will see the numbers
    let text = identity.to_string();
    serde_json::from_str(&text).map_err(|e| Error::argument(e.to_string()))
}

/// A short name for floats that a training begins from.
pub fn hash_of_floats<'a>(floats: impl IntoIterator<Item = &'a f32>) -> String {
    let bytes: Vec<u8> = floats.into_iter().flat_map(|x| x.to_le_bytes()).collect();
    blake3::hash(&bytes).to_hex().to_string()
}

fn hash(corpus: &Corpus) -> String {
    let mut hash = blake3::Hasher::new();
    for frame in corpus.frames() {
        hash.update(format!("{}/{}\n", frame.class, frame.name).as_bytes());
        for plane in &frame.planes {
            hash.update(format!("{} {} {}\n", plane.h, plane.w, plane.max).as_bytes());
            hash.update(&plane.ints.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }
    }
    hash.finalize().to_hex().to_string()
}
