//! What `eval` tells of two files, or of two arrays, as JSON.

use crate::arrays::{Described, array_type, read};
use crate::encoding::{Decoding, Encoding};
use crate::work::run;
use collapsar::internals::quality::Stretch;
use collapsar::internals::{cli, decode_chunk, encode_chunk};
use numpy::PyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use std::path::PathBuf;
use std::time::Instant;

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

/// Seconds of one call of the library, as a Rust program makes it: encoding, decoding. For bench.py.
#[pyfunction]
pub fn seconds_in_rust(
    py: Python,
    bytes: &Bound<PyArray1<u8>>,
    ty: Described,
    encoding: &Encoding,
    decoding: &Decoding,
) -> PyResult<(f64, f64)> {
    let bytes = read(bytes)?;
    let bytes = bytes.as_slice()?;
    py.detach(|| {
        let work = || {
            let ty = array_type(ty)?;
            let start = Instant::now();
            let chunk = encode_chunk(bytes, &ty, &encoding.inner)?;
            let encoded = start.elapsed().as_secs_f64();
            let start = Instant::now();
            decode_chunk(&chunk, &decoding.inner)?;
            Ok((encoded, start.elapsed().as_secs_f64()))
        };
        work().map_err(|e: collapsar::Error| PyValueError::new_err(e.to_string()))
    })
}
