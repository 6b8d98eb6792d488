//! freqᵢ = 1 + ⌊Wᵢ · (2¹² − n) / ΣW⌋,   Wᵢ = 2^((qᵢ − 1) / 4)        the n symbols with qᵢ > 0; the largest takes the rest
//!
//! A static table of symbol frequencies, known to both sides by its log weights q (quarter octaves, 0 = absent).
//! Quarter octaves cost 0.002 bits per symbol against exact frequencies, and a table takes 10–15 bytes instead of 25–40.

use super::reciprocal::{RECIPROCALS, Reciprocal};

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

/// What a push needs of a symbol; freq 0: the table does not hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub reciprocal: Reciprocal,
    pub start: u16,
    pub freq: u16,
}

/// The shares of all symbols.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    pub shares: [Share; 256],
}

impl Table {
    /// At least one of at most 256 log weights must be above zero.
    pub fn from_log_weights(log_weights: &[u8]) -> Table {
        let n_present = log_weights.iter().filter(|&&q| q > 0).count() as u32;
        assert!(n_present > 0 && log_weights.len() <= 256, "a table holds 1 to 256 symbols");
        let total: u32 = log_weights.iter().map(|&q| weight(q)).sum();
        let mut shares = [Share::default(); 256];
        let mut rest = TOTAL;
        let mut largest = 0;
        for (symbol, &q) in log_weights.iter().enumerate().filter(|(_, q)| **q > 0) {
            let share = u64::from(weight(q)) * u64::from(TOTAL - n_present) / u64::from(total);
            shares[symbol].freq = 1 + share as u16;
            rest -= u32::from(shares[symbol].freq);
            if shares[symbol].freq > shares[largest].freq {
                largest = symbol;
            }
        }
        shares[largest].freq += rest as u16;
        let mut start = 0;
        for share in shares.iter_mut().filter(|share| share.freq > 0) {
            (share.start, share.reciprocal) = (start, RECIPROCALS[share.freq as usize]);
            start += share.freq;
        }
        Table { shares }
    }
}

/// The same table turned inside out, what a pop needs: for each of the 2¹² quantiles symbol | freq − 1 << 8 | (quantile −
/// start) << 20.
#[derive(Clone, Debug)]
pub struct Slots([u32; TOTAL as usize]);

/// Whose share a quantile lies in, and how far from its start.
pub struct Slot {
    pub symbol: u8,
    pub freq: u16,
    pub above_start: u16,
}

impl Slots {
    pub fn new(table: &Table) -> Slots {
        let mut slots = [0; TOTAL as usize];
        for (symbol, share) in table.shares.iter().enumerate().filter(|(_, share)| share.freq > 0) {
            let whose = symbol as u32 | u32::from(share.freq - 1) << 8;
            let own = &mut slots[share.start as usize..][..share.freq as usize];
            own.iter_mut().zip(0..).for_each(|(slot, above_start)| *slot = whose | above_start << 20);
        }
        Slots(slots)
    }

    /// Of the quantile in the lowest bits.
    #[inline(always)]
    pub fn at(&self, state: u64) -> Slot {
        let slot = self.0[state as usize % TOTAL as usize];
        Slot { symbol: slot as u8, freq: ((slot >> 8) % TOTAL) as u16 + 1, above_start: (slot >> 20) as u16 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frequencies_fill_the_whole_range() {
        for log_weights in [vec![1], vec![49], vec![1; 256], vec![0, 49, 1, 1], (0..=49).collect()] {
            let table = Table::from_log_weights(&log_weights);
            let total: u32 = table.shares.iter().map(|share| u32::from(share.freq)).sum();
            assert_eq!(total, TOTAL);
            for (symbol, &q) in log_weights.iter().enumerate() {
                assert_eq!(table.shares[symbol].freq > 0, q > 0);
            }
        }
    }
}
