//! What the encoder decides for an array, by measuring: the map, the grid, the coder, the planes and arrays that planes see.
//!
//! A few windows, evenly spread over the array, are coded in every way that comes into question; the smallest wins. Nothing
//! here is known to the decoder but what the head says.

use crate::codec::array::head::Head;
use crate::codec::search::choice::Choice;
use crate::codec::search::counts::against_counts;
use crate::codec::search::networks::{Nearest, nearest, with_networks};
use crate::codec::search::plain::plain;
use crate::codec::search::task::Task;
use crate::codec::search::transform::{against_wavelet, only_vqae, only_wavelet};
use crate::codec::search::view::{Candidates, candidates};
use crate::error::{Error, Result};
use crate::sample::{Ends, NoiseStep};
use crate::tile::code::Known;
use crate::tile::coder::Coder;
use crate::tile::runtime::Runtime;
use std::sync::Arc;

/// What was chosen for an array.
pub struct Chosen {
    pub head: Head,
    /// The head's, packed.
    pub coder: Coder<Arc<Runtime>>,
    /// Where something may be lost.
    pub ends: Option<Ends>,
    /// What the noise of the array decided.
    pub noise: Option<NoiseStep>,
    /// Tiles that were coded on the way.
    pub known: Known,
}

pub fn choose(task: &Task) -> Result<Chosen> {
    let (models, others) = task.models();
    if let ([model, ..], true) = (others.as_slice(), models.len() + others.len() > 1) {
        return Err(Error::argument(format!("{} codes alone: name one model", model.name)));
    }
    let n_cells = task.adapt().n_cells(task.view.ty.n_samples()? as usize);
    task.view.memory.check_refit(models.iter().map(|model| model.model()), n_cells)?;
    let candidates = candidates(&task.view)?;
    if let Some(recipe) = task.recipe
        && let Some(draft) = recipe.draft(task.view.ty, task.label, &candidates)?
    {
        let Candidates { ends, noise, .. } = candidates;
        return Ok(Chosen { head: draft.head()?, coder: draft.coder, ends, noise, known: Known::default() });
    }
    let near = of_windows(task, &candidates, &models)?;
    let tries_wavelets = match task.choice {
        Choice::Auto => true,
        Choice::Level(level) => level.tries_wavelets(),
        Choice::Classic | Choice::Wavelet | Choice::These(_) => false,
    };
    let (draft, known) = match (others.first(), task.choice) {
        (Some(model), _) => (only_vqae(model, near.draft, task, &candidates)?, Known::default()),
        (None, Choice::Wavelet) => (only_wavelet(near.draft, task, &candidates)?, Known::default()),
        (None, _) if tries_wavelets => against_wavelet(near, task, &candidates)?,
        (None, _) => near.known(),
    };
    let Candidates { ends, noise, .. } = candidates;
    Ok(Chosen { head: draft.head()?, coder: draft.coder, ends, noise, known })
}

/// The best by windows.
fn of_windows(task: &Task, candidates: &Candidates, models: &[Arc<Runtime>]) -> Result<Nearest> {
    // the map and the shape by what the classic modes make of them, which is cheap; then networks for these
    let plain = plain(task, &candidates.maps)?;
    let n_seen = plain.stacks.iter().map(|s| s.h * s.w).sum::<usize>().max(1) as u64;
    let common = plain.common(&task.view)?;
    let mut all = with_networks(task, &plain, models)?;
    all.iter_mut().for_each(|(_, draft)| draft.common = common.clone());
    let near = nearest(all, n_seen, task)?;
    match task.choice {
        Choice::Auto | Choice::Level(_) => against_counts(near, n_seen, task, &plain),
        Choice::Classic | Choice::Wavelet | Choice::These(_) => Ok(near),
    }
}
