//! push(start, width):  if ⌊X / 2⁴⁸⌋ ≥ width: append word X mod 2³², X = ⌊X / 2³²⌋;   X = ⌊X / width⌋·2¹⁶ + start + (X mod width)
//! pop:                 q = X mod 2¹⁶; X = ⌊X / 2¹⁶⌋·width + q − start;   if X < 2³²: X = X·2³² + the last word, which goes
//!
//! One stack that both sides push to and pop from: what a decoder pops an encoder has pushed, and the other way round. 2³² ≤ X < 2⁶⁴
//! before and after each step, so that every push undoes a pop and every pop a push, whatever is in the stack.

use crate::error::{Error, Result};

pub const PRECISION: u32 = 16;
/// X of a stack that has only words.
const EMPTY: u64 = 1 << 32;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    state: u64,
    words: Vec<u32>,
    /// What takes the place of words that are not there: an encoder's; None of a decoder, who has them all.
    spare: Option<u32>,
    /// Words that were missing.
    n_missing: usize,
}

impl Stack {
    /// An encoder's, over bytes that it will give back.
    pub fn over(bytes: &[u8]) -> Stack {
        let word = |four: &[u8]| {
            let mut le = [0; 4];
            le[..four.len()].copy_from_slice(four);
            u32::from_le_bytes(le)
        };
        Stack { state: EMPTY, words: bytes.chunks(4).map(word).collect(), spare: Some(0x9e37_79b9), n_missing: 0 }
    }

    /// The stack as bytes: words, the state last.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        self.words.extend([self.state as u32, (self.state >> 32) as u32]);
        self.words.iter().for_each(|word| out.extend(word.to_le_bytes()));
    }

    /// A decoder's.
    pub fn open(bytes: &[u8]) -> Result<Stack> {
        let wrong = || Error::corrupt("a stack of bits that cannot be");
        if !bytes.len().is_multiple_of(4) || bytes.len() < 8 {
            return Err(wrong());
        }
        let mut words: Vec<u32> = bytes.chunks_exact(4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        let (high, low) = (words.pop().ok_or_else(wrong)?, words.pop().ok_or_else(wrong)?);
        let state = u64::from(high) << 32 | u64::from(low);
        if state < EMPTY {
            return Err(wrong());
        }
        Ok(Stack { state, words, spare: None, n_missing: 0 })
    }

    /// The bytes that an encoder began over, once everything has been given back.
    pub fn close(self, n_bytes: usize) -> Result<Vec<u8>> {
        let wrong = || Error::corrupt("a stack of bits does not end where it should");
        let n_words = n_bytes.div_ceil(4);
        let first = self.words.len().checked_sub(n_words).ok_or_else(wrong)?;
        if self.state != EMPTY || self.n_missing > 0 {
            return Err(wrong());
        }
        let mut bytes: Vec<u8> = self.words[first..].iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(n_bytes);
        Ok(bytes)
    }

    #[inline(always)]
    pub fn push(&mut self, start: u32, width: u32) {
        if self.state >> (64 - PRECISION) >= u64::from(width) {
            self.words.push(self.state as u32);
            self.state >>= 32;
        }
        let width = u64::from(width);
        self.state = ((self.state / width) << PRECISION) + u64::from(start) + self.state % width;
    }

    /// The low `n` < 32 bits of a number.
    #[inline(always)]
    pub fn push_plain(&mut self, bits: u32, n: u32) {
        if n > 0 && self.state >> (64 - n) != 0 {
            self.words.push(self.state as u32);
            self.state >>= 32;
        }
        self.state = self.state << n | u64::from(bits);
    }

    #[inline(always)]
    pub fn quantile(&self) -> u32 {
        self.state as u32 & 0xffff
    }

    /// Leaves the symbol behind whose interval holds the quantile.
    #[inline(always)]
    pub fn pop(&mut self, start: u32, width: u32) {
        let above = u64::from(self.quantile()) - u64::from(start);
        self.state = (self.state >> PRECISION) * u64::from(width) + above;
        self.refill();
    }

    #[inline(always)]
    pub fn pop_plain(&mut self, n: u32) -> u32 {
        let bits = self.state as u32 & ((1 << n) - 1);
        self.state >>= n;
        self.refill();
        bits
    }

    #[inline(always)]
    fn refill(&mut self) {
        if self.state < EMPTY {
            let word = self.words.pop().unwrap_or_else(|| self.missing());
            self.state = self.state << 32 | u64::from(word);
        }
    }

    #[cold]
    fn missing(&mut self) -> u32 {
        self.n_missing += 1;
        match &mut self.spare {
            None => 0,
            Some(spare) => {
                *spare = spare.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                spare.rotate_left(16)
            }
        }
    }

    /// Whether a decoder has read more than there was.
    pub fn is_exhausted(&self) -> bool {
        self.spare.is_none() && self.n_missing > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Lcg;

    /// A symbol's interval around a quantile, or plain bits.
    fn step(random: &mut Lcg, quantile: u32) -> (u32, u32) {
        let start = random.below(quantile + 1);
        let end = quantile + 1 + random.below(65536 - quantile);
        (start, end - start)
    }

    #[test]
    fn every_pop_is_undone_by_a_push_and_the_bytes_come_back() {
        for n_bytes in [0, 1, 7, 400] {
            let bytes: Vec<u8> = (0..n_bytes).map(|i| (i * 31 + 7) as u8).collect();
            let (mut stack, mut random, mut steps) = (Stack::over(&bytes), Lcg(n_bytes as u32 + 1), Vec::new());
            for i in 0..3000 {
                // an encoder takes noise out and puts symbols in
                let (start, width) = step(&mut random, stack.quantile());
                if random.below(3) == 0 {
                    let n = random.below(24);
                    stack.pop(start, width);
                    steps.push((start, width, n, stack.pop_plain(n), true));
                } else {
                    let (n, plain) = (i % 20, random.bits(20) & ((1 << (i % 20)) - 1));
                    stack.push_plain(plain, n);
                    stack.push(start, width);
                    steps.push((start, width, n, plain, false));
                }
            }
            let mut out = Vec::new();
            stack.finish(&mut out);
            let mut back = Stack::open(&out).unwrap();
            for (start, width, n, plain, was_popped) in steps.into_iter().rev() {
                if was_popped {
                    back.push_plain(plain, n);
                    back.push(start, width);
                } else {
                    assert!((start..start + width).contains(&back.quantile()));
                    back.pop(start, width);
                    assert_eq!(back.pop_plain(n), plain);
                }
            }
            assert_eq!(back.close(n_bytes).unwrap(), bytes);
            Stack::open(&out[4..]).map(|cut| cut.close(n_bytes)).unwrap().unwrap_err();
        }
        for wrong in [&[][..], &[1; 7], &[1, 0, 0, 0, 0, 0, 0, 0]] {
            Stack::open(wrong).unwrap_err();
        }
    }
}
