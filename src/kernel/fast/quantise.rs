//! kernel::quantise, sixteen cells at a time.

use super::lanes::{Lanes, N, clamp, sixteen, sixteen_mut};
use crate::kernel::ONE;
use crate::kernel::context::Heads;
use crate::kernel::quantise::FEATURE_SHIFT;

#[inline(always)]
pub fn quantise<V: Lanes>(n: usize, heads: &Heads, most: i32, out: &mut [i32]) {
    for i in (0..n).step_by(N) {
        let a = V::load(sixteen(&heads.heads, i)).add(V::splat(1 << FEATURE_SHIFT >> 1));
        clamp(a.sar(V::splat(FEATURE_SHIFT as i32)), 0, most).store(sixteen_mut(out, i));
    }
}

#[inline(always)]
pub fn coarsen<V: Lanes>(n: usize, log2_step: u32, b: &[i32], s: &mut [i32], out: &mut [i32]) {
    let (shift, edge) = (V::splat(log2_step as i32), V::splat(ONE / 2 - ((ONE / 2) << log2_step)));
    for i in (0..n).step_by(N) {
        V::load(sixteen(b, i)).add(edge).sar(shift).store(sixteen_mut(out, i));
        V::load(sixteen(s, i)).sar(shift).max(V::splat(1)).store(sixteen_mut(s, i));
    }
}
