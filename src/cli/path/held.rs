//! The source of a result, held against what lies under its name now: what changed is not trusted, and not removed.

use collapsar::internals::source::{Change, Stamp};
use collapsar::internals::{Error, ErrorKind, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// A source as it was when it was opened.
pub struct Held {
    path: PathBuf,
    /// None of a pipe: what was read of it is ours.
    stamp: Option<Stamp>,
}

impl Held {
    pub fn new(path: &Path, stamp: Option<Stamp>) -> Held {
        Held { path: path.to_owned(), stamp }
    }

    pub fn change(&self) -> Option<Change> {
        self.stamp.as_ref()?.change(&self.path)
    }

    /// It is what it was.
    pub fn check(&self) -> Result<()> {
        self.change().map_or(Ok(()), |change| Err(Error::changed(change)))
    }

    /// Whether a result of it may get its name. One that is proved to hold what the source held may also where not the content but,
    /// say, the mode is another; and where the source was to be removed, which `remove` then declines.
    pub fn admit(&self, is_proved: bool, rm: bool) -> Result<()> {
        let Some(change) = self.change() else { return Ok(()) };
        let may = match change {
            Change::Shrunk { .. } | Change::Written => false,
            Change::Gone | Change::Replaced | Change::Grown { .. } => rm,
            Change::Status => true,
        };
        if may && is_proved { Ok(()) } else { Err(Error::changed(change)) }
    }

    /// What looks like damage is none where the source has changed.
    pub fn blame(&self, error: Error) -> Error {
        let could_be = matches!(
            error.kind,
            ErrorKind::Truncated
                | ErrorKind::Corrupt
                | ErrorKind::Unsupported
                | ErrorKind::Limit
                | ErrorKind::Model
                | ErrorKind::Verify
        );
        match self.change().filter(|_| could_be) {
            Some(change) => Error::changed(change),
            None => error,
        }
    }

    /// Removes it, if it still is the file that was opened, and as it was. A pipe stays.
    ///
    /// Two system calls lie between the look and the removal. A file that takes the name within these microseconds is lost, and what
    /// is then written to the file that goes: no system removes a name only if it means a certain file. Nor is there a trace of what
    /// is written through a mapping until the system has written it back.
    pub fn remove(&self) -> Result<()> {
        if self.stamp.is_none() {
            return Ok(());
        }
        match self.change() {
            None => fs::remove_file(&self.path).map_err(|e| Error::from(e).at("the source cannot be removed")),
            Some(Change::Gone) => {
                Err(Error::verify("the source is no longer there: what was written holds what it was"))
            }
            Some(change) => Err(Error::verify(format!(
                "the source is kept: {change} since it was opened; what was written holds what it was then"
            ))),
        }
    }
}
