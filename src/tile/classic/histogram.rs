//! bits = N·log₂N − Σ n·log₂n + the table's own bytes
//!
//! Histograms of tokens per activity bin, merged greedily while the sum of bits falls, then turned into log weights.

use super::context::N_BINS;
use super::token::N_TOKENS;
use crate::entropy::table::MAX_LOG_WEIGHT;

pub const MAX_TABLES: usize = 16;
/// Costs are in 1/65536 bit.
const BIT: u64 = 1 << 16;
/// What a table costs: measured over raw frames, bits per table and per present token.
const TABLE_BITS: u64 = 16 * BIT;
const TOKEN_BITS: u64 = 5 * BIT / 2;

#[derive(Clone)]
pub struct Histogram {
    pub counts: [u32; N_TOKENS],
    total: u32,
    bits: u64,
}

impl Histogram {
    fn new(counts: &[u32; N_TOKENS], n_tokens: usize) -> Histogram {
        let mut histogram = Histogram { counts: *counts, total: 0, bits: 0 };
        histogram.weigh(n_tokens);
        histogram
    }

    fn weigh(&mut self, n_tokens: usize) {
        let (mut total, mut own, mut n_present) = (0, 0, 0);
        for &n in self.counts[..n_tokens].iter().filter(|n| **n > 0) {
            total += n;
            own += n_log2_n(n);
            n_present += 1;
        }
        self.total = total;
        self.bits = if total == 0 { 0 } else { n_log2_n(total) - own + TABLE_BITS + n_present * TOKEN_BITS };
    }

    fn merged(&self, other: &Histogram, n_tokens: usize) -> Histogram {
        let mut sum = self.clone();
        for (a, b) in sum.counts.iter_mut().zip(&other.counts) {
            *a += b;
        }
        sum.weigh(n_tokens);
        sum
    }

    /// Quarter octaves below the most frequent token, of what remains when every present token has its first 1/4096.
    pub fn log_weights(&self) -> [u8; N_TOKENS] {
        let share = |n: u32| (u64::from(n) << 24) / u64::from(self.total.max(1));
        let above_one = |n: u32| share(n).saturating_sub(1 << 12).max(1 << 8) as u32;
        let largest = log2(above_one(self.counts.iter().copied().max().unwrap_or(0)));
        self.counts.map(|n| match n {
            0 => 0,
            _ => {
                let below = (4 * (largest - log2(above_one(n))) + (1 << 15)) >> 16;
                MAX_LOG_WEIGHT.saturating_sub(below as u8).max(1)
            }
        })
    }
}

/// Which bins share a table: table i holds the bins up to `ends[i]`, the last table all the others.
pub struct Groups {
    pub ends: Vec<u8>,
    pub histograms: Vec<Histogram>,
}

impl Groups {
    pub fn merge(bins: &[[u32; N_TOKENS]; N_BINS]) -> Groups {
        let n_tokens = (0..N_TOKENS).rev().find(|&t| bins.iter().any(|bin| bin[t] > 0)).map_or(1, |t| t + 1);
        let mut ends: Vec<u8> = Vec::new();
        let mut groups: Vec<Histogram> = Vec::new();
        for (bin, counts) in bins.iter().enumerate() {
            let histogram = Histogram::new(counts, n_tokens);
            if histogram.total > 0 {
                ends.push(bin as u8);
                groups.push(histogram);
            }
        }
        let mut pairs: Vec<Histogram> = groups.windows(2).map(|p| p[0].merged(&p[1], n_tokens)).collect();
        loop {
            let gain = |i: usize| (groups[i].bits + groups[i + 1].bits) as i64 - pairs[i].bits as i64;
            let Some(best) = (0..pairs.len()).max_by_key(|&i| gain(i)) else { break };
            if gain(best) < 0 && groups.len() <= MAX_TABLES {
                break;
            }
            groups[best] = pairs.remove(best);
            groups.remove(best + 1);
            ends.remove(best);
            if best > 0 {
                pairs[best - 1] = groups[best - 1].merged(&groups[best], n_tokens);
            }
            if best < pairs.len() {
                pairs[best] = groups[best].merged(&groups[best + 1], n_tokens);
            }
        }
        ends.pop();
        Groups { ends, histograms: groups }
    }

    pub fn bits(&self) -> u64 {
        self.histograms.iter().map(|h| h.bits).sum::<u64>() / BIT
    }

    /// The part of `bits` that describes the tables.
    pub fn table_bits(&self) -> u64 {
        let n_present = |h: &Histogram| h.counts.iter().filter(|n| **n > 0).count() as u64;
        self.histograms.iter().map(|h| TABLE_BITS + n_present(h) * TOKEN_BITS).sum::<u64>() / BIT
    }
}

fn n_log2_n(n: u32) -> u64 {
    u64::from(n) * u64::from(log2(n))
}

/// log₂ in 1/65536, n ≥ 1: the octave, then a table of 256 steps.
pub fn log2(n: u32) -> u32 {
    let e = n.ilog2();
    let mantissa = (u64::from(n) << 31 >> e) as u32;
    (e << 16) + LOG2[(mantissa >> 23) as usize & 255]
}

/// log₂(1 + (i + ½)/256): sixteen squarings give sixteen bits.
const LOG2: [u32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        let mut x = (1u64 << 31) + ((2 * i as u64 + 1) << 22);
        let mut bits = 0;
        let mut n = 0;
        while n < 16 {
            x = (x * x) >> 31;
            bits <<= 1;
            if x >= 1 << 32 {
                x >>= 1;
                bits |= 1;
            }
            n += 1;
        }
        table[i] = bits;
        i += 1;
    }
    table[0] = 0;
    table
};
