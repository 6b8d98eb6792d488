//! Nets, predictors and plans as the buffers that the shaders read.
//!
//! A cell's *place* p is its rank in the order of the plan's steps and runs: ints, predictions, heads and intervals lie in that
//! order on the device, and only the CPU knows which int of the tile it is.

use super::op::{Op, Params, word};
use super::spots::{self, Grid};
use crate::kernel::Offsets;
use crate::kernel::mixture::mass;
use crate::kernel::predict::Linear;
use crate::kernel::tables::{EXP2_4096, EXP2_8192, RECIPROCAL, SIGMOID_CURVE, SIGMOID_SLOPE, SIGMOID_VALUE};
use crate::model::Plan;
use crate::model::plan::{Step, indices};
use crate::net::Net;
use crate::tile::stream::Context;
use std::ops::Range;

/// Shared memory of a workgroup, in words: WebGPU's default limit.
const SHARED_WORDS: u32 = 4096;
const MOST_THREADS: u32 = 64;
/// Threads of a dispatch along a tile: 65 535 workgroups of the smallest size are the default limit.
const MAX_THREADS: u32 = 65535 * 8;
/// The place of a cell that shows no int.
pub(super) const NONE: u32 = u32::MAX;

/// The tables of NUMERICS.md, in the order in which the shaders know them.
pub(super) fn constants() -> Vec<i32> {
    [&EXP2_4096[..], &RECIPROCAL, &EXP2_8192, &SIGMOID_VALUE, &SIGMOID_SLOPE, &SIGMOID_CURVE].concat()
}

/// (offset, coefficient) pairs, see predict.wgsl.
pub(super) fn linear_terms(linear: &Linear, offsets: &Offsets, n_refs: usize, out: &mut Vec<[i32; 2]>) -> Params {
    let n_linear_refs = linear.refs().len().min(n_refs);
    let n_own = linear.own().len().min(offsets.taps.len() - 1);
    let params = Params {
        linear: out.len() as u32,
        n_own: n_own as u32,
        n_linear_refs: n_linear_refs as u32,
        n_ref_taps: offsets.ref_taps.len() as u32,
        ..Params::default()
    };
    out.push([offsets.taps[0], 0]);
    out.extend(offsets.taps[1..].iter().zip(linear.own()).map(|(&o, &c)| [o, c.into()]));
    out.push([offsets.ref_taps.first().copied().unwrap_or(0), 0]);
    for c in &linear.refs()[..n_linear_refs] {
        let c = c.iter().copied().chain(std::iter::repeat(0));
        out.extend(offsets.ref_taps.iter().skip(1).zip(c).map(|(&o, c)| [o, c.into()]));
    }
    params
}

/// Four weights to a word and four outputs to a vector, see context.wgsl; returns where the net begins.
pub(super) fn net_weights(net: &Net, out: &mut Vec<[u32; 4]>) -> u32 {
    let begin = out.len() as u32;
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
    begin
}

/// Words of four activations that the widest layer of the nets has, rounded so that few pipelines serve all nets.
pub(super) fn widest(nets: impl Iterator<Item = usize>) -> u32 {
    (nets.max().unwrap_or(1) as u32).next_multiple_of(8)
}

pub(super) fn net_words(net: &Net) -> usize {
    net.layers().iter().map(|l| (l.n_in / 4).max(l.n_out.div_ceil(4))).max().unwrap_or(1)
}

/// Threads of a workgroup whose columns of `words` fit the shared memory twice.
pub(super) fn context_size(words: u32) -> u32 {
    let most = (SHARED_WORDS / (2 * words)).clamp(4, MOST_THREADS);
    1 << most.ilog2()
}

/// The fields that say what a net wants of `context` and the stages behind it.
pub(super) fn net_params(net: &Net, level: i32, mut p: Params) -> Params {
    p.k = net.k as u32;
    p.n_layers = net.layers().len() as u32;
    (p.n_values, p.n_residuals, p.n_net_refs) = (net.n_values as u32, net.n_residuals as u32, net.n_refs as u32);
    (p.near_log2, p.wide_log2, p.feature_shift) = (net.near_log2, net.wide_log2, net.feature_shift);
    (p.scale_floor, p.level) = (net.scale_floor, level);
    p
}

/// What every dispatch of a plane and a plan is told.
pub(super) fn common(context: Context, plan: &Plan, n_refs: usize) -> Params {
    let window = context.window();
    Params {
        n_arena: plan.n_arena as u32,
        n_refs: n_refs as u32,
        residual: context.usual.residual,
        usual: context.usual.value,
        max: context.max,
        mass: mass(window.n_symbols()),
        n_symbols: window.n_symbols(),
        escapes: window.escapes().into(),
        k: context.model.parts[0].net.k as u32,
        ..Params::default()
    }
}

/// Dispatches of one step, or of steps that differ in nothing but their cells.
#[derive(Clone, Debug, Default)]
pub(super) struct Stage {
    /// Entries of `Tables::params`: over the cells, and over wherever these are shown.
    pub cells: Range<usize>,
    pub shown: Range<usize>,
    /// Over the cells, layer by layer for an encoder, which has the cells look at each other; all layers at once for a decoder.
    pub layers: Range<usize>,
    /// Places of the cells.
    pub first: usize,
    pub n: usize,
    /// The steps of the plan.
    pub steps: Range<usize>,
}

/// A plane's model and a plan, laid out.
#[derive(Default)]
pub(super) struct Tables {
    pub params: Vec<Params>,
    pub cells: Vec<u32>,
    /// Of place p, where its activations lie; none where all layers are plain.
    pub spots: Vec<u32>,
    pub grid: Option<Grid>,
    /// Of place p, the int of the tile.
    pub index: Vec<u32>,
    pub shown: Vec<[u32; 2]>,
    pub mirror: Vec<[u32; 2]>,
    pub linear: Vec<[i32; 2]>,
    pub offsets: Vec<i32>,
    pub weights: Vec<[u32; 4]>,
    pub words: u32,
    pub k: usize,
    pub stages: Vec<Stage>,
    /// Entries of `params`: reference planes, cells that show no int.
    pub fill_refs: Range<usize>,
    pub fill_none: Range<usize>,
    /// All cells and wherever they are shown, for an encoder.
    pub all: Stage,
}

impl Tables {
    /// The ops of an encoder, in its order.
    pub fn ops(&self) -> Vec<Op> {
        Op::of(self.grid.is_none()).collect()
    }

    /// What the shaders know as `cells`.
    pub fn cells_and_spots(&self) -> Vec<u32> {
        [&self.cells[..], &self.spots].concat()
    }

    /// Words of activations per tile.
    pub fn n_acts(&self) -> usize {
        self.grid.map_or(0, |grid| grid.n_acts())
    }

    /// For an encoder: neighbouring steps that share net, predictor and offsets are one stage, results of all lie in one block.
    pub fn to_encode(context: Context, plan: &Plan, n_refs: usize) -> Tables {
        Tables::new(context, plan, n_refs, false)
    }

    /// For a decoder: a stage per step, whose results begin at 0.
    pub fn to_decode(context: Context, plan: &Plan, n_refs: usize) -> Tables {
        Tables::new(context, plan, n_refs, true)
    }

    fn new(context: Context, plan: &Plan, n_refs: usize, each: bool) -> Tables {
        let mut t = Tables { k: context.model.parts[0].net.k, ..Tables::default() };
        let parts = &context.model.parts;
        t.words = widest(parts.iter().filter(|p| p.net.is_plain()).map(|p| net_words(&p.net)));
        let common = common(context, plan, n_refs);
        t.order(plan);
        // only raster plans have nets whose layers look around, and these have one pass
        let around = plan.steps.first().map(|step| &parts[context.model.part(step.pass, n_refs)].net);
        t.grid = around.filter(|net| !net.is_plain()).map(|net| Grid::new(net, plan.h, plan.w));
        let nets = t.lay_out(context, plan);
        if n_refs > 0 {
            t.mirror = plan.mirror.iter().enumerate().map(|(cell, &i)| [cell as u32, i]).collect();
        }
        let ints = Params { stride: (plan.h * plan.w) as u32, ..common };
        t.fill_refs = t.add(ints, 0, t.mirror.len());
        let n_none = t.shown.len();
        t.fill_none = t.add(common, 0, n_none);

        let mut offsets: Vec<Option<u32>> = vec![None; plan.offsets.len()];
        let mut linears = vec![None; plan.offsets.len() * context.linears.len()];
        let (n_all, mut at, mut first) = (t.cells.len(), 0, 0);
        while at < plan.steps.len() {
            let step = &plan.steps[at];
            let key = |s: &Step| (s.pass, s.level, s.set, s.offsets);
            let alike = plan.steps[at..].iter().take_while(|s| key(s) == key(step)).count();
            let steps = at..at + if each { 1 } else { alike };
            at = steps.end;

            let o = &plan.offsets[step.offsets];
            let begin = *offsets[step.offsets].get_or_insert_with(|| t.add_offsets(o));
            let linear = *linears[step.offsets * context.linears.len() + step.set]
                .get_or_insert_with(|| linear_terms(&context.linears[step.set], o, n_refs, &mut t.linear));
            let part = context.model.part(step.pass, n_refs);
            let n: usize = plan.steps[steps.clone()].iter().flat_map(|s| &s.runs).map(|r| r.n as usize).sum();
            let (base, stride) = if each { (first, n) } else { (0, n_all) };
            let params = Params {
                base: base as u32,
                stride: stride as u32,
                linear: linear.linear,
                n_own: linear.n_own,
                n_linear_refs: linear.n_linear_refs,
                n_ref_taps: o.ref_taps.len() as u32,
                n_taps: o.taps.len() as u32,
                offsets: begin,
                weights: nets[part][0],
                ..net_params(&context.model.parts[part].net, step.level, common)
            };
            let params = t.grid.map_or(params, |grid| grid.params(n_all, params));
            let show = t.shown.len();
            t.show(plan, steps.clone(), first);
            let shown = t.add(params, show, t.shown.len() - show);
            let cells = t.add(params, first, n);
            let layers = t.add_layers(params, &nets[part], first, n, each);
            t.stages.push(Stage { cells, shown, layers, first, n, steps });
            first += n;
        }
        let block = Params { stride: n_all as u32, ..common };
        let shown = t.add(block, 0, t.shown.len());
        let cells = t.add(block, 0, n_all);
        t.all = Stage { cells, shown, layers: 0..0, first: 0, n: n_all, steps: 0..plan.steps.len() };
        t
    }

    /// Where all that a cell looks at begins.
    pub(super) fn add_offsets(&mut self, o: &Offsets) -> u32 {
        let begin = self.offsets.len() as u32;
        self.offsets.extend(o.taps.iter().chain(&o.ref_taps).chain(&o.hints));
        begin
    }

    /// Spots, and the weights of all nets; returns where each net begins, or each of its layers.
    fn lay_out(&mut self, context: Context, plan: &Plan) -> Vec<Vec<u32>> {
        if let Some(grid) = self.grid {
            self.spots = self.index.iter().map(|&i| grid.at(i as usize / plan.w, i as usize % plan.w)).collect();
        }
        let net = |net: &Net, out: &mut Vec<[u32; 4]>| match self.grid {
            Some(grid) => spots::layers(net, &grid.offsets(net), out),
            None => vec![net_weights(net, out)],
        };
        context.model.parts.iter().map(|part| net(&part.net, &mut self.weights)).collect()
    }

    /// The dispatches of layers that look around.
    fn add_layers(&mut self, params: Params, begins: &[u32], first: usize, n: usize, each: bool) -> Range<usize> {
        let begin = self.params.len();
        if self.grid.is_some() {
            let n_layers = if each { begins.len() } else { 1 };
            for &weights in begins.iter().step_by(n_layers) {
                self.add(Params { weights, n_layers: n_layers as u32, ..params }, first, n);
            }
        }
        begin..self.params.len()
    }

    /// Cells and ints by place, and the cells that never show an int.
    pub(super) fn order(&mut self, plan: &Plan) {
        let mut none = vec![true; plan.n_arena];
        for step in &plan.steps {
            for &run in &step.runs {
                self.cells.extend(run.at..run.at + run.n);
                self.index.extend(indices(run).map(|i| i as u32));
                none[run.at as usize..][..run.n as usize].fill(false);
            }
            step.copies.iter().for_each(|&(_, to)| none[to as usize] = false);
        }
        self.shown.extend(none.iter().enumerate().filter(|(_, none)| **none).map(|(cell, _)| [cell as u32, NONE]));
    }

    /// Homes and copies of the ints of some steps, whose places begin at `first`.
    pub(super) fn show(&mut self, plan: &Plan, steps: Range<usize>, mut first: usize) {
        for step in &plan.steps[steps] {
            let mut homes: Vec<[u32; 2]> = Vec::new();
            for run in &step.runs {
                homes.extend((0..run.n).map(|i| [run.at + i, first as u32 + i]));
                first += run.n as usize;
            }
            self.shown.extend(&homes);
            homes.sort_unstable();
            self.shown.extend(step.copies.iter().map(|&(from, to)| {
                let home = homes.binary_search_by_key(&from, |h| h[0]).expect("a step copies its own ints");
                [to, homes[home][1]]
            }));
        }
    }

    pub(super) fn add(&mut self, params: Params, first: usize, n: usize) -> Range<usize> {
        add(&mut self.params, params, first, n)
    }
}

/// Parameters for `n` threads from entry `first`, in as many dispatches as the limits ask for.
pub(super) fn add(all: &mut Vec<Params>, params: Params, first: usize, n: usize) -> Range<usize> {
    let begin = all.len();
    for at in (0..n).step_by(MAX_THREADS as usize) {
        let n = (n - at).min(MAX_THREADS as usize);
        all.push(Params { n: n as u32, first: (first + at) as u32, ..params });
    }
    begin..all.len()
}
