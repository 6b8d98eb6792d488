//! folder → surveys → files → the arrays that count
//!
//! A survey is a class: a folder in the folder, the files that lie in the folder itself, or a dataset in the layout
//! of AstroCompress, which says in `splits/{full,tiny}_{train,test}.jsonl` what to train on and what to measure on.
//! Each line there has an `image`, a path from the dataset's folder, and a `telescope`. Of a Hubble file HDUs 1 and 4
//! count; of others the extensions SCI where there are any, of four axes only the first (Webb: the first
//! integration); else everything.

use collapsar::internals::array::ArrayType;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::format::{Hint, Piece, read};
use collapsar::internals::source::{FileSource, Source};
use serde_json::Value;
use std::path::{Path, PathBuf};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Train,
    Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survey {
    pub name: String,
    pub files: Vec<Listed>,
    /// Its test files are others than those to train on, by its own lists.
    pub has_test: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub path: PathBuf,
    pub what: What,
}

/// What of a file counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    All,
    /// Those called SCI where there are any, of four axes the first of the first.
    Science,
    Hubble,
}

/// What a folder holds; at most `n_files` of each survey, by a hash of their names.
pub fn surveys(folder: &Path, part: Part, n_files: usize) -> Result<Vec<Survey>> {
    let mut surveys = Vec::new();
    if let Some(survey) = dataset(folder, part)? {
        surveys.push(survey);
    } else {
        let (folders, files): (Vec<_>, Vec<_>) = entries(folder)?.into_iter().partition(|path| path.is_dir());
        for class in folders {
            surveys.push(match dataset(&class, part)? {
                Some(survey) => survey,
                None => plain(file_name(&class), files_below(&class)?),
            });
        }
        surveys.push(plain(file_name(&folder.canonicalize().unwrap_or_default()), files));
    }
    for survey in &mut surveys {
        if survey.files.len() > n_files {
            survey.files.sort_by_key(|file| *blake3::hash(file_name(&file.path).as_bytes()).as_bytes());
            survey.files.truncate(n_files);
            survey.files.sort_by(|a, b| a.path.cmp(&b.path));
        }
    }
    Ok(surveys)
}

fn plain(name: String, files: Vec<PathBuf>) -> Survey {
    let files = files.into_iter().map(|path| Listed { path, what: What::All }).collect();
    Survey { name, files, has_test: false }
}

/// The larger of its splits whose files are all there.
fn dataset(folder: &Path, part: Part) -> Result<Option<Survey>> {
    let mut missing = None;
    for size in ["full", "tiny"] {
        let list = |part: &str| {
            let path = folder.join("splits").join(format!("{size}_{part}.jsonl"));
            if path.exists() { lines(folder, &path).map(Some) } else { Ok(None) }
        };
        let (Some(train), Some(test)) = (list("train")?, list("test")?) else { continue };
        match train.iter().chain(&test).find(|file| !file.path.exists()) {
            Some(file) => missing = Some(file.path.clone()),
            None => {
                let files = if part == Part::Train { train } else { test };
                let name = file_name(&folder.canonicalize().unwrap_or_default());
                return Ok(Some(Survey { name, files, has_test: true }));
            }
        }
    }
    match missing {
        Some(path) => Err(Error::argument("is in the lists of its dataset and not in its folder").at(path.display())),
        None => Ok(None),
    }
}

fn lines(folder: &Path, path: &Path) -> Result<Vec<Listed>> {
    let text = std::fs::read_to_string(path).map_err(|e| Error::from(e).at(path.display()))?;
    let file = |(i, line): (usize, &str)| {
        let value: Option<Value> = serde_json::from_str(line).ok();
        let Some(image) = value.as_ref().and_then(|v| v["image"].as_str()) else {
            let place = format!("{}, line {}", path.display(), i + 1);
            return Err(Error::corrupt("is no JSON object with an 'image'").at(place));
        };
        let telescope = value.as_ref().and_then(|v| v["telescope"].as_str()).unwrap_or_default().to_lowercase();
        let hubble = ["hst", "hubble"].iter().any(|name| telescope.contains(name));
        Ok(Listed { path: folder.join(image), what: if hubble { What::Hubble } else { What::Science } })
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(file).collect()
}

/// Where the arrays that count lie in their file.
pub fn arrays(listed: &Listed, source: &FileSource) -> Result<Vec<(u64, ArrayType)>> {
    let pieces = read(source as &dyn Source, &Hint::default())?.pieces;
    let arrays = pieces.into_iter().filter_map(|piece| match piece {
        Piece::Array { offset, ty, label } => Some((offset, ty, label)),
        Piece::Bytes { .. } => None,
    });
    let mut arrays: Vec<_> = arrays.collect();
    let science = |label: &str| label.ends_with("'SCI'");
    match listed.what {
        What::All => {}
        What::Hubble => arrays.retain(|(_, _, label)| {
            let hdu = label.split(' ').nth(1);
            hdu == Some("1") || hdu == Some("4")
        }),
        What::Science if arrays.iter().any(|(_, _, label)| science(label)) => {
            arrays.retain(|(_, _, label)| science(label));
            for (_, ty, _) in arrays.iter_mut().filter(|(_, ty, _)| ty.shape.len() == 4) {
                ty.shape.remove(0);
            }
        }
        What::Science => {}
    }
    Ok(arrays.into_iter().map(|(offset, ty, _)| (offset, ty)).collect())
}

fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in entries(folder)? {
        if entry.is_dir() {
            files.extend(files_below(&entry)?);
        } else {
            files.push(entry);
        }
    }
    Ok(files)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>> {
    let list = std::fs::read_dir(folder).map_err(|e| Error::from(e).at(folder.display()))?;
    let mut entries = list.map(|e| Ok(e?.path())).collect::<Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

pub fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::{Corpus, CorpusKind};
    use crate::scratch::Scratch;
    use std::fs;

    /// An HDU of unsigned 16-bit samples as the archives keep them: BITPIX 16, BZERO 32768.
    fn hdu(first: &str, name: Option<&str>, axes: &[usize], sample: impl Fn(usize) -> u16) -> Vec<u8> {
        let mut cards = vec![first.to_string(), "BITPIX  =                   16".into()];
        cards.push(format!("NAXIS   = {:20}", axes.len()));
        cards.extend(axes.iter().rev().enumerate().map(|(i, n)| format!("NAXIS{:<3}= {n:20}", i + 1)));
        if first.starts_with("XTENSION") {
            cards.extend(["PCOUNT  =                    0".into(), "GCOUNT  =                    1".into()]);
        }
        cards.extend(["BZERO   =                32768".into(), "BSCALE  =                    1".into()]);
        cards.extend(name.map(|name| format!("EXTNAME = '{name:8}'")));
        cards.push("END".into());
        let mut bytes: Vec<u8> = cards.iter().flat_map(|card| format!("{card:80}").into_bytes()).collect();
        bytes.resize(bytes.len().next_multiple_of(2880), b' ');
        if !axes.is_empty() {
            let n = axes.iter().product();
            bytes.extend((0..n).flat_map(|i| (sample(i).wrapping_sub(32768)).to_be_bytes()));
            bytes.resize(bytes.len().next_multiple_of(2880), 0);
        }
        bytes
    }

    const PRIMARY: &str = "SIMPLE  =                    T";
    const IMAGE: &str = "XTENSION= 'IMAGE   '";

    /// A dataset's folder: one file to train on, one to measure on.
    fn dataset(scratch: &Scratch, name: &str, telescope: &str, train: &[u8], test: &[u8]) -> PathBuf {
        let folder = scratch.path(name);
        fs::create_dir_all(folder.join("splits")).unwrap();
        fs::create_dir_all(folder.join("data")).unwrap();
        for (part, bytes) in [("train", train), ("test", test)] {
            fs::write(folder.join(format!("data/{part}.fits")), bytes).unwrap();
            let line = serde_json::json!({
                "image_id": part, "image": format!("data/{part}.fits"), "telescope": telescope, "ra": 1.5
            });
            fs::write(folder.join(format!("splits/tiny_{part}.jsonl")), format!("{line}\n\n")).unwrap();
        }
        folder
    }

    /// Planes as (height, width, first sample), of a corpus of one file.
    fn planes(corpus: &Corpus) -> Vec<(usize, usize, i32)> {
        corpus.frames().flat_map(|f| &f.planes).map(|p| (p.h, p.w, p.ints[0])).collect()
    }

    #[test]
    fn of_webb_the_first_integration_counts() {
        let scratch = Scratch::new("webb");
        // 2 integrations of 3 frames, each frame's first sample its number
        let (h, w) = (128, 129);
        let ramp =
            move |i: usize| if i.is_multiple_of(h * w) { 200 + (i / (h * w)) as u16 } else { 200 + (i % w) as u16 };
        let mut file = hdu(PRIMARY, None, &[], |_| 0);
        file.extend(hdu(IMAGE, Some("SCI"), &[2, 3, h, w], ramp));
        file.extend(hdu(IMAGE, Some("GROUP"), &[h, w], |i| i as u16));
        let folder = dataset(&scratch, "SBI-16-3D", "JWST", &file, &file);
        let surveys = surveys(&folder, Part::Train, usize::MAX).unwrap();
        assert_eq!((surveys.len(), surveys[0].name.as_str(), surveys[0].has_test), (1, "SBI-16-3D", true));
        let source = FileSource::new(fs::File::open(&surveys[0].files[0].path).unwrap()).unwrap();
        let found = arrays(&surveys[0].files[0], &source).unwrap();
        assert_eq!(found.iter().map(|(_, ty)| ty.shape.clone()).collect::<Vec<_>>(), [[3, h as u64, w as u64]]);
        let corpus = Corpus::read(&folder, usize::MAX, CorpusKind::Frames).unwrap();
        assert_eq!(planes(&corpus), [(h, w, 0), (h, w, 1), (h, w, 2)]);
    }

    #[test]
    fn of_hubble_hdus_1_and_4_count() {
        let scratch = Scratch::new("hubble");
        let mut file = hdu(PRIMARY, None, &[], |_| 0);
        for i in 1..=6u16 {
            file.extend(hdu(IMAGE, None, &[127 + usize::from(i), 140], |at| (at % 140) as u16));
        }
        let folder = dataset(&scratch, "SBI-16-2D", "HST", &file, &file);
        let corpus = Corpus::read(&folder, usize::MAX, CorpusKind::Frames).unwrap();
        assert_eq!(planes(&corpus), [(128, 140, 0), (131, 140, 0)]);
    }

    #[test]
    fn of_other_telescopes_everything_counts_and_the_lists_say_what_is_measured() {
        let scratch = Scratch::new("sloan");
        let cube = |n: u16| hdu(PRIMARY, None, &[2, 5, 128, 128], move |i| n + (i % 128) as u16);
        let folder = dataset(&scratch, "data/GBI-16-4D", "SDSS", &cube(10), &cube(20));
        let parent = folder.parent().unwrap();
        fs::create_dir_all(parent.join("plain/night")).unwrap();
        for i in 0..6 {
            fs::write(parent.join(format!("plain/night/{i}.fits")), cube(30 + i)).unwrap();
        }
        fs::write(parent.join("README"), "no frame").unwrap();
        let n_files = |corpus: &Corpus| {
            let classes = corpus.classes.iter().map(|(name, frames)| (name.clone(), frames.len()));
            classes.collect::<Vec<_>>()
        };
        let whole = |n: usize, plain: usize| vec![("GBI-16-4D".to_string(), n), ("plain".to_string(), plain)];
        assert_eq!(n_files(&Corpus::read(parent, usize::MAX, CorpusKind::Frames).unwrap()), whole(1, 6));
        assert_eq!(n_files(&Corpus::read(parent, 4, CorpusKind::Frames).unwrap()), whole(1, 4));
        assert_eq!(n_files(&Corpus::read_test(parent, usize::MAX, true).unwrap()), whole(1, 6));
        let test = Corpus::read_test(parent, usize::MAX, false).unwrap();
        assert_eq!(n_files(&test), whole(1, 2));
        assert_eq!(test.classes[0].1[0].name, "test.fits");
        assert_eq!(Corpus::read(parent, usize::MAX, CorpusKind::Frames).unwrap().classes[0].1[0].name, "train.fits");
        // a matrix trains on nothing that it measures on
        let (training, test) = crate::measure::matrix::corpora(parent, usize::MAX).unwrap();
        assert_eq!((n_files(&training), n_files(&test)), (whole(1, 4), whole(1, 2)));
        let names = |corpus: &Corpus| corpus.classes[1].1.iter().map(|f| f.name.clone()).collect::<Vec<_>>();
        assert!(names(&training).iter().all(|name| !names(&test).contains(name)));
    }

    #[test]
    fn files_that_lie_in_the_folder_itself_are_one_class() {
        let scratch = Scratch::new("flat");
        let folder = scratch.path("night");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("a.fits"), hdu(PRIMARY, None, &[128, 130], |i| (i % 130) as u16)).unwrap();
        let corpus = Corpus::read(&folder, usize::MAX, CorpusKind::Frames).unwrap();
        assert_eq!((corpus.classes.len(), corpus.classes[0].0.as_str()), (1, "night"));
        assert_eq!(planes(&corpus), [(128, 130, 0)]);
    }

    #[test]
    fn a_list_that_names_a_missing_file_or_none_is_an_error() {
        let scratch = Scratch::new("lists");
        let file = hdu(PRIMARY, None, &[128, 128], |i| i as u16);
        let folder = dataset(&scratch, "lco", "LCO", &file, &file);
        assert!(surveys(&folder, Part::Test, 9).is_ok());
        fs::remove_file(folder.join("data/test.fits")).unwrap();
        let error = surveys(&folder, Part::Train, 9).unwrap_err();
        assert!(error.to_string().contains("test.fits"), "{error}");
        fs::write(folder.join("splits/tiny_test.jsonl"), "{\"image_id\": 7}\n").unwrap();
        let error = surveys(&folder, Part::Train, 9).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }
}
