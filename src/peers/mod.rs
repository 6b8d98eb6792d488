//! Other people's methods to stand beside ours: RICE written from its published description, deflate, zstd and pcodec by their libraries.

mod pcodec;
pub mod rice;

use crate::array::{ArrayType, Dtype};
use crate::error::{Error, Result};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use rice::Width;
use std::io::{Read, Write};

/// A method that takes the bytes of one array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// As FITS users run it: arrays of integers of up to 32 bits, a row is a tile; others are stored.
    Rice,
    Deflate(u32),
    Zstd(i32),
    /// Numbers of any dtype, at one of its own levels.
    Pcodec(usize),
}

/// What a peer made of an array.
pub enum Packed {
    Rows(Vec<Vec<u8>>),
    Bytes(Vec<u8>),
}

impl Packed {
    pub fn n_bytes(&self) -> u64 {
        match self {
            Packed::Rows(rows) => rows.iter().map(|row| (row.len() + rice::DESCRIPTOR_BYTES) as u64).sum(),
            Packed::Bytes(bytes) => bytes.len() as u64,
        }
    }
}

impl Peer {
    pub fn name(self) -> String {
        match self {
            Peer::Rice => "RICE".into(),
            Peer::Deflate(level) => format!("deflate -{level}"),
            Peer::Zstd(level) => format!("zstd -{level}"),
            Peer::Pcodec(level) => format!("pcodec {level}"),
        }
    }

    /// Whether it is given arrays, the rest of a file being stored; the others are given the bytes of the file.
    pub fn is_for_arrays(self) -> bool {
        matches!(self, Peer::Rice | Peer::Pcodec(_))
    }

    /// Whether it does more with such an array than to store it.
    pub fn takes(self, ty: &ArrayType) -> bool {
        self != Peer::Rice || width(ty.dtype).is_some()
    }

    pub fn pack(self, bytes: &[u8], ty: &ArrayType) -> Result<Packed> {
        Ok(match (self, width(ty.dtype)) {
            (Peer::Rice, None) => Packed::Bytes(bytes.to_vec()),
            (Peer::Rice, Some(width)) => {
                let ints = ints(bytes, ty.dtype.n_bytes(), ty.big_endian);
                Packed::Rows(rice::encode_plane(&ints, row(ty), width))
            }
            (Peer::Deflate(level), _) => {
                let mut writer = ZlibEncoder::new(Vec::new(), Compression::new(level));
                writer.write_all(bytes)?;
                Packed::Bytes(writer.finish()?)
            }
            (Peer::Zstd(level), _) => Packed::Bytes(zstd::bulk::compress(bytes, level)?),
            (Peer::Pcodec(level), _) => Packed::Bytes(pcodec::encode(bytes, ty, level)?),
        })
    }

    /// The inverse; `n_bytes` is what went in.
    pub fn unpack(self, packed: &Packed, ty: &ArrayType, n_bytes: usize) -> Result<Vec<u8>> {
        match (self, packed, width(ty.dtype)) {
            (Peer::Rice, Packed::Rows(rows), Some(width)) => {
                let mut out = Vec::with_capacity(n_bytes);
                let sample_bytes = ty.dtype.n_bytes();
                for coded in rows {
                    let left = (n_bytes - out.len()) / sample_bytes;
                    let ints = rice::decode(coded, left.min(row(ty)), width)?;
                    ints.iter().for_each(|&int| put(&mut out, int, sample_bytes, ty.big_endian));
                }
                Ok(out)
            }
            (Peer::Deflate(_), Packed::Bytes(bytes), _) => {
                let mut out = Vec::with_capacity(n_bytes);
                ZlibDecoder::new(bytes.as_slice()).read_to_end(&mut out)?;
                Ok(out)
            }
            (Peer::Zstd(_), Packed::Bytes(bytes), _) => Ok(zstd::bulk::decompress(bytes, n_bytes)?),
            (Peer::Pcodec(_), Packed::Bytes(bytes), _) => pcodec::decode(bytes, ty),
            (Peer::Rice, Packed::Bytes(bytes), None) => Ok(bytes.clone()),
            _ => Err(Error::argument("another peer packed this")),
        }
    }
}

fn row(ty: &ArrayType) -> usize {
    ty.planes().2.max(1) as usize
}

fn width(dtype: Dtype) -> Option<Width> {
    match dtype {
        Dtype::U8 | Dtype::I8 => Some(Width::Bits8),
        Dtype::U16 | Dtype::I16 => Some(Width::Bits16),
        Dtype::U32 | Dtype::I32 => Some(Width::Bits32),
        Dtype::I64 | Dtype::U64 | Dtype::F32 | Dtype::F64 => None,
    }
}

/// Samples without sign, as RICE gives them back.
fn ints(bytes: &[u8], n_bytes: usize, big_endian: bool) -> Vec<i32> {
    let int = |sample: &[u8]| {
        let join = |n: u32, b: &u8| n << 8 | u32::from(*b);
        if big_endian { sample.iter().fold(0, join) as i32 } else { sample.iter().rev().fold(0, join) as i32 }
    };
    bytes.chunks_exact(n_bytes).map(int).collect()
}

/// The inverse for one.
fn put(out: &mut Vec<u8>, int: i32, n_bytes: usize, big_endian: bool) {
    match big_endian {
        true => out.extend(&int.to_be_bytes()[4 - n_bytes..]),
        false => out.extend(&int.to_le_bytes()[..n_bytes]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_peer_gives_every_dtype_back() {
        let bytes: Vec<u8> = (0..4800u32).map(|i| ((i * i) >> 7) as u8).collect();
        for dtype in Dtype::ALL {
            for big_endian in [false, true] {
                let n = 4800 / dtype.n_bytes() as u64;
                let ty = ArrayType { dtype, big_endian, shape: vec![n / 60, 60] };
                for peer in [Peer::Rice, Peer::Deflate(6), Peer::Zstd(3), Peer::Pcodec(8)] {
                    let packed = peer.pack(&bytes, &ty).unwrap();
                    let back = peer.unpack(&packed, &ty, bytes.len()).unwrap();
                    assert!(back == bytes, "{} {}", peer.name(), dtype.name());
                }
            }
        }
        let ty = ArrayType { dtype: Dtype::U8, big_endian: false, shape: vec![80, 60] };
        let floats = ArrayType { dtype: Dtype::F32, ..ty.clone() };
        assert!(Peer::Rice.takes(&ty) && !Peer::Rice.takes(&floats) && Peer::Zstd(3).takes(&floats));
        let packed = Peer::Rice.pack(&bytes, &ty).unwrap();
        assert!(Peer::Zstd(3).unpack(&packed, &ty, bytes.len()).is_err());
    }
}
