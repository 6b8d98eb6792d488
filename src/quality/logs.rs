//! bin(x) = ⌊n · ln(x / least) / ln(most / least)⌋

use crate::sample::Ends;

/// Counts of numbers above 0, in bins whose ends are a fixed ratio apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Logs {
    /// One more than there are bins, rising.
    pub edges: Vec<f64>,
    pub counts: Vec<u64>,
    /// What is smaller than the first bin.
    pub n_below: u64,
}

impl Logs {
    pub fn new((least, most): Ends, n: usize) -> Logs {
        let edge = |i: usize| least * (most / least).powf(i as f64 / n as f64);
        Logs { edges: (0..=n).map(edge).collect(), counts: vec![0; n], n_below: 0 }
    }

    /// What is larger than the last bin counts to it.
    pub fn add(&mut self, x: f64) {
        match self.edges.partition_point(|edge| *edge <= x) {
            0 => self.n_below += 1,
            i => self.counts[(i - 1).min(self.edges.len() - 2)] += 1,
        }
    }

    pub fn merge(&mut self, other: &Logs) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(a, b)| *a += b);
        self.n_below += other.n_below;
    }

    pub fn n(&self) -> u64 {
        self.n_below + self.counts.iter().sum::<u64>()
    }

    /// The end of the bin that a share of the numbers does not exceed; None where that is smaller than the first.
    pub fn quantile(&self, share: f64) -> Option<f64> {
        let mut seen = self.n_below;
        let wanted = (share * self.n() as f64).ceil() as u64;
        if seen >= wanted {
            return None;
        }
        let bin = self.counts.iter().position(|count| {
            seen += count;
            seen >= wanted
        });
        bin.map(|bin| self.edges[bin + 1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_have_bins_up_to_their_ends_and_quantiles() {
        let mut logs = Logs::new((1.0, 1000.0), 3);
        [0.0, 0.5, 1.0, 9.0, 10.5, 999.0, 1e9].iter().for_each(|x| logs.add(*x));
        assert_eq!((logs.n_below, logs.counts.as_slice(), logs.n()), (2, &[2, 1, 2][..], 7));
        assert_eq!(logs.quantile(0.2), None);
        assert!((logs.quantile(0.5).unwrap() - 10.0).abs() < 1e-9 && (logs.quantile(1.0).unwrap() - 1e3).abs() < 1e-9);
    }
}
