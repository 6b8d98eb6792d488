//! Family `l3c`: a pyramid of means and features. Features of a scale are one stage, the four phases of its ints another, as none of
//! them sees the others.
//!
//! ```text
//! encode   fill -> predict -> residual -> context (encoder's net) -> quantise -> fill
//!               -> context -> coarsen -> mixture -> interval
//! decode   for each stage:   predict -> context -> coarsen -> mixture -> pop -> fill -> residual
//! ```

use super::interface::TileInts;
use super::op::Op;
use super::params;
use super::program::{Buf, Program, Stage};
use super::stages::{Stages, in_places, n_cells, packed, pop_stage, stages};
use super::tables::Block;
use super::walk::{Prepared, Tile, Walk};
use crate::error::{Error, Result};
use crate::kernel::predict::Linear;
use crate::kernel::quantise::MAX_FEATURE;
use crate::model::Plan;
use crate::model::l3c::{Steps, pyramid, symbol};
use crate::net::Pass;
use crate::tile::pyramid::restore;
use crate::tile::stream::PlaneContext;
use std::ops::Range;

/// The step that means features.
const FEATURES: u32 = 31;

/// log2 of the step of a scale; no scale: of features.
pub(super) fn log2_step(steps: Steps, scale: Option<usize>) -> u32 {
    scale.map_or(FEATURES, |scale| steps.of_scale(scale))
}

pub(super) struct Pyramid<'a> {
    context: PlaneContext<'a>,
    plan: &'a Plan,
    steps: Steps,
    program: Program,
}

/// What is told of a stage: of the cells of each step by themselves, and of all.
struct Told {
    steps: Vec<(Range<usize>, params::Predict, params::Net)>,
    all: Range<usize>,
    scale: params::Scale,
    /// The encoder's net, where it makes the stage's symbols.
    encoder: Option<params::Net>,
}

fn together(plan: &Plan) -> Vec<Stage> {
    stages(plan, |a, b| (a.pass, a.level) == (b.pass, b.level))
}

impl<'a> Pyramid<'a> {
    /// Results of all stages lie in one block.
    pub fn to_encode(context: PlaneContext<'a>, plan: &'a Plan) -> Pyramid<'a> {
        let all = together(plan);
        let n = all.iter().map(|stage| stage.n).sum();
        let mut s = Stages::new(context, plan, 0, all, n);
        let block = Block { base: 0, stride: n };
        let told: Vec<Told> = (0..s.all.len()).map(|i| told(&mut s, i, block)).collect();
        let [coarse, symbols] = [n, n].map(|n| s.t.p.per_tile(n));

        s.fill_all(block);
        told.iter().for_each(|stage| stage.predict(&mut s));
        s.residual_all(block);
        for (i, stage) in told.iter().enumerate() {
            if let Some(encoder) = stage.encoder {
                s.context(encoder, stage.all.clone());
                s.t.p.run(Op::Quantise, &[s.t.heads, symbols], stage.scale, stage.all.clone());
                s.fill_stage(symbols, block, i);
            }
        }
        told.iter().for_each(|stage| stage.context(&mut s, coarse));
        s.mixture(coarse, block, 0..n);
        s.intervals(symbols, coarse, block);
        s.t.p.inputs = vec![s.t.seeds, s.t.ints, symbols];
        Pyramid { context, plan, steps: Steps::of(context.stats), program: s.t.p }
    }

    /// Results of each stage begin at 0.
    pub fn to_decode(context: PlaneContext<'a>, plan: &'a Plan) -> Pyramid<'a> {
        let all = together(plan);
        let most = all.iter().map(|stage| stage.n).max().unwrap_or(0);
        let mut s = Stages::new(context, plan, 0, all, most);
        let coarse = s.t.p.per_tile(most);
        s.begin();
        for i in 0..s.all.len() {
            let block = Block::of(&s.all[i]);
            let stage = told(&mut s, i, block);
            stage.predict(&mut s);
            stage.context(&mut s, coarse);
            s.mixture(coarse, block, stage.all);
            s.pop(i, s.mixtures(s.all[i].n, coarse));
        }
        s.t.p.inputs = vec![s.t.seeds];
        s.t.p.popped = Some(s.t.ints);
        Pyramid { context, plan, steps: Steps::of(context.stats), program: s.t.p }
    }
}

impl Told {
    fn predict(&self, s: &mut Stages) {
        self.steps.iter().for_each(|(places, predict, _)| s.t.predict(*predict, places.clone()));
    }

    fn context(&self, s: &mut Stages, coarse: Buf) {
        self.steps.iter().for_each(|(places, _, net)| s.context(*net, places.clone()));
        s.t.p.run(Op::Coarsen, &[s.t.b, s.t.heads, coarse], self.scale, self.all.clone());
    }
}

fn told(s: &mut Stages, i: usize, block: Block) -> Told {
    let (stage, context, plan) = (s.all[i].clone(), s.t.context, s.t.plan);
    let steps = &plan.steps[stage.steps.clone()];
    // the prediction of a feature is the mean beside it
    let stay = Linear::new(Vec::new(), Vec::new()).expect("nothing sums to 0");
    let mut first = stage.first;
    let each = steps.iter().map(|step| {
        let linear = if step.pass == Pass::Feature { &stay } else { &context.linears[step.set] };
        let (predict, net) = s.told(step, linear, block);
        let places = first..first + n_cells(step);
        first = places.end;
        (places, predict, net)
    });
    let each = each.collect();
    let is_feature = steps[0].pass == Pass::Feature;
    let encoder = is_feature.then(|| {
        let offsets = &plan.offsets[plan.scales[steps[0].level as usize].encoder];
        s.t.net(context.model.net_index(Pass::Encoder, 0), offsets, plan.level(&steps[0]), block)
    });
    let scale = (!is_feature).then_some(steps[0].level as usize);
    let scale = params::Scale {
        base: block.base as u32,
        stride: block.stride as u32,
        k: s.t.k as u32,
        most: MAX_FEATURE.min(context.max),
        log2_step: log2_step(Steps::of(context.stats), scale),
    };
    Told { steps: each, all: stage.places(), scale, encoder }
}

impl Walk for Pyramid<'_> {
    fn program(&self) -> &Program {
        &self.program
    }

    fn prepare<'t>(&self, tile: &TileInts<'t>) -> Prepared<'t> {
        let all = pyramid(self.plan, tile.ints, self.context.max, self.steps);
        // features are 0: the device makes them
        let mut symbols = all.clone();
        for step in &self.plan.steps {
            let own = step.runs.iter().flat_map(|&run| run.indices());
            own.for_each(|i| symbols[i] = symbol(self.steps, step, all[i]));
        }
        let index = &self.program.index;
        let inputs = vec![vec![all[0]], in_places(index, &all), in_places(index, &symbols)];
        Prepared { inputs, ints: symbols.into() }
    }

    /// Beyond a window may lie a mean or an int, never a feature, of which the CPU knows nothing.
    fn pack(&self, symbols: &[i32], parts: &[&[i32]]) -> Vec<u8> {
        packed(self.context, self.plan, &self.program, symbols, parts)
    }

    fn open(&self, payload: &[u8]) -> Tile {
        Tile::open(self.context, payload, self.plan.n_ints())
    }

    fn pop(&self, tile: &mut Tile, stage: &Stage, parts: &[&[i32]]) {
        pop_stage(tile, (self.context, self.context.popped()), self.plan, stage, parts);
        let mut restored: Result<()> = tile.popper.as_ref().map(|_| ()).map_err(Error::clone);
        for step in &self.plan.steps[stage.steps.clone()] {
            for &run in &step.runs {
                restored = restored.and_then(|()| restore(self.context, self.steps, step, run, &mut tile.ints));
                if restored.is_err() {
                    run.indices().for_each(|i| tile.ints[i] = 0);
                }
            }
        }
        if let (Err(e), Ok(_)) = (restored, &tile.popper) {
            tile.popper = Err(e);
        }
    }

    fn finish(&self, mut tile: Tile, _: &[&[i32]]) -> Result<Vec<i32>> {
        tile.popper?.finish().map(|()| tile.ints.split_off(self.plan.scales[0].ints))
    }
}
