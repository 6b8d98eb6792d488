//! A seeded generator, SplitMix64: the same draws on every machine.

#[derive(Clone, Debug, PartialEq)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// One stream for every row of numbers: what comes of it does not depend on what was drawn before.
    pub fn of(numbers: &[u64]) -> Random {
        numbers.iter().fold(Random(0), |random, &n| Random(Random(random.0 ^ n).next()))
    }

    /// What `new` makes the same generator of.
    pub fn state(&self) -> u64 {
        self.0
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// In 0..n.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.next()) * n as u128) >> 64) as usize
    }

    /// In 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// In low..high, each octave as likely as another.
    pub fn log_uniform(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.unit())
    }

    /// How many of events come of which `mean` are expected: exact where few are, a rounded normal elsewhere.
    pub fn poisson(&mut self, mean: f64) -> f64 {
        if mean > 30.0 {
            return (mean + mean.sqrt() * self.normal()).round().max(0.0);
        }
        let (mut n, mut left, floor) = (0.0, 1.0, (-mean).exp());
        loop {
            left *= self.unit();
            if left <= floor {
                return n;
            }
            n += 1.0;
        }
    }

    /// Of mean 0 and variance 1, by Box and Muller.
    pub fn normal(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.unit()).cos()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_numbers_have_streams_of_their_own() {
        let rows: [&[u64]; 6] = [&[], &[0], &[1], &[0, 1], &[1, 0], &[1, 1]];
        let first: Vec<usize> = rows.iter().map(|row| Random::of(row).below(1 << 30)).collect();
        for (i, a) in first.iter().enumerate() {
            assert!(first[..i].iter().all(|b| a != b), "{first:?}");
        }
    }

    #[test]
    fn normals_have_mean_0_and_variance_1() {
        let mut random = Random::new(5);
        let normals: Vec<f64> = (0..40_000).map(|_| random.normal()).collect();
        let mean = normals.iter().sum::<f64>() / 4e4;
        let variance = normals.iter().map(|x| x * x).sum::<f64>() / 4e4;
        // four standard deviations of either estimate
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
    }

    #[test]
    fn counts_have_the_mean_and_variance_of_poisson() {
        for mean in [0.3, 4.0, 29.0, 31.0, 900.0] {
            let mut random = Random::new(1);
            let counts: Vec<f64> = (0..20_000).map(|_| random.poisson(mean)).collect();
            let average = counts.iter().sum::<f64>() / 2e4;
            let variance = counts.iter().map(|c| (c - average).powi(2)).sum::<f64>() / 2e4;
            let error = 5.0 * (mean / 2e4).sqrt();
            assert!((average - mean).abs() < error, "{average} for {mean}");
            assert!((variance / mean - 1.0).abs() < 0.1, "{variance} for {mean}");
        }
    }
}
