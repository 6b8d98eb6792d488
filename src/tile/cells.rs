//! One tile through a model whose nets meet cells: the walk of its family, by one coder or another.

use crate::error::Result;
use crate::fit::Cells;
use crate::model::vdm::{STRIP, has_ladder};
use crate::model::{Family, Plan};
use crate::net::Head;
use crate::tile::autoregressive::Autoregressive;
use crate::tile::coders::{CellCosts, Cost, Gather, GatherFeatures, Pack, Pop};
use crate::tile::diffusion::{self, Diffusion};
use crate::tile::flow::Flow;
use crate::tile::pyramid::Pyramid;
use crate::tile::stream::PlaneContext;
use crate::tile::table_coder::{TablePack, TablePop};
use crate::tile::walk::{RunCoder, Walk};

/// Walks a tile by the schedule of its family; flows and pyramids code what is masked like all else.
fn on<R>(
    context: PlaneContext,
    plan: &Plan,
    classes: &[u8],
    refs: &[&[i32]],
    go: impl FnOnce(&mut dyn Walk) -> R,
) -> R {
    let mirrored = plan.mirrored(refs);
    let refs: Vec<&[i32]> = mirrored.iter().map(Vec::as_slice).collect();
    match context.model.family {
        Family::Idf => go(&mut Flow::new(context, plan, &refs)),
        Family::L3c => go(&mut Pyramid::new(context, plan)),
        Family::Vdm => go(&mut Diffusion::new(context, plan)),
        _ => go(&mut Autoregressive::new(context, plan, &refs, classes)),
    }
}

/// The payload of a tile whose ints all lie in 0..=max; `plan` may be any of the model's for this size.
pub fn encode(context: PlaneContext, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<u8> {
    encode_masked(context, plan, ints, &[], refs)
}

/// The same of ints of which a mask hides some: they must have been filled in. No classes: nothing is masked.
pub fn encode_masked(context: PlaneContext, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<u8> {
    let family = context.model.family;
    assert!(family.knows_masks() || classes.iter().all(|class| *class == 0), "this family leaves nothing out");
    if family == Family::Vdm {
        return diffusion::encode(context, plan, ints);
    }
    on(context, plan, classes, refs, |walk| {
        let (seed, framing) = (walk.analyse(ints), walk.framing());
        let knows = "an encoder knows what comes";
        match context.model.head() {
            Head::Mixture { .. } => {
                let mut pack = Pack::new(plan, framing);
                walk.walk(&mut pack).expect(knows);
                pack.payload(plan, framing, seed)
            }
            Head::Table => {
                let mut pack = TablePack::new(plan);
                walk.walk(&mut pack).expect(knows);
                pack.payload(context.kernels, plan, seed)
            }
        }
    })
}

/// The bits of a window, as a part of a tile: a ladder of so few ints would be strip for the most part.
pub fn bits(context: PlaneContext, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> u64 {
    let is_ladder = context.model.family == Family::Vdm && has_ladder(plan.h);
    match is_ladder {
        false => encode_masked(context, plan, ints, classes, refs).len() as u64 * 8,
        true => {
            let cost = costs(context, plan, ints, classes, refs)[0].max(0) as u64 / 256;
            cost * plan.h as u64 / (plan.h - STRIP) as u64
        }
    }
}

/// −256 · log2 of the probability that each net of the model gives to its ints; what lies beyond windows is not counted.
pub fn costs(context: PlaneContext, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<i64> {
    let mut cost = Cost::new(context.model);
    meet(context, plan, ints, classes, refs, &mut cost);
    cost.0
}

/// The same of each int; of families whose symbols are their ints.
pub fn cell_costs(context: PlaneContext, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<i32> {
    on(context, plan, classes, refs, |walk| {
        walk.analyse(ints);
        let mut costs = CellCosts::new(plan);
        walk.walk(&mut costs).expect("an encoder knows what comes");
        costs.0
    })
}

/// Adds every `stride`-th cell to those of its net, unless it is masked.
pub fn gather(
    context: PlaneContext,
    plan: &Plan,
    ints: &[i32],
    classes: &[u8],
    refs: &[&[i32]],
    stride: usize,
    cells: &mut [Cells],
) {
    meet(context, plan, ints, classes, refs, &mut Gather::new(stride, cells));
}

/// The same by the features of each cell; not of flows and pyramids.
pub fn gather_features(
    context: PlaneContext,
    plan: &Plan,
    ints: &[i32],
    classes: &[u8],
    refs: &[&[i32]],
    stride: usize,
    cells: &mut [Cells],
) {
    meet(context, plan, ints, classes, refs, &mut GatherFeatures::new(stride, cells));
}

/// Shows all runs of a tile whose ints are known to a coder.
fn meet(context: PlaneContext, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]], coder: &mut dyn RunCoder) {
    on(context, plan, classes, refs, |walk| {
        walk.analyse(ints);
        walk.walk(coder).expect("an encoder knows what comes");
    });
}

/// The ints of a payload; `plan` must be the model's plan for decoding.
pub fn decode(context: PlaneContext, plan: &Plan, payload: &[u8], refs: &[&[i32]], ints: &mut [i32]) -> Result<()> {
    decode_masked(context, plan, payload, &[], refs, ints)
}

/// The same where a mask hides some.
pub fn decode_masked(
    context: PlaneContext,
    plan: &Plan,
    payload: &[u8],
    classes: &[u8],
    refs: &[&[i32]],
    ints: &mut [i32],
) -> Result<()> {
    if context.model.family == Family::Vdm {
        return diffusion::decode(context, plan, payload, ints);
    }
    on(context, plan, classes, refs, |walk| match context.model.head() {
        Head::Mixture { .. } => {
            let (mut pop, seed) = Pop::new(payload, walk.framing())?;
            walk.open(seed)?;
            walk.walk(&mut pop)?;
            walk.ints(ints)?;
            pop.finish()
        }
        Head::Table => {
            let (mut pop, seed) = TablePop::new(payload, context.max)?;
            walk.open(seed)?;
            walk.walk(&mut pop)?;
            walk.ints(ints)?;
            pop.finish()
        }
    })
}
