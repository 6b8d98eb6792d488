//! Bytes that can be read at any place: a slice in memory, or a file that may be larger than memory.

use crate::error::{Error, Result};
use std::fs::File;

pub trait Source: Send + Sync {
    fn len(&self) -> u64;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Fills `out` from `offset`, or says that the input ends too early.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()>;

    fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        if offset.checked_add(len as u64).is_none_or(|end| end > self.len()) {
            return Err(past_the_end(offset, len, self.len()));
        }
        let mut out = vec![0; len];
        self.read_at(offset, &mut out)?;
        Ok(out)
    }
}

/// A stretch of another source.
#[derive(Clone, Copy)]
pub struct Span<'a> {
    pub source: &'a dyn Source,
    pub start: u64,
    /// It ends within the source.
    pub len: u64,
}

impl Source for Span<'_> {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len) {
            return Err(past_the_end(offset, out.len(), self.len));
        }
        self.source.read_at(self.start + offset, out)
    }
}

fn past_the_end(offset: u64, len: usize, total: u64) -> Error {
    Error::truncated(format!("{len} bytes at offset {offset} lie past the end ({total} bytes)"))
}

impl Source for [u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let wrong = || past_the_end(offset, out.len(), <[u8]>::len(self) as u64);
        let start = usize::try_from(offset).map_err(|_| wrong())?;
        let end = start.checked_add(out.len()).ok_or_else(wrong)?;
        let from = self.get(start..end).ok_or_else(wrong)?;
        out.copy_from_slice(from);
        Ok(())
    }
}

/// A borrowed slice can stand behind `&dyn Source`, which the slice itself cannot.
impl Source for &[u8] {
    fn len(&self) -> u64 {
        <[u8]>::len(self) as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        <[u8] as Source>::read_at(self, offset, out)
    }
}

impl Source for Vec<u8> {
    fn len(&self) -> u64 {
        self.as_slice().len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.as_slice().read_at(offset, out)
    }
}

/// A regular file; its length is what it was when it was opened.
#[derive(Debug)]
pub struct FileSource {
    file: File,
    len: u64,
}

impl FileSource {
    pub fn new(file: File) -> Result<FileSource> {
        let meta = file.metadata()?;
        if meta.is_dir() {
            return Err(Error::new(crate::error::Kind::Missing, "is a directory, not a file"));
        }
        Ok(FileSource { file, len: meta.len() })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    #[cfg(unix)]
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        Ok(std::os::unix::fs::FileExt::read_exact_at(&self.file, out, offset)?)
    }

    #[cfg(windows)]
    fn read_at(&self, mut offset: u64, mut out: &mut [u8]) -> Result<()> {
        while !out.is_empty() {
            let n = std::os::windows::fs::FileExt::seek_read(&self.file, out, offset)?;
            if n == 0 {
                return Err(past_the_end(offset, out.len(), self.len));
            }
            offset += n as u64;
            out = &mut out[n..];
        }
        Ok(())
    }
}
