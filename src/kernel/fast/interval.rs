//! kernel::interval, sixteen cells at a time; and the inversion, which looks near the heaviest component first: the answer is
//! the only one there is, whatever the way to it.

use super::Inverted;
use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use crate::kernel::ONE;
use crate::kernel::interval::{Distributions, PRECISION};
use crate::kernel::tables::{EXP2_8192, SIGMOID_CURVE, SIGMOID_SLOPE, SIGMOID_VALUE};
use crate::net::MAX_K;

static VALUE: [i32; 32] = SIGMOID_VALUE;
static EXP2: [i32; 256] = EXP2_8192;

/// slope in the lower half of a lane, curve in the upper.
static PIECE: [i32; 32] = {
    let mut table = [0; 32];
    let mut i = 0;
    while i < 32 {
        table[i] = SIGMOID_SLOPE[i] | SIGMOID_CURVE[i] << 16;
        i += 1;
    }
    table
};

/// e and −e², which multiply slope and curve to the rise before eighth e.
static BEFORE: [i32; 8] = pairs(false);
/// 1 and −(2e + 1), which multiply them to the rise over eighth e.
static OVER: [i32; 8] = pairs(true);

const fn pairs(over: bool) -> [i32; 8] {
    let mut table = [0; 8];
    let mut e = 0;
    while e < 8 {
        let (low, high) = if over { (1, -(2 * e + 1)) } else { (e, -e * e) };
        table[e as usize] = low | high << 16;
        e += 1;
    }
    table
}

/// One component of sixteen mixtures.
#[derive(Clone, Copy)]
struct Logistic<V> {
    location: V,
    /// 2^(e + 4) − 1, beyond which the sigmoid is flat.
    reach: V,
    e: V,
    exp2: V,
    weight: V,
}

/// Sixteen mixtures and their windows.
struct Sixteen<V> {
    k: usize,
    parts: [Logistic<V>; MAX_K],
    low: V,
    n_symbols: i32,
}

#[inline(always)]
fn sigmoid<V: Lanes>(z: V) -> V {
    let segment = z.shr(V::splat(14));
    let eighth = z.shr(V::splat(11));
    let piece = segment.lookup32(&PIECE);
    let before = piece.mul_halves(eighth.lookup8(&BEFORE));
    let over = piece.mul_halves(eighth.lookup8(&OVER));
    let part = z.and(V::splat(2047)).mul_halves(over).sar(V::splat(11));
    segment.lookup32(&VALUE).add(before).add(part)
}

impl<V: Lanes> Logistic<V> {
    #[inline(always)]
    fn new(location: V, log2_scale: V, weight: V) -> Logistic<V> {
        let e = log2_scale.shr(V::splat(8));
        let reach = V::splat(16).shl(e).sub(V::splat(1));
        Logistic { location, reach, e, exp2: log2_scale.lookup256(&EXP2), weight }
    }

    #[inline(always)]
    fn below(&self, x: V) -> V {
        let d = x.sub(self.location);
        let z = d.abs().min(self.reach).scale(self.e).mul(self.exp2).shr(V::splat(13));
        let s = sigmoid(z);
        V::select(V::splat(0).gt(d), V::splat(1 << 20).sub(s), s).mul(self.weight)
    }
}

impl<V: Lanes> Sixteen<V> {
    #[inline(always)]
    fn new(of: Distributions, i: usize) -> Sixteen<V> {
        let (m, window, zero) = (of.mixtures, of.window, V::splat(0));
        let b = V::load(sixteen(of.b, i));
        let mut parts = [Logistic { location: zero, reach: zero, e: zero, exp2: zero, weight: zero }; MAX_K];
        for c in 0..m.k {
            let at = c * m.stride + i;
            let location = V::load(sixteen(&m.location, at));
            parts[c] = Logistic::new(location, V::load(sixteen(&m.log2_scale, at)), V::load(sixteen(&m.weight, at)));
        }
        let low = if window.escapes() { b.sar(V::splat(6)).sub(V::splat(32768)) } else { zero };
        Sixteen { k: m.k, parts, low, n_symbols: window.n_symbols() as i32 }
    }

    /// C at the lower edge of x, 0 ≤ x − low ≤ n.
    #[inline(always)]
    fn cumulative(&self, x: V) -> V {
        let symbol = x.sub(self.low);
        let edge = x.shl(V::splat(6)).sub(V::splat(ONE / 2));
        let mut sum = V::splat(0);
        for p in &self.parts[..self.k] {
            sum = sum.add(p.below(edge));
        }
        let inside = sum.shr(V::splat(8)).add(symbol);
        let first = V::select(symbol.equal(V::splat(0)), V::splat(0), inside);
        V::select(symbol.equal(V::splat(self.n_symbols)), V::splat(1 << PRECISION), first)
    }
}

#[inline(always)]
pub fn intervals<V: Lanes>(of: Distributions, n: usize, ints: &[i32], start: &mut [u32], width: &mut [u32]) {
    let (start, width): (&mut [i32], &mut [i32]) = (bytemuck::cast_slice_mut(start), bytemuck::cast_slice_mut(width));
    for i in (0..n).step_by(N) {
        let cells = Sixteen::<V>::new(of, i);
        let last = cells.low.add(V::splat(cells.n_symbols - 1));
        let x = V::load(sixteen(ints, i)).max(cells.low).min(last);
        let from = cells.cumulative(x);
        from.store(sixteen_mut(start, i));
        cells.cumulative(x.add(V::splat(1))).sub(from).store(sixteen_mut(width, i));
    }
}

/// −256 · log2 of the probability of n intervals.
#[inline(always)]
pub fn cost<V: Lanes>(n: usize, width: &[u32]) -> i64 {
    let width: &[i32] = bytemuck::cast_slice(width);
    let lanes: [i32; N] = std::array::from_fn(|i| i as i32);
    let mut total = 0;
    for i in (0..n).step_by(N) {
        let inside = V::splat((n - i) as i32).gt(V::load(&lanes));
        let log = log2(V::load(sixteen(width, i)).max(V::splat(1)));
        let mut costs = [0; N];
        V::select(inside, V::splat(PRECISION as i32 * 256).sub(log), V::splat(0)).store(&mut costs);
        total += i64::from(costs.iter().sum::<i32>());
    }
    total
}

/// The ints of the cells i..i + 16 whose intervals hold their quantiles; only the first `n` are wanted.
#[inline(always)]
pub fn invert<V: Lanes>(of: Distributions, i: usize, n: usize, quantiles: &[u32; N], out: &mut Inverted) {
    let cells = Sixteen::<V>::new(of, i);
    let quantile = V::load(bytemuck::cast_ref(quantiles));
    let lanes: [i32; N] = std::array::from_fn(|i| i as i32);
    let wanted = V::splat(n as i32).gt(V::load(&lanes));
    let one = V::splat(1);

    // C(low) <= quantile < C(high)
    let mut low = cells.low;
    let mut high = V::select(wanted, low.add(V::splat(cells.n_symbols)), low.add(one));
    let (mut c_low, mut c_high) = (V::splat(0), V::splat(1 << PRECISION));
    let (mut probe, mut reach) = cells.first_probe();
    probe = probe.max(low.add(one)).min(high.sub(one));
    while V::any(high.sub(low).gt(one)) {
        let c = cells.cumulative(probe);
        let is_above = c.gt(quantile);
        // a lane that is done is probed at its low end and stays as it is
        low = V::select(is_above, low, probe);
        c_low = V::select(is_above, c_low, c);
        high = V::select(is_above, probe, high);
        c_high = V::select(is_above, c, c_high);
        let middle = low.add(high.sub(low).sar(one));
        probe = V::select(is_above, middle.max(high.sub(reach)), middle.min(low.add(reach)));
        reach = reach.add(reach).min(V::splat(1 << 17));
    }
    low.store(&mut out.ints);
    c_low.store(bytemuck::cast_mut(&mut out.start));
    c_high.sub(c_low).store(bytemuck::cast_mut(&mut out.width));
}

impl<V: Lanes> Sixteen<V> {
    /// The middle of the heaviest component, and about two of its scales, in ints.
    #[inline(always)]
    fn first_probe(&self) -> (V, V) {
        let mut best = self.parts[0];
        for p in &self.parts[1..self.k] {
            let more = p.weight.gt(best.weight);
            best.location = V::select(more, p.location, best.location);
            best.weight = V::select(more, p.weight, best.weight);
            best.e = V::select(more, p.e, best.e);
        }
        let reach = V::splat(1).shl(best.e).sar(V::splat(5)).max(V::splat(1));
        (best.location.add(V::splat(32)).sar(V::splat(6)), clamp(reach, 1, 1 << 16))
    }
}
