//! dataset to be made → may it be coded, and what its chunks are
//!
//! What can be coded: integers of 1, 2, 4, 8 bytes and enumerations of them, IEEE floats of 4 and 8 bytes, floats of 2 bytes without
//! loss; the lowest byte first or last. The filter is the first of its dataset: what comes out of `shuffle` are no samples.

use crate::FILTER;
use crate::cd_values::{self, Asked, Chunks, MAX_DIMENSIONS};
use crate::filter::guarded;
use crate::library::{Hdf5, Hid};
use collapsar::internals::array::Dtype;
use collapsar::internals::{Error, Loss, Result, read_recipe};
use std::ffi::{CStr, c_int, c_uint};
use std::ptr;

/// `H5T_class_t`, `H5T_order_t`, `H5T_sign_t`, `H5D_fill_value_t`.
const INTEGER: c_int = 0;
const FLOAT: c_int = 1;
const ENUMERATION: c_int = 8;
const LITTLE_ENDIAN: c_int = 0;
const BIG_ENDIAN: c_int = 1;
const NO_ORDER: c_int = 4;
const FILL_OF_USER: c_int = 2;

const FAIL: c_int = -1;
const YES: c_int = 1;

/// A dataset that cannot be coded is an error, also where the filter is optional: h5py knows no other, and nobody would notice.
pub extern "C" fn can_apply(properties: Hid, ty: Hid, _space: Hid) -> c_int {
    said(c"H5E_CANAPPLY_g", |hdf5| dataset(hdf5, properties, ty).map(|_| ()))
}

/// Writes cd_values anew, also where they come from a dataset of another shape, as h5repack gives them.
pub extern "C" fn set_local(properties: Hid, ty: Hid, _space: Hid) -> c_int {
    said(c"H5E_SETLOCAL_g", |hdf5| {
        let Dataset { asked, chunks, flags } = dataset(hdf5, properties, ty)?;
        let values = cd_values::write(&asked, &chunks);
        // SAFETY: HDF5 reads so many words and keeps a copy.
        let status = unsafe { (hdf5.H5Pmodify_filter)(properties, FILTER, flags, values.len(), values.as_ptr()) };
        if status < 0 { Err(Error::argument("the dataset does not take cd_values")) } else { Ok(()) }
    })
}

fn said(kind: &CStr, work: impl FnOnce(&Hdf5) -> Result<()>) -> c_int {
    let Some(hdf5) = Hdf5::that_calls() else { return FAIL };
    match guarded(|| work(&hdf5)) {
        Ok(()) => YES,
        Err(error) => {
            hdf5.push(kind, &error.to_string());
            FAIL
        }
    }
}

struct Dataset {
    asked: Asked,
    chunks: Chunks,
    flags: c_uint,
}

/// What is to be made, or why it cannot be.
fn dataset(hdf5: &Hdf5, properties: Hid, ty: Hid) -> Result<Dataset> {
    let Place { asked, flags, is_first } = place(hdf5, properties)?;
    if !is_first {
        return Err(Error::argument("another filter, such as shuffle, stands before this one, which codes samples"));
    }
    let samples = samples(hdf5, ty)?;
    if asked.loss != Loss::None && !samples.is_number {
        return Err(Error::argument(
            "a bound for a type that only has bits: an enumeration, a float of another layout",
        ));
    }
    let chunks = chunks(hdf5, properties, ty, &samples)?;
    if !asked.recipe.is_empty() && !read_recipe(&asked.recipe, &[])?.fits(&chunks.ty()) {
        return Err(Error::argument("the recipe is for another dtype, or for chunks of another size"));
    }
    Ok(Dataset { asked, chunks, flags })
}

/// The filter as it stands in the properties of a dataset.
struct Place {
    asked: Asked,
    flags: c_uint,
    is_first: bool,
}

fn place(hdf5: &Hdf5, properties: Hid) -> Result<Place> {
    // SAFETY: a number goes in, a number comes out.
    let n_filters = unsafe { (hdf5.H5Pget_nfilters)(properties) };
    for i in 0..c_uint::try_from(n_filters).unwrap_or(0) {
        let (mut flags, mut n) = (0, 0);
        // the number of words first, then the words
        let filter = |flags: &mut c_uint, n: &mut usize, values: *mut c_uint| {
            // SAFETY: no more than n words are written, where there is room for them; no name and no configuration is asked for.
            unsafe { (hdf5.H5Pget_filter2)(properties, i, flags, n, values, 0, ptr::null_mut(), ptr::null_mut()) }
        };
        if filter(&mut flags, &mut n, ptr::null_mut()) != FILTER {
            continue;
        }
        let mut values = vec![0; n];
        filter(&mut flags, &mut n, values.as_mut_ptr());
        return Ok(Place { asked: cd_values::read_asked(&values)?.0, flags, is_first: i == 0 });
    }
    Err(Error::argument("only chunks of datasets can be coded"))
}

/// The type of the samples, and whether their bits are those of a number.
struct Samples {
    dtype: Dtype,
    big_endian: bool,
    is_number: bool,
}

fn samples(hdf5: &Hdf5, ty: Hid) -> Result<Samples> {
    // SAFETY: handles go in, numbers come out.
    let (class, n_bytes) = unsafe { ((hdf5.H5Tget_class)(ty), (hdf5.H5Tget_size)(ty)) };
    // SAFETY: as above; of other classes HDF5 would call these questions errors.
    let sign = if [INTEGER, ENUMERATION].contains(&class) { unsafe { (hdf5.H5Tget_sign)(ty) } } else { 0 };
    let dtype = match (class, n_bytes, sign) {
        (INTEGER | ENUMERATION, 1, 0) => Dtype::U8,
        (INTEGER | ENUMERATION, 1, 1) => Dtype::I8,
        (INTEGER | ENUMERATION, 2, 0) | (FLOAT, 2, _) => Dtype::U16,
        (INTEGER | ENUMERATION, 2, 1) => Dtype::I16,
        (INTEGER | ENUMERATION, 4, 0) => Dtype::U32,
        (INTEGER | ENUMERATION, 4, 1) => Dtype::I32,
        (INTEGER | ENUMERATION, 8, 0) => Dtype::U64,
        (INTEGER | ENUMERATION, 8, 1) => Dtype::I64,
        (FLOAT, 4, _) => Dtype::F32,
        (FLOAT, 8, _) => Dtype::F64,
        _ => {
            return Err(Error::argument(format!(
                "a type of class {class} and {n_bytes} bytes: integers of 1, 2, 4, 8 bytes and floats of 2, 4, 8 are coded"
            )));
        }
    };
    // SAFETY: as above.
    let order = unsafe { (hdf5.H5Tget_order)(ty) };
    let big_endian = match order {
        _ if n_bytes == 1 => false,
        LITTLE_ENDIAN | NO_ORDER => false,
        BIG_ENDIAN => true,
        _ => return Err(Error::argument("a byte order of a VAX")),
    };
    let is_number = match class {
        FLOAT => is_ieee(hdf5, ty, dtype),
        _ => class == INTEGER,
    };
    Ok(Samples { dtype, big_endian, is_number })
}

fn is_ieee(hdf5: &Hdf5, ty: Hid, dtype: Dtype) -> bool {
    let [mut sign, mut exponent, mut n_exponent, mut mantissa, mut n_mantissa] = [usize::MAX; 5];
    // SAFETY: five numbers are written to where there is room for them.
    let bias = unsafe {
        (hdf5.H5Tget_fields)(ty, &mut sign, &mut exponent, &mut n_exponent, &mut mantissa, &mut n_mantissa);
        (hdf5.H5Tget_ebias)(ty)
    };
    let layout = (sign, exponent, n_exponent, mantissa, n_mantissa, bias);
    match dtype {
        Dtype::F32 => layout == (31, 23, 8, 0, 23, 127),
        Dtype::F64 => layout == (63, 52, 11, 0, 52, 1023),
        _ => false,
    }
}

fn chunks(hdf5: &Hdf5, properties: Hid, ty: Hid, samples: &Samples) -> Result<Chunks> {
    let mut dimensions = [0; MAX_DIMENSIONS];
    // SAFETY: no more dimensions are written than there is room for.
    let n = unsafe { (hdf5.H5Pget_chunk)(properties, MAX_DIMENSIONS as c_int, dimensions.as_mut_ptr()) };
    let dimensions = dimensions.get(..usize::try_from(n).unwrap_or(0)).filter(|dimensions| !dimensions.is_empty());
    let dimensions = dimensions.ok_or_else(|| Error::argument("a dataset without chunks has no filters"))?;
    let dimensions = dimensions.iter().map(|&n| u32::try_from(n).map_err(|_| Error::limit("a chunk of 2³² samples")));
    let dimensions = dimensions.collect::<Result<Vec<u32>>>()?;
    let Samples { dtype, big_endian, .. } = *samples;
    let fill = fill(hdf5, properties, ty, dtype, big_endian)?;
    Ok(Chunks { dtype, big_endian, fill, dimensions })
}

/// The bits of the fill value, where somebody has set one.
fn fill(hdf5: &Hdf5, properties: Hid, ty: Hid, dtype: Dtype, big_endian: bool) -> Result<Option<u64>> {
    let (mut status, mut bytes) = (0, [0u8; 8]);
    // SAFETY: a number is written, and one sample of at most 8 bytes.
    let is_known = unsafe {
        (hdf5.H5Pfill_value_defined)(properties, &mut status) >= 0
            && (status != FILL_OF_USER || (hdf5.H5Pget_fill_value)(properties, ty, bytes.as_mut_ptr().cast()) >= 0)
    };
    if !is_known {
        return Err(Error::argument("the fill value cannot be read"));
    }
    let bytes = &mut bytes[..dtype.n_bytes()];
    if big_endian {
        bytes.reverse();
    }
    let bits = bytes.iter().rev().fold(0, |bits, &byte| bits << 8 | u64::from(byte));
    Ok((status == FILL_OF_USER).then_some(bits))
}
