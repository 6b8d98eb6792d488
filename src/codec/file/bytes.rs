//! Bytes that are no samples: stored, or as a zstd frame or as text where that is smaller.
//!
//! method (0 stored, 1 zstd, 2 zstd with the dictionary, 3 text) · number of bytes as LEB128 · the bytes
//!
//! A text may be told from another one before it, as the header of a frame is from that of the frame before. That one is told from none,
//! so whoever wants a text reads two chunks at most.

use crate::error::{Error, Result};
use crate::text::Known;
use crate::wire::{put_varint, take_u8, take_varint};
use std::sync::{Arc, Mutex, PoisonError};

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

/// No text is longer: some 300 ms.
pub const MAX_TEXT: usize = 1 << 20;
/// So much of the end of a text another one is told from.
pub const MAX_BASE: usize = 32 << 10;
/// From a shorter one nothing is told.
const MIN_BASE: usize = 512;

/// What one chunk leaves to those behind it.
#[derive(Default)]
pub struct Encoder {
    /// The text that others are told from: where it begins, its end, and what that taught once there was another text.
    base: Option<(u64, Vec<u8>, Option<Known>)>,
}

impl Encoder {
    /// The chunk at `offset`; as text only where that `may_take_long`.
    pub fn encode(&mut self, offset: u64, bytes: &[u8], may_take_long: bool) -> Result<Vec<u8>> {
        let mut best = (0, bytes.to_vec());
        let mut candidates = vec![(1, zstd::bulk::compress(bytes, LEVEL)?)];
        if bytes.len() <= MAX_WITH_DICTIONARY {
            let mut with = zstd::bulk::Compressor::with_dictionary(LEVEL, DICTIONARY)?;
            with.include_contentsize(false)?;
            candidates.push((2, with.compress(bytes)?));
        }
        if may_take_long && is_text(bytes) {
            candidates.push((3, self.text(offset, bytes)));
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

    /// Told from usual cards alone or from the base as well. Where that does not help, later texts are told from this one.
    fn text(&mut self, offset: u64, bytes: &[u8]) -> Vec<u8> {
        let alone = [vec![0], Known::cards().encode(bytes)].concat();
        if let Some((at, end, known)) = &mut self.base {
            let known = known.get_or_insert_with(|| Known::cards().and(end));
            let mut code = Vec::new();
            put_varint(&mut code, offset - *at);
            code.extend(known.encode(bytes));
            if code.len() < alone.len() {
                return code;
            }
        }
        if bytes.len() >= MIN_BASE {
            self.base = Some((offset, end(bytes).to_vec(), None));
        }
        alone
    }
}

/// Few bytes are none of text, and not all are the same, as in the padding of a FITS.
fn is_text(bytes: &[u8]) -> bool {
    let is_of_text = |byte: &&u8| matches!(byte, 0 | b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let n_others = bytes.len() - bytes.iter().filter(is_of_text).count();
    bytes.len() <= MAX_TEXT && n_others <= bytes.len() / 16 && bytes.iter().any(|&byte| byte != bytes[0])
}

fn end(text: &[u8]) -> &[u8] {
    &text[text.len().saturating_sub(MAX_BASE)..]
}

/// What the last base taught: texts of one file are mostly told from one.
#[derive(Default)]
pub struct Decoder {
    base: Mutex<Option<(u64, Arc<Known>)>>,
}

/// The payload of the BYTES block at an offset of the content.
pub type Fetch<'a> = &'a dyn Fn(u64) -> Result<Vec<u8>>;

impl Decoder {
    /// The bytes of a BYTES block.
    pub fn decode(&self, payload: &[u8], fetch: Fetch) -> Result<Vec<u8>> {
        decode(payload, &|offset| {
            if let Some((at, known)) = &*self.base.lock().unwrap_or_else(PoisonError::into_inner)
                && *at == offset
            {
                return Ok(known.clone());
            }
            let none = |_| Err(Error::corrupt("a text is told from one that is told from another"));
            let base = decode(&fetch(offset)?, &none).map_err(|e| e.at(format!("the text at byte {offset}")))?;
            if base.len() > MAX_TEXT {
                return Err(Error::corrupt("a text is told from a chunk that is too long to be one"));
            }
            let known = Arc::new(Known::cards().and(end(&base)));
            *self.base.lock().unwrap_or_else(PoisonError::into_inner) = Some((offset, known.clone()));
            Ok(known)
        })
    }
}

fn decode(mut payload: &[u8], base: &dyn Fn(u64) -> Result<Arc<Known>>) -> Result<Vec<u8>> {
    let offset = take_varint(&mut payload)?;
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
        3 if n > MAX_TEXT as u64 => return Err(Error::limit(format!("a text of {n} bytes, {MAX_TEXT} is the most"))),
        3 => match take_varint(&mut payload)? {
            0 => Known::cards().decode(payload, n as usize)?,
            back if back <= offset => base(offset - back)?.decode(payload, n as usize)?,
            back => {
                return Err(Error::corrupt(format!("a text at byte {offset} is told from one {back} bytes before")));
            }
        },
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

    /// A chunk at an offset, as the payload of its block.
    fn at(encoder: &mut Encoder, offset: u64, bytes: &[u8], may_take_long: bool) -> Vec<u8> {
        let mut payload = Vec::new();
        put_varint(&mut payload, offset);
        payload.extend(encoder.encode(offset, bytes, may_take_long).unwrap());
        payload
    }

    fn encode(bytes: &[u8]) -> Vec<u8> {
        at(&mut Encoder::default(), 0, bytes, true)
    }

    fn decode(payload: &[u8]) -> Result<Vec<u8>> {
        Decoder::default().decode(payload, &|_| Err(Error::corrupt("there is no other chunk")))
    }

    fn noise(n: u32) -> Vec<u8> {
        (0..n).map(|i| (i.wrapping_mul(2654435761).rotate_left(9) >> 13) as u8).collect()
    }

    fn header(exposure: u32) -> Vec<u8> {
        let mut text = String::new();
        for (keyword, value) in
            [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "2"), ("NAXIS1", "641"), ("GRATPOS", "77")]
        {
            text += &format!("{:<80}", format!("{keyword:<8}= {value:>20} / of the grating at position {exposure}"));
        }
        for i in 0..20 {
            text += &format!("{:<80}", format!("LAMP{i:<4}= {:>20} / [V] of lamp", i * i * 7919 % 1000));
        }
        text += &format!("{:<80}", format!("EXPTIME = {exposure:>20}"));
        format!("{text:<2880}").into_bytes()
    }

    #[test]
    fn bytes_come_back_and_noise_is_stored() {
        for bytes in [&b""[..], b"SIMPLE  =                    T", &[32; 2880], &noise(1000), &header(30)] {
            let coded = encode(bytes);
            assert!(coded.len() <= bytes.len() + 5);
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
        let coded = encode(&header);
        assert!(header.len() == 128 && coded[1] == 2 && coded.len() < 45, "{} bytes", coded.len());
        assert_eq!(decode(&coded).unwrap(), header);
    }

    #[test]
    fn text_is_coded_as_text_where_that_may_take_long() {
        let (text, mut encoder) = (header(30), Encoder::default());
        let (quick, slow) = (at(&mut encoder, 0, &text, false), at(&mut encoder, 0, &text, true));
        assert!(quick[1] == 1 && slow[1] == 3 && slow.len() < quick.len() * 2 / 3, "{} {}", quick.len(), slow.len());
        assert_eq!((decode(&quick).unwrap(), decode(&slow).unwrap()), (text.clone(), text));
        assert_eq!(at(&mut encoder, 0, &b"word ".repeat(MAX_TEXT / 5 + 1), true)[1], 1);
        assert_eq!(at(&mut encoder, 0, &[0; 2000], true)[1], 1);
    }

    #[test]
    fn a_text_is_told_from_one_before_it() {
        let mut encoder = Encoder::default();
        let offsets = [70, 9_000, 20_000];
        let texts = [header(30), header(31), header(32)];
        let payloads: Vec<Vec<u8>> =
            offsets.iter().zip(&texts).map(|(&o, text)| at(&mut encoder, o, text, true)).collect();
        let lengths = [0, 1, 2].map(|i| payloads[i].len());
        assert!(lengths[1] * 2 < lengths[0] && lengths[2] * 2 < lengths[0], "{lengths:?}");
        let fetch = |offset: u64| {
            let there = offsets.iter().position(|&o| o == offset);
            there.map(|i| payloads[i].clone()).ok_or_else(|| Error::corrupt("no chunk begins there"))
        };
        let decoder = Decoder::default();
        for i in [2, 0, 1, 2] {
            assert_eq!(decoder.decode(&payloads[i], &fetch).unwrap(), texts[i]);
        }
        // from itself, from one that is told from another, from nothing
        for fetch in [&|_| Ok(payloads[1].clone()) as Result<Vec<u8>>, &|_| Err(Error::corrupt("lost"))] as [Fetch; 2] {
            assert!(Decoder::default().decode(&payloads[1], fetch).is_err());
        }
        assert!(decode(&[1, 3, 8, 2, 0, 0, 0, 0]).unwrap_err().to_string().contains("told from one 2 bytes before"));
    }

    #[test]
    fn a_chunk_that_lies_about_its_length_is_corrupt() {
        for (bytes, method) in [(vec![32; 2880], 1), (header(1), 3), (noise(100), 0)] {
            let mut coded = encode(&bytes);
            assert_eq!(coded[1], method);
            coded[2] ^= 1;
            assert!(decode(&coded).is_err());
        }
        let long = [&[0, 3][..], &[0xff, 0xff, 0x7f], &[0, 0, 0, 0]].concat();
        assert!(decode(&long).unwrap_err().to_string().contains("1048576 is the most"));
    }

    #[test]
    fn no_cut_and_no_flipped_bit_of_a_text_is_more_than_an_error() {
        let text = header(30)[..1600].to_vec();
        let coded = encode(&text);
        assert_eq!(coded[1], 3);
        (0..coded.len()).for_each(|n| assert!(decode(&coded[..n]).is_err(), "{n}"));
        // the first byte is the offset; else an error comes, or other bytes, which the sum of the block tells
        for bit in 8..8 * coded.len() {
            let mut flipped = coded.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_ne!(decode(&flipped).as_deref(), Ok(&text[..]), "{bit}");
        }
    }
}
