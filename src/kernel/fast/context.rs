//! kernel::context, sixteen or thirty-two cells at a time: features become bytes as they are made, four to a lane, and the
//! outputs of a hidden layer are the same again for the next.

use super::Scratch;
use super::amx::Tiles;
use super::lanes::{Lanes, N, clamp, log2, sixteen, sixteen_mut};
use super::pack::{Packed, PackedNet, Row};
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
pub fn context<V: Lanes>(
    net: &PackedNet,
    run: Run,
    b: &[i32],
    tiles: Option<&Tiles>,
    scratch: &mut Scratch,
    out: &mut Heads,
) {
    for i in (0..run.n).step_by(2 * N) {
        let at_hand = [V::load(sixteen(b, i)), V::load(sixteen(b, i + N))];
        let s = features(net, run, run.at + i, at_hand, &mut scratch.x);
        s[0].store(sixteen_mut(&mut out.s, i));
        s[1].store(sixteen_mut(&mut out.s, i + N));
        if let Some(tiles) = tiles {
            mlp_in_tiles::<V>(net, tiles, scratch, i, out);
        } else if V::WIDE && i + N < run.n {
            mlp::<V, 2>(net, scratch, 0, i, out);
        } else {
            mlp::<V, 1>(net, scratch, 0, i, out);
            if i + N < run.n {
                mlp::<V, 1>(net, scratch, 1, i + N, out);
            }
        }
    }
}

// Closures would lose the target features of the door, so what follows is made of inlined functions and loops.

/// What turns a neighbour into a feature, for two vectors of cells.
#[derive(Clone, Copy)]
struct Scale<V: Lanes> {
    s: [V; 2],
    log_s: [V; 2],
    /// 64 steps and a half − log_s, less the bias of octaves
    more: V::Words,
    shift: V::Words,
}

impl<V: Lanes> Scale<V> {
    #[inline(always)]
    fn new(s: [V; 2], feature_shift: u32) -> Scale<V> {
        let log_s = [log2(s[0]), log2(s[1])];
        let constant = V::splat((64 << feature_shift) + (1 << feature_shift >> 1) - V::OCTAVE_BIAS);
        let low = V::splat(0xffff);
        let more = V::words([constant.sub(log_s[0]).and(low), constant.sub(log_s[1]).and(low)]);
        Scale { s, log_s, more, shift: V::splat_words(feature_shift as i16) }
    }

    /// 64 ± min(63, steps), in 16 bits: logarithms of 31 octaves fit.
    #[inline(always)]
    fn soft(self, x: [V; 2]) -> V::Words {
        let octaves = V::octave_words([x[0].abs().add(self.s[0]), x[1].abs().add(self.s[1])]);
        let log = V::add_words(V::add_words(octaves, V::bend_words(octaves)), self.more);
        V::mirror_words(V::min_words(V::sar_words(log, self.shift), V::splat_words(127)), x)
    }

    #[inline(always)]
    fn compare(self, c: usize, x: V, shift: i32) -> V {
        let step = log2(x).sub(self.log_s[c]).add(V::splat((1 << shift) >> 1)).sar(V::splat(shift));
        clamp(step, -64, 63).add(V::splat(64))
    }

    /// Four features of one section, as one lane: neighbours at taps i..i + 4 against `centre`.
    #[inline(always)]
    fn four(self, cells: &[i32], cell: usize, taps: &[i32], i: usize, centre: [V; 2]) -> [V; 2] {
        let mut f = [self.shift; 4];
        for (j, f) in f.iter_mut().enumerate() {
            *f = self.soft(look(cells, cell, taps[(i + j).min(taps.len() - 1)], centre));
        }
        V::join_words(f)
    }
}

/// What stands at a tap of 32 cells, less `centre`.
#[inline(always)]
fn look<V: Lanes>(cells: &[i32], cell: usize, tap: i32, centre: [V; 2]) -> [V; 2] {
    let cells: &[i32; 2 * N] =
        cells[address(cell, tap)..].first_chunk().expect("there is room behind every run for two vectors");
    [V::load(sixteen(cells, 0)).sub(centre[0]), V::load(sixteen(cells, N)).sub(centre[1])]
}

/// Σ |x − centre| over taps, each clamped.
#[inline(always)]
fn size<V: Lanes>(mut sum: [V; 2], cells: &[i32], cell: usize, taps: &[i32], centre: [V; 2]) -> [V; 2] {
    for &tap in taps {
        let x = look(cells, cell, tap, centre);
        for c in 0..2 {
            sum[c] = sum[c].add(x[c].abs().min(V::splat(MAX_RESIDUAL)));
        }
    }
    sum
}

#[inline(always)]
fn mean<V: Lanes>(sum: V, log2_n: u32, floor: i32) -> V {
    sum.add(V::splat((1 << log2_n) >> 1)).sar(V::splat(log2_n as i32)).add(V::splat(floor))
}

/// Writes the packed features of 32 cells; returns their s.
#[inline(always)]
fn features<V: Lanes>(net: &PackedNet, run: Run, cell: usize, b: [V; 2], x: &mut [Row]) -> [V; 2] {
    let net = &net.net;
    let (taps, ref_taps) = (&run.offsets.taps[..], &run.offsets.ref_taps[..]);
    let Look { values, residuals, refs } = run.look;
    let (near, all, zero) = (1 << net.near_log2, 1 << net.wide_log2, [V::splat(0); 2]);
    let near_sum = size(zero, residuals, cell, &taps[..near], zero);
    let wide_sum = size(near_sum, residuals, cell, &taps[near..all], zero);
    let rough_sum = size(zero, values, cell, &taps[..near], b);
    let s = [mean(near_sum[0], net.near_log2, net.scale_floor), mean(near_sum[1], net.near_log2, net.scale_floor)];
    let scale = Scale::new(s, net.feature_shift);

    let mut rows = x.iter_mut();
    for i in (0..net.n_values).step_by(4) {
        put(&mut rows, scale.four(values, cell, &taps[..net.n_values], i, b));
    }
    for i in (0..net.n_residuals).step_by(4) {
        put(&mut rows, scale.four(residuals, cell, &taps[..net.n_residuals], i, zero));
    }
    for u in &refs[..net.n_refs] {
        let u0 = look(u, cell, ref_taps[0], zero);
        for i in (0..ref_taps.len() - 1).step_by(4) {
            put(&mut rows, scale.four(u, cell, &ref_taps[1..], i, u0));
        }
    }
    let step = net.feature_shift as i32;
    let mut rest = [zero; 2];
    for c in 0..2 {
        let height = clamp(scale.log_s[c].sar(V::splat(5)).sub(V::splat(32)), 0, 127);
        let wide = scale.compare(c, mean(wide_sum[c], net.wide_log2, net.scale_floor), step);
        let rough = scale.compare(c, mean(rough_sum[c], net.near_log2, net.scale_floor), step);
        rest[0][c] = V::join([height, wide, rough, V::splat(16 * run.level.min(7))]);
        rest[1][c] = scale.compare(c, b[c].add(V::splat(ONE)), 5);
    }
    put(&mut rows, rest[0]);
    put(&mut rows, rest[1]);
    s
}

#[inline(always)]
fn put<'a, V: Lanes>(rows: &mut impl Iterator<Item = &'a mut Row>, words: [V; 2]) {
    let row = rows.next().expect("the scratch fits the net");
    words[0].store(&mut row.0[0]);
    words[1].store(&mut row.0[1]);
}

/// Heads of the C vectors of cells from vector `c0` of the inputs, which are those from `i` on in the run.
#[inline(always)]
fn mlp<V: Lanes, const C: usize>(net: &PackedNet, scratch: &mut Scratch, c0: usize, i: usize, out: &mut Heads) {
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for (l, layer) in hidden.iter().enumerate() {
        // the features stay: the other vector may still need them
        let read = if l == 0 { &scratch.x } else { &scratch.y };
        self::hidden::<V, C>(layer, c0, read, &mut scratch.z);
        std::mem::swap(&mut scratch.y, &mut scratch.z);
    }
    let from = if hidden.is_empty() { &scratch.x } else { &scratch.y };
    for unit in 0..last.bias.len() {
        let [sums] = units::<V, C, 1>(last, unit, c0, from);
        put_heads::<V, C>(last, unit, sums, i, out);
    }
}

/// The same for both vectors with the products in tiles, whose sums lie in `z`.
#[inline(always)]
fn mlp_in_tiles<V: Lanes>(net: &PackedNet, tiles: &Tiles, scratch: &mut Scratch, i: usize, out: &mut Heads) {
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for (l, layer) in hidden.iter().enumerate() {
        tiles.multiply(layer, if l == 0 { &scratch.x } else { &scratch.y }, &mut scratch.z);
        for unit in 0..layer.bias.len() {
            narrow::<V, 2>(from_tiles(layer, unit, &scratch.z), &mut scratch.y[unit].0);
        }
    }
    tiles.multiply(last, if hidden.is_empty() { &scratch.x } else { &scratch.y }, &mut scratch.z);
    for unit in 0..last.bias.len() {
        put_heads::<V, 2>(last, unit, from_tiles(last, unit, &scratch.z), i, out);
    }
}

/// What `units` says of one unit, its products summed elsewhere.
#[inline(always)]
fn from_tiles<V: Lanes>(layer: &Packed, unit: usize, from: &[Row]) -> [[V; 2]; 4] {
    let mut sums = [[V::splat(0); 2]; 4];
    let (bias, shift, rows) = (&layer.bias[unit], &layer.shift[unit], &from[4 * unit..][..4]);
    for o in 0..4 {
        for c in 0..2 {
            sums[o][c] = V::load(&rows[o].0[c]).add(V::splat(bias[o])).sar(V::splat(shift[o]));
        }
    }
    sums
}

#[inline(always)]
fn put_heads<V: Lanes, const C: usize>(layer: &Packed, unit: usize, sums: [[V; C]; 4], i: usize, out: &mut Heads) {
    for o in 4 * unit..layer.n_out.min(4 * unit + 4) {
        for c in 0..C {
            let head = clamp(sums[o % 4][c], -32768, 32767);
            head.store(sixteen_mut(&mut out.heads, o * out.stride + i + c * N));
        }
    }
}

/// The outputs of a hidden layer, which are the inputs of the next.
#[inline(always)]
fn hidden<V: Lanes, const C: usize>(layer: &Packed, c0: usize, x: &[Row], y: &mut [Row]) {
    let n_units = layer.bias.len();
    let mut unit = 0;
    while V::WIDE && unit + 1 < n_units {
        for (u, sums) in units::<V, C, 2>(layer, unit, c0, x).into_iter().enumerate() {
            narrow::<V, C>(sums, &mut y[unit + u].0[c0..]);
        }
        unit += 2;
    }
    while unit < n_units {
        let [sums] = units::<V, C, 1>(layer, unit, c0, x);
        narrow::<V, C>(sums, &mut y[unit].0[c0..]);
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
fn units<V: Lanes, const C: usize, const U: usize>(
    layer: &Packed,
    unit: usize,
    c0: usize,
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
            inputs[c] = V::load(&x.0[c0 + c]);
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
