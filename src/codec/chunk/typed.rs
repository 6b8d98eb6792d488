//! samples of a Rust type ⇄ chunk. What is written has the lowest byte first, whatever the machine.

use crate::array::{ArrayType, NATIVE_BIG_ENDIAN, Sample, bytes_of, bytes_of_mut, reorder, zeros};
use crate::codec::chunk::decode::{check_may_allocate, decode_into};
use crate::codec::chunk::encode::encode_chunk;
use crate::codec::chunk::frame;
use crate::codec::file::learn::learn;
use crate::codec::file::options::{Decoding, Options};
use crate::codec::search::recipe::Recipe;
use crate::error::{Error, Result};
use std::borrow::Cow;

/// An array as a chunk: its samples in C order, the last dimension runs fastest. `decode_array` gives them back, bit for bit, or
/// within the bound that `options.loss` asks for.
///
/// ```
/// use collapsar::internals::codec::chunk::{decode_array, encode_array};
/// let frame: Vec<u16> = (0..64 * 64).map(|i| i % 64 + 1000).collect();
/// let chunk = encode_array(&frame, &[64, 64], &Default::default())?;
/// assert_eq!(decode_array::<u16>(&chunk, &Default::default())?, (vec![64, 64], frame));
/// # Ok::<(), collapsar::internals::Error>(())
/// ```
pub fn encode_array<T: Sample>(samples: &[T], shape: &[usize], options: &Options) -> Result<Vec<u8>> {
    let (bytes, ty) = described(samples, shape)?;
    encode_chunk(&bytes, &ty, options)
}

/// What a search decides for an array.
pub fn learn_array<T: Sample>(samples: &[T], shape: &[usize], options: &Options) -> Result<Recipe> {
    let (bytes, ty) = described(samples, shape)?;
    let mut recipe = Recipe::default();
    learn(&bytes.as_ref(), &Options { raw: Some(ty), ..options.clone() }, &mut recipe)?;
    Ok(recipe)
}

/// The bytes of samples, the lowest first, and their type.
fn described<'a, T: Sample>(samples: &'a [T], shape: &[usize]) -> Result<(Cow<'a, [u8]>, ArrayType)> {
    let shape: Vec<u64> = shape.iter().map(|&d| d as u64).collect();
    let ty = ArrayType { dtype: T::DTYPE, big_endian: false, shape };
    if ty.n_samples()? != samples.len() as u64 {
        return Err(Error::argument(format!("{} samples do not fill the shape {:?}", samples.len(), ty.shape)));
    }
    let mut bytes = Cow::Borrowed(bytes_of(samples));
    if NATIVE_BIG_ENDIAN {
        reorder(bytes.to_mut(), size_of::<T>(), NATIVE_BIG_ENDIAN, ty.big_endian);
    }
    Ok((bytes, ty))
}

/// The shape and the samples of a chunk: of at most `decoding.memory.most` bytes, or 1 GiB where that is not given.
pub fn decode_array<T: Sample>(chunk: &[u8], decoding: &Decoding) -> Result<(Vec<usize>, Vec<T>)> {
    let (ty, body) = frame::read(chunk)?;
    check_may_allocate(&ty, decoding)?;
    ty.check_holds::<T>()?;
    let mut out = zeros(ty.n_samples()? as usize);
    Ok((decode(ty, body, decoding, &mut out)?, out))
}

/// The same into a buffer of exactly as many samples; returns the shape.
pub fn decode_array_into<T: Sample>(chunk: &[u8], decoding: &Decoding, out: &mut [T]) -> Result<Vec<usize>> {
    let (ty, body) = frame::read(chunk)?;
    ty.check_holds::<T>()?;
    decode(ty, body, decoding, out)
}

fn decode<T: Sample>(ty: ArrayType, body: &[u8], decoding: &Decoding, out: &mut [T]) -> Result<Vec<usize>> {
    let bytes = bytes_of_mut(out);
    decode_into(&ty, body, decoding, bytes)?;
    reorder(bytes, size_of::<T>(), ty.big_endian, NATIVE_BIG_ENDIAN);
    Ok(ty.shape.iter().map(|&d| d as usize).collect())
}
