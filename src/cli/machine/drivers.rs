//! Drivers and the layers before them write to standard error as they please, of displays that no one asked for. While one is
//! opened they write into the void; what they report comes back as an error of ours.

#[cfg(unix)]
pub use unix::{hushed, let_speak};

#[cfg(unix)]
mod unix {
    use std::fs::File;
    use std::io;
    use std::os::fd::{AsFd, OwnedFd};
    use std::sync::{Mutex, PoisonError};

    /// Standard error, while it leads into the void.
    static KEPT: Mutex<Option<OwnedFd>> = Mutex::new(None);

    /// Does the work with standard error closed to all. Who works may not speak, and returns what there is to say.
    pub fn hushed<T>(work: impl FnOnce() -> T) -> T {
        let _ = hush(); // without a standard error, or a void, there is nothing to keep quiet
        let done = work();
        let_speak();
        done
    }

    fn hush() -> io::Result<()> {
        let kept = io::stderr().as_fd().try_clone_to_owned()?;
        rustix::stdio::dup2_stderr(File::options().write(true).open("/dev/null")?)?;
        *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(())
    }

    /// Standard error as it was: also where work ends in a mistake that has to be told.
    pub fn let_speak() {
        if let Some(kept) = KEPT.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = rustix::stdio::dup2_stderr(kept); // to whom should a failure be told
        }
    }
}

#[cfg(not(unix))]
pub fn hushed<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(not(unix))]
pub fn let_speak() {}
