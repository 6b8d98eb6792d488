//! One pass over the bytes: which values occur, between what ends, at what step.
//!
//! Samples of 8 and 16 bits tick a table of all values. Wider ones are kept as a range of keys, an alphabet while it is small,
//! and for floats the power of two that divides them all. Every part is a function of the set of samples, so neither chunks
//! nor the order of merges change what comes out.

use super::alphabet::{Alphabet, MAX_VALUES};
use super::ieee::Ieee;
use super::order::Order;
use super::range::{Range, merged, widen};
use super::scaled::Scaled;
use super::word::Word;
use crate::array::Dtype;

/// Samples handled at a time: keys of one block fit the first-level cache.
const BLOCK: usize = 1024;

/// What one pass over an array's bytes tells.
#[derive(Clone, Debug)]
pub struct Stats {
    dtype: Dtype,
    n_samples: u64,
    seen: Seen,
}

#[derive(Clone, Debug)]
enum Seen {
    /// By bit pattern, whatever the dtype.
    Narrow(Box<[bool; 1 << 16]>),
    Wide(Wide),
}

#[derive(Clone, Debug)]
struct Wide {
    order: Order,
    ieee: Option<Ieee>,
    /// Keys of the samples that are not special.
    ordinary: Option<Range>,
    /// Keys of NaN, ±∞ and −0.
    special: Option<Range>,
    /// Ordinary samples as integers, while they fit.
    scaled: Option<Scaled>,
    /// Keys of all samples, while they are few.
    alphabet: Option<Alphabet>,
}

impl Stats {
    pub fn new(dtype: Dtype) -> Stats {
        let seen = if dtype.n_bytes() <= 2 {
            Seen::Narrow(Box::new([false; 1 << 16]))
        } else {
            let order = Order::of(dtype);
            let ieee = Ieee::of(dtype);
            let (scaled, alphabet) = (ieee.map(Scaled::new), Some(Alphabet::default()));
            Seen::Wide(Wide { order, ieee, ordinary: None, special: None, scaled, alphabet })
        };
        Stats { dtype, n_samples: 0, seen }
    }

    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub fn n_samples(&self) -> u64 {
        self.n_samples
    }

    /// `bytes` are whole samples.
    pub fn update(&mut self, bytes: &[u8], big_endian: bool) {
        let n_bytes = self.dtype.n_bytes();
        assert!(bytes.len().is_multiple_of(n_bytes), "statistics are taken of whole samples");
        self.n_samples += (bytes.len() / n_bytes) as u64;
        match &mut self.seen {
            Seen::Narrow(seen) if n_bytes == 1 => bytes.iter().for_each(|&b| seen[b as usize] = true),
            Seen::Narrow(seen) => u16::visit(bytes, big_endian, std::iter::repeat(()), |(), w| seen[w as usize] = true),
            Seen::Wide(wide) => {
                let mut block = [0u64; BLOCK];
                for bytes in bytes.chunks(BLOCK * n_bytes) {
                    let block = &mut block[..bytes.len() / n_bytes];
                    match n_bytes {
                        4 => u32::visit(bytes, big_endian, block.iter_mut(), |slot, w| *slot = u64::from(w)),
                        _ => u64::visit(bytes, big_endian, block.iter_mut(), |slot, w| *slot = w),
                    }
                    wide.update(block);
                }
            }
        }
    }

    /// As if the other's samples had been seen here; both are of one dtype.
    pub fn merge(&mut self, other: &Stats) {
        assert_eq!(self.dtype, other.dtype, "statistics of one array are of one dtype");
        self.n_samples += other.n_samples;
        match (&mut self.seen, &other.seen) {
            (Seen::Narrow(seen), Seen::Narrow(more)) => seen.iter_mut().zip(more.iter()).for_each(|(a, b)| *a |= b),
            (Seen::Wide(wide), Seen::Wide(more)) => wide.merge(more),
            _ => unreachable!("one dtype has one kind of statistics"),
        }
    }

    /// Distinct keys, rising, if they are few.
    pub(super) fn alphabet(&self) -> Option<Vec<u64>> {
        let mut keys = match &self.seen {
            Seen::Narrow(seen) => {
                let order = Order::of(self.dtype);
                (0u64..).zip(seen.iter()).filter(|(_, seen)| **seen).map(|(bits, _)| order.key(bits)).collect()
            }
            Seen::Wide(wide) => wide.alphabet.as_ref()?.keys().to_vec(),
        };
        keys.sort_unstable();
        Some(keys)
    }

    /// Keys of ordinary and of special samples.
    pub(super) fn ranges(&self) -> (Option<Range>, Option<Range>) {
        match &self.seen {
            Seen::Narrow(_) => {
                let mut range = None;
                widen(&mut range, &self.alphabet().unwrap_or_default());
                (range, None)
            }
            Seen::Wide(wide) => (wide.ordinary, wide.special),
        }
    }

    /// (exponent, range of the multiples' keys) if the ordinary samples of a float array are all k · 2^exponent.
    pub(super) fn scaled(&self) -> Option<(i32, Range)> {
        let Seen::Wide(Wide { order, ordinary: Some(ordinary), scaled: Some(scaled), .. }) = &self.seen else {
            return None;
        };
        let key = |end| scaled.key(order.bits(end));
        Some((scaled.exponent, Range { min: key(ordinary.min), max: key(ordinary.max), steps: scaled.steps()? }))
    }
}

impl Wide {
    /// `block` holds bit patterns; they may be moved.
    fn update(&mut self, block: &mut [u64]) {
        let n_special = self.ieee.map_or(0, |ieee| specials_first(block, ieee));
        let mut keys = [0; BLOCK];
        let keys = &mut keys[..block.len()];
        keys.iter_mut().zip(block.iter()).for_each(|(key, &bits)| *key = self.order.key(bits));
        widen(&mut self.special, &keys[..n_special]);
        widen(&mut self.ordinary, &keys[n_special..]);
        self.scaled = self.scaled.and_then(|scaled| scaled.with(&block[n_special..]));
        self.list(keys);
    }

    /// Notes the keys in the alphabet as long as that is small.
    fn list(&mut self, keys: &[u64]) {
        let Some(alphabet) = &mut self.alphabet else { return };
        let mut last = None;
        for &key in keys {
            if last != Some(key) {
                alphabet.insert(key);
                last = Some(key);
            }
        }
        if alphabet.keys().len() > MAX_VALUES {
            self.alphabet = None;
        }
    }

    fn merge(&mut self, other: &Wide) {
        self.ordinary = merged(self.ordinary, other.ordinary);
        self.special = merged(self.special, other.special);
        self.scaled = self.scaled.zip(other.scaled).and_then(|(a, b)| a.merged(b));
        match &other.alphabet {
            Some(alphabet) => self.list(alphabet.keys()),
            None => self.alphabet = None,
        }
    }
}

/// Moves the specials to the front and counts them; most blocks have none.
fn specials_first(block: &mut [u64], ieee: Ieee) -> usize {
    if !block.iter().fold(false, |any, &bits| any | ieee.is_special(bits)) {
        return 0;
    }
    let mut n_special = 0;
    for i in 0..block.len() {
        if ieee.is_special(block[i]) {
            block.swap(i, n_special);
            n_special += 1;
        }
    }
    n_special
}
