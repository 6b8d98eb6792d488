//! freqᵢ = 1 + ⌊Wᵢ · (2¹² − n) / ΣW⌋,   Wᵢ = 2^((qᵢ − 1) / 4)        the n symbols with qᵢ > 0; the largest takes the rest
//!
//! A static table of symbol frequencies, known to both sides by its log weights q (quarter octaves, 0 = absent), and the
//! rANS coder that uses it: `AnsCoder<u32, u64>`, whose state starts at 0 and so must end at 0.
//! Quarter octaves cost 0.002 bits per symbol against exact frequencies, and a table takes 10–15 bytes instead of 25–40.

use crate::error::{Error, Result};
use constriction::backends::Cursor;
use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
use constriction::stream::stack::AnsCoder;
use constriction::stream::{Decode, Encode};
use std::borrow::Borrow;
use std::num::NonZeroU16;

/// Frequencies sum to 2^PRECISION.
pub const PRECISION: usize = 12;
const TOTAL: u32 = 1 << PRECISION;
/// The largest log weight: 12 octaves above the smallest.
pub const MAX_LOG_WEIGHT: u8 = 49;
/// ⌊2^(8 + i/4)⌋.
const QUARTERS: [u32; 4] = [256, 304, 362, 430];

const _: () = assert!(QUARTERS[3] << ((MAX_LOG_WEIGHT as u32 - 1) / 4) < 1 << 24, "256 weights must sum below 2^32");

fn weight(log_weight: u8) -> u32 {
    match log_weight.min(MAX_LOG_WEIGHT) {
        0 => 0,
        q => QUARTERS[(q - 1) as usize % 4] << ((q - 1) / 4),
    }
}

/// Start and frequency of each symbol: what a push needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    starts: [u16; 256],
    freqs: [u16; 256],
}

impl Table {
    /// At least one of at most 256 log weights must be above zero.
    pub fn from_log_weights(log_weights: &[u8]) -> Table {
        let n_present = log_weights.iter().filter(|&&q| q > 0).count() as u32;
        assert!(n_present > 0 && log_weights.len() <= 256, "a table holds 1 to 256 symbols");
        let total: u32 = log_weights.iter().map(|&q| weight(q)).sum();
        let mut freqs = [0u16; 256];
        let mut rest = TOTAL;
        let mut largest = 0;
        for (symbol, &q) in log_weights.iter().enumerate().filter(|(_, q)| **q > 0) {
            let share = u64::from(weight(q)) * u64::from(TOTAL - n_present) / u64::from(total);
            freqs[symbol] = 1 + share as u16;
            rest -= u32::from(freqs[symbol]);
            if freqs[symbol] > freqs[largest] {
                largest = symbol;
            }
        }
        freqs[largest] += rest as u16;
        let mut starts = [0u16; 256];
        for symbol in 1..256 {
            starts[symbol] = starts[symbol - 1] + freqs[symbol - 1];
        }
        Table { starts, freqs }
    }

    pub fn freq(&self, symbol: u8) -> u16 {
        self.freqs[symbol as usize]
    }
}

impl EntropyModel<PRECISION> for &Table {
    type Symbol = u8;
    type Probability = u16;
}

impl EncoderModel<PRECISION> for &Table {
    #[inline(always)]
    fn left_cumulative_and_probability(&self, symbol: impl Borrow<u8>) -> Option<(u16, NonZeroU16)> {
        let symbol = *symbol.borrow() as usize;
        NonZeroU16::new(self.freqs[symbol]).map(|freq| (self.starts[symbol], freq))
    }
}

/// The same table turned inside out, what a pop needs: for each of the 2¹² quantiles symbol | start << 8 | freq − 1 << 20.
#[derive(Clone, Debug)]
pub struct Slots([u32; TOTAL as usize]);

impl Slots {
    pub fn new(table: &Table) -> Slots {
        let mut slots = [0; TOTAL as usize];
        for (symbol, (&start, &freq)) in table.starts.iter().zip(&table.freqs).enumerate() {
            if freq > 0 {
                let slot = symbol as u32 | u32::from(start) << 8 | u32::from(freq - 1) << 20;
                slots[start as usize..start as usize + freq as usize].fill(slot);
            }
        }
        Slots(slots)
    }
}

impl EntropyModel<PRECISION> for &Slots {
    type Symbol = u8;
    type Probability = u16;
}

impl DecoderModel<PRECISION> for &Slots {
    #[inline(always)]
    fn quantile_function(&self, quantile: u16) -> (u8, u16, NonZeroU16) {
        let slot = self.0[(quantile as usize) % TOTAL as usize];
        let freq = NonZeroU16::MIN.saturating_add((slot >> 20) as u16);
        (slot as u8, ((slot >> 8) % TOTAL) as u16, freq)
    }
}

/// Takes symbols, last one first.
#[derive(Default)]
pub struct Pusher(AnsCoder<u32, u64>);

impl Pusher {
    #[inline(always)]
    pub fn push(&mut self, table: &Table, symbol: u8) {
        self.0.encode_symbol(symbol, table).expect("the table was made from a histogram that holds the symbol");
    }

    pub fn into_words(self) -> Vec<u32> {
        match self.0.into_compressed() {
            Ok(words) => words,
            Err(never) => match never {},
        }
    }
}

/// Gives the symbols back, first one first. Past its end it gives symbols that mean nothing, and `finish` tells.
pub struct Popper<'a>(AnsCoder<u32, u64, Cursor<u32, &'a [u32]>>);

impl<'a> Popper<'a> {
    pub fn new(words: &'a [u32]) -> Result<Popper<'a>> {
        AnsCoder::from_compressed_slice(words)
            .map(Popper)
            .map_err(|_| Error::corrupt("a stream of symbols ends with a word of zero"))
    }

    #[inline(always)]
    pub fn pop(&mut self, slots: &Slots) -> u8 {
        match self.0.decode_symbol(slots) {
            Ok(symbol) => symbol,
            Err(constriction::CoderError::Frontend(never) | constriction::CoderError::Backend(never)) => match never {},
        }
    }

    /// All words must have been used and the state must be where the encoder began.
    pub fn finish(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::corrupt("a stream of symbols does not end where it should")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_fill_the_whole_range() {
        for log_weights in [vec![1], vec![49], vec![1; 256], vec![0, 49, 1, 1], (0..=49).collect()] {
            let table = Table::from_log_weights(&log_weights);
            let total: u32 = (0..=255).map(|s| u32::from(table.freq(s))).sum();
            assert_eq!(total, TOTAL);
            for (symbol, &q) in log_weights.iter().enumerate() {
                assert_eq!(table.freq(symbol as u8) > 0, q > 0);
            }
        }
    }

    #[test]
    fn what_is_pushed_last_is_popped_first() {
        let tables = [vec![49, 30, 10, 1], vec![0, 0, 1], vec![7; 256]].map(|q| Table::from_log_weights(&q));
        let slots = tables.each_ref().map(Slots::new);
        let symbols: Vec<(usize, u8)> = (0..5000u32)
            .map(|i| match i % 3 {
                0 => (0, (i / 3 % 4) as u8),
                1 => (1, 2),
                _ => (2, (i * 7) as u8),
            })
            .collect();
        let mut pusher = Pusher::default();
        symbols.iter().rev().for_each(|&(t, s)| pusher.push(&tables[t], s));
        let words = pusher.into_words();
        let mut popper = Popper::new(&words).unwrap();
        for &(t, s) in &symbols {
            assert_eq!(popper.pop(&slots[t]), s);
        }
        popper.finish().unwrap();
    }

    #[test]
    fn a_stream_that_is_cut_or_longer_does_not_finish() {
        let table = Table::from_log_weights(&[40, 44, 49]);
        let slots = Slots::new(&table);
        let mut pusher = Pusher::default();
        (0..300).for_each(|i| pusher.push(&table, i as u8 % 3));
        let words = pusher.into_words();
        let finishes = |words: &[u32]| {
            let mut popper = Popper::new(words)?;
            (0..300).for_each(|_| _ = popper.pop(&slots));
            popper.finish()
        };
        finishes(&words).unwrap();
        finishes(&words[1..]).unwrap_err();
        finishes(&[&[1], words.as_slice()].concat()).unwrap_err();
        finishes(&[words.as_slice(), &[0]].concat()).unwrap_err();
    }
}
