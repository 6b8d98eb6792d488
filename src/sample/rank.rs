//! int = number of distinct values below the sample
//!
//! For alphabets with holes: 42 values spread over a wide range become 0..=41. The table is part of the map.

use super::alphabet::Alphabet;
use super::order::Order;
use super::word::Word;
use crate::array::Dtype;
use crate::error::{Error, Result};
use std::sync::OnceLock;

#[derive(Clone, Debug)]
pub struct Rank {
    dtype: Dtype,
    /// Bits of the distinct values in rising order of their keys; at least one, at most 65 536.
    values: Vec<u64>,
    /// Only the encoder asks for ranks.
    ranks: OnceLock<Ranks>,
}

#[derive(Clone, Debug)]
enum Ranks {
    /// By bit pattern of a sample of 8 or 16 bits.
    Table(Vec<u16>),
    Alphabet(Alphabet),
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        (self.dtype, &self.values) == (other.dtype, &other.values)
    }
}

impl Rank {
    /// `keys` are of the dtype, distinct and rising, at least one and at most 65 536.
    pub fn new(dtype: Dtype, keys: &[u64]) -> Rank {
        let order = Order::of(dtype);
        Rank { dtype, values: keys.iter().map(|&key| order.bits(key)).collect(), ranks: OnceLock::new() }
    }

    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    pub fn n_values(&self) -> usize {
        self.values.len()
    }

    pub fn keys(&self) -> impl Iterator<Item = u64> {
        let order = Order::of(self.dtype);
        self.values.iter().map(move |&bits| order.key(bits))
    }

    fn ranks(&self) -> &Ranks {
        self.ranks.get_or_init(|| {
            if self.dtype.n_bytes() > 2 {
                return Ranks::Alphabet(Alphabet::numbered(&self.values));
            }
            let mut table = vec![0; 1 << (8 * self.dtype.n_bytes())];
            for (rank, &bits) in (0..=u16::MAX).zip(&self.values) {
                table[bits as usize] = rank;
            }
            Ranks::Table(table)
        })
    }

    pub fn to_ints(&self, bytes: &[u8], big_endian: bool, ints: &mut [i32]) {
        let ints = ints.iter_mut();
        match (self.ranks(), self.dtype.n_bytes()) {
            (Ranks::Table(table), 1) => {
                u8::visit(bytes, big_endian, ints, |int, w| *int = i32::from(table[w as usize]))
            }
            (Ranks::Table(table), _) => {
                u16::visit(bytes, big_endian, ints, |int, w| *int = i32::from(table[w as usize]));
            }
            (Ranks::Alphabet(alphabet), 4) => look_up::<u32>(alphabet, bytes, big_endian, ints),
            (Ranks::Alphabet(alphabet), _) => look_up::<u64>(alphabet, bytes, big_endian, ints),
        }
    }

    pub fn from_ints(&self, ints: &[i32], big_endian: bool, out: &mut [u8]) -> Result<()> {
        let inside = match self.dtype.n_bytes() {
            1 => list::<u8>(&self.values, ints, big_endian, out),
            2 => list::<u16>(&self.values, ints, big_endian, out),
            4 => list::<u32>(&self.values, ints, big_endian, out),
            _ => list::<u64>(&self.values, ints, big_endian, out),
        };
        if inside {
            return Ok(());
        }
        Err(Error::corrupt(format!("a sample's rank is not among the {} values of its map", self.values.len())))
    }
}

/// Runs of one value are common where an alphabet is small; they skip the search.
fn look_up<'a, W: Word>(alphabet: &Alphabet, bytes: &[u8], big_endian: bool, ints: impl Iterator<Item = &'a mut i32>) {
    let mut last = (W::low(0), alphabet.find(0).unwrap_or(0));
    W::visit(bytes, big_endian, ints, |int, w| {
        if w != last.0 {
            last = (w, alphabet.find(w.wide()).unwrap_or(0));
        }
        *int = last.1 as i32;
    });
}

fn list<W: Word>(values: &[u64], ints: &[i32], big_endian: bool, out: &mut [u8]) -> bool {
    let mut outside = false;
    let words = ints.iter().map(|&int| match values.get(int as u32 as usize) {
        Some(&bits) => W::low(bits),
        None => {
            outside = true;
            W::low(0)
        }
    });
    W::fill(out, big_endian, words);
    !outside
}
