//! map = form:1 | bound:4 step:4 first max | markers            uniform 8
//!     = form:1 | bound:4 step:4 first n_negative max | markers        logarithmic 9
//!     = form:1 | reach−1 first max | markers                       near 10
//!
//! markers = n:1 | bits, as many bytes as a sample has, × n. Bound and step are the upper 32 bits of an f64.

use super::bounded::{Bounded, MAX_WHOLE, Rule};
use super::linear::Axis;
use super::order::{Kind, Order};
use super::survey::MAX_MARKERS;
use super::wire::{put_offset, take_offset};
use crate::array::Dtype;
use crate::error::{Error, Result};
use crate::wire::{put_svarint, put_varint, take_bytes, take_svarint, take_u8, take_u32, take_varint};
use std::ops::RangeInclusive;

const UNIFORM: u8 = 8;
const LOGARITHMIC: u8 = 9;
const NEAR: u8 = 10;
pub const FORMS: RangeInclusive<u8> = UNIFORM..=NEAR;

pub fn write(map: &Bounded, out: &mut Vec<u8>) {
    match map.rule {
        Rule::Uniform { bound, step, first } => {
            out.push(UNIFORM);
            [bound, step].iter().for_each(|&x| put_short(out, x));
            put_svarint(out, first);
        }
        Rule::Logarithmic { bound, step, first, n_negative } => {
            out.push(LOGARITHMIC);
            [bound, step].iter().for_each(|&x| put_short(out, x));
            put_svarint(out, first);
            put_varint(out, n_negative.into());
        }
        Rule::Near { reach, first } => {
            out.push(NEAR);
            put_varint(out, reach - 1);
            put_offset(out, map.dtype, Axis::Ordered, first);
        }
    }
    put_varint(out, map.max.into());
    out.push(map.markers.len() as u8);
    for bits in &map.markers {
        out.extend(&bits.to_le_bytes()[..map.dtype.n_bytes()]);
    }
}

pub fn read(input: &mut &[u8], dtype: Dtype, form: u8) -> Result<Bounded> {
    let order = Order::of(dtype);
    let wrong = |what: &str| Error::corrupt(format!("bounded map of {}: {what}", dtype.name()));
    if (order.kind == Kind::Float) != (form != NEAR) {
        return Err(wrong("no such form"));
    }
    let mut rule = match form {
        UNIFORM => Rule::Uniform { bound: take_short(input)?, step: take_short(input)?, first: take_svarint(input)? },
        LOGARITHMIC => Rule::Logarithmic {
            bound: take_short(input)?,
            step: take_short(input)?,
            first: take_svarint(input)?,
            n_negative: u32::try_from(take_varint(input)?).map_err(|_| wrong("too many ints"))?,
        },
        _ => {
            let reach = take_varint(input)?;
            if reach >= 1 << 62 {
                return Err(wrong("the step is out of range"));
            }
            Rule::Near { reach: reach + 1, first: take_offset(input, dtype, Axis::Ordered)? }
        }
    };
    let max = u32::try_from(take_varint(input)?).ok().filter(|max| *max < u32::MAX);
    let max = max.ok_or_else(|| wrong("too many ints"))?;
    let sane = match &mut rule {
        Rule::Uniform { first, .. } => (-MAX_WHOLE..=MAX_WHOLE - i64::from(max)).contains(first),
        Rule::Logarithmic { first, n_negative, .. } => {
            *n_negative <= max && (-MAX_WHOLE..=MAX_WHOLE - i64::from(max)).contains(first)
        }
        Rule::Near { first, .. } => *first <= order.mask(),
    };
    if !sane {
        return Err(wrong("the range is wider than the axis"));
    }
    let n_markers = usize::from(take_u8(input)?);
    if n_markers > MAX_MARKERS {
        return Err(Error::limit(format!("{n_markers} fill values, more than {MAX_MARKERS}")));
    }
    let mut markers = Vec::with_capacity(n_markers);
    for _ in 0..n_markers {
        let mut bits = [0; 8];
        bits[..dtype.n_bytes()].copy_from_slice(take_bytes(input, dtype.n_bytes())?);
        let bits = u64::from_le_bytes(bits);
        if markers.contains(&bits) {
            return Err(wrong("a fill value stands twice"));
        }
        markers.push(bits);
    }
    Ok(Bounded { dtype, rule, max, markers })
}

fn put_short(out: &mut Vec<u8>, x: f64) {
    out.extend(((x.to_bits() >> 32) as u32).to_le_bytes());
}

fn take_short(input: &mut &[u8]) -> Result<f64> {
    match f64::from_bits(u64::from(take_u32(input)?) << 32) {
        x if x > 0.0 && x.is_finite() => Ok(x),
        _ => Err(Error::corrupt("a bound or a step that is no positive number")),
    }
}
