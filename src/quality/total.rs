//! PSNR = −10 log₁₀(Σᵢ nᵢ · (RMSEᵢ / rangeᵢ)² / Σᵢ nᵢ)          over arrays i
//!
//! Of several arrays together: errors and windows of all samples alike; PSNR by errors as shares of each array's own range; of the
//! distributions and the thresholds the worst.

use super::Quality;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Total {
    pub n_arrays: u64,
    pub n_samples: u64,
    pub n_hidden: u64,
    pub n_hidden_changed: u64,
    pub n_lost: u64,
    pub n_changed: u64,
    pub n_measured: u64,
    pub largest: f64,
    sum: f64,
    sum_of_squares: f64,
    /// Of errors as shares of the range, and of how many samples.
    shares: (f64, u64),
    ssim: (f64, u64),
    /// The largest, and the smallest overlap.
    pub kl: Option<f64>,
    pub wasserstein: Option<f64>,
    pub ks: Option<f64>,
    pub moved: Option<f64>,
    pub overlap: Option<f64>,
}

impl Total {
    pub fn add(&mut self, q: &Quality) {
        self.n_arrays += 1;
        self.n_samples += q.n_samples;
        self.n_hidden += q.n_hidden;
        self.n_hidden_changed += q.n_hidden_changed;
        self.n_lost += q.n_lost;
        self.n_changed += q.n_changed;
        self.n_measured += q.n_measured;
        self.largest = self.largest.max(q.largest);
        self.sum += q.sum;
        self.sum_of_squares += q.sum_of_squares;
        if q.width() > 0.0 {
            let share = q.rmse() / q.width();
            self.shares = (self.shares.0 + share * share * q.n_measured as f64, self.shares.1 + q.n_measured);
        }
        self.ssim = (self.ssim.0 + q.ssim_sum, self.ssim.1 + q.n_windows);
        let most = |all: &mut Option<f64>, x: Option<f64>| *all = all.zip(x).map(|(a, b)| a.max(b)).or(*all).or(x);
        most(&mut self.kl, q.distances.map(|d| d.kl));
        most(&mut self.wasserstein, q.distances.map(|d| d.wasserstein));
        most(&mut self.ks, q.distances.map(|d| d.ks));
        most(&mut self.moved, q.segmentation.map(|s| s.moved()));
        let overlap = q.segmentation.map(|s| s.overlap());
        self.overlap = self.overlap.zip(overlap).map(|(a, b)| a.min(b)).or(self.overlap).or(overlap);
    }

    pub fn bias(&self) -> f64 {
        self.sum / self.n_measured.max(1) as f64
    }

    pub fn rmse(&self) -> f64 {
        (self.sum_of_squares / self.n_measured.max(1) as f64).sqrt()
    }

    pub fn psnr(&self) -> Option<f64> {
        (self.shares.1 > 0).then(|| -10.0 * (self.shares.0 / self.shares.1 as f64).log10())
    }

    pub fn ssim(&self) -> Option<f64> {
        (self.ssim.1 > 0).then(|| self.ssim.0 / self.ssim.1 as f64)
    }
}
