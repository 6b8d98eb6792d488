//! freq(v) of 2¹⁶ for every value v of an array: what white noise takes, and no more (FORMAT.md, section 7.5)
//!
//! Neighbours tell nothing of white noise, and one table for a whole array is exact where tables of tiles are coarse. Values without
//! a frequency of their own share one, the escape's, and stand behind it in plain bits.

use crate::entropy::wide_lanes::{MAX_LANES, PRECISION, Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::MAX_INT;
use crate::kernel::fast::{Kernels, Level};
use crate::kernel::log2::log2;
use crate::kernel::rans::Symbol;
use crate::tile::classic;
use crate::tile::stream::{MAX_LOG2_LANES, log2_lanes};
use crate::wire::{put_varint, take_bytes, take_varint};
use std::sync::{LazyLock, OnceLock};

/// Values from the smallest to the largest that have a frequency of their own.
pub const MAX_VALUES: usize = 1 << 12;
const TOTAL: u32 = 1 << PRECISION;

static KERNELS: LazyLock<Kernels> = LazyLock::new(|| Kernels::new(Level::detect(), []));

/// The table.
#[derive(Debug)]
pub struct Counts {
    lowest: u32,
    /// Of `lowest`, `lowest` + 1 …; 0 where a value has none of its own.
    widths: Vec<u16>,
    /// The same with the escape behind them.
    intervals: Vec<(u16, u32)>,
    /// Whose interval a quantile lies in; made when first needed.
    of_quantile: OnceLock<Vec<u16>>,
}

impl PartialEq for Counts {
    fn eq(&self, other: &Counts) -> bool {
        (self.lowest, &self.widths) == (other.lowest, &other.widths)
    }
}

impl Counts {
    /// `widths` of `lowest` and the values above it; they leave room for the escape.
    pub fn new(lowest: u32, widths: Vec<u16>) -> Result<Counts> {
        if !(1..=MAX_VALUES).contains(&widths.len()) {
            return Err(Error::corrupt(format!("a table of {} values", widths.len())));
        }
        let mut intervals = Vec::with_capacity(widths.len() + 1);
        let mut start = 0;
        for &width in &widths {
            intervals.push((start as u16, u32::from(width)));
            start += u32::from(width);
            if start >= TOTAL {
                return Err(Error::corrupt("frequencies of values leave nothing for those without one"));
            }
        }
        intervals.push((start as u16, TOTAL - start));
        Ok(Counts { lowest, widths, intervals, of_quantile: OnceLock::new() })
    }

    /// The table of values that occur so often, `counts[v]` times; None where frequent ones lie too far apart.
    pub fn of(counts: &[u32]) -> Option<Counts> {
        let n: u64 = counts.iter().map(|&n| u64::from(n)).sum();
        let share = |count: u32| (2 * u64::from(count) * u64::from(TOTAL) + n) / (2 * n.max(1));
        // the rarest are left to the escape until the others are near each other
        let (least, own) = (0..u32::BITS).find_map(|log2_least| {
            let has_own = |&count: &u32| count >> log2_least > 0 && share(count) > 0;
            let (first, last) = (counts.iter().position(has_own)?, counts.iter().rposition(has_own)?);
            (last - first < MAX_VALUES).then_some((1 << log2_least, first..=last))
        })?;
        let width = |count: u32| if count >= least { share(count) } else { 0 };
        let first = *own.start();
        let mut widths: Vec<u64> = counts[own].iter().map(|&count| width(count)).collect();
        let escaped = counts.iter().filter(|&&count| width(count) == 0).map(|&count| u64::from(count)).sum::<u64>();
        let escape = (escaped * u64::from(TOTAL) / n).max(1);
        let (largest, _) = widths.iter().enumerate().max_by_key(|&(i, &width)| (width, std::cmp::Reverse(i)))?;
        let others = widths.iter().sum::<u64>() - widths[largest] + escape;
        // where nearly all is rounded up, the most frequent value pays for it
        widths[largest] = u64::from(TOTAL).checked_sub(others).filter(|&width| (1..1 << 16).contains(&width))?;
        Counts::new(first as u32, widths.into_iter().map(|width| width as u16).collect()).ok()
    }

    pub fn write(&self, out: &mut Vec<u8>) {
        let widths: Vec<i32> = self.widths.iter().map(|&width| i32::from(width)).collect();
        let coded = classic::encode(&widths, 1, widths.len(), u16::MAX.into());
        for number in [self.lowest as usize, widths.len(), coded.len()] {
            put_varint(out, number as u64);
        }
        out.extend(coded);
    }

    /// The inverse.
    pub fn read(from: &mut &[u8]) -> Result<Counts> {
        let (lowest, n, n_bytes) = (take_varint(from)?, take_varint(from)?, take_varint(from)?);
        let known = 1..=MAX_VALUES as u64;
        if !known.contains(&n) || lowest.checked_add(n - 1).is_none_or(|highest| highest > MAX_INT as u64) {
            return Err(Error::corrupt(format!("a table of {n} values from {lowest} on")));
        }
        let n_bytes = usize::try_from(n_bytes).map_err(|_| Error::truncated("a table longer than its head"))?;
        let mut widths = vec![0; n as usize];
        classic::decode(take_bytes(from, n_bytes)?, 1, n as usize, u16::MAX.into(), &mut widths)?;
        Counts::new(lowest as u32, widths.into_iter().map(|width| width as u16).collect())
    }

    /// Whether its values are among ints up to `max`, and these not too large.
    pub fn is_for(&self, max: u32) -> bool {
        max <= MAX_INT as u32 && self.lowest + (self.widths.len() as u32 - 1) <= max
    }

    /// Whether it codes such an array, of ints up to `max`.
    pub fn check(&self, is_plain: bool, max: u32) -> Result<()> {
        match is_plain && self.is_for(max) {
            true => Ok(()),
            false => Err(Error::corrupt("a table of counts for an array that it does not fit")),
        }
    }

    /// Memory that it takes, about, with what a decoder adds.
    pub fn n_bytes(&self) -> usize {
        10 * self.widths.len() + 2 * TOTAL as usize
    }

    /// The number of an int's interval.
    fn index(&self, int: i32) -> usize {
        let index = (int as u32).wrapping_sub(self.lowest) as usize;
        if self.widths.get(index).is_some_and(|&width| width > 0) { index } else { self.widths.len() }
    }

    fn is_escape(&self, index: usize) -> bool {
        index == self.widths.len()
    }

    /// −256 · log2 of the probability of an int among those up to `max`.
    pub fn cost(&self, int: i32, max: u32) -> u64 {
        let index = self.index(int);
        let plain = if self.is_escape(index) { n_plain(max) } else { 0 };
        u64::from(256 * (PRECISION + plain)) - log2(self.intervals[index].1 as i32) as u64
    }

    /// The code of a tile of ints up to `max`.
    pub fn encode(&self, ints: &[i32], max: u32) -> Vec<u8> {
        let symbol = |&int: &i32| {
            let index = self.index(int);
            let (start, width) = self.intervals[index];
            let plain = if self.is_escape(index) { n_plain(max) << 24 | int as u32 } else { 0 };
            Symbol::new((u32::from(start) | (width - 1) << 16) as i32, plain as i32)
        };
        let cost = ints.iter().map(|&int| self.cost(int, max)).sum::<u64>();
        let log2_lanes = log2_lanes(cost as i64);
        let mut pusher = Pusher::new(1 << log2_lanes, ints.len());
        for ints in ints.chunks(1 << log2_lanes).rev() {
            let mut symbols = [Symbol::CERTAIN; MAX_LANES];
            symbols.iter_mut().zip(ints).for_each(|(out, int)| *out = symbol(int));
            pusher.push_all(&KERNELS, &symbols);
        }
        let mut code = vec![log2_lanes];
        pusher.finish(&mut code);
        code
    }

    /// The ints of a tile, all of its code.
    pub fn decode(&self, code: &[u8], max: u32, out: &mut [i32]) -> Result<()> {
        let (&log2_lanes, lanes) = code.split_first().ok_or_else(|| Error::corrupt("a tile without bytes"))?;
        if log2_lanes > MAX_LOG2_LANES {
            return Err(Error::corrupt(format!("2^{log2_lanes} lanes")));
        }
        let mut popper = Popper::new(1 << log2_lanes, lanes)?;
        let of_quantile = self.of_quantile.get_or_init(|| self.by_quantile());
        let mut largest = 0;
        for ints in out.chunks_mut(1 << log2_lanes) {
            let (mut start, mut width, mut plain) = ([0; MAX_LANES], [TOTAL; MAX_LANES], [0; MAX_LANES]);
            let quantiles = popper.quantiles();
            let mut escapes = false;
            for (lane, int) in ints.iter_mut().enumerate() {
                let index = usize::from(of_quantile[usize::from(quantiles[lane])]);
                let (from, n) = self.intervals[index];
                (start[lane], width[lane]) = (from.into(), n);
                *int = (self.lowest + index as u32) as i32;
                if self.is_escape(index) {
                    (plain[lane], *int, escapes) = (n_plain(max), 0, true);
                }
            }
            popper.pop_all(&KERNELS, &start, &width);
            if escapes {
                let popped = popper.pop_plain_all(&KERNELS, &plain);
                ints.iter_mut().zip(popped).for_each(|(int, popped)| *int += popped as i32);
            }
            largest = ints.iter().fold(largest, |largest: u32, &int| largest.max(int as u32));
        }
        if largest > max {
            return Err(Error::corrupt(format!("an int of {largest} among those up to {max}")));
        }
        popper.finish()
    }

    fn by_quantile(&self) -> Vec<u16> {
        let whose = self.intervals.iter().enumerate();
        whose.flat_map(|(index, &(_, width))| std::iter::repeat_n(index as u16, width as usize)).collect()
    }
}

/// The bits of an int up to `max`.
fn n_plain(max: u32) -> u32 {
    32 - max.leading_zeros()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic::Lcg;

    /// Noise around 300, and now and then anything.
    fn noise(n: usize, max: u32) -> Vec<i32> {
        let mut random = Lcg(3);
        let mut next = || match random.below(400) {
            0 => random.below(max + 1),
            _ => 280 + (0..5).map(|_| random.below(9)).sum::<u32>(),
        };
        (0..n).map(|_| next() as i32).collect()
    }

    fn counted(ints: &[i32], max: u32) -> Vec<u32> {
        let mut counts = vec![0; max as usize + 1];
        ints.iter().for_each(|&int| counts[int as usize] += 1);
        counts
    }

    #[test]
    fn tiles_come_back_in_what_their_entropy_takes() {
        for max in [700, 65535, MAX_INT as u32] {
            let ints = noise(90_000, max);
            let counts = Counts::of(&counted(&ints, max)).unwrap();
            let mut head = Vec::new();
            counts.write(&mut head);
            let counts = &Counts::read(&mut head.as_slice()).unwrap();
            let mut n_bytes = 0;
            for n in [1, 2, 15, 16, 17, 5000, 70_000] {
                let tile = &ints[..n];
                let code = counts.encode(tile, max);
                let mut back = vec![-1; n];
                counts.decode(&code, max, &mut back).unwrap();
                assert_eq!(back, tile, "{n} ints up to {max}");
                n_bytes = code.len();
            }
            let cost = ints[..70_000].iter().map(|&int| counts.cost(int, max)).sum::<u64>() as usize / 2048;
            assert!((cost..cost + 150).contains(&n_bytes), "{n_bytes} bytes for {cost}");
            // frequent values take their entropy, and a rare one no more than the escape's bits and those of its range
            let counted = counted(&ints, max);
            let bits = |n: u32| if n > 20 { (90_000.0 / f64::from(n)).log2() } else { 9.0 + f64::from(n_plain(max)) };
            let most: f64 = counted.iter().map(|&n| f64::from(n) * bits(n)).sum();
            let all = ints.iter().map(|&int| counts.cost(int, max)).sum::<u64>() as f64 / 256.0;
            assert!(all < most * 1.001, "{all} bits for {most}");
        }
    }

    #[test]
    fn ints_that_the_table_never_saw_come_back() {
        let counts = Counts::of(&counted(&noise(9000, 700), 700)).unwrap();
        let ints = [0, 700, 65535, 300, 9, 65535];
        let mut back = [0; 6];
        counts.decode(&counts.encode(&ints, 65535), 65535, &mut back).unwrap();
        assert_eq!(back, ints);
    }

    #[test]
    fn every_cut_and_every_flip_is_refused_or_within_the_limit() {
        let (ints, max) = (noise(300, 700), 700);
        let counts = Counts::of(&counted(&ints, max)).unwrap();
        let code = counts.encode(&ints, max);
        let mut out = vec![0; ints.len()];
        (0..code.len()).for_each(|n| assert!(counts.decode(&code[..n], max, &mut out).is_err(), "{n}"));
        let mut n_read = 0;
        for bit in 0..8 * code.len() {
            let mut flipped = code.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            if counts.decode(&flipped, max, &mut out).is_ok() {
                assert!(out != ints && out.iter().all(|&int| int as u32 <= max));
                n_read += 1;
            }
        }
        assert!(n_read * 20 < 8 * code.len(), "{n_read}");
        let mut head = Vec::new();
        counts.write(&mut head);
        (0..head.len()).for_each(|n| assert!(Counts::read(&mut &head[..n]).is_err(), "{n}"));
        assert!(counts.check(true, max).is_ok() && counts.check(false, max).is_err());
        assert!(!counts.is_for(300) && !counts.is_for(1 << 30));
    }

    #[test]
    fn tables_that_cannot_be_are_refused() {
        assert!(Counts::new(0, vec![]).is_err() && Counts::new(0, vec![1; MAX_VALUES + 1]).is_err());
        assert!(Counts::new(0, vec![65535, 1]).is_err() && Counts::new(0, vec![65535]).is_ok());
        assert!(Counts::of(&[]).is_none() && Counts::of(&[0; 9]).is_none());
        assert!(Counts::of(&[9; MAX_VALUES + 1]).is_none() && Counts::of(&[9; MAX_VALUES]).is_some());
        let mut far = vec![0; MAX_VALUES + 9];
        (far[0], far[MAX_VALUES + 8]) = (1, 700);
        assert_eq!(Counts::of(&far).unwrap().lowest, MAX_VALUES as u32 + 8, "a rare value is far from the others");
        assert!(Counts::of(&[0, 900_000]).is_some(), "one value and the escape");
    }
}
