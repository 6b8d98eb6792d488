//! kernel::table, sixteen cells at a time; and the symbol of a quantile, by comparing it with all of its table at once.

use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use crate::kernel::context::Heads;
use crate::kernel::table::{
    Choice, Choices, FIRST_PLACE, Found, LOG2_PLACES, LOG2_SKEW_STEPS, LOG2_TAIL_STEPS, MAX_LOG2_SCALE, MAX_SKEW,
    MAX_TAIL, MIN_LOG2_SCALE, N_SKEWS, N_SYMBOLS, OUTSIDE, tables,
};

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

/// The symbols of the ints of a run, and their intervals as `start | (width − 1) << 16`.
#[inline(always)]
pub fn tell<V: Lanes>(n: usize, choices: &Choices, ints: &[i32], symbols: &mut [i32], intervals: &mut [i32]) {
    let words: &[i32] = bytemuck::cast_slice(&choices.choice);
    for i in (0..n).step_by(N) {
        let (choice, middle) = (V::load(sixteen(words, i)), V::load(sixteen(&choices.middle, i)));
        let shift = choice.shr(V::splat(15)).and(V::splat(15));
        let j = symbol(V::load(sixteen(ints, i)).sar(shift).sub(middle));
        let at = choice.and(V::splat(0x7fff)).shl(V::splat(6)).add(j);
        // start below, start of the next symbol above
        let both = at.lookup_pair(tables());
        let low = V::splat(0xffff);
        let is_first = j.equal(choice.shr(V::splat(19)).and(V::splat(63)));
        let is_last = j.equal(choice.shr(V::splat(25)));
        let start = V::select(is_first, V::splat(0), both.and(low));
        let end = V::select(is_last, V::splat(0), both.shr(V::splat(16)));
        let width = end.sub(start).sub(V::splat(1)).shl(V::splat(16));
        j.store(sixteen_mut(symbols, i));
        start.or(width).store(sixteen_mut(intervals, i));
    }
}

/// The symbols whose intervals hold the quantiles of `n` cells.
#[inline(always)]
pub fn find<V: Lanes>(n: usize, choices: &[u32], quantiles: &[u16; N], out: &mut Found) {
    let tables = tables();
    for i in 0..n {
        let choice = Choice(choices[i]);
        let (first, last) = choice.ends();
        let table: &[u16; N_SYMBOLS + 1] =
            tables[choice.number() * N_SYMBOLS..].first_chunk().expect("a 0 ends the last");
        let j = (V::n_not_above(table, quantiles[i]) as usize - 1).clamp(first, last) & 63;
        let start = if j == first { 0 } else { u32::from(table[j]) };
        let end = if j == last { 0 } else { u32::from(table[j + 1]) };
        out.symbol[i] = j as u8;
        out.start[i] = start;
        out.width[i] = (end.wrapping_sub(start).wrapping_sub(1) & 0xffff) + 1;
    }
}
