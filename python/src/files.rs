//! Files of any kind: bytes in memory, or paths.

use crate::arrays::read;
use crate::encoding::{Decoding, Encoding};
use crate::work::run;
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::source::FileSource;
use collapsar::{Error, internals};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Bytes in, bytes out, arrays, whether nothing was lost, the largest error, a note.
type Told = (u64, u64, usize, bool, f64, Option<String>);

#[pyfunction]
pub fn compress<'py>(
    py: Python<'py>,
    bytes: &Bound<'py, PyArray1<u8>>,
    encoding: &Encoding,
) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = read(bytes)?;
    let bytes = bytes.as_slice()?;
    let packed = run(py, || internals::compress(bytes, &encoding.inner))?;
    Ok(PyBytes::new(py, &packed))
}

#[pyfunction]
pub fn decompress<'py>(
    py: Python<'py>,
    packed: &Bound<'py, PyArray1<u8>>,
    decoding: &Decoding,
) -> PyResult<Bound<'py, PyBytes>> {
    let packed = read(packed)?;
    let packed = packed.as_slice()?;
    let bytes = run(py, || internals::decompress_with(packed, &decoding.inner))?;
    Ok(PyBytes::new(py, &bytes))
}

#[pyfunction]
pub fn compress_file(py: Python, from: PathBuf, to: PathBuf, encoding: &Encoding, replace: bool) -> PyResult<Told> {
    run(py, || {
        let (source, mut out) = ends(&from, &to, replace)?;
        let (_, report) = internals::compress_to(&source, &mut out, &encoding.inner, &|_| Ok(()))
            .map_err(|e| e.at(from.display()))?;
        out.commit()?;
        let largest = report.errors().largest;
        let is_lossless = report.is_lossless();
        Ok((report.n_bytes_in, report.n_bytes_out, report.arrays.len(), is_lossless, largest, report.note))
    })
}

#[pyfunction]
pub fn decompress_file(py: Python, from: PathBuf, to: PathBuf, decoding: &Decoding, replace: bool) -> PyResult<()> {
    run(py, || {
        let (source, mut out) = ends(&from, &to, replace)?;
        internals::decompress_to(&source, &mut out, &decoding.inner, &|_| Ok(())).map_err(|e| e.at(from.display()))?;
        out.commit()
    })
}

fn ends(from: &Path, to: &Path, replace: bool) -> Result<(FileSource, Output), Error> {
    let existing = if replace { Existing::Replace } else { Existing::Refuse(Some("replace=True")) };
    Ok((open(from)?, Output::create(to, existing)?))
}

pub fn open(path: &Path) -> Result<FileSource, Error> {
    File::open(path).map_err(Error::from).and_then(FileSource::new).map_err(|e| e.at(path.display()))
}
