//! kernel::context, sixteen or thirty-two cells at a time: features become bytes as they are made, four to a lane, and the
//! outputs of a hidden layer are the same again for the next.

use super::Scratch;
use super::amx::Tiles;
use super::features::features;
use super::lanes::{Lanes, N, clamp, sixteen, sixteen_mut};
use super::pack::{Packed, PackedNet, Row};
use crate::kernel::Site;
use crate::kernel::context::{Heads, Hidden};

#[inline(always)]
pub fn context<V: Lanes>(
    net: &PackedNet,
    run: Site,
    b: &[i32],
    tiles: Option<&Tiles>,
    scratch: &mut Scratch,
    out: &mut Heads,
) {
    let mut i = 0;
    while V::WIDE && i + N < run.n {
        block::<V, 2>(net, run, i, b, tiles, scratch, out);
        i += 2 * N;
    }
    while i < run.n {
        block::<V, 1>(net, run, i, b, tiles, scratch, out);
        i += N;
    }
}

/// s and the last hidden activations; used by encoders on a few cells only, so there are no tiles here.
#[inline(always)]
pub fn hidden<V: Lanes>(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Hidden) {
    for i in (0..run.n).step_by(N) {
        let [s] = features::<V, 1>(net, run, run.at + i, [V::load(sixteen(b, i))], &mut scratch.x);
        s.store(sixteen_mut(&mut out.s, i));
        activations::<V, 1>(net, scratch);
        let n_k = net.layers.last().expect("a net has layers").n_k;
        for (k, row) in scratch.x[..n_k].iter().enumerate() {
            V::load(&row.0[0]).store(sixteen_mut(&mut out.words, k * out.stride + i));
        }
    }
}

/// s and heads of the C vectors of cells from `i` on.
#[inline(always)]
fn block<V: Lanes, const C: usize>(
    net: &PackedNet,
    run: Site,
    i: usize,
    b: &[i32],
    tiles: Option<&Tiles>,
    scratch: &mut Scratch,
    out: &mut Heads,
) {
    let mut centre = [V::splat(0); C];
    for c in 0..C {
        centre[c] = V::load(sixteen(b, i + c * N));
    }
    let s = features::<V, C>(net, run, run.at + i, centre, &mut scratch.x);
    for c in 0..C {
        s[c].store(sixteen_mut(&mut out.s, i + c * N));
    }
    match tiles {
        Some(tiles) => mlp_in_tiles::<V, C>(net, tiles, scratch, i, out),
        None => mlp::<V, C>(net, scratch, i, out),
    }
}

// Closures would lose the target features of the door, so what follows is made of inlined functions and loops.

/// Heads of the C vectors of cells from `i` on, whose features lie in x.
#[inline(always)]
fn mlp<V: Lanes, const C: usize>(net: &PackedNet, scratch: &mut Scratch, i: usize, out: &mut Heads) {
    activations::<V, C>(net, scratch);
    let last = net.layers.last().expect("a net has layers");
    for unit in 0..last.bias.len() {
        let [sums] = units::<V, C, 1>(last, unit, &scratch.x);
        put_heads::<V, C>(last, unit, sums, i, out);
    }
}

/// The inputs of the last layer in the place of the features.
#[inline(always)]
fn activations<V: Lanes, const C: usize>(net: &PackedNet, scratch: &mut Scratch) {
    let (_, hidden) = net.layers.split_last().expect("a net has layers");
    for layer in hidden {
        forward::<V, C>(layer, &scratch.x, &mut scratch.y);
        std::mem::swap(&mut scratch.x, &mut scratch.y);
    }
}

/// `mlp` with the products in tiles.
#[inline(always)]
fn mlp_in_tiles<V: Lanes, const C: usize>(
    net: &PackedNet,
    tiles: &Tiles,
    scratch: &mut Scratch,
    i: usize,
    out: &mut Heads,
) {
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for layer in hidden {
        tiles.multiply::<C>(layer, &scratch.x, &mut scratch.y);
        for unit in 0..layer.bias.len() {
            narrow::<V, C>(from_tiles(layer, unit, &scratch.y), &mut scratch.x[unit].0);
        }
    }
    tiles.multiply::<C>(last, &scratch.x, &mut scratch.y);
    for unit in 0..last.bias.len() {
        put_heads::<V, C>(last, unit, from_tiles(last, unit, &scratch.y), i, out);
    }
}

/// What `units` says of one unit, its products summed elsewhere.
#[inline(always)]
pub(super) fn from_tiles<V: Lanes, const C: usize>(layer: &Packed, unit: usize, from: &[Row]) -> [[V; C]; 4] {
    let mut sums = [[V::splat(0); C]; 4];
    let (bias, shift, rows) = (&layer.bias[unit], &layer.shift[unit], &from[4 * unit..][..4]);
    for o in 0..4 {
        for c in 0..C {
            sums[o][c] = V::load(&rows[o].0[c]).add(V::splat(bias[o])).sar(V::splat(shift[o]));
        }
    }
    sums
}

#[inline(always)]
pub(super) fn put_heads<V: Lanes, const C: usize>(
    layer: &Packed,
    unit: usize,
    sums: [[V; C]; 4],
    i: usize,
    out: &mut Heads,
) {
    for o in 4 * unit..layer.n_out.min(4 * unit + 4) {
        for c in 0..C {
            let head = clamp(sums[o % 4][c], -32768, 32767);
            head.store(sixteen_mut(&mut out.heads, o * out.stride + i + c * N));
        }
    }
}

/// The outputs of a hidden layer, which are the inputs of the next.
#[inline(always)]
fn forward<V: Lanes, const C: usize>(layer: &Packed, x: &[Row], y: &mut [Row]) {
    let n_units = layer.bias.len();
    let mut unit = 0;
    while V::WIDE && unit + 1 < n_units {
        for (u, sums) in units::<V, C, 2>(layer, unit, x).into_iter().enumerate() {
            narrow::<V, C>(sums, &mut y[unit + u].0);
        }
        unit += 2;
    }
    while unit < n_units {
        let [sums] = units::<V, C, 1>(layer, unit, x);
        narrow::<V, C>(sums, &mut y[unit].0);
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
pub(super) fn units<V: Lanes, const C: usize, const U: usize>(
    layer: &Packed,
    unit: usize,
    x: &[Row],
) -> [[[V; C]; 4]; U] {
    let n_k = layer.n_k;
    let mut weights = [&layer.weights[..0]; U];
    let mut sums = [[[V::splat(0); C]; 4]; U];
    for u in 0..U {
        weights[u] = &layer.weights[(unit + u) * n_k..][..n_k];
        for o in 0..4 {
            sums[u][o] = [V::splat(layer.bias[unit + u][o]); C];
        }
    }
    for (k, x) in x[..n_k].iter().enumerate() {
        let mut inputs = [V::splat(0); C];
        for c in 0..C {
            inputs[c] = V::load(&x.0[c]);
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
