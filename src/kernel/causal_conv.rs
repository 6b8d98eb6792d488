//! A net whose layers are causal convolutions: they see activations of cells that came earlier.
//!
//! x = [Aₛ(cell + tap), …]          A₀ are the features, Aₗ the outputs of layer l; 0 where no cell is
//! v = clamp(round(bias + W · x), −127, 127)
//! y = v, of a gated layer round(vₒ · max(v₍ₙ₊ₒ₎, 0) / 128), and Aₛ(cell) on top where a layer adds; clamped to 0..=127
//!
//! The last layer is a plain one. Taps lead to cells whose addresses are lower, so cells one after the other see all they need;
//! `net::load` has proved that no sum overflows. NUMERICS.md, section 3.7.

use super::activation_cache::ActivationCache;
use super::context::{Heads, Hidden, dense, features};
use super::{Site, address};
use crate::net::{Net, Wiring};

/// Planes that `ActivationCache` needs for a net: one per activation.
pub fn n_planes(net: &Net) -> usize {
    net.kept().iter().map(|&source| net.width(source).next_multiple_of(4)).sum()
}

/// s and heads for the cells of a run.
pub fn causal_conv(net: &Net, run: Site, b: &[i32], cache: &mut ActivationCache, out: &mut Heads) {
    let last = net.layers.last().expect("a net has layers");
    let mut y = Vec::new();
    cache.reach(run.at, run.n);
    for (i, &b) in b[..run.n].iter().enumerate() {
        let (s, all) = activations(net, run.cell(i), b, cache);
        out.s[i] = s;
        dense(last, &all[net.layers.len() - 1], (-32768, 32767), &mut y);
        for (h, &y) in y.iter().enumerate() {
            out.heads[h * out.stride + i] = y;
        }
    }
}

/// s and the activations that the last layer sees, for the cells of a run.
pub fn hidden(net: &Net, run: Site, b: &[i32], cache: &mut ActivationCache, out: &mut Hidden) {
    cache.reach(run.at, run.n);
    for (i, &b) in b[..run.n].iter().enumerate() {
        let (s, all) = activations(net, run.cell(i), b, cache);
        out.s[i] = s;
        for (w, four) in all[net.layers.len() - 1].chunks_exact(4).enumerate() {
            out.words[w * out.stride + i] = four.iter().rev().fold(0, |word, &x| word << 8 | x);
        }
    }
}

/// s and A₀, A₁, … of one cell, with zeros up to multiples of 4; what other cells see of them goes to the cache.
pub fn activations(net: &Net, cell: Site, b: i32, cache: &mut ActivationCache) -> (i32, Vec<Vec<i32>>) {
    let mut f = vec![0; net.n_in()];
    let s = features(net, cell, b, &mut f);
    let mut all = vec![f];
    let mut v = Vec::new();
    let hidden = &net.layers[..net.layers.len() - 1];
    for (layer, wiring) in hidden.iter().zip(net.wiring()) {
        let x = inputs(net, wiring, cell, &all, cache);
        dense(layer, &x, (-127, 127), &mut v);
        all.push(outputs(wiring, &v, &all));
    }
    for (plane, x) in net.kept().iter().flat_map(|&source| &all[source]).enumerate() {
        cache.cells_mut(plane, cell.at)[0] = *x;
    }
    (s, all)
}

/// What a layer sees: the activations of the cell itself lie in `all`, those of others in the cache.
fn inputs(net: &Net, wiring: &Wiring, cell: Site, all: &[Vec<i32>], cache: &ActivationCache) -> Vec<i32> {
    let mut x = Vec::new();
    for input in &wiring.inputs {
        let here = &all[input.source];
        if input.tap == (0, 0) {
            x.extend(here);
            continue;
        }
        let tap = net.around().iter().position(|&tap| tap == input.tap).expect("a net lists the taps of its layers");
        let there = address(cell.at, cell.offsets.around[tap]);
        let before = net.kept().iter().take_while(|&&source| source < input.source);
        let first: usize = before.map(|&source| all[source].len()).sum();
        x.extend((0..here.len()).map(|i| cache.cells(first + i, there)[0]));
    }
    x
}

/// What becomes of the sums of a layer.
fn outputs(wiring: &Wiring, v: &[i32], all: &[Vec<i32>]) -> Vec<i32> {
    let n = if wiring.gate { v.len() / 2 } else { v.len() };
    let mut y = vec![0; n.next_multiple_of(4)];
    for o in 0..n {
        let value = if wiring.gate { (v[o] * v[n + o].max(0) + 64) >> 7 } else { v[o] };
        let skip = wiring.add.map_or(0, |source| all[source][o]);
        y[o] = (value + skip).clamp(0, 127);
    }
    y
}
