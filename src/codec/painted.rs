//! Heads of fields within a bound that are painted; and waves against what was chosen, by coding a part of the field both ways.
//!
//! Fine ints are not those of networks, so that windows could not be compared; and what is smooth shows over long stretches only.

use crate::array::{ArrayType, Dtype};
use crate::codec::batch;
use crate::codec::fine::{FINE, MAX_FINE};
use crate::codec::head::{Head, Network};
use crate::codec::plane::band_range;
use crate::codec::plans::Plans;
use crate::codec::related::Related;
use crate::codec::shown::{Shown, check, fine_map, survey};
use crate::container::BLOCK_EXTRA_BYTES;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::sample::{Errors, Loss, PsnrSearch};
use crate::source::Source;
use crate::tile::{Grid, Place};
use std::sync::Arc;

/// Samples that are coded in both ways.
const N_MEASURED: usize = 1 << 22;
/// Above so many bits per thousand samples waves are never ahead.
const MOST_BITS: u64 = 1500;

/// The head of an array that takes about so many bits per thousand samples, with waves where they are ahead.
pub fn against_waves(head: Head, bits: u64, shown: &Shown, related: &Related) -> Result<Head> {
    if bits > MOST_BITS || head.map.bound().is_none() || !may_be_painted(shown) {
        return Ok(head);
    }
    let Some(waves) = by_waves(&head, shown, related)? else { return Ok(head) };
    let (ours, theirs) = (measure(&waves, shown, related, N_MEASURED)?, measure(&head, shown, related, N_MEASURED)?);
    Ok(if ours.n_bytes < theirs.n_bytes { waves } else { head })
}

/// The head of an array that waves are to code; the one that was chosen where a bound makes it no simpler.
pub fn only_waves(head: Head, shown: &Shown, related: &Related) -> Result<Head> {
    only("waves", head, shown, |head| by_waves(head, shown, related))
}

/// The same for an autoencoder.
pub fn only_vqae(model: &Arc<Model>, head: Head, shown: &Shown, related: &Related) -> Result<Head> {
    only(&model.name, head, shown, |head| by_vqae(head, model, shown, related))
}

fn only(name: &str, head: Head, shown: &Shown, by: impl Fn(&Head) -> Result<Option<Head>>) -> Result<Head> {
    if !may_be_painted(shown) {
        return Err(Error::argument(format!("{name}: only for arrays of floats within --abs, --rel or --psnr")));
    }
    match by(&head)? {
        None if head.map.bound().is_some() => {
            Err(Error::argument(format!("{name}: only for bounds of 1/32000 of the range or more")))
        }
        None => Ok(head),
        Some(painted) => Ok(painted),
    }
}

fn may_be_painted(shown: &Shown) -> bool {
    matches!(shown.ty.dtype, Dtype::F32 | Dtype::F64)
        && matches!(shown.loss, Loss::Abs(_) | Loss::Rel(_) | Loss::Psnr(_))
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
    let of_loss = |loss: Loss| -> Result<Option<Head>> {
        let Some(bound) = loss.bound(&survey) else { return Ok(None) };
        let map = fine_map(&survey, bound, FINE as u32)?.filter(|map| map.max_int(0) <= MAX_FINE as u32);
        Ok(map.map(|map| Head { map, ..head.clone() }))
    };
    let Some(mut search) = PsnrSearch::new(shown.loss, &survey) else { return of_loss(shown.loss) };
    while let Some(trial) = search.trial() {
        let Some(head) = of_loss(trial)? else { break };
        search.tell(measure(&head, shown, related, usize::MAX)?.errors.mean_square());
    }
    of_loss(search.found())
}

/// Planes, rows, columns; a column is a row.
fn shape(ty: &ArrayType) -> (usize, usize, usize) {
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

/// The bytes of an array, from a part of it, and how far that is off.
struct Measured {
    n_bytes: u128,
    errors: Errors,
}

/// Codes about so many samples.
fn measure(head: &Head, shown: &Shown, related: &Related, n_most: usize) -> Result<Measured> {
    let grid = &head.grid;
    let n_samples = grid.n_planes * grid.h * grid.w;
    let all = batch::bands(grid);
    // from a third of the way on, with a plane that looks at none
    let plane = grid.n_planes / 3;
    let first = match plane - plane.checked_rem(head.key_interval).unwrap_or(0) {
        _ if n_samples <= n_most => 0,
        _ if grid.n_planes == 1 => all.len() / 3,
        plane => plane * grid.n_bands(),
    };
    let plans = head.network.as_ref().map(|n| Plans::to_encode(n.model.clone()));
    let (mut previous, mut spare, mut given) = (batch::Planes::new(), Vec::new(), Vec::new());
    let (mut rest, mut n_bytes, mut n_seen, mut errors) = (&all[first..], 0, 0, Errors::default());
    while let now @ [(plane, band), ..] = batch::next(head, &mut rest)
        && n_seen < n_most
    {
        let len = now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum();
        let raw = shown.bytes(shown.offset + band_range(&head.ty, grid, *plane, *band).0, len)?;
        let fill = plans.as_ref().filter(|_| !head.is_painted());
        let mut bands = batch::ints(head, fill, now, &raw, &mut spare);
        let settled = batch::settle(head, plans.as_ref(), &Device::Cpu, related.number, &mut bands)?;
        related.look(head, &mut bands)?;
        let payloads = match settled {
            Some(settled) => {
                given.resize(raw.len(), 0);
                batch::bytes(head, &bands, &mut given)?;
                errors.merge(&check(head, &raw, &given)?);
                settled
            }
            None => {
                let places: Vec<Place> = now.iter().flat_map(|&(plane, band)| grid.band(plane, band)).collect();
                let tile = |place: &Place| batch::tile(head, &bands, place, &previous);
                Device::Cpu.encode(head, plans.as_ref(), related.number, &places, &tile)?
            }
        };
        n_bytes += payloads.iter().map(|payload| payload.len() as u64 + BLOCK_EXTRA_BYTES).sum::<u64>();
        n_seen += len / head.ty.dtype.n_bytes();
        spare.extend(batch::remember(head, bands, &mut previous));
    }
    let mut own = Vec::new();
    head.write(&mut own);
    let n_bytes = u128::from(n_bytes) * n_samples as u128 / n_seen as u128 + own.len() as u128;
    Ok(Measured { n_bytes, errors })
}
