//! Heads of fields within a bound that are painted; and waves against what was chosen, by coding a part of the field both ways.
//!
//! Fine ints are not those of networks, so that windows could not be compared; and what is smooth shows over long stretches only.

use crate::array::ArrayType;
use crate::codec::array::head::{Head, Network};
use crate::codec::search::choice::Choice;
use crate::codec::search::measure::measure;
use crate::codec::search::related::Related;
use crate::codec::search::view::{Shown, survey};
use crate::error::{Error, Result};
use crate::grid::Grid;
use crate::model::Model;
use crate::sample::{Bound, Loss, Map, PsnrSearch};
use crate::tile::transform::{FINE, MAX_FINE};
use std::sync::Arc;

/// Samples that are coded in both ways.
const N_MEASURED: usize = 1 << 20;
/// Above so many bits per thousand samples waves are never ahead.
const MOST_BITS: u64 = 1500;

/// The head of an array that takes about so many bits per thousand samples, with waves where they are ahead.
pub fn against_waves(head: Head, bits: u64, shown: &Shown, related: &Related) -> Result<Head> {
    if bits > MOST_BITS || head.map.bound().is_none() || !can_code(Choice::Waves, shown) {
        return Ok(head);
    }
    let Some(waves) = by_waves(&head, shown, related)? else { return Ok(head) };
    let (ours, theirs) = (measure(&waves, shown, related, N_MEASURED)?, measure(&head, shown, related, N_MEASURED)?);
    Ok(if ours.n_bytes < theirs.n_bytes { waves } else { head })
}

/// The head of an array that waves are to code; the one that was chosen where a bound makes it no simpler.
pub fn only_waves(head: Head, shown: &Shown, related: &Related) -> Result<Head> {
    only("waves", Choice::Waves, head, shown, |head| by_waves(head, shown, related))
}

/// The same for an autoencoder.
pub fn only_vqae(model: &Arc<Model>, head: Head, shown: &Shown, related: &Related) -> Result<Head> {
    only(&model.name, Choice::These(vec![model.clone()]), head, shown, |head| by_vqae(head, model, shown, related))
}

fn only(
    name: &str,
    choice: Choice,
    head: Head,
    shown: &Shown,
    by: impl Fn(&Head) -> Result<Option<Head>>,
) -> Result<Head> {
    if !can_code(choice, shown) {
        return Err(Error::argument(format!("{name}: only for arrays of floats within --abs, --rel or --psnr")));
    }
    if let Some(painted) = by(&head)? {
        return Ok(painted);
    }
    let survey = survey(shown)?;
    let is_simpler = |bound: Bound| Map::bounded(&survey, bound).is_some();
    if head.map.bound().is_some() || shown.loss.bound(&survey).is_some_and(is_simpler) {
        return Err(Error::argument(format!("{name}: only for bounds of 1/32000 of the range or more")));
    }
    Ok(head)
}

fn can_code(choice: Choice, shown: &Shown) -> bool {
    choice.can_code(shown.ty.dtype, shown.loss)
}

fn by_waves(head: &Head, shown: &Shown, related: &Related) -> Result<Option<Head>> {
    let (grid, rows) = slabs(&head.ty);
    let waves = Head { grid, network: None, waves: Some(rows), ..alone(head) };
    within(&waves, shown, related)
}

fn by_vqae(head: &Head, model: &Arc<Model>, shown: &Shown, related: &Related) -> Result<Option<Head>> {
    let (n_planes, h, w) = shape(&head.ty);
    let network = Some(Network { model: model.clone(), refits: Vec::new(), fits: Vec::new() });
    within(&Head { grid: Grid::usual(n_planes, h, w, 1, 1), network, ..alone(head) }, shown, related)
}

/// Of an array that looks at nothing.
fn alone(head: &Head) -> Head {
    Head { n_previous: 0, key_interval: 0, anchors: Vec::new(), ..head.clone() }
}

/// With the fine ints of the bound, or of the widest one that keeps what is asked of errors; None where there are none.
fn within(head: &Head, shown: &Shown, related: &Related) -> Result<Option<Head>> {
    let survey = survey(shown)?;
    let of_loss = |loss: Loss| {
        let bound = loss.bound(&survey)?;
        let map = Map::bounded_in_parts(&survey, bound, FINE as u32)?;
        (map.max_int(0) <= MAX_FINE as u32).then(|| Head { map, ..head.clone() })
    };
    let Some(mut search) = PsnrSearch::new(shown.loss, &survey) else { return Ok(of_loss(shown.loss)) };
    while let Some(trial) = search.trial() {
        let Some(head) = of_loss(trial) else { break };
        search.tell(&measure(&head, shown, related, usize::MAX)?.errors);
    }
    Ok(of_loss(search.found()))
}

/// Planes, rows, columns. A column is a row: tiles are wide, not tall.
pub fn shape(ty: &ArrayType) -> (usize, usize, usize) {
    let (n_planes, h, w) = match ty.planes() {
        (n, 1, 1) => (1, 1, n),
        (n, h, 1) => (n, 1, h),
        shape => shape,
    };
    (n_planes as usize, h as usize, w as usize)
}

/// Slabs of planes where they are small enough; and the rows of a plane of a tile.
fn slabs(ty: &ArrayType) -> (Grid, usize) {
    let (n_planes, h, w) = shape(ty);
    let n_stacked = ty.shape.len().checked_sub(3).map_or(1, |axis| ty.shape[axis] as usize);
    match Grid::slabs(n_planes, n_stacked, h, w) {
        Some(grid) => (grid, h),
        None => {
            let grid = Grid::usual(n_planes, h, w, 1, 1);
            (grid, grid.tile_h)
        }
    }
}
