//! Options as Python gives them, read once: a codec keeps them for all its chunks.

use crate::recipe::Recipe;
use crate::work::at_once;
use collapsar::Error;
use collapsar::internals::codec::search::choice::Choice;
use collapsar::internals::device::{Device, Wish};
use collapsar::internals::model::Model;
use collapsar::internals::{self, Level, Loss, Memory, Rounding, read_weights};
use pyo3::prelude::*;
use std::sync::{Arc, Mutex, PoisonError};

#[pyclass(frozen)]
pub struct Encoding {
    pub inner: internals::Options,
}

#[pymethods]
impl Encoding {
    #[new]
    #[pyo3(signature = (level, model, loss, recipe, weights, device, max_memory, embed_weights))]
    #[allow(clippy::too_many_arguments)] // one per keyword
    fn new(
        py: Python,
        level: Option<i64>,
        model: Option<&str>,
        loss: Option<(String, Bound<PyAny>)>,
        recipe: Option<&Recipe>,
        weights: Vec<Vec<u8>>,
        device: &str,
        max_memory: Option<u64>,
        embed_weights: bool,
    ) -> PyResult<Encoding> {
        let loss = loss.map_or(Ok(Loss::None), |(kind, value)| loss_of(py, &kind, &value))?;
        at_once(py, || {
            let models = loaded(&weights)?;
            let level = match level {
                None => Level::default(),
                Some(n) => u8::try_from(n)
                    .ok()
                    .and_then(Level::new)
                    .ok_or_else(|| Error::argument(format!("level {n} is not one of 1 to 9")))?,
            };
            Ok(Encoding {
                inner: internals::Options {
                    model: Choice::named(model, &models, level)?,
                    loss: loss.check()?,
                    recipe: recipe.map(|recipe| recipe.inner.clone()),
                    device: opened(device)?,
                    memory: memory(max_memory),
                    embed: embed_weights,
                    ..internals::Options::default()
                },
            })
        })
    }
}

#[pyclass(frozen)]
pub struct Decoding {
    pub inner: internals::Decoding,
}

#[pymethods]
impl Decoding {
    #[new]
    fn new(py: Python, weights: Vec<Vec<u8>>, device: &str, max_memory: Option<u64>) -> PyResult<Decoding> {
        at_once(py, || {
            let inner =
                internals::Decoding { models: loaded(&weights)?, device: opened(device)?, memory: memory(max_memory) };
            Ok(Decoding { inner })
        })
    }
}

fn memory(most: Option<u64>) -> Memory {
    Memory { most, ..Memory::default() }
}

/// A bound by its keyword.
fn loss_of(py: Python, kind: &str, value: &Bound<PyAny>) -> PyResult<Loss> {
    Ok(match kind {
        "abs" => Loss::Abs(value.extract()?),
        "rel" => Loss::Rel(value.extract()?),
        "pw_rel" => Loss::PwRel(value.extract()?),
        "near" => Loss::Near(value.extract()?),
        "psnr" => Loss::Psnr(value.extract()?),
        "ratio" => Loss::Ratio(value.extract()?),
        "noise_step" => Loss::NoiseStep(value.extract()?),
        "denoise" => Loss::Denoise(value.extract()?),
        "mantissa" => Loss::Mantissa(value.extract()?, Rounding::Round),
        "mantissa_trunc" => Loss::Mantissa(value.extract()?, Rounding::Trunc),
        _ => return at_once(py, || Err(Error::argument(format!("'{kind}' is no kind of bound")))),
    })
}

/// Weights that were given before are the same model: what was packed for them is used again.
pub fn loaded(weights: &[Vec<u8>]) -> Result<Vec<Arc<Model>>, Error> {
    static LOADED: Mutex<Vec<Arc<Model>>> = Mutex::new(Vec::new());
    let mut models = Vec::new();
    for bytes in weights {
        models.extend(read_weights(bytes)?);
    }
    let mut all = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    let known = |model: Arc<Model>| match all.iter().find(|known| known.hash == model.hash) {
        Some(known) => known.clone(),
        None => {
            all.push(model.clone());
            model
        }
    };
    Ok(models.into_iter().map(known).collect())
}

/// `cpu`, or `gpu`, which is opened once.
fn opened(name: &str) -> Result<Device, Error> {
    static GPU: Mutex<Option<Device>> = Mutex::new(None);
    match name {
        "cpu" => Ok(Device::Cpu),
        "gpu" => {
            let mut gpu = GPU.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(gpu) = gpu.as_ref() {
                return Ok(gpu.clone());
            }
            let device = Device::open(Wish::Gpu(None), Box::new(|_| {}))?;
            Ok(gpu.insert(device).clone())
        }
        _ => Err(Error::argument(format!("device '{name}' is not one of cpu and gpu"))),
    }
}
