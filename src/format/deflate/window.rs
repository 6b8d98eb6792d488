//! The last 32 KiB and what comes next, in a buffer of 64 KiB that slides by halves; chains of the places with equal hash.
//!
//! hash(p) = (b₀ << 2s ⊕ b₁ << s ⊕ b₂) mod 2ⁿ, n = 3s rounded down by the mask: a chain holds few strings that do not match, but
//! how many decides where a search of limited length gives up, so n is the writer's own.

use super::{Effort, MAX_MATCH, MIN_MATCH, Settings, Writer};
use std::io::{ErrorKind, Read, Result};

const HALF: usize = 1 << 15;
/// With fewer bytes ahead more are read, so that a match is never cut by the buffer.
const MIN_AHEAD: usize = MAX_MATCH + MIN_MATCH + 1;
const MAX_DISTANCE: usize = HALF - MIN_AHEAD;

#[derive(Clone, Copy, Debug)]
pub struct Match {
    pub length: usize,
    pub distance: usize,
}

pub struct Window<'a> {
    inner: &'a mut dyn Read,
    at_end: bool,
    /// Two halves, and room to look past the end.
    bytes: Vec<u8>,
    at: usize,
    n_ahead: usize,
    /// Where the block began; negative once that has slid out.
    block_start: i64,
    /// Of each hash the latest place, of each place the one before; 0 is none, so the first byte is never matched.
    heads: Vec<u16>,
    before: Vec<u16>,
    hash_shift: u32,
    effort: &'static Effort,
    gnu: bool,
}

impl<'a> Window<'a> {
    pub fn new(settings: Settings, inner: &'a mut dyn Read) -> Window<'a> {
        let hash_bits = if settings.writer == Writer::ZlibLarge { 16 } else { 15 };
        Window {
            inner,
            at_end: false,
            bytes: vec![0; 2 * HALF + MIN_AHEAD],
            at: 0,
            n_ahead: 0,
            block_start: 0,
            heads: vec![0; 1 << hash_bits],
            before: vec![0; HALF],
            hash_shift: u32::div_ceil(hash_bits, MIN_MATCH as u32),
            effort: settings.effort(),
            gnu: settings.writer == Writer::Gnu,
        }
    }

    /// Makes sure that a longest match lies ahead, unless the input ends; false when nothing is left.
    pub fn fill(&mut self) -> Result<bool> {
        while self.n_ahead < MIN_AHEAD {
            // At the end of the input zlib still slides, GNU gzip does not.
            if self.gnu && self.at_end {
                break;
            }
            if self.at >= HALF + MAX_DISTANCE {
                self.slide();
            }
            if self.at_end {
                break;
            }
            let end = self.at + self.n_ahead;
            let n = read_full(self.inner, &mut self.bytes[end..2 * HALF])?;
            if n == 0 {
                self.at_end = true;
                // GNU gzip looks past the end, and sees this and then bytes of long ago.
                self.bytes[end..end + MIN_MATCH - 1].fill(0);
            }
            self.n_ahead += n;
        }
        Ok(self.n_ahead > 0)
    }

    fn slide(&mut self) {
        self.bytes.copy_within(HALF..2 * HALF, 0);
        self.at -= HALF;
        self.block_start -= HALF as i64;
        self.heads.iter_mut().chain(&mut self.before).for_each(|p| *p = p.saturating_sub(HALF as u16));
    }

    pub fn byte(&self) -> u8 {
        self.bytes[self.at]
    }

    pub fn byte_before(&self) -> u8 {
        self.bytes[self.at - 1]
    }

    pub fn unflushed(&self) -> u64 {
        (self.at as i64 - self.block_start) as u64
    }

    /// None when their beginning has slid out.
    pub fn unflushed_bytes(&self) -> Option<&[u8]> {
        Some(&self.bytes[usize::try_from(self.block_start).ok()?..self.at])
    }

    pub fn flushed(&mut self) {
        self.block_start = self.at as i64;
    }

    pub fn advance(&mut self, n: usize) {
        self.at += n;
        self.n_ahead -= n;
    }

    /// Enters the `n` places after this one into their chains.
    pub fn advance_inserting(&mut self, n: usize) {
        for _ in 0..n {
            self.advance(1);
            self.insert();
        }
    }

    /// Enters this place into its chain, and gives the place before it if a match may begin there.
    pub fn insert(&mut self) -> Option<usize> {
        if self.n_ahead < MIN_MATCH && !self.gnu {
            return None;
        }
        let hash = self.bytes[self.at..][..MIN_MATCH].iter().fold(0, |h, &b| h << self.hash_shift ^ usize::from(b));
        let mask = self.heads.len() - 1;
        let head = &mut self.heads[hash & mask];
        let found = usize::from(*head);
        self.before[self.at % HALF] = *head;
        *head = self.at as u16;
        (found > 0 && self.at - found <= MAX_DISTANCE && self.at <= 2 * HALF - MIN_AHEAD).then_some(found)
    }

    /// zlib leaves the inside of a match out of the chains when the input ends with it.
    pub fn may_insert_after(&self, length: usize) -> bool {
        self.gnu || self.n_ahead - length >= MIN_MATCH
    }

    /// The nearest of the longest matches in the chain from `place` on, if longer than `to_beat`.
    pub fn longest_match(&self, mut place: usize, to_beat: usize) -> Option<Match> {
        let chain = self.effort.max_chain;
        let chain = if to_beat >= self.effort.good_length { chain >> 2 } else { chain };
        // GNU gzip may prefer a match that goes on past the end.
        let nice = if self.gnu { self.effort.nice_length } else { self.effort.nice_length.min(self.n_ahead) };
        let limit = self.at.saturating_sub(MAX_DISTANCE);
        let here = &self.bytes[self.at..][..MAX_MATCH];
        let (mut length, mut distance) = (to_beat, 0);
        for _ in 0..chain {
            let there = &self.bytes[place..][..MAX_MATCH];
            if there[length - 1..=length] == here[length - 1..=length] {
                let n = n_equal(there, here);
                if n > length {
                    (length, distance) = (n, self.at - place);
                    if n >= nice {
                        break;
                    }
                }
            }
            place = usize::from(self.before[place % HALF]);
            if place <= limit {
                break;
            }
        }
        (distance > 0).then_some(Match { length: length.min(self.n_ahead), distance })
    }
}

fn n_equal(a: &[u8], b: &[u8]) -> usize {
    for (i, (a, b)) in a.as_chunks::<8>().0.iter().zip(b.as_chunks::<8>().0).enumerate() {
        let differing = u64::from_le_bytes(*a) ^ u64::from_le_bytes(*b);
        if differing != 0 {
            return 8 * i + differing.trailing_zeros() as usize / 8;
        }
    }
    let n_whole = a.len() / 8 * 8;
    n_whole + a[n_whole..].iter().zip(&b[n_whole..]).take_while(|(a, b)| a == b).count()
}

fn read_full(inner: &mut dyn Read, out: &mut [u8]) -> Result<usize> {
    let mut n = 0;
    while n < out.len() {
        match inner.read(&mut out[n..]) {
            Ok(0) => break,
            Ok(more) => n += more,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(n)
}
