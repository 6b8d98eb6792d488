//! Exit codes: the first failure decides; what failed is counted.

use super::say::{self, Talk};
use collapsar::{Error, Kind};
use std::path::Path;

pub const USAGE: u8 = 1;
const INTERNAL: u8 = 70;

pub fn code(kind: Kind) -> u8 {
    match kind {
        Kind::Argument => USAGE,
        Kind::Missing | Kind::Changed => 2,
        Kind::Truncated | Kind::Corrupt | Kind::Unsupported => 3,
        Kind::Verify => 4,
        Kind::Io | Kind::Device => 5,
        Kind::Limit => 6,
        Kind::Model => 7,
    }
}

/// How a run over several files went.
#[derive(Default)]
pub struct Tally {
    n_files: usize,
    n_failed: usize,
    first: Option<u8>,
}

impl Tally {
    /// Counts a file; its error is told.
    pub fn add<T>(&mut self, talk: &Talk, path: &Path, result: collapsar::Result<T>) -> Option<T> {
        self.n_files += 1;
        match result {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(talk, path, error.at(say::name(path)));
                None
            }
        }
    }

    fn fail(&mut self, talk: &Talk, path: &Path, error: Error) {
        self.n_failed += 1;
        let code = code(error.kind);
        self.first.get_or_insert(code);
        say::error(&error);
        talk.failure(path, &error, code);
    }

    /// The exit code.
    pub fn finish(self) -> u8 {
        if self.n_files > 1 && self.n_failed > 0 {
            say::line(&format!("collapsar: {} of {} files failed", self.n_failed, self.n_files));
        }
        self.first.unwrap_or(0)
    }
}

/// None should happen; if one does, it is told like an error and nothing is left behind.
pub fn tell_panics_in_one_line() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.payload_as_str().unwrap_or("no message");
        let place = panic.location().map_or(String::new(), |l| format!(" ({}:{})", l.file(), l.line()));
        say::line(&format!("collapsar: a mistake of ours, please report it: {}{place}", say::clean(text)));
        super::interrupt::remove_partial();
        std::process::exit(INTERNAL.into());
    }));
}
