//! Nets and predictors as the tables that the shaders read, and what dispatches are told of them.

use super::params;
use super::program::{Buf, Program, Stage};
use crate::kernel::Offsets;
use crate::kernel::mixture::{Window, mass};
use crate::kernel::predict::Linear;
use crate::kernel::tables::{EXP2_4096, EXP2_8192, RECIPROCAL, SIGMOID_CURVE, SIGMOID_SLOPE, SIGMOID_VALUE};
use crate::net::Net;

/// The place of a cell that never holds an int.
pub(super) const NONE: u32 = u32::MAX;

/// The tables of NUMERICS.md, in the order in which the shaders know them.
pub(super) fn constants() -> Vec<i32> {
    [&EXP2_4096[..], &RECIPROCAL, &EXP2_8192, &SIGMOID_VALUE, &SIGMOID_SLOPE, &SIGMOID_CURVE].concat()
}

/// Where the results of a dispatch lie: place p of a tile at p − base of its `stride`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Block {
    pub base: usize,
    pub stride: usize,
}

impl Block {
    /// One of a stage's own.
    pub fn of(stage: &Stage) -> Block {
        Block { base: stage.first, stride: stage.n }
    }
}

/// (offset, coefficient) pairs, see predict.wgsl.
pub(super) fn linear_terms(
    p: &mut Program,
    table: Buf,
    linear: &Linear,
    o: &Offsets,
    n_refs: usize,
) -> params::Predict {
    let n_linear_refs = linear.refs().len().min(n_refs);
    let n_own = linear.own().len().min(o.taps.len() - 1);
    let mut terms = vec![[o.taps[0], 0]];
    terms.extend(o.taps[1..].iter().zip(linear.own()).map(|(&o, &c)| [o, c.into()]));
    terms.push([o.ref_taps.first().copied().unwrap_or(0), 0]);
    for c in &linear.refs()[..n_linear_refs] {
        let c = c.iter().copied().chain(std::iter::repeat(0));
        terms.extend(o.ref_taps.iter().skip(1).zip(c).map(|(&o, c)| [o, c.into()]));
    }
    params::Predict {
        linear: p.append(table, &terms).start as u32,
        n_own: n_own as u32,
        n_linear_refs: n_linear_refs as u32,
        n_ref_taps: o.ref_taps.len() as u32,
        n_refs: n_refs as u32,
        ..params::Predict::default()
    }
}

/// What a net is, and through which offsets it sees.
pub(super) fn net_params(p: &mut Program, table: Buf, net: &Net, o: &Offsets) -> params::Net {
    params::Net {
        offsets: p.append(table, &[&o.taps[..], &o.ref_taps, &o.hints].concat()).start as u32,
        n_taps: o.taps.len() as u32,
        n_ref_taps: o.ref_taps.len() as u32,
        n_hints: net.n_hints as u32,
        n_values: net.n_values as u32,
        n_residuals: net.n_residuals as u32,
        n_net_refs: net.n_refs as u32,
        near_log2: net.near_log2,
        wide_log2: net.wide_log2,
        scale_floor: net.scale_floor,
        feature_shift: net.feature_shift,
        n_layers: net.layers().len() as u32,
        n_outputs: net.head.n_outputs() as u32,
        ..params::Net::default()
    }
}

pub(super) fn symbol_params(window: Window, k: usize, block: Block) -> params::Symbol {
    params::Symbol {
        base: block.base as u32,
        stride: block.stride as u32,
        k: k as u32,
        mass: mass(window.n_symbols()),
        n_symbols: window.n_symbols(),
        escapes: window.escapes().into(),
    }
}

pub(super) fn table_params(max: i32, block: Block) -> params::Table {
    params::Table { base: block.base as u32, stride: block.stride as u32, max }
}

/// Four weights to a word and four outputs to a vector, see context.wgsl.
pub(super) fn net_weights(net: &Net) -> Vec<[u32; 4]> {
    let mut out = Vec::new();
    for layer in net.layers() {
        let (n_words, n_groups) = (layer.n_in / 4, layer.n_out.div_ceil(4));
        out.push([n_words as u32, n_groups as u32, 0, 0]);
        for group in 0..n_groups {
            let outputs: [usize; 4] = std::array::from_fn(|o| 4 * group + o);
            out.push(outputs.map(|o| layer.bias.get(o).map_or(0, |&b| b as u32)));
            out.push(outputs.map(|o| layer.shift.get(o).map_or(0, |&s| s.into())));
            out.extend((0..n_words).map(|c| outputs.map(|o| word(&layer.weights, o * layer.n_in + 4 * c))));
        }
    }
    out
}

/// Four weights, the first lowest; zeros behind the last output.
pub(super) fn word(weights: &[i8], at: usize) -> u32 {
    let four = weights.get(at..at + 4).unwrap_or(&[0; 4]);
    u32::from_le_bytes(std::array::from_fn(|i| four[i] as u8))
}

/// Words of four activations that the widest layer of the nets has, rounded so that few pipelines serve all nets.
pub(super) fn columns<'a>(nets: impl Iterator<Item = &'a Net>) -> u32 {
    let widest = |net: &Net| net.layers().iter().map(|l| (l.n_in / 4).max(l.n_out.div_ceil(4))).max();
    (nets.filter_map(widest).max().unwrap_or(1) as u32).next_multiple_of(8)
}
