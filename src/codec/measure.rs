//! What an array takes: a part of it is coded as all of it would be.

use crate::codec::batch;
use crate::codec::head::Head;
use crate::codec::memory::{BATCH, Way};
use crate::codec::plane::band_range;
use crate::codec::plans::Plans;
use crate::codec::related::Related;
use crate::codec::shown::{Shown, check};
use crate::container::BLOCK_EXTRA_BYTES;
use crate::device::Device;
use crate::error::Result;
use crate::sample::Errors;
use crate::source::Source;
use crate::tile::Place;

/// The bytes of an array, from a part of it, and how far that is off.
pub struct Measured {
    pub n_bytes: u128,
    /// Of an array that is painted.
    pub errors: Errors,
}

/// Codes about so many samples: whole batches, whatever may be in flight at once.
pub fn measure(head: &Head, shown: &Shown, related: &Related, n_most: usize) -> Result<Measured> {
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
    let most = match n_most {
        // errors of parts would not sum up to the same float
        usize::MAX => shown.memory.check_whole_batch(head).map(|()| BATCH)?,
        _ => shown.memory.batch(head, Way::Encode)?,
    };
    let (mut rest, mut of_batch, mut n_bytes, mut n_seen) = (&all[first..], &all[..0], 0, 0);
    let mut errors = Errors::default();
    loop {
        if of_batch.is_empty() && n_seen < n_most {
            of_batch = batch::next(head, BATCH, &mut rest);
        }
        let now @ [(plane, band), ..] = batch::next(head, most, &mut of_batch) else { break };
        let len = now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum();
        let raw = shown.bytes(shown.offset + band_range(&head.ty, grid, *plane, *band).0, len)?;
        let mut bands = batch::ints(head, plans.as_ref(), now, &raw, &mut spare);
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
