//! bits(x′) = bits(x) − 2^(drop − 1) + ⌊t · 2^drop⌋        0 ≤ t < 1:  a value that rounding makes x again
//!
//! Mantissas that were rounded stand on a comb, which distributions show: many values are equal, and none lies between. Restored they
//! lie all over the intervals that rounding left, drop bits wide: t is a multiple of the golden ratio by how often x came before, so that the
//! values of an x fill its interval evenly. Where the density leans within an interval is not asked: neither a slope nor a small network
//! foresaw that better than evenly by more than 0.007 bits a value, on data that it was not fitted to (BENCHMARKS.md, section 6).
//!
//! Where a quarter of the samples, and twice as many as by chance, are like the one before, they were equal and are equal again.
//!
//! What need not have been anywhere else stays: 0, subnormals, NaN, infinities; *atoms*, values far more frequent than those around
//! them, such as −1 for "none"; and arrays that were not rounded, or of which that cannot be told. Integers only, so that the same
//! bytes come out everywhere.

use super::word::Word;
use crate::array::Dtype;

/// Fewer ordinary samples, or distinct ones, do not tell.
const MIN_SAMPLES: u64 = 64;
const MIN_VALUES: usize = 16;
/// More distinct values are too many to be counted.
const MAX_VALUES: usize = 1 << 22;
/// So many samples on either side say how frequent an x should be; an atom is more frequent than 8 + 4 × that.
const AROUND: u64 = 64;
const FEW: u64 = 8;
const FAR_MORE: u64 = 4;
/// 2⁶⁴ / golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// What values an array of floats has: the first of two passes.
pub struct Comb {
    dtype: Dtype,
    fraction: u32,
    /// The lowest zeros that all mantissas have.
    n_zeros: u32,
    n_samples: u64,
    /// Ordinary samples that are those before them, and the last one.
    n_repeated: u64,
    last: u64,
    /// Bits of ordinary samples, rising, and how often they came; none where some mantissa is not rounded.
    values: Vec<(u64, u64)>,
}

/// The second pass, in the order of the samples.
pub struct Restorer {
    dtype: Dtype,
    fraction: u32,
    drop: u32,
    /// Whether a sample like the one before was so before it was rounded.
    repeats: bool,
    /// The last sample, rounded and restored.
    last: (u64, u64),
    /// Bits, how often they came so far, and whether they are an atom.
    values: Vec<(u64, u64, bool)>,
}

impl Comb {
    /// None where there are no mantissas.
    pub fn new(dtype: Dtype) -> Option<Comb> {
        let fraction = match dtype {
            Dtype::F32 => 23,
            Dtype::F64 => 52,
            _ => return None,
        };
        Some(Comb { dtype, fraction, n_zeros: fraction, n_samples: 0, n_repeated: 0, last: 0, values: Vec::new() })
    }

    /// `bytes` are whole samples.
    pub fn update(&mut self, bytes: &[u8], big_endian: bool) {
        if self.n_zeros == 0 {
            return;
        }
        let mut block = Vec::with_capacity(bytes.len() / self.dtype.n_bytes());
        match self.dtype {
            Dtype::F32 => u32::visit(bytes, big_endian, std::iter::repeat(()), |(), w| block.push(w.wide())),
            _ => u64::visit(bytes, big_endian, std::iter::repeat(()), |(), w| block.push(w)),
        }
        for &bits in &block {
            self.n_repeated += u64::from(bits == self.last && is_ordinary(self.dtype, bits));
            self.last = bits;
        }
        block.retain(|&bits| is_ordinary(self.dtype, bits));
        self.n_samples += block.len() as u64;
        let all = block.iter().fold(1 << self.fraction, |all, bits| all | bits);
        self.n_zeros = self.n_zeros.min(all.trailing_zeros());
        block.sort_unstable();
        let new = block.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64));
        self.values = merged(&self.values, new);
        if self.n_zeros == 0 || self.values.len() > MAX_VALUES {
            (self.n_zeros, self.values) = (0, Vec::new());
        }
    }

    /// If the samples were rounded, to `n_bits` or to as many as they have.
    pub fn restorer(self, n_bits: Option<u32>) -> Option<Restorer> {
        let Comb { dtype, fraction, n_zeros, n_samples, n_repeated, values, .. } = self;
        let drop = fraction.checked_sub(n_bits.unwrap_or(fraction - n_zeros)).filter(|&drop| drop > 0)?;
        let has_last_bit = values.iter().filter(|(bits, _)| bits >> drop & 1 == 1).count();
        let is_rounded = n_zeros >= drop
            && n_samples >= MIN_SAMPLES
            && values.len() >= MIN_VALUES
            && 4 * has_last_bit >= values.len()
            && !is_of_whole_numbers(&values, fraction, drop);
        if !is_rounded {
            return None;
        }
        // in any order n²/N of a value would stand behind another
        let by_chance =
            values.iter().map(|&(_, n)| u128::from(n) * u128::from(n)).sum::<u128>() / u128::from(n_samples);
        let repeats = 4 * n_repeated > n_samples && u128::from(n_repeated) > 2 * by_chance;
        let atom = |at: usize| (values[at].0, 0, is_atom(&values, at, fraction, drop));
        let values = (0..values.len()).map(atom).collect();
        Some(Restorer { dtype, fraction, drop, repeats, last: (0, 0), values })
    }
}

impl Restorer {
    /// Bits of the mantissas that were kept.
    pub fn n_bits(&self) -> u32 {
        self.fraction - self.drop
    }

    /// Samples that `Comb` has seen, in their order.
    pub fn restore(&mut self, bytes: &mut [u8], big_endian: bool) {
        match self.dtype {
            Dtype::F32 => self.all::<u32>(bytes, big_endian),
            _ => self.all::<u64>(bytes, big_endian),
        }
    }

    fn all<W: Word>(&mut self, bytes: &mut [u8], big_endian: bool) {
        let mut words = Vec::with_capacity(bytes.len() / size_of::<W>());
        W::visit(bytes, big_endian, std::iter::repeat(()), |(), w| words.push(W::low(self.of(w.wide()))));
        W::fill(bytes, big_endian, words.into_iter());
    }

    fn of(&mut self, bits: u64) -> u64 {
        if !(self.repeats && bits == self.last.0) {
            self.last = (bits, self.moved(bits));
        }
        self.last.1
    }

    fn moved(&mut self, bits: u64) -> u64 {
        let Ok(at) = self.values.binary_search_by_key(&bits, |&(bits, ..)| bits) else { return bits };
        let (_, n_before, is_atom) = &mut self.values[at];
        if *is_atom {
            return bits;
        }
        *n_before += 1;
        // each value begins elsewhere, so that those that come once do not all go the same way
        let t = (bits >> self.drop ^ *n_before).wrapping_mul(GOLDEN);
        bits - (1 << (self.drop - 1)) + (t >> (64 - self.drop))
    }
}

/// Neither 0, nor subnormal, nor NaN, nor infinite.
fn is_ordinary(dtype: Dtype, bits: u64) -> bool {
    let exponent = match dtype {
        Dtype::F32 => 0xff << 23,
        _ => 0x7ff << 52,
    };
    bits & exponent != 0 && bits & exponent != exponent
}

fn merged(values: &[(u64, u64)], new: impl Iterator<Item = (u64, u64)>) -> Vec<(u64, u64)> {
    let mut all = Vec::with_capacity(values.len());
    let mut rest = values.iter().copied().peekable();
    for (bits, n) in new {
        while let Some(value) = rest.next_if(|(other, _)| *other < bits) {
            all.push(value);
        }
        let before = rest.next_if(|(other, _)| *other == bits).map_or(0, |(_, n)| n);
        all.push((bits, before + n));
    }
    all.extend(rest);
    all
}

/// Whether values that could have halves are whole numbers all the same: then they are numbers of something, and were never rounded.
fn is_of_whole_numbers(values: &[(u64, u64)], fraction: u32, drop: u32) -> bool {
    let bias = if fraction == 23 { 127 } else { 1023 };
    let exponent = |bits: u64| (bits >> fraction) as i64 % (2 * bias + 2) - bias;
    let could_have_halves = |bits: u64| exponent(bits) < i64::from(fraction - drop);
    let is_whole = |bits: u64| exponent(bits) >= 0 && bits << (64 - fraction) << exponent(bits) == 0;
    let mut such = values.iter().map(|&(bits, _)| bits).filter(|&bits| could_have_halves(bits)).peekable();
    such.peek().is_some() && such.all(is_whole)
}

/// Whether a value is far more frequent than those around it, of the same sign and power of two.
fn is_atom(values: &[(u64, u64)], at: usize, fraction: u32, drop: u32) -> bool {
    let (bits, n) = values[at];
    // samples on one side, and over how many places they lie
    let look = |others: &mut dyn Iterator<Item = &(u64, u64)>| {
        let (mut seen, mut n_places) = (0, 0);
        for &(other, n) in others.take_while(|(other, _)| other >> fraction == bits >> fraction) {
            (seen, n_places) = (seen + n, other.abs_diff(bits) >> drop);
            if seen >= AROUND {
                break;
            }
        }
        (seen, n_places)
    };
    let (below, above) = (look(&mut values[..at].iter().rev()), look(&mut values[at + 1..].iter()));
    let (n_around, n_places) = (below.0 + above.0, (below.1 + above.1).max(1));
    n > FEW && (n - FEW) * n_places > FAR_MORE * n_around
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::bytes_of;
    use crate::sample::{Rounding, shorten};
    use crate::synthetic::Lcg;

    fn rounded(samples: &[f32], n_bits: u32) -> Vec<u8> {
        let mut bytes = bytes_of(samples).to_vec();
        shorten(&mut bytes, Dtype::F32, cfg!(target_endian = "big"), n_bits, Rounding::Round);
        bytes
    }

    fn restored(bytes: &[u8], n_bits: Option<u32>) -> Option<Vec<u8>> {
        let big_endian = cfg!(target_endian = "big");
        let mut comb = Comb::new(Dtype::F32).unwrap();
        bytes.chunks(4 * 999).for_each(|part| comb.update(part, big_endian));
        let mut restorer = comb.restorer(n_bits)?;
        let mut out = bytes.to_vec();
        out.chunks_mut(4 * 777).for_each(|part| restorer.restore(part, big_endian));
        Some(out)
    }

    fn values(n: usize) -> Vec<f32> {
        let mut random = Lcg(5);
        let mut one = |i: usize| match i % 10 {
            0 => -1.0,
            1 => 0.0,
            2 => [f32::NAN, f32::INFINITY, -0.0, 1e-40][i / 10 % 4],
            3 => -3.0 - random.bits(24) as f32 / 3e6,
            _ => 5.0 + (random.bits(24) as f32 + random.bits(24) as f32) / 7e5,
        };
        (0..n).map(&mut one).collect()
    }

    #[test]
    fn what_is_restored_rounds_to_what_it_was_and_lies_all_over_the_interval() {
        for n_bits in [3, 7, 10] {
            let (values, drop) = (values(20_000), 23 - n_bits);
            let before = rounded(&values, n_bits);
            let after = restored(&before, None).unwrap();
            assert_eq!(restored(&before, Some(n_bits)).unwrap(), after, "{n_bits}");
            let mut again = after.clone();
            shorten(&mut again, Dtype::F32, cfg!(target_endian = "big"), n_bits, Rounding::Round);
            assert!(again == before, "{n_bits}");
            let (mut quarters, mut n_moved) = ([0i32; 4], 0);
            for (i, (a, b)) in before.as_chunks::<4>().0.iter().zip(after.as_chunks::<4>().0).enumerate() {
                let (a, b) = (u32::from_ne_bytes(*a), u32::from_ne_bytes(*b));
                assert!(i % 10 > 2 || a == b, "an atom or no ordinary sample moved");
                if i % 10 > 3 {
                    quarters[((b + (1 << (drop - 1)) - a) >> (drop - 2)) as usize] += 1;
                    n_moved += 1;
                }
            }
            assert!(quarters.iter().all(|&n| (n - n_moved / 4).abs() < n_moved / 40), "{quarters:?}");
        }
    }

    #[test]
    fn what_stands_there_again_and_again_is_equal_again_and_what_is_equal_by_chance_is_not() {
        let (once, pairs) = (values(9000), |values: &[f32]| values.iter().flat_map(|&v| [v, v]).collect::<Vec<f32>>());
        let n_equal = |bytes: &[u8]| bytes.as_chunks::<4>().0.windows(2).filter(|pair| pair[0] == pair[1]).count();
        let twice = restored(&rounded(&pairs(&once), 7), None).unwrap();
        assert!(twice.as_chunks::<8>().0.iter().all(|pair| pair[..4] == pair[4..]));
        let before = rounded(&once, 4);
        // a fortieth is 0 beside a subnormal that became 0, which stay
        assert!(n_equal(&before) > 300 && n_equal(&restored(&before, None).unwrap()) == once.len() / 40);
    }

    #[test]
    fn what_was_not_rounded_or_are_numbers_of_something_stays() {
        let whole: Vec<f32> = (0..3000).map(|i| (i * 7 % 2000) as f32).collect();
        assert!(restored(&rounded(&whole, 10), None).is_none());
        assert!(restored(bytes_of(&values(5000)), None).is_none());
        assert!(restored(&rounded(&values(5000), 10), Some(7)).is_none());
        assert!(restored(&rounded(&values(70), 10), None).is_none());
        assert!(restored(bytes_of(&[2.0f32; 900]), None).is_none());
        assert!(restored(&[], None).is_none());
        assert!(Comb::new(Dtype::U16).is_none());
    }
}
