//! bin(x) = ⌊(x − from) / width⌋          F, G = shares of the samples up to the end of a bin, before and after
//!
//! ```text
//! KS = max |F − G|        W₁ = width · Σ |F − G|        KL = Σ p · log₂(p / q)        JS = ½ KL(p, m) + ½ KL(q, m),  m = (p + q) / 2
//! ```
//!
//! Up to 2¹⁶ bins over all samples of both. Of integers a bin is a whole number of values, one where they span no more than 2¹⁶, and
//! then KS and W₁ are exact. KL is of 256 bins, p and q shares of counts to which half a sample is added, so that it is finite. JS is of
//! the same bins without that, and at most 1.

const MAX_BINS: usize = 1 << 16;
const DIVERGENCE_BINS: usize = 256;
/// Odd: a bin in the middle for what did not change.
const RESIDUAL_BINS: usize = 101;
/// The width of bins in the narrowest range: below it floats are too coarse to divide by.
const MIN_WIDTH: f64 = f64::MIN_POSITIVE / 262_144.0;

/// Counts of numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    pub from: f64,
    pub width: f64,
    pub counts: Vec<u64>,
}

/// How far two distributions are from each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Distances {
    /// Divergence of what came out from what was there, in bits.
    pub kl: f64,
    /// Jensen–Shannon divergence, in bits.
    pub js: f64,
    /// In the unit of the samples.
    pub wasserstein: f64,
    pub ks: f64,
}

impl Histogram {
    /// For samples between two ends.
    pub fn of_samples((min, max): (f64, f64), is_whole: bool) -> Histogram {
        let (width, n) = if is_whole {
            let width = ((max - min + 1.0) / MAX_BINS as f64).ceil().max(1.0);
            (width, ((max - min) / width).floor() + 1.0)
        } else if max > min {
            // the range itself may be no float
            ((max / MAX_BINS as f64 - min / MAX_BINS as f64).max(MIN_WIDTH), MAX_BINS as f64)
        } else {
            (1.0, 1.0)
        };
        Histogram { from: min, width, counts: vec![0; (n as usize).clamp(1, MAX_BINS)] }
    }

    /// For differences up to `largest` either way; 0 lies in the middle of a bin.
    pub fn of_residuals(largest: f64, is_whole: bool) -> Histogram {
        Histogram::symmetric(RESIDUAL_BINS, largest, is_whole)
    }

    /// The same in at most so many bins, an odd number.
    pub fn symmetric(n: usize, largest: f64, is_whole: bool) -> Histogram {
        if largest == 0.0 {
            return Histogram { from: -0.5, width: 1.0, counts: vec![0] };
        }
        let n = n as f64;
        let (half, n) = match is_whole {
            true => (largest + 0.5, n.min(2.0 * largest + 1.0)),
            false => (largest, n),
        };
        Histogram { from: -half, width: (half / n * 2.0).max(MIN_WIDTH), counts: vec![0; n as usize] }
    }

    /// What lies beyond the ends counts to the last bins.
    pub fn bin(&self, x: f64) -> usize {
        let off = x - self.from;
        // the difference itself may be no float
        let nth = if off.is_finite() { off / self.width } else { (0.5 * x - 0.5 * self.from) / (0.5 * self.width) };
        (nth as usize).min(self.counts.len() - 1)
    }

    pub fn add(&mut self, x: f64) {
        let bin = self.bin(x);
        self.counts[bin] += 1;
    }

    pub fn merge(&mut self, other: &Histogram) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
    }

    pub fn n(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Where a bin begins.
    pub fn edge(&self, bin: usize) -> f64 {
        let up = bin as f64 * self.width;
        if up.is_finite() { self.from + up } else { 2.0 * (0.5 * self.from + 0.5 * bin as f64 * self.width) }
    }

    /// The first bin above the threshold that parts the samples with the largest variance between the parts; of several, as across
    /// empty bins, the one in the middle. None where all lie in one bin.
    pub fn threshold(&self) -> Option<usize> {
        let n = self.n() as f64;
        let weighted = |(i, count): (usize, &u64)| i as f64 * *count as f64;
        let mean = self.counts.iter().enumerate().map(weighted).sum::<f64>() / n;
        let (mut below, mut sum) = (0u64, 0.0);
        let (mut best, mut first, mut last) = (0.0, 0, 0);
        for (i, count) in self.counts.iter().enumerate() {
            below += count;
            sum += weighted((i, count));
            let share = below as f64 / n;
            let off = mean * share - sum / n;
            let variance = off * off / (share * (1.0 - share));
            if variance > best {
                (best, first, last) = (variance, i, i);
            } else if variance == best && best > 0.0 && last + 1 == i {
                last = i;
            }
        }
        (best > 0.0).then_some((first + last) / 2 + 1)
    }

    fn merged(&self, n_bins: usize) -> Vec<u64> {
        let n = self.counts.len();
        let mut merged = vec![0; n.min(n_bins)];
        let n_merged = merged.len();
        self.counts.iter().enumerate().for_each(|(i, count)| merged[i * n_merged / n] += count);
        merged
    }
}

impl Distances {
    /// Of two histograms of the same bins; None where there is nothing in them.
    pub fn between(before: &Histogram, after: &Histogram) -> Option<Distances> {
        let n = before.n();
        if n == 0 {
            return None;
        }
        let (mut f, mut g, mut sum, mut ks) = (0u64, 0u64, 0u128, 0u64);
        for (a, b) in before.counts.iter().zip(&after.counts) {
            (f, g) = (f + a, g + b);
            ks = ks.max(f.abs_diff(g));
            sum += u128::from(f.abs_diff(g));
        }
        let (p, q) = (before.merged(DIVERGENCE_BINS), after.merged(DIVERGENCE_BINS));
        let all = n as f64 + 0.5 * p.len() as f64;
        let terms = p.iter().zip(&q).filter(|(p, q)| p != q).map(|(&p, &q)| {
            let (p, q) = (p as f64 + 0.5, q as f64 + 0.5);
            p / all * (p / q).log2()
        });
        let half = |p: u64, sum: u64| if p == 0 { 0.0 } else { p as f64 * (2.0 * p as f64 / sum as f64).log2() };
        let halves = p.iter().zip(&q).filter(|(p, q)| p != q).map(|(&p, &q)| half(p, p + q) + half(q, p + q));
        let js = (halves.sum::<f64>() / (2.0 * n as f64)).clamp(0.0, 1.0);
        let wasserstein = (before.width * (sum as f64 / n as f64)).min(f64::MAX);
        Some(Distances { kl: terms.sum::<f64>().max(0.0), js, wasserstein, ks: ks as f64 / n as f64 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], ends: (f64, f64), is_whole: bool) -> Histogram {
        let mut histogram = Histogram::of_samples(ends, is_whole);
        values.iter().for_each(|x| histogram.add(*x));
        histogram
    }

    #[test]
    fn a_shift_is_as_far_as_it_is_wide_and_disjoint_sets_are_wholly_apart() {
        let before: Vec<f64> = (0..1000).map(f64::from).collect();
        let after: Vec<f64> = before.iter().map(|x| x + 7.0).collect();
        let ends = (0.0, 1006.0);
        let d = Distances::between(&of(&before, ends, true), &of(&after, ends, true)).unwrap();
        assert_eq!((d.wasserstein, d.ks), (7.0, 0.007));
        let d = Distances::between(&of(&[1.0, 2.0], (1.0, 9.0), true), &of(&[8.0, 9.0], (1.0, 9.0), true)).unwrap();
        assert_eq!((d.wasserstein, d.ks, d.js), (7.0, 1.0, 1.0));
        let same = of(&before, ends, true);
        assert_eq!(Distances::between(&same, &same), Some(Distances { kl: 0.0, js: 0.0, wasserstein: 0.0, ks: 0.0 }));
        assert_eq!(Distances::between(&of(&[], ends, true), &of(&[], ends, true)), None);
    }

    #[test]
    fn the_divergence_is_that_of_the_shares() {
        // three of four in the first bin before, one after: p = 3½/5, q = 1½/5
        let (p, q) = (of(&[0.0, 0.0, 0.0, 1.0], (0.0, 1.0), true), of(&[0.0, 1.0, 1.0, 1.0], (0.0, 1.0), true));
        let kl = 0.7 * (7f64 / 3.0).log2() + 0.3 * (3f64 / 7.0).log2();
        // two roundings apart
        let d = Distances::between(&p, &q).unwrap();
        assert!((d.kl - kl).abs() < 1e-15);
        // ¾ and ¼ against ½ and ½, either way
        let js = 0.75 * 1.5f64.log2() + 0.25 * 0.5f64.log2();
        assert!((d.js - js).abs() < 1e-15);
    }

    #[test]
    fn bins_of_integers_are_whole_and_those_of_floats_reach_both_ends() {
        let bins = |ends, is_whole| {
            let h = Histogram::of_samples(ends, is_whole);
            (h.width, h.counts.len(), h.bin(ends.0), h.bin(ends.1))
        };
        assert_eq!(bins((-32768.0, 32767.0), true), (1.0, 65536, 0, 65535));
        assert_eq!(bins((0.0, 65536.0), true), (2.0, 32769, 0, 32768));
        assert_eq!(bins((0.25, 1.25), false), (1.0 / 65536.0, 65536, 0, 65535));
        assert_eq!(bins((5.0, 5.0), false), (1.0, 1, 0, 0));
        assert_eq!(bins((5.0, 5.0), true), (1.0, 1, 0, 0));
        assert_eq!(bins((-1e-320, 1e-320), false).2, 0);
        // a range that is no float
        assert_eq!(bins((-1.7e308, 1.7e308), false).3, 65535);
        let wide = Histogram::of_samples((-1.7e308, 1.7e308), false);
        assert_eq!([-0.8e308, 0.0, 0.8e308].map(|x| wide.bin(x)), [17347, 32768, 48188]);
        assert_eq!((wide.edge(32768), wide.edge(65536)), (0.0, 1.7e308));
    }

    #[test]
    fn residuals_of_nothing_lie_in_the_middle() {
        for (largest, is_whole, n) in
            [(0.0, true, 1), (2.0, true, 5), (50.0, true, 101), (51.0, true, 101), (0.3, false, 101)]
        {
            let h = Histogram::of_residuals(largest, is_whole);
            assert_eq!(
                (h.counts.len(), h.bin(0.0), h.bin(-largest), h.bin(largest)),
                (n, n / 2, 0, n - 1),
                "{largest}"
            );
        }
    }

    #[test]
    fn residuals_as_large_as_floats_are_lie_where_they_should() {
        let h = Histogram::of_residuals(1.7e308, false);
        assert_eq!([-1.7e308, -0.85e308, 0.0, 0.85e308, 1.7e308].map(|x| h.bin(x)), [0, 25, 50, 75, 100]);
        assert!(h.edge(0) == -1.7e308 && h.edge(101).is_finite());
    }

    #[test]
    fn a_threshold_stands_in_the_middle_between_two_values() {
        let two = of(&[10.0, 10.0, 10.0, 20.0], (10.0, 20.0), true);
        assert_eq!(two.edge(two.threshold().unwrap()), 15.0);
        // 0 0 0 1 | 6 7 7: by hand, between 1 and 6
        let more = of(&[0.0, 0.0, 0.0, 1.0, 6.0, 7.0, 7.0], (0.0, 7.0), true);
        assert_eq!(more.threshold(), Some(4));
        assert_eq!(of(&[3.0; 9], (3.0, 3.0), true).threshold(), None);
        assert_eq!(of(&[], (0.0, 9.0), true).threshold(), None);
    }
}
