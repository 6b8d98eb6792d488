//! file.gz = header ‖ deflate(settings, inner) ‖ crc32(inner) ‖ len(inner) mod 2³²        (RFC 1952, one member)
//!
//! To keep a .gz as its content, `inflate` unpacks it, `find` looks for the settings that make its very bits again, and
//! `rewrap` makes them. Where no settings do, the file can only be kept as it is, or be given back unpacked.

use super::deflate::{Settings, Writer, deflate};
use crate::error::{Error, Result};
use crate::source::Source;
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::io::{self, Read, Write};
use std::ops::Range;

const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
const TRAILER_BYTES: u64 = 8;
/// File name and comment have no limit of their own.
const MAX_HEADER_BYTES: usize = 1 << 16;
const CHUNK_BYTES: usize = 1 << 16;

/// What `inflate` saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Inflated {
    NotGzip,
    /// Gzip, but to be kept as it is, and why. Part of it may have been written.
    Refused(String),
    /// All of its content has been written.
    Whole(Member),
}

/// A file of one member whose sums are right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    header: Vec<u8>,
    deflated: Range<u64>,
    pub inner_bytes: u64,
}

/// What to know of a .gz, besides its content, to make it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    header: Vec<u8>,
    settings: Settings,
}

/// Unpacks a .gz into `inner`, at most `max_inner_bytes`. Fails only when `source` or `inner` does.
pub fn inflate(source: &dyn Source, inner: &mut dyn Write, max_inner_bytes: u64) -> Result<Inflated> {
    let head = source.bytes(0, source.len().min(MAX_HEADER_BYTES as u64) as usize)?;
    if !head.starts_with(&MAGIC) {
        return Ok(Inflated::NotGzip);
    }
    let refused = |why: &str| Ok(Inflated::Refused(why.to_string()));
    let Some(n_header) = header_bytes(&head) else { return refused("its header is odd") };

    let mut crc = Crc::new();
    let mut out = Hashing { crc: &mut crc, inner, left: max_inner_bytes };
    let end = match inflate_stream(source, n_header as u64, &mut out)? {
        Ok(end) => end,
        Err(why) => return refused(why),
    };
    let inner_bytes = max_inner_bytes - out.left;
    if end.checked_add(TRAILER_BYTES) != Some(source.len()) {
        return refused("bytes follow its first member, or its trailer is cut short");
    }
    if source.bytes(end, TRAILER_BYTES as usize)? != trailer(crc.sum(), inner_bytes) {
        return refused("its content does not match its sums");
    }
    let header = head[..n_header].to_vec();
    Ok(Inflated::Whole(Member { header, deflated: n_header as u64..end, inner_bytes }))
}

/// The length of a header without reserved flags.
fn header_bytes(head: &[u8]) -> Option<usize> {
    const CRC: u8 = 2;
    const EXTRA: u8 = 4;
    const NAME: u8 = 8;
    const COMMENT: u8 = 16;
    const RESERVED: u8 = 0xe0;
    let flags = *head.get(3)?;
    let mut at = 10;
    if flags & EXTRA != 0 {
        let n = head.get(at..at + 2)?;
        at += 2 + usize::from(u16::from_le_bytes([n[0], n[1]]));
    }
    for flag in [NAME, COMMENT] {
        if flags & flag != 0 {
            at += 1 + head.get(at..)?.iter().position(|&b| b == 0)?;
        }
    }
    at += if flags & CRC != 0 { 2 } else { 0 };
    (flags & RESERVED == 0 && at <= head.len()).then_some(at)
}

fn trailer(crc: u32, inner_bytes: u64) -> [u8; TRAILER_BYTES as usize] {
    let mut out = [0; TRAILER_BYTES as usize];
    out[..4].copy_from_slice(&crc.to_le_bytes());
    out[4..].copy_from_slice(&(inner_bytes as u32).to_le_bytes());
    out
}

/// Where the deflate stream that begins at `at` ends, or what is wrong with it.
fn inflate_stream(
    source: &dyn Source,
    mut at: u64,
    out: &mut Hashing,
) -> Result<std::result::Result<u64, &'static str>> {
    let mut inflater = Decompress::new(false);
    let mut unpacked = vec![0; CHUNK_BYTES];
    loop {
        let packed = source.bytes(at, (source.len() - at).min(CHUNK_BYTES as u64) as usize)?;
        let before = (inflater.total_in(), inflater.total_out());
        let Ok(status) = inflater.decompress(&packed, &mut unpacked, FlushDecompress::None) else {
            return Ok(Err("its deflate stream is damaged"));
        };
        let n_in = inflater.total_in() - before.0;
        let n_out = inflater.total_out() - before.1;
        if !out.write(&unpacked[..n_out as usize])? {
            return Ok(Err("its content is longer than allowed here"));
        }
        at += n_in;
        if status == Status::StreamEnd {
            return Ok(Ok(at));
        }
        if n_in == 0 && n_out == 0 {
            return Ok(Err("its deflate stream is cut short"));
        }
    }
}

/// Sums what passes, and stops it at a limit.
struct Hashing<'a> {
    crc: &'a mut Crc,
    inner: &'a mut dyn Write,
    left: u64,
}

impl Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<bool> {
        let Some(left) = self.left.checked_sub(bytes.len() as u64) else { return Ok(false) };
        self.left = left;
        self.crc.update(bytes);
        self.inner.write_all(bytes)?;
        Ok(true)
    }
}

/// The settings that make the very bits of `member`, if any do; `inner` is its content. A wrong guess costs little more than
/// its first block, a right one all of the file.
pub fn find(source: &dyn Source, member: &Member, inner: &dyn Source) -> Result<Option<Recipe>> {
    for settings in candidates(&member.header) {
        let mut same = Same { source, at: member.deflated.start, end: member.deflated.end, differs: false };
        match deflate(settings, &mut Reader { source: inner, at: 0 }, &mut same) {
            Ok(()) if same.at == same.end => return Ok(Some(Recipe { header: member.header.clone(), settings })),
            Ok(()) => {}
            Err(_) if same.differs => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(None)
}

/// All settings, those that the header makes likely first: writers note there whether they were fast or thorough.
fn candidates(header: &[u8]) -> impl Iterator<Item = Settings> {
    let levels: [u8; 9] = match header.get(8) {
        Some(2) => [9, 6, 8, 7, 5, 4, 3, 2, 1],
        Some(4) => [1, 2, 3, 6, 9, 5, 4, 7, 8],
        _ => [6, 9, 5, 4, 7, 8, 3, 2, 1],
    };
    let writers = [Writer::Gnu, Writer::Zlib, Writer::ZlibLarge];
    levels.into_iter().flat_map(move |level| writers.into_iter().filter_map(move |w| Settings::new(w, level)))
}

/// A sink that takes only what the source holds.
struct Same<'a> {
    source: &'a dyn Source,
    at: u64,
    end: u64,
    differs: bool,
}

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let there = match bytes.len() as u64 <= self.end - self.at {
            true => self.source.bytes(self.at, bytes.len()).map_err(io::Error::other)?,
            false => Vec::new(),
        };
        if there != bytes {
            self.differs = true;
            return Err(io::Error::other("differs"));
        }
        self.at += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Reader<'a> {
    source: &'a dyn Source,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = (self.source.len() - self.at).min(out.len() as u64) as usize;
        self.source.read_at(self.at, &mut out[..n]).map_err(io::Error::other)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// The .gz of which `inner` is the content, byte for byte.
pub fn rewrap(recipe: &Recipe, inner: &mut dyn Read, out: &mut dyn Write) -> Result<()> {
    let mut summed = Summing { inner, crc: Crc::new(), n_bytes: 0 };
    out.write_all(&recipe.header)?;
    deflate(recipe.settings, &mut summed, out)?;
    out.write_all(&trailer(summed.crc.sum(), summed.n_bytes))?;
    Ok(())
}

struct Summing<'a> {
    inner: &'a mut dyn Read,
    crc: Crc,
    n_bytes: u64,
}

impl Read for Summing<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        self.crc.update(&out[..n]);
        self.n_bytes += n as u64;
        Ok(n)
    }
}

impl Recipe {
    /// writer u8 | level u8 | header length u32, little endian | header
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.settings.writer as u8, self.settings.level]);
        out.extend((self.header.len() as u32).to_le_bytes());
        out.extend_from_slice(&self.header);
    }

    /// Takes a recipe off the front of `bytes`.
    pub fn read(bytes: &mut &[u8]) -> Result<Recipe> {
        let short = || Error::truncated("the recipe of a .gz is cut short");
        let (&[writer, level, n @ ..], rest) = bytes.split_first_chunk::<6>().ok_or_else(short)?;
        let writer = match writer {
            1 => Writer::Zlib,
            2 => Writer::ZlibLarge,
            3 => Writer::Gnu,
            _ => return Err(Error::unsupported(format!("a .gz of writer {writer} is not known to this version"))),
        };
        let settings = Settings::new(writer, level)
            .ok_or_else(|| Error::corrupt(format!("a .gz has level 1 to 9, not {level}")))?;
        let n_header = u32::from_le_bytes(n) as usize;
        if n_header > MAX_HEADER_BYTES {
            return Err(Error::limit(format!("a .gz header of {n_header} bytes is over {MAX_HEADER_BYTES}")));
        }
        let (header, rest) = rest.split_at_checked(n_header).ok_or_else(short)?;
        *bytes = rest;
        Ok(Recipe { header: header.to_vec(), settings })
    }

    /// In words, as in "gzip -6".
    pub fn name(&self) -> String {
        let writer = match self.settings.writer {
            Writer::Zlib => "zlib",
            Writer::ZlibLarge => "zlib, memory level 9,",
            Writer::Gnu => "gzip",
        };
        format!("{writer} -{}", self.settings.level)
    }
}

#[cfg(test)]
mod tests;
