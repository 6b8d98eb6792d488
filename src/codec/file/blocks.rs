//! The kinds of blocks, and what is read alike by whoever opens a file and whoever salvages one.

use crate::codec::array::head::Head;
use crate::container::Reader;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::weights::{self, zoo};
use crate::wire::{take_u8, take_varint};
use std::sync::Arc;

/// The kinds of blocks; 0 is the container's own. FORMAT.md, section "Blocks".
pub mod kind {
    pub const FILE: u8 = 1;
    pub const GZIP: u8 = 2;
    pub const WEIGHTS: u8 = 3;
    pub const BYTES: u8 = 4;
    pub const HEAD: u8 = 5;
    pub const TILE: u8 = 6;
}

/// The weights files in a file: so many, and together so large.
const MAX_WEIGHTS: usize = 64;
const MAX_WEIGHTS_BYTES: usize = 64 << 20;

/// What the FILE block says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileHead {
    pub format: u8,
    pub n_bytes: u64,
    /// The level that an encoder was asked for; 0 where a model was.
    pub level: u8,
}

/// The WEIGHTS blocks met so far.
#[derive(Default)]
pub struct Weights {
    n: usize,
    n_bytes: usize,
}

impl Weights {
    /// Counts one more before it is looked at: each is copied and its JSON parsed.
    pub fn count(&mut self, payload: &[u8]) -> Result<()> {
        (self.n, self.n_bytes) = (self.n + 1, self.n_bytes + payload.len());
        if self.n > MAX_WEIGHTS || self.n_bytes > MAX_WEIGHTS_BYTES {
            return Err(Error::limit(format!(
                "more than {MAX_WEIGHTS} weights files, or {MAX_WEIGHTS_BYTES} bytes of them, in one file"
            )));
        }
        Ok(())
    }

    pub fn load(&mut self, payload: &[u8]) -> Result<Arc<Model>> {
        self.count(payload)?;
        Ok(Arc::new(weights::load(payload)?))
    }
}

impl FileHead {
    pub fn read(mut payload: &[u8]) -> Result<FileHead> {
        let format = take_u8(&mut payload)?;
        let n_bytes = take_varint(&mut payload)?;
        if payload.is_empty() {
            Ok(FileHead { format: format & 15, level: format >> 4, n_bytes })
        } else {
            Err(Error::corrupt("bytes follow the file's description"))
        }
    }

    pub fn format_name(&self) -> &'static str {
        ["other", "FITS", "NPY", "raw", "tar"].get(usize::from(self.format)).unwrap_or(&"unknown")
    }
}

/// Which array it is, where in the content it begins, and its head.
pub fn read_head(payload: &[u8], models: &[Arc<Model>]) -> Result<(u64, u64, Head)> {
    let mut from = payload;
    let (number, offset) = (take_varint(&mut from)?, take_varint(&mut from)?);
    Ok((number, offset, Head::read(from, &|hash| zoo::by_hash(hash, models))?))
}

/// How many bytes a BYTES block holds; its offset must be `at`.
pub fn chunk_bytes(reader: &Reader, block: usize, at: u64) -> Result<u64> {
    let payload = reader.payload(block)?;
    let mut from = payload.as_slice();
    if take_varint(&mut from)? != at {
        return Err(Error::corrupt("a chunk that belongs elsewhere"));
    }
    take_u8(&mut from)?;
    take_varint(&mut from)
}
