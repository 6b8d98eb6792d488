//! kernel::mixture, sixteen cells at a time.

use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use crate::kernel::context::Heads;
use crate::kernel::mixture::{MAX_LOG2_SCALE, MIN_LOG2_SCALE, Mixtures};
use crate::kernel::tables::{EXP2_4096, RECIPROCAL};
use crate::net::MAX_K;

/// RECIPROCAL twice: the index has a bit too many, and either half will do.
static RECIPROCALS: [i32; 256] = {
    let mut table = [0; 256];
    let mut i = 0;
    while i < 256 {
        table[i] = RECIPROCAL[i & 127];
        i += 1;
    }
    table
};
static EXP2: [i32; 256] = EXP2_4096;

#[inline(always)]
pub fn mixture<V: Lanes>(n: usize, b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) {
    let (k, stride) = (out.k, out.stride);
    for i in (0..n).step_by(N) {
        let (s, b) = (V::load(sixteen(&heads.s, i)), V::load(sixteen(b, i)));
        let log_s = log2(s);
        let near = s.min(V::splat(1 << 19));
        let mut logits = [V::splat(0); MAX_K];
        for c in 0..k {
            logits[c] = head(heads, c, i);
            let shift = near.mul(clamp(head(heads, k + c, i), -1024, 1024)).add(V::splat(64)).sar(V::splat(7));
            b.add(shift).store(sixteen_mut(&mut out.location, c * stride + i));
            clamp(log_s.add(head(heads, 2 * k + c, i)), MIN_LOG2_SCALE, MAX_LOG2_SCALE)
                .store(sixteen_mut(&mut out.log2_scale, c * stride + i));
        }
        let weights = softmax(logits, k, mass);
        for c in 0..k {
            weights[c].store(sixteen_mut(&mut out.weight, c * stride + i));
        }
    }
}

#[inline(always)]
fn head<V: Lanes>(heads: &Heads, h: usize, i: usize) -> V {
    V::load(sixteen(&heads.heads, h * heads.stride + i))
}

#[inline(always)]
fn softmax<V: Lanes>(logits: [V; MAX_K], k: usize, mass: i32) -> [V; MAX_K] {
    let (mut most, mut top) = (logits[0], V::splat(0));
    for c in 1..k {
        let more = logits[c].gt(most);
        most = V::select(more, logits[c], most);
        top = V::select(more, V::splat(c as i32), top);
    }
    let mut weights = [V::splat(0); MAX_K];
    let mut sum = V::splat(0);
    for c in 0..k {
        let q = most.sub(logits[c]).min(V::splat(12 * 256 - 1));
        weights[c] = q.lookup256(&EXP2).shr(q.shr(V::splat(8)));
        sum = sum.add(weights[c]);
    }
    // 2¹² ≤ sum ≤ 2¹⁵, so n is 0..=3
    let n = V::splat(15).sub(sum.octaves().shr(V::splat(8)));
    let reciprocal = sum.shl(n).shr(V::splat(8)).lookup256(&RECIPROCALS);
    let shift = V::splat(18).sub(n);
    let mut rest = V::splat(mass);
    for c in 0..k {
        let is_top = top.equal(V::splat(c as i32));
        weights[c] = V::select(is_top, V::splat(0), weights[c].mul(reciprocal).sar(shift));
        rest = rest.sub(weights[c]);
    }
    for c in 0..k {
        weights[c] = V::select(top.equal(V::splat(c as i32)), rest, weights[c]);
    }
    weights
}
