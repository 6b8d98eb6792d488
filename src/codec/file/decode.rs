//! blocks → pieces → file, in the order of the content
//!
//! The mirror of `encode`: the same batches of bands, the same planes kept that the next ones are predicted from. A band is decoded
//! phase by phase, since a phase may be predicted from those before it.

use crate::codec::array::band::{Band, Ints, band_range};
use crate::codec::array::batch::{self, Planes};
use crate::codec::array::memory::{Direction, Resources};
use crate::codec::array::references;
use crate::codec::file::Progress;
use crate::codec::file::archive::{Archive, Array, Section};
use crate::codec::file::reference_store::ReferenceStore;
use crate::device::{Device, ToDecode};
use crate::error::{Error, Result};
use crate::format::gzip;
use crate::grid::Place;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Decoded, Mode};
use crate::tile::mask::Mask;
use crate::tile::runtime::Runtimes;
use std::io::{Read, Seek, Write};
use std::sync::{Mutex, PoisonError};

/// Writes the whole content and checks it against its blake3.
pub fn decode_all(archive: &Archive, with: &Resources, out: &mut dyn Write, progress: Progress) -> Result<()> {
    archive.arrays().try_for_each(|array| with.memory.batch(&array.head, Direction::Decode).map(|_| ()))?;
    let mut out = Hashing { out, hash: blake3::Hasher::new(), n_bytes: 0 };
    match &archive.recipe {
        None => sections(archive, with, &mut out, progress)?,
        Some(recipe) => {
            let mut spool = tempfile::spooled_tempfile(with.memory.spool());
            sections(archive, with, &mut spool, progress)?;
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

fn sections(archive: &Archive, with: &Resources, out: &mut dyn Write, progress: Progress) -> Result<()> {
    let mut decoder = ArrayDecoder::new(archive.arrays(), with, progress);
    for section in &archive.sections {
        match section {
            Section::Bytes { offset, block } => {
                progress(*offset)?;
                out.write_all(&archive.chunk(*block)?)?;
            }
            Section::Array(array) => {
                let fetch = |place: &Place, block: usize| archive.tile(array, place, block);
                let mut write = |bytes: &[u8]| Ok(out.write_all(bytes)?);
                decoder.decode(array, &fetch, None, &mut write).map_err(|e| e.at(&array.head.label))?;
            }
        }
    }
    Ok(())
}

/// The code of a tile; `block` is where it should be.
pub type Fetch<'a> = &'a (dyn Fn(&Place, usize) -> Result<Code> + Sync);
/// What becomes of tiles that cannot be decoded; without it the first one is the end.
#[derive(Clone, Copy)]
pub struct Damage<'a> {
    /// Is told of every one, in their order and while none is fetched.
    pub tell: &'a (dyn Fn(&Place, &Error) + Sync),
    /// The bits that stand in the place of their samples.
    pub filler: u64,
}

/// Decodes the arrays of a file one after the other: what is kept between them.
pub struct ArrayDecoder<'a> {
    with: &'a Resources,
    progress: Progress<'a>,
    references: ReferenceStore,
    runtimes: Runtimes,
}

impl<'a> ArrayDecoder<'a> {
    pub fn new<'b>(arrays: impl Iterator<Item = &'b Array>, with: &'a Resources, progress: Progress<'a>) -> Self {
        let (references, runtimes) = (ReferenceStore::new(arrays, with.memory.spool()), Runtimes::default());
        ArrayDecoder { with, progress, references, runtimes }
    }

    /// The same with packed models that others keep.
    pub fn sharing(self, runtimes: Runtimes) -> Self {
        ArrayDecoder { runtimes, ..self }
    }

    /// Decodes an array band by band.
    pub fn decode(
        &mut self,
        array: &Array,
        fetch: Fetch,
        damage: Option<Damage>,
        write: &mut dyn FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let head = &array.head;
        let coder = head.tiles(head.coder.packed(&self.runtimes));
        let (device, progress, references) = (self.with.device.for_coder(&coder)?, self.progress, &mut self.references);
        let (block, previous, spare) = (array.first_block, Planes::new(), Vec::new());
        let mut decoder = Decoder { array, device, coder, fetch, damage, references, block, previous, spare };
        let most = self.with.memory.batch(head, Direction::Decode)?;
        let bands = batch::bands(head.grid());
        let mut rest = bands.as_slice();
        let (mut ready, mut bytes) = (Vec::new(), Vec::new());
        while let now @ [(plane, band), ..] = batch::next(head, most, &mut rest) {
            progress(array.offset + band_range(&head.ty, head.grid(), *plane, *band).0)?;
            let (mut decoded, mut written) = (Ok(()), Ok(()));
            let bands = decoder.next(now, &mut bytes);
            // this thread writes while the others decode
            rayon::in_place_scope(|scope| {
                let (decoder, decoded, bytes) = (&mut decoder, &mut decoded, &mut bytes);
                scope.spawn(move |_| *decoded = decoder.bands(bands, bytes));
                written = write(&ready);
            });
            written?;
            decoded?;
            std::mem::swap(&mut ready, &mut bytes);
        }
        write(&ready)
    }
}

/// The loop's own state.
struct Decoder<'a> {
    array: &'a Array,
    device: Device,
    coder: ArrayCoder<'a>,
    fetch: Fetch<'a>,
    damage: Option<Damage<'a>>,
    references: &'a mut ReferenceStore,
    /// Of the next tile.
    block: usize,
    previous: Planes,
    spare: Vec<Band>,
}

impl Decoder<'_> {
    /// Room for the next bands and their bytes: made by the thread that keeps it, see `batch::ints`.
    fn next(&mut self, now: &[(usize, usize)], bytes: &mut Vec<u8>) -> Vec<Band> {
        let (head, grid) = (&self.array.head, self.array.head.grid());
        bytes.resize(now.iter().map(|&(plane, band)| band_range(&head.ty, grid, plane, band).1).sum(), 0);
        now.iter().map(|&(plane, band)| Band::next(grid, plane, band, &mut self.spare)).collect()
    }

    /// The bytes of the next bands.
    fn bands(&mut self, mut bands: Vec<Band>, bytes: &mut [u8]) -> Result<()> {
        let (head, grid) = (&self.array.head, self.array.head.grid());
        for band in &mut bands {
            let from = &mut |number, first, out: &mut [i32]| self.references.get(number, first, out);
            band.references = references::fetch(head, self.array.number, band.plane, band.band, from)?;
        }
        let mut lost = Vec::new();
        for phase in 0..grid.n_phases {
            lost.extend(self.phase(phase, &mut bands)?);
        }
        if self.references.wants(self.array) {
            self.references.put(self.array, &bands, &lost)?;
        }
        self.block += bands.iter().map(|band| grid.band(band.plane, band.band).count()).sum::<usize>();
        batch::bytes(head, &bands, bytes)?;
        if let Some(Damage { filler, .. }) = self.damage {
            self.blot(&lost, &bands, filler, bytes);
        }
        self.spare.extend(batch::remember(head, bands, &mut self.previous));
        Ok(())
    }

    /// Fills in what is lost of bands that follow each other.
    fn blot(&self, lost: &[Place], bands: &[Band], filler: u64, bytes: &mut [u8]) {
        let head = &self.array.head;
        let begin = |plane: usize, band: usize| band_range(&head.ty, head.grid(), plane, band).0;
        let Some(first) = bands.first().map(|band| begin(band.plane, band.band)) else { return };
        for place in lost {
            let of_band = &mut bytes[(begin(place.plane, place.band) - first) as usize..];
            Band::blot(head, place, filler, of_band);
        }
    }

    /// One phase of the bands, which may be predicted from those before it; returns the tiles that are lost.
    fn phase(&self, phase: usize, bands: &mut [Band]) -> Result<Vec<Place>> {
        let (head, grid) = (&self.array.head, self.array.head.grid());
        let being_decoded = |ints: &mut Vec<Ints>| Mutex::new((std::mem::take(&mut ints[phase]), Mask::default()));
        let phases: Vec<Vec<Mutex<(Ints, Mask)>>> =
            bands.iter_mut().map(|band| band.ints.iter_mut().map(being_decoded).collect()).collect();
        let places = bands
            .iter()
            .enumerate()
            .flat_map(|(i, band)| grid.band(band.plane, band.band).map(move |place| (i, place)));
        let jobs = places.zip(self.block..).filter(|((_, place), _)| place.phase == phase);
        let jobs: Vec<((usize, Place), usize)> = jobs.collect();
        let coded = |n: usize| {
            let ((i, place), block) = jobs[n];
            let band = &bands[i];
            let refs = band.refs(&place, head, &batch::predicted_from(head, band.plane, band.band, &self.previous));
            let seen = |code: Code| match code.mode {
                Mode::Network if self.damage.is_some() && band.sees_lost(&place, head) => {
                    Err(Error::corrupt("a tile of another array that it is predicted from is lost"))
                }
                _ => Ok(code),
            };
            ToDecode { place, code: (self.fetch)(&place, block).and_then(seen), refs }
        };
        let take = |n: usize, tile: Decoded| {
            let ((i, place), _) = jobs[n];
            let mut to = phases[i][place.limb].lock().unwrap_or_else(PoisonError::into_inner);
            let (ints, mask) = &mut *to;
            ints.paste(place.column * grid.tile_w, place.w, &tile.ints);
            mask.paste(ints.ints.len(), ints.w, place.column * grid.tile_w, place.w, &tile.mask);
        };
        let decoded = self.device.decode(&self.coder, jobs.len(), &coded, &take)?;
        let mut lost = Vec::new();
        for (n, result) in decoded.into_iter().enumerate() {
            let ((_, place), _) = jobs[n];
            match (result, self.damage) {
                (Ok(()), _) => {}
                (Err(e), None) => return Err(e.at(format!("tile {}", place.number))),
                (Err(e), Some(Damage { tell, .. })) => {
                    tell(&place, &e);
                    lost.push(place);
                    take(n, Decoded { ints: vec![0; place.h * place.w], mask: Mask::default() });
                }
            }
        }
        for (band, phases) in bands.iter_mut().zip(phases) {
            for (ints, done) in band.ints.iter_mut().zip(phases) {
                // an array with masks has one part
                (ints[phase], band.masks[phase]) = done.into_inner().unwrap_or_else(PoisonError::into_inner);
            }
        }
        Ok(lost)
    }
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
