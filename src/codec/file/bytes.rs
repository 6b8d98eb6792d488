//! Bytes that are no samples: stored, or as a zstd frame where that is smaller, which may know what headers look like.
//!
//! method (0 stored, 1 zstd, 2 zstd with the dictionary) · number of bytes as LEB128 · the bytes

use crate::error::{Error, Result};
use crate::wire::{put_varint, take_u8, take_varint};

const LEVEL: i32 = 12;
/// No chunk holds more.
const MAX_BYTES: u64 = 16 << 20;

/// What the header of a small array is mostly made of: part of the format, FORMAT.md, section 3.3. The end is the nearest.
pub const DICTIONARY: &[u8] = b"\
\x93NUMPY\x01\x00v\x00{'descr': '<i2', 'fortran_order': True, 'shape': (512, 256, 128, 64, 32), }\
\x93NUMPY\x01\x00v\x00{'descr': '<f8', 'fortran_order': False, 'shape': (100, 1000, 1024), }\
\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (                                            \n";
/// Longer chunks hardly gain by it.
const MAX_WITH_DICTIONARY: usize = 512;

pub fn encode(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut best = (0, bytes.to_vec());
    let mut candidates = vec![(1, zstd::bulk::compress(bytes, LEVEL)?)];
    if bytes.len() <= MAX_WITH_DICTIONARY {
        let mut with = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)?;
        with.include_contentsize(false)?;
        candidates.push((2, with.compress(bytes)?));
    }
    for (method, code) in candidates {
        if code.len() < best.1.len() {
            best = (method, code);
        }
    }
    let (method, code) = best;
    let mut out = vec![method];
    put_varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(&code);
    Ok(out)
}

pub fn decode(mut payload: &[u8]) -> Result<Vec<u8>> {
    let method = take_u8(&mut payload)?;
    let n = take_varint(&mut payload)?;
    if n > MAX_BYTES {
        return Err(Error::limit(format!("a chunk of {n} bytes, {MAX_BYTES} is the most")));
    }
    let wrong = |e: std::io::Error| Error::corrupt(format!("a zstd frame: {e}"));
    let bytes = match method {
        0 => payload.to_vec(),
        1 => zstd::bulk::decompress(payload, n as usize).map_err(wrong)?,
        2 => zstd::bulk::Decompressor::with_dictionary(DICTIONARY)?.decompress(payload, n as usize).map_err(wrong)?,
        other => return Err(Error::unsupported(format!("chunk method {other} is not known to this version"))),
    };
    if bytes.len() as u64 != n {
        return Err(Error::corrupt(format!("a chunk of {} bytes that says {n}", bytes.len())));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back_and_noise_is_stored() {
        let noise: Vec<u8> = (0..1000u32).map(|i| (i.wrapping_mul(2654435761).rotate_left(9) >> 13) as u8).collect();
        for bytes in [&b""[..], b"SIMPLE  =                    T", &[32; 2880], &noise] {
            let coded = encode(bytes).unwrap();
            assert!(coded.len() <= bytes.len() + 4);
            assert_eq!(decode(&coded).unwrap(), bytes);
        }
    }

    #[test]
    fn the_header_of_a_small_array_takes_little() {
        let header = format!(
            "\u{93}NUMPY\u{1}\0v\0{:<117}\n",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (18, 64, 128), }"
        );
        let header: Vec<u8> = header.chars().map(|c| c as u8).collect();
        let coded = encode(&header).unwrap();
        assert!(header.len() == 128 && coded[0] == 2 && coded.len() < 45, "{} bytes", coded.len());
        assert_eq!(decode(&coded).unwrap(), header);
    }

    #[test]
    fn a_chunk_that_lies_about_its_length_is_corrupt() {
        let mut coded = encode(&[32; 2880]).unwrap();
        coded[1] ^= 1;
        assert!(decode(&coded).is_err());
    }
}
