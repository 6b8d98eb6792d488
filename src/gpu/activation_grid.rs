//! Activations lie on a grid: the tile's cells in rows, with a halo of zeros, so that taps of layers are constant offsets.
//!
//! Unlike the cells of an arena, those of the grid lie side by side in every plan, and take no more room for a decoder than for an
//! encoder.

use super::params;
use super::tables::word;
use crate::net::{Layer, Net, Tap};

/// Cells of a tile's grid, and words of each: s, then the activations of each source, four to a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grid {
    up: usize,
    left: usize,
    pitch: usize,
    n_cells: usize,
    n_words: usize,
}

impl Grid {
    pub fn new(net: &Net, h: usize, w: usize) -> Grid {
        let most = |f: fn(&Tap) -> i32| net.around().iter().map(f).max().unwrap_or(0).max(0) as usize;
        let (up, left, right) = (most(|t| -t.0), most(|t| -t.1), most(|t| t.1));
        let pitch = left + w + right;
        Grid { up, left, pitch, n_cells: (up + h) * pitch, n_words: n_words(net) }
    }

    /// Where the int at (y, x) has its activations.
    pub fn at(&self, y: usize, x: usize) -> u32 {
        ((y + self.up) * self.pitch + self.left + x) as u32
    }

    pub fn offsets(&self, net: &Net) -> Vec<i32> {
        net.around().iter().map(|&(dy, dx)| dy * self.pitch as i32 + dx).collect()
    }

    /// What dispatches are told of it, where `cells` has the places' cells first and where they lie here behind them.
    pub fn params(&self, n_places: usize, p: params::Net) -> params::Net {
        params::Net { grid: n_places as u32, n_grid: self.n_cells as u32, n_words: self.n_words as u32, ..p }
    }

    /// Words of a tile.
    pub fn n_acts(&self) -> usize {
        self.n_cells * self.n_words
    }
}

/// Words of a cell; the heads of the last layer lie elsewhere.
pub(super) fn n_words(net: &Net) -> usize {
    first_word(net, net.layers().len())
}

/// Where the activations of a source begin.
fn first_word(net: &Net, source: usize) -> usize {
    1 + (0..source).map(|s| net.width(s).div_ceil(4)).sum::<usize>()
}

/// The layers of a net as causal_conv.wgsl reads them; `offsets` are those of its taps. Returns where each begins.
pub(super) fn layers(net: &Net, offsets: &[i32], out: &mut Vec<[u32; 4]>) -> Vec<u32> {
    let n_words = n_words(net) as i32;
    let mut begins = Vec::new();
    for (l, (layer, wiring)) in net.layers().iter().zip(net.wiring()).enumerate() {
        begins.push(out.len() as u32);
        let is_last = l + 1 == net.layers().len();
        let width = wiring.width(layer);
        let flags = u32::from(wiring.gate) + 2 * u32::from(is_last);
        let add = wiring.add.map_or(0, |source| first_word(net, source));
        out.push([wiring.inputs.len() as u32, width.div_ceil(4) as u32, flags, first_word(net, l + 1) as u32]);
        out.push([add as u32, (layer.n_in / 4) as u32, 0, 0]);
        for input in &wiring.inputs {
            let there = net.around().iter().position(|&tap| tap == input.tap).map_or(0, |tap| offsets[tap]);
            let from = there * n_words + first_word(net, input.source) as i32;
            out.push([from as u32, net.width(input.source).div_ceil(4) as u32, 0, 0]);
        }
        for first in (0..width).step_by(4) {
            group(layer, first, width, out);
            if wiring.gate {
                group(layer, width + first, 2 * width, out);
            }
        }
    }
    begins
}

/// Biases, shifts and weights of the four outputs from `first` on, those from `end` on left out.
fn group(layer: &Layer, first: usize, end: usize, out: &mut Vec<[u32; 4]>) {
    let outputs: [Option<usize>; 4] = std::array::from_fn(|o| (first + o < end).then_some(first + o));
    out.push(outputs.map(|o| o.map_or(0, |o| layer.bias[o] as u32)));
    out.push(outputs.map(|o| o.map_or(0, |o| layer.shift[o].into())));
    let n_words = layer.n_in / 4;
    out.extend((0..n_words).map(|c| outputs.map(|o| o.map_or(0, |o| word(&layer.weights, o * layer.n_in + 4 * c)))));
}
