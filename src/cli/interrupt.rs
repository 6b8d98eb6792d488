//! Ctrl-C: the temporary that is being written goes, then the process.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// As a shell shows a process that SIGINT ended.
const INTERRUPTED: i32 = 130;
static PARTIAL: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Where another handler stands already, as for jobs that must not hear Ctrl-C, it is left in peace.
pub fn leave_nothing_behind() {
    let _ = ctrlc::try_set_handler(|| {
        remove_partial();
        std::process::exit(INTERRUPTED);
    });
}

/// The temporary to remove from now on.
pub fn set_partial(path: Option<&Path>) {
    *PARTIAL.lock().unwrap_or_else(PoisonError::into_inner) = path.map(Path::to_owned);
}

pub fn remove_partial() {
    if let Some(path) = PARTIAL.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _ = std::fs::remove_file(path); // it may have its final name already, or be gone
    }
}
