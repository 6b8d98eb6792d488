//! A net as the dot products want it: four inputs to a lane, four outputs to a unit.
//!
//! weights[unit][k] = the four outputs of the unit, each with its four weights for inputs 4k..4k + 4 as the bytes of an i32.
//!
//! The features come in sections (values, residuals, each reference plane, hints, context), and every section fills whole lanes: what
//! stands in the gaps is arbitrary, its weights are zero. Of a gated layer a unit of values and a unit of gates follow each other.

use super::lanes::N;
use crate::kernel::mesh::place;
use crate::net::{Input, Layer, MAX_SIDE, Mesh, Net, Wiring};

/// Cells of two vectors.
pub const CELLS: usize = 2 * N;
/// Cells of a mesh's largest grid; a cell of this number is none, and zero.
pub const MOST: usize = MAX_SIDE * MAX_SIDE;

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
    /// None where all layers are plain.
    pub wires: Option<Wires>,
    /// Whether products in tiles gain more than the way through memory costs.
    pub is_large: bool,
}

impl PackedNet {
    pub fn new(net: &Net) -> PackedNet {
        let first = places(net);
        let layer = |(l, (layer, wiring)): (usize, (&Layer, &Wiring))| {
            let mut columns = Vec::new();
            let mut lane = 0;
            for &Input { source, .. } in &wiring.inputs {
                let width = net.width(source);
                let place = |i: usize| 4 * lane + if source == 0 { first[i] } else { i };
                columns.extend((0..width.next_multiple_of(4)).map(|i| (i < width).then(|| place(i))));
                lane += n_lanes(net, &first, source);
            }
            Packed::new(layer, &columns, &rows(layer, wiring, net.width(l + 1)))
        };
        let layers = net.layers.iter().zip(net.wiring()).enumerate().map(layer).collect();
        let n_products: usize = net.layers().iter().map(|layer| layer.n_in * layer.n_out).sum();
        let wires = (!net.is_plain()).then(|| Wires::new(net, &first));
        PackedNet { net: net.clone(), layers, wires, is_large: n_products > 2048 }
    }

    /// Rows of the widest layer's inputs or sums, in whole tiles.
    pub fn n_rows(&self) -> usize {
        let n = self.layers.iter().map(|l| l.n_k.max(4 * l.bias.len())).max().unwrap_or(0);
        n.max(n_lanes(&self.net, &places(&self.net), 0)).next_multiple_of(N)
    }
}

/// Lanes that the activations of a source fill.
fn n_lanes(net: &Net, first: &[usize], source: usize) -> usize {
    match source {
        0 => first.iter().max().map_or(0, |&p| p / 4 + 1),
        _ => net.width(source).div_ceil(4),
    }
}

/// Which output stands in each row; of a gated layer four values, then their four gates.
fn rows(layer: &Layer, wiring: &Wiring, width: usize) -> Vec<Option<usize>> {
    if !wiring.gate {
        return (0..layer.n_out).map(Some).collect();
    }
    let half = |begin: usize, unit: usize| (4 * unit..4 * unit + 4).map(move |o| (o < width).then_some(begin + o));
    (0..width.div_ceil(4)).flat_map(|unit| half(0, unit).chain(half(width, unit))).collect()
}

/// Where the activations of a cell stand: lanes of all sources side by side, and of those that are cached again, in planes.
#[derive(Clone, Debug)]
pub struct Wires {
    pub layers: Vec<Wire>,
    /// (lane, lanes, plane) of each cached source.
    pub cached: Vec<(usize, usize, usize)>,
    /// Lane behind those of each source.
    pub ends: Vec<usize>,
}

/// What one layer sees and what is added to it.
#[derive(Clone, Debug)]
pub struct Wire {
    pub blocks: Vec<Block>,
    pub gate: bool,
    /// The first lane of what is added.
    pub add: Option<usize>,
}

/// Lanes of activations: of the cell itself, or of the cell at tap `around`, from a plane on.
#[derive(Clone, Copy, Debug)]
pub enum Block {
    Here { lane: usize, n: usize },
    There { plane: usize, n: usize, around: usize },
}

impl Wires {
    fn new(net: &Net, first: &[usize]) -> Wires {
        let n = |source: usize| n_lanes(net, first, source);
        let lane = |source: usize| (0..source).map(n).sum::<usize>();
        let plane = |source: usize| net.kept().iter().take_while(|&&k| k < source).map(|&k| n(k)).sum::<usize>();
        let block = |&Input { source, tap }: &Input| match net.around().iter().position(|&t| t == tap) {
            None => Block::Here { lane: lane(source), n: n(source) },
            Some(around) => Block::There { plane: plane(source), n: n(source), around },
        };
        let wire =
            |w: &Wiring| Wire { blocks: w.inputs.iter().map(block).collect(), gate: w.gate, add: w.add.map(lane) };
        Wires {
            layers: net.wiring().iter().map(wire).collect(),
            cached: net.kept().iter().map(|&source| (lane(source), n(source), plane(source))).collect(),
            ends: (0..net.layers.len()).map(|source| lane(source + 1)).collect(),
        }
    }

    /// Lanes of all sources, of the last source a whole unit too many.
    pub fn n_lanes(&self) -> usize {
        self.ends.last().map_or(0, |n| n + 1)
    }

    pub fn n_planes(&self) -> usize {
        self.cached.iter().map(|cached| cached.1).sum()
    }
}

/// Where each feature of a net stands among its lanes.
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
    section(net.n_hints);
    section(crate::net::N_CONTEXT);
    places
}

/// A mesh and its packed layers.
#[derive(Clone, Debug)]
pub struct PackedMesh {
    pub mesh: Mesh,
    pub layers: Vec<PackedLayer>,
}

#[derive(Clone, Debug)]
pub struct PackedLayer {
    pub packed: Packed,
    /// Of each input its source, and the cell of it that every cell sees.
    pub seen: Vec<(usize, Vec<u8>)>,
}

impl PackedMesh {
    pub fn new(mesh: &Mesh) -> PackedMesh {
        let layers = mesh.layers().iter().map(|layer| {
            let n_cells = layer.side * layer.side;
            let columns: Vec<Option<usize>> = (0..layer.layer.n_in).map(Some).collect();
            let rows: Vec<Option<usize>> = (0..layer.layer.n_out).map(Some).collect();
            let seen = layer.inputs.iter().map(|input| {
                let sheet = mesh.sheet(input.source);
                let there = |c: usize| place(sheet, layer.side, c, input.tap).unwrap_or(MOST) as u8;
                let cell = |c: usize| if c < n_cells { there(c) } else { MOST as u8 };
                (input.source, (0..n_cells.next_multiple_of(CELLS)).map(cell).collect())
            });
            let seen = seen.collect();
            PackedLayer { packed: Packed::new(&layer.layer, &columns, &rows), seen }
        });
        PackedMesh { mesh: mesh.clone(), layers: layers.collect() }
    }
}

impl Packed {
    /// `columns[i]` is where input i stands, inputs without a place are padding; `rows` are the outputs.
    fn new(layer: &Layer, columns: &[Option<usize>], rows: &[Option<usize>]) -> Packed {
        let n_k = columns.iter().flatten().max().map_or(0, |&p| p / 4 + 1);
        let n_units = rows.len().div_ceil(4);
        let mut bytes = vec![[[0u8; 4]; 4]; n_units * n_k];
        let (mut bias, mut shift) = (vec![[0; 4]; n_units], vec![[0; 4]; n_units]);
        for (row, o) in rows.iter().enumerate().filter_map(|(row, o)| Some((row, (*o)?))) {
            let weights = &layer.weights[o * layer.n_in..][..layer.n_in];
            for (&w, place) in weights.iter().zip(columns).filter_map(|(w, place)| Some((w, (*place)?))) {
                bytes[row / 4 * n_k + place / 4][row % 4][place % 4] = w as u8;
            }
            shift[row / 4][row % 4] = i32::from(layer.shift[o]);
            bias[row / 4][row % 4] = layer.bias[o] + ((1 << layer.shift[o]) >> 1);
        }
        let weights: Vec<[i32; 4]> = bytes.iter().map(|unit| unit.map(i32::from_le_bytes)).collect();
        let tile = |o: usize, k: usize| {
            let lane =
                |o: usize, k: usize| if o / 4 < n_units && k < n_k { weights[o / 4 * n_k + k][o % 4] } else { 0 };
            Tile(std::array::from_fn(|i| std::array::from_fn(|j| lane(o + i, k + j))))
        };
        let tiles = (0..rows.len()).step_by(N).flat_map(|o| (0..n_k).step_by(N).map(move |k| (o, k)));
        let tiles = tiles.map(|(o, k)| tile(o, k)).collect();
        Packed { n_k, n_out: rows.len(), weights, tiles, bias, shift }
    }
}
