//! markers = values that say "no sample here": NaN, ±∞, and what is frequent, at an end, and further from the rest than it is wide
//!
//! ```text
//! marker v  ⇔  count(v) > n / 200,   v is the smallest or the largest,   |v − next| > the range of all others
//! ```
//!
//! One pass before a lossy map is made: 1e20 over land must neither blur nor stretch the range of the sea. Markers at one end
//! are taken off one by one, so that −999 is found behind 1e36.

use super::ieee::Ieee;
use super::order::{Kind, Order};
use super::word::Word;
use crate::array::Dtype;

/// More values are no markers but exceptions.
pub const MAX_MARKERS: usize = 6;
/// Distinct values that are kept at each end.
const N_ENDS: usize = 4;
/// Distinct NaN and infinities that are counted.
const MAX_SPECIALS: usize = 64;
const MIN_COUNT: u64 = 8;
const MIN_SHARE: u64 = 200;
/// Samples by the highest bits of their keys: where a few of them lie far outside, a map need not reach them.
const LOG2_BINS: u32 = 12;
/// What a lossy map must know of an array.
#[derive(Clone, Debug)]
pub struct Survey {
    dtype: Dtype,
    n_samples: u64,
    /// Distinct keys of finite samples and how often they came: the smallest rising, the largest falling.
    low: Vec<(u64, u64)>,
    high: Vec<(u64, u64)>,
    /// Bit patterns of NaN and infinities.
    specials: Vec<(u64, u64)>,
    bins: Vec<u64>,
    /// Bits of the smallest |x| above 0.
    least_magnitude: u64,
    has_negative: bool,
}

/// The smallest and the largest ordinary sample, as numbers.
pub type Ends = (f64, f64);

/// What of an array a lossy map has to reach.
#[derive(Clone, Debug, PartialEq)]
pub struct Surveyed {
    /// Bit patterns, the most frequent first.
    pub markers: Vec<u64>,
    /// Keys of the smallest and the largest ordinary sample; None where there is none.
    pub ends: Option<(u64, u64)>,
}

impl Survey {
    pub fn new(dtype: Dtype) -> Survey {
        Survey {
            dtype,
            n_samples: 0,
            low: Vec::new(),
            high: Vec::new(),
            specials: Vec::new(),
            bins: vec![0; 1 << LOG2_BINS],
            least_magnitude: u64::MAX,
            has_negative: false,
        }
    }

    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// `bytes` are whole samples.
    pub fn update(&mut self, bytes: &[u8], big_endian: bool) {
        match self.dtype.n_bytes() {
            1 => u8::visit(bytes, big_endian, std::iter::repeat(()), |(), w| self.one(w.wide())),
            2 => u16::visit(bytes, big_endian, std::iter::repeat(()), |(), w| self.one(w.wide())),
            4 => u32::visit(bytes, big_endian, std::iter::repeat(()), |(), w| self.one(w.wide())),
            _ => u64::visit(bytes, big_endian, std::iter::repeat(()), |(), w| self.one(w)),
        }
    }

    fn one(&mut self, bits: u64) {
        let order = Order::of(self.dtype);
        self.n_samples += 1;
        if let Some(ieee) = Ieee::of(self.dtype) {
            if !ieee.is_finite(bits) {
                return count(&mut self.specials, bits, 1);
            }
            let magnitude = ieee.magnitude(bits);
            if magnitude != 0 {
                self.least_magnitude = self.least_magnitude.min(magnitude);
                self.has_negative |= magnitude != bits;
            }
        }
        let key = order.key(bits);
        let bin = self.bin(key);
        self.bins[bin] += 1;
        insert(&mut self.low, key, 1, |a, b| a < b);
        insert(&mut self.high, key, 1, |a, b| a > b);
    }

    fn bin(&self, key: u64) -> usize {
        let n_bits = Order::of(self.dtype).n_bits;
        (if n_bits > LOG2_BINS { key >> (n_bits - LOG2_BINS) } else { key }) as usize
    }

    /// As if the other's samples had been seen here, after these.
    pub fn merge(&mut self, other: &Survey) {
        self.n_samples += other.n_samples;
        other.low.iter().for_each(|&(key, n)| insert(&mut self.low, key, n, |a, b| a < b));
        other.high.iter().for_each(|&(key, n)| insert(&mut self.high, key, n, |a, b| a > b));
        other.specials.iter().for_each(|&(bits, n)| count(&mut self.specials, bits, n));
        self.bins.iter_mut().zip(&other.bins).for_each(|(a, b)| *a += b);
        self.least_magnitude = self.least_magnitude.min(other.least_magnitude);
        self.has_negative |= other.has_negative;
    }

    /// The smallest |x| above 0, if there is one, and whether any sample is below 0.
    pub(super) fn magnitudes(&self) -> (Option<u64>, bool) {
        (Some(self.least_magnitude).filter(|m| *m != u64::MAX), self.has_negative)
    }

    /// A key as a number.
    pub(super) fn number(&self, key: u64) -> f64 {
        let order = Order::of(self.dtype);
        match (order.kind, self.dtype) {
            (Kind::Float, Dtype::F32) => f64::from(f32::from_bits(order.bits(key) as u32)),
            (Kind::Float, _) => f64::from_bits(order.bits(key)),
            _ => order.integer(key) as f64,
        }
    }

    pub fn range(&self) -> Option<Ends> {
        self.surveyed().ends.map(|(min, max)| (self.number(min), self.number(max)))
    }

    /// Of integers: the largest ordinary sample less the smallest.
    pub(super) fn span(&self) -> Option<u64> {
        let ends = self.surveyed().ends.filter(|_| Order::of(self.dtype).kind != Kind::Float);
        ends.map(|(min, max)| max - min)
    }

    /// Markers, and the ends of what is left.
    pub fn surveyed(&self) -> Surveyed {
        let order = Order::of(self.dtype);
        let (mut low, mut high) = (&self.low[..], &self.high[..]);
        let mut found: Vec<(u64, u64)> = self.specials.clone();
        // the end whose gap is wider is looked at first: it hides the other
        while let ([(min, n_min), (above, _), ..], [(max, n_max), (below, _), ..]) = (low, high)
            && min < max
        {
            let [lowest, next_low, next_high, highest] = [*min, *above, *below, *max].map(|key| self.number(key));
            let is_marker = |n: u64, gap: f64, rest: f64| {
                n >= MIN_COUNT && n > self.n_samples / MIN_SHARE && gap > rest && rest.is_finite()
            };
            if is_marker(*n_max, highest - next_high, next_high - lowest) {
                found.push((order.bits(*max), *n_max));
                high = &high[1..];
            } else if is_marker(*n_min, next_low - lowest, highest - next_low) {
                found.push((order.bits(*min), *n_min));
                low = &low[1..];
            } else {
                break;
            }
        }
        found.sort_by_key(|&(bits, n)| (u64::MAX - n, bits));
        found.truncate(MAX_MARKERS);
        let ends = low.first().zip(high.first()).map(|(min, max)| (min.0, max.0));
        Surveyed { markers: found.into_iter().map(|(bits, _)| bits).collect(), ends }
    }

    /// Ends between which all ordinary samples but one in so many lie: for where a few would stretch the range beyond what can be
    /// coded.
    pub(super) fn inner_ends(&self, (min, max): (u64, u64), one_in: u64) -> (u64, u64) {
        let mut allowed = self.n_samples / one_in;
        let (first, last) = (self.bin(min), self.bin(max));
        let (mut lo, mut hi) = (first, last);
        let n_low_bits = Order::of(self.dtype).n_bits.saturating_sub(LOG2_BINS);
        let begin = |bin: usize| ((bin as u64) << n_low_bits).max(min);
        let end = |bin: usize| ((bin as u64) << n_low_bits | ((1 << n_low_bits) - 1)).min(max);
        while lo < hi {
            let width = |from: u64, to: u64| self.number(to) - self.number(from);
            let low_first = width(begin(lo + 1), end(hi)) < width(begin(lo), end(hi - 1));
            let can_go = |at: usize| self.bins[at] <= allowed;
            match (can_go(lo), can_go(hi)) {
                (false, false) => break,
                (true, other) if low_first || !other => {
                    allowed -= self.bins[lo];
                    lo += 1;
                }
                _ => {
                    allowed -= self.bins[hi];
                    hi -= 1;
                }
            }
        }
        (begin(lo), end(hi))
    }
}

/// One more of a value among the few that are counted.
fn count(counts: &mut Vec<(u64, u64)>, value: u64, n: u64) {
    match counts.iter().position(|(v, _)| *v == value) {
        Some(i) => counts[i].1 += n,
        None if counts.len() < MAX_SPECIALS => counts.push((value, n)),
        None => {}
    }
}

/// Keeps the first few keys in an order. One that is there at the end was there since it came: its count is whole.
fn insert(ends: &mut Vec<(u64, u64)>, key: u64, n: u64, before: impl Fn(u64, u64) -> bool) {
    if ends.len() == N_ENDS && before(ends[N_ENDS - 1].0, key) {
        return;
    }
    match ends.iter().position(|(there, _)| !before(*there, key)) {
        Some(i) if ends[i].0 == key => ends[i].1 += n,
        Some(i) => ends.insert(i, (key, n)),
        None => ends.push((key, n)),
    }
    ends.truncate(N_ENDS);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn survey(values: &[f32]) -> Survey {
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let mut whole = Survey::new(Dtype::F32);
        whole.update(&bytes(values), false);
        for cut in [0, 1, values.len() / 2, values.len()].map(|cut| cut.min(values.len())) {
            let (mut a, mut b) = (Survey::new(Dtype::F32), Survey::new(Dtype::F32));
            a.update(&bytes(&values[..cut]), false);
            b.update(&bytes(&values[cut..]), false);
            a.merge(&b);
            assert_eq!(a.surveyed(), whole.surveyed());
        }
        whole
    }

    fn sea(n: usize) -> Vec<f32> {
        (0..n).map(|i| 270.0 + (i * 7919 % 300) as f32 * 0.1).collect()
    }

    #[test]
    fn fill_values_are_found_on_both_sides_and_behind_each_other() {
        let mut values = sea(1000);
        values.extend([1e20; 300]);
        values.extend([-999.0; 200]);
        values.extend([9.96921e36; 100]);
        values.extend([f32::NAN; 5]);
        let found = survey(&values).surveyed();
        let bits: Vec<u64> = [1e20f32, -999.0, 9.96921e36, f32::NAN].map(|v| u64::from(v.to_bits())).to_vec();
        assert_eq!(found.markers, bits);
        assert_eq!(survey(&values).range(), Some((270.0, f64::from(270.0 + 299.0 * 0.1f32))));
    }

    #[test]
    fn what_is_rare_or_near_or_inside_is_no_marker() {
        let mut rare = sea(4000);
        rare.extend([1e20; 7]);
        assert!(survey(&rare).surveyed().markers.is_empty());
        let mut near = sea(1000);
        near.extend([300.0 + 25.0; 300]);
        assert!(survey(&near).surveyed().markers.is_empty());
        let mut inside: Vec<f32> = (0..1000).map(|i| i as f32 - 500.0).collect();
        inside.extend([0.25; 300]);
        assert!(survey(&inside).surveyed().markers.is_empty());
        assert!(survey(&[5.0; 100]).surveyed().markers.is_empty());
        assert_eq!(survey(&[]).surveyed(), Surveyed { markers: vec![], ends: None });
    }

    #[test]
    fn a_few_wild_samples_lie_outside_of_the_inner_ends() {
        let mut values = sea(4096);
        values[7] = 3e30;
        values[9] = -2e25;
        let survey = survey(&values);
        let ends = survey.surveyed().ends.unwrap();
        let (lo, hi) = survey.inner_ends(ends, 1024);
        assert!(survey.number(lo) > 200.0 && survey.number(hi) < 400.0);
        assert_eq!(survey.number(ends.1), f64::from(3e30f32));
    }

    #[test]
    fn integers_have_markers_too() {
        let mut survey = Survey::new(Dtype::I16);
        let samples = (0..1000i16).map(|i| i % 90).chain([-32768; 100]);
        survey.update(&samples.flat_map(i16::to_be_bytes).collect::<Vec<u8>>(), true);
        assert_eq!(survey.surveyed().markers, [0x8000]);
        assert_eq!(survey.range(), Some((0.0, 89.0)));
    }
}
