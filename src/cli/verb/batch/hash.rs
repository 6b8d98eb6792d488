//! blake3 of files, and of what is being written.

use collapsar::internals::{Error, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Of a file; None where no file has the name.
pub fn of_file(path: &Path) -> Result<Option<String>> {
    let file = match File::open(path) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        file => file,
    };
    let mut hash = blake3::Hasher::new();
    let copied = file.and_then(|mut file| io::copy(&mut file, &mut hash));
    copied.map_err(|e| Error::from(e).at(path.display()))?;
    Ok(Some(hash.finalize().to_hex().to_string()))
}

/// Hands on what it is given, and hashes it.
pub struct Hashing<W> {
    pub to: W,
    hash: blake3::Hasher,
}

impl<W> Hashing<W> {
    pub fn new(to: W) -> Hashing<W> {
        Hashing { to, hash: blake3::Hasher::new() }
    }

    pub fn digits(&self) -> String {
        self.hash.finalize().to_hex().to_string()
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = self.to.write(bytes)?;
        self.hash.update(&bytes[..n]);
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_the_hash_of_the_file_that_holds_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        assert_eq!(of_file(&path), Ok(None));
        let mut hashing = Hashing::new(File::create(&path).unwrap());
        for part in [&b"ab"[..], b"", b"cde"] {
            hashing.write_all(part).unwrap();
        }
        assert_eq!(of_file(&path), Ok(Some(hashing.digits())));
        assert_eq!(hashing.digits(), blake3::hash(b"abcde").to_hex().to_string());
        assert!(of_file(dir.path()).is_err());
    }
}
