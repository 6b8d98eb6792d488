//! Families whose nets code a cell from cells that came before it: raster order with or without causal convolutions, and the lattice.
//!
//! ```text
//! encode   fill -> predict -> residual -> context -> mixture -> interval, or table          each over all cells
//!                                      or features -> causal_conv, layer by layer
//! decode   for each step:   predict -> context, or features -> causal_conv -> mixture, or table -> pop -> fill -> residual
//! ```

use super::interface::TileInts;
use super::op::Op;
use super::params;
use super::program::{Buf, Program, Stage};
use super::stages::{Stages, in_places, packed, packed_by_tables, pop_stage, stages};
use super::tables::Block;
use super::walk::{Popper, Prepared, Tile, Walk};
use crate::error::Result;
use crate::model::Plan;
use crate::model::plan::Step;
use crate::net::{Head, Pass};
use crate::tile::stream::{PlaneContext, unpack};
use crate::tile::table_coder::TablePop;
use std::ops::Range;

pub(super) struct Autoregressive<'a> {
    context: PlaneContext<'a>,
    plan: &'a Plan,
    program: Program,
}

fn key(step: &Step) -> (Pass, i32, usize, usize) {
    (step.pass, step.level, step.set, step.offsets)
}

impl<'a> Autoregressive<'a> {
    /// Neighbouring steps that share net, predictor and offsets are one stage; results of all lie in one block.
    pub fn to_encode(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Autoregressive<'a> {
        let all = stages(plan, |a, b| key(a) == key(b));
        let n = all.iter().map(|stage| stage.n).sum();
        let mut s = Stages::new(context, plan, n_refs, all.clone(), n);
        let acts = add_grid(&mut s);
        let block = Block { base: 0, stride: n };
        let told = all.iter().map(|stage| {
            let step = &plan.steps[stage.steps.start];
            (stage.places(), s.told(step, &context.linears[step.set], block), step.pass)
        });
        let told: Vec<_> = told.collect();

        s.fill_all(block);
        told.iter().for_each(|(places, (predict, _), _)| s.t.predict(*predict, places.clone()));
        s.residual_all(block);
        match acts {
            None => told.iter().for_each(|(places, (_, net), _)| s.context(*net, places.clone())),
            Some(acts) => {
                told.iter().for_each(|(places, (_, net), _)| features(&mut s, acts, *net, places.clone()));
                for (places, (_, net), pass) in &told {
                    // cells see each other's layers, so all are through with one before the next
                    for weights in s.t.nets[context.model.net_index(*pass, n_refs)].clone() {
                        layers(&mut s, acts, params::Net { weights, n_layers: 1, ..*net }, places.clone());
                    }
                }
            }
        }
        match context.model.head() {
            Head::Mixture { .. } => {
                s.mixture(s.t.b, block, 0..n);
                s.intervals(s.t.ints, s.t.b, block);
            }
            Head::Table => {
                s.table(block, 0..n);
                s.t.p.outputs = s.choices(n);
            }
        }
        s.t.p.inputs = vec![s.t.seeds, s.t.ints];
        Autoregressive { context, plan, program: s.t.p }
    }

    /// A stage for each step, whose results begin at 0.
    pub fn to_decode(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Autoregressive<'a> {
        let all = stages(plan, |_, _| false);
        let most = all.iter().map(|stage| stage.n).max().unwrap_or(0);
        let mut s = Stages::new(context, plan, n_refs, all.clone(), most);
        let acts = add_grid(&mut s);
        s.begin();
        let mut last = None;
        for (i, (step, stage)) in plan.steps.iter().zip(&all).enumerate() {
            let (block, places) = (Block::of(stage), stage.places());
            let (predict, net) = match last {
                Some((of, told)) if of == key(step) => told,
                _ => s.told(step, &context.linears[step.set], block),
            };
            last = Some((key(step), (predict, net)));
            let (base, stride) = (block.base as u32, block.stride as u32);
            let net = params::Net { base, stride, ..net };
            s.t.predict(params::Predict { base, stride, ..predict }, places.clone());
            match acts {
                None => s.context(net, places.clone()),
                Some(acts) => {
                    features(&mut s, acts, net, places.clone());
                    layers(&mut s, acts, net, places.clone());
                }
            }
            match context.model.head() {
                Head::Mixture { .. } => {
                    s.mixture(s.t.b, block, places);
                    s.pop(i, s.mixtures(stage.n, s.t.b));
                }
                Head::Table => {
                    s.table(block, places);
                    s.pop(i, s.choices(stage.n));
                }
            }
        }
        s.t.p.inputs = vec![s.t.seeds];
        s.t.p.popped = Some(s.t.ints);
        Autoregressive { context, plan, program: s.t.p }
    }
}

/// The activations of a tile, if there are any, and where those of each place lie.
fn add_grid(s: &mut Stages) -> Option<Buf> {
    let (grid, w) = (s.t.grid?, s.t.plan.w);
    let places: Vec<u32> = s.t.p.index.iter().map(|&i| grid.at(i as usize / w, i as usize % w)).collect();
    s.t.p.append(s.t.cells, &places);
    Some(s.t.p.per_tile(grid.n_acts()))
}

fn features(s: &mut Stages, acts: Buf, net: params::Net, places: Range<usize>) {
    let buffers = [s.t.cells, s.t.values, s.t.residuals, s.t.refs, s.t.b, s.t.offsets, acts];
    s.t.p.run(Op::Features, &buffers, net, places);
}

fn layers(s: &mut Stages, acts: Buf, net: params::Net, places: Range<usize>) {
    s.t.p.run(Op::CausalConv, &[s.t.cells, s.t.weights, acts, s.t.heads], net, places);
}

impl Walk for Autoregressive<'_> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn prepare<'t>(&self, tile: &TileInts<'t>) -> Prepared<'t> {
        let inputs = vec![vec![tile.ints[0]], in_places(&self.program.index, tile.ints)];
        Prepared { inputs, ints: tile.ints.into() }
    }

    fn pack(&self, ints: &[i32], parts: &[&[i32]]) -> Vec<u8> {
        match self.context.model.head() {
            Head::Mixture { .. } => packed(self.context, self.plan, &self.program, ints, parts),
            Head::Table => packed_by_tables(self.context, self.plan, ints, parts[0]),
        }
    }

    fn open(&self, payload: &[u8]) -> Tile {
        Tile::open(self.context, payload, self.plan.h * self.plan.w)
    }

    fn pop(&self, tile: &mut Tile, stage: &Stage, parts: &[&[i32]]) {
        pop_stage(tile, (self.context, self.context.popped()), self.plan, stage, parts);
    }

    fn finish(&self, tile: Tile, _: &[&[i32]]) -> Result<Vec<i32>> {
        tile.popper?.finish().map(|()| tile.ints)
    }
}

impl Tile {
    /// A tile of `n` ints, of which the seed is known.
    pub(super) fn open(context: PlaneContext, payload: &[u8], n: usize) -> Tile {
        let mut ints = vec![0; n];
        let opened = match context.model.head() {
            Head::Mixture { .. } => {
                unpack(payload, context.max as u32 + 1).map(|(popper, seed)| (Popper::Mixtures(popper), seed as i32))
            }
            Head::Table => {
                TablePop::new(payload, context.max).map(|(popper, seed)| (Popper::Tables(Box::new(popper)), seed))
            }
        };
        ints[0] = opened.as_ref().map_or(0, |(_, seed)| *seed);
        Tile { inputs: vec![vec![ints[0]]], ints, popper: opened.map(|(popper, _)| popper) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::program::Traffic;
    use super::*;
    use crate::kernel::PlaneStats;
    use crate::kernel::fast::Level;
    use crate::model::Family;
    use crate::synthetic;

    /// Of a tile of 256², both ways.
    fn traffic(family: Family, head: Head, n_refs: usize) -> [Traffic; 2] {
        let model = synthetic::tiny_with(family, 1, head);
        let (kernels, linears) = (model.kernels(Level::Plain), model.linears(n_refs));
        let stats = PlaneStats { median: 64 * 900, spread: 200 };
        let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max: 65535 };
        let (to_encode, to_decode) = (model.plan_to_encode(256, 256), model.plan_to_decode(256, 256));
        [
            Autoregressive::to_encode(context, &to_encode, n_refs).program.traffic(),
            Autoregressive::to_decode(context, &to_decode, n_refs).program.traffic(),
        ]
    }

    /// A table and its middle come back of every sample in a word, and its int goes there. Of two logistics it would be 28 bytes.
    #[test]
    fn tables_move_four_bytes_per_sample_each_way() {
        // a lattice codes all ints but the seed
        for (family, n, n_ops, n_steps) in [(Family::Pixelcnn, 65536, 5, 1531), (Family::Lattice, 65535, 51, 24)] {
            let (to_device, from_device) = (4 * (n + 1), 4 * n);
            let [encode, decode] = traffic(family, Head::Table, 0);
            assert_eq!(encode, Traffic { dispatches: n_ops, in_turn: 5, pops: 0, to_device, from_device });
            // predict, context, table; then fill, residual, which also come once before all
            let n_all = 5 * n_steps + 2;
            assert_eq!(decode, Traffic { dispatches: n_all, in_turn: n_all, pops: n_steps, to_device, from_device });
            // a reference plane goes there whole
            let [encode, decode] = traffic(family, Head::Table, 1);
            assert_eq!((encode.to_device, decode.to_device), (to_device + 4 * 65536, to_device + 4 * 65536));

            let [_, decode] = traffic(family, Head::Mixture { k: 2 }, 0);
            assert_eq!((decode.pops, decode.from_device), (n_steps, 28 * n));
        }
    }
}
