//! What is at hand: models, devices; and the command line.

use crate::work::at_once;
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::weights::zoo;
use collapsar::internals::{cli, gpu};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use std::ffi::OsString;
use std::fmt::Write as _;

#[pyfunction]
pub fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The models that are built in.
#[pyfunction]
pub fn models(py: Python) -> PyResult<Vec<Bound<PyDict>>> {
    let defaults = zoo::defaults();
    let one = |model: &std::sync::Arc<collapsar::internals::model::Model>| {
        let dict = PyDict::new(py);
        dict.set_item("name", &model.name)?;
        dict.set_item("family", model.family.name())?;
        dict.set_item("mac_per_cell", model.n_mac())?;
        dict.set_item("default", defaults.iter().any(|default| default.hash == model.hash))?;
        dict.set_item("superseded", zoo::is_superseded(model))?;
        let hex = model.hash.iter().fold(String::new(), |mut hex, byte| {
            write!(hex, "{byte:02x}").expect("a string grows");
            hex
        });
        dict.set_item("blake3", hex)?;
        Ok(dict)
    };
    at_once(py, || Ok(zoo::embedded()))?.iter().map(one).collect()
}

/// The CPU, and every GPU whose driver can run the shaders.
#[pyfunction]
pub fn devices(py: Python) -> PyResult<Vec<Bound<PyDict>>> {
    let adapters = crate::work::run(py, || Ok(gpu::adapters()))?;
    let dict = |kind: &str, name: &str, backend: &str, driver: &str, hardware: bool| {
        let dict = PyDict::new(py);
        dict.set_item("kind", kind)?;
        dict.set_item("name", name)?;
        dict.set_item("backend", backend)?;
        dict.set_item("driver", driver)?;
        dict.set_item("hardware", hardware)?;
        Ok(dict)
    };
    let cpu = dict("cpu", &format!("{:?}", Level::detect()), "", "", true);
    let gpus = adapters.iter().map(|a| dict("gpu", &a.name, a.backend.name(), &a.driver, a.is_hardware()));
    std::iter::once(cpu).chain(gpus).collect()
}

/// The command line: the process is its own from here on. Returns the exit code.
#[pyfunction]
pub fn main(py: Python, words: Vec<OsString>) -> u8 {
    py.detach(|| cli::main(words))
}
