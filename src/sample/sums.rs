//! Σ d²,  Σ d        of any floats, even where d² or the sum is none
//!
//! The same sum at two or three scales; it is read at the one where it is a float. Powers of two are exact, and at the middle scale,
//! where it is all but always read, it is the plain sum.

use super::octave::power;

/// Scales lie so many octaves apart: squares at one are floats where those at the next are none.
const OCTAVES: i32 = 600;

/// The power of two in whose unit the squares of numbers up to a size, and of those far below it, are floats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Small,
    Middle,
    Large,
}

impl Unit {
    /// Of errors in something that is so wide.
    pub fn of(width: f64) -> Unit {
        if width < power(-400) {
            Unit::Small
        } else if width > power(400) {
            Unit::Large
        } else {
            Unit::Middle
        }
    }

    fn log2(self) -> i32 {
        match self {
            Unit::Small => -OCTAVES,
            Unit::Middle => 0,
            Unit::Large => OCTAVES,
        }
    }

    /// x in this unit.
    pub fn share(self, x: f64) -> f64 {
        x * power(-self.log2())
    }

    /// The inverse; the largest float for what is beyond it.
    pub fn times(self, x: f64) -> f64 {
        (x * power(self.log2())).min(f64::MAX)
    }
}

/// Σ w · d²
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Squares {
    small: f64,
    middle: f64,
    large: f64,
}

impl Squares {
    pub fn add(&mut self, d: f64) {
        self.add_times(d, 1.0);
    }

    pub fn add_times(&mut self, d: f64, weight: f64) {
        let square = |unit: Unit| unit.share(d) * unit.share(d) * weight;
        self.merge(&Squares { small: square(Unit::Small), middle: square(Unit::Middle), large: square(Unit::Large) });
    }

    pub fn merge(&mut self, other: &Squares) {
        self.small += other.small;
        self.middle += other.middle;
        self.large += other.large;
    }

    pub fn is_zero(&self) -> bool {
        self.small == 0.0
    }

    /// In the square of a unit.
    pub fn in_unit(&self, unit: Unit) -> f64 {
        match unit {
            Unit::Small => self.small,
            Unit::Middle => self.middle,
            Unit::Large => self.large,
        }
    }

    /// Where it is a float, and nothing of it was lost below the smallest.
    fn unit(&self) -> Unit {
        if self.middle < power(-900) {
            Unit::Small
        } else if self.middle.is_finite() {
            Unit::Middle
        } else {
            Unit::Large
        }
    }

    /// √(Σd² / n)
    pub fn root_mean(&self, n: u64) -> f64 {
        let unit = self.unit();
        unit.times((self.in_unit(unit) / n.max(1) as f64).sqrt())
    }

    /// Σd² / n as (number, e): the number times 2^e.
    pub fn mean(&self, n: u64) -> (f64, i32) {
        let unit = self.unit();
        (self.in_unit(unit) / n.max(1) as f64, 2 * unit.log2())
    }
}

/// Σ d
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    middle: f64,
    large: f64,
}

impl Sum {
    pub fn add(&mut self, d: f64) {
        self.merge(&Sum { middle: d, large: Unit::Large.share(d) });
    }

    pub fn merge(&mut self, other: &Sum) {
        self.middle += other.middle;
        self.large += other.large;
    }

    pub fn mean(&self, n: u64) -> f64 {
        let n = n.max(1) as f64;
        if self.middle.is_finite() { self.middle / n } else { self.large / n * power(OCTAVES) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(values: &[f64]) -> Squares {
        let mut all = Squares::default();
        values.iter().for_each(|d| all.add(*d));
        all
    }

    #[test]
    fn ordinary_sums_are_the_plain_ones() {
        let values: Vec<f64> = (1..2000).map(|i| (i * 7919 % 4001) as f64 * 0.37 - 600.0).collect();
        let n = values.len() as u64;
        let plain = values.iter().fold(0.0, |sum, d| sum + d * d);
        let all = squares(&values);
        assert_eq!((all.in_unit(Unit::Middle), all.root_mean(n)), (plain, (plain / n as f64).sqrt()));
        assert_eq!(all.mean(n), (plain / n as f64, 0));
        let mut sum = Sum::default();
        values.iter().for_each(|d| sum.add(*d));
        assert_eq!(sum.mean(n), values.iter().sum::<f64>() / n as f64);
    }

    #[test]
    fn numbers_whose_squares_are_no_floats_have_a_root_mean_square() {
        for e in [-1000, -700, -520, -460, -449, -401, 0, 399, 480, 511, 700, 1000] {
            let scale = power(e);
            // 3² + 4² + 0² + 5² = 50
            let all = squares(&[3.0 * scale, -4.0 * scale, 0.0, 5.0 * scale]);
            assert_eq!(all.root_mean(2), 5.0 * scale, "2^{e}");
            let (mean, octaves) = all.mean(2);
            assert_eq!((mean.sqrt(), octaves % 1200), (5.0 * power(e - octaves / 2), 0), "2^{e}");
            assert!(!all.is_zero());
            assert_eq!(
                all.in_unit(Unit::of(scale)),
                50.0 * Unit::of(scale).share(scale) * Unit::of(scale).share(scale)
            );
        }
        let least = f64::from_bits(1);
        assert_eq!((squares(&[least; 9]).root_mean(9), squares(&[f64::MAX; 9]).root_mean(9)), (least, f64::MAX));
        assert!(squares(&[0.0, -0.0]).is_zero() && !squares(&[least]).is_zero());
    }

    #[test]
    fn a_sum_beyond_the_largest_float_has_a_mean() {
        let mut sum = Sum::default();
        [f64::MAX, f64::MAX, -f64::MAX, f64::MAX].iter().for_each(|d| sum.add(*d));
        assert_eq!(sum.mean(4), f64::MAX / 2.0);
    }
}
