//! map = form:1 | hole? exponent? | offset step−1 quotient            (linear)
//!     = form:1 | n−2 step−1 key₀ (keyᵢ − keyᵢ₋₁)/step − 1 …            (rank)
//!     = form:1 | …                                                    (bounded: bounded_wire)
//!
//! Numbers are varints: seven bits a byte, low ones first, the shortest form only. Of every map there is one form that is
//! read; a map that was read is as valid as one that was made from statistics.

use super::alphabet::MAX_VALUES;
use super::bounded_wire;
use super::ieee::Ieee;
use super::linear::{Axis, Linear};
use super::map::{Form, Map};
use super::offset::{put_offset, take_offset};
use super::order::Order;
use super::range::{Range, widen};
use super::rank::Rank;
use super::scaled::multiple_key;
use crate::array::Dtype;
use crate::error::{Error, Result};
use crate::wire::{put_svarint, put_varint, take_svarint, take_u8, take_varint};

const RANK: u8 = 1;
const SCALED: u8 = 2;
const HOLE: u8 = 4;

impl Map {
    pub fn write(&self, out: &mut Vec<u8>) {
        match &self.form {
            Form::Linear(linear) => write_linear(linear, out),
            Form::Rank(rank) => write_rank(rank, out),
            Form::Bounded(bounded) => bounded_wire::write(bounded, out),
        }
    }

    /// Takes a map off the front of the input.
    pub fn read(input: &mut &[u8], dtype: Dtype) -> Result<Map> {
        let form = match take_u8(input)? {
            RANK => Form::Rank(read_rank(input, dtype)?),
            form if form & !(SCALED | HOLE) == 0 => Form::Linear(read_linear(input, dtype, form)?),
            form if bounded_wire::FORMS.contains(&form) => Form::Bounded(bounded_wire::read(input, dtype, form)?),
            form => return Err(Error::unsupported(format!("sample map of form {form} is not known to this version"))),
        };
        Ok(Map { form })
    }
}

fn write_linear(map: &Linear, out: &mut Vec<u8>) {
    let scaled = if matches!(map.axis, Axis::Scaled(_)) { SCALED } else { 0 };
    out.push(scaled | if map.hole.is_some() { HOLE } else { 0 });
    if let Some(bits) = map.hole {
        put_varint(out, bits);
    }
    if let Axis::Scaled(e) = map.axis {
        put_svarint(out, i64::from(e));
    }
    put_offset(out, map.dtype, map.axis, map.offset);
    put_varint(out, map.step - 1);
    put_varint(out, map.quotient);
}

fn read_linear(input: &mut &[u8], dtype: Dtype, form: u8) -> Result<Linear> {
    let (order, ieee) = (Order::of(dtype), Ieee::of(dtype));
    let wrong = |what: &str| Error::corrupt(format!("sample map of {}: {what}", dtype.name()));
    let hole = if form & HOLE != 0 { Some(take_varint(input)?) } else { None };
    let (axis, lowest, highest) = match ieee {
        Some(ieee) if form & SCALED != 0 => {
            let e = take_svarint(input)?;
            let e = i32::try_from(e)
                .ok()
                .filter(|e| ieee.exponents().contains(e))
                .ok_or_else(|| wrong("no such exponent"))?;
            let end = (1i64 << ieee.precision()) - 1;
            (Axis::Scaled(e), multiple_key(-end), multiple_key(end))
        }
        None if form & SCALED != 0 => return Err(wrong("only floats are scaled")),
        _ => (Axis::Ordered, 0, order.mask()),
    };
    if let Some(bits) = hole {
        let fits = ieee.is_some_and(|ieee| match axis {
            Axis::Scaled(_) => ieee.is_special(bits),
            Axis::Ordered => !ieee.is_finite(bits),
        });
        if !fits || bits > order.mask() {
            return Err(wrong("the hole is a value of the axis"));
        }
    }
    let offset = take_offset(input, dtype, axis)?;
    let step = take_varint(input)?.checked_add(1).ok_or_else(|| wrong("the step is out of range"))?;
    let quotient = take_varint(input)?;
    let last = step.checked_mul(quotient).and_then(|span| offset.checked_add(span));
    if offset < lowest || last.is_none_or(|last| last > highest) || (quotient == 0 && step != 1) {
        return Err(wrong("the range is wider than the axis"));
    }
    let map = Linear { dtype, axis, hole, offset, step, quotient };
    let max_int = quotient.checked_add(u64::from(hole.is_some()));
    if max_int.is_none_or(|max| max > order.mask()) {
        return Err(wrong("there are more ints than samples"));
    }
    Ok(map)
}

fn write_rank(map: &Rank, out: &mut Vec<u8>) {
    let keys: Vec<u64> = map.keys().collect();
    let mut range: Option<Range> = None;
    widen(&mut range, &keys);
    let step = range.map_or(1, |range| range.step());
    out.push(RANK);
    put_varint(out, keys.len() as u64 - 2);
    put_varint(out, step - 1);
    put_varint(out, keys[0]);
    for pair in keys.windows(2) {
        put_varint(out, (pair[1] - pair[0]) / step - 1);
    }
}

fn read_rank(input: &mut &[u8], dtype: Dtype) -> Result<Rank> {
    let wrong = |what: &str| Error::corrupt(format!("table of {} values: {what}", dtype.name()));
    let n = take_varint(input)?.saturating_add(2);
    if n > MAX_VALUES as u64 {
        return Err(Error::limit(format!("a table of {n} values, more than {MAX_VALUES}")));
    }
    if n > input.len() as u64 {
        return Err(Error::truncated("a table of values ends too early"));
    }
    let step = take_varint(input)?.checked_add(1).ok_or_else(|| wrong("the step is out of range"))?;
    let mut key = take_varint(input)?;
    let mut keys = Vec::with_capacity(n as usize);
    let mut range = None;
    loop {
        if key > Order::of(dtype).mask() {
            return Err(wrong("a value has too many bits"));
        }
        keys.push(key);
        if keys.len() as u64 == n {
            break;
        }
        let up = take_varint(input)?.checked_add(1).and_then(|n| n.checked_mul(step));
        key = up.and_then(|up| key.checked_add(up)).ok_or_else(|| wrong("a value has too many bits"))?;
    }
    widen(&mut range, &keys);
    if range.is_none_or(|range| range.step() != step) {
        return Err(wrong("the step is not that of the values"));
    }
    Ok(Rank::new(dtype, &keys))
}
