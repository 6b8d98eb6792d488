//! blocks → pieces → file, in the order of the content
//!
//! The mirror of `encode`: the same batches of bands, the same planes kept for the next ones to look at. A band is decoded
//! phase by phase, since a phase may look at those before it.

use crate::codec::archive::{Archive, Array, Section};
use crate::codec::encode::{Progress, batch, looked_at, remember};
use crate::codec::plane::Band;
use crate::codec::plans::Plans;
use crate::codec::tile::Mode;
use crate::device::{Coded, Device};
use crate::error::{Error, Result};
use crate::format::gzip;
use crate::tile::Place;
use rayon::prelude::*;
use std::collections::VecDeque;
use std::io::{Read, Seek, Write};

/// An inner file up to this size is unpacked in memory, a larger one beside the temporary files.
const MAX_SPOOL_IN_MEMORY: usize = 64 << 20;

/// Writes the whole content and checks it against its blake3.
pub fn decode_all(archive: &Archive, device: &Device, out: &mut dyn Write, progress: Progress) -> Result<()> {
    let mut out = Hashing { out, hash: blake3::Hasher::new(), n_bytes: 0 };
    match &archive.recipe {
        None => sections(archive, device, &mut out, progress)?,
        Some(recipe) => {
            let mut spool = tempfile::spooled_tempfile(MAX_SPOOL_IN_MEMORY);
            sections(archive, device, &mut spool, progress)?;
            spool.rewind()?;
            gzip::rewrap(recipe, &mut (&mut spool as &mut dyn Read), &mut out)?;
        }
    }
    out.flush()?;
    if out.n_bytes != archive.reader.content_len() || out.hash.finalize().as_bytes() != archive.reader.content_blake3()
    {
        return Err(Error::corrupt(
            "the content does not match its blake3: the file is damaged or was made by a faulty encoder",
        ));
    }
    Ok(())
}

fn sections(archive: &Archive, device: &Device, out: &mut dyn Write, progress: Progress) -> Result<()> {
    for section in &archive.sections {
        match section {
            Section::Bytes { offset, block } => {
                progress(*offset)?;
                out.write_all(&archive.chunk(*block)?)?;
            }
            Section::Array(array) => {
                let fetch = |place: &Place, block: usize| archive.tile(array, place, block);
                let mut write = |_: &Band, bytes: &[u8]| Ok(out.write_all(bytes)?);
                decode_array(array, device, &fetch, None, &mut write, progress).map_err(|e| e.at(&array.head.label))?;
            }
        }
    }
    Ok(())
}

/// The mode and code of a tile; `block` is where it should be.
pub type Fetch<'a> = &'a (dyn Fn(&Place, usize) -> Result<(Mode, Vec<u8>)> + Sync);
/// Told of every tile that could not be decoded; without it the first one is the end.
pub type Damage<'a> = Option<&'a (dyn Fn(&Place, &Error) + Sync)>;

/// Decodes an array band by band.
pub fn decode_array(
    array: &Array,
    device: &Device,
    fetch: Fetch,
    damage: Damage,
    write: &mut dyn FnMut(&Band, &[u8]) -> Result<()>,
    progress: Progress,
) -> Result<()> {
    let head = &array.head;
    let plans = head.network.as_ref().map(|n| Plans::to_decode(n.model.clone()));
    let device = match &head.network {
        None => Device::Cpu,
        Some(network) => device.proved(&network.model)?,
    };
    let mut previous: VecDeque<Vec<Band>> = VecDeque::new();
    let mut block = array.first_block;
    let mut at = array.offset;
    let bands = (0..head.grid.n_planes).flat_map(|p| (0..head.grid.n_bands()).map(move |b| (p, b)));
    let bands: Vec<(usize, usize)> = bands.collect();
    let mut rest = bands.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(batch(head, rest));
        rest = later;
        progress(at)?;
        let mut bands: Vec<Band> = now.iter().map(|&(plane, band)| Band::empty(&head.grid, plane, band)).collect();
        let mut blocks = Vec::new();
        for band in &bands {
            blocks.push(block);
            block += head.grid.band(band.plane, band.band).count();
        }
        decode_bands(array, &device, plans.as_ref(), &mut bands, &blocks, &previous, fetch, damage)?;
        let bytes: Vec<Result<Vec<u8>>> = bands.par_iter().map(|band| band.to_bytes(head)).collect();
        for (band, bytes) in bands.iter().zip(bytes) {
            let bytes = bytes?;
            write(band, &bytes)?;
            at += bytes.len() as u64;
        }
        remember(head, bands, &mut previous);
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the loop's own state, taken apart")]
fn decode_bands(
    array: &Array,
    device: &Device,
    plans: Option<&Plans>,
    bands: &mut [Band],
    blocks: &[usize],
    previous: &VecDeque<Vec<Band>>,
    fetch: Fetch,
    damage: Damage,
) -> Result<()> {
    let (head, grid) = (&array.head, &array.head.grid);
    for phase in 0..grid.n_phases {
        let jobs = bands.iter().enumerate().flat_map(|(i, band)| {
            let places = grid.band(band.plane, band.band).enumerate();
            places.filter(move |(_, p)| p.phase == phase).map(move |(nth, place)| (i, blocks[i] + nth, place))
        });
        let jobs: Vec<(usize, usize, Place)> = jobs.collect();
        let tiles = jobs.par_iter().map(|(i, block, place)| {
            let band = &bands[*i];
            let refs = band.refs(place, head, &looked_at(head, band.plane, band.band, previous));
            Coded { place: *place, code: fetch(place, *block), refs }
        });
        let tiles: Vec<Coded> = tiles.collect();
        let decoded = device.decode(head, plans, &tiles)?;
        for ((i, _, place), ints) in jobs.iter().zip(decoded) {
            let ints = match (ints, damage) {
                (Ok(ints), _) => ints,
                (Err(e), None) => return Err(e.at(format!("tile {}", place.number))),
                (Err(e), Some(tell)) => {
                    tell(place, &e);
                    vec![0; place.h * place.w]
                }
            };
            bands[*i].ints[place.part][place.phase].paste(place.column * grid.tile_w, place.w, &ints);
        }
    }
    Ok(())
}

struct Hashing<'a> {
    out: &'a mut dyn Write,
    hash: blake3::Hasher,
    n_bytes: u64,
}

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let n = self.out.write(bytes)?;
        self.hash.update(&bytes[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
