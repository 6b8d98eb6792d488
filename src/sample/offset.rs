//! The smallest key of a map, as its wire form says it.

use super::linear::Axis;
use super::order::Order;
use super::scaled::multiple_key;
use crate::array::Dtype;
use crate::error::Result;
use crate::wire::{put_svarint, put_varint, take_svarint, take_varint};

/// Offsets near zero are short: the key of 0 is put in the middle, except where nothing lies below it.
pub fn put_offset(out: &mut Vec<u8>, dtype: Dtype, axis: Axis, offset: u64) {
    let zero = Order::of(dtype).key(0);
    match axis {
        Axis::Scaled(_) => put_svarint(out, (offset ^ (1 << 63)) as i64),
        Axis::Ordered if zero == 0 => put_varint(out, offset),
        Axis::Ordered => put_svarint(out, offset.wrapping_sub(zero) as i64),
    }
}

pub fn take_offset(input: &mut &[u8], dtype: Dtype, axis: Axis) -> Result<u64> {
    let zero = Order::of(dtype).key(0);
    match axis {
        Axis::Scaled(_) => take_svarint(input).map(multiple_key),
        Axis::Ordered if zero == 0 => take_varint(input),
        Axis::Ordered => Ok((take_svarint(input)? as u64).wrapping_add(zero)),
    }
}
