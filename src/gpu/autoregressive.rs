//! Families whose nets code a cell from cells that came before it: raster order with or without causal convolutions, and the lattice.
//!
//! ```text
//! encode   fill -> predict -> residual -> context -> mixture -> interval          each over all cells
//!                                      or features -> causal_conv, layer by layer
//! decode   for each step:   predict -> context, or features -> causal_conv -> mixture -> pop -> fill -> residual
//! ```

use super::interface::TileInts;
use super::op::Op;
use super::params;
use super::program::{Buf, Program, Stage};
use super::stages::{Stages, in_places, packed, pop_stage, stages};
use super::tables::Block;
use super::walk::{Prepared, Tile, Walk};
use crate::error::Result;
use crate::model::Plan;
use crate::model::plan::Step;
use crate::net::Pass;
use crate::tile::stream::{PlaneContext, unpack};
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
        s.mixture(s.t.b, block, 0..n);
        s.intervals(s.t.ints, s.t.b, block);
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
            s.mixture(s.t.b, block, places);
            s.pop(i, s.t.b);
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
        packed(self.context, self.plan, &self.program, ints, parts)
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
        let opened = unpack(payload, context.max as u32 + 1);
        ints[0] = opened.as_ref().map_or(0, |(_, seed)| *seed as i32);
        Tile { inputs: vec![vec![ints[0]]], ints, popper: opened.map(|(popper, _)| popper) }
    }
}
