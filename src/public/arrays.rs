//! Arrays alone: chunks of Zarr, filters of HDF5, tiles of FITS. FORMAT.md has the bytes.

use super::options::{Decoding, Options};
use crate::array::Sample;
use crate::codec::chunk;
use crate::error::Error;

/// An array as a chunk of bytes, with no file around it. Samples are in C order: the last dimension runs fastest. The same bytes come
/// out on every machine.
///
/// ```
/// use collapsar::{Decoding, Loss, Options, decode_array, encode_array};
/// let field: Vec<f32> = (0..64 * 64).map(|i| (i as f32 / 99.0).sin()).collect();
/// let chunk = encode_array(&field, &[64, 64], &Options::default())?;
/// assert_eq!(decode_array::<f32>(&chunk, &Decoding::default())?, (vec![64, 64], field.clone()));
///
/// let chunk = encode_array(&field, &[64, 64], &Options::default().loss(Loss::Abs(1e-3)))?;
/// let (_, within) = decode_array::<f32>(&chunk, &Decoding::default())?;
/// assert!(field.iter().zip(&within).all(|(a, b)| (a - b).abs() <= 1e-3));
/// # Ok::<(), collapsar::Error>(())
/// ```
pub fn encode_array<T: Sample>(samples: &[T], shape: &[usize], options: &Options) -> Result<Vec<u8>, Error> {
    chunk::encode_array(samples, shape, &options.inner)
}

/// The shape and the samples of a chunk: of at most [`Decoding::max_memory`] bytes, or 1 GiB where that is not given. Damage is
/// an error, never wrong samples.
pub fn decode_array<T: Sample>(chunk: &[u8], decoding: &Decoding) -> Result<(Vec<usize>, Vec<T>), Error> {
    chunk::decode_array(chunk, &decoding.inner)
}

/// The same into a buffer of exactly as many samples as the chunk has; returns the shape.
pub fn decode_array_into<T: Sample>(chunk: &[u8], decoding: &Decoding, out: &mut [T]) -> Result<Vec<usize>, Error> {
    chunk::decode_array_into(chunk, &decoding.inner, out)
}
