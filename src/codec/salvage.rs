//! What can still be read of a damaged file: every tile whose block and whose reference tiles are whole; the rest is zeros.

use crate::codec::archive::{Array, FileHead, read_head};
use crate::codec::decode::decode_array;
use crate::codec::encode::{Progress, kind};
use crate::codec::tile::Label;
use crate::container::{Limits, Reader, Salvage};
use crate::device::Device;
use crate::error::{Error, Kind, Result};
use crate::model::Model;
use crate::source::Source;
use crate::wire::take_varint;
use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// No more bytes are made up where a damaged file claims them.
const MAX_GAP: u64 = 1 << 32;

/// What was lost, a line each; and whether the file was a .gz whose content is given unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SalvageReport {
    pub n_tiles: u64,
    pub n_tiles_lost: u64,
    pub lost: Vec<String>,
    pub unpacked: bool,
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
        report.lost.push(format!("{number}bytes {} to {} of the file", damage.range.start, damage.range.end));
    }
    let (n_bytes, found, tiles) = sort(&salvaged, models, &mut report)?;
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
                match super::bytes::decode(from) {
                    Ok(bytes) => {
                        out.write_all(&bytes)?;
                        at += bytes.len() as u64;
                    }
                    Err(e) => report.lost.push(format!("chunk at byte {offset} of the content: {e}")),
                }
            }
            Found::Array(array) => {
                at += array.head.ty.n_bytes()?;
                one_array(&array, &salvaged, &tiles, out, &mut report, progress)?;
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
    let mut models = models.to_vec();
    for (i, block) in salvaged.blocks.iter().enumerate() {
        let payload = salvaged.payload(i)?;
        let mut from = payload.as_slice();
        let result = match block.info.kind {
            kind::FILE => FileHead::read(from).map(|file| n_bytes = Some(file.n_bytes)),
            kind::GZIP => {
                report.unpacked = true;
                Ok(())
            }
            kind::WEIGHTS => crate::net::load(from).map(|model| models.push(Arc::new(model))),
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
            Err(e) => report.lost.push(format!("block at byte {}: {e}", block.info.offset)),
            Ok(()) => {}
        }
    }
    Ok((n_bytes, found, tiles))
}

fn one_array(
    array: &Array,
    salvaged: &Salvage,
    tiles: &BTreeMap<(u64, u64), usize>,
    out: &mut dyn Write,
    report: &mut SalvageReport,
    progress: Progress,
) -> Result<()> {
    let lost = Mutex::new(Vec::new());
    let fetch = |place: &crate::tile::Place, _: usize| {
        let gone = || Error::corrupt("its block is damaged or missing");
        let payload = salvaged.payload(*tiles.get(&(array.number, place.number)).ok_or_else(gone)?)?;
        let mut code = payload.as_slice();
        Ok((Label::read(&mut code)?.mode, code.to_vec()))
    };
    let tell = |place: &crate::tile::Place, e: &Error| {
        let rows = array.head.grid.rows(place.band);
        let line = format!(
            "{}: tile {} (plane {}, rows {} to {}): {e}",
            array.head.label,
            place.number,
            place.plane,
            rows.0,
            rows.0 + rows.1
        );
        lost.lock().unwrap_or_else(PoisonError::into_inner).push((place.number, line));
    };
    let mut write = |_: &super::plane::Band, bytes: &[u8]| Ok(out.write_all(bytes)?);
    decode_array(array, &Device::Cpu, &fetch, Some(&tell), &mut write, progress)?;
    let mut lost = lost.into_inner().unwrap_or_else(PoisonError::into_inner);
    lost.sort();
    report.n_tiles += array.head.grid.n_tiles();
    report.n_tiles_lost += lost.len() as u64;
    report.lost.extend(lost.into_iter().map(|(_, line)| line));
    Ok(())
}

/// Zeros where the content is not known.
fn fill(out: &mut dyn Write, from: u64, to: u64, report: &mut SalvageReport) -> Result<()> {
    if to > from {
        report.lost.push(format!("bytes {from} to {to} of the content"));
        if to - from > MAX_GAP {
            return Err(Error::limit(format!("{} bytes of the content are missing, no more is made up", to - from)));
        }
        std::io::copy(&mut std::io::Read::take(std::io::repeat(0), to - from), out)?;
    }
    Ok(())
}
