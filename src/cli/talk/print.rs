//! Where words go: data to standard output, talk to standard error.
//!
//! A pipe that nobody reads ends the run quietly; standard output that is closed or full is an error.

use crate::cli::args;
use collapsar::internals::error::explain;
use collapsar::internals::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{self, Write};
use std::path::Path;

/// EBADF: what `closed.c` opened in the place of a stream cannot be written to.
const CLOSED: i32 = 9;

/// How much is said, and in what form.
#[derive(Clone, Copy)]
pub struct Talk {
    pub quiet: bool,
    pub verbose: bool,
    pub json: bool,
}

impl From<&args::Talk> for Talk {
    fn from(a: &args::Talk) -> Talk {
        Talk { quiet: a.quiet, verbose: a.verbose, json: a.json }
    }
}

impl Talk {
    /// A line of talk.
    pub fn line(&self, text: &str) {
        if !self.quiet && !self.json {
            line(text);
        }
    }

    /// A warning or a note: also where JSON is asked for.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            line(&format!("collapsar: {text}"));
        }
    }

    pub fn verbose(&self, text: &str) {
        if self.verbose && !self.json {
            line(text);
        }
    }

    /// A result: as JSON, or as the text that stands for it.
    pub fn data(&self, value: &Value, text: impl FnOnce() -> String) -> Result<()> {
        if self.json { out(&format!("{value}\n")) } else { out(&text()) }
    }

    /// What was done to a file: JSON is data, the line is talk.
    pub fn done(&self, value: &Value, text: &str) -> Result<()> {
        self.line(text);
        if self.json { out(&format!("{value}\n")) } else { Ok(()) }
    }
}

/// To standard output.
pub fn out(text: &str) -> Result<()> {
    let mut out = stdout()?;
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| told(&e))
}

/// Standard output without the buffer that looks for line ends, and which takes what is written to a closed one for written.
#[cfg(unix)]
pub fn stdout() -> Result<Box<dyn Write + Send>> {
    use std::os::fd::AsFd;
    let fd = io::stdout().as_fd().try_clone_to_owned().map_err(|e| told(&e))?;
    Ok(Box::new(std::fs::File::from(fd)))
}

#[cfg(not(unix))]
pub fn stdout() -> Result<Box<dyn Write + Send>> {
    Ok(Box::new(io::stdout()))
}

/// To standard error, whose own failures no one could be told of.
pub fn line(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

pub fn error(error: &Error) {
    line(&format!("collapsar: {}", clean(&error.to_string())));
}

/// What went wrong with standard output; a reader who left is no error.
pub fn told(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        crate::cli::interrupt::end_by_broken_pipe();
    }
    let text = match error.raw_os_error() {
        Some(CLOSED) => "is closed".to_string(),
        _ => explain(error),
    };
    Error::new(ErrorKind::Io, text).at("standard output")
}

/// A path for people: - is spelt out, and no name can move the cursor.
pub fn name(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { clean(&path.to_string_lossy()) }
}

/// Control characters as escapes.
pub fn clean(text: &str) -> String {
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Bytes as "16.8 MB", decimal like disks.
pub fn bytes(n: u64) -> String {
    let units = [("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)];
    match units.iter().find(|(_, unit)| n as f64 >= *unit) {
        Some((name, unit)) => format!("{:.1} {name}", n as f64 / unit),
        None => format!("{n} B"),
    }
}

/// What is said behind the name of a model.
pub fn refitted(n_bytes: u64) -> String {
    if n_bytes > 0 { format!(", refitted to the array in {}", bytes(n_bytes)) } else { String::new() }
}

/// Ratio in three digits; 0 where nothing was written.
pub fn ratio(n_in: u64, n_out: u64) -> f64 {
    if n_out == 0 { 0.0 } else { (n_in as f64 / n_out as f64 * 1e4).round() / 1e4 }
}

/// MB per second.
pub fn speed(n_bytes: u64, seconds: f64) -> f64 {
    (n_bytes as f64 / 1e6 / seconds.max(1e-9) * 100.0).round() / 100.0
}

/// A speed for people.
pub fn speed_text(mb_per_s: f64) -> String {
    if mb_per_s < 10.0 { format!("{mb_per_s:.1} MB/s") } else { format!("{mb_per_s:.0} MB/s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_move_the_cursor_and_sizes_read_well() {
        assert_eq!(clean("a\n\x1b[31mé"), "a\\n\\u{1b}[31mé");
        assert_eq!(
            [0, 999, 1000, 16_800_000, 5_000_000_000].map(bytes),
            ["0 B", "999 B", "1.0 kB", "16.8 MB", "5.0 GB"]
        );
    }
}
