//! salvage = every block whose two sums hold, in the order of the file
//!
//! With a good index each listed block is tried, and the lost ones are known by number. Without, the heads are walked from
//! the front, and after a damaged head the next offset is sought at which one holds. A head that holds is believed even where
//! its payload does not, so the work is linear in the file, and numbers stay known until the first lost head.
//!
//! A head holds only at its own offset: bytes inserted or removed lose what follows them, overwritten ones do not.

use super::layout::{Head, Trailer, index_from_bytes};
use super::reader::{read_end, read_head, read_payload, read_prologue, read_trailer, too_long};
use super::{
    BLOCK_EXTRA_BYTES, BlockInfo, CRC_BYTES, HEAD_BYTES, INDEX_KIND, Limits, PROLOGUE_BYTES, Reader, TRAILER_BYTES,
};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Source;
use crc32c::crc32c_append;
use std::ops::Range;

/// Bytes looked at in one go: about what a disk loses at once.
const STRIDE: usize = 4096;

/// A block that is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Its place among all blocks, where that is still known.
    pub number: Option<u64>,
    pub info: BlockInfo,
}

/// Bytes that belong to no good record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The block that they were, where it is known that they were one, and its kind.
    pub number: Option<u64>,
    pub kind: Option<u8>,
    pub range: Range<u64>,
}

/// What is left of a damaged file.
pub struct Salvage<'a> {
    source: &'a dyn Source,
    limits: Limits,
    pub blocks: Vec<Found>,
    pub damaged: Vec<Damage>,
    /// How many blocks there were, if the index or the trailer still says so.
    pub n_blocks: Option<u64>,
    /// Length and blake3 of the content, if the trailer still says so.
    pub content: Option<(u64, [u8; 32])>,
}

impl<'a> Reader<'a> {
    /// Fails only if the file is not one of ours, or of a version that we do not know, or beyond the limits.
    pub fn salvage(source: &'a dyn Source, limits: &Limits) -> Result<Salvage<'a>> {
        let mut salvage =
            Salvage { source, limits: *limits, blocks: vec![], damaged: vec![], n_blocks: None, content: None };
        let prologue = read_prologue(source);
        match &prologue {
            Err(error) if error.kind == ErrorKind::Unsupported => return Err(error.clone()),
            Err(_) => salvage.lose(None, None, 0..source.len().min(PROLOGUE_BYTES as u64))?,
            Ok(_) => {}
        }
        match read_end(source, limits) {
            Ok((trailer, blocks)) => {
                salvage.believe(&trailer);
                salvage.try_all(blocks)?;
            }
            Err(error) if error.kind == ErrorKind::Limit => return Err(error),
            Err(_) => salvage.walk()?,
        }
        match prologue {
            Err(error) if salvage.blocks.is_empty() && salvage.n_blocks.is_none() => Err(error),
            _ => Ok(salvage),
        }
    }
}

impl Salvage<'_> {
    /// Of `blocks[i]`.
    pub fn payload(&self, i: usize) -> Result<Vec<u8>> {
        let n = self.blocks.len();
        let found = self.blocks.get(i).ok_or_else(|| Error::argument(format!("block {i} of {n} does not exist")))?;
        if found.info.len > self.limits.max_block_bytes {
            return Err(too_long(&found.info, &self.limits));
        }
        read_payload(self.source, &found.info)
    }

    fn believe(&mut self, trailer: &Trailer) {
        self.n_blocks = Some(trailer.n_blocks);
        self.content = Some((trailer.content_len, trailer.content_blake3));
    }

    fn try_all(&mut self, blocks: Vec<BlockInfo>) -> Result<()> {
        (0..).zip(blocks).try_for_each(|(number, block)| self.keep_or_lose(Some(number), block))
    }

    fn keep_or_lose(&mut self, number: Option<u64>, info: BlockInfo) -> Result<()> {
        if !holds(self.source, &info) {
            return self.lose(number, Some(info.kind), info.offset..info.end());
        }
        self.check_limit(self.blocks.len())?;
        self.blocks.push(Found { number, info });
        Ok(())
    }

    fn lose(&mut self, number: Option<u64>, kind: Option<u8>, range: Range<u64>) -> Result<()> {
        if range.is_empty() {
            return Ok(());
        }
        self.check_limit(self.damaged.len())?;
        self.damaged.push(Damage { number, kind, range });
        Ok(())
    }

    fn check_limit(&self, n: usize) -> Result<()> {
        let max = self.limits.max_blocks;
        if n as u64 > max { Err(Error::limit(format!("the file holds more than {max} blocks"))) } else { Ok(()) }
    }

    /// Index or trailer is lost.
    fn walk(&mut self) -> Result<()> {
        let before = self.damaged.len();
        let len = self.source.len();
        let last = len.checked_sub(TRAILER_BYTES as u64).filter(|&o| read_trailer(self.source, o).is_ok());
        let end = last.unwrap_or(len);
        let mut offset = PROLOGUE_BYTES as u64;
        let mut number = Some(0);
        while let Some(block) = next_head(self.source, offset, end) {
            if block.offset > offset {
                self.lose(None, None, offset..block.offset)?;
                number = None;
            }
            offset = block.end();
            if block.kind == INDEX_KIND {
                if let Some(blocks) = self.read_index(&block)? {
                    self.blocks.clear();
                    self.damaged.truncate(before);
                    self.n_blocks = Some(blocks.len() as u64);
                    self.try_all(blocks)?;
                } else {
                    self.lose(None, Some(INDEX_KIND), block.offset..block.end())?;
                }
                return self.walk_end(offset);
            }
            self.keep_or_lose(number, block)?;
            number = number.map(|n| n + 1);
        }
        self.lose(None, None, offset..end)?;
        self.walk_end(end)
    }

    /// From where the trailer should start.
    fn walk_end(&mut self, mut offset: u64) -> Result<()> {
        if let Ok(trailer) = read_trailer(self.source, offset) {
            self.believe(&trailer);
            offset += TRAILER_BYTES as u64;
        }
        self.lose(None, None, offset..self.source.len())
    }

    fn read_index(&self, block: &BlockInfo) -> Result<Option<Vec<BlockInfo>>> {
        let read = read_payload(self.source, block)
            .and_then(|bytes| index_from_bytes(&bytes, block.offset, self.limits.max_blocks));
        match read {
            Err(error) if error.kind == ErrorKind::Limit => Err(error),
            other => Ok(other.ok()),
        }
    }
}

/// Whether both sums hold. What cannot be read does not hold.
fn holds(source: &dyn Source, block: &BlockInfo) -> bool {
    let sum = || -> Result<bool> {
        let mut crc = read_head(source, block)?.crc(block.offset);
        let mut offset = block.offset + HEAD_BYTES as u64;
        let end = offset + u64::from(block.len);
        let mut buffer = [0; STRIDE];
        while offset < end {
            let n = (end - offset).min(STRIDE as u64) as usize;
            source.read_at(offset, &mut buffer[..n])?;
            crc = crc32c_append(crc, &buffer[..n]);
            offset += n as u64;
        }
        let stored = &mut buffer[..CRC_BYTES];
        source.read_at(offset, stored)?;
        Ok(*stored == crc.to_le_bytes())
    };
    sum().unwrap_or(false)
}

/// The first head that holds at or after `offset`, of a block that ends by `end`.
fn next_head(source: &dyn Source, mut offset: u64, end: u64) -> Option<BlockInfo> {
    let mut buffer = [0; STRIDE + HEAD_BYTES - 1];
    while end.saturating_sub(offset) >= BLOCK_EXTRA_BYTES {
        let n = (end - offset).min(buffer.len() as u64) as usize;
        if source.read_at(offset, &mut buffer[..n]).is_ok() {
            let found = (offset..).zip(buffer[..n].windows(HEAD_BYTES)).find_map(|(at, window)| {
                let Head { kind, len } = Head::from_bytes(window.try_into().ok()?, at)?;
                Some(BlockInfo { kind, offset: at, len }).filter(|block| block.end() <= end)
            });
            if found.is_some() {
                return found;
            }
        }
        offset += STRIDE as u64;
    }
    None
}
