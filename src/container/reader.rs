//! blocks tile [16, index offset) · index · trailer · nothing more
//!
//! `open` believes a file only as a whole: prologue, trailer and index hold and together fill it. If they do not, it walks
//! the heads from the front to tell a file that ends early (`Truncated`) from one that was damaged (`Corrupt`).

use super::layout::{Head, Prologue, Trailer, index_from_bytes, wrong_magic};
use super::{
    BLOCK_EXTRA_BYTES, BlockInfo, CRC_BYTES, HEAD_BYTES, INDEX_KIND, Limits, MAX_INDEX_BYTES_PER_BLOCK, PROLOGUE_BYTES,
    TRAILER_BYTES,
};
use crate::error::{Error, ErrorKind, Result};
use crate::source::Source;
use crc32c::crc32c_append;

pub struct Reader<'a> {
    source: Box<dyn Source + 'a>,
    version: u16,
    blocks: Vec<BlockInfo>,
    trailer: Trailer,
}

impl<'a> Reader<'a> {
    /// Reads the two ends of the file and the index; the payloads are checked when they are read.
    pub fn open(source: &'a dyn Source, limits: &Limits) -> Result<Reader<'a>> {
        Reader::owning(Box::new(source), limits)
    }

    /// The same of a source that it keeps.
    pub fn owning(source: Box<dyn Source + 'a>, limits: &Limits) -> Result<Reader<'a>> {
        let prologue = read_prologue(&*source)?;
        let (trailer, blocks) = match read_end(&*source, limits) {
            Err(error) if error.kind == ErrorKind::Corrupt => return Err(truncated_or(&*source, error)),
            other => other?,
        };
        Ok(Reader { source, version: prologue.version, blocks, trailer })
    }

    /// The version of the format that the file was written in.
    pub fn version(&self) -> u16 {
        self.version
    }

    pub fn blocks(&self) -> &[BlockInfo] {
        &self.blocks
    }

    /// The length of the decompressed file, as its writer said: a claim to check, not to allocate.
    pub fn content_len(&self) -> u64 {
        self.trailer.content_len
    }

    pub fn content_blake3(&self) -> &[u8; 32] {
        &self.trailer.content_blake3
    }

    pub fn payload(&self, i: usize) -> Result<Vec<u8>> {
        let n = self.blocks.len();
        let block = self.blocks.get(i).ok_or_else(|| Error::argument(format!("block {i} of {n} does not exist")))?;
        read_payload(&*self.source, block).map_err(|e| e.at(format!("block {i} at offset {}", block.offset)))
    }
}

pub(super) fn read_array<const N: usize>(source: &dyn Source, offset: u64) -> Result<[u8; N]> {
    let mut out = [0; N];
    source.read_at(offset, &mut out)?;
    Ok(out)
}

/// The payload of a block that must be the one that the index told of.
pub(super) fn read_payload(source: &dyn Source, block: &BlockInfo) -> Result<Vec<u8>> {
    let head = read_head(source, block)?;
    let mut bytes = source.bytes(block.offset + HEAD_BYTES as u64, block.len as usize + CRC_BYTES)?;
    let crc = bytes.split_off(block.len as usize);
    if crc != crc32c_append(head.crc(block.offset), &bytes).to_le_bytes() {
        return Err(Error::corrupt("the payload does not match its checksum"));
    }
    Ok(bytes)
}

pub(super) fn read_head(source: &dyn Source, block: &BlockInfo) -> Result<Head> {
    Head::from_bytes(&read_array(source, block.offset)?, block.offset)
        .filter(|head| head.kind == block.kind && head.len == block.len)
        .ok_or_else(|| Error::corrupt("the head of the block is damaged"))
}

pub(super) fn read_prologue(source: &dyn Source) -> Result<Prologue> {
    if source.len() >= PROLOGUE_BYTES as u64 {
        return Prologue::from_bytes(&read_array(source, 0)?);
    }
    let first = source.bytes(0, source.len().min(8) as usize)?;
    Err(wrong_magic(&first).unwrap_or_else(|| ends_early(source)))
}

pub(super) fn read_trailer(source: &dyn Source, offset: u64) -> Result<Trailer> {
    Trailer::from_bytes(&read_array(source, offset)?).map_err(|e| e.at(format!("offset {offset}")))
}

/// Trailer and index, if they agree with each other and with the length of the file.
pub(super) fn read_end(source: &dyn Source, limits: &Limits) -> Result<(Trailer, Vec<BlockInfo>)> {
    let trailer_offset = (source.len().checked_sub(TRAILER_BYTES as u64))
        .ok_or_else(|| Error::corrupt("there is no place for the last 64 bytes"))?;
    let trailer = read_trailer(source, trailer_offset)?;
    let wrong = || Error::corrupt("the end of the file does not fit its length").at(format!("offset {trailer_offset}"));
    let len = trailer.index_len(trailer_offset).ok_or_else(wrong)?;
    let index = BlockInfo { kind: INDEX_KIND, offset: trailer.index_offset, len };
    let of_index = |e: Error| e.at(format!("index at offset {}", index.offset));
    read_head(source, &index).map_err(of_index)?;
    let n = trailer.n_blocks;
    if n > limits.max_blocks {
        return Err(Error::limit(format!("the file holds {n} blocks, the limit is {}", limits.max_blocks)));
    }
    if u64::from(len) > n.saturating_mul(MAX_INDEX_BYTES_PER_BLOCK) {
        return Err(of_index(Error::corrupt(format!("{len} bytes are too many for {n} blocks"))));
    }
    let blocks = index_from_bytes(&read_payload(source, &index).map_err(of_index)?, index.offset, limits.max_blocks)?;
    if blocks.len() as u64 != n {
        return Err(of_index(Error::corrupt(format!("it lists {} blocks of {n}", blocks.len()))));
    }
    match blocks.iter().position(|b| b.len > limits.max_block_bytes) {
        Some(i) => Err(too_long(&blocks[i], limits).at(format!("block {i} at offset {}", blocks[i].offset))),
        None => Ok((trailer, blocks)),
    }
}

pub(super) fn too_long(block: &BlockInfo, limits: &Limits) -> Error {
    Error::limit(format!("a payload of {} bytes, the limit is {}", block.len, limits.max_block_bytes))
}

/// Walks the heads: a file that ends within a block, or before index and trailer, was cut; any other is as `found`.
fn truncated_or(source: &dyn Source, found: Error) -> Error {
    let len = source.len();
    let mut offset = PROLOGUE_BYTES as u64;
    while len.saturating_sub(offset) >= BLOCK_EXTRA_BYTES {
        let head = match read_array(source, offset) {
            Ok(bytes) => Head::from_bytes(&bytes, offset),
            Err(error) => return error,
        };
        let Some(Head { kind, len: payload_len }) = head else { return found };
        offset = BlockInfo { kind, offset, len: payload_len }.end();
        if kind == INDEX_KIND {
            let end = offset + TRAILER_BYTES as u64;
            return match len.cmp(&end) {
                std::cmp::Ordering::Less => ends_early(source),
                std::cmp::Ordering::Equal => found,
                std::cmp::Ordering::Greater => {
                    Error::corrupt(format!("{} bytes follow the end of the file", len - end))
                        .at(format!("offset {end}"))
                }
            };
        }
    }
    ends_early(source)
}

fn ends_early(source: &dyn Source) -> Error {
    Error::truncated(format!("the file ends early, after {} bytes: copy or write it again", source.len()))
}
