//! kernel::table, sixteen cells at a time; and the symbol of a quantile, by comparing it with all of its table at once.

use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use crate::kernel::context::Heads;
use crate::kernel::table::{
    Choice, Choices, LOG2_PLACES, LOG2_SKEW_STEPS, LOG2_TAIL_STEPS, MAX_LOG2_SCALE, MAX_SKEW, MAX_TAIL, MIN_LOG2_SCALE,
    OUTSIDE,
};

static PLACES: [i32; 8] = LOG2_PLACES;

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
        let places = scale.sar(V::splat(3)).lookup8(&PLACES);
        let log2_step = V::splat(6).add(shift).sub(places);
        let one = V::splat(1);
        let half = one.shl(log2_step).sar(one);
        let place = location.add(V::splat(32)).add(half).sar(log2_step);
        let last = V::splat(max).sar(shift);
        let middle = place.sar(places).max(V::splat(-OUTSIDE)).min(last.add(V::splat(OUTSIDE)));
        let shape = place.and(one.shl(places).sub(one)).shl(V::splat(3)).add(tail);
        let shape = shape.shl(V::splat(2)).add(shape).add(skew).add(V::splat(MAX_SKEW));
        let ends = symbol(V::splat(0).sub(middle)).or(symbol(last.sub(middle)).shl(V::splat(6)));
        let choice = shape.or(scale.shl(V::splat(10))).or(shift.shl(V::splat(16))).or(ends.shl(V::splat(20)));
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
        V::splat(49).add(n.sar(V::splat(2))),
        V::splat(54).add(n.add(V::splat(4)).sar(V::splat(3))),
    ];
    let up = pieces[0].min(pieces[1]).min(pieces[2]).min(pieces[3]).min(V::splat(63));
    V::select(below, V::splat(63).sub(up), up)
}

/// The symbols whose intervals hold the quantiles of `n` cells.
#[inline(always)]
pub fn find<V: Lanes>(n: usize, choices: &[u32], quantiles: &[u16; N], out: &mut [u8; N]) {
    for (i, &choice) in choices[..n].iter().enumerate() {
        let choice = Choice(choice);
        let (first, last) = choice.ends();
        let j = V::n_not_above(&choice.table().0, quantiles[i]) - 1;
        out[i] = j.clamp(first as u32, last as u32) as u8;
    }
}
