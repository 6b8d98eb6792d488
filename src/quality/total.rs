//! PSNR = −10 log₁₀(Σᵢ nᵢ · (RMSEᵢ / rangeᵢ)² / Σᵢ nᵢ)          over arrays i
//!
//! Of several arrays together: errors and windows of all samples alike; PSNR by errors as shares of each array's own range; of the
//! distributions and the thresholds the worst.

use super::Quality;
use crate::sample::{Squares, Sum};
use std::f64::consts::LOG10_2;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    pub n_arrays: u64,
    pub n_samples: u64,
    pub n_masked: u64,
    pub n_masked_changed: u64,
    pub n_lost: u64,
    pub n_changed: u64,
    pub n_measured: u64,
    pub largest: f64,
    /// As a share of the range of its array.
    pub largest_share: f64,
    sum: Sum,
    squares: Squares,
    /// Of errors as shares of the range, and of how many samples.
    shares: (Squares, u64),
    ssim: (f64, u64),
    /// The largest, and the smallest overlap.
    pub kl: Option<f64>,
    pub js: Option<f64>,
    pub mmd: Option<f64>,
    pub auc: Option<f64>,
    /// Of stars: 95 of 100 in the worst array, and the worst of all.
    pub flux: [Option<f64>; 2],
    pub shift: [Option<f64>; 2],
    pub wasserstein: Option<f64>,
    pub ks: Option<f64>,
    pub moved: Option<f64>,
    pub overlap: Option<f64>,
}

fn most(all: &mut Option<f64>, x: Option<f64>) {
    *all = all.zip(x).map(|(a, b)| a.max(b)).or(*all).or(x);
}

fn least(all: Option<f64>, x: Option<f64>) -> Option<f64> {
    all.zip(x).map(|(a, b)| a.min(b)).or(all).or(x)
}

impl Total {
    pub fn add(&mut self, q: &Quality) {
        self.n_arrays += 1;
        self.n_samples += q.n_samples;
        self.n_masked += q.n_masked;
        self.n_masked_changed += q.n_masked_changed;
        self.n_lost += q.n_lost;
        self.n_changed += q.n_changed;
        self.n_measured += q.n_measured;
        self.largest = self.largest.max(q.largest);
        let share = q.largest / q.width();
        self.largest_share = self.largest_share.max(if share.is_finite() { share } else { 0.0 });
        self.sum.merge(&q.sum);
        self.squares.merge(&q.squares);
        if let Some(share) = q.share() {
            self.shares.0.add_times(share, q.n_measured as f64);
            self.shares.1 += q.n_measured;
        }
        self.ssim = (self.ssim.0 + q.ssim_sum, self.ssim.1 + q.n_windows);
        most(&mut self.kl, q.distances.map(|d| d.kl));
        most(&mut self.js, q.distances.map(|d| d.js));
        most(&mut self.mmd, q.mmd);
        most(&mut self.auc, q.auc);
        for (of, all) in [(q.stars.map(|s| s.flux), &mut self.flux), (q.stars.map(|s| s.shift), &mut self.shift)] {
            most(&mut all[0], of.map(|spread| spread.p95));
            most(&mut all[1], of.map(|spread| spread.largest));
        }
        most(&mut self.wasserstein, q.distances.map(|d| d.wasserstein));
        most(&mut self.ks, q.distances.map(|d| d.ks));
        most(&mut self.moved, q.segmentation.map(|s| s.moved()));
        let overlap = q.segmentation.map(|s| s.overlap());
        self.overlap = least(self.overlap, overlap);
    }

    /// As if the arrays of the other had come after these.
    pub fn merge(&mut self, other: &Total) {
        self.n_arrays += other.n_arrays;
        self.n_samples += other.n_samples;
        self.n_masked += other.n_masked;
        self.n_masked_changed += other.n_masked_changed;
        self.n_lost += other.n_lost;
        self.n_changed += other.n_changed;
        self.n_measured += other.n_measured;
        self.largest = self.largest.max(other.largest);
        self.largest_share = self.largest_share.max(other.largest_share);
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
        self.shares.0.merge(&other.shares.0);
        self.shares.1 += other.shares.1;
        self.ssim = (self.ssim.0 + other.ssim.0, self.ssim.1 + other.ssim.1);
        for (all, x) in [
            (&mut self.kl, other.kl),
            (&mut self.js, other.js),
            (&mut self.mmd, other.mmd),
            (&mut self.auc, other.auc),
            (&mut self.wasserstein, other.wasserstein),
            (&mut self.ks, other.ks),
            (&mut self.moved, other.moved),
        ] {
            most(all, x);
        }
        self.flux.iter_mut().zip(other.flux).for_each(|(all, x)| most(all, x));
        self.shift.iter_mut().zip(other.shift).for_each(|(all, x)| most(all, x));
        self.overlap = least(self.overlap, other.overlap);
    }

    pub fn bias(&self) -> f64 {
        self.sum.mean(self.n_measured)
    }

    pub fn rmse(&self) -> f64 {
        self.squares.root_mean(self.n_measured)
    }

    pub fn psnr(&self) -> Option<f64> {
        let (mean, octaves) = self.shares.0.mean(self.shares.1);
        (self.shares.1 > 0).then(|| -10.0 * (mean.log10() + f64::from(octaves) * LOG10_2))
    }

    pub fn ssim(&self) -> Option<f64> {
        (self.ssim.1 > 0).then(|| self.ssim.0 / self.ssim.1 as f64)
    }
}
