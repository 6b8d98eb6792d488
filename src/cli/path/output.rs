//! Where a result goes: a file that appears when it is whole, standard output, or nowhere.

use super::names::Target;
use crate::cli::interrupt;
use crate::cli::talk::print;
use collapsar::internals::atomic::{Existing, Output};
use collapsar::internals::{Error, Result};
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

enum To {
    File(Box<Output>),
    Stdout(BufWriter<Box<dyn Write + Send>>),
    Nowhere,
}

/// What would be refused when it is finished is refused now; nothing is written.
pub fn check(path: &Path, force: bool) -> Result<()> {
    drop(interrupt::create(|| create(path, force))?);
    interrupt::committed();
    Ok(())
}

/// A file of this name, once it is whole.
fn create(path: &Path, force: bool) -> Result<Output> {
    Output::create(path, if force { Existing::Replace } else { Existing::Refuse(Some("-f")) })
}

/// Counts what it is given.
pub struct Sink {
    to: To,
    pub n_bytes: u64,
}

impl Sink {
    /// `like` is the file whose permissions and time the new one takes over.
    pub fn create(target: &Target, force: bool, like: Option<&Metadata>) -> Result<Sink> {
        let to = match target {
            Target::Stdout if io::stdout().is_terminal() && !force => {
                return Err(Error::argument(
                    "a terminal shows no binary data: use -o FILE, redirect, or force it with -f",
                ));
            }
            Target::Stdout => To::Stdout(BufWriter::with_capacity(1 << 18, print::stdout()?)),
            Target::File(path) => {
                let mut output = interrupt::create(|| create(path, force))?;
                if let Some(meta) = like {
                    output.like(meta);
                }
                To::File(Box::new(output))
            }
        };
        Ok(Sink { to, n_bytes: 0 })
    }

    pub fn nowhere() -> Sink {
        Sink { to: To::Nowhere, n_bytes: 0 }
    }

    /// What was written so far, as a file to be read; none where it went elsewhere.
    pub fn written(&mut self) -> Result<Option<&Path>> {
        self.flush()?;
        Ok(match &self.to {
            To::File(output) => Some(output.temporary()),
            To::Stdout(_) | To::Nowhere => None,
        })
    }

    /// Makes it last, under another name of the same folder where one is given; returns the name.
    pub fn finish(mut self, rename: Option<&OsStr>) -> Result<Option<PathBuf>> {
        self.flush()?;
        let To::File(output) = self.to else { return Ok(None) };
        let output = match rename {
            Some(name) => output.renamed(name)?,
            None => *output,
        };
        let path = output.path().to_owned();
        output.commit()?;
        interrupt::committed();
        Ok(Some(path))
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = match &mut self.to {
            To::File(output) => output.write(bytes)?,
            To::Stdout(out) => out.write(bytes).map_err(stdout_failed)?,
            To::Nowhere => bytes.len(),
        };
        self.n_bytes += n as u64;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.to {
            To::File(output) => output.flush(),
            To::Stdout(out) => out.flush().map_err(stdout_failed),
            To::Nowhere => Ok(()),
        }
    }
}

fn stdout_failed(error: io::Error) -> io::Error {
    io::Error::other(print::told(&error))
}
