//! device · inode · length · modified · changed        what a file system knows of a file, and a file's every change moves
//!
//! Times of files move in steps, of a clock tick or of whole seconds. A change within the step of the one before it leaves no
//! trace, so a stamp is taken only when that step is over.

use crate::error::{Error, Result};
use std::fmt;
use std::fs::{self, File, Metadata};
use std::path::Path;
use std::thread;
use std::time::{Duration, SystemTime};

/// Twice the slowest clock tick.
const TICK: Duration = Duration::from_millis(20);
/// Where times have no fractions: FAT counts in twos.
const COARSE: Duration = Duration::from_secs(2);
/// A file that has not come to rest after so many steps is being written to.
const MAX_STEPS: usize = 10;

/// What tells a file from every other, and from itself before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    identity: Identity,
    len: u64,
    /// Of the content; anyone may set it.
    modified: Option<SystemTime>,
    /// Of anything about the file; no one sets it.
    changed: Option<SystemTime>,
}

/// Device and inode; elsewhere the time at which the file was made.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = Option<SystemTime>;

/// What is no longer as it was, the weightiest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// No file has the name.
    Gone,
    /// Another file has the name.
    Replaced,
    Shrunk {
        from: u64,
        to: u64,
    },
    Grown {
        from: u64,
        to: u64,
    },
    Written,
    /// Its mode, owner, names or attributes; or its content, by someone who has set the time back.
    Status,
}

impl Stamp {
    pub fn of(meta: &Metadata) -> Stamp {
        Stamp { identity: identity(meta), len: meta.len(), modified: meta.modified().ok(), changed: changed(meta) }
    }

    /// Of an open file, as soon as every later change will show.
    pub fn settled(file: &File) -> Result<Stamp> {
        Stamp::settle(|| Ok(Stamp::of(&file.metadata()?)))
    }

    fn settle(look: impl Fn() -> Result<Stamp>) -> Result<Stamp> {
        let mut stamp = look()?;
        for _ in 0..MAX_STEPS {
            if stamp.age() >= stamp.step() {
                return Ok(stamp);
            }
            thread::sleep(stamp.step());
            let now = look()?;
            // also where the clock of the file system is ahead of ours: a step has passed, and nothing came in it
            if now == stamp {
                return Ok(stamp);
            }
            stamp = now;
        }
        Err(Error::changed("it is being written to: wait until it is whole"))
    }

    /// How the file that has this name now differs.
    pub fn change(&self, path: &Path) -> Option<Change> {
        let Ok(now) = fs::metadata(path).map(|meta| Stamp::of(&meta)) else { return Some(Change::Gone) };
        let (from, to) = (self.len, now.len);
        match () {
            () if now == *self => None,
            () if now.identity != self.identity => Some(Change::Replaced),
            () if to < from => Some(Change::Shrunk { from, to }),
            () if to > from => Some(Change::Grown { from, to }),
            () if now.modified != self.modified => Some(Change::Written),
            () => Some(Change::Status),
        }
    }

    fn latest(&self) -> Option<SystemTime> {
        self.changed.or(self.modified)
    }

    fn age(&self) -> Duration {
        self.latest().and_then(|time| SystemTime::now().duration_since(time).ok()).unwrap_or_default()
    }

    /// How long a change may hide behind the last one.
    fn step(&self) -> Duration {
        let since_epoch = self.latest().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
        if since_epoch.is_some_and(|time| time.subsec_nanos() > 0) { TICK } else { COARSE }
    }
}

#[cfg(unix)]
fn identity(meta: &Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt;
    (meta.dev(), meta.ino())
}

#[cfg(not(unix))]
fn identity(meta: &Metadata) -> Identity {
    meta.created().ok()
}

#[cfg(unix)]
fn changed(meta: &Metadata) -> Option<SystemTime> {
    use std::os::unix::fs::MetadataExt;
    let seconds = Duration::from_secs(u64::try_from(meta.ctime()).ok()?);
    SystemTime::UNIX_EPOCH.checked_add(seconds + Duration::from_nanos(u64::try_from(meta.ctime_nsec()).ok()?))
}

#[cfg(not(unix))]
fn changed(_: &Metadata) -> Option<SystemTime> {
    None
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Gone => f.write_str("it is no longer there"),
            Change::Replaced => f.write_str("another file has its name"),
            Change::Shrunk { from, to } => write!(f, "it shrank from {from} to {to} bytes"),
            Change::Grown { from, to } => write!(f, "it grew from {from} to {to} bytes"),
            Change::Written => f.write_str("it was written to"),
            Change::Status => f.write_str("its mode, owner, names or attributes are others, or it was written to"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use std::io::Write;

    #[test]
    fn every_change_of_a_file_is_told_from_the_others() {
        let dir = tempfile::tempdir().unwrap();
        let (path, other) = (dir.path().join("a"), dir.path().join("b"));
        let change = |doing: &dyn Fn(&File)| {
            fs::write(&path, [1; 100]).unwrap();
            let file = File::options().read(true).write(true).open(&path).unwrap();
            let stamp = Stamp::settled(&file).unwrap();
            assert_eq!(stamp.change(&path), None);
            doing(&file);
            stamp.change(&path)
        };
        assert_eq!(change(&|_| ()), None);
        assert_eq!(change(&|_| fs::remove_file(&path).unwrap()), Some(Change::Gone));
        let replace = |_: &File| fs::write(&other, [1; 100]).and_then(|()| fs::rename(&other, &path)).unwrap();
        assert_eq!(change(&replace), Some(Change::Replaced));
        assert_eq!(change(&|file| file.set_len(40).unwrap()), Some(Change::Shrunk { from: 100, to: 40 }));
        assert_eq!(change(&|file| file.set_len(140).unwrap()), Some(Change::Grown { from: 100, to: 140 }));
        assert_eq!(change(&|mut file| file.write_all(&[1]).unwrap()), Some(Change::Written));
        assert_eq!(change(&|file| file.set_modified(SystemTime::UNIX_EPOCH).unwrap()), Some(Change::Written));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |file: &File| file.set_permissions(PermissionsExt::from_mode(0o600)).unwrap();
            assert_eq!(change(&mode), Some(Change::Status));
            let set_back = |mut file: &File| {
                let time = file.metadata().unwrap().modified().unwrap();
                file.write_all(&[2]).unwrap();
                file.set_modified(time).unwrap();
            };
            assert_eq!(change(&set_back), Some(Change::Status));
        }
    }

    #[test]
    fn a_stamp_is_taken_when_the_step_of_the_last_change_is_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        fs::write(&path, b"x").unwrap();
        let stamp = Stamp::settled(&File::open(&path).unwrap()).unwrap();
        assert!(stamp.age() >= TICK, "{:?}", stamp.age());
        // times without fractions come in whole seconds
        let whole = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let step = |changed, modified| Stamp { changed, modified, ..stamp.clone() }.step();
        assert_eq!(step(Some(whole), None), COARSE);
        assert_eq!(step(None, Some(whole)), COARSE);
        assert_eq!(step(Some(whole + Duration::from_nanos(1)), Some(whole)), TICK);
    }

    #[test]
    fn a_file_that_does_not_come_to_rest_is_not_read_and_one_of_a_clock_ahead_of_ours_is() {
        let ahead = SystemTime::now() + Duration::from_secs(3600);
        let stamp = Stamp::of(&tempfile::tempfile().unwrap().metadata().unwrap());
        let n_looks = std::cell::Cell::new(0);
        let look = |last_change: u64| {
            n_looks.set(n_looks.get() + 1);
            let time = ahead + Duration::from_nanos(n_looks.get().min(last_change));
            Ok(Stamp { changed: Some(time), modified: Some(time), ..stamp.clone() })
        };
        let error = Stamp::settle(|| look(u64::MAX)).unwrap_err();
        assert_eq!((error.kind, n_looks.replace(0)), (ErrorKind::Changed, MAX_STEPS as u64 + 1));
        Stamp::settle(|| look(4)).unwrap();
        assert_eq!(n_looks.get(), 5);
    }
}
