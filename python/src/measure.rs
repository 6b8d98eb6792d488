//! What `eval` tells of two files, or of two arrays, as JSON.

use crate::arrays::{Described, array_type, read};
use crate::work::run;
use collapsar::internals::cli;
use collapsar::internals::quality::Stretch;
use numpy::PyArray1;
use pyo3::prelude::*;
use std::path::PathBuf;

/// Of two arrays of one type.
#[pyfunction]
pub fn evaluate(
    py: Python,
    before: &Bound<PyArray1<u8>>,
    after: &Bound<PyArray1<u8>>,
    ty: Described,
) -> PyResult<String> {
    let (before, after) = (read(before)?, read(after)?);
    let (before, after) = (before.as_slice()?, after.as_slice()?);
    run(py, || {
        let ty = array_type(ty)?;
        let stretch = |source| Stretch { source, offset: 0, ty: &ty };
        cli::evaluate_arrays(stretch(&before), stretch(&after))
    })
}

/// Of a file and what it became: a .clps file, or one of the same arrays.
#[pyfunction]
pub fn evaluate_files(py: Python, original: PathBuf, coded: PathBuf) -> PyResult<String> {
    run(py, || cli::evaluate_files(&original, &coded))
}
