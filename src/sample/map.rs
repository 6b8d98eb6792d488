//! Map = Linear | Rank: a bijection between the samples that occur and ints that start at 0;  Bounded: one that loses.
//!
//! A map can only be built valid, from statistics or from bytes that were checked; the loops rely on it.

use super::alphabet::MAX_VALUES;
use super::bounded::{Bounded, ORDINARY, Rule};
use super::errors::Errors;
use super::ieee::Ieee;
use super::linear::{Axis, Linear};
use super::loss::{Bound, number};
use super::order::{Kind, Order};
use super::range::{Range, merged};
use super::rank::Rank;
use super::stats::Stats;
use super::survey::Survey;
use crate::array::Dtype;
use crate::error::{Error, Result};

/// How samples become one or two planes of ints ("parts") and back.
#[derive(Clone, Debug, PartialEq)]
pub struct Map {
    pub(super) form: Form,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Linear(Linear),
    Rank(Rank),
    Bounded(Bounded),
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

    /// The map that loses no more than a bound; None where that would not make the array any simpler.
    pub fn bounded(survey: &Survey, bound: Bound) -> Option<Map> {
        Bounded::new(survey, bound).map(|bounded| Map { form: Form::Bounded(bounded) })
    }

    /// The same for ints that are off by up to half of an odd number of parts of a step.
    pub fn bounded_in_parts(survey: &Survey, bound: Bound, n_limbs: u32) -> Option<Map> {
        Bounded::in_parts(survey, bound, n_limbs).map(|bounded| Map { form: Form::Bounded(bounded) })
    }

    /// The bound of a map that loses.
    pub fn bound(&self) -> Option<Bound> {
        self.lossy().map(Bounded::bound)
    }

    fn lossy(&self) -> Option<&Bounded> {
        match &self.form {
            Form::Bounded(bounded) => Some(bounded),
            _ => None,
        }
    }

    /// The values of a map of ranks.
    pub fn n_ranks(&self) -> Option<usize> {
        match &self.form {
            Form::Rank(rank) => Some(rank.n_values()),
            _ => None,
        }
    }

    /// Samples that are all the same bits, by the class from 1 that a mask gives them; none where no mask is possible.
    pub fn markers(&self) -> &[u64] {
        self.lossy().map_or(&[], |bounded| &bounded.markers)
    }

    /// The class of samples whose bits are stored, where a mask is possible.
    pub fn exception(&self) -> Option<u8> {
        self.lossy().map(Bounded::exception)
    }

    pub fn dtype(&self) -> Dtype {
        match &self.form {
            Form::Linear(linear) => linear.dtype,
            Form::Rank(rank) => rank.dtype(),
            Form::Bounded(bounded) => bounded.dtype,
        }
    }

    /// 1, or 2 where ints need more than 32 bits: the high word, then the low word.
    pub fn n_limbs(&self) -> usize {
        match &self.form {
            Form::Linear(linear) if in_two(linear) => 2,
            _ => 1,
        }
    }

    /// Every int of this part is, read as u32, at most this.
    pub fn max_int(&self, part: usize) -> u32 {
        assert!(part < self.n_limbs(), "a map has {} parts, not {}", self.n_limbs(), part + 1);
        match &self.form {
            Form::Linear(linear) if part == 1 || !in_two(linear) => linear.max_int().min(u64::from(u32::MAX)) as u32,
            Form::Linear(linear) => (linear.max_int() >> 32) as u32,
            Form::Rank(rank) => rank.n_values() as u32 - 1,
            Form::Bounded(bounded) => bounded.max,
        }
    }

    /// Ints of whole samples; one slot per sample in every part. The bytes are of the array that the statistics were taken of:
    /// a sample that they have not seen gets an int that means nothing.
    pub fn to_ints(&self, bytes: &[u8], big_endian: bool, parts: &mut [&mut [i32]]) {
        let n = bytes.len() / self.dtype().n_bytes();
        assert!(bytes.len().is_multiple_of(self.dtype().n_bytes()), "ints are made of whole samples");
        assert_eq!(parts.len(), self.n_limbs(), "one slice per part");
        assert!(parts.iter().all(|part| part.len() == n), "one int per sample and part");
        match &self.form {
            Form::Linear(linear) => linear.to_ints(bytes, big_endian, parts),
            Form::Rank(rank) => rank.to_ints(bytes, big_endian, parts[0]),
            Form::Bounded(bounded) => bounded.to_ints(bytes, big_endian, parts[0], &mut vec![ORDINARY; n]),
        }
    }

    /// The same of a map that loses, and the class of every sample; ints of those that are not ordinary mean nothing.
    pub fn to_classes(&self, bytes: &[u8], big_endian: bool, ints: &mut [i32], classes: &mut [u8]) {
        let n = bytes.len() / self.dtype().n_bytes();
        assert!(ints.len() == n && classes.len() == n, "one int and one class per sample");
        match &self.form {
            Form::Bounded(bounded) => bounded.to_ints(bytes, big_endian, ints, classes),
            _ => self.to_ints(bytes, big_endian, &mut [ints]),
        }
    }

    /// The inverse. Ints that no sample can have are noticed; `out` then means nothing.
    pub fn from_ints(&self, parts: &[&[i32]], big_endian: bool, out: &mut [u8]) -> Result<()> {
        let n = out.len() / self.dtype().n_bytes();
        assert!(out.len().is_multiple_of(self.dtype().n_bytes()), "ints become whole samples");
        assert_eq!(parts.len(), self.n_limbs(), "one slice per part");
        assert!(parts.iter().all(|part| part.len() == n), "one int per sample and part");
        match &self.form {
            Form::Linear(linear) => linear.from_ints(parts, big_endian, out),
            Form::Rank(rank) => rank.from_ints(parts[0], big_endian, out),
            Form::Bounded(bounded) => bounded.from_ints(parts[0], big_endian, out),
        }
    }

    /// What a map that loses will lose, fill values left out.
    pub fn measure(&self, bytes: &[u8], big_endian: bool) -> Errors {
        self.lossy().map_or(Errors::default(), |bounded| bounded.measure(bytes, big_endian))
    }

    /// The bits of one sample among whole ones.
    pub fn bits(&self, bytes: &[u8], big_endian: bool, index: usize) -> u64 {
        let n = self.dtype().n_bytes();
        let sample = bytes[index * n..][..n].iter();
        let join = |bits: u64, byte: &u8| bits << 8 | u64::from(*byte);
        if big_endian { sample.fold(0, join) } else { sample.rev().fold(0, join) }
    }

    /// The inverse of `bits`.
    pub fn put(&self, bytes: &mut [u8], big_endian: bool, index: usize, bits: u64) {
        let n = self.dtype().n_bytes();
        let sample = &mut bytes[index * n..][..n];
        sample.copy_from_slice(&bits.to_le_bytes()[..n]);
        if big_endian {
            sample.reverse();
        }
    }

    /// Holds what decoding gives against what was there, sample by sample.
    pub fn check(&self, original: &[u8], decoded: &[u8], big_endian: bool) -> Result<Errors> {
        match &self.form {
            Form::Bounded(bounded) => bounded.check(original, decoded, big_endian),
            _ if original == decoded => Ok(Errors::default()),
            _ => Err(Error::verify("samples are not the same")),
        }
    }

    /// Whether the other differs in its numbers only: ranks, the numbers themselves, or a bound of the same kind.
    pub fn is_like(&self, other: &Map) -> bool {
        match (&self.form, &other.form) {
            (Form::Linear(ours), Form::Linear(theirs)) => ours.axis == theirs.axis && ours.hole == theirs.hole,
            (Form::Rank(_), Form::Rank(_)) => true,
            (Form::Bounded(ours), Form::Bounded(theirs)) => {
                std::mem::discriminant(&ours.rule) == std::mem::discriminant(&theirs.rule)
            }
            _ => false,
        }
    }

    /// For people: "offset 1203 step 16", "rank of 42 values", "ordered f32".
    pub fn name(&self) -> String {
        match &self.form {
            Form::Linear(linear) => linear_name(linear),
            Form::Rank(rank) => format!("rank of {} values", rank.n_values()),
            Form::Bounded(bounded) => bounded_name(bounded),
        }
    }
}

fn bounded_name(map: &Bounded) -> String {
    let mut name = match map.rule {
        Rule::Uniform { bound, step, .. } => format!("within ±{} in steps of {}", number(bound), number(step)),
        Rule::Logarithmic { bound, step, .. } => {
            format!("within ±{} of each in steps of {} octaves", number(bound), number(step))
        }
        Rule::Near { reach, first } => {
            let first = Order::of(map.dtype).integer(first);
            format!("within ±{reach} in steps of {} from {first}", 2 * reach + 1)
        }
    };
    match map.markers.len() {
        0 => {}
        1 => name += ", 1 fill value",
        n => name += &format!(", {n} fill values"),
    }
    name
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
