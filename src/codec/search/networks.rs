//! Classic modes, and the best models, with the planes before, the phases, other arrays and a refit; each kept only where the windows
//! get smaller.

use crate::codec::search::adapt;
use crate::codec::search::draft::{Draft, Prediction, is_for_networks};
use crate::codec::search::measure::{Measured, measure};
use crate::codec::search::plain::{Plain, exact_classic_bits};
use crate::codec::search::task::Task;
use crate::codec::search::trial::{Fits, try_model};
use crate::codec::search::windows::Stack;
use crate::codec::search::with_references::{Seeing, with_references};
use crate::error::Result;
use crate::sample::looks_like_mosaic;
use crate::tile::code::Known;
use crate::tile::runtime::Runtime;
use std::sync::Arc;

/// What is behind by less than one part in so many may be ahead over the whole array.
const NEAR: u64 = 16;
/// A short search leaves a network only where it is behind by more than one part in so many.
const SHORT_DOUBT: u64 = 8;
/// Samples that are coded where windows do not decide.
pub const N_MEASURED: usize = 1 << 19;

/// Every draft worth keeping, with the bits of its windows.
pub fn with_networks(task: &Task, of: &Plain, models: &[Arc<Runtime>]) -> Result<Vec<(u64, Draft)>> {
    let (plain, stacks) = (&of.draft, &of.stacks);
    // what repeats or is noise is nothing that a network foresees
    let is_words = task.is_short() && of.is_words;
    if is_words || !is_for_networks(&plain.map) {
        return Ok(vec![(of.bits, plain.clone())]);
    }
    let masked = plain.map.exception().is_some();
    let models = models.iter().filter(|model| !masked || model.model().family.knows_masks());
    let mut fits = Fits::default();
    let mut measured: Vec<(u64, Draft)> =
        models.map(|model| try_model(plain, model, Prediction::PLAIN, stacks, &mut fits)).collect();
    measured.sort_by_key(|(bits, _)| *bits);
    let seeing = measured.iter().filter_map(|(_, draft)| draft.cells()).map(|cells| cells.model.clone());
    let seeing = seeing.into_iter().find(|model| model.model().nets.iter().any(|part| part.net.n_refs > 0));
    // windows of fields within a bound mislead: what is hardly behind is tried, too
    let n_near = measured
        .iter()
        .take_while(|(bits, _)| plain.map.bound().is_some() && bits - measured[0].0 < measured[0].0 / NEAR);
    measured.truncate(task.adapt().n_models().max(n_near.count()));
    let predictions = predictions(plain, stacks);
    let mut all = vec![(of.bits, plain.clone())];
    let mut least = of.bits;
    for mut best in measured {
        let model = best.1.cells().expect("it was measured with one").model.clone();
        for &prediction in &predictions {
            let (bits, draft) = try_model(plain, &model, prediction, stacks, &mut fits);
            if bits < best.0 {
                best = (bits, draft);
            } else if task.is_short() && plain.map.bound().is_some() {
                break; // two planes before are no help where one is none
            }
        }
        let others = seeing.iter().filter(|other| other.model().hash != model.model().hash);
        let models: Vec<Arc<Runtime>> = std::iter::once(&model).chain(others).cloned().collect();
        let Seeing { best: chosen, seen, stacks } = with_references(best, of, &models, &task.related)?;
        best = chosen;
        if adapt::may_win(best.0, least) {
            let mut refitted = best.1.clone();
            let saved = adapt::adapt(task.adapt(), &mut refitted, (&of.origin, &seen), &stacks)?;
            let bits = best.0.saturating_sub(saved);
            // the estimate may be far off where noise is strange, which is where refits gain most
            if bits < best.0 && bits < exact_classic_bits(plain, &stacks) {
                best = (bits, refitted);
            }
        }
        least = least.min(best.0);
        // few windows may mislead, and where a net loses a tile is classic anyway
        if task.is_short() && best.0 - best.0 / SHORT_DOUBT < of.bits {
            all.retain(|(_, draft)| draft.cells().is_some());
        }
        all.push(best);
    }
    Ok(all)
}

/// The best by windows, the bits that a thousand samples of these take, and what was measured of it.
pub struct Nearest {
    pub draft: Draft,
    pub bits: u64,
    pub measured: Option<Measured>,
}

/// The best by windows, which saw so many samples; of a field within a bound, where some are hardly behind it, the best of these by
/// a part of the array.
pub fn nearest(mut all: Vec<(u64, Draft)>, n_seen: u64, task: &Task) -> Result<Nearest> {
    all.sort_by_key(|(bits, _)| *bits);
    let (least, is_bounded) = (all[0].0, all[0].1.map.bound().is_some());
    all.retain(|(bits, _)| *bits == least || is_bounded && bits - least < least / NEAR);
    let n_near = all.len();
    let measured = all.into_iter().map(|(bits, draft)| {
        let measured = if n_near > 1 { Some(measure(&draft, task, task.n_measured(N_MEASURED))?) } else { None };
        Ok(Nearest { draft, bits: bits * 1000 / n_seen, measured })
    });
    let measured = measured.collect::<Result<Vec<Nearest>>>()?.into_iter();
    let least = measured.min_by_key(|near| near.measured.as_ref().map(|measured| measured.n_bytes));
    Ok(least.expect("there is always a draft"))
}

impl Nearest {
    /// The draft, and the tiles of it that are coded.
    pub fn known(self) -> (Draft, Known) {
        (self.draft, self.measured.map(|measured| measured.coded).unwrap_or_default())
    }
}

/// What is worth measuring beside the plain way.
fn predictions(plain: &Draft, stacks: &[Stack]) -> Vec<Prediction> {
    let has_previous = stacks.iter().any(|s| s.planes.len() > 1);
    let mosaic = plain.layout.h >= 4
        && plain.layout.w >= 4
        && stacks.iter().filter(|s| looks_like_mosaic(&s.planes[0], s.h, s.w)).count() * 2 > stacks.len();
    let of = |(n_phases, n_previous)| Prediction { n_phases, n_previous };
    let all: &[(usize, usize)] = match (mosaic, has_previous) {
        (false, false) => &[],
        (false, true) => &[(1, 1), (1, 2)],
        (true, false) => &[(4, 0)],
        (true, true) => &[(1, 1), (4, 0), (4, 1)],
    };
    all.iter().copied().map(of).collect()
}
