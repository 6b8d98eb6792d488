//! The features of kernel::context, packed as they are made: four bytes to a lane.

use super::lanes::{Lanes, N, clamp, log2, sixteen};
use super::pack::{PackedNet, Row};
use crate::kernel::{Arenas, HINT_SHIFT, MAX_RESIDUAL, Site, address};

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
