//! kernel::causal_conv, sixteen or thirty-two cells at a time: what a layer sees is gathered from constant offsets, four activations to a
//! lane, and then it is a layer like any other.
//!
//! Lanes behind the end of a run hold what nobody needs, as taps lead to earlier cells: they are set to 0 when the run is through.

use super::amx::Tiles;
use super::context::{from_tiles, put_heads, units};
use super::features::features;
use super::lanes::{Lanes, N, clamp, sixteen, sixteen_mut};
use super::pack::{Block, Packed, PackedNet, Row, Wire, Wires};
use super::{BLOCK, Scratch};
use crate::kernel::activation_cache::ActivationCache;
use crate::kernel::context::{Heads, Hidden};
use crate::kernel::{Site, address};

#[inline(always)]
pub fn causal_conv<V: Lanes>(
    net: &PackedNet,
    run: Site,
    b: &[i32],
    tiles: Option<&Tiles>,
    scratch: &mut Scratch,
    out: &mut Heads,
) {
    scratch.cache.reach(run.at, run.n);
    let mut i = 0;
    while V::WIDE && i + N < run.n {
        block::<V, 2>(net, run, i, b, tiles, scratch, out);
        i += 2 * N;
    }
    while i < run.n {
        block::<V, 1>(net, run, i, b, tiles, scratch, out);
        i += N;
    }
    scratch.cache.forget(run.at + run.n, run.n.next_multiple_of(BLOCK) - run.n);
}

/// s and the activations that the last layer sees; used by encoders on a few cells only, so there are no tiles here.
#[inline(always)]
pub fn hidden<V: Lanes>(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Hidden) {
    scratch.cache.reach(run.at, run.n);
    let n_k = net.layers.last().expect("a net has layers").n_k;
    for i in (0..run.n).step_by(N) {
        let [s] = activations::<V, 1>(net, run, i, b, None, scratch);
        s.store(sixteen_mut(&mut out.s, i));
        for (k, row) in scratch.x[..n_k].iter().enumerate() {
            V::load(&row.0[0]).store(sixteen_mut(&mut out.words, k * out.stride + i));
        }
    }
    scratch.cache.forget(run.at + run.n, run.n.next_multiple_of(BLOCK) - run.n);
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
    let s = activations::<V, C>(net, run, i, b, tiles, scratch);
    for c in 0..C {
        s[c].store(sixteen_mut(&mut out.s, i + c * N));
    }
    let last = net.layers.last().expect("a net has layers");
    if let Some(tiles) = tiles {
        tiles.multiply::<C>(last, &scratch.x, &mut scratch.y);
    }
    for unit in 0..last.bias.len() {
        put_heads::<V, C>(last, unit, sums::<V, C>(last, unit, tiles, scratch), i, out);
    }
}

/// s of the C vectors of cells from `i` on; leaves what the last layer sees in x.
#[inline(always)]
fn activations<V: Lanes, const C: usize>(
    net: &PackedNet,
    run: Site,
    i: usize,
    b: &[i32],
    tiles: Option<&Tiles>,
    scratch: &mut Scratch,
) -> [V; C] {
    let wires = net.wires.as_ref().expect("a net of plain layers has no wires");
    let cell = run.at + i;
    let mut centre = [V::splat(0); C];
    for c in 0..C {
        centre[c] = V::load(sixteen(b, i + c * N));
    }
    let s = features::<V, C>(net, run, cell, centre, &mut scratch.all);
    keep::<V, C>(wires, 0, wires.ends[0], cell, &scratch.all, &mut scratch.cache);
    let n_hidden = net.layers.len() - 1;
    for l in 0..n_hidden {
        let (layer, wire, begin) = (&net.layers[l], &wires.layers[l], wires.ends[l]);
        gather::<V, C>(wire, run, cell, scratch);
        if let Some(tiles) = tiles {
            tiles.multiply::<C>(layer, &scratch.x, &mut scratch.y);
        }
        let step = if wire.gate { 2 } else { 1 };
        let (mut unit, n_units) = (0, layer.bias.len());
        while unit < n_units {
            let two = V::WIDE && unit + 1 < n_units || wire.gate;
            let [first, second] = if two {
                pair::<V, C>(layer, unit, tiles, scratch)
            } else {
                [sums::<V, C>(layer, unit, tiles, scratch); 2]
            };
            let to = unit / step;
            let gates = if wire.gate { Some(second) } else { None };
            let y = outputs::<V, C>(wire, to, first, gates, &scratch.all);
            put::<V, C>(y, &mut scratch.all[begin + to]);
            if two && !wire.gate {
                let y = outputs::<V, C>(wire, to + 1, second, None, &scratch.all);
                put::<V, C>(y, &mut scratch.all[begin + to + 1]);
            }
            unit += if two { 2 } else { 1 };
        }
        keep::<V, C>(wires, begin, wires.ends[l + 1], cell, &scratch.all, &mut scratch.cache);
    }
    gather::<V, C>(&wires.layers[n_hidden], run, cell, scratch);
    s
}

/// The shifted, unclamped outputs of a unit.
#[inline(always)]
fn sums<V: Lanes, const C: usize>(
    layer: &Packed,
    unit: usize,
    tiles: Option<&Tiles>,
    scratch: &Scratch,
) -> [[V; C]; 4] {
    match tiles {
        Some(_) => from_tiles::<V, C>(layer, unit, &scratch.y),
        None => units::<V, C, 1>(layer, unit, &scratch.x)[0],
    }
}

/// The same of two units: at once where registers suffice for that.
#[inline(always)]
fn pair<V: Lanes, const C: usize>(
    layer: &Packed,
    unit: usize,
    tiles: Option<&Tiles>,
    scratch: &Scratch,
) -> [[[V; C]; 4]; 2] {
    match tiles {
        None if V::WIDE => units::<V, C, 2>(layer, unit, &scratch.x),
        _ => [sums::<V, C>(layer, unit, tiles, scratch), sums::<V, C>(layer, unit + 1, tiles, scratch)],
    }
}

/// What a layer sees, in x.
#[inline(always)]
fn gather<V: Lanes, const C: usize>(wire: &Wire, run: Site, cell: usize, scratch: &mut Scratch) {
    let mut rows = scratch.x.iter_mut();
    for &block in &wire.blocks {
        match block {
            Block::Here { lane, n } => {
                for from in &scratch.all[lane..][..n] {
                    let row = rows.next().expect("the scratch fits the net");
                    for c in 0..C {
                        V::load(&from.0[c]).store(&mut row.0[c]);
                    }
                }
            }
            Block::There { plane, n, around } => {
                let there = address(cell, run.offsets.around[around]);
                for w in plane..plane + n {
                    let row = rows.next().expect("the scratch fits the net");
                    let cells = &scratch.cache.cells(w, there)[..C * N];
                    for c in 0..C {
                        V::load(sixteen(cells, c * N)).store(&mut row.0[c]);
                    }
                }
            }
        }
    }
}

/// What becomes of the sums of four outputs.
#[inline(always)]
fn outputs<V: Lanes, const C: usize>(
    wire: &Wire,
    unit: usize,
    values: [[V; C]; 4],
    gates: Option<[[V; C]; 4]>,
    all: &[Row],
) -> [[V; C]; 4] {
    let mut y = values;
    for o in 0..4 {
        for c in 0..C {
            y[o][c] = clamp(values[o][c], -127, 127);
            if let Some(gates) = &gates {
                let product = y[o][c].mul_halves(clamp(gates[o][c], 0, 127));
                y[o][c] = product.add(V::splat(64)).sar(V::splat(7));
            }
            if let Some(lane) = wire.add {
                let four = V::load(&all[lane + unit].0[c]);
                y[o][c] = y[o][c].add(four.shr(V::splat(8 * o as i32)).and(V::splat(127)));
            }
        }
    }
    y
}

#[inline(always)]
fn put<V: Lanes, const C: usize>(y: [[V; C]; 4], row: &mut Row) {
    for c in 0..C {
        V::bytes([y[0][c], y[1][c], y[2][c], y[3][c]]).store(&mut row.0[c]);
    }
}

/// Puts the lanes from `begin` to `end` into the cache, if other cells see their source.
#[inline(always)]
fn keep<V: Lanes, const C: usize>(
    wires: &Wires,
    begin: usize,
    end: usize,
    cell: usize,
    all: &[Row],
    cache: &mut ActivationCache,
) {
    for &(lane, _, plane) in &wires.cached {
        if lane != begin {
            continue;
        }
        for (w, row) in all[begin..end].iter().enumerate() {
            let cells = cache.cells_mut(plane + w, cell);
            for c in 0..C {
                V::load(&row.0[c]).store(sixteen_mut(cells, c * N));
            }
        }
    }
}
