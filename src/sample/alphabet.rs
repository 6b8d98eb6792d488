//! The set of distinct keys, up to a limit: open addressing with linear probing, a quarter full at most.
//!
//! Keys are numbered in the order of their first insertion, so an alphabet filled from a sorted list knows the ranks. What
//! leaves this file is sorted or a rank; the hash never reaches a byte.

/// More distinct values than this are not worth a table.
pub const MAX_VALUES: usize = 1 << 16;

#[derive(Clone, Debug, Default)]
pub struct Alphabet {
    keys: Vec<u64>,
    /// 1 + number of a key, 0 where free; the length is a power of two or zero.
    slots: Vec<u32>,
}

impl Alphabet {
    /// From distinct keys: key i gets number i.
    pub fn numbered(keys: &[u64]) -> Alphabet {
        let mut alphabet = Alphabet::default();
        keys.iter().for_each(|&key| alphabet.insert(key));
        alphabet
    }

    pub fn keys(&self) -> &[u64] {
        &self.keys
    }

    /// The number of a key, or the free slot where it belongs.
    #[inline]
    fn probe(&self, key: u64) -> Result<u32, usize> {
        let mask = self.slots.len() - 1;
        // Golden-ratio hashing spreads values at a common step, the usual case, more evenly than a random function would.
        let mut place = (key.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.slots.len().ilog2())) as usize;
        loop {
            match self.slots[place] {
                0 => return Err(place),
                n if self.keys[n as usize - 1] == key => return Ok(n - 1),
                _ => place = (place + 1) & mask,
            }
        }
    }

    #[inline]
    pub fn find(&self, key: u64) -> Option<u32> {
        if self.slots.is_empty() { None } else { self.probe(key).ok() }
    }

    #[inline]
    pub fn insert(&mut self, key: u64) {
        if 4 * (self.keys.len() + 1) > self.slots.len() {
            self.grow();
        }
        if let Err(place) = self.probe(key) {
            self.keys.push(key);
            self.slots[place] = self.keys.len() as u32;
        }
    }

    #[cold]
    fn grow(&mut self) {
        self.slots = vec![0; (2 * self.slots.len()).max(64)];
        for i in 0..self.keys.len() {
            if let Err(place) = self.probe(self.keys[i]) {
                self.slots[place] = i as u32 + 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_first_insertion() {
        for step in [1u64, 1 << 13, 1 << 32, 1 << 48, 0x0001_0000_0001] {
            let keys: Vec<u64> = (0..5000).map(|i: u64| i.wrapping_mul(step)).collect();
            let mut alphabet = Alphabet::numbered(&keys);
            keys.iter().for_each(|&key| alphabet.insert(key));
            assert_eq!(alphabet.keys(), keys);
            for (i, &key) in keys.iter().enumerate() {
                assert_eq!(alphabet.find(key), Some(i as u32));
            }
            assert_eq!(alphabet.find(5001u64.wrapping_mul(step)), None);
        }
    }

    #[test]
    fn an_empty_alphabet_knows_nothing() {
        assert_eq!(Alphabet::default().find(0), None);
    }
}
