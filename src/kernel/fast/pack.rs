//! A net as the dot products want it: four inputs to a lane, four outputs to a unit.
//!
//! weights[unit][k] = the four outputs of the unit, each with its four weights for inputs 4k..4k + 4 as the bytes of an i32.
//!
//! The features come in sections (values, residuals, each reference plane, context), and every section fills whole lanes: what
//! stands in the gaps is arbitrary, its weights are zero.

use super::lanes::N;
use crate::net::{Layer, Net};

/// One lane of inputs, or one output, of two vectors of cells.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Row(pub [[i32; N]; 2]);

/// Weights of 16 outputs for 16 lanes of inputs.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
pub struct Tile(pub [[i32; N]; N]);

impl Row {
    pub const ZERO: Row = Row([[0; N]; 2]);
}

/// One layer; outputs beyond `n_out` are zero.
#[derive(Clone, Debug)]
pub struct Packed {
    /// Lanes that the inputs fill.
    pub n_k: usize,
    pub n_out: usize,
    pub weights: Vec<[i32; 4]>,
    /// The same in whole tiles, [n_out / 16][n_k / 16].
    pub tiles: Vec<Tile>,
    /// With the half for rounding.
    pub bias: Vec<[i32; 4]>,
    pub shift: Vec<[i32; 4]>,
}

/// A net and its packed layers.
#[derive(Clone, Debug)]
pub struct PackedNet {
    pub net: Net,
    pub layers: Vec<Packed>,
}

impl PackedNet {
    pub fn new(net: &Net) -> PackedNet {
        let first = places(net);
        let layer = |(l, layer): (usize, &Layer)| match l {
            0 => Packed::new(layer, &first),
            _ => Packed::new(layer, &(0..layer.n_in).collect::<Vec<_>>()),
        };
        PackedNet { net: net.clone(), layers: net.layers.iter().enumerate().map(layer).collect() }
    }

    /// Rows of the widest layer's inputs or sums, in whole tiles.
    pub fn n_rows(&self) -> usize {
        self.layers.iter().map(|l| l.n_k.max(l.n_out)).max().unwrap_or(0).next_multiple_of(N)
    }
}

/// Where each feature of a net stands among the packed inputs.
fn places(net: &Net) -> Vec<usize> {
    let mut places = Vec::new();
    let mut begin = 0;
    let mut section = |n: usize| {
        places.extend(begin..begin + n);
        begin += n.next_multiple_of(4);
    };
    section(net.n_values);
    section(net.n_residuals);
    for _ in 0..net.n_refs {
        section(net.ref_taps.len() - 1);
    }
    section(crate::net::N_CONTEXT);
    places
}

impl Packed {
    /// `places[i]` is where input i stands; inputs without a place are padding.
    fn new(layer: &Layer, places: &[usize]) -> Packed {
        let n_k = places.iter().max().map_or(0, |&p| p / 4 + 1);
        let n_units = layer.n_out.div_ceil(4);
        let mut bytes = vec![[[0u8; 4]; 4]; n_units * n_k];
        for (o, weights) in layer.weights.chunks_exact(layer.n_in).enumerate() {
            for (&w, &place) in weights.iter().zip(places) {
                bytes[o / 4 * n_k + place / 4][o % 4][place % 4] = w as u8;
            }
        }
        let mut bias = vec![[0; 4]; n_units];
        let mut shift = vec![[0; 4]; n_units];
        for o in 0..layer.n_out {
            shift[o / 4][o % 4] = i32::from(layer.shift[o]);
            bias[o / 4][o % 4] = layer.bias[o] + ((1 << layer.shift[o]) >> 1);
        }
        let weights: Vec<[i32; 4]> = bytes.iter().map(|unit| unit.map(i32::from_le_bytes)).collect();
        let tile = |o: usize, k: usize| {
            let lane =
                |o: usize, k: usize| if o / 4 < n_units && k < n_k { weights[o / 4 * n_k + k][o % 4] } else { 0 };
            Tile(std::array::from_fn(|i| std::array::from_fn(|j| lane(o + i, k + j))))
        };
        let tiles = (0..layer.n_out).step_by(N).flat_map(|o| (0..n_k).step_by(N).map(move |k| (o, k)));
        let tiles = tiles.map(|(o, k)| tile(o, k)).collect();
        Packed { n_k, n_out: layer.n_out, weights, tiles, bias, shift }
    }
}
