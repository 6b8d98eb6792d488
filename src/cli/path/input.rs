//! What a run reads: files as named, standard input, and with -r what lies in folders.

use super::held::Held;
use crate::cli::args::Files;
use crate::cli::talk::print::Talk;
use collapsar::internals::error::explain;
use collapsar::internals::source::{FileSource, Source, Stamp};
use collapsar::internals::{Error, ErrorKind, Result, atomic, container};
use serde_json::json;
use std::fs::{self, File, Metadata};
use std::io::{self, IsTerminal, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

pub const EXTENSION: &str = "clps";

/// A file to read; `root` is of those that -r found: the folder below which their places are kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Input {
    pub path: PathBuf,
    pub root: Option<PathBuf>,
}

/// Opened for reading at any place. `meta` is of regular files only.
pub struct Opened {
    pub source: FileSource,
    pub meta: Option<Metadata>,
    pub held: Held,
}

/// Which files -r takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// To compress: all but our own.
    Others,
    /// To read: our own.
    Clps,
}

/// Inputs in the order in which they were named; standard input where none was and something is piped in. That folders hold none
/// is told.
pub fn inputs(files: &Files, wanted: Wanted, talk: Talk) -> Result<Vec<Input>> {
    if files.files.is_empty() {
        if io::stdin().is_terminal() || files.recursive {
            return Err(Error::argument("no files: name some, or pipe something in"));
        }
        return Ok(vec![Input { path: "-".into(), root: None }]);
    }
    let mut all = Vec::new();
    let is_walked = |path: &Path| files.recursive && path.is_dir();
    let root =
        common(files.files.iter().filter_map(|path| if is_walked(path) { Some(&**path) } else { path.parent() }));
    for path in &files.files {
        if is_walked(path) {
            walk(path, &root, wanted, &mut all);
        } else {
            all.push(Input { path: path.clone(), root: None });
        }
    }
    if all.iter().filter(|i| i.is_stdin()).count() > 1 {
        return Err(Error::argument("standard input can be read only once"));
    }
    if all.is_empty() {
        talk.done(&json!({"files": 0}), "no files were found")?;
    }
    Ok(all)
}

/// The folder that all of these are or lie in: of one itself, of D1 and D2 the one that shows both names.
fn common<'a>(mut paths: impl Iterator<Item = &'a Path>) -> PathBuf {
    let first: Vec<Component> = paths.next().map_or(Vec::new(), |path| path.components().collect());
    let shared = paths.fold(first, |mut shared, path| {
        let n = shared.iter().zip(path.components()).take_while(|(a, b)| **a == *b).count();
        shared.truncate(n);
        shared
    });
    shared.into_iter().collect()
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
            return self.spooled(&mut stdin()?);
        }
        let meta = fs::metadata(&self.path).map_err(|e| unreadable(&e))?;
        if meta.is_dir() {
            let text = match fs::read_dir(&self.path) {
                Ok(_) => "is a folder: walk it with -r".to_string(),
                Err(e) => return Err(unreadable(&e)),
            };
            return Err(Error::new(ErrorKind::Missing, text));
        }
        let mut file = File::open(&self.path).map_err(|e| unreadable(&e))?;
        if meta.is_file() {
            let stamp = Stamp::settled(&file)?;
            // of what was opened, whatever had the name a moment before
            let meta = file.metadata()?;
            return Ok(Opened {
                source: FileSource::new(file)?,
                meta: Some(meta),
                held: Held::new(&self.path, Some(stamp)),
            });
        }
        if is_device(&meta) {
            return Err(Error::new(ErrorKind::Missing, "is a device, not a file: pipe it in, and name - instead"));
        }
        self.spooled(&mut file)
    }

    fn spooled(&self, from: &mut dyn Read) -> Result<Opened> {
        Ok(Opened { source: spool(from)?, meta: None, held: Held::new(&self.path, None) })
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
        Error::new(ErrorKind::Io, format!("cannot be kept in the folder for temporary files: {}", explain(&e)))
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
    Error::new(ErrorKind::Missing, text)
}

pub fn read_file(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).map_err(|e| unreadable(&e))
}

/// Whether it begins like one of our files.
pub fn is_clps(source: &dyn Source) -> Result<bool> {
    let n = container::MAGIC.len();
    Ok(source.len() >= n as u64 && source.bytes(0, n)? == container::MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_told_apart_by_their_names_below_the_one_that_holds_all() {
        let of = |paths: &[&str]| common(paths.iter().map(Path::new));
        assert_eq!(of(&["night"]), Path::new("night"));
        assert_eq!(of(&["night1", "night2/"]), Path::new(""));
        assert_eq!(of(&["/data/n1", "/data/n2", "/data/more/n3"]), Path::new("/data"));
        assert_eq!(of(&["a/night", "b/night"]), Path::new(""));
        assert_eq!(of(&["../a", "../b"]), Path::new(".."));
        assert_eq!(of(&[]), Path::new(""));
    }
}
