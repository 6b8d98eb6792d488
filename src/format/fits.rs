//! file = HDU₀ ‖ HDU₁ ‖ … ‖ whatever follows        HDU = header ‖ data, each padded to blocks of 2880 bytes
//!
//! data bytes = |BITPIX|/8 · GCOUNT · (PCOUNT + NAXIS1 · … · NAXISn)
//!
//! The primary HDU and IMAGE extensions hold arrays; the data of tables (tile-compressed images are tables), of random groups
//! and of anything unknown stay bytes. Where a header makes no sense the rest of the file is bytes: only ratio is lost.

mod card;
#[cfg(test)]
mod tests;

use super::begins_with;
use super::pieces::{Found, Reading, cut_short};
use super::{Described, Format, Missing};
use crate::array::{ArrayType, Dtype};
use crate::error::Result;
use crate::source::Source;
use card::{CARD_BYTES, Card, Value};
use std::collections::BTreeMap;

const BLOCK_BYTES: u64 = 2880;
/// 64 MiB of cards; headers of a few MiB exist.
const MAX_HEADER_BLOCKS: u64 = (64 << 20) / BLOCK_BYTES;
const MAX_HDUS: u64 = 1_000_000;
/// The standard's own limit.
const MAX_NAXIS: i64 = 999;
/// What the header of every HDU but the first begins with.
const EXTENSION: &[u8] = b"XTENSION=";

pub(super) fn sniff(source: &dyn Source) -> Result<bool> {
    begins_with(source, b"SIMPLE  =")
}

pub(super) fn read(source: &dyn Source) -> Result<Reading> {
    let mut arrays = Vec::new();
    let mut notes = Notes::default();
    let mut at = 0;
    let mut n_hdus = 0;
    while at < source.len() {
        if n_hdus == MAX_HDUS || (at > 0 && !is_extension(source, at)?) {
            notes.add(format!("{} bytes follow HDU {}", source.len() - at, n_hdus - 1));
            break;
        }
        let place = format!("HDU {n_hdus}");
        let hdu = match Header::read(source, at)?.and_then(|header| Hdu::new(header, source.len())) {
            Ok(hdu) => hdu,
            Err(why) => {
                notes.add(format!("{place}: {why}"));
                break;
            }
        };
        if let Some(odd) = hdu.note {
            notes.add(format!("{place}: {odd}"));
        }
        let available = source.len() - hdu.data_start;
        if let Some(ty) = hdu.array {
            let label = hdu.name.map_or(place.clone(), |name| format!("{place} '{name}'"));
            if hdu.data_bytes <= available {
                arrays.push(Found { offset: hdu.data_start, ty, label });
            } else {
                arrays.extend(cut_short(hdu.data_start, &ty, available, &label));
            }
        }
        if hdu.data_bytes > available {
            notes.add(format!("{place}: the data are cut short: {available} of {} bytes are there", hdu.data_bytes));
        }
        at = hdu.end;
        n_hdus += 1;
    }
    if n_hdus == 0 {
        return Ok(Reading::other(notes.text("begins like FITS, but ")));
    }
    Ok(Reading { format: Format::Fits, arrays, note: notes.text("") })
}

/// The image whose header ends where these bytes end.
pub(super) fn before(bytes: &[u8]) -> Option<Described> {
    let begins = |block: &[u8]| block.starts_with(b"SIMPLE  =") || block.starts_with(EXTENSION);
    let n_blocks = 1 + bytes.rchunks_exact(BLOCK_BYTES as usize).position(begins)?;
    let text = &bytes[bytes.len() - n_blocks * BLOCK_BYTES as usize..];
    let header = Header::read(&text, 0).ok()?.ok().filter(|header| header.end == text.len() as u64)?;
    let missing = header.missing();
    Some(Described { ty: Hdu::new(header, u64::MAX).ok()?.array?, missing })
}

fn is_extension(source: &dyn Source, at: u64) -> Result<bool> {
    let long_enough = source.len() - at >= EXTENSION.len() as u64;
    Ok(long_enough && source.bytes(at, EXTENSION.len())? == EXTENSION)
}

/// The first oddity in words, the others as a number: a file may have a million.
#[derive(Default)]
struct Notes {
    first: Option<String>,
    n_more: u64,
}

impl Notes {
    fn add(&mut self, note: String) {
        match self.first {
            None => self.first = Some(note),
            Some(_) => self.n_more += 1,
        }
    }

    fn text(self, before: &str) -> Option<String> {
        let more = if self.n_more == 0 { String::new() } else { format!(" (and {} more)", self.n_more) };
        self.first.map(|first| format!("{before}{first}{more}"))
    }
}

/// What is wrong with a header, in words for the note.
type Understood<T> = std::result::Result<T, String>;

/// The cards that say how many bytes of what follow. Of a card that is there twice the first counts, as in cfitsio.
struct Header {
    integers: BTreeMap<[u8; 8], i64>,
    simple: Option<bool>,
    groups: bool,
    extension: Option<String>,
    name: Option<String>,
    /// BZERO and BSCALE: a sample stands for zero + scale · itself.
    zero: Option<f64>,
    scale: Option<f64>,
    /// Where the data begin.
    end: u64,
}

impl Header {
    /// Reads block after block until END, which is looked for nowhere but at the beginning of a card.
    fn read(source: &dyn Source, start: u64) -> Result<Understood<Header>> {
        let mut header = Header {
            integers: BTreeMap::new(),
            simple: None,
            groups: false,
            extension: None,
            name: None,
            zero: None,
            scale: None,
            end: source.len(),
        };
        let mut at = start;
        for _ in 0..MAX_HEADER_BLOCKS {
            if at >= source.len() {
                break;
            }
            let n = BLOCK_BYTES.min(source.len() - at);
            let block = source.bytes(at, n as usize)?;
            at += n;
            for card in block.as_chunks::<CARD_BYTES>().0 {
                if Card::is_end(card) {
                    header.end = at;
                    return Ok(Ok(header));
                }
                header.take(Card::parse(card));
            }
        }
        Ok(Err("the header has no END".into()))
    }

    fn take(&mut self, card: Option<Card>) {
        let Some(Card { keyword, value }) = card else { return };
        match (&keyword, value) {
            (b"SIMPLE  ", Value::Logical(v)) => self.simple = self.simple.or(Some(v)),
            (b"GROUPS  ", Value::Logical(v)) => self.groups |= v,
            (b"XTENSION", Value::Text(v)) => self.extension = self.extension.take().or(Some(v)),
            (b"EXTNAME ", Value::Text(v)) => self.name = self.name.take().or(Some(v)),
            (b"BZERO   ", v) => self.zero = self.zero.or(v.number()),
            (b"BSCALE  ", v) => self.scale = self.scale.or(v.number()),
            (
                b"BITPIX  " | b"PCOUNT  " | b"GCOUNT  " | b"BLANK   " | [b'N', b'A', b'X', b'I', b'S', ..],
                Value::Integer(v),
            ) => {
                self.integers.entry(keyword).or_insert(v);
            }
            _ => {}
        }
    }

    fn integer(&self, keyword: &str) -> Option<i64> {
        let mut padded = [b' '; 8];
        padded.iter_mut().zip(keyword.bytes()).for_each(|(to, from)| *to = from);
        self.integers.get(&padded).copied()
    }

    fn required(&self, keyword: &str) -> Understood<i64> {
        self.integer(keyword).ok_or_else(|| format!("{keyword} is missing or not a number"))
    }

    /// NAXIS1 … NAXISn: the first runs fastest.
    fn axes(&self) -> Understood<Vec<u64>> {
        let naxis = self.required("NAXIS")?;
        if !(0..=MAX_NAXIS).contains(&naxis) {
            return Err(format!("NAXIS is {naxis}"));
        }
        let axis = |i| {
            let length = self.required(&format!("NAXIS{i}"))?;
            u64::try_from(length).map_err(|_| format!("NAXIS{i} is {length}"))
        };
        (1..=naxis).map(axis).collect()
    }

    fn dtype(&self) -> Understood<Dtype> {
        match self.required("BITPIX")? {
            8 => Ok(Dtype::U8),
            16 => Ok(Dtype::I16),
            32 => Ok(Dtype::I32),
            64 => Ok(Dtype::I64),
            -32 => Ok(Dtype::F32),
            -64 => Ok(Dtype::F64),
            bitpix => Err(format!("BITPIX is {bitpix}")),
        }
    }
}

impl Header {
    /// BLANK; else the sample that stands for 0, where samples stand for integers: 0 of unsigned ones is stored as −2¹⁵ or so.
    fn missing(&self) -> Option<Missing> {
        let (min, max) = match self.dtype().ok()? {
            Dtype::U8 => (0, i64::from(u8::MAX)),
            Dtype::I16 => (i64::from(i16::MIN), i64::from(i16::MAX)),
            Dtype::I32 => (i64::from(i32::MIN), i64::from(i32::MAX)),
            Dtype::I64 => (i64::MIN, i64::MAX),
            _ => return None,
        };
        let blank = self.integer("BLANK").filter(|blank| (min..=max).contains(blank));
        if let Some(stored) = blank {
            return Some(Missing { stored, name: format!("BLANK, {stored}") });
        }
        let zero = self.zero.filter(|zero| zero.fract() == 0.0 && self.scale.unwrap_or(1.0) == 1.0)?;
        let is_stored = zero != 0.0 && -zero >= min as f64 && -zero < max as f64 + 1.0;
        is_stored.then(|| Missing { stored: -zero as i64, name: format!("0, stored as {}", -zero) })
    }
}

/// One header understood: where its data lie, and whether they are an array.
struct Hdu {
    data_start: u64,
    /// What the header promises; the file may hold less.
    data_bytes: u64,
    /// Where the next HDU begins, at most the end of the file.
    end: u64,
    array: Option<ArrayType>,
    name: Option<String>,
    note: Option<String>,
}

impl Hdu {
    fn new(header: Header, file_bytes: u64) -> Understood<Hdu> {
        let dtype = header.dtype()?;
        let axes = header.axes()?;
        let primary = header.extension.is_none();
        let random_groups = primary && header.groups && axes.first() == Some(&0);
        let image = if primary { !random_groups } else { header.extension.as_deref() == Some("IMAGE") };
        // Without groups the words PCOUNT and GCOUNT mean nothing in a primary header.
        let (pcount, gcount) = if primary && !random_groups {
            (0, 1)
        } else {
            (header.integer("PCOUNT").unwrap_or(0), header.integer("GCOUNT").unwrap_or(1))
        };

        let lengths = if random_groups { &axes[1..] } else { &axes[..] };
        let data_bytes = data_bytes(dtype, lengths, pcount, gcount).ok_or("the data would be larger than any file")?;
        let end = header.end.saturating_add(data_bytes).checked_next_multiple_of(BLOCK_BYTES).unwrap_or(u64::MAX);

        let note = match header.simple {
            Some(false) => Some("SIMPLE = F: it may not follow the standard".to_string()),
            _ if image && (pcount, gcount) != (0, 1) => Some("an IMAGE with groups is kept as it is".to_string()),
            _ => None,
        };
        let array = (image && (pcount, gcount) == (0, 1) && data_bytes > 0).then(|| ArrayType {
            dtype,
            big_endian: dtype.n_bytes() > 1,
            shape: axes.iter().rev().copied().collect(),
        });
        Ok(Hdu { data_start: header.end, data_bytes, end: end.min(file_bytes), array, name: header.name, note })
    }
}

/// The formula at the top; no axes at all means no data.
fn data_bytes(dtype: Dtype, lengths: &[u64], pcount: i64, gcount: i64) -> Option<u64> {
    let n_array = match lengths {
        [] => 0,
        _ if lengths.contains(&0) => 0,
        _ => lengths.iter().try_fold(1u64, |n, &length| n.checked_mul(length))?,
    };
    let n_samples = n_array.checked_add(u64::try_from(pcount).ok()?)?.checked_mul(u64::try_from(gcount).ok()?)?;
    n_samples.checked_mul(dtype.n_bytes() as u64).filter(|&n| n < 1 << 63)
}
