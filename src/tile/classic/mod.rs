//! One tile of ints without a network: a constant, packed bits, or a linear prediction coded by rANS.
//!
//! # The payload
//!
//! `u8` is a byte, `varint` an unsigned LEB128 without needless bytes, `svarint` a varint of the zigzag (0, −1, 1, −2, … → 0, 1,
//! 2, 3, …). Ints are taken modulo 2³² as unsigned numbers. A tile has h × w ints in rows; h, w
//! and the largest allowed int are known from outside. Every payload begins with `u8 mode` and `varint lo`; nothing may
//! follow its last byte, and no int may come out above the largest allowed.
//!
//! | mode | | after `lo` |
//! |---|---|---|
//! | 0 | constant | nothing: every int is lo |
//! | 1 | packed | `u8 n` (1…32), then h·w values of n raw bits; int = lo + value |
//! | 2 | median | `tail` |
//! | 3 | linear | the same tail, with the predictor in it |
//! | 4 | mixed | `varint spread`, then bits to the end of the payload |
//! | 5 | words | `varint spread`, `u8 n_plain`, `varint n_bytes`, so many bytes, then raw bits to the end of the payload |
//!
//! Raw bits are filled into bytes from the lowest bit up; the unused bits of the last byte are zero. The `tail`:
//!
//! ```text
//! varint spread                 no u = int − lo is above it; lo + spread is an allowed int
//! varint first                  ≤ spread; stands left of row 0
//! svarint c[12], bias           in mode 3 only
//! u8 start                      < 140: the token that stands outside of the tile
//! u8 scale                      ≤ 31: shift of the magnitudes
//! u8 n_tables                   1…16
//! u8 end[n_tables − 1]          rising, each < 43: table i serves the bins up to end[i], the last one the others
//! u8 n_lanes                    1 or 4
//! varint n_words[n_lanes]
//! u32 words[…]                  little endian, lane after lane
//! raw bits                      to the end of the payload
//! ```
//!
//! **Prediction.** With u = int − lo, p = (bias + Σ cᵢ·uᵢ) >> s (exact, then an arithmetic shift) in mode 3 and
//! p = median(W, N, W + N − NW) in mode 2; u = (p + residual) mod 2³². s is 12 for a spread below 2¹⁶, and then every c
//! fits 16 bits and |bias + 2¹⁵·(Σc − 2¹²)| + 2¹⁵·Σ|c| < 2³¹; otherwise s is 20, every c fits 32 bits and
//! |bias| + 2³²·Σ|c| < 2⁶³ (c and bias are signed). The neighbours in the order of the coefficients, as (row, column) from
//! the place itself:
//!
//! ```text
//! (0,−1) (0,−2)   (−1,−2) (−1,−1) (−1,0) (−1,1) (−1,2)   (−2,−2) (−2,−1) (−2,0) (−2,1) (−2,2)
//! ```
//!
//! Left of a row stands the first value of the row above it (`first` for row 0), right of it its own last value; above
//! row 1 row 0 is repeated. In row 0, mode 3 has (Σc − c₁)·W + c₁·WW in place of Σ cᵢ·uᵢ, and in mode 2 p = W.
//!
//! **Tokens.** The residual as a signed 32-bit number r is folded to f = 2r (r ≥ 0) or −2r − 1. f < 32 is its own token; with
//! e = ⌊log₂ f⌋ a larger one has token 32 + 4(e − 5) + (⌊f / 2^(e−2)⌋ mod 4), and its lowest e − 2 bits are the next raw bits,
//! in the order of the ints.
//!
//! **Contexts.** The magnitude of a token is min(4095, ⌊8·m / 2^scale⌋), where m = f for tokens below 32, otherwise the
//! smallest f of the token + half the number of its f. Of the magnitudes around a place
//! a = ⌊(4W + 4N + 2WW + 2NW + 2NE + 2NEE) / 16⌋, NE and NEE one and two columns right of N; outside of the tile stands the
//! magnitude of `start`. Its bin is a below 4, else 4(e − 1) + (⌊a / 2^(e−2)⌋ mod 4) with e = ⌊log₂ a⌋.
//!
//! **Lanes.** Row y is in lane y mod n_lanes. A lane is an rANS stack: the state (64 bits) is the last word (not zero), then
//! word after word below it until it is at least 2³²; no words are the state 0. To pop with a table: q = state mod 2¹², the
//! symbol is the one with start ≤ q < start + freq, state = ⌊state / 2¹²⌋·freq + q − start, and when that is below 2³² and
//! words are left, state = state·2³² + the next word. After its last symbol a lane has no words left and state 0.
//!
//! **Tables.** n symbols are present with log weights q in 1…49 (0 = absent); W = ⌊2⁸·2^(j/4)⌋·2^k with q − 1 = 4k + j
//! (256, 304, 362, 430 for j = 0…3); freq = 1 + ⌊W·(2¹² − n) / ΣW⌋, and the first symbol with the largest freq takes what is
//! missing to 2¹². Starts are the sums of the freqs before. Lane 0 begins with the descriptions of all tables: the number
//! `last` of the last present token, popped with the table of 140 equal log weights 1; then for tokens 0…last a step s: 0 is
//! absent, otherwise q = the q of the present token before (25 at first) + zigzag⁻¹(s − 1). A step that follows a present
//! token (or none) has log weights 36 for 0 and max(1, 45 − 2(s − 1)) for s = 1…98; after an absent token 49 for 0 and
//! max(1, 38 − (s − 1)).
//!
//! **Mixed, words.** `mixed` and `words` are their text. Ours tries words on tiles of one row, and writes mixed no more.
//!
//! An encoder is free in all it transmits; ours is described where it decides: `fit`, `histogram`, `coded`.

mod bits;
mod coded;
mod context;
mod fit;
mod histogram;
mod lanes;
mod matches;
mod mixed;
mod predict;
mod residual;
mod tables;
mod token;
mod words;

#[cfg(test)]
mod tests;

use crate::error::{Error, Result};
use crate::tile::mask::fill_rows;
use crate::wire::{put_varint, take_u8, take_varint};
use bits::{BitReader, BitWriter};
use fit::Tile;

const CONSTANT: u8 = 0;
const PACKED: u8 = 1;
const MEDIAN: u8 = 2;
const LINEAR: u8 = 3;
const MIXED: u8 = 4;
const WORDS: u8 = 5;
/// Learning after each bit takes 0.3 µs per int: it is tried where ints stand in a row, and on the first of them before the others.
const TRIED: usize = 1 << 12;
/// Fewer hardly gain, and a row of a small plane is not worth tables of its own.
const MIN_WORDS: usize = 256;
/// Ints that are looked at for an estimate of a row.
const ESTIMATED: usize = 1 << 10;

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
    let coded = if h == 1 {
        encode_row(&values, lo, spread)
    } else {
        coded::encode(Tile { values: &values, h, w, classes: &[] }, lo, spread)
    };
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

/// A single row as words or not, whichever is smaller; of many ints, whichever is smaller of the first.
fn encode_row(values: &[u32], lo: u32, spread: u32) -> Vec<u8> {
    let coded = |values: &[u32]| coded::encode(Tile { values, h: 1, w: values.len(), classes: &[] }, lo, spread);
    if values.len() < MIN_WORDS {
        return coded(values);
    }
    let first = &values[..values.len().min(TRIED)];
    let (by_tokens, by_words) = (coded(first), words(first, lo, spread));
    match (by_words.len() < by_tokens.len(), first.len() < values.len()) {
        (true, true) => words(values, lo, spread),
        (false, true) => coded(values),
        (true, false) => by_words,
        (false, false) => by_tokens,
    }
}

fn words(values: &[u32], lo: u32, spread: u32) -> Vec<u8> {
    let mut payload = vec![WORDS];
    put_varint(&mut payload, u64::from(lo));
    put_varint(&mut payload, u64::from(spread));
    payload.extend(words::encode(values, spread));
    payload
}

/// The ints of a tile; the payload must be exactly what `encode` made for this shape.
pub fn decode(payload: &[u8], h: usize, w: usize, max_int: u32, out: &mut [i32]) -> Result<()> {
    assert!(h > 0 && w > 0 && out.len() == h * w, "a tile of {h} × {w} does not hold {} ints", out.len());
    let from = &mut &payload[..];
    let mode = take_u8(from)?;
    if mode > WORDS {
        return Err(Error::corrupt(format!("{mode} is no classic mode")));
    }
    let lo = at_most(from, u64::from(max_int), "the smallest int")? as u32;
    match mode {
        CONSTANT => {
            out.fill(lo as i32);
            if from.is_empty() { Ok(()) } else { Err(Error::corrupt("bytes follow a constant tile")) }
        }
        PACKED => unpack(from, lo, max_int, out),
        MIXED | WORDS => {
            let spread = at_most(from, u64::from(max_int - lo), "the spread of a tile")? as u32;
            let decode = if mode == MIXED { mixed::decode } else { words::decode };
            let values = decode(from, out.len(), spread)?;
            out.iter_mut().zip(values).for_each(|(int, value)| *int = (lo + value) as i32);
            Ok(())
        }
        _ => coded::decode(from, mode == LINEAR, lo, max_int, w, out),
    }
}

/// The same of ints of which a mask hides some: what a decoder finds there is what it foresaw.
pub fn encode_masked(ints: &[i32], classes: &[u8], h: usize, w: usize, max_int: u32) -> Vec<u8> {
    let mut filled = ints.to_vec();
    fill_rows(&mut filled, classes, w);
    let (lo, spread, mut values) = above_minimum(&filled);
    if classes.is_empty() || spread == 0 {
        return encode(&filled, h, w, max_int);
    }
    assert!(lo + spread <= max_int, "an int is above {max_int}");
    let coded = coded::encode_masked(&mut values, (h, w), classes, lo, spread);
    let plain = encode(&filled, h, w, max_int);
    if coded.len() <= plain.len() { coded } else { plain }
}

fn unpack(from: &mut &[u8], lo: u32, max_int: u32, out: &mut [i32]) -> Result<()> {
    let n_bits = u32::from(take_u8(from)?);
    if !(1..=32).contains(&n_bits) {
        return Err(Error::corrupt(format!("a packed tile of {n_bits} bits")));
    }
    let mut bits = BitReader::new(from);
    let mut largest = 0;
    for v in out.iter_mut() {
        let value = bits.take(n_bits);
        largest = value.max(largest);
        *v = lo.wrapping_add(value) as i32;
    }
    bits.finish()?;
    if largest > max_int - lo { Err(Error::corrupt("an int is above its limit")) } else { Ok(()) }
}

fn at_most(from: &mut &[u8], max: u64, what: &str) -> Result<u64> {
    match take_varint(from)? {
        value if value <= max => Ok(value),
        value => Err(Error::corrupt(format!("{what} is {value}, above {max}"))),
    }
}

/// By their numbers.
pub const MODE_NAMES: [&str; 6] = ["constant", "packed", "median", "linear", "mixed", "words"];

pub fn mode_name(payload: &[u8]) -> &'static str {
    payload.first().and_then(|&mode| MODE_NAMES.get(usize::from(mode))).copied().unwrap_or("unknown")
}

/// About `encode(…).len() * 8`, from a fifth of the rows.
pub fn estimate_bits(ints: &[i32], h: usize, w: usize) -> u64 {
    let (as_words, otherwise) = estimates(ints, h, w);
    as_words.min(otherwise)
}

/// The same as words, where there is one row, and otherwise.
pub fn estimates(ints: &[i32], h: usize, w: usize) -> (u64, u64) {
    assert!(h > 0 && w > 0 && ints.len() == h * w, "a tile of {h} × {w} does not hold {} ints", ints.len());
    let (_, spread, values) = above_minimum(ints);
    if spread == 0 {
        return (u64::MAX, 8 * 4);
    }
    let packed = values.len() as u64 * u64::from(32 - spread.leading_zeros()) + 8 * 5;
    let as_words = match h {
        1 if w >= MIN_WORDS => {
            let seen = &values[..w.min(ESTIMATED)];
            words::encode(seen, spread).len() as u64 * 8 * w as u64 / seen.len() as u64
        }
        _ => u64::MAX,
    };
    (as_words, coded::estimate_bits(Tile { values: &values, h, w, classes: &[] }, spread).min(packed))
}

/// Whether the ints may be white noise over few values, which classic modes code to its entropy.
pub fn has_few_values(ints: &[i32]) -> bool {
    let (lo, hi) = ends(ints);
    hi - lo < residual::FEW
}

fn ends(ints: &[i32]) -> (u32, u32) {
    ints.iter().fold((u32::MAX, 0), |(lo, hi), &v| (lo.min(v as u32), hi.max(v as u32)))
}

fn above_minimum(ints: &[i32]) -> (u32, u32, Vec<u32>) {
    let (lo, hi) = ends(ints);
    (lo, hi - lo, ints.iter().map(|&v| (v as u32).wrapping_sub(lo)).collect())
}
