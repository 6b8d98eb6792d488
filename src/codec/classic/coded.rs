//! The coded modes: residuals of a predictor, as tokens in interleaved rANS lanes and raw bits.
//!
//! Encoder and decoder see the same rows in the same order; one pushes (backwards) what the other pops.

use super::bits::{BitReader, BitWriter, ByteReader, put_signed, put_varint};
use super::context::{self, ByActivity, MAX_SCALE, N_BINS, Near, magnitudes};
use super::fit::{self, Tile};
use super::histogram::{Groups, MAX_TABLES, log2};
use super::predict::{N_TAPS, Predictor, Rows};
use super::tables;
use super::token::{N_TOKENS, UNDO, fold, token_of};
use super::{LINEAR, MEDIAN};
use crate::entropy::table::{Popper, Pusher, Slots, Table};
use crate::error::{Error, Result};

/// Row y belongs to lane y mod n: the decoder walks n rows at once, each two columns behind the one above it.
const MAX_LANES: usize = 4;
const LAG: usize = 2;
const MAX_BIAS: u64 = 1 << 56;
/// Places looked at for the fit.
const N_FITTED: usize = 2048;

/// Everything about a tile's residuals that the two passes of the encoder share.
struct Residuals {
    folded: Vec<u32>,
    tokens: Vec<u8>,
    start: u8,
    scale: u8,
}

pub fn encode(tile: Tile, lo: u32, spread: u32) -> Vec<u8> {
    let first = tile.values[0];
    let predictor = choose(tile, spread, first, N_FITTED);
    let residuals = Residuals::of(tile, predictor, spread, first);
    let bins = residuals.bins(tile.w);
    let groups = Groups::merge(&count(&bins, &residuals.tokens));

    let mut payload = Vec::new();
    put_predictor(&mut payload, predictor, lo);
    put_varint(&mut payload, u64::from(spread));
    put_varint(&mut payload, u64::from(first));
    payload.extend([residuals.start, residuals.scale, groups.histograms.len() as u8]);
    payload.extend(&groups.ends);
    // A lane costs about eight bytes.
    let n_lanes = if groups.bits() > 40_000 { MAX_LANES } else { 1 };
    payload.push(n_lanes as u8);
    let lanes = push_lanes(&residuals.tokens, &bins, &groups, tile.w, n_lanes);
    for words in &lanes {
        put_varint(&mut payload, words.len() as u64);
    }
    for word in lanes.iter().flatten() {
        payload.extend(word.to_le_bytes());
    }
    payload.extend(residuals.raw_bits());
    payload
}

fn put_predictor(payload: &mut Vec<u8>, predictor: Predictor, lo: u32) {
    payload.push(if predictor == Predictor::Median { MEDIAN } else { LINEAR });
    put_varint(payload, u64::from(lo));
    if let Predictor::Linear { coefs, bias } = predictor {
        coefs.iter().for_each(|&c| put_signed(payload, i64::from(c)));
        put_signed(payload, bias);
    }
}

fn get_predictor(reader: &mut ByteReader, is_linear: bool) -> Result<Predictor> {
    if !is_linear {
        return Ok(Predictor::Median);
    }
    let mut coefs = [0; N_TAPS];
    for c in &mut coefs {
        *c = i16::try_from(reader.signed()?).map_err(|_| Error::corrupt("a coefficient does not fit 16 bits"))?;
    }
    let bias = reader.signed()?;
    if bias.unsigned_abs() > MAX_BIAS {
        return Err(Error::corrupt("a predictor's bias is out of range"));
    }
    Ok(Predictor::Linear { coefs, bias })
}

/// The fitted predictor or the median, whichever leaves less on every seventh row.
fn choose(tile: Tile, spread: u32, first: u32, n_fitted: usize) -> Predictor {
    let Some(linear) = fit::fit(tile, n_fitted) else { return Predictor::Median };
    let mut residuals = vec![0; tile.w];
    let mut cost = |predictor| {
        let mut bits = 0;
        for y in (1..tile.h.max(2)).step_by(7) {
            let from = if tile.h == 1 { 0 } else { y.saturating_sub(2) };
            let mut rows = Rows::new(predictor, tile.w, spread, first);
            for y in from..(y + 1).min(tile.h) {
                rows.residuals(&tile.values[y * tile.w..][..tile.w], &mut residuals);
            }
            // 16 neighbours share their scale: the logarithm of their mean, not the mean of their logarithms.
            for near in residuals.chunks(16) {
                let sum: u64 = near.iter().map(|&r| u64::from(fold(r))).sum();
                let mean = (sum * 4 / near.len() as u64).min(u64::from(u32::MAX - 4)) as u32;
                bits += u64::from(log2(4 + mean)) * near.len() as u64;
            }
        }
        bits
    };
    if cost(linear) <= cost(Predictor::Median) { linear } else { Predictor::Median }
}

impl Residuals {
    fn of(tile: Tile, predictor: Predictor, spread: u32, first: u32) -> Residuals {
        let n = tile.values.len();
        let (mut folded, mut tokens) = (vec![0; n], vec![0; n]);
        let mut rows = Rows::new(predictor, tile.w, spread, first);
        let by_row = folded.chunks_exact_mut(tile.w).zip(tokens.chunks_exact_mut(tile.w));
        for (values, (folded, tokens)) in tile.values.chunks_exact(tile.w).zip(by_row) {
            rows.residuals(values, folded);
            for (f, token) in folded.iter_mut().zip(tokens) {
                *f = fold(*f);
                *token = token_of(*f);
            }
        }
        // Outside of the tile stands its median token, and the scale puts it in the lower half of the bins.
        let mut counts = [0u32; 256];
        tokens.iter().for_each(|&t: &u8| counts[t as usize] += 1);
        let mut below = 0;
        let is_median = |&t: &u8| {
            below += counts[t as usize] as usize;
            2 * below >= n
        };
        let start = (0..N_TOKENS as u8).find(is_median).unwrap_or(0);
        let octave = (UNDO[start as usize].middle() | 1).ilog2() as u8;
        Residuals { folded, tokens, start, scale: octave.saturating_sub(4) }
    }

    /// The activity bin of each token.
    fn bins(&self, w: usize) -> Vec<u8> {
        let magnitude = magnitudes(self.scale);
        let bin_of = context::by_activity(|bin| bin as u8);
        let outside = magnitude[self.start as usize];
        let mut north = vec![outside; w + 2 * LAG];
        let mut row = north.clone();
        let mut bins = vec![0; self.tokens.len()];
        for (tokens, bins) in self.tokens.chunks_exact(w).zip(bins.chunks_exact_mut(w)) {
            for (m, &token) in row[LAG..].iter_mut().zip(tokens) {
                *m = magnitude[token as usize];
            }
            for ((bin, left), above) in bins.iter_mut().zip(row.windows(2)).zip(north[1..].windows(4)) {
                let [nw, n, ne, nee] = *above else { unreachable!("windows of four") };
                *bin = bin_of[usize::from(Near { ww: left[0], w: left[1], nw, n, ne, nee }.activity())];
            }
            std::mem::swap(&mut row, &mut north);
        }
        bins
    }

    fn raw_bits(&self) -> Vec<u8> {
        let mut bits = BitWriter::with_capacity(self.tokens.len());
        for (&f, &token) in self.folded.iter().zip(&self.tokens) {
            let undo = UNDO[token as usize];
            bits.put(f - undo.base, undo.n_extra);
        }
        bits.into_bytes()
    }
}

fn count(bins: &[u8], tokens: &[u8]) -> Box<[[u32; N_TOKENS]; N_BINS]> {
    let mut counts = Box::new([[0; N_TOKENS]; N_BINS]);
    for (&bin, &token) in bins.iter().zip(tokens) {
        counts[bin as usize][token as usize] += 1;
    }
    counts
}

fn table_of_bin(ends: &[u8], bin: usize) -> u8 {
    ends.iter().filter(|&&end| bin > end as usize).count() as u8
}

fn push_lanes(tokens: &[u8], bins: &[u8], groups: &Groups, w: usize, n_lanes: usize) -> Vec<Vec<u32>> {
    let log_weights: Vec<_> = groups.histograms.iter().map(|h| h.log_weights()).collect();
    let tables: Vec<Table> = log_weights.iter().map(|q| Table::from_log_weights(q)).collect();
    let table_of: [u8; N_BINS] = std::array::from_fn(|bin| table_of_bin(&groups.ends, bin));
    let mut lanes: Vec<Pusher> = (0..n_lanes).map(|_| Pusher::default()).collect();
    // Lanes side by side: four divisions are under way at a time.
    for (tokens, bins) in tokens.chunks(n_lanes * w).zip(bins.chunks(n_lanes * w)).rev() {
        for x in (0..w).rev() {
            for (lane, at) in lanes.iter_mut().zip((x..tokens.len()).step_by(w)) {
                lane.push(&tables[table_of[bins[at] as usize] as usize], tokens[at]);
            }
        }
    }
    log_weights.iter().rev().for_each(|q| tables::push(&mut lanes[0], q));
    lanes.into_iter().map(Pusher::into_words).collect()
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

fn get_header(reader: &mut ByteReader, is_linear: bool, lo: u32, max_int: u32) -> Result<Header> {
    let predictor = get_predictor(reader, is_linear)?;
    let spread = reader.at_most(u64::from(max_int - lo), "the spread of a tile")? as u32;
    let first = reader.at_most(u64::from(spread), "the first value")? as u32;
    let [start, scale, n_tables] = reader.bytes(3)? else { unreachable!("three bytes") };
    if *start as usize >= N_TOKENS || *scale > MAX_SCALE || !(1..=MAX_TABLES as u8).contains(n_tables) {
        return Err(Error::corrupt("a tile's tables are not described as they must be"));
    }
    let ends = reader.bytes(*n_tables as usize - 1)?.to_vec();
    let n_lanes = reader.byte()? as usize;
    if !ends.is_sorted_by(|a, b| a < b) || ends.iter().any(|&end| end as usize >= N_BINS - 1) {
        return Err(Error::corrupt("the bins of a tile's tables do not rise"));
    }
    if n_lanes != 1 && n_lanes != MAX_LANES {
        return Err(Error::corrupt(format!("{n_lanes} lanes instead of 1 or {MAX_LANES}")));
    }
    Ok(Header { predictor, lo, spread, first, start: *start, scale: *scale, ends, n_lanes })
}

pub fn decode(
    reader: &mut ByteReader,
    is_linear: bool,
    lo: u32,
    max_int: u32,
    w: usize,
    out: &mut [i32],
) -> Result<()> {
    let header = get_header(reader, is_linear, lo, max_int)?;
    let mut lengths = Vec::new();
    for _ in 0..header.n_lanes {
        // A lane that is longer than the payload is told before anything is allocated.
        lengths.push(reader.at_most(reader.0.len() as u64 / 4, "the words of a lane")? as usize);
    }
    let mut lanes = Vec::new();
    for n_words in lengths {
        let bytes = reader.bytes(4 * n_words)?;
        let words = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        lanes.push(words.collect::<Vec<u32>>());
    }
    let bits = BitReader::new(reader.0);
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
    let mut window = Window::new(header, w, N);
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
                *r = super::token::unfold(undo.base + bits.take(undo.n_extra));
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

/// Tokens of a group of rows, and the magnitudes of the row above it.
struct Window {
    magnitude: [u16; 256],
    outside: u16,
    table_of: Box<ByActivity>,
    /// Right of the row's end everything is outside.
    above: Vec<u16>,
    tokens: Vec<u8>,
}

impl Window {
    fn new(header: &Header, w: usize, n_rows: usize) -> Window {
        let magnitude = magnitudes(header.scale);
        let outside = magnitude[header.start as usize];
        Window {
            magnitude,
            outside,
            table_of: context::by_activity(|bin| table_of_bin(&header.ends, bin)),
            above: vec![outside; w + LAG * n_rows],
            tokens: vec![0; n_rows * w],
        }
    }

    /// N rows at once. What a lane has just popped is the north-east of the lane below it, so the neighbours stay in
    /// registers and N searches are under way at a time.
    fn pop_rows<const N: usize>(&mut self, poppers: &mut [Popper; N], tables: &[Slots], w: usize, first_row: usize) {
        let mut near = [Near::all(self.outside); N];
        (near[0].n, near[0].ne) = (self.above[0], self.above[1]);
        let tokens = &mut self.tokens[first_row * w..];
        for step in 0..w + LAG * (N - 1) {
            let mut from_above = self.above[step + LAG];
            for (row, (near, popper)) in near.iter_mut().zip(&mut *poppers).enumerate() {
                near.nee = from_above;
                let x = step.wrapping_sub(LAG * row);
                from_above = self.outside;
                if x < w {
                    let table = self.table_of[usize::from(near.activity())];
                    let token = popper.pop(&tables[table as usize]);
                    from_above = self.magnitude[token as usize];
                    tokens[row * w + x] = token;
                }
                near.shift(from_above);
            }
            if let Some(x) = step.checked_sub(LAG * (N - 1)) {
                self.above[x] = from_above;
            }
        }
    }
}

/// The same passes over four bands of rows with a quarter of the tile, without coding.
pub fn estimate_bits(tile: Tile, spread: u32) -> u64 {
    let band = (tile.h / 16).max(4);
    let bands: Vec<usize> =
        if tile.h <= 4 * band { vec![0] } else { (0..4).map(|i| i * (tile.h - band) / 3).collect() };
    let n_rows = if bands.len() == 1 { tile.h } else { band };
    let predictor = choose(tile, spread, tile.values[0], N_FITTED / 4);
    let mut counts = Box::new([[0; N_TOKENS]; N_BINS]);
    let (mut raw, mut seen) = (0u64, 0u64);
    for y in bands {
        let values = &tile.values[y * tile.w..][..n_rows * tile.w];
        let part = Tile { values, h: n_rows, w: tile.w };
        let residuals = Residuals::of(part, predictor, spread, values[0]);
        for (&bin, &token) in residuals.bins(tile.w).iter().zip(&residuals.tokens) {
            counts[bin as usize][token as usize] += 1;
            raw += u64::from(UNDO[token as usize].n_extra);
        }
        seen += values.len() as u64;
    }
    let n = tile.values.len() as u64;
    (raw + Groups::merge(&counts).bits()) * n / seen + 8 * 60
}
