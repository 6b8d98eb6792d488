//! a.fits ⇄ a.fits.clps, and where results go

use super::input::{EXTENSION, Input};
use crate::cli::args::Place;
use collapsar::internals::{Error, Result};
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::path::{Component, Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    File(PathBuf),
    Stdout,
}

/// Names as the caller asked for them; no two results of a run may have one name.
pub struct Names<'a> {
    place: &'a Place,
    given: BTreeSet<PathBuf>,
}

impl<'a> Names<'a> {
    pub fn new(place: &'a Place, n_inputs: usize) -> Result<Names<'a>> {
        if place.output.is_some() && n_inputs > 1 {
            return Err(Error::argument(format!(
                "-o names one file, but {n_inputs} are to be written: use --output-dir"
            )));
        }
        Ok(Names { place, given: BTreeSet::new() })
    }

    pub fn compressed(&mut self, input: &Input) -> Result<Target> {
        self.target(input, with_ending)
    }

    /// The same, of a file that will be compressed later: no folder is made.
    pub fn planned(&mut self, input: &Input) -> Result<Target> {
        self.named(input, with_ending)
    }

    pub fn restored(&mut self, input: &Input) -> Result<Target> {
        self.target(input, |name| {
            let name = Path::new(name);
            match (name.extension(), name.file_stem()) {
                (Some(extension), Some(stem)) if extension == EXTENSION => Ok(stem.to_owned()),
                _ => Err(Error::argument("does not end in .clps: name the restored file with -o FILE, or use -c")),
            }
        })
    }

    /// With the folder that it lies in.
    fn target(&mut self, input: &Input, rename: impl FnOnce(&OsStr) -> Result<OsString>) -> Result<Target> {
        let target = self.named(input, rename)?;
        if let (Target::File(path), Some(folder)) = (&target, &self.place.output_dir) {
            make(path.parent().unwrap_or(folder))?;
        }
        Ok(target)
    }

    fn named(&mut self, input: &Input, rename: impl FnOnce(&OsStr) -> Result<OsString>) -> Result<Target> {
        let place = self.place;
        if place.stdout || place.output.as_deref() == Some(Path::new("-")) {
            return Ok(Target::Stdout);
        }
        let path = match &place.output {
            Some(path) => path.clone(),
            None if input.is_stdin() && place.output_dir.is_none() => return Ok(Target::Stdout),
            None => {
                let nameless = || Error::argument("has no name to make another one of: use -o FILE");
                if input.is_stdin() {
                    return Err(nameless());
                }
                let path = input.path.with_file_name(rename(input.path.file_name().ok_or_else(nameless)?)?);
                match &place.output_dir {
                    None => path,
                    Some(folder) => within(folder, input, &path),
                }
            }
        };
        if same_file(&path, &input.path) {
            return Err(Error::argument("would replace itself: give another name"));
        }
        self.claim(&path)?;
        Ok(Target::File(path))
    }

    /// Takes a name, if no other result of this run has it.
    pub fn claim(&mut self, path: &Path) -> Result<()> {
        if self.given.insert(path.to_owned()) {
            return Ok(());
        }
        Err(Error::argument(format!("{} has just been written for another file", path.display())))
    }
}

/// Into the folder; what -r found keeps its place below the folder that holds all that was named.
fn within(folder: &Path, input: &Input, path: &Path) -> PathBuf {
    let below = input.root.as_ref().and_then(|root| path.strip_prefix(root).ok());
    // never outside: `..` and `/` lead nowhere
    let inside = |below: &Path| below.components().filter(|c| matches!(c, Component::Normal(_))).collect::<PathBuf>();
    match (below, path.file_name()) {
        (Some(below), _) => folder.join(inside(below)),
        (None, Some(name)) => folder.join(name),
        (None, None) => folder.to_owned(),
    }
}

/// Makes a folder and those that it lies in.
pub fn make(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| {
        Error::new(collapsar::internals::ErrorKind::Io, format!("the folder cannot be made: {e}")).at(folder.display())
    })
}

/// a.fits → a.fits.clps
fn with_ending(name: &OsStr) -> Result<OsString> {
    let mut name = name.to_owned();
    name.push(".");
    name.push(EXTENSION);
    Ok(name)
}

fn same_file(a: &Path, b: &Path) -> bool {
    a == b || matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        let (output, output_dir) = (None, None);
        Place { output, output_dir, stdout: false, force: false, keep: false, rm: false, verify: false }
    }

    fn file(name: &str) -> Input {
        Input { path: name.into(), root: None }
    }

    #[test]
    fn a_name_gains_and_loses_one_ending() {
        let place = place();
        let mut names = Names::new(&place, 3).unwrap();
        assert_eq!(names.compressed(&file("no/a.fits")).unwrap(), Target::File("no/a.fits.clps".into()));
        assert_eq!(names.restored(&file("no/b.fits.clps")).unwrap(), Target::File("no/b.fits".into()));
        assert_eq!(names.restored(&file("-")).unwrap(), Target::Stdout);
        assert!(names.restored(&file("no/b.fits")).is_err());
        assert!(names.restored(&file(".clps")).is_err());
    }

    #[test]
    fn no_two_results_have_one_name_and_none_is_its_source() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { output_dir: Some(dir.path().to_owned()), ..place() };
        let mut names = Names::new(&place, 2).unwrap();
        names.compressed(&file("x/a.fits")).unwrap();
        assert!(names.compressed(&file("y/a.fits")).is_err());
        let place = Place { output: Some("a.fits".into()), ..super::tests::place() };
        assert!(Names::new(&place, 2).is_err());
        assert!(Names::new(&place, 1).unwrap().compressed(&file("a.fits")).is_err());
    }
}
