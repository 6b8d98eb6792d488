//! kernel::context, sixteen or thirty-two cells at a time: features become bytes as they are made, four to a lane, and the
//! outputs of a hidden layer are the same again for the next.

use super::Scratch;
use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use super::pack::{Packed, PackedNet};
use crate::kernel::context::Heads;
use crate::kernel::{Look, MAX_RESIDUAL, ONE, Offsets, address};

/// The place of a run.
#[derive(Clone, Copy)]
pub struct Run<'a> {
    pub offsets: &'a Offsets,
    pub look: Look<'a>,
    pub at: usize,
    pub level: i32,
    pub n: usize,
}

#[inline(always)]
pub fn context<V: Lanes>(net: &PackedNet, run: Run, b: &[i32], scratch: &mut Scratch, out: &mut Heads) {
    let mut i = 0;
    while V::WIDE && i + N < run.n {
        block::<V, 2>(net, run, i, b, scratch, out);
        i += 2 * N;
    }
    while i < run.n {
        block::<V, 1>(net, run, i, b, scratch, out);
        i += N;
    }
}

/// s and heads of the C vectors of cells from `i` on; inputs lie as [k][vector].
#[inline(always)]
fn block<V: Lanes, const C: usize>(
    net: &PackedNet,
    run: Run,
    i: usize,
    b: &[i32],
    scratch: &mut Scratch,
    out: &mut Heads,
) {
    for c in 0..C {
        let first = i + c * N;
        let s = features::<V, C>(net, run, run.at + first, V::load(sixteen(b, first)), c, &mut scratch.x);
        s.store(sixteen_mut(&mut out.s, first));
    }
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for layer in hidden {
        self::hidden::<V, C>(layer, &scratch.x, &mut scratch.y);
        std::mem::swap(&mut scratch.x, &mut scratch.y);
    }
    for unit in 0..last.bias.len() {
        let [sums] = units::<V, C, 1>(last, unit, &scratch.x);
        for o in 4 * unit..last.n_out.min(4 * unit + 4) {
            for c in 0..C {
                let head = clamp(sums[o % 4][c], -32768, 32767);
                head.store(sixteen_mut(&mut out.heads, o * out.stride + i + c * N));
            }
        }
    }
}

// Closures would lose the target features of the door, so what follows is made of inlined functions and loops.

/// What turns a neighbour into a feature, for sixteen cells.
#[derive(Clone, Copy)]
struct Scale<V> {
    s: V,
    log_s: V,
    /// half a step − log_s
    less: V,
    shift: V,
}

impl<V: Lanes> Scale<V> {
    #[inline(always)]
    fn new(s: V, feature_shift: u32) -> Scale<V> {
        let log_s = log2(s);
        let less = V::splat((1 << feature_shift) >> 1).sub(log_s);
        Scale { s, log_s, less, shift: V::splat(feature_shift as i32) }
    }

    #[inline(always)]
    fn soft(self, x: V) -> V {
        let step = log2(x.abs().add(self.s)).add(self.less).sar(self.shift).min(V::splat(63));
        V::select(V::splat(0).gt(x), V::splat(64).sub(step), V::splat(64).add(step))
    }

    #[inline(always)]
    fn compare(self, x: V, shift: i32) -> V {
        let step = log2(x).sub(self.log_s).add(V::splat((1 << shift) >> 1)).sar(V::splat(shift));
        clamp(step, -64, 63).add(V::splat(64))
    }

    /// Four features of one section, as one lane: neighbours at taps i..i + 4 against `centre`.
    #[inline(always)]
    fn four(self, cells: &[i32], cell: usize, taps: &[i32], i: usize, centre: V) -> V {
        let mut f = [centre; 4];
        for (j, f) in f.iter_mut().enumerate() {
            let tap = taps[(i + j).min(taps.len() - 1)];
            *f = self.soft(V::load(sixteen(cells, address(cell, tap))).sub(centre));
        }
        V::join(f)
    }
}

/// Σ |x − centre| over taps, each clamped.
#[inline(always)]
fn size<V: Lanes>(mut sum: V, cells: &[i32], cell: usize, taps: &[i32], centre: V) -> V {
    for &tap in taps {
        let x = V::load(sixteen(cells, address(cell, tap))).sub(centre);
        sum = sum.add(x.abs().min(V::splat(MAX_RESIDUAL)));
    }
    sum
}

#[inline(always)]
fn mean<V: Lanes>(sum: V, log2_n: u32, floor: i32) -> V {
    sum.add(V::splat((1 << log2_n) >> 1)).sar(V::splat(log2_n as i32)).add(V::splat(floor))
}

/// Writes the packed features of sixteen cells as vector c of C; returns their s.
#[inline(always)]
fn features<V: Lanes, const C: usize>(net: &PackedNet, run: Run, cell: usize, b: V, c: usize, x: &mut [[i32; N]]) -> V {
    let net = &net.net;
    let (taps, ref_taps) = (&run.offsets.taps[..], &run.offsets.ref_taps[..]);
    let Look { values, residuals, refs } = run.look;
    let (near, all, zero) = (1 << net.near_log2, 1 << net.wide_log2, V::splat(0));
    let near_sum = size(zero, residuals, cell, &taps[..near], zero);
    let wide = mean(size(near_sum, residuals, cell, &taps[near..all], zero), net.wide_log2, net.scale_floor);
    let rough = mean(size(zero, values, cell, &taps[..near], b), net.near_log2, net.scale_floor);
    let s = mean(near_sum, net.near_log2, net.scale_floor);
    let scale = Scale::new(s, net.feature_shift);

    let mut rows = x.iter_mut().skip(c).step_by(C);
    for i in (0..net.n_values).step_by(4) {
        put(&mut rows, scale.four(values, cell, &taps[..net.n_values], i, b));
    }
    for i in (0..net.n_residuals).step_by(4) {
        put(&mut rows, scale.four(residuals, cell, &taps[..net.n_residuals], i, zero));
    }
    for u in &refs[..net.n_refs] {
        let u0 = V::load(sixteen(u, address(cell, ref_taps[0])));
        for i in (0..ref_taps.len() - 1).step_by(4) {
            put(&mut rows, scale.four(u, cell, &ref_taps[1..], i, u0));
        }
    }
    let step = net.feature_shift as i32;
    let height = clamp(scale.log_s.sar(V::splat(5)).sub(V::splat(32)), 0, 127);
    let level = V::splat(16 * run.level.min(7));
    put(&mut rows, V::join([height, scale.compare(wide, step), scale.compare(rough, step), level]));
    put(&mut rows, scale.compare(b.add(V::splat(ONE)), 5));
    s
}

#[inline(always)]
fn put<'a, V: Lanes>(rows: &mut impl Iterator<Item = &'a mut [i32; N]>, word: V) {
    word.store(rows.next().expect("the scratch fits the net"));
}

/// The outputs of a hidden layer, which are the inputs of the next.
#[inline(always)]
fn hidden<V: Lanes, const C: usize>(layer: &Packed, x: &[[i32; N]], y: &mut [[i32; N]]) {
    let n_units = layer.bias.len();
    let mut unit = 0;
    while V::WIDE && unit + 1 < n_units {
        for (u, sums) in units::<V, C, 2>(layer, unit, x).into_iter().enumerate() {
            narrow::<V, C>(sums, &mut y[(unit + u) * C..]);
        }
        unit += 2;
    }
    while unit < n_units {
        let [sums] = units::<V, C, 1>(layer, unit, x);
        narrow::<V, C>(sums, &mut y[unit * C..]);
        unit += 1;
    }
}

#[inline(always)]
fn narrow<V: Lanes, const C: usize>(sums: [[V; C]; 4], y: &mut [[i32; N]]) {
    for c in 0..C {
        V::bytes([sums[0][c], sums[1][c], sums[2][c], sums[3][c]]).store(&mut y[c]);
    }
}

/// The shifted, unclamped outputs of U units from `unit` on.
#[inline(always)]
fn units<V: Lanes, const C: usize, const U: usize>(layer: &Packed, unit: usize, x: &[[i32; N]]) -> [[[V; C]; 4]; U] {
    let n_k = layer.n_k;
    let mut weights = [&layer.weights[..0]; U];
    let mut sums = [[[V::splat(0); C]; 4]; U];
    for u in 0..U {
        weights[u] = &layer.weights[(unit + u) * n_k..][..n_k];
        for o in 0..4 {
            sums[u][o] = [V::splat(layer.bias[unit + u][o]); C];
        }
    }
    for (k, x) in x[..n_k * C].chunks_exact(C).enumerate() {
        let mut inputs = [V::splat(0); C];
        for c in 0..C {
            inputs[c] = V::load(&x[c]);
        }
        for u in 0..U {
            for o in 0..4 {
                let w = V::splat(weights[u][k][o]);
                for c in 0..C {
                    sums[u][o][c] = sums[u][o][c].dot(inputs[c], w);
                }
            }
        }
    }
    for u in 0..U {
        for o in 0..4 {
            let shift = V::splat(layer.shift[unit + u][o]);
            for c in 0..C {
                sums[u][o][c] = sums[u][o][c].sar(shift);
            }
        }
    }
    sums
}
