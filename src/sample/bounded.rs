//! int = round(x / step) − first        x′ = (first + int) · step                            Uniform      |x − x′| ≤ E
//! int = n ± (round(log₂|x| / step) − first + 1),   n for 0        x′ = ±2^((first + …) · step)       Logarithmic  |x − x′| ≤ E·|x|
//! int = ⌊(key − first + N) / (2N + 1)⌋         key′ = min(first + int · (2N + 1), last)      Near         |x − x′| ≤ N
//!
//! Maps that lose, and keep their bound: the decoder's own arithmetic is done on every sample before it gets an int, the cast to
//! its dtype included. A sample that would come out too far off, or that no int names, is an *exception*; one that is, bit for
//! bit, one of a few *markers* (NaN, fill values) is that marker. Both lie outside of the ints: a mask says where.
//!
//! IEEE f64 with + − × ÷ and rounding to whole numbers, each once: the same on every machine.

use super::ieee::{Ieee, MAX_WHOLE};
use super::loss::{Bound, short};
use super::octave::{exp2, log2};
use super::order::Order;
use super::survey::{Survey, Surveyed};
use super::word::Word;
use crate::array::Dtype;
use crate::error::{Error, Result};

/// What a mask says of a sample: 0, the number of its marker from 1, or that it is an exception: one more than there are markers.
pub const ORDINARY: u8 = 0;
/// Networks see ints up to here; a map that a few samples stretch further leaves these out.
const WISHED_MAX: u64 = 1 << 22;
/// One in so many: exceptions then take a twentieth of a bit per sample. Where there is no map at all otherwise, more may be left out.
const OUTSIDE: u64 = 1024;
const FAR_OUTSIDE: u64 = 64;
const MAX: u64 = u32::MAX as u64 - 1;
/// The largest N that a map can say.
pub(super) const MAX_REACH: u64 = 1 << 62;

#[derive(Clone, Debug, PartialEq)]
pub struct Bounded {
    pub dtype: Dtype,
    pub rule: Rule,
    /// The largest int.
    pub max: u32,
    /// Bit patterns.
    pub markers: Vec<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    Uniform { bound: f64, step: f64, first: i64 },
    Logarithmic { bound: f64, step: f64, first: i64, n_negative: u32 },
    Near { reach: u64, first: u64 },
}

impl Bounded {
    /// The map for a bound; None where the array would not get simpler by it.
    pub fn new(survey: &Survey, bound: Bound) -> Option<Bounded> {
        Bounded::in_parts(survey, bound, 1)
    }

    /// The same with steps of an odd part of twice the bound, of floats: an int that is off by half of them keeps it.
    pub fn in_parts(survey: &Survey, bound: Bound, n_limbs: u32) -> Option<Bounded> {
        let Surveyed { markers, ends } = survey.surveyed();
        let (dtype, ends) = (survey.dtype(), ends?);
        let (rule, max) = match bound {
            Bound::Abs(e) => {
                let uniform = |ends| uniform(survey, e, f64::from(n_limbs), ends);
                let fits = |ends| uniform(ends).filter(|(_, max)| *max <= WISHED_MAX);
                let reaching = |one_in| survey.inner_ends(ends, one_in);
                fits(ends)
                    .or_else(|| fits(reaching(OUTSIDE)))
                    .or_else(|| uniform(ends))
                    .or_else(|| uniform(reaching(FAR_OUTSIDE)))
            }
            Bound::PwRel(e) => logarithmic(survey, e, ends),
            Bound::Near(reach) => {
                let fits = |ends| near(reach, ends).filter(|(_, max)| *max <= WISHED_MAX);
                fits(ends).or_else(|| fits(survey.inner_ends(ends, OUTSIDE))).or_else(|| near(reach, ends))
            }
        }
        .filter(|(_, max)| *max <= MAX)?;
        Some(Bounded { dtype, rule, max: max as u32, markers })
    }

    pub fn bound(&self) -> Bound {
        match self.rule {
            Rule::Uniform { bound, .. } => Bound::Abs(bound),
            Rule::Logarithmic { bound, .. } => Bound::PwRel(bound),
            Rule::Near { reach, .. } => Bound::Near(reach),
        }
    }

    /// The class of exceptions.
    pub fn exception(&self) -> u8 {
        self.markers.len() as u8 + 1
    }

    /// Ints and classes of whole samples; the int of a sample that is not ordinary means nothing.
    pub fn to_ints(&self, bytes: &[u8], big_endian: bool, ints: &mut [i32], classes: &mut [u8]) {
        let slots = ints.iter_mut().zip(classes);
        match self.dtype.n_bytes() {
            1 => u8::visit(bytes, big_endian, slots, |slot, w| self.place(slot, w.wide())),
            2 => u16::visit(bytes, big_endian, slots, |slot, w| self.place(slot, w.wide())),
            4 => u32::visit(bytes, big_endian, slots, |slot, w| self.place(slot, w.wide())),
            _ => u64::visit(bytes, big_endian, slots, |slot, w| self.place(slot, w)),
        }
    }

    #[inline(always)]
    fn place(&self, (int, class): (&mut i32, &mut u8), bits: u64) {
        if let Some(i) = self.markers.iter().position(|&marker| marker == bits) {
            *class = i as u8 + 1;
        } else if let Some(found) = self.int(bits).filter(|&int| self.holds(bits, self.sample(int))) {
            (*int, *class) = (found as i32, ORDINARY);
        } else {
            *class = self.exception();
        }
    }

    /// The int nearest to a sample, if the map reaches there.
    #[inline(always)]
    fn int(&self, bits: u64) -> Option<u32> {
        let within = |int: f64, from: u32, to: u32| {
            let int = int + f64::from(from);
            (int >= f64::from(from) && int <= f64::from(to)).then_some(int as u32)
        };
        match self.rule {
            Rule::Uniform { step, first, .. } => {
                within((self.number(bits) / step).round_ties_even() - first as f64, 0, self.max)
            }
            Rule::Logarithmic { step, first, n_negative, .. } => {
                let x = self.number(bits);
                if x == 0.0 {
                    return Some(n_negative);
                }
                if !x.is_finite() {
                    return None;
                }
                let rank = (log2(x.abs()) / step).round_ties_even() - first as f64;
                if x > 0.0 {
                    return within(rank, n_negative + 1, self.max);
                }
                within(rank, 1, n_negative).map(|rank| n_negative - rank)
            }
            Rule::Near { reach, first } => {
                let key = Order::of(self.dtype).key(bits);
                // a map of the widest steps begins amid the samples
                let above = if reach == MAX_REACH { key.saturating_sub(first) } else { key.checked_sub(first)? };
                let step = 2 * reach + 1;
                let int = above / step + u64::from(above % step > reach);
                u32::try_from(int).ok().filter(|int| *int <= self.max)
            }
        }
    }

    /// The bits of the sample that an int stands for.
    #[inline(always)]
    pub fn sample(&self, int: u32) -> u64 {
        match self.rule {
            Rule::Uniform { step, first, .. } => self.bits((first + i64::from(int)) as f64 * step),
            Rule::Logarithmic { step, first, n_negative, .. } => {
                let rank = i64::from(int) - i64::from(n_negative);
                let magnitude = || exp2((first + rank.abs() - 1) as f64 * step);
                self.bits(match rank.signum() {
                    0 => 0.0,
                    1 => magnitude(),
                    _ => -magnitude(),
                })
            }
            Rule::Near { reach, first } => {
                let order = Order::of(self.dtype);
                let up = u64::from(int).saturating_mul(2 * reach + 1);
                order.bits(first.saturating_add(up).min(order.mask()))
            }
        }
    }

    #[inline(always)]
    fn number(&self, bits: u64) -> f64 {
        if self.dtype == Dtype::F32 { f64::from(f32::from_bits(bits as u32)) } else { f64::from_bits(bits) }
    }

    /// The cast.
    #[inline(always)]
    fn bits(&self, number: f64) -> u64 {
        if self.dtype == Dtype::F32 { u64::from((number as f32).to_bits()) } else { number.to_bits() }
    }

    /// Whether one bit pattern may come out for another. Rounding never turns an order round: of rounded differences and
    /// products, the smaller is the smaller, or they were equal.
    #[inline(always)]
    pub fn holds(&self, original: u64, decoded: u64) -> bool {
        if original == decoded {
            return true;
        }
        let (x, y) = (self.number(original), self.number(decoded));
        match self.rule {
            Rule::Uniform { bound, .. } => {
                (x - y).abs() < bound || ((x - y).abs() == bound && !difference_is_above(x, y))
            }
            Rule::Logarithmic { bound, .. } => x == y || (x - y).abs() < bound * x.abs(),
            Rule::Near { reach, .. } => {
                let order = Order::of(self.dtype);
                order.key(original).abs_diff(order.key(decoded)) <= reach
            }
        }
    }

    /// Samples of ints that are all ordinary.
    pub fn from_ints(&self, ints: &[i32], big_endian: bool, out: &mut [u8]) -> Result<()> {
        match self.dtype.n_bytes() {
            1 => self.fill::<u8>(ints, big_endian, out),
            2 => self.fill::<u16>(ints, big_endian, out),
            4 => self.fill::<u32>(ints, big_endian, out),
            _ => self.fill::<u64>(ints, big_endian, out),
        }
        match ints.iter().all(|&int| int as u32 <= self.max) {
            true => Ok(()),
            false => Err(Error::corrupt(format!("a sample's int is larger than {}, the largest of its map", self.max))),
        }
    }

    fn fill<W: Word>(&self, ints: &[i32], big_endian: bool, out: &mut [u8]) {
        W::fill(out, big_endian, ints.iter().map(|&int| W::low(self.sample(int as u32))));
    }
}

/// Whether |x − y| is larger than its rounded value.
#[cold]
fn difference_is_above(x: f64, y: f64) -> bool {
    let d = x - y;
    let part = d - x;
    let rest = (x - (d - part)) + (-y - part);
    if d > 0.0 { rest > 0.0 } else { rest < 0.0 }
}

/// Half the distance of floats at |x|, and a little for the roundings on the way.
fn rounding(dtype: Dtype, magnitude: f64) -> f64 {
    let (half, least) = match dtype {
        Dtype::F32 => (1.0 / 16_777_216.0 + 1e-15, f64::from(f32::from_bits(1)) * 0.5),
        _ => (1.0 / 4_503_599_627_370_496.0, f64::from_bits(1)),
    };
    // denormals are as far apart as the smallest of them is from 0
    (magnitude * half).max(least)
}

/// Whether a number is still one when it is cast.
fn is_finite(dtype: Dtype, number: f64) -> bool {
    if dtype == Dtype::F32 { (number as f32).is_finite() } else { number.is_finite() }
}

/// Steps a hair below 2E, so that hardly any sample becomes an exception by the cast.
fn uniform(survey: &Survey, bound: f64, n_limbs: f64, (min, max): (u64, u64)) -> Option<(Rule, u64)> {
    let (min, max) = (survey.number(min), survey.number(max));
    let hair = rounding(survey.dtype(), min.abs().max(max.abs()));
    let step = short((2.0 * (bound - hair)).min(f64::MAX) / n_limbs);
    // a step near the distance of floats saves nothing
    if bound.is_nan() || bound <= 2.0 * hair * n_limbs || step <= 0.0 || !step.is_finite() {
        return None;
    }
    let (first, last) = ((min / step).round_ties_even(), (max / step).round_ties_even());
    // what is reconstructed may come out as any int of its map: none of them is infinite
    let inward = |k: f64| if n_limbs == 1.0 || is_finite(survey.dtype(), k * step) { k } else { k - k.signum() };
    let (first, last) = (inward(first), inward(last));
    let end = MAX_WHOLE as f64;
    let map = (Rule::Uniform { bound, step, first: first as i64 }, (last - first) as u64);
    (first >= -end && last <= end).then_some(map)
}

fn logarithmic(survey: &Survey, bound: f64, (min, max): (u64, u64)) -> Option<(Rule, u64)> {
    let (least, has_negative) = survey.magnitudes();
    let ieee = Ieee::of(survey.dtype())?;
    let (min, max) = (survey.number(min), survey.number(max));
    let hair = rounding(survey.dtype(), 1.0);
    if bound <= 2.0 * hair {
        return None;
    }
    let step = short(2.0 * log2(1.0 + (bound - hair)));
    let least = least.filter(|_| step > 0.0)?;
    let least = if ieee.precision() == 24 { f64::from(f32::from_bits(least as u32)) } else { f64::from_bits(least) };
    let rank = |x: f64| (log2(x) / step).round_ties_even();
    let first = rank(least);
    let n_above = |x: f64| if x > 0.0 { (rank(x) - first).max(0.0) as u64 + 1 } else { 0 };
    let n_negative = if has_negative { n_above(-min) } else { 0 };
    let max = n_negative.checked_add(n_above(max))?;
    let n_negative = u32::try_from(n_negative).ok()?;
    let end = MAX_WHOLE as f64;
    let map = (Rule::Logarithmic { bound, step, first: first as i64, n_negative }, max);
    (first >= -end && first + max as f64 <= end).then_some(map)
}

fn near(reach: u64, (min, max): (u64, u64)) -> Option<(Rule, u64)> {
    if reach > MAX_REACH {
        return Some(widest(min, max));
    }
    let step = 2 * reach + 1;
    let above = max - min;
    Some((Rule::Near { reach, first: min }, above / step + u64::from(above % step > reach)))
}

/// More than a map can say: one int amid the samples, or two of which each reaches half of them.
fn widest(min: u64, max: u64) -> (Rule, u64) {
    let above = max - min;
    let first = min + (above / 2).min(MAX_REACH);
    (Rule::Near { reach: MAX_REACH, first }, u64::from(above > 2 * MAX_REACH))
}

#[cfg(test)]
mod tests;
