//! What an array takes: a part of it is coded as all of it would be.

use crate::codec::array::band::band_range;
use crate::codec::array::head::Head;
use crate::codec::array::{batch, payload};
use crate::codec::search::related::Related;
use crate::codec::search::view::{Shown, check};
use crate::container::BLOCK_EXTRA_BYTES;
use crate::device::Device;
use crate::error::Result;
use crate::grid::Place;
use crate::sample::Errors;
use crate::source::Source;
use crate::tile::runtime::Plans;

/// The bytes of an array, from a part of it, and how far that is off.
pub struct Measured {
    pub n_bytes: u128,
    /// Of an array that is painted.
    pub errors: Errors,
}

/// Codes about so many samples.
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
    let (mut rest, mut n_bytes, mut n_seen, mut errors) = (&all[first..], 0, 0, Errors::default());
    while let now @ [(plane, band), ..] = batch::next(head, &mut rest)
        && n_seen < n_most
    {
        let len = now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum();
        let raw = shown.bytes(shown.offset + band_range(&head.ty, grid, *plane, *band).0, len)?;
        let mut bands = batch::ints(head, plans.as_ref(), now, &raw, &mut spare);
        let settled = batch::settle(head, plans.as_ref(), &Device::Cpu, &mut bands)?;
        related.look(head, &mut bands)?;
        let places = batch::places(head, now);
        let codes = match settled {
            Some(settled) => {
                given.resize(raw.len(), 0);
                batch::bytes(head, &bands, &mut given)?;
                errors.merge(&check(head, &raw, &given)?);
                settled
            }
            None => {
                let tile = |place: &Place| batch::tile(head, &bands, place, &previous);
                Device::Cpu.encode(&head.coder(plans.as_ref()), &places, &tile)?
            }
        };
        let payloads = places.iter().zip(&codes).map(|(p, code)| payload::write(related.number, p.number, code));
        n_bytes += payloads.map(|payload| payload.len() as u64 + BLOCK_EXTRA_BYTES).sum::<u64>();
        n_seen += len / head.ty.dtype.n_bytes();
        spare.extend(batch::remember(head, bands, &mut previous));
    }
    let mut own = Vec::new();
    head.write(&mut own);
    let n_bytes = u128::from(n_bytes) * n_samples as u128 / n_seen as u128 + own.len() as u128;
    Ok(Measured { n_bytes, errors })
}
