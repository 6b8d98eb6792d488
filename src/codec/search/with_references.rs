//! Which other arrays planes see: one after the other, as long as windows get smaller by more than their share of the longer head.

use crate::codec::array::reference::Reference;
use crate::codec::search::draft::Draft;
use crate::codec::search::plain::Plain;
use crate::codec::search::related::{self, Referred, Related};
use crate::codec::search::trial::{Fits, try_model};
use crate::codec::search::windows::Stack;
use crate::error::Result;
use crate::grid::MAX_REFS;
use crate::tile::runtime::Runtime;
use std::sync::Arc;

/// Arrays that tell of an array which are measured, in every round: a third one gave 0.05 % of groups of frames and took as long.
const N_CANDIDATES: usize = 2;
/// What makes windows smaller by less than one part in so many is not believed: a refit would gain as much without.
const MIN_SHARE: u128 = 512;

/// The best so far, the arrays that it refers to, and windows that see them.
pub struct Seeing<'a> {
    pub best: (u64, Draft),
    pub seen: Vec<Referred<'a>>,
    pub stacks: Vec<Stack>,
}

/// The best of a round: the bits with the head, which candidate it was, and what windows see then.
struct Round {
    size: u128,
    nth: usize,
    best: (u64, Draft),
    stacks: Vec<Stack>,
}

/// In every round the first few of those that tell most beside those chosen are measured, by every model.
pub fn with_references<'a>(
    mut best: (u64, Draft),
    of: &Plain,
    models: &[Arc<Runtime>],
    related: &Related<'a>,
) -> Result<Seeing<'a>> {
    let (mut seen, mut stacks): (Vec<Referred>, Vec<Stack>) = (Vec::new(), of.stacks.clone());
    let prediction = best.1.prediction();
    let mut candidates = related.candidates(&of.origin, &stacks)?;
    let n_seen = stacks.iter().map(|s| s.h * s.w).sum::<usize>() as u128;
    let n_ints = of.draft.n_samples() as u128;
    let with_head = |bits: u64, draft: &Draft| -> Result<u128> {
        let mut bytes = Vec::new();
        draft.head()?.write(&mut bytes);
        Ok(u128::from(bits) + bytes.len() as u128 * 8 * n_seen / n_ints)
    };
    let (mut n_kept, mut kept, mut is_leap) = (0, stacks.clone(), false);
    while seen.len() + prediction.n_previous < MAX_REFS {
        let mut least: Option<Round> = None;
        for (nth, candidate) in candidates.iter().enumerate().take(N_CANDIDATES) {
            let mut seeing = stacks.clone();
            seeing.iter_mut().zip(&candidate.seen).for_each(|(stack, seen)| stack.references.push(seen.clone()));
            let references: Vec<Reference> = seen.iter().chain([&candidate.referred]).map(|r| r.reference).collect();
            for model in models {
                let (bits, draft) = try_model(&of.draft, model, prediction, &seeing, &mut Fits::default());
                let draft = Draft { references: references.clone(), ..draft };
                let size = with_head(bits, &draft)?;
                if least.as_ref().is_none_or(|least| size < least.size) {
                    least = Some(Round { size, nth, best: (bits, draft), stacks: seeing.clone() });
                }
            }
        }
        let Some(Round { size, nth, best: round, stacks: seeing }) = least else { break };
        seen.push(candidates.remove(nth).referred);
        stacks = seeing;
        related::again(&mut candidates, &stacks, of.origin.is_short);
        if size + size / MIN_SHARE < with_head(best.0, &best.1)? {
            (best, n_kept, kept, is_leap) = (round, seen.len(), stacks.clone(), false);
        } else if is_leap || !related::is_promising(&candidates) {
            break;
        } else {
            is_leap = true; // a difference of two fields may need both
        }
    }
    seen.truncate(n_kept);
    Ok(Seeing { best, seen, stacks: kept })
}
