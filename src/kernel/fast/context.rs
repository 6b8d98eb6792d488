//! kernel::context, sixteen or thirty-two cells at a time: features become bytes as they are made, four to a lane, and the
//! outputs of a hidden layer are the same again for the next.

use super::Scratch;
use super::amx::Tiles;
use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use super::pack::{Packed, PackedNet, Row};
use crate::kernel::context::{Heads, Hidden};
use crate::kernel::{Arenas, HINT_SHIFT, MAX_RESIDUAL, Site, address};

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

/// What turns a neighbour into a feature, for two vectors of neighbours: of two vectors of cells, or two of one.
#[derive(Clone, Copy)]
struct Scale<V: Lanes> {
    s: [V; 2],
    /// 64 steps and a half − log s, less the bias of octaves
    more: V::Words,
    shift: V::Words,
}

impl<V: Lanes> Scale<V> {
    #[inline(always)]
    fn new(s: [V; 2], log_s: [V; 2], feature_shift: u32) -> Scale<V> {
        let constant = V::splat((64 << feature_shift) + (1 << feature_shift >> 1) - V::OCTAVE_BIAS);
        let low = V::splat(0xffff);
        let more = V::words([constant.sub(log_s[0]).and(low), constant.sub(log_s[1]).and(low)]);
        Scale { s, more, shift: V::splat_words(feature_shift as i16) }
    }

    /// 64 ± min(63, steps), in 16 bits: logarithms of 31 octaves fit.
    #[inline(always)]
    fn soft(self, x: [V; 2]) -> V::Words {
        let octaves = V::octave_words([x[0].abs().add(self.s[0]), x[1].abs().add(self.s[1])]);
        let log = V::add_words(V::add_words(octaves, V::bend_words(octaves)), self.more);
        V::mirror_words(V::min_words(V::sar_words(log, self.shift), V::splat_words(127)), x)
    }

    /// Four features of one section, as one lane: neighbours at taps i..i + 4 against `centre`.
    #[inline(always)]
    fn four<const C: usize>(self, cells: &[i32], cell: usize, taps: &[i32], i: usize, centre: [V; C]) -> [V; C] {
        let last = taps.len() - 1;
        let mut out = centre;
        if C == 2 {
            let mut f = [self.shift; 4];
            for (j, f) in f.iter_mut().enumerate() {
                let x = seen::<V, C>(cells, cell, taps[(i + j).min(last)], centre);
                *f = self.soft([x[0], x[1]]);
            }
            let joined = V::join_words(f);
            (out[0], out[1]) = (joined[0], joined[1]);
        } else {
            let mut f = [self.shift; 2];
            for (j, f) in f.iter_mut().enumerate() {
                let first = seen::<V, C>(cells, cell, taps[(i + j).min(last)], centre);
                let second = seen::<V, C>(cells, cell, taps[(i + j + 2).min(last)], centre);
                *f = self.soft([first[0], second[0]]);
            }
            out[0] = V::join_halves(f);
        }
        out
    }
}

/// What stands at a tap of C vectors of cells, less `centre`.
#[inline(always)]
fn seen<V: Lanes, const C: usize>(cells: &[i32], cell: usize, tap: i32, centre: [V; C]) -> [V; C] {
    let cells = &cells[address(cell, tap)..][..C * N];
    let mut x = centre;
    for c in 0..C {
        x[c] = V::load(sixteen(cells, c * N)).sub(centre[c]);
    }
    x
}

/// Σ |x − centre| over taps, each clamped.
#[inline(always)]
fn size<V: Lanes, const C: usize>(mut sum: [V; C], cells: &[i32], cell: usize, taps: &[i32], centre: [V; C]) -> [V; C] {
    for &tap in taps {
        let x = seen::<V, C>(cells, cell, tap, centre);
        for c in 0..C {
            sum[c] = sum[c].add(x[c].abs().min(V::splat(MAX_RESIDUAL)));
        }
    }
    sum
}

/// Four transmitted features of C vectors of cells, as one lane.
#[inline(always)]
fn four_hints<V: Lanes, const C: usize>(values: &[i32], cell: usize, hints: &[i32], i: usize) -> [V; C] {
    let last = hints.len() - 1;
    let mut out = [V::splat(0); C];
    for c in 0..C {
        let mut f = [V::splat(0); 4];
        for j in 0..4 {
            let v = V::load(sixteen(values, address(cell, hints[(i + j).min(last)]) + c * N));
            f[j] = v.sar(V::splat(HINT_SHIFT as i32)).min(V::splat(127));
        }
        out[c] = V::join(f);
    }
    out
}

#[inline(always)]
fn mean<V: Lanes>(sum: V, log2_n: u32, floor: i32) -> V {
    sum.add(V::splat((1 << log2_n) >> 1)).sar(V::splat(log2_n as i32)).add(V::splat(floor))
}

#[inline(always)]
fn compare<V: Lanes>(x: V, log_s: V, shift: i32) -> V {
    let step = log2(x).sub(log_s).add(V::splat((1 << shift) >> 1)).sar(V::splat(shift));
    clamp(step, -64, 63).add(V::splat(64))
}

/// Writes the packed features of C vectors of cells; returns their s.
#[inline(always)]
pub(super) fn features<V: Lanes, const C: usize>(
    net: &PackedNet,
    run: Site,
    cell: usize,
    b: [V; C],
    x: &mut [Row],
) -> [V; C] {
    let net = &net.net;
    let (taps, ref_taps) = (&run.offsets.taps[..], &run.offsets.ref_taps[..]);
    let Arenas { values, residuals, refs, stats } = run.arenas;
    let (near, all, zero) = (1 << net.near_log2, 1 << net.wide_log2, [V::splat(0); C]);
    let near_sum = size(zero, residuals, cell, &taps[..near], zero);
    let wide_sum = size(near_sum, residuals, cell, &taps[near..all], zero);
    let rough_sum = size(zero, values, cell, &taps[..near], b);
    let (mut s, mut log_s) = (zero, zero);
    for c in 0..C {
        s[c] = mean(near_sum[c], net.near_log2, net.scale_floor);
        log_s[c] = log2(s[c]);
    }
    let scale = Scale::new([s[0], s[C - 1]], [log_s[0], log_s[C - 1]], net.feature_shift);

    let mut rows = x.iter_mut();
    for i in (0..net.n_values).step_by(4) {
        put(&mut rows, scale.four(values, cell, &taps[..net.n_values], i, b));
    }
    for i in (0..net.n_residuals).step_by(4) {
        put(&mut rows, scale.four(residuals, cell, &taps[..net.n_residuals], i, zero));
    }
    for u in &refs[..net.n_refs] {
        let u0 = seen(u, cell, ref_taps[0], zero);
        for i in (0..ref_taps.len() - 1).step_by(4) {
            put(&mut rows, scale.four(u, cell, &ref_taps[1..], i, u0));
        }
    }
    for i in (0..net.n_hints).step_by(4) {
        put(&mut rows, four_hints::<V, C>(values, cell, &run.offsets.hints[..net.n_hints], i));
    }
    let step = net.feature_shift as i32;
    let mut rest = [zero; 2];
    for c in 0..C {
        let scale = clamp(log_s[c].sar(V::splat(5)).sub(V::splat(32)), 0, 127);
        let wide = compare(mean(wide_sum[c], net.wide_log2, net.scale_floor), log_s[c], step);
        let rough = compare(mean(rough_sum[c], net.near_log2, net.scale_floor), log_s[c], step);
        rest[0][c] = V::join([scale, wide, rough, V::splat(16 * run.level.min(7))]);
        let quiet = V::splat(stats.spread);
        let above = b[c].sub(V::splat(stats.median));
        let height = log2(above.abs().add(quiet)).sub(log2(quiet)).add(V::splat(16)).sar(V::splat(5)).min(V::splat(63));
        let below = V::splat(0).gt(above);
        let height = V::select(below, V::splat(64).sub(height), V::splat(64).add(height));
        rest[1][c] = V::join([height, compare(quiet, log_s[c], step), V::splat(0), V::splat(0)]);
    }
    put(&mut rows, rest[0]);
    put(&mut rows, rest[1]);
    s
}

#[inline(always)]
fn put<'a, V: Lanes, const C: usize>(rows: &mut impl Iterator<Item = &'a mut Row>, words: [V; C]) {
    let row = rows.next().expect("the scratch fits the net");
    for c in 0..C {
        words[c].store(&mut row.0[c]);
    }
}

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
