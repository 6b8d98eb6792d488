//! Float samples as integers:   v = k · 2^exponent,   |k| < 2^precision,   k ≡ k₀ modulo gcd
//!
//! The exponent is that of the lowest bit set in any sample. It only falls and the largest sample only grows, so an array that
//! has once too many bits between the two has them for good: giving up does not depend on the order of the samples.

use super::ieee::Ieee;
use super::range::Steps;

#[derive(Clone, Copy, Debug)]
pub struct Scaled {
    ieee: Ieee,
    pub exponent: i32,
    /// Bits of the largest |v|.
    largest: u64,
    /// Bits of any one sample.
    first: Option<u64>,
    /// Of the differences of all k to that of the first, in units of 2^exponent.
    gcd: u64,
}

/// Multiples as keys: k with its sign bit flipped compares as an unsigned number.
pub fn multiple_key(k: i64) -> u64 {
    k as u64 ^ (1 << 63)
}

impl Scaled {
    pub fn new(ieee: Ieee) -> Scaled {
        Scaled { ieee, exponent: *ieee.exponents().end(), largest: 0, first: None, gcd: 0 }
    }

    pub fn key(&self, bits: u64) -> u64 {
        multiple_key(self.ieee.multiple(bits, self.exponent))
    }

    pub fn steps(&self) -> Option<Steps> {
        Some(Steps { first: self.key(self.first?), gcd: self.gcd })
    }

    /// The same with these samples, none special, or nothing if they do not fit.
    pub fn with(mut self, samples: &[u64]) -> Option<Scaled> {
        let Some(&first) = samples.first() else { return Some(self) };
        self.first.get_or_insert(first);
        let (mut exponent, mut largest) = (self.exponent, self.largest);
        for &bits in samples {
            let (mantissa, e) = self.ieee.split(bits);
            exponent = exponent.min(if mantissa == 0 { i32::MAX } else { e + mantissa.trailing_zeros() as i32 });
            largest = largest.max(self.ieee.magnitude(bits));
        }
        self.widen(exponent, largest)?;
        if self.gcd != 1 {
            let keys: Vec<u64> = samples.iter().map(|&bits| self.key(bits)).collect();
            let mut steps = self.steps()?;
            steps.refine(&keys);
            self.gcd = steps.gcd;
        }
        Some(self)
    }

    pub fn merged(mut self, mut other: Scaled) -> Option<Scaled> {
        let (exponent, largest) = (self.exponent.min(other.exponent), self.largest.max(other.largest));
        self.widen(exponent, largest)?;
        other.widen(exponent, largest)?;
        match (self.steps(), other.steps()) {
            (Some(mut steps), Some(more)) => {
                steps.merge(&more);
                self.gcd = steps.gcd;
                Some(self)
            }
            (None, Some(_)) => Some(other),
            (_, None) => Some(self),
        }
    }

    /// Makes 2^exponent the unit, unless the largest sample then has too many bits.
    fn widen(&mut self, exponent: i32, largest: u64) -> Option<()> {
        let (mantissa, e) = self.ieee.split(largest);
        if mantissa != 0 && e + mantissa.ilog2() as i32 >= exponent + self.ieee.precision() as i32 {
            return None;
        }
        if self.gcd != 0 {
            self.gcd <<= self.exponent - exponent;
        }
        (self.exponent, self.largest) = (exponent, largest);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;

    fn of(values: &[f32]) -> Option<(i32, u64)> {
        let bits: Vec<u64> = values.iter().map(|v| u64::from(v.to_bits())).collect();
        let whole = Scaled::new(Ieee::of(Dtype::F32).unwrap()).with(&bits);
        for cut in 0..=bits.len() {
            let part = |bits: &[u64]| Scaled::new(Ieee::of(Dtype::F32).unwrap()).with(bits);
            let joined = part(&bits[..cut]).zip(part(&bits[cut..])).and_then(|(a, b)| b.merged(a));
            assert_eq!(joined.map(|s| (s.exponent, s.gcd)), whole.map(|s| (s.exponent, s.gcd)), "cut at {cut}");
        }
        whole.map(|s| (s.exponent, s.gcd))
    }

    #[test]
    fn the_unit_is_the_lowest_bit_and_the_step_the_gcd() {
        assert_eq!(of(&[17.0, 33.0, 65.0]), Some((0, 16)));
        assert_eq!(of(&[16.0, 48.0, 32.0]), Some((4, 1)));
        assert_eq!(of(&[0.75, -3.0, 0.0, 1.5]), Some((-2, 3)));
        assert_eq!(of(&[0.0, 0.0]), Some((104, 0)));
        assert_eq!(of(&[f32::MAX, -f32::MAX]), Some((104, 2 * ((1 << 24) - 1))));
        assert_eq!(of(&[1e-45, -1e-45, 0.0]), Some((-149, 1)));
    }

    #[test]
    fn more_than_24_bits_between_the_ends_do_not_fit() {
        assert_eq!(of(&[1.0, 8_388_608.0]), Some((0, 8_388_607)));
        assert_eq!(of(&[1.0, 16_777_216.0]), None);
        assert_eq!(of(&[1.0, 2.0, 16_777_216.0, 3.0]), None);
    }
}
