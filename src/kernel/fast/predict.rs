//! kernel::predict, sixteen cells at a time: the clamped differences fit 16 bits, so that every product is one instruction.

use super::lanes::{Lanes, N, clamp, sixteen, sixteen_mut};
use crate::kernel::predict::Linear;
use crate::kernel::{MAX_RESIDUAL, ONE, Site, address};

#[inline(always)]
pub fn predict<V: Lanes>(linear: &Linear, run: Site, max: i32, b: &mut [i32]) {
    let (values, taps, ref_taps) = (run.arenas.values, &run.offsets.taps[..], &run.offsets.ref_taps[..]);
    for i in (0..run.n).step_by(N) {
        let cell = run.at + i;
        let v1 = V::load(sixteen(values, address(cell, taps[0])));
        let mut sum = weighed(V::splat(32), linear.own(), &taps[1..], values, cell, v1);
        for (coefficients, u) in linear.refs().iter().zip(run.arenas.refs) {
            let u0 = V::load(sixteen(u, address(cell, ref_taps[0])));
            sum = weighed(sum, coefficients, &ref_taps[1..], u, cell, u0);
        }
        let b16 = v1.add(sum.sar(V::splat(6)));
        clamp(b16, 0, max * ONE).store(sixteen_mut(b, i));
    }
}

/// sum + Σ cᵢ · (vᵢ − v₁)
#[inline(always)]
fn weighed<V: Lanes>(mut sum: V, coefficients: &[i16], taps: &[i32], values: &[i32], cell: usize, v1: V) -> V {
    for (&c, &o) in coefficients.iter().zip(taps) {
        let v = V::load(sixteen(values, address(cell, o)));
        let difference = clamp(v.sub(v1).sar(V::splat(6)), -32768, 32767);
        // the upper half of the coefficient is zero, the lower may be negative
        sum = sum.add(difference.mul_halves(V::splat(i32::from(c as u16))));
    }
    sum
}

/// Residuals of a run whose ints are known.
#[inline(always)]
pub fn update_residuals<V: Lanes>(values: &[i32], at: usize, n: usize, b: &[i32], residuals: &mut [i32]) {
    let whole = n / N * N;
    for i in (0..whole).step_by(N) {
        let r = V::load(sixteen(values, at + i)).sub(V::load(sixteen(b, i)));
        clamp(r, -MAX_RESIDUAL, MAX_RESIDUAL).store(sixteen_mut(residuals, at + i));
    }
    // the cells behind the run are somebody else's
    for i in whole..n {
        residuals[at + i] = crate::kernel::predict::residual(values[at + i], b[i]);
    }
}
