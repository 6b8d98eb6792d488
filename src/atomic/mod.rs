//! temporary beside the destination → flush → fsync → rename → fsync of the folder
//!
//! A name either has its old content or the whole new one. Killed at any time, at most a `.name.clps-partial-XXXXXX` is left.

#[cfg(unix)]
mod likeness;

use crate::error::{self, Error, ErrorKind, Result};
use std::fs::{File, Metadata};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tempfile::TempPath;

/// Stands in the name of every temporary of ours.
pub const PARTIAL: &str = ".clps-partial-";
/// A file name of 255 bytes is the most that common file systems take; the temporary's is longer than what it stands for.
const MAX_STEM_BYTES: usize = 200;
const BUFFER_BYTES: usize = 256 << 10;

/// What to do with a file that already has the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// With the words by which the caller asks for the other, where there are such.
    Refuse(Option<&'static str>),
    Replace,
}

/// A file that comes to its name when it is whole. Dropped before `commit`, it leaves nothing.
#[derive(Debug)]
pub struct Output {
    // Dropped in this order: a file is closed before it is removed.
    file: BufWriter<File>,
    temporary: TempPath,
    path: PathBuf,
    existing: Existing,
    modified: Option<SystemTime>,
}

impl Output {
    /// Refuses at once what `commit` would refuse after the work.
    pub fn create(path: &Path, existing: Existing) -> Result<Output> {
        check_destination(path, existing).map_err(|e| e.at(path.display()))?;
        let name = path.file_name().ok_or_else(|| Error::argument("is not the name of a file").at(path.display()))?;
        let prefix = prefix(&name.to_string_lossy());
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666)); // less the umask, as for any new file
        let temporary = builder.tempfile_in(folder(path)).map_err(|e| failed(path, &e))?;
        let (file, temporary) = temporary.into_parts();
        let file = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Output { file, temporary, path: path.to_owned(), existing, modified: None })
    }

    /// Takes over owner, group, permission bits and time of modification, as far as the caller may. Called before the first byte is
    /// written, no one reads what they may not. A file system that keeps none of them is no reason to lose the result.
    pub fn like(&mut self, source: &Metadata) {
        #[cfg(unix)]
        likeness::take(self.file.get_ref(), source);
        self.modified = source.modified().ok();
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where it lies until then: what a process that is being interrupted has to remove.
    pub fn temporary(&self) -> &Path {
        &self.temporary
    }

    /// The same under another name of the same folder: what is known only after the work.
    pub fn renamed(mut self, name: &std::ffi::OsStr) -> Result<Output> {
        self.path.set_file_name(name);
        check_destination(&self.path, self.existing).map_err(|e| e.at(self.path.display()))?;
        Ok(self)
    }

    pub fn commit(self) -> Result<()> {
        let Output { file, temporary, path, existing, modified } = self;
        let fail = |e: io::Error| failed(&path, &e);
        let file = file.into_inner().map_err(|e| fail(e.into_error()))?;
        if let Some(time) = modified {
            let _ = file.set_modified(time);
        }
        file.sync_all().map_err(fail)?;
        drop(file);
        match existing {
            Existing::Replace => temporary.persist(&path).map_err(|e| fail(e.error))?,
            Existing::Refuse(how) => persist_new(temporary, &path, how)?,
        }
        sync_folder(folder(&path)).map_err(fail)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|e| told(&self.path, &e))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(|e| told(&self.path, &e))
    }
}

/// Only a regular file is ever replaced: `-f -o /dev/null` must not cost root the device.
fn check_destination(path: &Path, existing: Existing) -> Result<()> {
    match path.metadata() {
        Ok(meta) if meta.is_dir() => return Err(Error::argument("is a directory, not a file")),
        Ok(meta) if !meta.is_file() => return Err(Error::argument("is not a regular file: write to standard output")),
        _ => {}
    }
    match existing {
        Existing::Refuse(how) if path.symlink_metadata().is_ok() => Err(exists(how)),
        _ => Ok(()),
    }
}

fn exists(how: Option<&str>) -> Error {
    let how = how.map_or(String::new(), |how| format!(", or replace it with {how}"));
    Error::argument(format!("exists already and is kept: give another name{how}"))
}

/// One step that cannot replace, where the system has one. Some network file systems have none: there a look, then a rename.
fn persist_new(temporary: TempPath, path: &Path, how: Option<&str>) -> Result<()> {
    let Err(first) = temporary.persist_noclobber(path) else { return Ok(()) };
    let no_such_step = matches!(first.error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::Unsupported);
    if path.symlink_metadata().is_ok() {
        Err(exists(how).at(path.display()))
    } else if no_such_step {
        first.path.persist(path).map_err(|e| failed(path, &e.error))
    } else {
        Err(failed(path, &first.error))
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The rename itself must outlive a power cut. Windows has no such call, some file systems refuse it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Ok(folder) = File::open(folder) {
        use io::ErrorKind::{InvalidInput, PermissionDenied, Unsupported};
        return match folder.sync_all() {
            Err(e) if !matches!(e.kind(), InvalidInput | PermissionDenied | Unsupported) => Err(e),
            _ => Ok(()),
        };
    }
    let _ = folder;
    Ok(())
}

/// What the names of the temporaries of a file begin with.
pub fn prefix(name: &str) -> String {
    format!(".{}{PARTIAL}", &name[..name.floor_char_boundary(MAX_STEM_BYTES)])
}

fn failed(path: &Path, error: &io::Error) -> Error {
    Error::new(ErrorKind::Io, explain(error)).at(path.display())
}

/// The same for `Write`, which can only give an `io::Error`; its kind must not read as a fault of the input.
fn told(path: &Path, error: &io::Error) -> io::Error {
    let kind = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied | io::ErrorKind::UnexpectedEof => {
            io::ErrorKind::Other
        }
        kind => kind,
    };
    io::Error::new(kind, failed(path, error))
}

fn explain(error: &io::Error) -> String {
    use io::ErrorKind as K;
    match error.kind() {
        K::StorageFull => "no space is left on the device: free some, or write to another place".into(),
        K::QuotaExceeded => "your quota is used up: free some space, or write to another place".into(),
        K::ReadOnlyFilesystem => "the file system is read-only: write to another place".into(),
        K::PermissionDenied => "you may not write into this folder: write to another place".into(),
        K::NotFound | K::NotADirectory => "the folder does not exist: create it first".into(),
        K::InvalidFilename => "the file system does not take this name: choose a shorter one".into(),
        K::FileTooLarge => error::explain(error),
        _ => format!("cannot be written: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use tempfile::{TempDir, tempdir};

    fn names(dir: &TempDir) -> Vec<String> {
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<String> = fs::read_dir(dir.path()).unwrap().map(name).collect();
        names.sort();
        names
    }

    fn write(path: &Path, existing: Existing, bytes: &[u8]) -> Result<()> {
        let mut output = Output::create(path, existing)?;
        output.write_all(bytes)?;
        output.commit()
    }

    #[test]
    fn a_name_has_nothing_before_the_commit_and_everything_after() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a.fits");
        let bytes = vec![7; BUFFER_BYTES + 1];
        let mut output = Output::create(&path, Existing::Refuse(Some("-f"))).unwrap();
        output.write_all(&bytes).unwrap();
        output.flush().unwrap();
        assert!(!path.exists());
        assert!(names(&dir)[0].starts_with(".a.fits.clps-partial-"), "{:?}", names(&dir));
        output.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), bytes);
        assert_eq!(names(&dir), ["a.fits"]);
    }

    #[test]
    fn dropped_it_leaves_nothing_and_killed_it_leaves_no_final_name() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a");
        let mut output = Output::create(&path, Existing::Refuse(Some("-f"))).unwrap();
        output.write_all(b"half").unwrap();
        drop(output);
        assert_eq!(names(&dir), [""; 0]);
        std::mem::forget(Output::create(&path, Existing::Refuse(Some("-f"))).unwrap());
        assert!(!path.exists());
        write(&path, Existing::Refuse(Some("-f")), b"whole").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
    }

    #[test]
    fn what_exists_is_kept_unless_it_is_to_be_replaced() {
        let dir = tempdir().unwrap();
        let path = dir.path().join("a");
        let mut late = Output::create(&path, Existing::Refuse(Some("-f"))).unwrap();
        late.write_all(b"late").unwrap();
        fs::write(&path, b"old").unwrap();
        for error in [late.commit(), write(&path, Existing::Refuse(Some("-f")), b"new")].map(Result::unwrap_err) {
            assert_eq!((error.kind, error.place), (ErrorKind::Argument, path.display().to_string()));
        }
        assert_eq!(fs::read(&path).unwrap(), b"old");
        write(&path, Existing::Replace, b"new").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert_eq!(names(&dir), ["a"]);
    }

    #[test]
    fn a_place_that_cannot_hold_a_file_is_refused_with_a_remedy() {
        let dir = tempdir().unwrap();
        let kind = |path: &Path| Output::create(path, Existing::Replace).unwrap_err().kind;
        assert_eq!(kind(dir.path()), ErrorKind::Argument);
        assert_eq!(kind(&dir.path().join("..")), ErrorKind::Argument);
        assert_eq!(kind(Path::new("")), ErrorKind::Argument);
        #[cfg(unix)]
        assert_eq!(kind(Path::new("/dev/null")), ErrorKind::Argument);
        let error = Output::create(&dir.path().join("no/a"), Existing::Refuse(Some("-f"))).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Io);
        assert_eq!(error.message, "the folder does not exist: create it first");
    }

    #[test]
    fn a_full_disk_is_our_callers_trouble_and_not_the_inputs() {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::PermissionDenied, io::ErrorKind::UnexpectedEof] {
            let error = Error::from(told(Path::new("night1/a.clps"), &kind.into()));
            assert_eq!(error.kind, ErrorKind::Io);
            assert!(error.to_string().starts_with("night1/a.clps: "), "{error}");
        }
        let error = failed(Path::new("a"), &io::ErrorKind::StorageFull.into());
        assert_eq!(error.to_string(), "a: no space is left on the device: free some, or write to another place");
    }

    #[test]
    fn a_name_of_full_length_still_gets_its_temporary() {
        let dir = tempdir().unwrap();
        for name in ["n".repeat(255), "é".repeat(127)] {
            write(&dir.path().join(&name), Existing::Refuse(Some("-f")), b"x").unwrap();
        }
        assert_eq!(names(&dir).len(), 2);
    }
}
