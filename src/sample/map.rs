//! Map = Linear | Rank: a bijection between the samples that occur and ints that start at 0.
//!
//! A map can only be built valid, from statistics or from bytes that were checked; the loops rely on it.

use super::alphabet::MAX_VALUES;
use super::ieee::Ieee;
use super::linear::{Axis, Linear};
use super::order::{Kind, Order};
use super::range::{Range, merged};
use super::rank::Rank;
use super::stats::Stats;
use crate::array::Dtype;
use crate::error::Result;

/// How samples become one or two planes of ints ("parts") and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub(super) form: Form,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Linear(Linear),
    Rank(Rank),
}

impl Map {
    /// Maps that fit an array with these statistics, the plain one first; which gives the smallest file is for the encoder to
    /// measure. Never empty; only one where all samples are the same.
    pub fn candidates(stats: &Stats) -> Vec<Map> {
        let ordered = ordered(stats);
        let mut forms = Vec::new();
        if ordered.quotient > 0 {
            forms.extend(scaled(stats));
        }
        // Beside integers in one part, raw float bits in two have nothing to offer.
        if !forms.first().is_some_and(|scaled| scaled.max_int() <= u64::from(u32::MAX) && in_two(&ordered)) {
            forms.push(ordered);
        }
        let rank = rank(stats, forms[0].max_int()).map(Form::Rank);
        forms.into_iter().map(Form::Linear).chain(rank).map(|form| Map { form }).collect()
    }

    pub fn dtype(&self) -> Dtype {
        match &self.form {
            Form::Linear(linear) => linear.dtype,
            Form::Rank(rank) => rank.dtype(),
        }
    }

    /// 1, or 2 where ints need more than 32 bits: the high word, then the low word.
    pub fn n_parts(&self) -> usize {
        match &self.form {
            Form::Linear(linear) if in_two(linear) => 2,
            _ => 1,
        }
    }

    /// Every int of this part is, read as u32, at most this.
    pub fn max_int(&self, part: usize) -> u32 {
        assert!(part < self.n_parts(), "a map has {} parts, not {}", self.n_parts(), part + 1);
        match &self.form {
            Form::Linear(linear) if part == 1 || !in_two(linear) => linear.max_int().min(u64::from(u32::MAX)) as u32,
            Form::Linear(linear) => (linear.max_int() >> 32) as u32,
            Form::Rank(rank) => rank.n_values() as u32 - 1,
        }
    }

    /// Ints of whole samples; one slot per sample in every part. The bytes are of the array that the statistics were taken of:
    /// a sample that they have not seen gets an int that means nothing.
    pub fn to_ints(&self, bytes: &[u8], big_endian: bool, parts: &mut [&mut [i32]]) {
        let n = bytes.len() / self.dtype().n_bytes();
        assert!(bytes.len().is_multiple_of(self.dtype().n_bytes()), "ints are made of whole samples");
        assert_eq!(parts.len(), self.n_parts(), "one slice per part");
        assert!(parts.iter().all(|part| part.len() == n), "one int per sample and part");
        match &self.form {
            Form::Linear(linear) => linear.to_ints(bytes, big_endian, parts),
            Form::Rank(rank) => rank.to_ints(bytes, big_endian, parts[0]),
        }
    }

    /// The inverse. Ints that no sample can have are noticed; `out` then means nothing.
    pub fn from_ints(&self, parts: &[&[i32]], big_endian: bool, out: &mut [u8]) -> Result<()> {
        let n = out.len() / self.dtype().n_bytes();
        assert!(out.len().is_multiple_of(self.dtype().n_bytes()), "ints become whole samples");
        assert_eq!(parts.len(), self.n_parts(), "one slice per part");
        assert!(parts.iter().all(|part| part.len() == n), "one int per sample and part");
        match &self.form {
            Form::Linear(linear) => linear.from_ints(parts, big_endian, out),
            Form::Rank(rank) => rank.from_ints(parts[0], big_endian, out),
        }
    }

    /// For people: "offset 1203 step 16", "rank of 42 values", "ordered f32".
    pub fn name(&self) -> String {
        match &self.form {
            Form::Linear(linear) => linear_name(linear),
            Form::Rank(rank) => format!("rank of {} values", rank.n_values()),
        }
    }
}

fn in_two(linear: &Linear) -> bool {
    linear.max_int() > u64::from(u32::MAX)
}

fn linear(dtype: Dtype, axis: Axis, hole: Option<u64>, range: Range) -> Linear {
    Linear { dtype, axis, hole, offset: range.min, step: range.step(), quotient: range.quotient() }
}

/// Bits in the order of the samples. A single NaN or infinity is taken out as a hole: it would stretch the range, and its
/// distance to the others has no common step with them.
fn ordered(stats: &Stats) -> Linear {
    let (dtype, order) = (stats.dtype(), Order::of(stats.dtype()));
    let (ordinary, special) = stats.ranges();
    if let (Some(ordinary), Some(special), Some(ieee)) = (ordinary, special, Ieee::of(dtype)) {
        let bits = order.bits(special.min);
        if special.is_point() && !ieee.is_finite(bits) {
            return linear(dtype, Axis::Ordered, Some(bits), ordinary);
        }
    }
    linear(dtype, Axis::Ordered, None, merged(ordinary, special).unwrap_or(Range::at(0)))
}

/// Floats as integers, with at most one special value, as the hole.
fn scaled(stats: &Stats) -> Option<Linear> {
    let (_, special) = stats.ranges();
    let (exponent, range) = stats.scaled()?;
    if special.is_some_and(|special| !special.is_point()) {
        return None;
    }
    let hole = special.map(|special| Order::of(stats.dtype()).bits(special.min));
    Some(linear(stats.dtype(), Axis::Scaled(exponent), hole, range))
}

/// Worth measuring where at least half of the ints between the ends do not occur and the table is smaller than the array.
fn rank(stats: &Stats, max_int: u64) -> Option<Rank> {
    let keys = stats.alphabet()?;
    let n = keys.len() as u64;
    let sparse = 2 <= n && 2 * n <= max_int.saturating_add(1) && 2 * n <= stats.n_samples();
    (sparse && keys.len() <= MAX_VALUES).then(|| Rank::new(stats.dtype(), &keys))
}

fn linear_name(map: &Linear) -> String {
    let order = Order::of(map.dtype);
    let mut name = match (map.axis, order.kind) {
        (Axis::Scaled(e), _) => {
            let k = (map.offset ^ (1 << 63)) as i64;
            format!("{} as k·2^{e} offset {k}", map.dtype.name())
        }
        (Axis::Ordered, Kind::Float) => format!("ordered {}", map.dtype.name()),
        (Axis::Ordered, _) => format!("offset {}", order.integer(map.offset)),
    };
    if map.step > 1 {
        name += &format!(" step {}", map.step);
    }
    if let Some(bits) = map.hole {
        name += &format!(" hole {bits:#x}");
    }
    name
}
