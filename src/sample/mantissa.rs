//! x′ = x with the n highest bits of its mantissa:   trunc: the others 0     round: half of the last bit kept is added first
//!
//! On bit patterns, so in magnitude: halves go away from zero. NaN and infinities stay as they are, and nothing becomes one: a
//! sample so large that rounding would is truncated. Doing it twice is doing it once.

use super::loss::Rounding;
use super::word::Word;
use crate::array::Dtype;

/// Shortens the mantissas of whole samples in place; other dtypes have none.
pub fn shorten(bytes: &mut [u8], dtype: Dtype, big_endian: bool, n_bits: u32, rounding: Rounding) {
    let rule = |n_all: u32, fraction: u32| Rule {
        drop: fraction.saturating_sub(n_bits),
        infinity: ((1u64 << (n_all - 1 - fraction)) - 1) << fraction,
        magnitude: (1 << (n_all - 1)) - 1,
        rounding,
    };
    match dtype {
        Dtype::F32 => apply::<u32>(bytes, big_endian, &rule(32, 23)),
        Dtype::F64 => apply::<u64>(bytes, big_endian, &rule(64, 52)),
        _ => {}
    }
}

struct Rule {
    drop: u32,
    infinity: u64,
    magnitude: u64,
    rounding: Rounding,
}

fn apply<W: Word>(bytes: &mut [u8], big_endian: bool, rule: &Rule) {
    let mut words = Vec::with_capacity(bytes.len() / size_of::<W>());
    W::visit(bytes, big_endian, std::iter::repeat(()), |(), w| words.push(W::low(rule.of(w.wide()))));
    W::fill(bytes, big_endian, words.into_iter());
}

impl Rule {
    fn of(&self, bits: u64) -> u64 {
        let magnitude = bits & self.magnitude;
        if magnitude >= self.infinity || self.drop == 0 {
            return bits;
        }
        let low = (1u64 << self.drop) - 1;
        let half = if self.rounding == Rounding::Round { 1 << (self.drop - 1) } else { 0 };
        let rounded = (magnitude + half) & !low;
        let kept = if rounded < self.infinity { rounded } else { magnitude & !low };
        bits & !self.magnitude | kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shortened(x: f32, n_bits: u32, rounding: Rounding) -> f32 {
        let mut bytes = x.to_be_bytes();
        shorten(&mut bytes, Dtype::F32, true, n_bits, rounding);
        let once = bytes;
        shorten(&mut bytes, Dtype::F32, true, n_bits, rounding);
        assert_eq!(bytes, once, "twice is once");
        f32::from_be_bytes(once)
    }

    #[test]
    fn halves_go_away_from_zero_and_truncation_goes_towards_it() {
        for (x, rounded, truncated) in [
            (1.0f32, 1.0, 1.0),
            (1.125, 1.25, 1.0),
            (-1.125, -1.25, -1.0),
            (1.1249, 1.0, 1.0),
            (1.9, 2.0, 1.75),
            (f32::INFINITY, f32::INFINITY, f32::INFINITY),
            (0.0, 0.0, 0.0),
        ] {
            assert_eq!(shortened(x, 2, Rounding::Round), rounded, "{x}");
            assert_eq!(shortened(x, 2, Rounding::Trunc), truncated, "{x}");
        }
        assert_eq!(shortened(-0.0, 7, Rounding::Round).to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn doubles_follow_the_same_rule_and_twice_is_once() {
        let mut x = 3.3e-300f64;
        while x < 1e300 {
            for (n_bits, rounding) in
                [(7, Rounding::Round), (10, Rounding::Trunc), (15, Rounding::Round), (51, Rounding::Round)]
            {
                for x in [x, -x] {
                    let mut bytes = x.to_le_bytes();
                    shorten(&mut bytes, Dtype::F64, false, n_bits, rounding);
                    let once = f64::from_le_bytes(bytes);
                    // the power of two at or below |x|, by its bits; all that follows is exact
                    let unit = f64::from_bits(x.abs().to_bits() & 0x7ff << 52);
                    let scale = f64::from(1 << n_bits.min(30)) * f64::from(1 << n_bits.saturating_sub(30));
                    let k = x / unit * scale;
                    let k = if rounding == Rounding::Round { k.round() } else { k.trunc() };
                    assert_eq!(once, k / scale * unit, "{x} {n_bits}");
                    shorten(&mut bytes, Dtype::F64, false, n_bits, rounding);
                    assert_eq!(f64::from_le_bytes(bytes), once);
                }
            }
            x *= 1.9371;
        }
        let mut largest = f64::MAX.to_le_bytes();
        shorten(&mut largest, Dtype::F64, false, 7, Rounding::Round);
        assert!(f64::from_le_bytes(largest).is_finite());
    }

    #[test]
    fn nothing_becomes_infinite_and_no_nan_changes() {
        assert!(shortened(f32::MAX, 3, Rounding::Round).is_finite());
        for bits in [0x7f80_0001u32, 0xffff_ffff, 0x7fc1_2345] {
            assert_eq!(shortened(f32::from_bits(bits), 3, Rounding::Round).to_bits(), bits);
        }
    }

    #[test]
    fn all_bits_kept_is_no_change() {
        for n_bits in [23, 24, 52] {
            assert_eq!(shortened(1.234_567_9, n_bits, Rounding::Round), 1.234_567_9);
        }
    }
}
