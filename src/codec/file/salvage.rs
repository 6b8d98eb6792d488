//! What can still be read of a damaged file: every tile whose block and whose reference tiles are whole
//!
//! What is given back has the length of the content, and what is lost of it is filled in: samples with NaN, BLANK or 0, other bytes with
//! zeros. Where the head of an array is lost, the header of the file in front of it still says what the array was.

use crate::codec::array::memory::Resources;
use crate::codec::array::payload::{self, Label};
use crate::codec::file::archive::Array;
use crate::codec::file::blocks::{FileHead, Weights, kind, read_head};
use crate::codec::file::decode::{ArrayDecoder, Damage};
use crate::codec::file::filler::Filler;
use crate::codec::file::lost::{Lost, Regions, What};
use crate::codec::file::lost_tiles::{LostTiles, predicted_from};
use crate::codec::file::{Progress, bytes};
use crate::container::{BLOCK_EXTRA_BYTES, Limits, MAX_BLOCKS, Reader, Salvage};
use crate::error::{Error, ErrorKind, Result};
use crate::format::{Described, described};
use crate::grid::Place;
use crate::model::Model;
use crate::sample::Bound;
use crate::source::Source;
use crate::tile::code::Mode;
use crate::wire::take_varint;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// No more bytes are made up where a damaged file claims them.
const MAX_GAP: u64 = 1 << 32;
/// Of an array larger than that, one tile in so many must be left.
const MIN_TILES_LEFT: u64 = 256;
/// Entries of the report; what is lost beyond is only counted.
const MAX_ENTRIES: usize = 100_000;
/// The longest payload of a FILE block.
const MAX_FILE_BYTES: u64 = 11;
/// A header that is longer says nothing of the array behind it.
const MAX_HEADER_BYTES: usize = 8 << 20;

/// What was damaged and what was lost; and whether the file was a .gz whose content is given unpacked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SalvageReport {
    pub n_tiles: u64,
    pub n_tiles_lost: u64,
    /// What of the file is no good, a line each.
    pub damage: Vec<String>,
    /// What of the content is lost: the first of `n_lost` parts.
    pub lost: Vec<Lost>,
    pub n_lost: u64,
    /// Of arrays that lost something when they were compressed.
    pub bounds: Vec<Bound>,
    pub unpacked: bool,
}

impl SalvageReport {
    /// Whether the file is as it was written.
    pub fn is_whole(&self) -> bool {
        self.damage.is_empty() && self.n_lost == 0
    }

    fn damage(&mut self, line: String) {
        if self.damage.len() < MAX_ENTRIES {
            self.damage.push(line);
        }
    }

    fn lost(&mut self, lost: Lost) {
        self.n_lost += 1;
        if self.lost.len() < MAX_ENTRIES {
            self.lost.push(lost);
        }
    }
}

enum Found {
    Bytes(usize),
    Array(Box<Array>),
}

/// Writes what is left of the content, in its order and length.
pub fn salvage(
    source: &dyn Source,
    out: &mut dyn Write,
    models: &[Arc<Model>],
    progress: Progress,
) -> Result<SalvageReport> {
    let salvaged = Reader::salvage(source, &Limits::default())?;
    let mut report = SalvageReport::default();
    for damage in &salvaged.damaged {
        let number = damage.number.map_or(String::new(), |n| format!("block {n}, "));
        report.damage(format!("{number}bytes {}:{} of the file", damage.range.start, damage.range.end));
    }
    let Sorted { n_bytes, found, tiles } = sort(&salvaged, models, &mut report)?;
    let arrays = found.values().filter_map(|found| match found {
        Found::Array(array) => Some(array.as_ref()),
        Found::Bytes(_) => None,
    });
    let with = Resources::default();
    let (decoder, headers) = (ArrayDecoder::new(arrays, &with, progress), Headers::default());
    let chunks = found.iter().filter_map(|(&offset, found)| match found {
        Found::Bytes(block) => Some((offset, *block)),
        Found::Array(_) => None,
    });
    let chunks = Chunks { by_offset: chunks.collect(), decoder: bytes::Decoder::default() };
    let mut content = Content { salvaged: &salvaged, tiles, chunks, out, at: 0, headers, decoder, report };
    for (offset, found) in found {
        if offset < content.at {
            content.report.damage(format!("what begins at byte {offset} of the content overlaps what comes before it"));
            continue;
        }
        content.gap(offset)?;
        match found {
            Found::Bytes(block) => content.bytes(block)?,
            Found::Array(array) => content.array(&array)?,
        }
    }
    content.gap(n_bytes)?;
    content.out.flush()?;
    Ok(content.report)
}

/// Blocks by what they are: the length of the content, its stretches by offset, tiles by array and number.
struct Sorted {
    n_bytes: u64,
    found: BTreeMap<u64, Found>,
    tiles: BTreeMap<(u64, u64), usize>,
}

fn sort(salvaged: &Salvage, models: &[Arc<Model>], report: &mut SalvageReport) -> Result<Sorted> {
    let (mut n_bytes, mut found, mut tiles) = (None, BTreeMap::new(), BTreeMap::new());
    let (mut models, mut weights) = (models.to_vec(), Weights::default());
    for (i, block) in salvaged.blocks.iter().enumerate() {
        let payload = salvaged.payload(i)?;
        let mut from = payload.as_slice();
        let result = match block.info.kind {
            kind::FILE => FileHead::read(from).map(|file| n_bytes = Some(file.n_bytes)),
            kind::GZIP => {
                report.unpacked = true;
                Ok(())
            }
            kind::WEIGHTS => weights.load(from).map(|model| models.push(model)),
            kind::BYTES => take_varint(&mut from).map(|offset| {
                found.insert(offset, Found::Bytes(i));
            }),
            kind::HEAD => read_head(from, &models).map(|(number, offset, head)| {
                found.insert(offset, Found::Array(Box::new(Array { number, offset, head, first_block: 0 })));
            }),
            kind::TILE => Label::read(&mut from).map(|label| {
                tiles.insert((label.array, label.number), i);
            }),
            other => Err(Error::unsupported(format!("a block of kind {other}"))),
        };
        match result {
            Err(e) if e.kind == ErrorKind::Model => return Err(e),
            Err(e) => report.damage(format!("block at byte {}: {e}", block.info.offset)),
            Ok(()) => {}
        }
    }
    let n_bytes = n_bytes.or_else(|| length_of_content(salvaged, report.unpacked));
    let n_bytes = n_bytes.ok_or_else(|| {
        Error::corrupt(
            "its first block and its end are damaged, which say how long the content is: nothing is given back",
        )
    })?;
    Ok(Sorted { n_bytes, found, tiles })
}

/// What the trailer says, unless that may be the length of a .gz.
fn length_of_content(salvaged: &Salvage, is_gz: bool) -> Option<u64> {
    let is_section = |kind: u8| matches!(kind, kind::BYTES | kind::HEAD | kind::TILE);
    let first = salvaged.blocks.iter().map(|block| block.info).find(|info| is_section(info.kind));
    let first = first.map_or(u64::MAX, |info| info.offset);
    let may_be_gz = salvaged.damaged.iter().filter(|damage| damage.range.start < first).any(|damage| {
        let n_bytes = damage.range.end - damage.range.start;
        // where no more than the FILE block fits, no other one was
        damage.kind.map_or(n_bytes > BLOCK_EXTRA_BYTES + MAX_FILE_BYTES, |kind| kind == kind::GZIP)
    });
    salvaged.content.filter(|_| !is_gz && !may_be_gz).map(|(n_bytes, _)| n_bytes)
}

/// Blocks of bytes that are no samples, and what one leaves to others.
struct Chunks {
    by_offset: BTreeMap<u64, usize>,
    decoder: bytes::Decoder,
}

/// The content as far as it has been written.
struct Content<'a> {
    salvaged: &'a Salvage<'a>,
    tiles: BTreeMap<(u64, u64), usize>,
    chunks: Chunks,
    out: &'a mut dyn Write,
    /// How many bytes have been written.
    at: u64,
    headers: Headers,
    decoder: ArrayDecoder<'a>,
    report: SalvageReport,
}

impl Content<'_> {
    fn bytes(&mut self, block: usize) -> Result<()> {
        let at = |offset: u64| match self.chunks.by_offset.get(&offset) {
            Some(block) => self.salvaged.payload(*block),
            None => Err(Error::corrupt("the text that it is told from is lost")),
        };
        match self.chunks.decoder.decode(&self.salvaged.payload(block)?, &at) {
            Ok(bytes) => {
                self.out.write_all(&bytes)?;
                self.at += bytes.len() as u64;
                self.headers.see(&bytes);
            }
            Err(e) => self.report.damage(format!("what begins at byte {} of the content: {e}", self.at)),
        }
        Ok(())
    }

    fn array(&mut self, array: &Array) -> Result<()> {
        let Array { number, head, .. } = array;
        let (n_bytes, n_tiles) = (head.ty.n_bytes()?, head.grid().n_tiles());
        let n_left = self.tiles.range((*number, 0)..=(*number, u64::MAX)).count() as u64;
        let too_few = n_bytes > MAX_GAP && n_left < n_tiles / MIN_TILES_LEFT;
        if n_tiles > MAX_BLOCKS || too_few {
            return Err(Error::limit(format!("{n_left} of {n_tiles} tiles are left of {}", head.label)));
        }
        let (salvaged, tiles, out) = (self.salvaged, &self.tiles, &mut *self.out);
        let missing = self.headers.describe(self.at).and_then(|(_, described)| described.missing.as_ref());
        let filler = Filler::new(head.ty.dtype, missing);
        let lost = Mutex::new(LostTiles::default());
        let fetch = |place: &Place, _: usize| {
            let gone = || Error::corrupt("its block is damaged or missing");
            let block = salvaged.payload(*tiles.get(&(*number, place.number)).ok_or_else(gone)?)?;
            let (_, code) = payload::read(&block)?;
            let lost = &lost.lock().unwrap_or_else(PoisonError::into_inner).numbers;
            if code.mode == Mode::Network && predicted_from(head, place).any(|number| lost.contains(&number)) {
                return Err(Error::corrupt("a tile that it is predicted from is lost"));
            }
            Ok(code)
        };
        let tell = |place: &Place, e: &Error| {
            lost.lock().unwrap_or_else(PoisonError::into_inner).add(head, place, e.to_string())
        };
        let damage = Damage { tell: &tell, filler: filler.bits };
        let mut write = |bytes: &[u8]| Ok(out.write_all(bytes)?);
        self.decoder.decode(array, &fetch, Some(damage), &mut write)?;
        self.at += n_bytes;
        self.headers.forget();
        let LostTiles { numbers, regions } = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.report.bounds.extend(head.map.bound());
        self.report.n_tiles += n_tiles;
        self.report.n_tiles_lost += numbers.len() as u64;
        for ((why, phase), regions) in regions {
            self.lost_samples(&head.label, regions, phase, (&filler.name, &why));
        }
        Ok(())
    }

    fn lost_samples(
        &mut self,
        array: &str,
        regions: Regions,
        phase: Option<(usize, usize)>,
        (written, why): (&str, &str),
    ) {
        for region in regions.into_boxes() {
            let what = What::Samples { array: array.to_string(), region, phase };
            self.report.lost(Lost { what, written: written.to_string(), why: why.to_string() });
        }
    }

    /// Makes up what is not known, up to an offset.
    fn gap(&mut self, to: u64) -> Result<()> {
        let n_bytes = to.saturating_sub(self.at);
        if n_bytes > MAX_GAP {
            return Err(Error::limit(format!("{n_bytes} bytes of the content are missing, no more is made up")));
        }
        if n_bytes == 0 {
            return Ok(());
        }
        self.headless(to)?;
        if self.at < to {
            std::io::copy(&mut std::io::Read::take(std::io::repeat(0), to - self.at), &mut self.out)?;
            let (what, written) = (What::Bytes(self.at..to), "zeros".to_string());
            self.report.lost(Lost { what, written, why: "their block is damaged or missing".into() });
            self.at = to;
        }
        self.headers.forget();
        Ok(())
    }

    /// The samples of an array that only the header of the file knows.
    fn headless(&mut self, to: u64) -> Result<()> {
        let Some((start, described)) = self.headers.describe(self.at) else { return Ok(()) };
        let (ty, n) = (&described.ty, described.ty.dtype.n_bytes() as u64);
        let n_samples = (to.min(start + ty.n_bytes()?) - self.at) / n;
        if n_samples == 0 || !(self.at - start).is_multiple_of(n) {
            return Ok(());
        }
        let filler = Filler::new(ty.dtype, described.missing.as_ref());
        let mut sample = filler.bits.to_le_bytes()[..n as usize].to_vec();
        if ty.big_endian {
            sample.reverse();
        }
        let row = sample.repeat(n_samples.min(1 << 16) as usize);
        let mut left = n_samples * n;
        while left > 0 {
            let n = left.min(row.len() as u64);
            self.out.write_all(&row[..n as usize])?;
            left -= n;
        }
        let mut regions = Regions::default();
        regions.stretch(ty, (self.at - start) / n, n_samples);
        let name = format!("the array at byte {start}");
        self.at += n_samples * n;
        self.lost_samples(&name, regions, None, (&filler.name, "the block that describes it is damaged or missing"));
        Ok(())
    }
}

/// The headers in the content: what the last one says, and where the array begins that it says it of.
#[derive(Default)]
struct Headers {
    /// The bytes that end where the next array begins.
    recent: Vec<u8>,
    last: Option<(u64, Described)>,
}

impl Headers {
    fn see(&mut self, bytes: &[u8]) {
        self.recent.extend_from_slice(bytes);
        if self.recent.len() > 2 * MAX_HEADER_BYTES {
            self.recent.drain(..self.recent.len() - MAX_HEADER_BYTES);
        }
    }

    /// Behind what is no header.
    fn forget(&mut self) {
        self.recent.clear();
    }

    /// What is known of samples at an offset: of an array that was cut into several, all are known by one header.
    fn describe(&mut self, at: u64) -> Option<&(u64, Described)> {
        let holds = |(start, known): &(u64, Described)| at - start < known.ty.n_bytes().unwrap_or(0);
        if !self.last.as_ref().is_some_and(holds) {
            self.last = described(&self.recent).map(|known| (at, known)).filter(holds);
        }
        self.last.as_ref()
    }
}
