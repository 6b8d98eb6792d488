//! What can still be read of a damaged file: every tile whose block and whose reference tiles are whole; what is lost shows the
//! smallest sample of its array, or zeros where no array is known.

use crate::codec::array::head::Head;
use crate::codec::array::payload::{self, Label};
use crate::codec::file::archive::Array;
use crate::codec::file::blocks::{FileHead, Weights, kind, read_head};
use crate::codec::file::decode::ArrayDecoder;
use crate::codec::file::{Progress, bytes};
use crate::container::{Limits, MAX_BLOCKS, Reader, Salvage};
use crate::device::Device;
use crate::error::{Error, Kind, Result};
use crate::grid::Place;
use crate::model::Model;
use crate::source::Source;
use crate::tile::code::Mode;
use crate::wire::take_varint;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// No more bytes are made up where a damaged file claims them.
const MAX_GAP: u64 = 1 << 32;
/// Of an array larger than that, one tile in so many must be left.
const MIN_TILES_LEFT: u64 = 256;
/// Lines of the report; what is lost beyond is only counted.
const MAX_LINES: usize = 10_000;

/// What was lost, a line each; and whether the file was a .gz whose content is given unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    pub n_tiles: u64,
    pub n_tiles_lost: u64,
    pub lost: Vec<String>,
    pub unpacked: bool,
}

impl SalvageReport {
    fn note(&mut self, line: impl FnOnce() -> String) {
        if self.lost.len() < MAX_LINES {
            self.lost.push(line());
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
        report.note(|| {
            let number = damage.number.map_or(String::new(), |n| format!("block {n}, "));
            format!("{number}bytes {} to {} of the file", damage.range.start, damage.range.end)
        });
    }
    let (n_bytes, found, tiles) = sort(&salvaged, models, &mut report)?;
    let arrays = found.values().filter_map(|found| match found {
        Found::Array(array) => Some(array.as_ref()),
        Found::Bytes(_) => None,
    });
    let mut decoder = ArrayDecoder::new(arrays, &Device::Cpu, progress);
    let mut at = 0;
    for (offset, found) in found {
        if offset < at {
            continue;
        }
        fill(out, at, offset, &mut report)?;
        at = offset;
        match found {
            Found::Bytes(i) => {
                let payload = salvaged.payload(i)?;
                let mut from = payload.as_slice();
                take_varint(&mut from)?;
                match bytes::decode(from) {
                    Ok(bytes) => {
                        out.write_all(&bytes)?;
                        at += bytes.len() as u64;
                    }
                    Err(e) => report.lost.push(format!("chunk at byte {offset} of the content: {e}")),
                }
            }
            Found::Array(array) => {
                at = at.saturating_add(array.head.ty.n_bytes()?);
                one_array(&array, &salvaged, &tiles, &mut decoder, (out, &mut report))?;
            }
        }
    }
    fill(out, at, n_bytes.unwrap_or(at).max(at), &mut report)?;
    out.flush()?;
    Ok(report)
}

/// Blocks by what they are: the length of the content, its stretches by offset, tiles by array and number.
type Sorted = (Option<u64>, BTreeMap<u64, Found>, BTreeMap<(u64, u64), usize>);

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
            Err(e) if e.kind == Kind::Model => return Err(e),
            Err(e) => report.note(|| format!("block at byte {}: {e}", block.info.offset)),
            Ok(()) => {}
        }
    }
    Ok((n_bytes, found, tiles))
}

fn one_array(
    array: &Array,
    salvaged: &Salvage,
    tiles: &BTreeMap<(u64, u64), usize>,
    decoder: &mut ArrayDecoder,
    (out, report): (&mut dyn Write, &mut SalvageReport),
) -> Result<()> {
    let n_tiles = array.head.grid().n_tiles();
    let n_left = tiles.range((array.number, 0)..=(array.number, u64::MAX)).count() as u64;
    let too_few = array.head.ty.n_bytes()? > MAX_GAP && n_left < n_tiles / MIN_TILES_LEFT;
    if n_tiles > MAX_BLOCKS || too_few {
        return Err(Error::limit(format!("{n_left} of {n_tiles} tiles are left of {}", array.head.label)));
    }
    let lost = Mutex::new(Lost::default());
    let fetch = |place: &Place, _: usize| {
        let gone = || Error::corrupt("its block is damaged or missing");
        let block = salvaged.payload(*tiles.get(&(array.number, place.number)).ok_or_else(gone)?)?;
        let (_, code) = payload::read(&block)?;
        let lost = &lost.lock().unwrap_or_else(PoisonError::into_inner).numbers;
        if code.mode == Mode::Network && looked_at(&array.head, place).any(|number| lost.contains(&number)) {
            return Err(Error::corrupt("a tile that it looks at is lost"));
        }
        Ok(code)
    };
    let tell = |place: &Place, e: &Error| {
        let rows = array.head.grid().rows(place.band);
        let line = format!(
            "{}: tile {} (plane {}, rows {} to {}): {e}",
            array.head.label,
            place.number,
            place.plane,
            rows.0,
            rows.0 + rows.1
        );
        let mut lost = lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.numbers.insert(place.number);
        if lost.lines.len() < MAX_LINES {
            lost.lines.push(line);
        }
    };
    let mut write = |bytes: &[u8]| Ok(out.write_all(bytes)?);
    decoder.decode(array, &fetch, Some(&tell), &mut write)?;
    let lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
    report.n_tiles += n_tiles;
    report.n_tiles_lost += lost.numbers.len() as u64;
    lost.lines.into_iter().for_each(|line| report.note(|| line));
    Ok(())
}

/// The tiles of an array that are lost so far: `tell` is called in their order, and never while tiles are fetched.
#[derive(Default)]
struct Lost {
    numbers: BTreeSet<u64>,
    lines: Vec<String>,
}

/// The tiles that the one at `place` sees ints of. A decoder that is shown others may well come to its end without noticing.
fn looked_at<'a>(head: &'a Head, place: &'a Place) -> impl Iterator<Item = u64> + 'a {
    let &Place { plane, band, part, phase, column, .. } = place;
    let phases = (0..phase).map(move |phase| (plane, phase));
    let planes = (1..=head.n_previous_of(plane)).map(move |back| (plane - back, phase));
    phases.chain(planes).take(head.n_refs(plane, phase)).filter_map(move |(plane, phase)| {
        // where the earlier phase has a column of ints less, its last int is seen
        let at = |column| head.grid().place(plane, band, part, phase, column);
        at(column).or_else(|| at(column.checked_sub(1)?)).map(|place| place.number)
    })
}

/// Zeros where the content is not known.
fn fill(out: &mut dyn Write, from: u64, to: u64, report: &mut SalvageReport) -> Result<()> {
    if to > from {
        report.note(|| format!("bytes {from} to {to} of the content"));
        if to - from > MAX_GAP {
            return Err(Error::limit(format!("{} bytes of the content are missing, no more is made up", to - from)));
        }
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), to - from), out)?;
    }
    Ok(())
}
