//! s = floor + mean |rᵢ| over the nearest neighbours
//! f = 64 ± min(63, log2(1 + |x| / s) in steps of the net),   x = vᵢ − b, rᵢ, uᵣⱼ − uᵣ₀          7 bits each
//! h = integer MLP of f
//!
//! Shapes: n taps, n_in features in 0..=127, and as many outputs per cell as the net's head has.
//! `net::load` has proved that no sum of the MLP can overflow an i32.

use super::log2::log2;
use super::{HINT_SHIFT, MAX_RESIDUAL, PlaneStats, Site, address};
use crate::net::{Layer, Net};

/// s and the heads of every cell of a run, one array per head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads {
    /// Cells there is room for: head h of cell i is `heads[h * stride + i]`.
    pub stride: usize,
    pub s: Vec<i32>,
    pub heads: Vec<i32>,
}

impl Heads {
    pub fn new(n_outputs: usize, stride: usize) -> Heads {
        Heads { stride, s: vec![0; stride], heads: vec![0; n_outputs * stride] }
    }
}

/// s and the last hidden activations of every cell of a run, four to a word with the first lowest: what the last layer sees.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// Cells there is room for: word w of cell i is `words[w * stride + i]`.
    pub stride: usize,
    pub s: Vec<i32>,
    pub words: Vec<i32>,
}

impl Hidden {
    /// Room for the cells of any net with a last layer of `n_in` inputs.
    pub fn new(n_in: usize, stride: usize) -> Hidden {
        Hidden { stride, s: vec![0; stride], words: vec![0; n_in / 4 * stride] }
    }
}

/// s and heads for the cells of a run.
pub fn context(net: &Net, run: Site, b: &[i32], out: &mut Heads) {
    let mut f = vec![0; net.n_in()];
    let mut y = Vec::new();
    for (i, &b) in b[..run.n].iter().enumerate() {
        out.s[i] = features(net, run.cell(i), b, &mut f);
        mlp(&net.layers, &f, &mut y);
        for (h, &y) in y.iter().enumerate() {
            out.heads[h * out.stride + i] = y;
        }
    }
}

/// s and hidden activations for the cells of a run; a net of one layer has none.
pub fn hidden(net: &Net, run: Site, b: &[i32], out: &mut Hidden) {
    let mut f = vec![0; net.n_in()];
    let (last, hidden) = net.layers.split_last().expect("a net has layers");
    for (i, &b) in b[..run.n].iter().enumerate() {
        out.s[i] = features(net, run.cell(i), b, &mut f);
        let x = activations(hidden, last.n_in, &f);
        for (w, four) in x.chunks_exact(4).enumerate() {
            out.words[w * out.stride + i] = four.iter().rev().fold(0, |word, &x| word << 8 | x);
        }
    }
}

/// The features of one cell; returns its s.
pub fn features(net: &Net, cell: Site, b: i32, f: &mut [i32]) -> i32 {
    let offsets = cell.offsets;
    let value = |i: usize| cell.value(offsets.taps[i]) - b;
    let residual = |i: usize| cell.residual(offsets.taps[i]);
    let mean = |log2_n: u32, x: &dyn Fn(usize) -> i32| {
        let sum: i32 = (0..1 << log2_n).map(|i| x(i).abs().min(MAX_RESIDUAL)).sum();
        ((sum + ((1 << log2_n) >> 1)) >> log2_n) + net.scale_floor
    };
    let s = mean(net.near_log2, &residual);
    let wide = mean(net.wide_log2, &residual);
    let rough = mean(net.near_log2, &value);
    let log_s = log2(s);
    let half = (1 << net.feature_shift) >> 1;

    let PlaneStats { median: middle, spread: quiet } = cell.arenas.stats;
    let height = ((log2((b - middle).abs() + quiet) - log2(quiet) + 16) >> 5).min(63);

    let soft = |x: i32| {
        let step = ((log2(x.abs() + s) - log_s + half) >> net.feature_shift).min(63);
        if x < 0 { 64 - step } else { 64 + step }
    };
    let compare = |x: i32, shift: u32| 64 + ((log2(x) - log_s + ((1 << shift) >> 1)) >> shift).clamp(-64, 63);

    let mut n = 0;
    let mut put = |x: i32| {
        f[n] = x;
        n += 1;
    };
    for i in 0..net.n_values {
        put(soft(value(i)));
    }
    for i in 0..net.n_residuals {
        put(soft(residual(i)));
    }
    for u in &cell.arenas.refs[..net.n_refs] {
        let u0 = u[address(cell.at, offsets.ref_taps[0])];
        for &o in &offsets.ref_taps[1..] {
            put(soft(u[address(cell.at, o)] - u0));
        }
    }
    for i in 0..net.n_hints {
        put((cell.value(offsets.hints[i]) >> HINT_SHIFT).min(127));
    }
    put(((log_s >> 5) - 32).clamp(0, 127));
    put(compare(wide, net.feature_shift));
    put(compare(rough, net.feature_shift));
    put(16 * cell.level.min(7));
    put(if b < middle { 64 - height } else { 64 + height });
    put(compare(quiet, net.feature_shift));
    s
}

/// y = clamp(round((bias + Σ w · x) / 2^shift)): to 0..=127 in hidden layers, to 16 bits in the last.
pub fn mlp(layers: &[Layer], f: &[i32], y: &mut Vec<i32>) {
    let (last, hidden) = layers.split_last().expect("a net has layers");
    dense(last, &activations(hidden, last.n_in, f), (-32768, 32767), y);
}

/// What comes out of the hidden layers, with zeros up to the width of the layer behind them.
fn activations(hidden: &[Layer], n_in: usize, f: &[i32]) -> Vec<i32> {
    let (mut x, mut y) = (f.to_vec(), Vec::new());
    for layer in hidden {
        x.resize(layer.n_in, 0);
        dense(layer, &x, (0, 127), &mut y);
        x.clone_from(&y);
    }
    x.resize(n_in, 0);
    x
}

/// clamp(round((bias + Σ w · x) / 2^shift), lo, hi) for every output.
pub(super) fn dense(layer: &Layer, x: &[i32], (lo, hi): (i32, i32), y: &mut Vec<i32>) {
    y.clear();
    for (o, weights) in layer.weights.chunks_exact(layer.n_in).enumerate() {
        let sum = weights.iter().zip(x).fold(layer.bias[o], |sum, (&w, &x)| sum + i32::from(w) * x);
        let shift = layer.shift[o];
        y.push(((sum + ((1 << shift) >> 1)) >> shift).clamp(lo, hi));
    }
}
