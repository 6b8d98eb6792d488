//! varint(v) = 7 bits per byte, lowest first, bit 7 set on all bytes but the last; the shortest form is the only one
//!
//! The records inside payloads are read by taking from the front of a slice. A slice that ends early is `Truncated`.

use crate::error::{Error, Result};

pub fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

pub fn take_varint(from: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take_u8(from)?;
        let bits = u64::from(byte & 0x7f);
        if shift == 63 && bits > 1 {
            break;
        }
        value |= bits << shift;
        if byte & 0x80 == 0 {
            let shortest = byte != 0 || shift == 0;
            return if shortest { Ok(value) } else { Err(Error::corrupt("a varint is longer than it needs to be")) };
        }
    }
    Err(Error::corrupt("a varint does not fit 64 bits"))
}

/// A signed number as the varint of 0, 1, 2, 3, … for 0, −1, 1, −2, …
pub fn put_svarint(out: &mut Vec<u8>, value: i64) {
    put_varint(out, ((value << 1) ^ (value >> 63)) as u64);
}

pub fn take_svarint(from: &mut &[u8]) -> Result<i64> {
    let folded = take_varint(from)?;
    Ok((folded >> 1) as i64 ^ -((folded & 1) as i64))
}

pub fn take_bytes<'a>(from: &mut &'a [u8], n: usize) -> Result<&'a [u8]> {
    let (taken, rest) = from
        .split_at_checked(n)
        .ok_or_else(|| Error::truncated(format!("a record needs {n} more bytes where {} are left", from.len())))?;
    *from = rest;
    Ok(taken)
}

pub fn take_array<const N: usize>(from: &mut &[u8]) -> Result<[u8; N]> {
    let mut out = [0; N];
    out.copy_from_slice(take_bytes(from, N)?);
    Ok(out)
}

pub fn take_u8(from: &mut &[u8]) -> Result<u8> {
    take_array(from).map(u8::from_le_bytes)
}

pub fn take_u16(from: &mut &[u8]) -> Result<u16> {
    take_array(from).map(u16::from_le_bytes)
}

pub fn take_u32(from: &mut &[u8]) -> Result<u32> {
    take_array(from).map(u32::from_le_bytes)
}

pub fn take_u64(from: &mut &[u8]) -> Result<u64> {
    take_array(from).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn varint(value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        out
    }

    #[test]
    fn a_varint_comes_back_and_takes_only_its_own_bytes() {
        let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]);
        for value in edges {
            let mut packed = varint(value);
            assert_eq!(packed.len(), (64 - value.leading_zeros()).div_ceil(7).max(1) as usize, "{value}");
            packed.push(0xaa);
            let mut from = packed.as_slice();
            assert_eq!(take_varint(&mut from), Ok(value));
            assert_eq!(from, [0xaa]);
        }
    }

    #[test]
    fn a_varint_has_one_form_only() {
        for wrong in [&[0x80, 0][..], &[0xff, 0x80, 0], &[0xff; 10], &[0xff; 11]] {
            assert_eq!(take_varint(&mut &wrong[..]).unwrap_err().kind, ErrorKind::Corrupt, "{wrong:x?}");
        }
        let mut past_64_bits = varint(u64::MAX);
        past_64_bits[9] = 2;
        assert_eq!(take_varint(&mut past_64_bits.as_slice()).unwrap_err().kind, ErrorKind::Corrupt);
        let longest = varint(u64::MAX);
        for n in 0..longest.len() {
            assert_eq!(take_varint(&mut &longest[..n]).unwrap_err().kind, ErrorKind::Truncated);
        }
    }

    #[test]
    fn a_signed_number_is_short_near_zero_and_comes_back_from_both_ends() {
        for (i, value) in [0, -1, 1, -2, 2, -3].into_iter().enumerate() {
            let mut out = Vec::new();
            put_svarint(&mut out, value);
            assert_eq!(out, [i as u8]);
        }
        for value in [63, 64, -64, -65, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            put_svarint(&mut out, value);
            assert_eq!(take_svarint(&mut out.as_slice()), Ok(value));
        }
    }

    #[test]
    fn numbers_are_little_endian_and_a_short_slice_is_left_as_it_was() {
        let mut from = &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16][..];
        assert_eq!(take_u8(&mut from), Ok(1));
        assert_eq!(take_u16(&mut from), Ok(0x0302));
        assert_eq!(take_u32(&mut from), Ok(0x0706_0504));
        assert_eq!(take_u64(&mut from), Ok(0x0f0e_0d0c_0b0a_0908));
        assert_eq!(take_bytes(&mut from, usize::MAX).unwrap_err().kind, ErrorKind::Truncated);
        assert_eq!(take_bytes(&mut from, 1), Ok(&[16][..]));
        assert_eq!(take_u8(&mut from).unwrap_err().kind, ErrorKind::Truncated);
    }
}
