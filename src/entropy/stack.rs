//! push(start, freq):  if ⌊X / 2⁵²⌋ ≥ freq: append word X mod 2³², X = ⌊X / 2³²⌋;   X = ⌊X / freq⌋·2¹² + start + (X mod freq)
//! pop:                q = X mod 2¹²; X = ⌊X / 2¹²⌋·freq + q − start;   if X < 2³² and there is a word: X = X·2³² + that word
//!
//! The rANS coder over static tables: what constriction's `AnsCoder<u32, u64>` does with them (a test compares the two), with
//! a multiplication for the division and without branches that depend on the symbols: a word comes and goes every fourth one
//! or so, and no predictor foresees which.

use super::table::{PRECISION, Slots, Table};
use crate::error::{Error, Result};
use std::hint::select_unpredictable;

/// Takes symbols, last one first.
#[derive(Default)]
pub struct Pusher {
    state: u64,
    /// `n_words` of them, then room.
    words: Vec<u32>,
    n_words: usize,
}

impl Pusher {
    /// Makes room for this many symbols.
    pub fn reserve(&mut self, n_symbols: usize) {
        let needed = self.n_words + n_symbols;
        if needed > self.words.len() {
            self.words.resize(needed.next_power_of_two(), 0);
        }
    }

    /// There must be room, and the table must hold the symbol.
    #[inline(always)]
    pub fn push(&mut self, table: &Table, symbol: u8) {
        let share = &table.shares[symbol as usize];
        assert!(share.freq > 0, "the table was made from a histogram that holds the symbol");
        let is_full = self.state >> (64 - PRECISION) >= u64::from(share.freq);
        self.words[self.n_words] = self.state as u32;
        self.n_words += usize::from(is_full);
        let state = if is_full { self.state >> 32 } else { self.state };
        // ⌊X / freq⌋·2¹² + X mod freq = X + ⌊X / freq⌋·(2¹² − freq)
        let others = (1 << PRECISION) - u64::from(share.freq);
        self.state = state + u64::from(share.start) + share.reciprocal.quotient(state) * others;
    }

    pub fn into_words(mut self) -> Vec<u32> {
        self.words.truncate(self.n_words);
        let ends = [self.state as u32, (self.state >> 32) as u32];
        let n = if self.state == 0 { 0 } else { 1 + usize::from(ends[1] > 0) };
        self.words.extend(&ends[..n]);
        self.words
    }
}

/// Gives the symbols back, first one first. Past its end it gives symbols that mean nothing, and `finish` tells.
pub struct Popper<'a> {
    state: u64,
    /// What is left.
    words: &'a [u32],
}

impl<'a> Popper<'a> {
    pub fn new(words: &'a [u32]) -> Result<Popper<'a>> {
        let (state, words) = match words {
            [.., 0] => return Err(Error::corrupt("a stream of symbols ends with a word of zero")),
            [below @ .., low, high] => (u64::from(*high) << 32 | u64::from(*low), below),
            [low] => (u64::from(*low), &[][..]),
            [] => (0, words),
        };
        Ok(Popper { state, words })
    }

    #[inline(always)]
    pub fn pop(&mut self, slots: &Slots) -> u8 {
        let slot = slots.at(self.state);
        let state = (self.state >> PRECISION) * u64::from(slot.freq) + u64::from(slot.above_start);
        self.state = state;
        let left = self.words.len().wrapping_sub(1);
        if let Some(&word) = self.words.get(left) {
            let is_short = state >> 32 == 0;
            self.state = select_unpredictable(is_short, state << 32 | u64::from(word), state); // 14 % of decoding
            self.words = &self.words[..left + usize::from(!is_short)];
        }
        slot.symbol
    }

    /// All words must have been used and the state must be where the encoder began.
    pub fn finish(self) -> Result<()> {
        match (self.state, self.words) {
            (0, []) => Ok(()),
            _ => Err(Error::corrupt("a stream of symbols does not end where it should")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Lcg;
    use constriction::backends::Cursor;
    use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
    use constriction::stream::stack::AnsCoder;
    use constriction::stream::{Decode, Encode};
    use std::borrow::Borrow;
    use std::num::NonZeroU16;

    /// The definition: constriction's coder over the same tables.
    struct Model<'a>(&'a Table, &'a Slots);

    impl EntropyModel<PRECISION> for &Model<'_> {
        type Symbol = u8;
        type Probability = u16;
    }

    impl EncoderModel<PRECISION> for &Model<'_> {
        fn left_cumulative_and_probability(&self, symbol: impl Borrow<u8>) -> Option<(u16, NonZeroU16)> {
            let share = &self.0.shares[*symbol.borrow() as usize];
            NonZeroU16::new(share.freq).map(|freq| (share.start, freq))
        }
    }

    impl DecoderModel<PRECISION> for &Model<'_> {
        fn quantile_function(&self, quantile: u16) -> (u8, u16, NonZeroU16) {
            let slot = self.1.at(quantile.into());
            (slot.symbol, quantile - slot.above_start, NonZeroU16::new(slot.freq).unwrap())
        }
    }

    /// Tables of one symbol, of 256, of the rarest and the most frequent, and of everything between.
    fn tables() -> Vec<Table> {
        let mut random = Lcg(9);
        let mut seeded = |n: usize| {
            let mut q = vec![0u8; n];
            for q in &mut q {
                *q = (random.bits(8) % 50) as u8;
            }
            q[n / 2] = 49;
            Table::from_log_weights(&q)
        };
        let mut tables: Vec<Table> = [1, 2, 3, 17, 140, 255, 256].map(&mut seeded).into();
        let ends = [vec![1], vec![49, 30, 10, 1], vec![0, 0, 1], vec![7; 256], vec![49, 1], vec![1, 49], vec![20, 20]];
        tables.extend(ends.map(|q| Table::from_log_weights(&q)));
        tables
    }

    /// A table and a symbol that it holds, frequent ones more often.
    fn symbols(tables: &[Table], slots: &[Slots], n: usize) -> Vec<(usize, u8)> {
        let mut random = Lcg(5);
        let mut next = || {
            let bits = random.bits(28);
            let table = (bits >> 12) as usize % tables.len();
            (table, slots[table].at(u64::from(bits)).symbol)
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn words_and_symbols_are_those_of_constriction() {
        let tables = tables();
        let slots: Vec<Slots> = tables.iter().map(Slots::new).collect();
        let all = symbols(&tables, &slots, 50_000);
        for n in (0..200).chain([50_000]) {
            let (mut ours, mut theirs) = (Pusher::default(), AnsCoder::<u32, u64>::new());
            ours.reserve(n);
            for &(t, symbol) in all[..n].iter().rev() {
                ours.push(&tables[t], symbol);
                theirs.encode_symbol(symbol, &Model(&tables[t], &slots[t])).unwrap();
            }
            let words = ours.into_words();
            assert_eq!(words, theirs.into_compressed().unwrap(), "{n} symbols");
            let mut popper = Popper::new(&words).unwrap();
            all[..n].iter().for_each(|&(t, symbol)| assert_eq!(popper.pop(&slots[t]), symbol));
            popper.finish().unwrap();
        }
    }

    #[test]
    fn words_that_nobody_pushed_give_the_symbols_of_constriction() {
        let tables = tables();
        let slots: Vec<Slots> = tables.iter().map(Slots::new).collect();
        for n in [0, 1, 2, 3, 400] {
            let words: Vec<u32> = (1..=n).map(|i: u32| i.wrapping_mul(2654435761)).collect();
            let mut ours = Popper::new(&words).unwrap();
            let mut theirs = AnsCoder::<u32, u64, Cursor<u32, &[u32]>>::from_compressed_slice(&words).unwrap();
            for i in 0..3000 {
                let t = i % tables.len();
                let theirs = theirs.decode_symbol(&Model(&tables[t], &slots[t])).unwrap();
                assert_eq!(ours.pop(&slots[t]), theirs, "symbol {i} of {n} words");
            }
        }
        assert!(Popper::new(&[0]).is_err() && Popper::new(&[1, 0]).is_err());
    }

    #[test]
    fn a_stream_that_is_cut_or_longer_does_not_finish() {
        let table = Table::from_log_weights(&[40, 44, 49]);
        let slots = Slots::new(&table);
        let mut pusher = Pusher::default();
        pusher.reserve(300);
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
