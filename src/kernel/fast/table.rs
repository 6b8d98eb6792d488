//! kernel::table and kernel::table_symbol, sixteen cells at a time; and the symbol of a quantile, by comparing it with all of its table at once.

use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use crate::kernel::context::Heads;
use crate::kernel::table::{
    Choice, Choices, FIRST_PLACE, LOG2_PLACES, LOG2_SKEW_STEPS, LOG2_TAIL_STEPS, MAX_LOG2_SCALE, MAX_SKEW, MAX_TAIL,
    MIN_LOG2_SCALE, N_SKEWS, N_SYMBOLS, OUTSIDE, STEPS, tables,
};
use crate::kernel::table_symbol::{Found, Told};

static PLACES: [i32; 8] = LOG2_PLACES;
static FIRST: [i32; 8] = FIRST_PLACE;

#[inline(always)]
pub fn choose<V: Lanes>(n: usize, b: &[i32], heads: &Heads, max: i32, out: &mut Choices) {
    let middles = &mut out.middle;
    let choices: &mut [i32] = bytemuck::cast_slice_mut(&mut out.choice);
    for i in (0..n).step_by(N) {
        let (s, b) = (V::load(sixteen(&heads.s, i)), V::load(sixteen(b, i)));
        let moved = s.min(V::splat(1 << 19)).mul(clamp(head(heads, 0, i), -1024, 1024));
        let location = b.add(moved.add(V::splat(64)).sar(V::splat(7)));
        let log2_scale = clamp(log2(s).add(head(heads, 1, i)), MIN_LOG2_SCALE, MAX_LOG2_SCALE);
        let q = log2_scale.add(V::splat(16)).sar(V::splat(5));
        let tail = clamp(rounded(head(heads, 2, i), LOG2_TAIL_STEPS), 0, MAX_TAIL);
        let skew = clamp(rounded(head(heads, 3, i), LOG2_SKEW_STEPS), -MAX_SKEW, MAX_SKEW);

        let shift = q.sar(V::splat(3)).sub(V::splat(8)).max(V::splat(0));
        let scale = q.sub(shift.shl(V::splat(3))).sub(V::splat(16));
        let octave = scale.sar(V::splat(3));
        let places = octave.lookup8(&PLACES);
        let log2_step = V::splat(6).add(shift).sub(places);
        let one = V::splat(1);
        let half = one.shl(log2_step).sar(one);
        let place = location.add(V::splat(32)).add(half).sar(log2_step);
        let last = V::splat(max).sar(shift);
        let middle = place.sar(places).max(V::splat(-OUTSIDE)).min(last.add(V::splat(OUTSIDE)));
        let first = octave.lookup8(&FIRST).add(scale.and(V::splat(7)).shl(places));
        let shape = first.add(place.and(one.shl(places).sub(one)));
        let shape = shape.shl(V::splat(3)).add(tail).mul_halves(V::splat(N_SKEWS)).add(skew).add(V::splat(MAX_SKEW));
        let ends = symbol(V::splat(0).sub(middle)).or(symbol(last.sub(middle)).shl(V::splat(6)));
        let choice = shape.or(shift.shl(V::splat(15))).or(ends.shl(V::splat(19)));
        choice.store(sixteen_mut(choices, i));
        middle.store(sixteen_mut(middles, i));
    }
}

#[inline(always)]
fn head<V: Lanes>(heads: &Heads, h: usize, i: usize) -> V {
    V::load(sixteen(&heads.heads, h * heads.stride + i))
}

#[inline(always)]
fn rounded<V: Lanes>(x: V, log2_steps: u32) -> V {
    x.add(V::splat(1 << log2_steps >> 1)).sar(V::splat(log2_steps as i32))
}

#[inline(always)]
fn symbol<V: Lanes>(d: V) -> V {
    let below = V::splat(0).gt(d);
    let n = V::select(below, V::splat(-1).sub(d), d);
    let pieces = [
        V::splat(32).add(n),
        V::splat(42).add(n.sar(V::splat(1))),
        V::splat(48).add(n.add(V::splat(2)).sar(V::splat(2))),
        V::splat(52).add(n.add(V::splat(6)).sar(V::splat(3))),
        V::splat(55).add(n.add(V::splat(14)).sar(V::splat(4))),
        V::splat(58).add(n.add(V::splat(14)).sar(V::splat(5))),
    ];
    let (near, middle) = (pieces[0].min(pieces[1]), pieces[2].min(pieces[3]));
    let up = near.min(middle).min(pieces[4].min(pieces[5])).min(V::splat(63));
    V::select(below, V::splat(63).sub(up), up)
}

/// 256 · first step + log2 of the number of steps, of the upper symbols.
static UPPER_STEPS: [i32; 32] = {
    let mut all = [0; 32];
    let mut j = 0;
    while j < 32 {
        all[j] = STEPS[32 + j].0 << 8 | STEPS[32 + j].1 as i32;
        j += 1;
    }
    all
};

/// The first step of symbols, log2 of the number of steps, and whether they go on for ever.
#[inline(always)]
fn steps<V: Lanes>(j: V) -> (V, V, V::Mask) {
    let is_upper = j.gt(V::splat(31));
    let up = V::select(is_upper, j, V::splat(63).sub(j));
    let upper = up.lookup32(&UPPER_STEPS);
    let (first, log2_n) = (upper.shr(V::splat(8)), upper.and(V::splat(255)));
    let lower = V::splat(0).sub(first).sub(V::splat(1).shl(log2_n));
    (V::select(is_upper, first, lower), log2_n, up.equal(V::splat(63)))
}

/// start and end of symbols that their planes have; 0 for 2¹⁶.
#[inline(always)]
fn ends<V: Lanes>(choice: V, j: V) -> (V, V) {
    let at = choice.and(V::splat(0x7fff)).shl(V::splat(6)).add(j);
    // start below, start of the next symbol above
    let both = at.lookup_pair(tables());
    let is_first = j.equal(choice.shr(V::splat(19)).and(V::splat(63)));
    let is_last = j.equal(choice.shr(V::splat(25)));
    let start = V::select(is_first, V::splat(0), both.and(V::splat(0xffff)));
    (start, V::select(is_last, V::splat(0), both.shr(V::splat(16))))
}

#[inline(always)]
pub fn tell<V: Lanes>(n: usize, choices: &Choices, ints: &[i32], intervals: &mut [i32], rests: &mut [i32]) -> Told {
    let words: &[i32] = bytemuck::cast_slice(&choices.choice);
    let (zero, one) = (V::splat(0), V::splat(1));
    let (mut bits, mut beyond) = (zero, zero);
    for i in (0..n).step_by(N) {
        let (choice, middle) = (V::load(sixteen(words, i)), V::load(sixteen(&choices.middle, i)));
        let shift = choice.shr(V::splat(15)).and(V::splat(15));
        let int = V::load(sixteen(ints, i));
        let d = int.sar(shift).sub(middle);
        let j = symbol(d);
        let (start, end) = ends(choice, j);
        let width = end.sub(start).sub(one).and(V::splat(0xffff));
        let (first, log2_n, is_end) = steps(j);
        let low = int.and(one.shl(shift).sub(one));
        let plain = V::select(is_end, low, d.sub(first).shl(shift).or(low));
        let n_plain = V::select(is_end, shift, shift.add(log2_n));
        let flag = V::select(is_end, V::splat(i32::MIN), zero);
        start.or(width.shl(V::splat(16))).store(sixteen_mut(intervals, i));
        plain.or(n_plain.shl(V::splat(24))).or(flag).store(sixteen_mut(rests, i));
        let octave = width.add(width).or(one).octaves().sar(V::splat(8));
        let has_cell = V::splat((n - i) as i32).gt(V::load(&COUNT));
        bits = bits.add(V::select(has_cell, V::splat(16).sub(octave).add(n_plain), zero));
        beyond = beyond.or(V::select(has_cell, flag, zero));
    }
    let mut all = [0; N];
    bits.store(&mut all);
    Told { n_bits: all.iter().sum::<i32>() as u32, is_any_beyond: V::any(beyond.equal(V::splat(i32::MIN))) }
}

static COUNT: [i32; N] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

#[inline(always)]
pub fn find<V: Lanes>(n: usize, choices: &[u32; N], middles: &[i32; N], quantiles: &[u16; N]) -> Found {
    let tables = tables();
    let mut found = Found::default();
    for i in 0..n.min(N) {
        let table: &[u16; N_SYMBOLS + 1] =
            tables[Choice(choices[i]).number() * N_SYMBOLS..].first_chunk().expect("a 0 ends the last");
        found.symbol[i] = V::n_not_above(table, quantiles[i]) as i32 - 1;
    }
    let choice = V::load(bytemuck::cast_ref(choices));
    let (first, last) = (choice.shr(V::splat(19)).and(V::splat(63)), choice.shr(V::splat(25)));
    let j = V::load(&found.symbol).max(first).min(last);
    let (start, end) = ends(choice, j);
    let (step, log2_n, is_end) = steps(j);
    let shift = choice.shr(V::splat(15)).and(V::splat(15));
    j.store(&mut found.symbol);
    start.store(bytemuck::cast_mut(&mut found.start));
    let width = end.sub(start).sub(V::splat(1)).and(V::splat(0xffff)).add(V::splat(1));
    width.store(bytemuck::cast_mut(&mut found.width));
    log2_n.add(shift).store(bytemuck::cast_mut(&mut found.n_plain));
    V::load(middles).add(step).shl(shift).store(&mut found.int);
    found.is_any_beyond = V::any(is_end);
    found
}
