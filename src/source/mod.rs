//! Bytes that can be read at any place: a slice in memory, or a file that may be larger than memory.
//!
//! A file belongs to others as well, who may write to it: `Steady` notices what is not the same when it is read again, `Stamp`
//! what the file system knows of it.

mod stamp;
mod steady;

use crate::error::{Error, Result};
use std::fs::File;
use std::io;

pub use stamp::{Change, Stamp};
pub use steady::Steady;

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

/// What is borrowed is a source too: a slice, which alone cannot stand behind `&dyn Source`, and a `&dyn Source` itself.
impl<S: Source + ?Sized> Source for &S {
    fn len(&self) -> u64 {
        (**self).len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        (**self).read_at(offset, out)
    }

    fn bytes(&self, offset: u64, len: usize) -> Result<Vec<u8>> {
        (**self).bytes(offset, len)
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
            return Err(Error::new(crate::error::ErrorKind::Missing, "is a directory, not a file"));
        }
        Ok(FileSource { file, len: meta.len() })
    }
}

impl Source for FileSource {
    fn len(&self) -> u64 {
        self.len
    }

    fn read_at(&self, mut offset: u64, mut out: &mut [u8]) -> Result<()> {
        if offset.checked_add(out.len() as u64).is_none_or(|end| end > self.len) {
            return Err(past_the_end(offset, out.len(), self.len));
        }
        while !out.is_empty() {
            match some_at(&self.file, out, offset) {
                Ok(0) => return Err(self.shorter(offset)),
                Ok(n) => (offset, out) = (offset + n as u64, &mut out[n..]),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

impl FileSource {
    /// Nothing is left at an offset below the length.
    fn shorter(&self, offset: u64) -> Error {
        let end = self.file.metadata().map_or(offset, |meta| meta.len().min(offset));
        Error::changed(format!("it ends at byte {end} of {}", self.len))
    }
}

#[cfg(unix)]
fn some_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, out, offset)
}

#[cfg(windows)]
fn some_at(file: &File, out: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, out, offset)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    #[test]
    fn a_file_that_got_shorter_says_where_it_ends() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &[7; 1000]).unwrap();
        let source = FileSource::new(file.try_clone().unwrap()).unwrap();
        assert_eq!(source.bytes(100, 900).unwrap(), [7; 900]);
        file.set_len(400).unwrap();
        for offset in [100, 500] {
            let error = source.bytes(offset, 500).unwrap_err();
            assert_eq!(error.kind, ErrorKind::Changed);
            assert_eq!(error.message, "changed while it was read: it ends at byte 400 of 1000");
        }
        assert_eq!(source.bytes(100, 300).unwrap(), [7; 300]);
    }

    #[test]
    fn a_file_that_got_longer_has_the_length_that_it_had() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, &[7; 1000]).unwrap();
        let source = FileSource::new(file.try_clone().unwrap()).unwrap();
        file.set_len(4000).unwrap();
        assert_eq!(source.len(), 1000);
        let mut out = [0; 2];
        assert_eq!(source.read_at(999, &mut out).unwrap_err().kind, ErrorKind::Truncated);
    }
}
