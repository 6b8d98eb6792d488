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
    let Scratch { x, y } = scratch;
    for c in 0..C {
        let first = i + c * N;
        let s = features::<V, C>(net, run, run.at + first, V::load(sixteen(b, first)), c, x);
        s.store(sixteen_mut(&mut out.s, first));
    }
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for layer in hidden {
        each_unit::<V, C>(layer, x, |unit, sums| {
            for c in 0..C {
                V::bytes(sums.map(|sum| sum[c])).store(&mut y[unit * C + c]);
            }
        });
        std::mem::swap(x, y);
    }
    each_unit::<V, C>(last, x, |unit, sums| {
        for (o, sum) in (4 * unit..last.n_out).zip(sums) {
            for c in 0..C {
                clamp(sum[c], -32768, 32767).store(sixteen_mut(&mut out.heads, o * out.stride + i + c * N));
            }
        }
    });
}

/// Writes the packed features of sixteen cells as vector c of C; returns their s.
#[inline(always)]
fn features<V: Lanes, const C: usize>(net: &PackedNet, run: Run, cell: usize, b: V, c: usize, x: &mut [[i32; N]]) -> V {
    let net = &net.net;
    let Offsets { taps, ref_taps } = run.offsets;
    let value = |i: usize| V::load(sixteen(run.look.values, address(cell, taps[i]))).sub(b);
    let residual = |i: usize| V::load(sixteen(run.look.residuals, address(cell, taps[i])));
    let size = |x: V| x.abs().min(V::splat(MAX_RESIDUAL));
    let mean = |sum: V, log2_n: u32| {
        sum.add(V::splat((1 << log2_n) >> 1)).sar(V::splat(log2_n as i32)).add(V::splat(net.scale_floor))
    };
    let (near, all) = (1 << net.near_log2, 1 << net.wide_log2);
    let near_sum = (0..near).fold(V::splat(0), |sum, i| sum.add(size(residual(i))));
    let wide_sum = (near..all).fold(near_sum, |sum, i| sum.add(size(residual(i))));
    let rough_sum = (0..near).fold(V::splat(0), |sum, i| sum.add(size(value(i))));
    let s = mean(near_sum, net.near_log2);
    let log_s = log2(s);

    let half = V::splat((1 << net.feature_shift) >> 1);
    let shift = V::splat(net.feature_shift as i32);
    let less = half.sub(log_s);
    let soft = |x: V| {
        let step = log2(x.abs().add(s)).add(less).sar(shift).min(V::splat(63));
        V::select(V::splat(0).gt(x), V::splat(64).sub(step), V::splat(64).add(step))
    };
    let compare = |x: V, shift: u32| {
        let step = log2(x).sub(log_s).add(V::splat((1 << shift) >> 1)).sar(V::splat(shift as i32));
        clamp(step, -64, 63).add(V::splat(64))
    };

    let mut k = 0;
    let mut put = |word: V| {
        word.store(&mut x[k * C + c]);
        k += 1;
    };
    for i in (0..net.n_values).step_by(4) {
        put(V::join([0, 1, 2, 3].map(|j| soft(value((i + j).min(net.n_values - 1))))));
    }
    for i in (0..net.n_residuals).step_by(4) {
        put(V::join([0, 1, 2, 3].map(|j| soft(residual((i + j).min(net.n_residuals - 1))))));
    }
    for u in &run.look.refs[..net.n_refs] {
        let u0 = V::load(sixteen(u, address(cell, ref_taps[0])));
        for i in (1..ref_taps.len()).step_by(4) {
            let tap = |i: usize| V::load(sixteen(u, address(cell, ref_taps[i.min(ref_taps.len() - 1)]))).sub(u0);
            put(V::join([0, 1, 2, 3].map(|j| soft(tap(i + j)))));
        }
    }
    let wide = compare(mean(wide_sum, net.wide_log2), net.feature_shift);
    let rough = compare(mean(rough_sum, net.near_log2), net.feature_shift);
    let scale = clamp(log_s.sar(V::splat(5)).sub(V::splat(32)), 0, 127);
    put(V::join([scale, wide, rough, V::splat(16 * run.level.min(7))]));
    put(compare(b.add(V::splat(ONE)), 5));
    s
}

/// Calls `put` with the shifted, unclamped outputs of every unit.
#[inline(always)]
fn each_unit<V: Lanes, const C: usize>(layer: &Packed, x: &[[i32; N]], mut put: impl FnMut(usize, [[V; C]; 4])) {
    let n_units = layer.bias.len();
    let mut unit = 0;
    while V::WIDE && unit + 1 < n_units {
        let [first, second] = units::<V, C, 2>(layer, unit, x);
        put(unit, first);
        put(unit + 1, second);
        unit += 2;
    }
    while unit < n_units {
        let [only] = units::<V, C, 1>(layer, unit, x);
        put(unit, only);
        unit += 1;
    }
}

#[inline(always)]
fn units<V: Lanes, const C: usize, const U: usize>(layer: &Packed, unit: usize, x: &[[i32; N]]) -> [[[V; C]; 4]; U] {
    let n_k = layer.n_k;
    let x = &x[..n_k * C];
    let weights: [&[[i32; 4]]; U] = std::array::from_fn(|u| &layer.weights[(unit + u) * n_k..][..n_k]);
    let mut sums: [[[V; C]; 4]; U] = std::array::from_fn(|u| layer.bias[unit + u].map(|bias| [V::splat(bias); C]));
    for k in 0..n_k {
        let inputs: [V; C] = std::array::from_fn(|c| V::load(&x[k * C + c]));
        for u in 0..U {
            for o in 0..4 {
                let w = V::splat(weights[u][k][o]);
                for c in 0..C {
                    sums[u][o][c] = sums[u][o][c].dot(inputs[c], w);
                }
            }
        }
    }
    std::array::from_fn(|u| {
        std::array::from_fn(|o| {
            let shift = V::splat(layer.shift[unit + u][o]);
            sums[u][o].map(|sum| sum.sar(shift))
        })
    })
}
