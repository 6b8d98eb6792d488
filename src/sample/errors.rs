//! largest |x − x′|,   largest |x − x′| / |x|,   Σ (x − x′)²          over the samples that are finite
//!
//! What was lost, measured on the bytes that decoding gives.

use super::bounded::{Bounded, ORDINARY};
use super::order::{Kind, Order};
use super::sums::Squares;
use super::word::Word;
use crate::array::Dtype;
use crate::error::{Error, Result};

/// How far decoded samples are off. Parts are merged in the order of the array: sums are of floats.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// Finite samples that are no fill values.
    pub n_samples: u64,
    /// Samples that are not the same bits.
    pub n_changed: u64,
    pub largest: f64,
    pub largest_relative: f64,
    pub squares: Squares,
}

impl Errors {
    /// Of two arrays of one dtype.
    pub fn of(dtype: Dtype, original: &[u8], decoded: &[u8], big_endian: bool) -> Errors {
        let mut errors = Errors::default();
        pairs(dtype, original, decoded, big_endian, |x, y| errors.add(dtype, x, y));
        errors
    }

    pub fn merge(&mut self, other: &Errors) {
        self.n_samples += other.n_samples;
        self.n_changed += other.n_changed;
        self.largest = self.largest.max(other.largest);
        self.largest_relative = self.largest_relative.max(other.largest_relative);
        self.squares.merge(&other.squares);
    }

    /// Whether all came out as it was.
    pub fn is_none(&self) -> bool {
        self.n_changed == 0
    }

    fn add(&mut self, dtype: Dtype, x: u64, y: u64) {
        self.n_changed += u64::from(x != y);
        let order = Order::of(dtype);
        let (off, magnitude) = match (order.kind, dtype) {
            (Kind::Float, Dtype::F32) => {
                let (x, y) = (f64::from(f32::from_bits(x as u32)), f64::from(f32::from_bits(y as u32)));
                ((x - y).abs(), x.abs())
            }
            (Kind::Float, _) => {
                let (x, y) = (f64::from_bits(x), f64::from_bits(y));
                ((x - y).abs(), x.abs())
            }
            _ => (order.key(x).abs_diff(order.key(y)) as f64, order.integer(order.key(x)).unsigned_abs() as f64),
        };
        if !magnitude.is_finite() {
            return;
        }
        self.n_samples += 1;
        if off > 0.0 {
            self.largest = self.largest.max(off);
            self.largest_relative = self.largest_relative.max(off / magnitude);
            self.squares.add(off);
        }
    }
}

impl Bounded {
    /// Holds every sample of what decoding gives against what was there; whoever finds one beyond the bound has found a
    /// mistake of ours.
    pub fn check(&self, original: &[u8], decoded: &[u8], big_endian: bool) -> Result<Errors> {
        let (mut errors, mut n_beyond) = (Errors::default(), 0u64);
        pairs(self.dtype, original, decoded, big_endian, |x, y| {
            n_beyond += u64::from(!self.allows(x, y));
            if !self.markers.contains(&x) {
                errors.add(self.dtype, x, y);
            }
        });
        match n_beyond {
            0 => Ok(errors),
            n => Err(Error::verify(format!("{n} samples are further off than {}", self.bound()))),
        }
    }

    /// What will be lost of samples that are no markers.
    pub fn measure(&self, bytes: &[u8], big_endian: bool) -> Errors {
        let n = bytes.len() / self.dtype.n_bytes();
        let (mut ints, mut classes) = (vec![0; n], vec![ORDINARY; n]);
        self.to_ints(bytes, big_endian, &mut ints, &mut classes);
        let mut errors = Errors::default();
        let mut places = ints.iter().zip(&classes);
        pairs(self.dtype, bytes, bytes, big_endian, |x, _| match places.next() {
            Some((&int, &ORDINARY)) => errors.add(self.dtype, x, self.sample(int as u32)),
            Some((_, &class)) if class == self.exception() => errors.add(self.dtype, x, x),
            _ => {}
        });
        errors
    }

    /// Markers and what is not finite come out bit for bit.
    fn allows(&self, original: u64, decoded: u64) -> bool {
        original == decoded || (!self.markers.contains(&original) && self.holds(original, decoded))
    }
}

fn pairs(dtype: Dtype, a: &[u8], b: &[u8], big_endian: bool, f: impl FnMut(u64, u64)) {
    assert_eq!(a.len(), b.len(), "samples are compared one by one");
    match dtype.n_bytes() {
        1 => each::<u8>(a, b, big_endian, f),
        2 => each::<u16>(a, b, big_endian, f),
        4 => each::<u32>(a, b, big_endian, f),
        _ => each::<u64>(a, b, big_endian, f),
    }
}

fn each<W: Word>(a: &[u8], b: &[u8], big_endian: bool, mut f: impl FnMut(u64, u64)) {
    let n = size_of::<W>();
    let (a, b) = (a.chunks_exact(n), b.chunks_exact(n));
    for (a, b) in a.zip(b) {
        let mut pair = [0; 2];
        W::visit(a, big_endian, pair[..1].iter_mut(), |slot, w| *slot = w.wide());
        W::visit(b, big_endian, pair[1..].iter_mut(), |slot, w| *slot = w.wide());
        f(pair[0], pair[1]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::bounded::Rule;
    use super::super::sums::Unit;
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_sample_beyond_the_bound_is_noticed_and_one_at_it_is_not() {
        let bytes = |values: &[f32]| values.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let rule = Rule::Uniform { bound: 0.25, step: 0.5, first: 0 };
        let map = Bounded { dtype: Dtype::F32, rule, max: 9, markers: vec![u64::from(3.0f32.to_bits())] };
        let original = bytes(&[1.0, 2.0, f32::NAN, 1e20, 3.0]);
        let errors = map.check(&original, &bytes(&[1.25, 1.875, f32::NAN, 1e20, 3.0]), true).unwrap();
        let squares = errors.squares.in_unit(Unit::Middle);
        assert_eq!((errors.largest, errors.n_changed, squares), (0.25, 2, 0.0625 + 0.015625));
        assert_eq!(errors.n_samples, 3, "neither NaN nor the fill value is a sample that an error is a mean over");
        for wrong in [
            [1.0, 2.2500002, f32::NAN, 1e20, 3.0],
            [1.0, 2.0, 0.0, 1e20, 3.0],
            [1.0, 2.0, -f32::NAN, 1e20, 3.0],
            [1.0, 2.0, f32::NAN, f32::INFINITY, 3.0],
            [f32::NAN, 2.0, f32::NAN, 1e20, 3.0],
            [1.0, 2.0, f32::NAN, 1e20, 3.0000002],
        ] {
            assert_eq!(map.check(&original, &bytes(&wrong), true).unwrap_err().kind, ErrorKind::Verify, "{wrong:?}");
        }
    }

    #[test]
    fn a_difference_that_rounds_down_to_the_bound_is_above_it() {
        let rule = Rule::Uniform { bound: 1.0, step: 2.0, first: 0 };
        let map = Bounded { dtype: Dtype::F64, rule, max: 9, markers: vec![] };
        let holds = |x: f64, y: f64| map.holds(x.to_bits(), y.to_bits());
        assert!(holds(0.5, -0.5) && holds(1.0, 0.0) && holds(0.0, 1.0));
        assert!(!holds(1.0, -1e-30) && !holds(-1.0, 1e-30) && holds(1.0, 1e-30));
    }
}
