//! A compressed file that is read in parts.

use crate::arrays::{Described, described, write};
use crate::encoding::Decoding;
use crate::files::open;
use crate::work::{at_once, run};
use collapsar::internals::codec::file::archive::{self, Section};
use collapsar::{Error, internals};
use numpy::PyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use std::path::PathBuf;

/// A header of a FITS is looked for in so many bytes before its data.
const MOST_HEADER_BYTES: usize = 16 << 20;
/// FITS files consist of blocks of this size.
const FITS_BLOCK: usize = 2880;

#[pyclass(frozen)]
pub struct Archive {
    inner: internals::Archive<'static>,
}

#[pymethods]
impl Archive {
    #[new]
    fn new(py: Python, path: PathBuf, decoding: &Decoding) -> PyResult<Archive> {
        let models = &decoding.inner.models;
        let inner = run(py, || {
            let source = Box::new(open(&path)?);
            internals::Archive::owning(source, models).map_err(|e| e.at(path.display()))
        })?;
        Ok(Archive { inner })
    }

    /// Label, type and number of tiles of each array.
    fn arrays(&self) -> Vec<(String, Described, u64)> {
        let one = |a: &archive::Array| (a.head.label.clone(), described(&a.head.ty), a.head.grid().n_tiles());
        self.inner.arrays().map(one).collect()
    }

    /// A box of an array into a buffer of exactly its bytes; returns how many tiles were decoded.
    fn read(
        &self,
        py: Python,
        number: u64,
        origin: Vec<u64>,
        shape: Vec<u64>,
        out: &Bound<PyArray1<u8>>,
    ) -> PyResult<usize> {
        let mut out = write(out)?;
        let out = out.as_slice_mut()?;
        run(py, || self.inner.read_region_bytes(self.array(number)?, &origin, &shape, out))
    }

    /// How many bytes the content has, where in it each array begins, and each stretch of other bytes with the block that has them.
    fn layout(&self) -> (u64, Vec<u64>, Vec<(u64, usize)>) {
        let arrays = self.inner.arrays().map(|array| array.offset).collect();
        let bytes = self.inner.sections.iter().filter_map(|section| match section {
            Section::Bytes { offset, block } => Some((*offset, *block)),
            Section::Array(_) => None,
        });
        (self.inner.file.n_bytes, arrays, bytes.collect())
    }

    /// The bytes of a stretch that is no array.
    fn stretch<'py>(&self, py: Python<'py>, block: usize) -> PyResult<Bound<'py, PyBytes>> {
        let bytes = run(py, || self.inner.chunk(block))?;
        Ok(PyBytes::new(py, &bytes))
    }

    /// The blocks of a FITS header that end where the array begins; empty where there are none.
    fn header<'py>(&self, py: Python<'py>, number: u64) -> PyResult<Bound<'py, PyBytes>> {
        let cards = at_once(py, || self.header_of(number))?;
        Ok(PyBytes::new(py, &cards))
    }
}

impl Archive {
    fn array(&self, number: u64) -> Result<&archive::Array, Error> {
        self.inner.array(number).ok_or_else(|| Error::argument(format!("there is no array {number}")))
    }

    fn header_of(&self, number: u64) -> Result<Vec<u8>, Error> {
        let array = self.array(number)?;
        let is_it = |s: &Section| matches!(s, Section::Array(a) if a.number == array.number);
        let at = self.inner.sections.iter().position(is_it).unwrap_or(0);
        let mut before: Vec<u8> = Vec::new();
        for section in self.inner.sections[..at].iter().rev() {
            let Section::Bytes { block, .. } = section else { break };
            before.splice(0..0, self.inner.chunk(*block)?);
            if let Some(header) = header_at_the_end(&before) {
                return Ok(header.to_vec());
            }
            if before.len() > MOST_HEADER_BYTES {
                break;
            }
        }
        Ok(Vec::new())
    }
}

/// From the last block on that begins a header, if the rest is one.
fn header_at_the_end(bytes: &[u8]) -> Option<&[u8]> {
    let starts = (1..=bytes.len() / FITS_BLOCK).map(|n| bytes.len() - n * FITS_BLOCK);
    let begins = |at: &usize| bytes[*at..].starts_with(b"SIMPLE  =") || bytes[*at..].starts_with(b"XTENSION=");
    starts.into_iter().find(begins).map(|at| &bytes[at..])
}
