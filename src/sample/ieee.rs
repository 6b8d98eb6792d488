//! |v| = mantissa · 2^exponent,   v = k · 2^e   with |k| < 2^precision
//!
//! A float array whose values share such an e is an integer array in disguise: k shows its arithmetic structure, the bits of v
//! hide it. Multiplying by a power of two is exact here both ways, because k and v are both representable.

use super::octave::power;
use crate::array::Dtype;

/// Whole numbers up to here are floats, so that a product rounds once.
pub(super) const MAX_WHOLE: i64 = 1 << 53;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ieee {
    n_bits: u32,
    /// Stored mantissa bits.
    fraction: u32,
}

impl Ieee {
    pub fn of(dtype: Dtype) -> Option<Ieee> {
        match dtype {
            Dtype::F32 => Some(Ieee { n_bits: 32, fraction: 23 }),
            Dtype::F64 => Some(Ieee { n_bits: 64, fraction: 52 }),
            _ => None,
        }
    }

    fn bias(self) -> i32 {
        (1 << (self.n_bits - self.fraction - 2)) - 1
    }

    fn exponent_field(self) -> u64 {
        (1 << (self.n_bits - self.fraction - 1)) - 1
    }

    fn top(self) -> u64 {
        1 << (self.n_bits - 1)
    }

    pub fn precision(self) -> u32 {
        self.fraction + 1
    }

    /// The exponents e for which every k · 2^e is a float, and below or above which none is needed.
    pub fn exponents(self) -> std::ops::RangeInclusive<i32> {
        1 - self.bias() - self.fraction as i32..=self.bias() - self.fraction as i32
    }

    /// Bits of |v|; they compare as |v| does.
    #[inline(always)]
    pub fn magnitude(self, bits: u64) -> u64 {
        bits & (self.top() - 1)
    }

    #[inline(always)]
    pub fn is_finite(self, bits: u64) -> bool {
        self.magnitude(bits) < self.exponent_field() << self.fraction
    }

    /// NaN, ±∞ and −0: what no k · 2^e can name.
    #[inline(always)]
    pub fn is_special(self, bits: u64) -> bool {
        !self.is_finite(bits) || bits == self.top()
    }

    /// |v| of a finite sample as (mantissa, exponent).
    #[inline(always)]
    pub fn split(self, bits: u64) -> (u64, i32) {
        let fraction = bits & ((1 << self.fraction) - 1);
        let field = self.magnitude(bits) >> self.fraction;
        let implicit = u64::from(field != 0) << self.fraction;
        (fraction | implicit, field.max(1) as i32 - self.bias() - self.fraction as i32)
    }

    /// k = v / 2^e of a finite sample that is a multiple of 2^e below 2^(e + precision).
    #[inline(always)]
    pub fn multiple(self, bits: u64, e: i32) -> i64 {
        let (mantissa, exponent) = self.split(bits);
        let up = exponent - e;
        let k = if up >= 0 { mantissa << (up & 63) } else { mantissa.checked_shr(up.unsigned_abs()).unwrap_or(0) };
        if bits & self.top() != 0 { (k as i64).wrapping_neg() } else { k as i64 }
    }
}

/// bits of an f32 ⇄ k, through f64, whose range holds every intermediate. The sum with 1.5 · 2^52 leaves k in the low bits:
/// it vectorises, the saturating cast does not.
pub fn f32_multiple(e: i32) -> impl Fn(u32) -> u32 + Copy {
    const ROUND: f64 = 6_755_399_441_055_744.0;
    let scale = power(-e);
    move |bits| (f64::from(f32::from_bits(bits)) * scale + ROUND).to_bits() as u32
}

pub fn f32_of_multiple(e: i32) -> impl Fn(u32) -> u32 + Copy {
    let scale = power(e);
    move |k| ((f64::from(k as i32) * scale) as f32).to_bits()
}

/// bits of an f64 ⇄ k. 2^1074 is not an f64, so the scale is applied in two halves; neither step rounds.
pub fn f64_multiple(e: i32) -> impl Fn(u64) -> u64 + Copy {
    let (half, rest) = (power(-(e / 2)), power(-(e - e / 2)));
    move |bits| (f64::from_bits(bits) * half * rest) as i64 as u64
}

pub fn f64_of_multiple(e: i32) -> impl Fn(u64) -> u64 + Copy {
    let (half, rest) = (power(e / 2), power(e - e / 2));
    move |k| (k as i64 as f64 * half * rest).to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exponent_is_exact_at_the_ends_of_the_mantissa() {
        let f32s = Ieee::of(Dtype::F32).unwrap();
        let f64s = Ieee::of(Dtype::F64).unwrap();
        for e in f32s.exponents() {
            for k in [-((1i64 << 24) - 1), -(1 << 23), -3, -1, 1, 2, (1 << 24) - 1] {
                let bits = f32_of_multiple(e)(k as u32);
                assert_eq!(f32_multiple(e)(bits) as i32 as i64, k, "k {k} e {e}");
                assert_eq!(f32s.multiple(u64::from(bits), e), k, "k {k} e {e}");
            }
        }
        for e in f64s.exponents() {
            for k in [-((1i64 << 53) - 1), -(1 << 52), -3, -1, 1, 2, (1 << 53) - 1] {
                let bits = f64_of_multiple(e)(k as u64);
                assert_eq!(f64_multiple(e)(bits) as i64, k, "k {k} e {e}");
                assert_eq!(f64s.multiple(bits, e), k, "k {k} e {e}");
            }
        }
    }

    #[test]
    fn the_exponents_end_at_the_smallest_and_the_largest_float() {
        assert_eq!(Ieee::of(Dtype::F32).unwrap().exponents(), -149..=104);
        assert_eq!(Ieee::of(Dtype::F64).unwrap().exponents(), -1074..=971);
        assert_eq!(f32_of_multiple(-149)(1), 1);
        assert_eq!(f32_of_multiple(104)((1 << 24) - 1), f32::MAX.to_bits());
        assert_eq!(f64_of_multiple(971)((1 << 53) - 1), f64::MAX.to_bits());
    }

    #[test]
    fn specials_are_nan_infinity_and_minus_zero() {
        let f = Ieee::of(Dtype::F32).unwrap();
        for v in [f32::NAN, -f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0] {
            assert!(f.is_special(u64::from(v.to_bits())));
        }
        for v in [0.0, f32::MAX, f32::MIN, 1e-45, -1e-45] {
            assert!(!f.is_special(u64::from(v.to_bits())));
        }
    }
}
