//! values ⊂ { min, min + step, …, max },   step = gcd of |value − first| over all values
//!
//! The gcd of the differences to any one value is the gcd of all differences, so ranges merge in any order.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    pub min: u64,
    pub max: u64,
    pub steps: Steps,
}

impl Range {
    pub fn at(value: u64) -> Range {
        Range { min: value, max: value, steps: Steps { first: value, gcd: 0 } }
    }

    pub fn is_point(&self) -> bool {
        self.min == self.max
    }

    /// The largest quotient (value − min) / step.
    pub fn quotient(&self) -> u64 {
        (self.max - self.min) / self.step()
    }

    pub fn step(&self) -> u64 {
        self.steps.gcd.max(1)
    }

    pub fn widen(&mut self, values: &[u64]) {
        let (mut min, mut max) = (self.min, self.max);
        for &v in values {
            min = min.min(v);
            max = max.max(v);
        }
        (self.min, self.max) = (min, max);
        self.steps.refine(values);
    }

    pub fn merge(&mut self, other: &Range) {
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.steps.merge(&other.steps);
    }
}

/// Widens what may still be empty.
pub fn widen(range: &mut Option<Range>, values: &[u64]) {
    if let Some(&first) = values.first() {
        range.get_or_insert(Range::at(first)).widen(values);
    }
}

pub fn merged(a: Option<Range>, b: Option<Range>) -> Option<Range> {
    match (a, b) {
        (Some(mut a), Some(b)) => {
            a.merge(&b);
            Some(a)
        }
        (a, b) => a.or(b),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    pub first: u64,
    /// 0 while all values are the same.
    pub gcd: u64,
}

impl Steps {
    pub fn refine(&mut self, values: &[u64]) {
        let mut rest = values;
        while self.gcd != 1 {
            let Some(i) = self.first_misfit(rest) else { return };
            self.gcd = gcd(self.gcd, rest[i].abs_diff(self.first));
            rest = &rest[i + 1..];
        }
    }

    /// g divides d  ⇔  rotate(d · odd(g)⁻¹, log2 even(g)) ≤ max / g: a multiplication instead of a division per value.
    fn first_misfit(&self, values: &[u64]) -> Option<usize> {
        if self.gcd == 0 {
            return values.iter().position(|&v| v != self.first);
        }
        let exact = Exact::new(self.gcd);
        let limit = u64::MAX / self.gcd;
        let quotient = |v: u64| v.abs_diff(self.first).wrapping_mul(exact.inverse).rotate_right(exact.shift);
        values.iter().position(|&v| quotient(v) > limit)
    }

    pub fn merge(&mut self, other: &Steps) {
        self.gcd = gcd(gcd(self.gcd, other.gcd), self.first.abs_diff(other.first));
    }
}

fn gcd(mut a: u64, mut b: u64) -> u64 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

/// Division without remainder by a constant:   d / step = (d >> shift) · inverse   modulo 2^64, and modulo any smaller word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exact {
    pub shift: u32,
    pub inverse: u64,
}

impl Exact {
    /// `step` is not 0.
    pub fn new(step: u64) -> Exact {
        let shift = step.trailing_zeros();
        let odd = step >> shift;
        // Newton's iteration doubles the correct low bits: 3, 6, 12, 24, 48, 96.
        let mut inverse = odd;
        for _ in 0..5 {
            inverse = inverse.wrapping_mul(2u64.wrapping_sub(odd.wrapping_mul(inverse)));
        }
        Exact { shift, inverse }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_division_divides() {
        for step in [1u64, 2, 3, 5, 16, 48, 1000, 65535, (1 << 32) + 6, u64::MAX] {
            let exact = Exact::new(step);
            for q in [0, 1, 2, 77, u64::MAX / step] {
                assert_eq!(((q * step) >> exact.shift).wrapping_mul(exact.inverse), q, "{q} × {step}");
            }
        }
    }

    #[test]
    fn the_step_is_the_gcd_of_all_differences() {
        for (values, step) in [
            (vec![7u64, 7, 7], 1),
            (vec![7, 7 + 48, 7 + 32, 7], 16),
            (vec![100, 40, 10], 30),
            (vec![0, u64::MAX], u64::MAX),
            (vec![5, 5 + 12, 5 + 18, 6], 1),
        ] {
            let mut whole = None;
            widen(&mut whole, &values);
            assert_eq!(whole.unwrap().step(), step, "{values:?}");
            for cut in 0..=values.len() {
                let (mut a, mut b) = (None, None);
                widen(&mut a, &values[..cut]);
                widen(&mut b, &values[cut..]);
                assert_eq!(merged(b, a).map(|r| (r.min, r.max, r.step())), whole.map(|r| (r.min, r.max, r.step())));
            }
        }
    }
}
