//! tar = ( header, 512 bytes · content · zeros up to a multiple of 512 )* · zeros
//!
//! A header has the name at 0, the size at 124, the sum of its own bytes at 148, what it heads at 156 and "ustar" at 257. The arrays of
//! a tar are those of its members, each read as a file of its own: a group of files is one file, and its arrays know each other.
//! A tar in a tar is bytes, and so is everything from the first header on that is none.

#[cfg(test)]
mod tests;

use super::pieces::{Found, Reading};
use super::{Format, fits, npy};
use crate::error::Result;
use crate::source::{Source, Span};

const BLOCK: u64 = 512;
/// Longer names, and longer lists of attributes, belong to nothing that we read.
const MAX_EXTRA_BYTES: u64 = 1 << 16;

pub(super) fn sniff(source: &dyn Source) -> Result<bool> {
    Ok(source.len() >= BLOCK && Header::read(&source.bytes(0, BLOCK as usize)?).is_some())
}

pub(super) fn read(source: &dyn Source) -> Result<Reading> {
    let mut reading = Reading { format: Format::Tar, arrays: Vec::new(), note: None };
    let mut extra = Extra::default();
    let mut at = 0;
    while at + BLOCK <= source.len() {
        let Some(header) = Header::read(&source.bytes(at, BLOCK as usize)?) else { break };
        let start = at + BLOCK;
        let size = extra.size.filter(|_| header.is_file()).unwrap_or(header.size);
        if size > source.len() - start {
            reading.note = Some(format!("cut short within {}", extra.name(&header)));
            break;
        }
        if header.is_file() {
            member(&Span { source, start, len: size }, &extra.name(&header), &mut reading)?;
            extra = Extra::default();
        } else if header.kind != b'g' {
            extra.take(header.kind, source, start, size)?;
        }
        // the size is below that of the file, which fits
        at = start + size.next_multiple_of(BLOCK).min(source.len() - start);
    }
    Ok(reading)
}

/// The arrays of a member, at their places in the tar.
fn member(file: &Span, name: &str, reading: &mut Reading) -> Result<()> {
    let found = match file {
        file if fits::sniff(file)? => fits::read(file)?,
        file if npy::sniff(file)? => npy::read(file)?,
        _ => return Ok(()),
    };
    // the only array of an NPY needs no name of its own
    let named = |label: &str| match label.strip_prefix("array") {
        Some(rest) => format!("{name}{rest}"),
        None => format!("{name}: {label}"),
    };
    let arrays = found.arrays.into_iter();
    reading.arrays.extend(arrays.map(|a| Found { offset: file.start + a.offset, label: named(&a.label), ..a }));
    if reading.note.is_none() {
        reading.note = found.note.map(|note| format!("{name}: {note}"));
    }
    Ok(())
}

/// What is needed of a header.
struct Header {
    name: String,
    size: u64,
    kind: u8,
}

impl Header {
    /// None where it is no header.
    fn read(block: &[u8]) -> Option<Header> {
        let sum: u64 =
            block.iter().enumerate().map(|(i, &b)| u64::from(if (148..156).contains(&i) { b' ' } else { b })).sum();
        let ours = block.get(257..262)? == b"ustar" && number(&block[148..156]) == Some(sum);
        let mut name = text(&block[..100]);
        // before "ustar  ", as GNU writes it, there is no prefix
        if block[262] == 0 && block[345] != 0 {
            name = format!("{}/{name}", text(&block[345..500]));
        }
        let size = number(&block[124..136]);
        ours.then_some(())?;
        Some(Header { name, size: size?, kind: block[156] })
    }

    fn is_file(&self) -> bool {
        matches!(self.kind, 0 | b'0' | b'7')
    }
}

/// What stands before a member because its header has no room for it.
#[derive(Default)]
struct Extra {
    name: Option<String>,
    size: Option<u64>,
}

impl Extra {
    fn name(&self, header: &Header) -> String {
        self.name.clone().unwrap_or_else(|| header.name.clone())
    }

    fn take(&mut self, kind: u8, source: &dyn Source, start: u64, size: u64) -> Result<()> {
        if size > MAX_EXTRA_BYTES || !matches!(kind, b'L' | b'x') {
            // links, folders and whatever else: what was said is said of them
            if !matches!(kind, b'L' | b'x' | b'K') {
                *self = Extra::default();
            }
            return Ok(());
        }
        let bytes = source.bytes(start, size as usize)?;
        match kind {
            b'L' => self.name = Some(text(&bytes)),
            _ => self.attributes(&bytes),
        }
        Ok(())
    }

    /// Lines of "length key=value\n", the length that of the line.
    fn attributes(&mut self, mut rest: &[u8]) {
        loop {
            let n_digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let n = std::str::from_utf8(&rest[..n_digits]).ok().and_then(|digits| digits.parse::<usize>().ok());
            let Some(line) = n.and_then(|n| rest.get(n_digits + 1..n)) else { return };
            rest = &rest[n_digits + 1 + line.len()..];
            let line = String::from_utf8_lossy(line);
            match line.trim_end_matches('\n').split_once('=') {
                Some(("path", value)) => self.name = Some(value.to_string()),
                Some(("size", value)) => self.size = value.parse().ok(),
                _ => {}
            }
        }
    }
}

/// Bytes up to the first zero, for people.
fn text(bytes: &[u8]) -> String {
    let n = bytes.iter().position(|&b| b == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..n]).into_owned()
}

/// Octal digits between spaces and zeros; or, where the first bit is set, a big-endian number.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        let (high, low) = field.split_at(field.len() - 8);
        let is_small = high.iter().enumerate().all(|(i, &b)| b == if i == 0 { 0x80 } else { 0 });
        return is_small.then(|| low.iter().fold(0, |n, &b| n << 8 | u64::from(b)));
    }
    let digits: Vec<u8> =
        field.iter().copied().skip_while(|b| *b == b' ').take_while(|b| (b'0'..=b'7').contains(b)).collect();
    let behind = field.iter().skip_while(|b| **b == b' ').nth(digits.len());
    let ends = behind.is_none_or(|b| matches!(b, 0 | b' '));
    (ends && !digits.is_empty()).then(|| digits.iter().fold(0, |n, b| n << 3 | u64::from(b - b'0')))
}
