//! One walk for both ways: an encoder hands over what it knows and gets it back, a decoder hands over anything and gets what is.
//!
//! A 1 of *chance* p (1 ≤ p < 2¹⁶) is the interval [0, 2⁸·p), a 0 is [2⁸·p, 2²⁴).

use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::wire::take_varint;

/// One side of the coder.
pub trait Code {
    /// Whether what is handed over is known: an encoder's side.
    const KNOWS: bool;

    /// `chance` of a 1 in 2¹⁶.
    fn bit(&mut self, bit: bool, chance: u32) -> Result<bool>;
    /// One of `n` equally likely.
    fn one_of(&mut self, symbol: u32, n: u32) -> Result<u32>;
    /// One of as many as there are ends of intervals, which rise to 2²⁴.
    fn among(&mut self, symbol: usize, ends: &[u32]) -> Result<usize>;
}

/// What an encoder has said so far.
#[derive(Default)]
pub struct Symbols(Vec<Interval>);

impl Symbols {
    /// Appends all as one lane.
    pub fn finish(self, out: &mut Vec<u8>) {
        let mut pusher = Pusher::new(1);
        self.0.into_iter().rev().for_each(|interval| pusher.push(0, interval));
        pusher.finish(out);
    }
}

/// Takes one lane off the front.
pub fn take_lane(from: &mut &[u8]) -> Result<Popper> {
    let mut after = *from;
    let n_words = take_varint(&mut after)?;
    let n_bytes = n_words.saturating_mul(4).saturating_add((from.len() - after.len()) as u64);
    Popper::new(1, crate::wire::take_bytes(from, usize::try_from(n_bytes).unwrap_or(usize::MAX))?)
}

fn interval(bit: bool, chance: u32) -> Interval {
    if bit {
        Interval { start: 0, width: chance << 8 }
    } else {
        Interval { start: chance << 8, width: (1 << 24) - (chance << 8) }
    }
}

fn between(symbol: usize, ends: &[u32]) -> Interval {
    let start = if symbol == 0 { 0 } else { ends[symbol - 1] };
    Interval { start, width: ends[symbol] - start }
}

impl Code for Symbols {
    const KNOWS: bool = true;

    fn bit(&mut self, bit: bool, chance: u32) -> Result<bool> {
        self.0.push(interval(bit, chance));
        Ok(bit)
    }

    fn one_of(&mut self, symbol: u32, n: u32) -> Result<u32> {
        self.0.push(Interval::uniform(symbol, n));
        Ok(symbol)
    }

    fn among(&mut self, symbol: usize, ends: &[u32]) -> Result<usize> {
        self.0.push(between(symbol, ends));
        Ok(symbol)
    }
}

impl Code for Popper {
    const KNOWS: bool = false;

    fn bit(&mut self, _: bool, chance: u32) -> Result<bool> {
        let bit = self.quantile(0) < chance << 8;
        self.pop(0, interval(bit, chance));
        Ok(bit)
    }

    fn one_of(&mut self, _: u32, n: u32) -> Result<u32> {
        let (symbol, interval) = Interval::of_uniform(self.quantile(0), n)?;
        self.pop(0, interval);
        Ok(symbol)
    }

    fn among(&mut self, _: usize, ends: &[u32]) -> Result<usize> {
        let quantile = self.quantile(0);
        let symbol = ends.partition_point(|&end| end <= quantile);
        if symbol == ends.len() {
            return Err(Error::corrupt("a quantile that no symbol owns"));
        }
        self.pop(0, between(symbol, ends));
        Ok(symbol)
    }
}
