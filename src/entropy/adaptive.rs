//! One walk for both ways: an encoder hands over what it knows and gets it back, a decoder hands over anything and gets what is.
//!
//! A 1 of *chance* p (1 ≤ p < 2¹⁶) is the interval [0, 2⁸·p), a 0 is [2⁸·p, 2²⁴).

use crate::entropy::lanes::{Interval, Popper, Pusher};
use crate::error::{Error, Result};
use crate::wire::take_varint;

/// How often 0 and 1 came, in a context; the sum is halved when it is this large, so that what came last counts.
const MOST: u32 = 1 << 12;
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

/// A chance that learns.
#[derive(Clone, Copy, Debug)]
pub struct Chance {
    counts: [u32; 2],
}

impl Chance {
    pub const fn new(zeros: u32, ones: u32) -> Chance {
        Chance { counts: [zeros, ones] }
    }

    pub fn bit(&mut self, code: &mut impl Code, bit: bool) -> Result<bool> {
        let [zeros, ones] = self.counts;
        let chance = (((2 * ones + 1) << 16) / (2 * (zeros + ones) + 2)).clamp(1, (1 << 16) - 1);
        let bit = code.bit(bit, chance)?;
        self.counts[usize::from(bit)] += 1;
        if self.counts[0] + self.counts[1] > MOST {
            self.counts = self.counts.map(|n| n.div_ceil(2));
        }
        Ok(bit)
    }
}

/// A magnitude from 1: the position of its highest bit, one chance for each, and the bits below it plain.
pub fn magnitude(code: &mut impl Code, chances: &mut [Chance; 20], m: i32) -> Result<i32> {
    let mut e = 0;
    while chances[e].bit(code, m.max(1).ilog2() as usize > e)? {
        e += 1;
        if e == chances.len() {
            return Err(Error::corrupt("a number beyond all numbers"));
        }
    }
    Ok(1 << e | code.one_of((m as u32) & ((1 << e) - 1), 1 << e)? as i32)
}
