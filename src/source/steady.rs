//! What is read twice is the same twice, or that is an error.
//!
//! An encoder reads its source again and again: for statistics, in windows, band by band, and where later arrays refer to earlier
//! ones. What the first reading promised, a range, an alphabet, a mask, holds for the last one only if both saw the same bytes. So
//! the source falls into blocks, and each is known by its first reading: by a print of 64 bits, a crc32c and sums, which a change
//! leaves as it was once in 2⁶⁴.

use super::{Source, past_the_end};
use crate::error::{Error, Result};
use std::sync::atomic::{AtomicU64, Ordering};

/// Windows read a few hundred bytes at a place: small blocks cost them little.
const MIN_LOG2_BLOCK: u32 = 12;
/// Blocks get larger so that there are no more: 32 MiB of prints.
const MAX_BLOCKS: u64 = 1 << 22;
/// What is read of whole blocks that are needed in part.
const MAX_SPARE_BYTES: u64 = 1 << 16;
const LANES: usize = 8;

/// A source whose blocks stay as they were first read.
pub struct Steady<'a> {
    source: &'a dyn Source,
    len: u64,
    block: u64,
    /// By block; 0 where it was not read yet.
    prints: Vec<AtomicU64>,
}

impl<'a> Steady<'a> {
    pub fn new(source: &'a dyn Source) -> Steady<'a> {
        let len = source.len();
        let block = (len / MAX_BLOCKS).next_power_of_two().max(1 << MIN_LOG2_BLOCK);
        let prints = (0..len.div_ceil(block)).map(|_| AtomicU64::new(0)).collect();
        Steady { source, len, block, prints }
    }

    /// Reads whole blocks; the last one of the source may be shorter.
    fn blocks(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out)?;
        let first = (offset / self.block) as usize;
        for (i, block) in out.chunks(self.block as usize).enumerate() {
            let print = print(block);
            // which of two threads is the first to read a block does not matter: both must have read the same
            if let Err(before) = self.prints[first + i].compare_exchange(0, print, Ordering::Relaxed, Ordering::Relaxed)
                && before != print
            {
                let (from, to) = ((first + i) as u64 * self.block, block.len() as u64);
                return Err(Error::changed(format!("bytes {from} to {} are not what they were", from + to - 1)));
            }
        }
        Ok(())
    }
}

impl Source for Steady<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let wrong = || past_the_end(offset, out.len(), self.len);
        let end = offset.checked_add(out.len() as u64).filter(|end| *end <= self.len).ok_or_else(wrong)?;
        if out.is_empty() {
            return Ok(());
        }
        let start = offset - offset % self.block;
        let stop = end.next_multiple_of(self.block).min(self.len);
        if (start, stop) == (offset, end) {
            return self.blocks(offset, out);
        }
        if stop - start <= (2 * self.block).max(MAX_SPARE_BYTES) {
            let mut whole = vec![0; (stop - start) as usize];
            self.blocks(start, &mut whole)?;
            out.copy_from_slice(&whole[(offset - start) as usize..][..out.len()]);
            return Ok(());
        }
        // a long stretch: its ends by themselves, so that what lies between is read where it belongs
        let head = (offset.next_multiple_of(self.block) - offset) as usize;
        let tail = if stop == end { 0 } else { (end % self.block) as usize };
        let (front, back) = out.split_at_mut(head);
        let (middle, back) = back.split_at_mut(back.len() - tail);
        self.read_at(offset, front)?;
        self.read_at(offset + head as u64, middle)?;
        self.read_at(end - tail as u64, back)
    }
}

/// Never 0.
fn print(block: &[u8]) -> u64 {
    (u64::from(crc32c::crc32c(block)) << 32 | u64::from(sums(block))).max(1)
}

/// a ← a + w, b ← b + a for the words of each of eight lanes, and then all of these as one: what nothing but additions gives, eight at
/// a time, which depends on the order of the words.
fn sums(block: &[u8]) -> u32 {
    let (rows, rest) = block.as_chunks::<{ 4 * LANES }>();
    let (mut a, mut b) = ([0u32; LANES], [0u32; LANES]);
    for row in rows {
        for ((a, b), word) in a.iter_mut().zip(&mut b).zip(row.as_chunks::<4>().0) {
            *a = a.wrapping_add(u32::from_le_bytes(*word));
            *b = b.wrapping_add(*a);
        }
    }
    let rest = rest.iter().map(|&byte| u32::from(byte));
    a.into_iter().chain(b).chain(rest).fold(0, |all: u32, n| (all ^ n).wrapping_mul(0x9e37_79b1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::sync::Mutex;

    /// Bytes that can be changed between two readings.
    struct Board(Mutex<Vec<u8>>);

    impl Source for Board {
        fn len(&self) -> u64 {
            self.0.lock().unwrap().len() as u64
        }

        fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
            self.0.lock().unwrap().as_slice().read_at(offset, out)
        }
    }

    fn bytes(n: usize) -> Vec<u8> {
        (0..n as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect()
    }

    #[test]
    fn every_stretch_is_what_the_source_holds() {
        for n in [1, 4095, 4096, 4097, 3 * 4096 + 5, 300_000] {
            let bytes = bytes(n);
            let steady = Steady::new(&bytes);
            let places = [0, 1, 4095, 4096, 4097, n / 2, n - 1].into_iter().filter(|at| *at < n);
            for at in places {
                for len in [0, 1, 2, 4095, 4096, 4097, 2 * 4096, 100_000, n].into_iter().map(|len| len.min(n - at)) {
                    assert_eq!(steady.bytes(at as u64, len).unwrap(), bytes[at..][..len], "{len} at {at} of {n}");
                }
            }
            let mut out = [0; 2];
            assert_eq!(steady.read_at(n as u64 - 1, &mut out).unwrap_err().kind, ErrorKind::Truncated);
            assert_eq!(steady.read_at(u64::MAX, &mut out).unwrap_err().kind, ErrorKind::Truncated);
        }
    }

    #[test]
    fn a_byte_that_is_another_one_when_it_is_read_again_is_an_error_and_elsewhere_nothing_happens() {
        let n = 10 * 4096 + 77;
        for changed in [0, 4095, 4096, 20_000, n - 1] {
            let board = Board(Mutex::new(bytes(n)));
            let steady = Steady::new(&board);
            steady.bytes(0, n).unwrap();
            board.0.lock().unwrap()[changed] ^= 1;
            let error = steady.bytes(changed as u64, 1).unwrap_err();
            let (from, to) = (changed / 4096 * 4096, (changed / 4096 * 4096 + 4095).min(n - 1));
            let what = format!("changed while it was read: bytes {from} to {to} are not what they were");
            assert_eq!((error.kind, error.message), (ErrorKind::Changed, what));
            assert_eq!(steady.bytes(0, n).unwrap_err().kind, ErrorKind::Changed);
            let elsewhere = if changed < 8192 { 8192 } else { 0 };
            steady.bytes(elsewhere, 100).unwrap();
        }
    }

    #[test]
    fn what_was_not_read_yet_may_have_changed() {
        let board = Board(Mutex::new(bytes(20_000)));
        let steady = Steady::new(&board);
        steady.bytes(0, 4096).unwrap();
        board.0.lock().unwrap()[4096] ^= 1;
        assert_eq!(steady.bytes(0, 20_000).unwrap(), *board.0.lock().unwrap());
    }

    #[test]
    fn words_that_change_places_change_the_print() {
        let mut block = bytes(4096);
        let before = print(&block);
        // of one lane
        block.swap(8, 8 + 100 * 4 * LANES);
        assert_ne!(print(&block) as u32, before as u32);
        assert_ne!(print(&block) >> 32, before >> 32);
    }
}
