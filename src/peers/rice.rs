//! d = int − int before → folded f → ⌊f / 2^fs⌋ zeros, a one, the lowest fs bits of f
//!
//! RICE_1 as the FITS standard describes it (4.0, section 10.4.1) and its users run it: every row is a tile; its first
//! int is stored as it is, then blocks of 32 differences, each block with its own fs in 3, 4 or 5 bits. The field says
//! 0 for a block of zeros, fs + 1 for a split block, and its largest code for differences stored as they are. Bits run
//! from the highest to the lowest. Differences wrap at the width of the ints.

use crate::error::{Error, Result};

const BLOCK: usize = 32;
/// What a binary table adds per row: a length and an offset.
pub const DESCRIPTOR_BYTES: usize = 8;

/// How wide the stored ints are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bits8,
    Bits16,
    Bits32,
}

struct Numbers {
    n_bits: u32,
    n_fs_bits: u32,
    /// From here on splitting does not pay, and the block is stored as it is.
    fs_max: u32,
}

impl Width {
    fn numbers(self) -> Numbers {
        match self {
            Width::Bits8 => Numbers { n_bits: 8, n_fs_bits: 3, fs_max: 6 },
            Width::Bits16 => Numbers { n_bits: 16, n_fs_bits: 4, fs_max: 14 },
            Width::Bits32 => Numbers { n_bits: 32, n_fs_bits: 5, fs_max: 25 },
        }
    }
}

/// Each row on its own. Of narrow widths the low bits are taken.
pub fn encode_plane(ints: &[i32], w: usize, width: Width) -> Vec<Vec<u8>> {
    ints.chunks(w.max(1)).map(|row| encode(row, width)).collect()
}

/// One row.
pub fn encode(row: &[i32], width: Width) -> Vec<u8> {
    let Numbers { n_bits, n_fs_bits, fs_max } = width.numbers();
    let unused = 32 - n_bits;
    let mut bits = Writer::default();
    let Some(&first) = row.first() else { return Vec::new() };
    bits.put(first as u32 & u32::MAX >> unused, n_bits);
    let mut before = first;
    for block in row.chunks(BLOCK) {
        let mut folded = [0u32; BLOCK];
        let mut sum = 0u64;
        for (f, &int) in folded.iter_mut().zip(block) {
            let d = (int.wrapping_sub(before) << unused) >> unused;
            before = int;
            *f = ((d << 1) ^ (d >> 31)) as u32 & u32::MAX >> unused;
            sum += u64::from(*f);
        }
        let folded = &folded[..block.len()];
        match best_split(sum, block.len() as u64) {
            fs if fs >= fs_max => {
                bits.put(fs_max + 1, n_fs_bits);
                folded.iter().for_each(|&f| bits.put(f, n_bits));
            }
            _ if sum == 0 => bits.put(0, n_fs_bits),
            fs => {
                bits.put(fs + 1, n_fs_bits);
                for &f in folded {
                    bits.put_zeros(f >> fs);
                    bits.put(1, 1);
                    bits.put(f & ((1 << fs) - 1), fs);
                }
            }
        }
    }
    bits.into_bytes()
}

/// About log₂ of half the mean.
fn best_split(sum: u64, n: u64) -> u32 {
    let half_mean = (sum.saturating_sub(n / 2 + 1) / n) >> 1;
    64 - half_mean.leading_zeros()
}

/// One row of `n` ints; narrow widths come back without sign.
pub fn decode(bytes: &[u8], n: usize, width: Width) -> Result<Vec<i32>> {
    let Numbers { n_bits, n_fs_bits, fs_max } = width.numbers();
    let mask = u32::MAX >> (32 - n_bits);
    let mut bits = Reader { bytes, position: 0 };
    let mut row = Vec::with_capacity(n.min(bytes.len().saturating_mul(BLOCK * 8)));
    if n == 0 {
        return Ok(row);
    }
    let mut before = bits.take(n_bits)?;
    while row.len() < n {
        let code = bits.take(n_fs_bits)?;
        if code > fs_max + 1 {
            return Err(Error::corrupt(format!("a split of {} bits", code - 1)));
        }
        for _ in 0..BLOCK.min(n - row.len()) {
            let folded = match code {
                0 => 0,
                _ if code == fs_max + 1 => bits.take(n_bits)?,
                _ => (bits.take_zeros(mask >> (code - 1))? << (code - 1)) | bits.take(code - 1)?,
            };
            let d = (folded >> 1) ^ (folded & 1).wrapping_neg();
            before = before.wrapping_add(d) & mask;
            row.push(before as i32);
        }
    }
    Ok(row)
}

#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    waiting: u64,
    n_waiting: u32,
}

impl Writer {
    fn put(&mut self, value: u32, n: u32) {
        self.waiting = self.waiting << n | u64::from(value);
        self.n_waiting += n;
        while self.n_waiting >= 8 {
            self.n_waiting -= 8;
            self.bytes.push((self.waiting >> self.n_waiting) as u8);
        }
    }

    fn put_zeros(&mut self, mut n: u32) {
        while n > 0 {
            let some = n.min(32);
            self.put(0, some);
            n -= some;
        }
    }

    fn into_bytes(mut self) -> Vec<u8> {
        if self.n_waiting > 0 {
            self.put(0, 8 - self.n_waiting);
        }
        self.bytes
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl Reader<'_> {
    /// The next `n` ≤ 32 bits.
    fn take(&mut self, n: u32) -> Result<u32> {
        let mut value = 0u64;
        let end = self.position + n as usize;
        let Some(bytes) = self.bytes.get(self.position / 8..end.div_ceil(8)) else {
            return Err(Error::truncated("a row of RICE_1 ends too early"));
        };
        bytes.iter().for_each(|&b| value = value << 8 | u64::from(b));
        let unused = end.div_ceil(8) * 8 - end;
        self.position = end;
        Ok(((value >> unused) & ((1 << n) - 1)) as u32)
    }

    /// Zeros before the next one, at most `max`.
    fn take_zeros(&mut self, max: u32) -> Result<u32> {
        let mut n = 0;
        while self.take(1)? == 0 {
            n += 1;
            if n > max {
                return Err(Error::corrupt("a run of zeros longer than any difference"));
            }
        }
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Lcg;

    fn noisy_slope(n: usize, noise_bits: u32) -> Vec<i32> {
        let mut random = Lcg(1);
        let mut noise = || random.bits(16) & ((1 << noise_bits) - 1);
        (0..n).map(|i| (i as u32 / 3 + noise()) as i32).collect()
    }

    #[test]
    fn rows_around_the_block_come_back() {
        for width in [Width::Bits8, Width::Bits16, Width::Bits32] {
            for n in [0, 1, 2, 31, 32, 33, 63, 64, 65] {
                for noise_bits in [0, 1, 5] {
                    let row = noisy_slope(n, noise_bits);
                    assert_eq!(decode(&encode(&row, width), n, width).unwrap(), row);
                }
            }
        }
    }

    #[test]
    fn the_extremes_of_each_width_come_back() {
        for (width, max) in [(Width::Bits8, 255), (Width::Bits16, 65535), (Width::Bits32, -1)] {
            let row: Vec<i32> = (0..70).map(|i| if i % 3 == 0 { max } else { 0 }).collect();
            assert_eq!(decode(&encode(&row, width), row.len(), width).unwrap(), row);
        }
    }

    #[test]
    fn a_constant_row_is_its_first_int_and_a_field_per_block() {
        assert_eq!(encode(&[7; 64], Width::Bits16), [0, 7, 0]);
    }

    #[test]
    fn a_block_is_split_as_the_standard_says() {
        // 5, then folded differences 0, 2 and 1: fs = 0, so field 1 and the unary codes 1, 001, 01.
        assert_eq!(encode(&[5, 6, 5], Width::Bits8), [5, 0b0011_0010, 0b1000_0000]);
    }

    #[test]
    fn every_truncation_is_noticed() {
        let row = noisy_slope(100, 6);
        let bytes = encode(&row, Width::Bits16);
        for n in 0..bytes.len() {
            assert!(decode(&bytes[..n], row.len(), Width::Bits16).is_err());
        }
    }
}
