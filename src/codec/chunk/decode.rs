//! chunk → array: the sum and the size are checked before anything is allocated; tiles go the way that those of a file go

use crate::array::ArrayType;
use crate::codec::chunk::{body, frame};
use crate::codec::file::archive::Array;
use crate::codec::file::cut::cut;
use crate::codec::file::decode::ArrayDecoder;
use crate::codec::file::options::Decoding;
use crate::error::{Error, Result};
use crate::grid::Place;
use crate::model::Model;
use crate::tile::code::Code;
use crate::tile::runtime::Runtimes;
use crate::wire::{take_bytes, take_u8, take_varint};
use std::sync::Arc;

/// What is decoded into memory of its own at most, where `Decoding::memory` does not say: a few bytes can hold that much of one value.
const MAX_UNASKED: u64 = 1 << 30;

/// What a chunk holds: its dtype, byte order and shape. The whole chunk is summed, nothing is decoded.
pub fn describe_chunk(chunk: &[u8]) -> Result<ArrayType> {
    Ok(frame::read(chunk)?.0)
}

/// What the bytes of a chunk are spent on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// The codes of tiles, or samples as they are.
    pub codes: u64,
    /// What was fitted to the array: refitted layers, spread and median, predictors.
    pub fitted: u64,
    /// Everything else.
    pub own: u64,
}

/// How large the parts of a chunk are; `models` are known beside those built in.
pub fn weigh_chunk(chunk: &[u8], models: &[Arc<Model>]) -> Result<Weight> {
    let (ty, body) = frame::read(chunk)?;
    let (codes, fitted) = weigh_body(body, &ty, models)?;
    Ok(Weight { codes, fitted, own: chunk.len() as u64 - codes - fitted })
}

fn weigh_body(mut from: &[u8], ty: &ArrayType, models: &[Arc<Model>]) -> Result<(u64, u64)> {
    let from = &mut from;
    match take_u8(from)? {
        body::STORED | body::CONSTANT => Ok((from.len() as u64, 0)),
        body::PARTS => parts(from, ty)?.into_iter().try_fold((0, 0), |(codes, fitted), (_, ty, part)| {
            let (more_codes, more_fitted) = weigh_body(part, &ty, models)?;
            Ok((codes + more_codes, fitted + more_fitted))
        }),
        form => {
            let head = body::read_head(form, from, ty, models)?;
            let codes = body::read_tiles(from, head.grid().n_tiles())?;
            Ok((codes.iter().map(|code| code.bytes.len() as u64).sum(), body::fitted_bytes(&head)))
        }
    }
}

/// The parts of an array that is cut: where their bytes begin in it, their types, their bodies.
fn parts<'a>(from: &mut &'a [u8], ty: &ArrayType) -> Result<Vec<(u64, ArrayType, &'a [u8])>> {
    let pieces = cut(0, ty)?;
    if pieces.len() < 2 {
        return Err(Error::corrupt("parts of an array that is not cut"));
    }
    let mut part = |(offset, ty)| {
        let n = take_varint(from)?;
        let n = usize::try_from(n).map_err(|_| Error::truncated("a part that is longer than its chunk"))?;
        Ok((offset, ty, take_bytes(from, n)?))
    };
    pieces.into_iter().map(&mut part).collect()
}

/// The array of a chunk and the bytes of its samples: of at most `decoding.memory.most` bytes, or 1 GiB where that is not given.
pub fn decode_chunk(chunk: &[u8], decoding: &Decoding) -> Result<(ArrayType, Vec<u8>)> {
    let (ty, body) = frame::read(chunk)?;
    check_may_allocate(&ty, decoding)?;
    let mut out = vec![0; ty.n_bytes()? as usize];
    decode_body(body, &ty, decoding, &mut out)?;
    Ok((ty, out))
}

/// Whether an array is small enough for a buffer that the caller has not given.
pub fn check_may_allocate(ty: &ArrayType, decoding: &Decoding) -> Result<()> {
    let (n_bytes, most) = (ty.n_bytes()?, decoding.memory.most.unwrap_or(MAX_UNASKED));
    if n_bytes > most {
        return Err(Error::limit(format!(
            "a chunk holds {n_bytes} bytes, {most} are allowed: allow more in Decoding::max_memory, or give a buffer"
        )));
    }
    Ok(())
}

/// The same into a buffer of exactly as many bytes.
pub fn decode_chunk_into(chunk: &[u8], decoding: &Decoding, out: &mut [u8]) -> Result<ArrayType> {
    let (ty, body) = frame::read(chunk)?;
    decode_into(&ty, body, decoding, out)?;
    Ok(ty)
}

/// The body of a chunk whose sum was found right.
pub fn decode_into(ty: &ArrayType, body: &[u8], decoding: &Decoding, out: &mut [u8]) -> Result<()> {
    if ty.n_bytes()? != out.len() as u64 {
        return Err(Error::argument(format!(
            "a buffer of {} bytes for a chunk that holds {}: {} {:?}",
            out.len(),
            ty.n_bytes()?,
            ty.dtype.name(),
            ty.shape
        )));
    }
    decode_body(body, ty, decoding, out)
}

fn decode_body(mut from: &[u8], ty: &ArrayType, decoding: &Decoding, out: &mut [u8]) -> Result<()> {
    let from = &mut from;
    match take_u8(from)? {
        body::STORED => out.copy_from_slice(take_bytes(from, out.len())?),
        body::CONSTANT => {
            let sample = take_bytes(from, ty.dtype.n_bytes())?;
            out.chunks_exact_mut(sample.len()).for_each(|to| to.copy_from_slice(sample));
        }
        body::PARTS => {
            for (offset, ty, part) in parts(from, ty)? {
                decode_body(part, &ty, decoding, &mut out[offset as usize..][..ty.n_bytes()? as usize])?;
            }
        }
        form => coded(form, from, ty, decoding, out)?,
    }
    if from.is_empty() { Ok(()) } else { Err(Error::corrupt("bytes follow the samples of a chunk")) }
}

fn coded(form: u8, from: &mut &[u8], ty: &ArrayType, decoding: &Decoding, out: &mut [u8]) -> Result<()> {
    let head = body::read_head(form, from, ty, &decoding.models)?;
    let codes = body::read_tiles(from, head.grid().n_tiles())?;
    let array = Array { number: 0, offset: 0, head, first_block: 0 };
    let fetch = |_: &Place, nth: usize| Ok::<Code, Error>(codes[nth].clone());
    let mut rest = out;
    let mut write = |bytes: &[u8]| {
        let (to, later) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        to.copy_from_slice(bytes);
        rest = later;
        Ok(())
    };
    let with = decoding.resources();
    let decoder = ArrayDecoder::new(std::iter::empty(), &with, &|_| Ok(()));
    decoder.sharing(Runtimes::of_process()).decode(&array, &fetch, None, &mut write)
}
