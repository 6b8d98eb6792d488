//! prologue 16 = magic 8 · version u16 · oldest reader u16 · crc u32
//! head      9 = kind u8 · len u32 · crc(offset · kind · len) u32
//! index       = (kind u8 · n varint · len varint × n)*        one group per run of equal kinds
//! trailer  64 = index offset u64 · blocks u64 · content len u64 · content blake3 32 · crc u32 · end magic 4
//!
//! Each record in both directions, side by side. Nothing here reads or writes a file.

use super::{
    BLOCK_EXTRA_BYTES, BlockInfo, END_MAGIC, HEAD_BYTES, INDEX_KIND, MAGIC, MAX_BLOCK_BYTES, PROLOGUE_BYTES,
    TRAILER_BYTES, VERSION,
};
use crate::error::{Error, Result};
use crate::wire::{put_varint, take_array, take_u8, take_u16, take_u32, take_u64, take_varint};
use crc32c::crc32c;

pub(super) struct Prologue {
    pub version: u16,
    /// The oldest version whose readers understand the file.
    pub min_reader: u16,
}

impl Prologue {
    pub fn to_bytes(&self) -> [u8; PROLOGUE_BYTES] {
        let mut out = [0; PROLOGUE_BYTES];
        out[..8].copy_from_slice(&MAGIC);
        out[8..10].copy_from_slice(&self.version.to_le_bytes());
        out[10..12].copy_from_slice(&self.min_reader.to_le_bytes());
        let crc = crc32c(&out[..12]);
        out[12..].copy_from_slice(&crc.to_le_bytes());
        out
    }

    pub fn from_bytes(bytes: &[u8; PROLOGUE_BYTES]) -> Result<Prologue> {
        let from = &mut bytes.as_slice();
        if let Some(error) = wrong_magic(&take_array::<8>(from)?) {
            return Err(error);
        }
        let prologue = Prologue { version: take_u16(from)?, min_reader: take_u16(from)? };
        if take_u32(from)? != crc32c(&bytes[..12]) {
            return Err(Error::corrupt("the first 16 bytes do not match their checksum"));
        }
        let Prologue { version, min_reader } = prologue;
        if min_reader == 0 || min_reader > version {
            return Err(Error::corrupt(format!("version {version} cannot be read since version {min_reader}")));
        }
        if min_reader > VERSION {
            return Err(Error::unsupported(format!(
                "the file is of format version {version} and needs a reader of version {min_reader}, this one reads up \
                 to {VERSION}: install a newer collapsar"
            )));
        }
        Ok(prologue)
    }
}

/// What is wrong with the first bytes of a file, if anything; there may be fewer than eight of them.
pub(super) fn wrong_magic(first: &[u8]) -> Option<Error> {
    let text = |n: usize| first.len() >= n && first.starts_with(&MAGIC[..n]);
    if MAGIC.starts_with(first) {
        None
    } else if text(5) {
        Some(Error::corrupt("not a .clps file any more: its line ends were changed, as by a copy in text mode"))
    } else {
        Some(Error::corrupt("not a .clps file"))
    }
}

#[derive(Clone, Copy)]
pub(super) struct Head {
    pub kind: u8,
    pub len: u32,
}

impl Head {
    /// crc(offset · kind · len); continued over the payload it is the crc behind the payload.
    pub fn crc(self, offset: u64) -> u32 {
        let mut bytes = [0; 13];
        bytes[..8].copy_from_slice(&offset.to_le_bytes());
        bytes[8] = self.kind;
        bytes[9..].copy_from_slice(&self.len.to_le_bytes());
        crc32c(&bytes)
    }

    pub fn to_bytes(self, offset: u64) -> [u8; HEAD_BYTES] {
        let mut out = [0; HEAD_BYTES];
        out[0] = self.kind;
        out[1..5].copy_from_slice(&self.len.to_le_bytes());
        out[5..].copy_from_slice(&self.crc(offset).to_le_bytes());
        out
    }

    /// `None`: no block of ours starts at `offset`.
    pub fn from_bytes(bytes: &[u8; HEAD_BYTES], offset: u64) -> Option<Head> {
        let &[kind, l0, l1, l2, l3, c0, c1, c2, c3] = bytes;
        let head = Head { kind, len: u32::from_le_bytes([l0, l1, l2, l3]) };
        let good = head.len <= MAX_BLOCK_BYTES && head.crc(offset) == u32::from_le_bytes([c0, c1, c2, c3]);
        good.then_some(head)
    }
}

pub(super) fn index_to_bytes(heads: &[Head]) -> Vec<u8> {
    let mut out = Vec::new();
    for run in heads.chunk_by(|a, b| a.kind == b.kind) {
        out.push(run[0].kind);
        put_varint(&mut out, run.len() as u64);
        for head in run {
            put_varint(&mut out, u64::from(head.len));
        }
    }
    out
}

/// The blocks between the prologue and `index_offset`, which they must fill.
pub(super) fn index_from_bytes(mut from: &[u8], index_offset: u64, max_blocks: u64) -> Result<Vec<BlockInfo>> {
    let wrong = |what: &str| Error::corrupt(format!("the index {what}")).at(format!("offset {index_offset}"));
    let from = &mut from;
    let mut blocks: Vec<BlockInfo> = Vec::new();
    let mut offset = PROLOGUE_BYTES as u64;
    while !from.is_empty() {
        let kind = take_u8(from)?;
        if kind == INDEX_KIND || blocks.last().is_some_and(|b| b.kind == kind) {
            return Err(wrong("lists a kind where it may not stand"));
        }
        let n = take_varint(from).map_err(|_| wrong("holds a bad count"))?;
        if n == 0 || n > from.len() as u64 {
            return Err(wrong("counts blocks that it does not list"));
        }
        if blocks.len() as u64 + n > max_blocks {
            return Err(Error::limit(format!("the file holds more than {max_blocks} blocks")));
        }
        for _ in 0..n {
            let len = take_varint(from).map_err(|_| wrong("holds a bad length"))?;
            let len = u32::try_from(len).ok().filter(|&l| l <= MAX_BLOCK_BYTES);
            let block = BlockInfo { kind, offset, len: len.ok_or_else(|| wrong("lists a block that is too long"))? };
            offset = block.end();
            blocks.push(block);
        }
    }
    if offset != index_offset {
        return Err(wrong("lists blocks that do not end where it begins"));
    }
    Ok(blocks)
}

#[derive(Clone, Copy)]
pub(super) struct Trailer {
    pub index_offset: u64,
    pub n_blocks: u64,
    pub content_len: u64,
    pub content_blake3: [u8; 32],
}

impl Trailer {
    pub fn to_bytes(self) -> [u8; TRAILER_BYTES] {
        let mut out = [0; TRAILER_BYTES];
        out[..8].copy_from_slice(&self.index_offset.to_le_bytes());
        out[8..16].copy_from_slice(&self.n_blocks.to_le_bytes());
        out[16..24].copy_from_slice(&self.content_len.to_le_bytes());
        out[24..56].copy_from_slice(&self.content_blake3);
        let crc = crc32c(&out[..56]);
        out[56..60].copy_from_slice(&crc.to_le_bytes());
        out[60..].copy_from_slice(&END_MAGIC);
        out
    }

    pub fn from_bytes(bytes: &[u8; TRAILER_BYTES]) -> Result<Trailer> {
        let from = &mut bytes.as_slice();
        let trailer = Trailer {
            index_offset: take_u64(from)?,
            n_blocks: take_u64(from)?,
            content_len: take_u64(from)?,
            content_blake3: take_array(from)?,
        };
        if take_u32(from)? != crc32c(&bytes[..56]) || take_array(from)? != END_MAGIC {
            return Err(Error::corrupt("the last 64 bytes do not match their checksum"));
        }
        Ok(trailer)
    }

    /// The length of the index that ends where a trailer at `offset` starts, if one fits.
    pub fn index_len(&self, offset: u64) -> Option<u32> {
        let len = offset.checked_sub(self.index_offset)?.checked_sub(BLOCK_EXTRA_BYTES)?;
        u32::try_from(len).ok().filter(|&l| l <= MAX_BLOCK_BYTES && self.index_offset >= PROLOGUE_BYTES as u64)
    }
}
