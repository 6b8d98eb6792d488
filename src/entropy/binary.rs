//! below = low + ⌊(high − low) · p / 2¹⁶⌋        bit 1: high = below        bit 0: low = below + 1        p: of a 1, in 2¹⁶
//!
//! The arithmetic coder over single bits, for models that learn after each of them. Bytes that low and high have in common go
//! out; the last four are those of low. A queue, not a stack: bits come out in the order in which they went in.

use crate::error::{Error, Result};

/// Takes or gives bits: a model that asks for the next one is the same on both sides.
pub trait Bits {
    /// The next bit, by its probability 1 … 2¹⁶ − 1 of being 1. Who codes knows it, and gets it back.
    fn bit(&mut self, p: u32, known: u32) -> u32;
}

#[derive(Clone, Copy)]
struct Interval {
    low: u32,
    high: u32,
}

impl Interval {
    const ALL: Interval = Interval { low: 0, high: u32::MAX };

    #[inline(always)]
    fn below(self, p: u32) -> u32 {
        self.low + ((u64::from(self.high - self.low) * u64::from(p)) >> 16) as u32
    }

    #[inline(always)]
    fn narrow(&mut self, below: u32, bit: u32) {
        if bit == 1 {
            self.high = below;
        } else {
            self.low = below + 1;
        }
    }

    /// Whether the first byte is settled; shifts it out.
    #[inline(always)]
    fn shift(&mut self) -> Option<u8> {
        if (self.low ^ self.high) >> 24 != 0 {
            return None;
        }
        let byte = (self.low >> 24) as u8;
        (self.low, self.high) = (self.low << 8, self.high << 8 | 255);
        Some(byte)
    }
}

pub struct Coder {
    interval: Interval,
    bytes: Vec<u8>,
}

impl Default for Coder {
    fn default() -> Coder {
        Coder { interval: Interval::ALL, bytes: Vec::new() }
    }
}

impl Bits for Coder {
    #[inline(always)]
    fn bit(&mut self, p: u32, known: u32) -> u32 {
        self.interval.narrow(self.interval.below(p), known);
        while let Some(byte) = self.interval.shift() {
            self.bytes.push(byte);
        }
        known
    }
}

impl Coder {
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend(self.interval.low.to_be_bytes());
        self.bytes
    }
}

pub struct Decoder<'a> {
    interval: Interval,
    at: u32,
    rest: &'a [u8],
    /// Bytes that were wanted behind the end.
    n_missing: usize,
}

impl<'a> Decoder<'a> {
    pub fn new(bytes: &'a [u8]) -> Decoder<'a> {
        let mut decoder = Decoder { interval: Interval::ALL, at: 0, rest: bytes, n_missing: 0 };
        (0..4).for_each(|_| decoder.take());
        decoder
    }

    #[inline(always)]
    fn take(&mut self) {
        let byte = match self.rest.split_first() {
            Some((byte, rest)) => {
                self.rest = rest;
                *byte
            }
            None => {
                self.n_missing += 1;
                0
            }
        };
        self.at = self.at << 8 | u32::from(byte);
    }

    /// More was wanted than there is: what comes out means nothing.
    pub fn is_past_its_end(&self) -> bool {
        self.n_missing > 0
    }

    /// All bytes were there and were needed.
    pub fn finish(self) -> Result<()> {
        let is_whole = self.rest.is_empty() && self.n_missing == 0 && self.at == self.interval.low;
        if is_whole { Ok(()) } else { Err(Error::corrupt("a stream of bits does not end where it should")) }
    }
}

impl Bits for Decoder<'_> {
    #[inline(always)]
    fn bit(&mut self, p: u32, _: u32) -> u32 {
        let below = self.interval.below(p);
        let bit = u32::from(self.at <= below);
        self.interval.narrow(below, bit);
        while self.interval.shift().is_some() {
            self.take();
        }
        bit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits with their probabilities, some at the ends of what is allowed.
    fn bits(n: usize) -> Vec<(u32, u32)> {
        let mut state = 9u32;
        let one = |i: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let p = [1, 65535, 32768, 1 + (state >> 17)][i % 4];
            (p, u32::from((state >> 8) % 65536 < p))
        };
        (0..n).map(one).collect()
    }

    #[test]
    fn bits_come_back_in_order_and_the_stream_ends_with_them() {
        for n in [0, 1, 7, 63, 64, 65, 40_000] {
            let all = bits(n);
            let mut coder = Coder::default();
            all.iter().for_each(|&(p, bit)| _ = coder.bit(p, bit));
            let bytes = coder.finish();
            let mut decoder = Decoder::new(&bytes);
            assert!(all.iter().all(|&(p, bit)| decoder.bit(p, 0) == bit), "{n}");
            assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn what_is_unlikely_comes_back_however_narrow_the_interval_is() {
        let mut coder = Coder::default();
        (0..3000).for_each(|i| _ = coder.bit(if i % 2 == 0 { 1 } else { 65535 }, u32::from(i % 2 == 0)));
        let bytes = coder.finish();
        let mut decoder = Decoder::new(&bytes);
        assert!((0..3000).all(|i| decoder.bit(if i % 2 == 0 { 1 } else { 65535 }, 0) == u32::from(i % 2 == 0)));
    }

    #[test]
    fn a_stream_that_is_cut_or_longer_is_corrupt() {
        let all = bits(500);
        let mut coder = Coder::default();
        all.iter().for_each(|&(p, bit)| _ = coder.bit(p, bit));
        let bytes = coder.finish();
        let longer = [&bytes[..], &[0]].concat();
        for wrong in [&bytes[..bytes.len() - 1], &longer, &[]] {
            let mut decoder = Decoder::new(wrong);
            all.iter().for_each(|&(p, _)| _ = decoder.bit(p, 0));
            assert_eq!(decoder.is_past_its_end(), wrong.len() < bytes.len());
            assert!(decoder.finish().is_err());
        }
    }
}
