//! Tokens ↔ lanes of rANS words. Row y belongs to lane y mod n.
//!
//! A token's table depends on its left neighbours, so one lane is a chain of look-ups. The decoder walks n rows at once,
//! each two columns behind the one above it, and n chains run side by side: 4 lanes pop twice as fast as one.

use super::context::{self, ByActivity, N_BINS, Near, magnitudes};
use super::histogram::Groups;
use super::tables;
use crate::entropy::stack::{Popper, Pusher};
use crate::entropy::table::{Slots, Table};

/// The north-east and its neighbour must be known before a place is popped.
const LAG: usize = 2;

/// The words of each lane.
pub fn push<const N: usize>(tokens: &[u8], bins: &[u8], groups: &Groups, w: usize) -> [Vec<u32>; N] {
    let log_weights: Vec<_> = groups.histograms.iter().map(|h| h.log_weights()).collect();
    let tables: Vec<Table> = log_weights.iter().map(|q| Table::from_log_weights(q)).collect();
    let table_of: [&Table; N_BINS] = std::array::from_fn(|bin| &tables[table_of_bin(&groups.ends, bin) as usize]);
    let mut lanes: [Pusher; N] = std::array::from_fn(|_| Pusher::default());
    for (tokens, bins) in tokens.chunks(N * w).zip(bins.chunks(N * w)).rev() {
        lanes.iter_mut().for_each(|lane| lane.reserve(w));
        if tokens.len() == N * w {
            push_rows(&mut lanes, &table_of, tokens, bins, w);
        } else {
            for (lane, (tokens, bins)) in lanes.iter_mut().zip(tokens.chunks(w).zip(bins.chunks(w))) {
                push_rows(std::array::from_mut(lane), &table_of, tokens, bins, w);
            }
        }
    }
    log_weights.iter().rev().for_each(|q| tables::push(&mut lanes[0], q));
    lanes.map(Pusher::into_words)
}

/// N rows, a lane each, side by side: N chains of multiplications are under way at a time.
#[inline(always)]
fn push_rows<const N: usize>(lanes: &mut [Pusher; N], tables: &[&Table; N_BINS], tokens: &[u8], bins: &[u8], w: usize) {
    let rows: [(&[u8], &[u8]); N] = std::array::from_fn(|row| (&tokens[row * w..][..w], &bins[row * w..][..w]));
    for x in (0..w).rev() {
        for (lane, (tokens, bins)) in lanes.iter_mut().zip(rows) {
            lane.push(tables[bins[x] as usize], tokens[x]);
        }
    }
}

fn table_of_bin(ends: &[u8], bin: usize) -> u8 {
    ends.iter().filter(|&&end| bin > end as usize).count() as u8
}

/// Tokens of a group of rows, and the magnitudes of the row above it.
pub struct Window {
    magnitude: [u16; 256],
    outside: u16,
    table_of: Box<ByActivity>,
    /// Right of the row's end everything is outside.
    above: Vec<u16>,
    pub tokens: Vec<u8>,
}

impl Window {
    pub fn new(start: u8, scale: u8, ends: &[u8], w: usize, n_rows: usize) -> Window {
        let magnitude = magnitudes(scale);
        let outside = magnitude[start as usize];
        Window {
            magnitude,
            outside,
            table_of: context::by_activity(&std::array::from_fn(|bin| table_of_bin(ends, bin))),
            above: vec![outside; w + LAG * n_rows],
            tokens: vec![0; n_rows * w],
        }
    }

    /// N rows at once. What a lane has just popped is the north-east of the lane below it, so the neighbours stay in
    /// registers and N searches are under way at a time.
    #[inline(always)] // 7 % of decoding: the coders' states stay in the caller's frame.
    pub fn pop_rows<const N: usize>(
        &mut self,
        poppers: &mut [Popper; N],
        tables: &[Slots],
        w: usize,
        first_row: usize,
    ) {
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
