//! chunk = magic · version · length varint · type · body · crc          length: of everything behind it
//!
//! type = dtype, in whose highest bit the byte order is · number of dimensions varint · dimension varint each

use crate::array::{ArrayType, Dtype};
use crate::codec::array::by::at_most;
use crate::codec::array::head::MAX_DIMENSIONS;
use crate::error::{Error, Result};
use crate::wire::{put_varint, take_array, take_bytes, take_u8, take_varint};

pub const MAGIC: [u8; 3] = [0x8f, b'C', b'A'];
pub const VERSION: u8 = 1;
const BIG_ENDIAN: u8 = 0x80;
const CRC_BYTES: usize = 4;

pub fn write(ty: &ArrayType, body: &[u8]) -> Vec<u8> {
    let mut described = Vec::new();
    write_type(ty, &mut described);
    let mut out = MAGIC.to_vec();
    out.push(VERSION);
    put_varint(&mut out, (described.len() + body.len() + CRC_BYTES) as u64);
    out.extend(described);
    out.extend_from_slice(body);
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    out
}

/// The type and the body of a chunk whose sum is right.
pub fn read(chunk: &[u8]) -> Result<(ArrayType, &[u8])> {
    let n_magic = chunk.len().min(MAGIC.len());
    if chunk[..n_magic] != MAGIC[..n_magic] {
        return Err(Error::corrupt("not a chunk: it begins otherwise"));
    }
    let mut from = chunk;
    take_bytes(&mut from, MAGIC.len())?;
    let version = take_u8(&mut from)?;
    if version != VERSION {
        return Err(Error::unsupported(format!("a chunk of version {version}, this build reads version {VERSION}")));
    }
    let n = take_varint(&mut from)?;
    if n > from.len() as u64 {
        return Err(Error::truncated(format!("a chunk of {n} more bytes, of which {} are there", from.len())));
    }
    if n < from.len() as u64 {
        return Err(Error::corrupt(format!("{} bytes follow a chunk", from.len() as u64 - n)));
    }
    let wrong = || Error::corrupt("the checksum of a chunk does not match: it is damaged");
    let (summed, sum) = chunk.split_last_chunk::<CRC_BYTES>().ok_or_else(wrong)?;
    if n < CRC_BYTES as u64 || crc32c::crc32c(summed) != u32::from_le_bytes(*sum) {
        return Err(wrong());
    }
    let mut from = &from[..from.len() - CRC_BYTES];
    Ok((read_type(&mut from)?, from))
}

pub fn write_type(ty: &ArrayType, out: &mut Vec<u8>) {
    out.push(ty.dtype as u8 | if ty.big_endian { BIG_ENDIAN } else { 0 });
    put_varint(out, ty.shape.len() as u64);
    ty.shape.iter().for_each(|&d| put_varint(out, d));
}

/// A type of an array that there can be.
pub fn read_type(from: &mut &[u8]) -> Result<ArrayType> {
    let [first] = take_array(from)?;
    let dtype = Dtype::from_code(first & !BIG_ENDIAN)?;
    let n_dimensions = at_most(take_varint(from)?, MAX_DIMENSIONS, "dimensions")?;
    let shape = (0..n_dimensions).map(|_| take_varint(from)).collect::<Result<Vec<u64>>>()?;
    let ty = ArrayType { dtype, big_endian: first & BIG_ENDIAN != 0, shape };
    ty.n_bytes()?;
    Ok(ty)
}
