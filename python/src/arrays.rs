//! bytes of samples, dtype, byte order, shape ⇄ chunk

use crate::encoding::{Decoding, Encoding};
use crate::work::{at_once, run};
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::sample::Comb;
use collapsar::internals::{decode_chunk, decode_chunk_into, describe_chunk, encode_chunk};
use numpy::{IntoPyArray as _, PyArray1, PyArrayMethods as _, PyReadonlyArray1, PyReadwriteArray1};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

/// An array that Python described: name of its dtype, byte order, shape.
pub type Described = (String, bool, Vec<u64>);

pub fn array_type((dtype, big_endian, shape): Described) -> Result<ArrayType, collapsar::Error> {
    Ok(ArrayType { dtype: Dtype::from_name(&dtype)?, big_endian, shape })
}

pub fn described(ty: &ArrayType) -> Described {
    (ty.dtype.name().to_string(), ty.big_endian, ty.shape.clone())
}

/// The bytes of an array that Python made flat; an error where another thread writes to it at this moment.
pub fn read<'py>(bytes: &Bound<'py, PyArray1<u8>>) -> PyResult<PyReadonlyArray1<'py, u8>> {
    bytes.try_readonly().map_err(|e| PyValueError::new_err(format!("the buffer is being written to: {e}")))
}

/// The same, to be written to.
pub fn write<'py>(bytes: &Bound<'py, PyArray1<u8>>) -> PyResult<PyReadwriteArray1<'py, u8>> {
    bytes.try_readwrite().map_err(|e| PyValueError::new_err(format!("the buffer cannot be written to: {e}")))
}

#[pyfunction]
pub fn encode<'py>(
    py: Python<'py>,
    bytes: &Bound<'py, PyArray1<u8>>,
    ty: Described,
    encoding: &Encoding,
) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = read(bytes)?;
    let bytes = bytes.as_slice()?;
    let chunk = run(py, || encode_chunk(bytes, &array_type(ty)?, &encoding.inner))?;
    Ok(PyBytes::new(py, &chunk))
}

/// The samples as bytes, and what they are.
#[pyfunction]
pub fn decode<'py>(
    py: Python<'py>,
    chunk: &Bound<'py, PyArray1<u8>>,
    decoding: &Decoding,
) -> PyResult<(Described, Bound<'py, PyArray1<u8>>)> {
    let chunk = read(chunk)?;
    let chunk = chunk.as_slice()?;
    let (ty, bytes) = run(py, || decode_chunk(chunk, &decoding.inner))?;
    Ok((described(&ty), bytes.into_pyarray(py)))
}

/// The samples into a buffer of exactly as many bytes.
#[pyfunction]
pub fn decode_into(
    py: Python,
    chunk: &Bound<PyArray1<u8>>,
    decoding: &Decoding,
    out: &Bound<PyArray1<u8>>,
) -> PyResult<()> {
    let chunk = read(chunk)?;
    let chunk = chunk.as_slice()?;
    let mut out = write(out)?;
    let out = out.as_slice_mut()?;
    run(py, || decode_chunk_into(chunk, &decoding.inner, out).map(|_| ()))
}

/// What a chunk holds; nothing is decoded.
#[pyfunction]
pub fn describe(py: Python, chunk: &Bound<PyArray1<u8>>) -> PyResult<Described> {
    let chunk = read(chunk)?;
    let chunk = chunk.as_slice()?;
    at_once(py, || Ok(described(&describe_chunk(chunk)?)))
}

/// Spreads floats whose mantissas were rounded to so many bits over what rounding left; whether that was seen of them.
#[pyfunction]
pub fn restore(py: Python, bytes: &Bound<PyArray1<u8>>, ty: Described, n_bits: u32) -> PyResult<bool> {
    let mut bytes = write(bytes)?;
    let bytes = bytes.as_slice_mut()?;
    at_once(py, || {
        let ty = array_type(ty)?;
        let Some(mut comb) = Comb::new(ty.dtype) else { return Ok(false) };
        comb.update(bytes, ty.big_endian);
        let restorer = comb.restorer(Some(n_bits));
        Ok(restorer.map(|mut restorer| restorer.restore(bytes, ty.big_endian)).is_some())
    })
}
