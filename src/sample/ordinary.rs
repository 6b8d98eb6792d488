//! worth(bits) = what a sample is worth, as f64        NaN where it is a fill value, infinite or NaN itself
//!
//! What is measured of an array leaves out exactly the samples that the range of a bound leaves out.

use super::survey::Survey;
use super::word::Word;
use crate::array::Dtype;

/// The samples of an array that count.
#[derive(Clone, Debug, PartialEq)]
pub struct Ordinary {
    dtype: Dtype,
    /// Bit patterns of fill values.
    markers: Vec<u64>,
}

impl Ordinary {
    pub fn of(survey: &Survey) -> Ordinary {
        Ordinary { dtype: survey.dtype(), markers: survey.surveyed().markers }
    }

    /// NaN for a sample that does not count.
    pub fn number(&self, bits: u64) -> f64 {
        let number = worth(self.dtype, bits);
        if number.is_finite() && !self.markers.contains(&bits) { number } else { f64::NAN }
    }

    pub fn numbers(&self, bytes: &[u8], big_endian: bool) -> Vec<f64> {
        bits(self.dtype, bytes, big_endian).into_iter().map(|bits| self.number(bits)).collect()
    }
}

/// Bit patterns of whole samples.
pub fn bits(dtype: Dtype, bytes: &[u8], big_endian: bool) -> Vec<u64> {
    let mut out = vec![0; bytes.len() / dtype.n_bytes()];
    let slots = out.iter_mut();
    match dtype.n_bytes() {
        1 => u8::visit(bytes, big_endian, slots, |slot, w| *slot = w.wide()),
        2 => u16::visit(bytes, big_endian, slots, |slot, w| *slot = w.wide()),
        4 => u32::visit(bytes, big_endian, slots, |slot, w| *slot = w.wide()),
        _ => u64::visit(bytes, big_endian, slots, |slot, w| *slot = w),
    }
    out
}

/// An integer of 64 bits is rounded, every other sample is itself.
pub fn worth(dtype: Dtype, bits: u64) -> f64 {
    match dtype {
        Dtype::F32 => f64::from(f32::from_bits(bits as u32)),
        Dtype::F64 => f64::from_bits(bits),
        Dtype::I8 => f64::from(bits as u8 as i8),
        Dtype::I16 => f64::from(bits as u16 as i16),
        Dtype::I32 => f64::from(bits as u32 as i32),
        Dtype::I64 => bits as i64 as f64,
        Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => bits as f64,
    }
}

/// y − x, rounded once; the largest float where that is none.
pub fn difference(dtype: Dtype, x: u64, y: u64) -> f64 {
    match dtype {
        Dtype::I64 => (i128::from(y as i64) - i128::from(x as i64)) as f64,
        Dtype::U64 => (i128::from(y) - i128::from(x)) as f64,
        _ => (worth(dtype, y) - worth(dtype, x)).clamp(-f64::MAX, f64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_what_the_sample_says() {
        for (dtype, bits, x) in [
            (Dtype::U8, 0xff, 255.0),
            (Dtype::I8, 0xff, -1.0),
            (Dtype::U16, 0x8000, 32768.0),
            (Dtype::I16, 0x8000, -32768.0),
            (Dtype::U32, 0xffff_ffff, 4_294_967_295.0),
            (Dtype::I32, 0xffff_fffe, -2.0),
            (Dtype::I64, u64::MAX, -1.0),
            (Dtype::U64, 1 << 63, 9_223_372_036_854_775_808.0),
            (Dtype::F32, 0x3fc0_0000, 1.5),
            (Dtype::F64, 0xbff8_0000_0000_0000, -1.5),
        ] {
            assert_eq!(worth(dtype, bits), x);
        }
    }

    #[test]
    fn differences_of_64_bits_are_exact() {
        assert_eq!(difference(Dtype::U64, u64::MAX, u64::MAX - 1), -1.0);
        assert_eq!(difference(Dtype::I64, i64::MIN as u64, i64::MIN as u64 + 3), 3.0);
        assert_eq!(difference(Dtype::U16, 7, 5), -2.0);
        assert_eq!(difference(Dtype::F64, f64::MAX.to_bits(), (-f64::MAX).to_bits()), -f64::MAX);
    }

    #[test]
    fn fill_values_and_what_is_not_finite_do_not_count() {
        let sea = (0..900).map(|i| 270.0 + (i % 30) as f32 * 0.5);
        let values: Vec<f32> = sea.chain([1e20; 60]).chain([f32::NAN, f32::INFINITY]).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_be_bytes()).collect();
        let mut survey = Survey::new(Dtype::F32);
        survey.update(&bytes, true);
        let numbers = Ordinary::of(&survey).numbers(&bytes, true);
        assert_eq!(numbers.iter().filter(|x| x.is_nan()).count(), 62);
        assert_eq!(numbers[31], 270.5);
    }
}
