//! Independent rANS streams ("lanes") over intervals of 2²⁴; a tile deals its symbols to them so that a decoder can invert
//! many quantiles at once.
//!
//! rANS is a stack: the encoder pushes the last symbol first. A lane is an ordinary stream of constriction's
//! `AnsCoder<u32, u64>`; it begins empty and must be empty again when all has been popped.
//!
//! Bytes: for each lane its number of words as LEB128, then the words of lane 0, lane 1, …, little-endian.

use crate::error::{Error, Result};
use crate::kernel::interval::PRECISION;
use constriction::backends::Cursor;
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::stack::AnsCoder;
use constriction::stream::{Code, Decode, Encode};
use std::num::NonZeroU32;

/// One symbol's share of the total width.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    pub start: u32,
    pub width: u32,
}

impl Interval {
    /// Of a symbol that needs no saying: it changes nothing.
    pub const CERTAIN: Interval = Interval { start: 0, width: 1 << PRECISION };

    /// One of `n` equally likely symbols.
    pub fn uniform(symbol: u32, n: u32) -> Interval {
        let width = (1 << PRECISION) / n;
        Interval { start: symbol * width, width }
    }

    /// The symbol of a quantile among `n` equally likely ones; the remainder of the division belongs to nobody.
    pub fn of_uniform(quantile: u32, n: u32) -> Result<(u32, Interval)> {
        let symbol = quantile / ((1 << PRECISION) / n);
        if symbol >= n {
            return Err(Error::corrupt("a quantile that no symbol owns"));
        }
        Ok((symbol, Interval::uniform(symbol, n)))
    }
}

impl EntropyModel<PRECISION> for Interval {
    type Symbol = ();
    type Probability = u32;
}

impl EncoderModel<PRECISION> for Interval {
    #[inline(always)]
    fn left_cumulative_and_probability(&self, _: impl std::borrow::Borrow<()>) -> Option<(u32, NonZeroU32)> {
        Some((self.start, NonZeroU32::new(self.width)?))
    }
}

impl DecoderModel<PRECISION> for Interval {
    #[inline(always)]
    fn quantile_function(&self, _: u32) -> ((), u32, NonZeroU32) {
        ((), self.start, NonZeroU32::new(self.width).expect("every symbol has a width"))
    }
}

/// The lanes of a tile, being written from the last symbol to the first.
pub struct Pusher {
    lanes: Vec<AnsCoder<u32, u64>>,
}

impl Pusher {
    pub fn new(n_lanes: usize) -> Pusher {
        Pusher { lanes: (0..n_lanes).map(|_| AnsCoder::new()).collect() }
    }

    /// What is pushed last is popped first.
    #[inline(always)]
    pub fn push(&mut self, lane: usize, interval: Interval) {
        self.lanes[lane].encode_symbol((), interval).expect("every symbol has a width, and memory does not fill up");
    }

    /// Appends lengths and words.
    pub fn finish(self, out: &mut Vec<u8>) {
        let words = |lane: AnsCoder<u32, u64>| lane.into_compressed().expect("memory does not fill up");
        let lanes: Vec<Vec<u32>> = self.lanes.into_iter().map(words).collect();
        for words in &lanes {
            crate::wire::put_varint(out, words.len() as u64);
        }
        for words in &lanes {
            out.extend(words.iter().flat_map(|w| w.to_le_bytes()));
        }
    }
}

/// The lanes of a tile, being read.
pub struct Popper {
    lanes: Vec<AnsCoder<u32, u64, Cursor<u32, Vec<u32>>>>,
}

impl Popper {
    /// Takes all of `input`: lengths, words, nothing behind them.
    pub fn new(n_lanes: usize, mut input: &[u8]) -> Result<Popper> {
        let lengths = (0..n_lanes).map(|_| crate::wire::take_varint(&mut input)).collect::<Result<Vec<u64>>>()?;
        let total = lengths.iter().try_fold(0u64, |sum, &n| sum.checked_add(n));
        if total.and_then(|n| n.checked_mul(4)) != Some(input.len() as u64) {
            return Err(Error::corrupt("the lanes of a payload do not fill it"));
        }
        let mut lanes = Vec::with_capacity(n_lanes);
        for n in lengths {
            let (words, rest) = input.split_at(n as usize * 4);
            input = rest;
            let words = words.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
            let coder = AnsCoder::from_compressed(Cursor::new_at_write_end(words));
            lanes.push(coder.map_err(|_| Error::corrupt("a lane ends with a zero word"))?);
        }
        Ok(Popper { lanes })
    }

    pub fn n_lanes(&self) -> usize {
        self.lanes.len()
    }

    /// The quantile of a lane's next symbol.
    #[inline(always)]
    pub fn quantile(&self, lane: usize) -> u32 {
        self.lanes[lane].state() as u32 & ((1 << PRECISION) - 1)
    }

    /// Leaves the symbol behind whose interval holds the quantile.
    #[inline(always)]
    pub fn pop(&mut self, lane: usize, interval: Interval) {
        self.lanes[lane].decode_symbol(interval).expect("memory can be read");
    }

    /// All that was pushed has been popped.
    pub fn finish(self) -> Result<()> {
        match self.lanes.iter().all(|lane| lane.is_empty()) {
            true => Ok(()),
            false => Err(Error::corrupt("symbols are left over at the end of a payload")),
        }
    }
}
