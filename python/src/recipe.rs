//! What was decided for arrays of a kind, as a value: learned, kept as bytes, used for others.

use crate::arrays::{Described, array_type, read};
use crate::encoding::{Encoding, loaded};
use crate::work::{at_once, run};
use collapsar::internals;
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::sync::Arc;

#[pyclass(frozen)]
pub struct Recipe {
    pub inner: Arc<internals::Recipe>,
}

#[pymethods]
impl Recipe {
    /// Of arrays, one after the other; the first of a kind decides.
    #[staticmethod]
    fn learn(py: Python, arrays: Vec<(Bound<PyArray1<u8>>, Described)>, encoding: &Encoding) -> PyResult<Recipe> {
        let mut recipe = internals::Recipe::default();
        for (bytes, ty) in arrays {
            let bytes = read(&bytes)?;
            let bytes = bytes.as_slice()?;
            run(py, || {
                let raw = Some(array_type(ty)?);
                internals::learn(&bytes, &internals::Options { raw, ..encoding.inner.clone() }, &mut recipe)
            })?;
        }
        Ok(Recipe { inner: Arc::new(recipe) })
    }

    #[staticmethod]
    fn from_bytes(py: Python, bytes: &[u8], weights: Vec<Vec<u8>>) -> PyResult<Recipe> {
        let inner = at_once(py, || internals::read_recipe(bytes, &loaded(&weights)?))?;
        Ok(Recipe { inner: Arc::new(inner) })
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = at_once(py, || Ok(internals::write_recipe(&self.inner)))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The weights files that it carries.
    fn weights<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, PyBytes>> {
        self.inner.carried().iter().map(|(bytes, _)| PyBytes::new(py, bytes)).collect()
    }

    /// What it is for: type of the sample it was learned from, and what codes such arrays.
    fn kinds(&self) -> Vec<(Described, String)> {
        let coder = |head: &internals::codec::array::head::Head| match head.coder.model() {
            Some(model) => model.name.clone(),
            None => "classic".to_string(),
        };
        self.inner.heads().map(|head| (crate::arrays::described(&head.ty), coder(head))).collect()
    }
}
