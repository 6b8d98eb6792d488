//! push(start, width):  if ⌊X / 2⁴⁸⌋ ≥ width: append word X mod 2³², X = ⌊X / 2³²⌋;   X = ⌊X / width⌋·2¹⁶ + start + (X mod width)
//! pop:                 q = X mod 2¹⁶; X = ⌊X / 2¹⁶⌋·width + q − start;   if X < 2³² and there is a word: X = X·2³² + that word
//!
//! The lanes of a tile whose symbols have intervals of 2¹⁶, and plain bits between them: n bits are a symbol of width 1 in 2ⁿ.
//! What constriction's `AnsCoder<u32, u64>` does with them; a test compares the two. The bytes are those of `lanes`.

use crate::error::{Error, Result};
use crate::kernel::fast::Kernels;
use crate::kernel::rans::{self, Symbol};
use crate::wire::{put_varint, take_varint};
use std::hint::select_unpredictable;

pub const PRECISION: u32 = 16;
/// Lanes that a tile may have.
pub const MAX_LANES: usize = rans::N;

/// The lanes of a tile, being written from the last symbol to the first.
pub struct Pusher {
    states: [u64; MAX_LANES],
    words: Vec<Vec<u32>>,
}

impl Pusher {
    pub fn new(n_lanes: usize, n_symbols: usize) -> Pusher {
        let words = (0..n_lanes).map(|_| Vec::with_capacity(n_symbols / n_lanes / 4 + 16)).collect();
        Pusher { states: [0; MAX_LANES], words }
    }

    #[inline(always)]
    pub fn push(&mut self, lane: usize, start: u32, width: u32) {
        let mut state = self.states[lane];
        if state >> (64 - PRECISION) >= u64::from(width) {
            self.words[lane].push(state as u32);
            state >>= 32;
        }
        self.states[lane] = ((state / u64::from(width)) << PRECISION) + u64::from(start) + state % u64::from(width);
    }

    /// The low `n` ≤ 31 bits of a number.
    #[inline(always)]
    pub fn push_plain(&mut self, lane: usize, bits: u32, n: u32) {
        let mut state = self.states[lane];
        if n > 0 && state >> (64 - n) != 0 {
            self.words[lane].push(state as u32);
            state >>= 32;
        }
        self.states[lane] = state << n | u64::from(bits);
    }

    /// A symbol for each of sixteen lanes, none of which lies beyond its table.
    #[inline(always)]
    pub fn push_all(&mut self, kernels: &Kernels, symbols: &[Symbol; MAX_LANES]) {
        for given in kernels.push(&mut self.states, symbols) {
            each(&given.is_given, |lane| self.words[lane].push(given.words[lane]));
        }
    }

    /// Appends lengths and words.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        for (words, state) in self.words.iter_mut().zip(self.states) {
            let ends = [state as u32, (state >> 32) as u32];
            words.extend(&ends[..if state == 0 { 0 } else { 1 + usize::from(ends[1] > 0) }]);
        }
        self.words.iter().for_each(|words| put_varint(out, words.len() as u64));
        self.words.iter().for_each(|words| out.extend_from_slice(bytemuck::cast_slice(&to_le(words))));
    }
}

fn to_le(words: &[u32]) -> Vec<u32> {
    words.iter().map(|word| word.to_le()).collect()
}

/// Every lane that has a 1.
#[inline(always)]
fn each(ones: &[u8; MAX_LANES], mut lane: impl FnMut(usize)) {
    let mut ones = u128::from_le_bytes(*ones);
    while ones != 0 {
        lane(ones.trailing_zeros() as usize / 8);
        ones &= ones - 1;
    }
}

/// The lanes of a tile, being read. Past its end a lane gives symbols that mean nothing, and `finish` tells.
pub struct Popper {
    states: [u64; MAX_LANES],
    /// Words of each lane that are left: they begin at 0, and end here.
    left: [usize; MAX_LANES],
    begins: [usize; MAX_LANES],
    words: Vec<u32>,
    n_lanes: usize,
}

impl Popper {
    /// Takes all of `input`: lengths, words, nothing behind them.
    pub fn new(n_lanes: usize, mut input: &[u8]) -> Result<Popper> {
        let lengths = (0..n_lanes).map(|_| take_varint(&mut input)).collect::<Result<Vec<u64>>>()?;
        let total = lengths.iter().try_fold(0u64, |sum, &n| sum.checked_add(n));
        if total.and_then(|n| n.checked_mul(4)) != Some(input.len() as u64) {
            return Err(Error::corrupt("the lanes of a payload do not fill it"));
        }
        let words: Vec<u32> = input.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let (mut states, mut left, mut begins) = ([0; MAX_LANES], [0; MAX_LANES], [0; MAX_LANES]);
        let mut begin = 0;
        for (lane, n) in lengths.into_iter().enumerate() {
            let end = begin + n as usize;
            (begins[lane], left[lane]) = (begin, end);
            if n > 0 && words[end - 1] == 0 {
                return Err(Error::corrupt("a lane ends with a zero word"));
            }
            for _ in 0..n.min(2) {
                left[lane] -= 1;
                states[lane] = states[lane] << 32 | u64::from(words[left[lane]]);
            }
            begin = end;
        }
        Ok(Popper { states, left, begins, words, n_lanes })
    }

    pub fn n_lanes(&self) -> usize {
        self.n_lanes
    }

    /// The quantiles of all lanes' next symbols.
    #[inline(always)]
    pub fn quantiles(&self) -> [u16; MAX_LANES] {
        self.states.map(|state| state as u16)
    }

    /// Leaves the symbol behind whose interval holds the quantile.
    #[inline(always)]
    pub fn pop(&mut self, lane: usize, start: u32, width: u32) {
        let lane = lane % MAX_LANES;
        let state = self.states[lane];
        let above = u64::from(state as u16) - u64::from(start);
        self.refill(lane, (state >> PRECISION) * u64::from(width) + above);
    }

    /// The same of sixteen lanes.
    #[inline(always)]
    pub fn pop_all(&mut self, kernels: &Kernels, start: &[u32; MAX_LANES], width: &[u32; MAX_LANES]) {
        let is_short = kernels.pop(&mut self.states, start, width);
        self.refill_all(&is_short);
    }

    /// A number of so many bits from each of sixteen lanes.
    #[inline(always)]
    pub fn pop_plain_all(&mut self, kernels: &Kernels, n: &[u32; MAX_LANES]) -> [u32; MAX_LANES] {
        let mut out = [0; MAX_LANES];
        let is_short = kernels.pop_plain(&mut self.states, n, &mut out);
        self.refill_all(&is_short);
        out
    }

    #[inline(always)]
    fn refill_all(&mut self, is_short: &[u8; MAX_LANES]) {
        each(is_short, |lane| self.refill(lane, self.states[lane]));
    }

    /// A number of `n` ≤ 31 bits.
    #[inline(always)]
    pub fn pop_plain(&mut self, lane: usize, n: u32) -> u32 {
        let lane = lane % MAX_LANES;
        let state = self.states[lane];
        self.refill(lane, state >> n);
        (state & ((1 << n) - 1)) as u32
    }

    #[inline(always)]
    fn refill(&mut self, lane: usize, state: u64) {
        let left = self.left[lane];
        let is_short = state >> 32 == 0 && left > self.begins[lane];
        let word = self.words.get(left.wrapping_sub(1)).copied().unwrap_or(0);
        self.states[lane] = select_unpredictable(is_short, state << 32 | u64::from(word), state);
        self.left[lane] = left - usize::from(is_short);
    }

    /// All that was pushed has been popped.
    pub fn finish(self) -> Result<()> {
        match self.states.iter().all(|state| *state == 0) && self.left == self.begins {
            true => Ok(()),
            false => Err(Error::corrupt("symbols are left over at the end of a payload")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::lanes::Interval;
    use constriction::stream::Encode;
    use constriction::stream::model::{DecoderModel, EncoderModel, EntropyModel};
    use constriction::stream::stack::AnsCoder;
    use std::num::NonZeroU32;

    /// The definition: constriction's coder with the same intervals.
    struct Share<const P: usize>(u32, u32);

    impl<const P: usize> EntropyModel<P> for Share<P> {
        type Symbol = ();
        type Probability = u32;
    }

    impl<const P: usize> EncoderModel<P> for Share<P> {
        fn left_cumulative_and_probability(&self, _: impl std::borrow::Borrow<()>) -> Option<(u32, NonZeroU32)> {
            Some((self.0, NonZeroU32::new(self.1)?))
        }
    }

    impl<const P: usize> DecoderModel<P> for Share<P> {
        fn quantile_function(&self, _: u32) -> ((), u32, NonZeroU32) {
            ((), self.0, NonZeroU32::new(self.1).unwrap())
        }
    }

    /// (lane, start, width), or plain bits where the width is 0: (lane, bits, n).
    fn symbols(n: usize) -> Vec<(usize, u32, u32, u32)> {
        let mut state = 7u32;
        let mut below = |n: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((u64::from(state) * u64::from(n)) >> 32) as u32
        };
        let mut one = |i: usize| {
            if i % 5 == 4 {
                let n = [1, 9, 31][below(3) as usize];
                return (i % 3, below(1 << n), 0, n);
            }
            let width = [1, 1 + below(3), 1 + below(65536), 65535][below(4) as usize];
            (i % 3, below(65537 - width), width, 0)
        };
        (0..n).map(&mut one).collect()
    }

    #[test]
    fn words_are_those_of_constriction_and_come_back() {
        for n in (0..60).chain([20_000]) {
            let all = symbols(n);
            let (mut ours, mut theirs) = (Pusher::new(3, n), [(); 3].map(|()| AnsCoder::<u32, u64>::new()));
            for &(lane, start, width, n) in all.iter().rev() {
                if width > 0 {
                    ours.push(lane, start, width);
                    theirs[lane].encode_symbol((), Share::<16>(start, width)).unwrap();
                } else {
                    ours.push_plain(lane, start, n);
                    let coder = &mut theirs[lane];
                    match n {
                        1 => coder.encode_symbol((), Share::<1>(start, 1)).unwrap(),
                        9 => coder.encode_symbol((), Share::<9>(start, 1)).unwrap(),
                        _ => coder.encode_symbol((), Share::<31>(start, 1)).unwrap(),
                    }
                }
            }
            let (mut bytes, mut expected) = (Vec::new(), Vec::new());
            ours.finish(&mut bytes);
            let lanes = theirs.map(|lane| lane.into_compressed().unwrap());
            lanes.iter().for_each(|words| put_varint(&mut expected, words.len() as u64));
            lanes.iter().for_each(|words| expected.extend(words.iter().flat_map(|w| w.to_le_bytes())));
            assert_eq!(bytes, expected, "{n} symbols");

            let mut popper = Popper::new(3, &bytes).unwrap();
            for &(lane, start, width, n) in &all {
                if width > 0 {
                    let q = u32::from(popper.quantiles()[lane]);
                    assert!((start..start + width).contains(&q));
                    popper.pop(lane, start, width);
                } else {
                    assert_eq!(popper.pop_plain(lane, n), start);
                }
            }
            popper.finish().unwrap();
        }
    }

    #[test]
    fn a_symbol_that_needs_no_saying_changes_nothing() {
        let mut pusher = Pusher::new(1, 10);
        pusher.push(0, 100, 50);
        pusher.push(0, 0, 1 << PRECISION);
        let mut bytes = Vec::new();
        pusher.finish(&mut bytes);
        let mut popper = Popper::new(1, &bytes).unwrap();
        popper.pop(0, 0, 1 << PRECISION);
        assert_eq!(u32::from(popper.quantiles()[0]) - 100, 0);
        popper.pop(0, 100, 50);
        popper.finish().unwrap();
    }

    #[test]
    fn lanes_that_are_cut_or_longer_do_not_finish() {
        let mut pusher = Pusher::new(2, 400);
        (0..400).for_each(|i| pusher.push(i % 2, 200, 300));
        let mut bytes = Vec::new();
        pusher.finish(&mut bytes);
        let finishes = |bytes: &[u8]| {
            let mut popper = Popper::new(2, bytes)?;
            (0..400).for_each(|i| {
                let q = u32::from(popper.quantiles()[i % 2]);
                popper.pop(i % 2, q.min(200), 300);
            });
            popper.finish()
        };
        finishes(&bytes).unwrap();
        finishes(&bytes[..bytes.len() - 4]).unwrap_err();
        let more = Interval::CERTAIN.width.to_le_bytes();
        finishes(&[&bytes[..], &more].concat()).unwrap_err();
    }
}
