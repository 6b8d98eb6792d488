//! Where results go: the page, those of single files in a folder beside it, maps. What would be refused after the work is refused
//! before it.

use crate::cli::args;
use crate::cli::path::names::Target;
use crate::cli::path::output::{self, Sink};
use crate::cli::talk::print;
use collapsar::internals::{Error, Result};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Where pages and maps go.
pub struct Places {
    /// The page of all files, or of the only one.
    pub page: Option<PathBuf>,
    /// The folder of single pages beside it, and its name.
    singles: Option<(PathBuf, String)>,
    fits: Option<PathBuf>,
    force: bool,
    is_one: bool,
    /// Names that were given.
    taken: BTreeSet<String>,
}

impl Places {
    pub fn new(args: &args::Report, is_one: bool) -> Result<Places> {
        let page = args.html.clone();
        if let Some(path) = page.as_deref().filter(|path| !is_stdout(path)) {
            output::check(path, args.force)?;
        }
        let beside = |page: &PathBuf| {
            let name = format!("{}.pages", page.file_stem()?.to_string_lossy());
            Some((page.with_file_name(&name), name))
        };
        let singles = page.as_ref().filter(|page| !is_one && !is_stdout(page)).and_then(beside);
        for folder in [singles.as_ref().map(|singles| &singles.0), args.fits.as_ref()].into_iter().flatten() {
            std::fs::create_dir_all(folder).map_err(|e| Error::from(e).at(print::name(folder)))?;
        }
        Ok(Places { page, singles, fits: args.fits.clone(), force: args.force, is_one, taken: BTreeSet::new() })
    }

    /// What the results of a file are called, without an ending: letters, digits, points and dashes, each name once.
    pub fn name(&mut self, name: &str, class: &str) -> String {
        let plain = |text: &str| {
            let one = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
            text.chars().map(one).take(100).collect::<String>()
        };
        let name = plain(name);
        let first = if name.starts_with('.') { format!("_{name}") } else { name };
        let others = std::iter::once(format!("{}-{first}", plain(class).trim_start_matches('.')));
        let others = others.chain((2..).map(|n| format!("{first}-{n}")));
        let is_free = |name: &String| !self.taken.contains(&name.to_lowercase());
        let name = std::iter::once(first.clone()).chain(others).find(is_free).unwrap_or_default();
        self.taken.insert(name.to_lowercase());
        name
    }

    /// The page of one file, and how the page of all finds it.
    pub fn page_of(&self, name: &str) -> Result<(Option<PathBuf>, Option<String>)> {
        Ok(match (&self.page, &self.singles) {
            (_, Some((folder, called))) => {
                let path = folder.join(format!("{name}.html"));
                output::check(&path, self.force)?;
                (Some(path), Some(format!("{}/{name}.html", href(called))))
            }
            // of many files standard output has the page of all
            (Some(page), None) if self.is_one => (Some(page.clone()), None),
            _ => (None, None),
        })
    }

    /// How a single page finds that of all.
    pub fn back(&self) -> Option<String> {
        let page = self.singles.as_ref().and(self.page.as_ref())?;
        Some(format!("../{}", href(&page.file_name()?.to_string_lossy())))
    }

    pub fn fits_of(&self, name: &str) -> Result<Option<Sink>> {
        let Some(folder) = &self.fits else { return Ok(None) };
        Sink::create(&Target::File(folder.join(format!("{name}.maps.fits"))), self.force, None).map(Some)
    }
}

/// A name as it stands in a link.
fn href(name: &str) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(b).to_string(),
        _ => format!("%{b:02X}"),
    };
    name.bytes().map(one).collect()
}

pub fn is_stdout(path: &Path) -> bool {
    path == Path::new("-")
}

pub fn put(path: &Path, force: bool, text: &str) -> Result<()> {
    if is_stdout(path) {
        return print::out(text);
    }
    let mut sink = Sink::create(&Target::File(path.to_owned()), force, None)?;
    sink.write_all(text.as_bytes())?;
    sink.finish(None).map(|_| ())
}

/// What a page of several files is called.
pub fn title(named: &[PathBuf], n_files: usize) -> String {
    match named {
        [folder] => folder.file_name().map_or_else(|| print::name(folder), |name| print::name(name.as_ref())),
        _ => format!("{n_files} files"),
    }
}
