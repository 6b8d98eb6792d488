//! The coded modes: residuals of a predictor, as tokens in interleaved rANS lanes and raw bits.
//!
//! Encoder and decoder see the same rows in the same order; one pushes (backwards) what the other pops.

use super::bits::BitReader;
use super::context::{MAX_SCALE, N_BINS};
use super::fit::Tile;
use super::histogram::{Groups, MAX_TABLES};
use super::lanes::{self, Window};
use super::predict::{N_TAPS, Predictor, Rows};
use super::residual::{Residuals, choose, count};
use super::token::{N_TOKENS, UNDO, unfold};
use super::{LINEAR, MEDIAN, at_most, tables};
use crate::entropy::stack::Popper;
use crate::entropy::table::{Slots, Table};
use crate::error::{Error, Result};
use crate::tile::mask::hides;
use crate::wire::{put_svarint, put_varint, take_array, take_bytes, take_svarint, take_u8};

const MAX_LANES: usize = 4;
/// A lane costs about eight bytes: below this many bits there is one.
const MIN_BITS_OF_LANES: u64 = 40_000;
/// Places looked at for the fit; twice as many gain 0.1 % and cost 5 % of the time.
const N_FITTED: usize = 2048;
/// A typical header with four lanes.
const HEADER_BITS: u64 = 8 * 60;

pub fn encode(tile: Tile, lo: u32, spread: u32) -> Vec<u8> {
    encode_by(choose(tile, spread, tile.values[0], N_FITTED), tile, lo, spread)
}

fn encode_by(predictor: Predictor, tile: Tile, lo: u32, spread: u32) -> Vec<u8> {
    let first = tile.values[0];
    let residuals = Residuals::of(tile, predictor, spread, first);
    let bins = residuals.bins(tile.w);
    let groups = Groups::merge(&count(&bins, &residuals.tokens));

    let mut payload = Vec::new();
    payload.push(if predictor == Predictor::Median { MEDIAN } else { LINEAR });
    for value in [lo, spread, first] {
        put_varint(&mut payload, u64::from(value));
    }
    put_predictor(&mut payload, predictor);
    payload.extend([residuals.start, residuals.scale, groups.histograms.len() as u8]);
    payload.extend(&groups.ends);
    let n_lanes = if groups.bits() > MIN_BITS_OF_LANES { MAX_LANES } else { 1 };
    payload.push(n_lanes as u8);
    let (tokens, w) = (&residuals.tokens, tile.w);
    let lanes: Vec<Vec<u32>> = match n_lanes {
        1 => lanes::push::<1>(tokens, &bins, &groups, w).into(),
        _ => lanes::push::<MAX_LANES>(tokens, &bins, &groups, w).into(),
    };
    for words in &lanes {
        put_varint(&mut payload, words.len() as u64);
    }
    for word in lanes.iter().flatten() {
        payload.extend(word.to_le_bytes());
    }
    payload.extend(residuals.raw_bits());
    payload
}

/// The same where values that are masked may be any: they become what is predicted, and nothing is left to say of them.
pub fn encode_masked(values: &mut [u32], (h, w): (usize, usize), classes: &[u8], lo: u32, spread: u32) -> Vec<u8> {
    let first = values[0];
    let predictor = choose(Tile { values, h, w, classes }, spread, first, N_FITTED);
    let mut rows = Rows::new(predictor, w, spread, first);
    for (y, row) in values.chunks_exact_mut(w).enumerate() {
        // the first value stands left of itself
        rows.fill_in(row, |x| y + x > 0 && hides(classes, y * w + x), spread);
    }
    encode_by(predictor, Tile { values, h, w, classes }, lo, spread)
}

fn put_predictor(payload: &mut Vec<u8>, predictor: Predictor) {
    if let Predictor::Linear { coefs, bias } = predictor {
        coefs.iter().for_each(|&c| put_svarint(payload, i64::from(c)));
        put_svarint(payload, bias);
    }
}

fn get_predictor(from: &mut &[u8], is_linear: bool, spread: u32) -> Result<Predictor> {
    if !is_linear {
        return Ok(Predictor::Median);
    }
    let out_of_range = || Error::corrupt("a predictor is out of range");
    let mut coefs = [0; N_TAPS];
    for c in &mut coefs {
        *c = i32::try_from(take_svarint(from)?).map_err(|_| out_of_range())?;
    }
    let predictor = Predictor::Linear { coefs, bias: take_svarint(from)? };
    if predictor.fits(spread) { Ok(predictor) } else { Err(out_of_range()) }
}

/// What the header says.
struct Header {
    predictor: Predictor,
    lo: u32,
    spread: u32,
    first: u32,
    start: u8,
    scale: u8,
    ends: Vec<u8>,
    n_lanes: usize,
}

fn get_header(from: &mut &[u8], is_linear: bool, lo: u32, max_int: u32) -> Result<Header> {
    let spread = at_most(from, u64::from(max_int - lo), "the spread of a tile")? as u32;
    let first = at_most(from, u64::from(spread), "the first value")? as u32;
    let predictor = get_predictor(from, is_linear, spread)?;
    let [start, scale, n_tables] = take_array(from)?;
    if start as usize >= N_TOKENS || scale > MAX_SCALE || !(1..=MAX_TABLES as u8).contains(&n_tables) {
        return Err(Error::corrupt("a tile's tables are not described as they must be"));
    }
    let ends = take_bytes(from, n_tables as usize - 1)?.to_vec();
    let n_lanes = take_u8(from)? as usize;
    if !ends.is_sorted_by(|a, b| a < b) || ends.iter().any(|&end| end as usize >= N_BINS - 1) {
        return Err(Error::corrupt("the bins of a tile's tables do not rise"));
    }
    if n_lanes != 1 && n_lanes != MAX_LANES {
        return Err(Error::corrupt(format!("{n_lanes} lanes instead of 1 or {MAX_LANES}")));
    }
    Ok(Header { predictor, lo, spread, first, start, scale, ends, n_lanes })
}

pub fn decode(from: &mut &[u8], is_linear: bool, lo: u32, max_int: u32, w: usize, out: &mut [i32]) -> Result<()> {
    let header = get_header(from, is_linear, lo, max_int)?;
    let mut lengths = Vec::new();
    for _ in 0..header.n_lanes {
        // A lane that is longer than the payload is told before anything is allocated.
        let most = from.len() as u64 / 4;
        lengths.push(at_most(from, most, "the words of a lane")? as usize);
    }
    let mut lanes = Vec::new();
    for n_words in lengths {
        let bytes = take_bytes(from, 4 * n_words)?;
        let words = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        lanes.push(words.collect::<Vec<u32>>());
    }
    let bits = BitReader::new(from);
    match lanes.as_slice() {
        [a] => pop_rows::<1>(&header, [a], bits, w, out),
        [a, b, c, d] => pop_rows::<MAX_LANES>(&header, [a, b, c, d], bits, w, out),
        _ => unreachable!("the header allows no other number of lanes"),
    }
}

fn pop_rows<const N: usize>(
    header: &Header,
    lanes: [&Vec<u32>; N],
    mut bits: BitReader,
    w: usize,
    out: &mut [i32],
) -> Result<()> {
    let mut poppers = Vec::with_capacity(N);
    for words in lanes {
        poppers.push(Popper::new(words)?);
    }
    let log_weights = tables::pop(&mut poppers[0], header.ends.len() + 1)?;
    let tables: Vec<Slots> = log_weights.iter().map(|q| Slots::new(&Table::from_log_weights(q))).collect();
    let mut window = Window::new(header.start, header.scale, &header.ends, w, N);
    let mut rows = Rows::new(header.predictor, w, header.spread, header.first);
    let mut residuals = vec![0u32; w];
    let mut values = vec![0u32; w];
    for out in out.chunks_mut(N * w) {
        let n_rows = out.len() / w;
        match poppers.as_mut_array::<N>() {
            Some(all) if n_rows == N => window.pop_rows(all, &tables, w, 0),
            _ => {
                for (row, popper) in poppers[..n_rows].iter_mut().enumerate() {
                    window.pop_rows(std::array::from_mut(popper), &tables, w, row);
                }
            }
        }
        for (out, tokens) in out.chunks_exact_mut(w).zip(window.tokens.chunks_exact(w)) {
            for (r, &token) in residuals.iter_mut().zip(tokens) {
                let undo = UNDO[token as usize];
                *r = unfold(undo.base + bits.take(undo.n_extra));
            }
            rows.values(&residuals, &mut values);
            let mut largest = 0;
            for (v, &value) in out.iter_mut().zip(&values) {
                largest = largest.max(value);
                *v = header.lo.wrapping_add(value) as i32;
            }
            if largest > header.spread {
                return Err(Error::corrupt("a value lies outside of the tile's spread"));
            }
        }
    }
    poppers.into_iter().try_for_each(Popper::finish)?;
    bits.finish()
}

/// The same passes over eight bands with about a fifth of the rows, without coding. The first two rows of a band are only
/// looked at, as the rows above are in `encode`.
pub fn estimate_bits(tile: Tile, spread: u32) -> u64 {
    const N_BANDS: usize = 8;
    const ABOVE: usize = 2;
    let n_rows = (tile.h / 40).max(4) + ABOVE;
    let (bands, n_rows, above) = if tile.h <= N_BANDS * n_rows {
        (vec![0], tile.h, 0)
    } else {
        ((0..N_BANDS).map(|i| i * (tile.h - n_rows) / (N_BANDS - 1)).collect(), n_rows, ABOVE)
    };
    let predictor = choose(tile, spread, tile.values[0], N_FITTED / 4);
    let mut counts = Box::new([[0; N_TOKENS]; N_BINS]);
    let (mut raw, mut seen) = (0u64, 0u64);
    for y in bands {
        let values = &tile.values[y * tile.w..][..n_rows * tile.w];
        let residuals =
            Residuals::of(Tile { values, h: n_rows, w: tile.w, classes: &[] }, predictor, spread, values[0]);
        let bins = residuals.bins(tile.w);
        for (&bin, &token) in bins.iter().zip(&residuals.tokens).skip(above * tile.w) {
            counts[bin as usize][token as usize] += 1;
            raw += u64::from(UNDO[token as usize].n_extra);
            seen += 1;
        }
    }
    let groups = Groups::merge(&counts);
    let tables = groups.table_bits();
    (raw + groups.bits() - tables) * tile.values.len() as u64 / seen + tables + HEADER_BITS
}
