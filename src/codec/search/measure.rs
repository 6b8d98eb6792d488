//! What an array takes: a part of it is coded as all of it would be.

use crate::codec::array::band::band_range;
use crate::codec::array::head::Head;
use crate::codec::array::memory::{BATCH, Direction};
use crate::codec::array::{batch, payload};
use crate::codec::search::check::check;
use crate::codec::search::draft::Draft;
use crate::codec::search::task::Task;
use crate::container::BLOCK_EXTRA_BYTES;
use crate::device::Device;
use crate::error::Result;
use crate::grid::Place;
use crate::sample::Errors;
use crate::source::Source;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Coded, Known};
use rayon::prelude::*;

/// Of arrays of so many samples what was measured is kept, so that it need not be coded again.
const MAX_KEPT: usize = 1 << 21;

/// The bytes of an array, from a part of it, and how far that is off.
pub struct Measured {
    pub n_bytes: u128,
    /// All tiles, in the places of their numbers, where all were coded.
    pub coded: Known,
    /// Of an array that is coded by a transform.
    pub errors: Errors,
}

/// Codes about so many samples: whole batches, whatever may be in flight at once.
pub fn measure(draft: &Draft, task: &Task, n_most: usize) -> Result<Measured> {
    let Task { view, related, .. } = task;
    let head = &draft.head()?;
    let coder = &ArrayCoder { trusts_estimates: task.is_short(), ..head.tiles(draft.coder.clone()) };
    let grid = head.grid();
    let n_samples = grid.n_planes * grid.h * grid.w;
    let all = batch::bands(grid);
    let first = first(head, n_most);
    let (mut previous, mut spare, mut given) = (batch::Planes::new(), Vec::new(), Vec::new());
    let most = match n_most {
        // errors of parts would not sum up to the same float
        usize::MAX => view.memory.check_whole_batch(head).map(|()| BATCH)?,
        _ => view.memory.batch(head, Direction::Encode)?,
    };
    let (mut rest, mut of_batch, mut n_bytes, mut n_seen) = (&all[first..], &all[..0], 0, 0);
    let (mut errors, mut known) = (Errors::default(), Known::default());
    loop {
        if of_batch.is_empty() && n_seen < n_most {
            let batch = if task.is_short() { n_most } else { BATCH };
            of_batch = batch::next(head, batch, &mut rest);
        }
        let now @ [(plane, band), ..] = batch::next(head, most, &mut of_batch) else { break };
        let len = now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum();
        let raw = view.bytes(view.offset + band_range(&head.ty, grid, *plane, *band).0, len)?;
        let mut bands = batch::ints(head, coder, now, &raw, &mut spare);
        let transformed = batch::transform(head, coder, &Device::Cpu, &mut bands)?;
        related.show(head, &mut bands)?;
        let mut places = batch::places(head, now);
        if task.is_short() && transformed.is_none() {
            middle(&mut places, n_most);
        }
        n_seen += places.iter().filter(|place| place.limb == 0).map(|place| place.h * place.w).sum::<usize>();
        let coded: Vec<Coded> = match transformed {
            Some(coded) => {
                given.resize(raw.len(), 0);
                batch::bytes(head, &bands, &mut given)?;
                errors.merge(&check(head, &raw, &given)?);
                coded
            }
            None => {
                let tile = |place: &Place| batch::tile(head, &bands, place, &previous);
                Device::Cpu.encode(coder, &places, &tile)?
            }
        };
        let payloads =
            places.iter().zip(&coded).map(|(p, coded)| payload::write(related.number, p.number, &coded.code));
        n_bytes += payloads.map(|payload| payload.len() as u64 + BLOCK_EXTRA_BYTES).sum::<u64>();
        if n_samples <= MAX_KEPT {
            places.iter().zip(coded).for_each(|(place, coded)| known.keep(place, coded));
        }
        spare.extend(batch::remember(head, bands, &mut previous));
    }
    let mut own = Vec::new();
    head.write(&mut own);
    let n_bytes = u128::from(n_bytes) * n_samples as u128 / n_seen as u128 + own.len() as u128;
    let coded = if n_seen == n_samples { known } else { Known::default() };
    Ok(Measured { n_bytes, coded, errors })
}

/// Leaves the middle columns of tiles, as many as so many samples need.
fn middle(places: &mut Vec<Place>, n_most: usize) {
    let n_columns = places.iter().map(|place| place.column + 1).max().unwrap_or(1);
    let n_samples: usize = places.iter().filter(|place| place.limb == 0).map(|place| place.h * place.w).sum();
    let n = (n_most.saturating_mul(n_columns)).div_ceil(n_samples.max(1)).min(n_columns);
    let first = (n_columns - n) / 2;
    places.retain(|place| (first..first + n).contains(&place.column));
}

/// Where a part of so many samples begins: a third of the way on, with a plane that sees none.
fn first(head: &Head, n_most: usize) -> usize {
    let grid = head.grid();
    match grid.n_planes {
        n_planes if n_planes * grid.h * grid.w <= n_most => 0,
        1 => grid.n_bands() / 3,
        n_planes => head.previous().key_before(n_planes / 3) * grid.n_bands(),
    }
}

/// About the bytes of an array that a wavelet codes, from the first batch of such a part: nothing is coded.
pub fn estimate_wavelet(draft: &Draft, task: &Task, n_most: usize) -> Result<u128> {
    let head = &draft.head()?;
    let (grid, coder) = (head.grid(), &head.tiles(draft.coder.clone()));
    let most = task.view.memory.batch(head, Direction::Encode)?.min(n_most);
    let all = batch::bands(grid);
    let now = batch::next(head, most, &mut &all[first(head, n_most)..]);
    let (plane, band) = now[0];
    let len = now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum();
    let raw = task.view.bytes(task.view.offset + band_range(&head.ty, grid, plane, band).0, len)?;
    let bands = batch::ints(head, coder, now, &raw, &mut Vec::new());
    let tile = |place: &Place| coder.estimate_wavelet(&batch::tile(head, &bands, place, &batch::Planes::new()));
    let n_bits: u64 = batch::places(head, now).par_iter().map(tile).sum();
    let (n_samples, n_seen) = (grid.n_planes * grid.h * grid.w, len / head.ty.dtype.n_bytes());
    Ok(u128::from(n_bits / 8) * n_samples as u128 / n_seen as u128)
}
