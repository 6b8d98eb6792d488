//! One tile through a model whose nets meet cells: the schedule of its family.

use crate::error::Result;
use crate::fit::Cells;
use crate::model::{Family, Plan};
use crate::tile::stream::Context;
use crate::tile::{autoregressive, flow, pyramid};

/// The payload of a tile whose ints all lie in 0..=max; `plan` may be any of the model's for this size.
pub fn encode(context: Context, plan: &Plan, ints: &[i32], refs: &[&[i32]]) -> Vec<u8> {
    encode_masked(context, plan, ints, &[], refs)
}

/// The same of ints of which a mask hides some: they must have been filled in. No classes: nothing is hidden.
pub fn encode_masked(context: Context, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<u8> {
    match context.model.family {
        Family::Idf => flow::encode(context, plan, ints, refs),
        Family::L3c => {
            assert!(classes.iter().all(|class| *class == 0), "this family leaves nothing out");
            pyramid::encode(context, plan, ints)
        }
        _ => autoregressive::encode(context, plan, ints, classes, refs),
    }
}

/// −256 · log2 of the probability that each net of the model gives to its ints; what lies beyond windows is not counted.
pub fn costs(context: Context, plan: &Plan, ints: &[i32], classes: &[u8], refs: &[&[i32]]) -> Vec<i64> {
    match context.model.family {
        Family::Idf => flow::costs(context, plan, ints, refs),
        Family::L3c => pyramid::costs(context, plan, ints),
        _ => autoregressive::costs(context, plan, ints, classes, refs),
    }
}

/// Adds every `stride`-th cell to those of its net, unless it is hidden.
pub fn gather(
    context: Context,
    plan: &Plan,
    ints: &[i32],
    classes: &[u8],
    refs: &[&[i32]],
    stride: usize,
    cells: &mut [Cells],
) {
    match context.model.family {
        Family::Idf => flow::gather(context, plan, ints, refs, stride, cells),
        Family::L3c => pyramid::gather(context, plan, ints, stride, cells),
        _ => autoregressive::gather(context, plan, ints, classes, refs, stride, cells),
    }
}

/// The ints of a payload; `plan` must be the model's plan for decoding.
pub fn decode(context: Context, plan: &Plan, payload: &[u8], refs: &[&[i32]], ints: &mut [i32]) -> Result<()> {
    decode_masked(context, plan, payload, &[], refs, ints)
}

/// The same where a mask hides some.
pub fn decode_masked(
    context: Context,
    plan: &Plan,
    payload: &[u8],
    classes: &[u8],
    refs: &[&[i32]],
    ints: &mut [i32],
) -> Result<()> {
    match context.model.family {
        Family::Idf => flow::decode(context, plan, payload, refs, ints),
        Family::L3c => pyramid::decode(context, plan, payload, ints),
        _ => autoregressive::decode(context, plan, payload, classes, refs, ints),
    }
}
