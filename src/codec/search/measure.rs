//! What an array takes: a part of it is coded as all of it would be.

use crate::codec::array::band::band_range;
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
use crate::tile::code::Code;

/// The bytes of an array, from a part of it, and how far that is off.
pub struct Measured {
    pub n_bytes: u128,
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
    // from a third of the way on, with a plane that sees none
    let first = match grid.n_planes {
        _ if n_samples <= n_most => 0,
        1 => all.len() / 3,
        n_planes => head.previous().key_before(n_planes / 3) * grid.n_bands(),
    };
    let (mut previous, mut spare, mut given) = (batch::Planes::new(), Vec::new(), Vec::new());
    let most = match n_most {
        // errors of parts would not sum up to the same float
        usize::MAX => view.memory.check_whole_batch(head).map(|()| BATCH)?,
        _ => view.memory.batch(head, Direction::Encode)?,
    };
    let (mut rest, mut of_batch, mut n_bytes, mut n_seen) = (&all[first..], &all[..0], 0, 0);
    let mut errors = Errors::default();
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
        let places = batch::places(head, now);
        let codes: Vec<Code> = match transformed {
            Some(codes) => {
                given.resize(raw.len(), 0);
                batch::bytes(head, &bands, &mut given)?;
                errors.merge(&check(head, &raw, &given)?);
                codes
            }
            None => {
                let tile = |place: &Place| batch::tile(head, &bands, place, &previous);
                Device::Cpu.encode(coder, &places, &tile)?.into_iter().map(|coded| coded.code).collect()
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
