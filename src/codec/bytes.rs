//! Bytes that are no samples: stored, or as a zstd frame where that is smaller.
//!
//! method (0 stored, 1 zstd) · number of bytes as LEB128 · the bytes

use crate::error::{Error, Result};
use crate::wire::{put_varint, take_u8, take_varint};

const LEVEL: i32 = 12;
/// No chunk holds more.
const MAX_BYTES: u64 = 16 << 20;

pub fn encode(bytes: &[u8]) -> Result<Vec<u8>> {
    let coded = zstd::bulk::compress(bytes, LEVEL)?;
    let (method, code) = if coded.len() < bytes.len() { (1, coded.as_slice()) } else { (0, bytes) };
    let mut out = vec![method];
    put_varint(&mut out, bytes.len() as u64);
    out.extend_from_slice(code);
    Ok(out)
}

pub fn decode(mut payload: &[u8]) -> Result<Vec<u8>> {
    let method = take_u8(&mut payload)?;
    let n = take_varint(&mut payload)?;
    if n > MAX_BYTES {
        return Err(Error::limit(format!("a chunk of {n} bytes, {MAX_BYTES} is the most")));
    }
    let bytes = match method {
        0 => payload.to_vec(),
        1 => zstd::bulk::decompress(payload, n as usize).map_err(|e| Error::corrupt(format!("a zstd frame: {e}")))?,
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
    fn a_chunk_that_lies_about_its_length_is_corrupt() {
        let mut coded = encode(&[32; 2880]).unwrap();
        coded[1] ^= 1;
        assert!(decode(&coded).is_err());
    }
}
