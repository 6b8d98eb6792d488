//! TODO

mod bits;
mod coded;
mod context;
mod fit;
mod histogram;
mod predict;
mod tables;
mod token;

use crate::error::{Error, Result};
use bits::{BitReader, BitWriter, ByteReader, put_varint};
use fit::Tile;

const CONSTANT: u8 = 0;
const PACKED: u8 = 1;
const MEDIAN: u8 = 2;
const LINEAR: u8 = 3;

/// One tile of ints (h × w, row-major), each `as u32` at most `max_int`, to the smallest of the modes.
pub fn encode(ints: &[i32], h: usize, w: usize, max_int: u32) -> Vec<u8> {
    assert!(h > 0 && w > 0 && ints.len() == h * w, "a tile of {h} × {w} does not hold {} ints", ints.len());
    let (lo, spread, values) = above_minimum(ints);
    assert!(lo + spread <= max_int, "an int is above {max_int}");
    let mut payload = Vec::new();
    if spread == 0 {
        payload.push(CONSTANT);
        put_varint(&mut payload, u64::from(lo));
        return payload;
    }
    let tile = Tile { values: &values, h, w };
    let coded = coded::encode(tile, lo, spread);
    let n_bits = 32 - spread.leading_zeros();
    payload.push(PACKED);
    put_varint(&mut payload, u64::from(lo));
    payload.push(n_bits as u8);
    if coded.len() <= payload.len() + (values.len() * n_bits as usize).div_ceil(8) {
        return coded;
    }
    let mut bits = BitWriter::with_capacity(values.len() * n_bits as usize / 8);
    values.iter().for_each(|&value| bits.put(value, n_bits));
    payload.extend(bits.into_bytes());
    payload
}

/// The ints of a tile; the payload must be exactly what `encode` made for this shape.
pub fn decode(payload: &[u8], h: usize, w: usize, max_int: u32, out: &mut [i32]) -> Result<()> {
    assert!(h > 0 && w > 0 && out.len() == h * w, "a tile of {h} × {w} does not hold {} ints", out.len());
    let mut reader = ByteReader(payload);
    let mode = reader.byte()?;
    if mode > LINEAR {
        return Err(Error::corrupt(format!("{mode} is no classic mode")));
    }
    let lo = reader.at_most(u64::from(max_int), "the smallest int")? as u32;
    match mode {
        CONSTANT => {
            out.fill(lo as i32);
            if reader.0.is_empty() { Ok(()) } else { Err(Error::corrupt("bytes follow a constant tile")) }
        }
        PACKED => unpack(&mut reader, lo, max_int, out),
        _ => coded::decode(&mut reader, mode == LINEAR, lo, max_int, w, out),
    }
}

fn unpack(reader: &mut ByteReader, lo: u32, max_int: u32, out: &mut [i32]) -> Result<()> {
    let n_bits = u32::from(reader.byte()?);
    if !(1..=32).contains(&n_bits) {
        return Err(Error::corrupt(format!("a packed tile of {n_bits} bits")));
    }
    let mut bits = BitReader::new(reader.0);
    let mut largest = 0;
    for v in out.iter_mut() {
        let value = bits.take(n_bits);
        largest = value.max(largest);
        *v = lo.wrapping_add(value) as i32;
    }
    bits.finish()?;
    if largest > max_int - lo { Err(Error::corrupt("an int is above its limit")) } else { Ok(()) }
}

pub fn mode_name(payload: &[u8]) -> &'static str {
    match payload.first() {
        Some(&CONSTANT) => "constant",
        Some(&PACKED) => "packed",
        Some(&MEDIAN) => "median",
        Some(&LINEAR) => "linear",
        _ => "unknown",
    }
}

/// Roughly `encode(…).len() * 8`, from a quarter of the rows.
pub fn estimate_bits(ints: &[i32], h: usize, w: usize) -> u64 {
    let (_, spread, values) = above_minimum(ints);
    if spread == 0 {
        return 48;
    }
    let packed = values.len() as u64 * u64::from(32 - spread.leading_zeros()) + 56;
    coded::estimate_bits(Tile { values: &values, h, w }, spread).min(packed)
}

fn above_minimum(ints: &[i32]) -> (u32, u32, Vec<u32>) {
    let (lo, hi) = ints.iter().fold((u32::MAX, 0), |(lo, hi), &v| (lo.min(v as u32), hi.max(v as u32)));
    (lo, hi - lo, ints.iter().map(|&v| (v as u32).wrapping_sub(lo)).collect())
}
