//! What a run reads: files as named, standard input, and with -r what lies in folders.

use super::args::Files;
use collapsar::error::explain;
use collapsar::source::{FileSource, Source};
use collapsar::{Error, Kind, Result, atomic, container};
use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::path::{Path, PathBuf};

pub const EXTENSION: &str = "clps";

/// A file to read; `root` is the folder under which -r found it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    pub path: PathBuf,
    pub root: Option<PathBuf>,
}

/// Opened for reading at any place. `meta` is of regular files only.
pub struct Opened {
    pub source: FileSource,
    pub meta: Option<Metadata>,
}

/// Which files -r takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// To compress: all but our own.
    Others,
    /// To read: our own.
    Clps,
}

/// Inputs in the order in which they were named; standard input where none was and something is piped in.
pub fn inputs(files: &Files, wanted: Wanted) -> Result<Vec<Input>> {
    if files.files.is_empty() {
        if io::stdin().is_terminal() || files.recursive {
            return Err(Error::argument("no files: name some, or pipe something in"));
        }
        return Ok(vec![Input { path: "-".into(), root: None }]);
    }
    let mut all = Vec::new();
    for path in &files.files {
        if files.recursive && path.is_dir() {
            walk(path, path, wanted, &mut all);
        } else {
            all.push(Input { path: path.clone(), root: None });
        }
    }
    if all.iter().filter(|i| i.is_stdin()).count() > 1 {
        return Err(Error::argument("standard input can be read only once"));
    }
    Ok(all)
}

/// Regular files below a folder, sorted; links are not followed. A folder that cannot be read is kept, to be told of later.
fn walk(folder: &Path, root: &Path, wanted: Wanted, all: &mut Vec<Input>) {
    let Ok(entries) = fs::read_dir(folder) else {
        return all.push(Input { path: folder.to_owned(), root: Some(root.to_owned()) });
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    paths.sort();
    for path in paths {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let ours = path.extension().is_some_and(|e| e == EXTENSION);
        let partial = path.file_name().is_some_and(|n| n.to_string_lossy().contains(atomic::PARTIAL));
        if meta.is_dir() {
            walk(&path, root, wanted, all);
        } else if meta.is_file() && ours == (wanted == Wanted::Clps) && !partial {
            all.push(Input { path, root: Some(root.to_owned()) });
        }
    }
}

impl Input {
    pub fn is_stdin(&self) -> bool {
        self.path == Path::new("-")
    }

    /// Pipes are read to their end first, since a source is read at any place.
    pub fn open(&self) -> Result<Opened> {
        if self.is_stdin() {
            return Ok(Opened { source: spool(&mut stdin()?)?, meta: None });
        }
        let meta = fs::metadata(&self.path).map_err(|e| unreadable(&e))?;
        if meta.is_dir() {
            let text = match fs::read_dir(&self.path) {
                Ok(_) => "is a folder: walk it with -r".to_string(),
                Err(e) => return Err(unreadable(&e)),
            };
            return Err(Error::new(Kind::Missing, text));
        }
        let mut file = File::open(&self.path).map_err(|e| unreadable(&e))?;
        if meta.is_file() {
            return Ok(Opened { source: FileSource::new(file)?, meta: Some(meta) });
        }
        if is_device(&meta) {
            return Err(Error::new(Kind::Missing, "is a device, not a file: pipe it in, and name - instead"));
        }
        Ok(Opened { source: spool(&mut file)?, meta: None })
    }
}

#[cfg(unix)]
fn is_device(meta: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    meta.file_type().is_block_device() || meta.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_device(_: &Metadata) -> bool {
    false
}

/// Standard input without what takes the end of a closed one for the end of a file.
#[cfg(unix)]
fn stdin() -> Result<File> {
    use std::os::fd::AsFd;
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned().map_err(|e| unreadable(&e))?))
}

#[cfg(not(unix))]
fn stdin() -> Result<io::StdinLock<'static>> {
    Ok(io::stdin().lock())
}

/// A pipe as a nameless temporary file.
fn spool(from: &mut dyn Read) -> Result<FileSource> {
    let fail = |e: io::Error| {
        Error::new(Kind::Io, format!("cannot be kept in the folder for temporary files: {}", explain(&e)))
    };
    let mut file = tempfile::tempfile().map_err(fail)?;
    let mut chunk = vec![0; 1 << 18];
    loop {
        let n = match from.read(&mut chunk) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(unreadable(&e)),
        };
        file.write_all(&chunk[..n]).map_err(fail)?;
    }
    file.rewind().map_err(fail)?;
    FileSource::new(file)
}

fn unreadable(error: &io::Error) -> Error {
    let text = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "does not exist".to_string(),
        io::ErrorKind::PermissionDenied => "may not be read by you: look at its permissions".to_string(),
        io::ErrorKind::IsADirectory => "is a folder: walk it with -r".to_string(),
        _ => format!("cannot be read: {error}"),
    };
    Error::new(Kind::Missing, text)
}

pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| unreadable(&e))
}

/// Whether it begins like one of our files.
pub fn is_clps(source: &dyn Source) -> Result<bool> {
    let n = container::MAGIC.len();
    Ok(source.len() >= n as u64 && source.bytes(0, n)? == container::MAGIC)
}
