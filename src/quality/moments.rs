//! skewness = √n · M₃ / M₂^1.5          kurtosis = n · M₄ / M₂² − 3          Mₖ = Σ (x − mean)ᵏ
//!
//! The shape of a distribution: 0 and 0 of a normal one. Each tile is summed around its own mean and tiles are merged by the formulas of
//! Pébay (2008), in the order of the array: of sums of powers of x nothing would be left where a peak is narrow and its tails are long.

/// Of some numbers: how many, their mean, and the sums of powers of what they are off it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moments {
    n: f64,
    mean: f64,
    sums: [f64; 3],
}

impl Moments {
    pub fn of(numbers: &[f64]) -> Moments {
        let n = numbers.len() as f64;
        if numbers.is_empty() {
            return Moments::default();
        }
        let mean = numbers.iter().sum::<f64>() / n;
        let mut sums = [0.0; 3];
        for x in numbers {
            let d = x - mean;
            let square = d * d;
            sums[0] += square;
            sums[1] += square * d;
            sums[2] += square * square;
        }
        Moments { n, mean, sums }
    }

    pub fn merge(&mut self, other: &Moments) {
        if self.n == 0.0 || other.n == 0.0 {
            *self = if self.n == 0.0 { *other } else { *self };
            return;
        }
        let (a, b, n) = (self.n, other.n, self.n + other.n);
        let ([a2, a3, a4], [b2, b3, b4]) = (self.sums, other.sums);
        let d = other.mean - self.mean;
        let (share, square) = (a * b / n, d * d);
        let second = a2 + b2 + square * share;
        let third = a3 + b3 + square * d * share * (a - b) / n + 3.0 * d * (a * b2 - b * a2) / n;
        let fourth = a4
            + b4
            + square * square * share * (a * a - a * b + b * b) / (n * n)
            + 6.0 * square * (a * a * b2 + b * b * a2) / (n * n)
            + 4.0 * d * (a * b3 - b * a3) / n;
        *self = Moments { n, mean: self.mean + d * b / n, sums: [second, third, fourth] };
    }

    /// None where all numbers are the same.
    pub fn skewness(&self) -> Option<f64> {
        let [second, third, _] = self.sums;
        Some(self.n.sqrt() * third / (second * second.sqrt())).filter(|x| x.is_finite())
    }

    /// What it has more than a normal distribution.
    pub fn kurtosis(&self) -> Option<f64> {
        let [second, _, fourth] = self.sums;
        Some(self.n * fourth / (second * second) - 3.0).filter(|x| x.is_finite())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_are_known_by_hand() {
        // ¾ at 0, ¼ at 4: mean 1, M₂ = 3n, M₃ = 6n, M₄ = 21n
        let of = Moments::of(&[0.0, 0.0, 4.0, 0.0]);
        let close = |x: Option<f64>, y: f64| assert!((x.unwrap() - y).abs() < 1e-14, "{x:?} is not {y}");
        close(of.skewness(), 2.0 / 3f64.sqrt());
        close(of.kurtosis(), 21.0 / 9.0 - 3.0);
        assert_eq!(Moments::of(&[7.0; 9]).skewness(), None);
        assert_eq!((Moments::default().skewness(), Moments::default().kurtosis()), (None, None));
    }

    #[test]
    fn parts_merge_to_the_whole() {
        let numbers: Vec<f64> = (0..3000).map(|i| 5.0 + 1e-4 * ((i * 7919) % 3001) as f64 / 3001.0).collect();
        let mut numbers = numbers;
        numbers[17] = 6.0;
        let whole = Moments::of(&numbers);
        for cut in [1, 1000, 2999] {
            let mut parts = Moments::of(&numbers[..cut]);
            parts.merge(&Moments::default());
            parts.merge(&Moments::of(&numbers[cut..]));
            for (a, b) in [(parts.skewness(), whole.skewness()), (parts.kurtosis(), whole.kurtosis())] {
                // the tail has all of it, and sums in another order differ in the last digits
                assert!((a.unwrap() / b.unwrap() - 1.0).abs() < 1e-9, "{a:?} {b:?}");
            }
        }
    }
}
