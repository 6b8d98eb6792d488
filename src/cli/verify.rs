//! The file as it lies on the disk, read again: does it hold what the source holds?

use super::power;
use collapsar::model::Model;
use collapsar::source::{FileSource, Source};
use collapsar::{Error, Kind, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Decodes the written file against the bytes of its source.
pub fn compressed(path: &Path, source: &dyn Source, models: &[Arc<Model>]) -> Result<()> {
    let written = FileSource::new(File::open(path)?)?;
    let mut same = Same { source, at: 0, differs: false };
    let result = collapsar::decompress_to(&written, &mut same, &power::decoding(models), &|_| Ok(()));
    if same.differs || (result.is_ok() && same.at != source.len()) {
        return Err(differs(path, "decodes to something else than the source"));
    }
    result.map_err(|e| if e.kind == Kind::Io { e } else { differs(path, &format!("does not decode: {e}")) })
}

/// Compares the restored file with the blake3 that the packed one carries.
pub fn restored(path: &Path, content_blake3: &[u8; 32]) -> Result<()> {
    let mut hash = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    if hash.finalize().as_bytes() == content_blake3 { Ok(()) } else { Err(differs(path, "is not what was written")) }
}

fn differs(path: &Path, what: &str) -> Error {
    Error::verify(format!("{} {what}; the source is kept: check disk and memory", path.display()))
}

/// A sink that takes only what the source holds.
struct Same<'a> {
    source: &'a dyn Source,
    at: u64,
    differs: bool,
}

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.source.bytes(self.at, bytes.len()).ok().as_deref() != Some(bytes) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_one_byte_or_is_longer_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.clps");
        let bytes = vec![3u8; 5000];
        std::fs::write(&path, collapsar::compress(&bytes, &Default::default()).unwrap()).unwrap();
        assert_eq!(compressed(&path, &bytes, &[]), Ok(()));
        let (mut other, longer) = (bytes.clone(), vec![3u8; 5001]);
        other[4999] = 4;
        for wrong in [other, longer, vec![]] {
            assert_eq!(compressed(&path, &wrong, &[]).unwrap_err().kind, Kind::Verify);
        }
        std::fs::write(&path, b"something else").unwrap();
        assert_eq!(compressed(&path, &bytes, &[]).unwrap_err().kind, Kind::Verify);
        assert_eq!(restored(&path, blake3::hash(b"something else").as_bytes()), Ok(()));
        assert_eq!(restored(&path, &[0; 32]).unwrap_err().kind, Kind::Verify);
    }
}
