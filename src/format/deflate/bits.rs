//! Bits are packed into bytes from the lowest up; Huffman codes come with their highest bit first.

#[derive(Default)]
pub struct Bits {
    pub bytes: Vec<u8>,
    pending: u64,
    n_pending: u32,
}

impl Bits {
    /// The lowest `n` ≤ 16 bits of `value`, which has no others.
    pub fn push(&mut self, value: u32, n: u32) {
        self.pending |= u64::from(value) << self.n_pending;
        self.n_pending += n;
        if self.n_pending >= 32 {
            self.bytes.extend_from_slice(&(self.pending as u32).to_le_bytes());
            self.pending >>= 32;
            self.n_pending -= 32;
        }
    }

    /// Fills the last byte with zeros.
    pub fn align(&mut self) {
        let n_bytes = self.n_pending.div_ceil(8) as usize;
        self.bytes.extend_from_slice(&self.pending.to_le_bytes()[..n_bytes]);
        (self.pending, self.n_pending) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_fill_bytes_from_the_lowest_up() {
        let mut bits = Bits::default();
        for (value, n) in [(1, 1), (0, 2), (0b10101, 5), (0xffff, 16), (0x1234, 16), (1, 1)] {
            bits.push(value, n);
        }
        bits.align();
        assert_eq!(bits.bytes, [0b1010_1001, 0xff, 0xff, 0x34, 0x12, 1]);
    }
}
