//! file = prologue · block* · index · trailer
//!
//! Our file at the level of bytes: it knows blocks of an opaque kind, not networks, arrays or codecs. All integers are
//! little-endian, all checksums crc32c. A block carries two of them, `crc(offset · kind · len)` behind its head and
//! `crc(offset · kind · len · payload)` behind its payload: the first makes a damaged file walkable, and the offset in both
//! ties a block to its place, so that neither a swapped block nor one of a stored inner `.clps` file passes for ours.

mod layout;
mod reader;
mod salvage;
mod writer;

pub use reader::Reader;
pub use salvage::{Damage, Found, Salvage};
pub use writer::Writer;

/// The version of the format that this build writes, and the newest that it reads.
pub const VERSION: u16 = 1;
/// First bytes of every file: not ASCII, not UTF-8, and different after any text-mode transfer.
pub const MAGIC: [u8; 8] = *b"\x8fCLPS\r\n\x1a";
/// Last bytes of every file.
pub const END_MAGIC: [u8; 4] = *b"SLC\x8f";
/// The kind of the index; all other kinds belong to the layer above.
pub const INDEX_KIND: u8 = 0;
/// No payload is longer, so that no reader has to hold more of one block.
pub const MAX_BLOCK_BYTES: u32 = 64 << 20;
/// No file holds more blocks, so that the index is itself a block.
pub const MAX_BLOCKS: u64 = 1 << 23;

const PROLOGUE_BYTES: usize = 16;
const HEAD_BYTES: usize = 9;
const CRC_BYTES: usize = 4;
const TRAILER_BYTES: usize = 64;
/// What a block takes beside its payload.
pub const BLOCK_EXTRA_BYTES: u64 = (HEAD_BYTES + CRC_BYTES) as u64;
/// A run of one: kind, count, and a length of four varint bytes.
const MAX_INDEX_BYTES_PER_BLOCK: u64 = 6;

const _: () = assert!(MAX_BLOCKS * MAX_INDEX_BYTES_PER_BLOCK <= MAX_BLOCK_BYTES as u64);
const _: () = assert!((MAX_BLOCK_BYTES as u64) < 1 << (4 * 7));

/// Where a block lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    pub kind: u8,
    /// Of the block's first byte.
    pub offset: u64,
    /// Of the payload.
    pub len: u32,
}

impl BlockInfo {
    /// Of the first byte after the block.
    pub fn end(&self) -> u64 {
        self.offset + BLOCK_EXTRA_BYTES + u64::from(self.len)
    }
}

/// What a reader is willing to hold, checked before anything is allocated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// 16 bytes of memory each.
    pub max_blocks: u64,
    pub max_block_bytes: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_blocks: MAX_BLOCKS, max_block_bytes: MAX_BLOCK_BYTES }
    }
}
