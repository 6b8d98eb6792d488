//! One tile of family `vdm`: a ladder of ever coarser images with noise, and the bits that the noise is made of.
//!
//! ```text
//! encoder:  for each image z, fine to coarse, for each row of the next, z′:   e = pop · z′ = middle(z) + e
//!                                             and `reach` rows behind it:    push the ints of z, given z′
//! decoder:  the same in reverse:              pop the ints of z, given z′ · e = z′ − middle(z) · push e
//! ```
//!
//! kind u8, 0: a classic code of the tile      1: bytes of the strip's classic code, the levels of noise as one lane, the stack
//!
//! The stack begins with the strip's code. The last image is one int, in 23 plain bits.

mod ladder;
mod levels;
mod symbols;

pub use ladder::Diffusion;
pub use levels::walk_levels;
pub use symbols::{Pop, Push, push_int};

use crate::entropy::adaptive::{Symbols, take_lane};
use crate::entropy::bits_back::Stack;
use crate::error::{Error, Result};
use crate::kernel::MAX_INT;
use crate::model::Plan;
use crate::model::vdm::{Levels, STRIP, has_ladder, largest};
use crate::tile::classic;
use crate::tile::stream::PlaneContext;
use crate::tile::walk::Walk;
use crate::wire::{put_varint, take_u8, take_varint};

const PLAIN: u8 = 0;
const LADDER: u8 = 1;
/// Bits of the last image.
const LOG2_SEEDS: u32 = 23;

/// The payload of a tile.
pub fn encode(context: PlaneContext, plan: &Plan, ints: &[i32]) -> Vec<u8> {
    let (h, w, max) = (plan.h, plan.w, context.max);
    if !has_ladder(h) || largest(max) > MAX_INT {
        let mut payload = vec![PLAIN];
        payload.extend(classic::encode(ints, h, w, max as u32));
        return payload;
    }
    let strip = classic::encode(&ints[..STRIP * w], STRIP, w, max as u32);
    let mut walk = Diffusion::new(context, plan);
    walk.analyse(ints);
    let mut push = Push::new(Stack::over(&strip), plan.longest());
    walk.walk(&mut push).expect("an encoder knows what comes");
    push.stack.push_plain(walk.all[0] as u32, LOG2_SEEDS);
    let mut payload = vec![LADDER];
    put_varint(&mut payload, strip.len() as u64);
    let mut levels = Symbols::default();
    walk_levels(&mut levels, &mut walk.levels).expect("what is known is not read");
    levels.finish(&mut payload);
    push.stack.finish(&mut payload);
    payload
}

/// The ints of a payload.
pub fn decode(context: PlaneContext, plan: &Plan, payload: &[u8], ints: &mut [i32]) -> Result<()> {
    let (w, max) = (plan.w, context.max);
    match payload.split_first() {
        Some((&PLAIN, code)) => return classic::decode(code, plan.h, w, max as u32, ints),
        Some((&LADDER, _)) if has_ladder(plan.h) && largest(max) <= MAX_INT => {}
        Some((&LADDER, _)) => return Err(Error::corrupt("a ladder where there is none")),
        Some((kind, _)) => {
            return Err(Error::unsupported(format!("a tile of kind {kind} is not known to this version")));
        }
        None => return Err(Error::corrupt("a payload without bytes")),
    }
    let (walk, strip) = climbed(context, plan, payload)?;
    walk.ints(ints)?;
    drop(walk);
    classic::decode(&strip, STRIP, w, max as u32, &mut ints[..STRIP * w])
}

/// The levels and all images of a payload of kind `LADDER`.
pub fn opened(context: PlaneContext, plan: &Plan, payload: &[u8]) -> Result<(Levels, Vec<i32>)> {
    let (mut walk, _) = climbed(context, plan, payload)?;
    Ok((walk.levels.clone(), std::mem::take(&mut walk.all)))
}

/// A payload's ladder from its last image to its first, and the strip's code.
fn climbed<'a>(context: PlaneContext<'a>, plan: &'a Plan, payload: &[u8]) -> Result<(Diffusion<'a>, Vec<u8>)> {
    let mut from = payload;
    let _kind = take_u8(&mut from)?;
    let strip_bytes = usize::try_from(take_varint(&mut from)?).unwrap_or(usize::MAX);
    let mut walk = Diffusion::new(context, plan);
    let mut lane = take_lane(&mut from)?;
    walk_levels(&mut lane, &mut walk.levels)?;
    lane.finish()?;
    let mut pop = Pop { stack: Stack::open(from)? };
    let seed = pop.stack.pop_plain(LOG2_SEEDS) as i32;
    if seed > walk.tile.context.max {
        return Err(Error::corrupt(format!("a last image of {seed}")));
    }
    walk.open(seed)?;
    walk.walk(&mut pop)?;
    Ok((walk, pop.stack.close(strip_bytes)?))
}
