//! file = the samples of one array, and not a byte more: the caller says so, and is told when it cannot be.

use super::Format;
use super::pieces::{Found, Reading};
use crate::array::ArrayType;
use crate::error::{Error, Result};

pub(super) fn read(file_bytes: u64, ty: &ArrayType) -> Result<Reading> {
    let n_bytes = ty.n_bytes().map_err(|e| Error::argument(e.message))?;
    if n_bytes != file_bytes {
        return Err(Error::argument(format!(
            "shape {:?} of {} is {n_bytes} bytes, but the file has {file_bytes}",
            ty.shape,
            ty.dtype.name()
        )));
    }
    Ok(Reading {
        format: Format::Raw,
        arrays: vec![Found { offset: 0, ty: ty.clone(), label: "raw".into() }],
        note: None,
    })
}
