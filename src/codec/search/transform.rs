//! Drafts of fields within a bound that a transform codes; and a wavelet against what was chosen, by coding a part of the field both
//! ways.
//!
//! Oversampled ints are not those of networks, so that windows could not be compared; and what is smooth shows over long stretches
//! only.

use crate::array::ArrayType;
use crate::codec::search::choice::Choice;
use crate::codec::search::draft::Draft;
use crate::codec::search::measure::{estimate_wavelet, measure};
use crate::codec::search::networks::Nearest;
use crate::codec::search::task::Task;
use crate::codec::search::view::{Candidates, SourceView, shape};
use crate::error::{Error, Result};
use crate::grid::Layout;
use crate::model::Model;
use crate::sample::{Bound, Loss, Map, PsnrSearch};
use crate::tile::code::Known;
use crate::tile::coder::Coder;
use crate::tile::transform::{MAX_OVERSAMPLED, SUBSTEPS};
use std::sync::Arc;

/// Samples that are coded in both ways.
const N_MEASURED: usize = 1 << 20;
/// Above so many bits per thousand samples a wavelet is never ahead.
const MOST_BITS: u64 = 1500;
/// A short search codes no wavelet that an estimate with one quantum finds behind by more than one part in so many.
const DOUBT: u128 = 5;

/// What is best without a wavelet, or a wavelet where that is ahead; and the tiles of it that are coded.
pub fn against_wavelet(mut near: Nearest, task: &Task, candidates: &Candidates) -> Result<(Draft, Known)> {
    let draft = &near.draft;
    if near.bits > MOST_BITS || draft.map.bound().is_none() || !can_code(Choice::Wavelet, &task.view) {
        return Ok(near.known());
    }
    let Some(wavelet) = by_wavelet(draft, task, candidates)? else { return Ok(near.known()) };
    let n = task.n_measured(N_MEASURED);
    let theirs = |near: &mut Nearest| match near.measured.take() {
        Some(measured) => Ok(measured),
        None => measure(&near.draft, task, n),
    };
    if task.is_short() {
        let (foreseen, theirs) = rayon::join(|| estimate_wavelet(&wavelet, task, n), || theirs(&mut near));
        let (foreseen, theirs) = (foreseen?, theirs?);
        let is_behind = foreseen > theirs.n_bytes + theirs.n_bytes / DOUBT;
        near.measured = Some(theirs);
        if is_behind {
            return Ok(near.known());
        }
    }
    let (ours, theirs) = (measure(&wavelet, task, n)?, theirs(&mut near)?);
    Ok(if ours.n_bytes < theirs.n_bytes { (wavelet, ours.coded) } else { (near.draft, theirs.coded) })
}

/// The draft of an array that a wavelet is to code; the one that was chosen where a bound makes it no simpler.
pub fn only_wavelet(draft: Draft, task: &Task, candidates: &Candidates) -> Result<Draft> {
    let by = |draft: &Draft| by_wavelet(draft, task, candidates);
    only("wavelet", Choice::Wavelet, draft, &task.view, candidates, by)
}

/// The same for an autoencoder.
pub fn only_vqae(model: &Arc<Model>, draft: Draft, task: &Task, candidates: &Candidates) -> Result<Draft> {
    let by = |draft: &Draft| by_vqae(draft, model, task, candidates);
    only(&model.name, Choice::These(vec![model.clone()]), draft, &task.view, candidates, by)
}

fn only(
    name: &str,
    choice: Choice,
    draft: Draft,
    view: &SourceView,
    candidates: &Candidates,
    by: impl Fn(&Draft) -> Result<Option<Draft>>,
) -> Result<Draft> {
    if !can_code(choice, view) {
        return Err(Error::argument(format!("{name}: only for arrays of floats within --abs, --rel or --psnr")));
    }
    if let Some(transformed) = by(&draft)? {
        return Ok(transformed);
    }
    let is_simpler = |bound: Bound| Map::bounded(candidates.survey(), bound).is_some();
    if draft.map.bound().is_some() || view.loss.bound(candidates.survey()).is_some_and(is_simpler) {
        return Err(Error::argument(format!("{name}: only for bounds of 1/32000 of the range or more")));
    }
    Ok(draft)
}

fn can_code(choice: Choice, view: &SourceView) -> bool {
    choice.can_code(view.ty.dtype, view.loss)
}

fn by_wavelet(draft: &Draft, task: &Task, candidates: &Candidates) -> Result<Option<Draft>> {
    let (layout, rows) = slabs(&draft.ty);
    within(Draft { layout, coder: Coder::Wavelet { rows }, ..alone(draft) }, task, candidates)
}

fn by_vqae(draft: &Draft, model: &Arc<Model>, task: &Task, candidates: &Candidates) -> Result<Option<Draft>> {
    let (n_planes, h, w) = shape(&draft.ty);
    let (layout, coder) = (Layout::usual(n_planes, h, w, 1, 1), Coder::Blocks(task.runtimes.of(model)));
    within(Draft { layout, coder, ..alone(draft) }, task, candidates)
}

/// Of an array that sees nothing else.
fn alone(draft: &Draft) -> Draft {
    Draft { n_previous: 0, key_interval: 0, references: Vec::new(), ..draft.clone() }
}

/// With the oversampled ints of the bound, or of the widest one that keeps what is asked of errors; None where there are none.
fn within(draft: Draft, task: &Task, candidates: &Candidates) -> Result<Option<Draft>> {
    let (survey, loss) = (candidates.survey(), task.view.loss);
    let of_loss = |loss: Loss| {
        let bound = loss.bound(survey)?;
        let map = Map::bounded_in_parts(survey, bound, SUBSTEPS as u32)?;
        (map.max_int(0) <= MAX_OVERSAMPLED as u32).then(|| Draft { map, ..draft.clone() })
    };
    let Some(mut search) = PsnrSearch::new(loss, survey) else { return Ok(of_loss(loss)) };
    while let Some(trial) = search.trial() {
        let Some(draft) = of_loss(trial) else { break };
        search.tell(&measure(&draft, task, usize::MAX)?.errors);
    }
    Ok(of_loss(search.found()))
}

/// Slabs of planes where they are small enough; and the rows of a plane of a tile.
fn slabs(ty: &ArrayType) -> (Layout, usize) {
    let (n_planes, h, w) = shape(ty);
    let n_stacked = ty.shape.len().checked_sub(3).map_or(1, |axis| ty.shape[axis] as usize);
    match Layout::slabs(n_planes, n_stacked, h, w) {
        Some(layout) => (layout, h),
        None => {
            let layout = Layout::large(n_planes, h, w);
            (layout, layout.tile_h)
        }
    }
}
