//! values → residuals → tokens, activity bins and raw bits: what the encoder knows before it codes.

use super::bits::BitWriter;
use super::context::{BIN_OF, N_BINS, Near, magnitudes};
use super::fit::{self, Tile};
use super::histogram::log2;
use super::predict::{Predictor, Rows};
use super::token::{N_TOKENS, UNDO, fold, token_of};
use crate::tile::mask::hides;

/// A plane of fewer different values than this may be white noise.
pub const FEW: u32 = 256;

/// The fitted predictor or the median, whichever leaves less on every seventh row; of few values a constant, if their tokens
/// take less so.
pub fn choose(tile: Tile, spread: u32, first: u32, n_fitted: usize) -> Predictor {
    let Some(linear) = fit::fit(tile, spread, n_fitted) else { return Predictor::Median };
    let mut residuals = vec![0; tile.w];
    let mut counts = [0u32; N_TOKENS];
    let mut cost = |predictor| {
        let mut bits = 0;
        counts.fill(0);
        for y in (1..tile.h.max(2)).step_by(7) {
            let from = if tile.h == 1 { 0 } else { y.saturating_sub(2) };
            let mut rows = Rows::new(predictor, tile.w, spread, first);
            for y in from..(y + 1).min(tile.h) {
                rows.residuals(&tile.values[y * tile.w..][..tile.w], &mut residuals);
            }
            for (_, residual) in residuals.iter_mut().enumerate().filter(|(x, _)| hides(tile.classes, y * tile.w + x)) {
                *residual = 0;
            }
            // 16 neighbours share their scale: the logarithm of their mean, not the mean of their logarithms.
            for near in residuals.chunks(16) {
                let sum: u64 = near.iter().map(|&r| u64::from(fold(r))).sum();
                let mean = (sum * 4 / near.len() as u64).min(u64::from(u32::MAX - 4)) as u32;
                bits += u64::from(log2(4 + mean)) * near.len() as u64;
            }
            if spread < FEW {
                residuals.iter().for_each(|&r| counts[usize::from(token_of(fold(r)))] += 1);
            }
        }
        (bits, if spread < FEW { token_bits(&counts) } else { 0 })
    };
    let (of_linear, of_median) = (cost(linear), cost(Predictor::Median));
    let (best, (_, tokens)) =
        if of_linear.0 <= of_median.0 { (linear, of_linear) } else { (Predictor::Median, of_median) };
    // neighbours tell nothing of white noise, and around a constant each value has a token of its own
    if spread < FEW && tile.h > 1 {
        let constant = fit::constant(tile, spread);
        if cost(constant).1 < tokens {
            return constant;
        }
    }
    best
}

/// In 1/65536 bit, whatever stands around them.
fn token_bits(counts: &[u32; N_TOKENS]) -> u64 {
    let n_log2_n = |n: u32| u64::from(n) * u64::from(log2(n.max(1)));
    let (mut bits, mut total) = (0, 0);
    for (token, &n) in counts.iter().enumerate() {
        bits += (u64::from(UNDO[token].n_extra) << 16) * u64::from(n);
        total += n;
    }
    bits + n_log2_n(total) - counts.iter().map(|&n| n_log2_n(n)).sum::<u64>()
}

/// Everything about a tile's residuals that the two passes of the encoder share.
pub struct Residuals {
    pub folded: Vec<u32>,
    pub tokens: Vec<u8>,
    pub start: u8,
    pub scale: u8,
}

impl Residuals {
    pub fn of(tile: Tile, predictor: Predictor, spread: u32, first: u32) -> Residuals {
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
    pub fn bins(&self, w: usize) -> Vec<u8> {
        let magnitude = magnitudes(self.scale);
        let outside = magnitude[self.start as usize];
        // Two columns of outside on both sides.
        let mut north = vec![outside; w + 4];
        let mut row = north.clone();
        let mut bins = vec![0; self.tokens.len()];
        for (tokens, bins) in self.tokens.chunks_exact(w).zip(bins.chunks_exact_mut(w)) {
            for (m, &token) in row[2..].iter_mut().zip(tokens) {
                *m = magnitude[token as usize];
            }
            for ((bin, left), above) in bins.iter_mut().zip(row.windows(2)).zip(north[1..].windows(4)) {
                let [nw, n, ne, nee] = *above else { unreachable!("windows of four") };
                *bin = BIN_OF[usize::from(Near { ww: left[0], w: left[1], nw, n, ne, nee }.activity())];
            }
            std::mem::swap(&mut row, &mut north);
        }
        bins
    }

    pub fn raw_bits(&self) -> Vec<u8> {
        let mut bits = BitWriter::with_capacity(self.tokens.len());
        for (&f, &token) in self.folded.iter().zip(&self.tokens) {
            let undo = UNDO[token as usize];
            bits.put(f - undo.base, undo.n_extra);
        }
        bits.into_bytes()
    }
}

pub fn count(bins: &[u8], tokens: &[u8]) -> Box<[[u32; N_TOKENS]; N_BINS]> {
    let mut counts = Box::new([[0; N_TOKENS]; N_BINS]);
    for (&bin, &token) in bins.iter().zip(tokens) {
        counts[bin as usize][token as usize] += 1;
    }
    counts
}
