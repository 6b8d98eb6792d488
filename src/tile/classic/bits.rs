//! Raw bits, least significant first, the last byte filled up with zeros.

use crate::error::{Error, Result};

#[derive(Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    waiting: u64,
    n_waiting: u32,
}

impl BitWriter {
    pub fn with_capacity(n_bytes: usize) -> BitWriter {
        BitWriter { bytes: Vec::with_capacity(n_bytes + 8), waiting: 0, n_waiting: 0 }
    }

    /// `value` has no bits above the lowest `n` ≤ 32.
    #[inline(always)]
    pub fn put(&mut self, value: u32, n: u32) {
        self.waiting |= u64::from(value) << self.n_waiting;
        self.n_waiting += n;
        if self.n_waiting >= 32 {
            self.bytes.extend_from_slice(&(self.waiting as u32).to_le_bytes());
            self.waiting >>= 32;
            self.n_waiting -= 32;
        }
    }

    pub fn into_bytes(mut self) -> Vec<u8> {
        let n_bytes = self.n_waiting.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.waiting.to_le_bytes()[..n_bytes]);
        self.bytes
    }
}

/// Past the end it gives zeros, and `finish` tells.
pub struct BitReader {
    /// The bytes and eight zeros, so that every read is one load.
    padded: Vec<u8>,
    n_bytes: usize,
    position: usize,
}

impl BitReader {
    pub fn new(bytes: &[u8]) -> BitReader {
        let mut padded = Vec::with_capacity(bytes.len() + 8);
        padded.extend_from_slice(bytes);
        padded.extend_from_slice(&[0; 8]);
        BitReader { padded, n_bytes: bytes.len(), position: 0 }
    }

    /// The next `n` ≤ 32 bits.
    #[inline(always)]
    pub fn take(&mut self, n: u32) -> u32 {
        let at = (self.position / 8).min(self.n_bytes);
        let word = match self.padded.get(at..at + 8) {
            Some(eight) => u64::from_le_bytes(eight.try_into().unwrap_or_default()),
            None => 0,
        };
        let value = (word >> (self.position % 8)) & ((1u64 << n) - 1);
        self.position += n as usize;
        value as u32
    }

    pub fn finish(self) -> Result<()> {
        let used = self.position.div_ceil(8);
        if used > self.n_bytes {
            return Err(Error::truncated("the raw bits end too early"));
        }
        let rest = (used * 8 - self.position) as u32;
        let padding_is_zero = used == 0 || u32::from(self.padded[used - 1]) >> (8 - rest) == 0;
        if used < self.n_bytes || !padding_is_zero {
            return Err(Error::corrupt("bytes follow the raw bits"));
        }
        Ok(())
    }
}
