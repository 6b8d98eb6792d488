//! map = form:1 | bound:4 step:4 first max | markers            uniform 8
//!     = form:1 | bound:4 step:4 first n_negative max | markers        logarithmic 9
//!     = form:1 | reach−1 first max | markers                       near 10
//!
//! markers = n:1 | bits, as many bytes as a sample has, × n. Bound and step are the upper 32 bits of an f64.

use super::bounded::{Bounded, MAX_REACH, Rule};
use super::ieee::MAX_WHOLE;
use super::linear::Axis;
use super::offset::{put_offset, take_offset};
use super::order::{Kind, Order};
use super::survey::MAX_MARKERS;
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
            if reach >= MAX_REACH {
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

#[cfg(test)]
mod tests {
    use super::super::{Bound, Map, Survey};
    use super::{Dtype, LOGARITHMIC, NEAR, Order, UNIFORM};
    use crate::error::ErrorKind;

    /// A map for samples of a dtype, and the samples.
    fn map(dtype: Dtype, bound: Bound) -> Map {
        let mut survey = Survey::new(dtype);
        let word = |i: u64| match dtype {
            Dtype::F32 => u64::from(((i as f32 - 300.0) * 0.37).to_bits()),
            Dtype::F64 => ((i as f64 - 300.0) * 0.37).to_bits(),
            _ => 3 + i * 7 % 30,
        };
        let fill = Order::of(dtype).mask() >> 1;
        let words = (0..900).map(word).chain([fill; 50]);
        let bytes: Vec<u8> = words.flat_map(|w| w.to_le_bytes().into_iter().take(dtype.n_bytes())).collect();
        survey.update(&bytes, false);
        Map::bounded(&survey, bound).unwrap()
    }

    #[test]
    fn bounded_maps_of_every_dtype_come_back_and_no_cut_or_flip_panics() {
        for dtype in Dtype::ALL {
            let bounds = match Order::of(dtype).kind {
                super::Kind::Float => vec![Bound::Abs(0.5), Bound::PwRel(0.25)],
                _ => vec![Bound::Near(1), Bound::Near(9)],
            };
            for bound in bounds {
                let map = map(dtype, bound);
                assert_eq!((map.bound(), map.markers().len()), (Some(bound), 1), "{}", map.name());
                let mut bytes = Vec::new();
                map.write(&mut bytes);
                for n in 0..bytes.len() {
                    assert_eq!(Map::read(&mut &bytes[..n], dtype).unwrap_err().kind, ErrorKind::Truncated, "{n}");
                }
                assert_eq!(Map::read(&mut bytes.as_slice(), dtype).unwrap(), map);
                for bit in 0..bytes.len() * 8 {
                    let mut wrong = bytes.clone();
                    wrong[bit / 8] ^= 1 << (bit % 8);
                    let Ok(other) = Map::read(&mut wrong.as_slice(), dtype) else { continue };
                    let ints = [0, 1, 7, -1, i32::MIN];
                    let mut out = vec![0; 5 * dtype.n_bytes()];
                    let parts = vec![&ints[..]; other.n_limbs()];
                    assert_ne!(other, map, "bit {bit} changes nothing");
                    if let Err(error) = other.from_ints(&parts, false, &mut out) {
                        assert_eq!(error.kind, ErrorKind::Corrupt, "{}", other.name());
                    }
                }
            }
        }
    }

    #[test]
    fn forms_that_make_no_sense_are_corrupt() {
        let short = |x: f64| ((x.to_bits() >> 32) as u32).to_le_bytes().to_vec();
        let uniform =
            |bound: f64, step: f64, rest: &[u8]| [vec![UNIFORM], short(bound), short(step), rest.to_vec()].concat();
        assert!(Map::read(&mut uniform(1.0, 2.0, &[0, 9, 0]).as_slice(), Dtype::F32).is_ok());
        let nan_twice = [&[0, 9, 2][..], &[0, 0, 0xc0, 0x7f, 0, 0, 0xc0, 0x7f]].concat();
        for wrong in [
            uniform(0.0, 2.0, &[0, 9, 0]),
            uniform(1.0, -2.0, &[0, 9, 0]),
            uniform(f64::INFINITY, 2.0, &[0, 9, 0]),
            uniform(1.0, 2.0, &[0, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]),
            uniform(1.0, 2.0, &nan_twice),
            [vec![LOGARITHMIC], short(0.5), short(0.5), vec![0, 10, 9, 0]].concat(),
            vec![NEAR, 0, 0, 9, 0],
        ] {
            assert_eq!(Map::read(&mut wrong.as_slice(), Dtype::F32).unwrap_err().kind, ErrorKind::Corrupt, "{wrong:?}");
        }
        assert_eq!(
            Map::read(&mut uniform(1.0, 2.0, &[0, 9, 7]).as_slice(), Dtype::F32).unwrap_err().kind,
            ErrorKind::Limit
        );
        assert_eq!(
            Map::read(&mut uniform(1.0, 2.0, &[0, 9, 0]).as_slice(), Dtype::I16).unwrap_err().kind,
            ErrorKind::Corrupt
        );
    }
}
