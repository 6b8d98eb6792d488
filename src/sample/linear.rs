//! int = hole + (key − offset) / step,   0 the hole if there is one
//!
//! The hole is the bit pattern of the one sample value that is no number on the axis, such as the NaN of masked pixels. All
//! arithmetic wraps at the width of the sample, so a signed integer needs no key: its offset is taken off its bits. The
//! division has no remainder and is a shift and a multiplication.

use super::ieee::{f32_multiple, f32_of_multiple, f64_multiple, f64_of_multiple};
use super::order::{Kind, Order};
use super::range::Exact;
use super::word::Word;
use crate::array::Dtype;
use crate::error::{Error, Result};

/// What the keys of a linear map are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Bits in the order of the samples.
    Ordered,
    /// Float samples as multiples of 2^exponent, sign bit flipped.
    Scaled(i32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    pub dtype: Dtype,
    pub axis: Axis,
    pub hole: Option<u64>,
    /// Key of the smallest sample.
    pub offset: u64,
    /// At least 1.
    pub step: u64,
    /// Largest quotient (key − offset) / step.
    pub quotient: u64,
}

/// Runs `$run::<word>(…, in, out)` with the functions bits → number and number → bits of the dtype and axis.
macro_rules! on_axis {
    ($map:expr, $run:ident, $($arg:expr),*) => {
        match ($map.dtype, $map.axis) {
            (Dtype::U8 | Dtype::I8, _) => $run::<u8>($map, |w| w, |w| w, $($arg),*),
            (Dtype::U16 | Dtype::I16, _) => $run::<u16>($map, |w| w, |w| w, $($arg),*),
            (Dtype::U32 | Dtype::I32, _) => $run::<u32>($map, |w| w, |w| w, $($arg),*),
            (Dtype::U64 | Dtype::I64, _) => $run::<u64>($map, |w| w, |w| w, $($arg),*),
            (Dtype::F32, Axis::Ordered) => $run::<u32>($map, Word::order, Word::unorder, $($arg),*),
            (Dtype::F64, Axis::Ordered) => $run::<u64>($map, Word::order, Word::unorder, $($arg),*),
            (Dtype::F32, Axis::Scaled(e)) => $run::<u32>($map, f32_multiple(e), f32_of_multiple(e), $($arg),*),
            (Dtype::F64, Axis::Scaled(e)) => $run::<u64>($map, f64_multiple(e), f64_of_multiple(e), $($arg),*),
        }
    };
}

impl Linear {
    /// The largest int, of one or of two parts.
    pub fn max_int(&self) -> u64 {
        self.quotient + u64::from(self.hole.is_some())
    }

    /// The number that is subtracted, in the low bits.
    fn base(&self) -> u64 {
        let order = Order::of(self.dtype);
        match (self.axis, order.kind) {
            (Axis::Scaled(_), _) => self.offset ^ (1 << 63),
            (Axis::Ordered, Kind::Float) => self.offset,
            (Axis::Ordered, _) => order.bits(self.offset),
        }
    }

    pub fn to_ints(&self, bytes: &[u8], big_endian: bool, parts: &mut [&mut [i32]]) {
        on_axis!(self, divide, bytes, big_endian, parts);
    }

    pub fn from_ints(&self, parts: &[&[i32]], big_endian: bool, out: &mut [u8]) -> Result<()> {
        if on_axis!(self, multiply, parts, big_endian, out) {
            return Ok(());
        }
        Err(Error::corrupt(format!("a sample's int is larger than {}, the largest of its map", self.max_int())))
    }
}

fn divide<W: Word>(
    map: &Linear,
    number: impl Fn(W) -> W,
    _: impl Fn(W) -> W,
    bytes: &[u8],
    big_endian: bool,
    parts: &mut [&mut [i32]],
) {
    let Exact { shift, inverse } = Exact::new(map.step);
    let (base, inverse) = (W::low(map.base()), W::low(inverse));
    let quotient = |w| number(w).minus(base).right(shift).times(inverse);
    match (parts, map.hole.map(W::low)) {
        ([ints], None) => W::visit(bytes, big_endian, ints.iter_mut(), |int, w| *int = quotient(w).wide() as i32),
        ([ints], Some(hole)) => W::visit(bytes, big_endian, ints.iter_mut(), |int, w| {
            *int = if w == hole { 0 } else { (quotient(w).wide() as i32).wrapping_add(1) };
        }),
        ([high, low], hole) => W::visit(bytes, big_endian, high.iter_mut().zip(low.iter_mut()), |(high, low), w| {
            let int = if hole == Some(w) { 0 } else { quotient(w).wide().wrapping_add(u64::from(hole.is_some())) };
            (*high, *low) = ((int >> 32) as i32, int as i32);
        }),
        _ => unreachable!("a map has one part or two"),
    }
}

/// Whether all ints were within the map; the bytes of those that were not mean nothing.
fn multiply<W: Word>(
    map: &Linear,
    _: impl Fn(W) -> W,
    bits: impl Fn(W) -> W,
    parts: &[&[i32]],
    big_endian: bool,
    out: &mut [u8],
) -> bool {
    let (base, step) = (W::low(map.base()), W::low(map.step));
    let sample = |quotient: W| bits(quotient.times(step).plus(base));
    let mut outside = false;
    match (parts, map.hole.map(W::low)) {
        ([ints], None) => {
            let max = map.max_int() as u32;
            let words = ints.iter().map(|&int| {
                outside |= int as u32 > max;
                sample(W::low(u64::from(int as u32)))
            });
            W::fill(out, big_endian, words);
        }
        ([ints], Some(hole)) => {
            let max = map.max_int() as u32;
            let words = ints.iter().map(|&int| {
                outside |= int as u32 > max;
                if int == 0 { hole } else { sample(W::low(u64::from((int as u32).wrapping_sub(1)))) }
            });
            W::fill(out, big_endian, words);
        }
        ([high, low], hole) => {
            let max = map.max_int();
            let words = high.iter().zip(*low).map(|(&high, &low)| {
                let int = u64::from(high as u32) << 32 | u64::from(low as u32);
                outside |= int > max;
                match hole {
                    Some(hole) if int == 0 => hole,
                    Some(_) => sample(W::low(int.wrapping_sub(1))),
                    None => sample(W::low(int)),
                }
            });
            W::fill(out, big_endian, words);
        }
        _ => unreachable!("a map has one part or two"),
    }
    !outside
}
