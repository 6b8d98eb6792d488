//! prologue, then each block as it comes, then what only the end knows
//!
//! The writer never seeks and keeps no payload, so it may write to a pipe; of each block it remembers kind and length.

use super::layout::{Head, Prologue, Trailer, index_to_bytes};
use super::{INDEX_KIND, MAX_BLOCK_BYTES, MAX_BLOCKS, VERSION};
use crate::error::{Error, Result};
use crc32c::crc32c_append;
use std::io::Write;

pub struct Writer<W: Write> {
    out: W,
    offset: u64,
    heads: Vec<Head>,
}

impl<W: Write> Writer<W> {
    pub fn new(out: W) -> Result<Writer<W>> {
        let mut writer = Writer { out, offset: 0, heads: Vec::new() };
        writer.put(&Prologue { version: VERSION, min_reader: VERSION }.to_bytes())?;
        Ok(writer)
    }

    /// After an error the output is good for nothing, only to be thrown away.
    pub fn block(&mut self, kind: u8, payload: &[u8]) -> Result<()> {
        if kind == INDEX_KIND {
            return Err(Error::argument("block kind 0 is the index's own"));
        }
        if self.heads.len() as u64 >= MAX_BLOCKS {
            return Err(Error::limit(format!("a file holds at most {MAX_BLOCKS} blocks: choose larger tiles")));
        }
        let head = self.put_block(kind, payload)?;
        self.heads.push(head);
        Ok(())
    }

    /// Gives the output back, flushed, and the number of bytes written.
    pub fn finish(mut self, content_len: u64, content_blake3: [u8; 32]) -> Result<(W, u64)> {
        let index_offset = self.offset;
        self.put_block(INDEX_KIND, &index_to_bytes(&self.heads))?;
        let trailer = Trailer { index_offset, n_blocks: self.heads.len() as u64, content_len, content_blake3 };
        self.put(&trailer.to_bytes())?;
        self.out.flush()?;
        Ok((self.out, self.offset))
    }

    fn put_block(&mut self, kind: u8, payload: &[u8]) -> Result<Head> {
        let len = u32::try_from(payload.len()).ok().filter(|&l| l <= MAX_BLOCK_BYTES).ok_or_else(|| {
            Error::limit(format!("a block of {} bytes is longer than {MAX_BLOCK_BYTES}", payload.len()))
        })?;
        let head = Head { kind, len };
        let crc = crc32c_append(head.crc(self.offset), payload);
        self.put(&head.to_bytes(self.offset))?;
        self.put(payload)?;
        self.put(&crc.to_le_bytes())?;
        Ok(head)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.out.write_all(bytes)?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}
