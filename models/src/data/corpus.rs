//! corpus → classes (folders) → frames (files) → planes of ints
//!
//! Ints are made as the codec makes them: the map that the statistics ask for, mosaics split into their phases. A
//! fixed share of each class is held out for validation, chosen by a hash of the names, so that it stays out whatever
//! the seed.

use crate::data::augment::Change;
use crate::data::cross;
use crate::data::fields::{self, Tiles};
use crate::data::plane::{Frame, Plane, TILE, cut, fixed_places};
use crate::data::simulate;
use crate::data::survey::{self, Listed, Part, Survey, file_name};
use crate::random::Random;
use collapsar::internals::array::Dtype;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::sample::{Map, Stats, looks_like_mosaic, phase};
use collapsar::internals::source::{FileSource, Source};
use std::fs::File;
use std::path::Path;

/// Tiles that a predictor is fitted to, and that cells are taken from, together.
pub const N_TILES: usize = 4;
/// Planes taken of one array, spread over it.
const MAX_PLANES: u64 = 4;
/// Planes before a field's that it may be predicted from.
const MAX_REFS: usize = 3;
/// This share of the draws is simulated.
const SIMULATED: f64 = 0.55;
/// One file of so many is held out, at least one of a class.
const HELD_OUT: usize = 5;

/// Frames by class, in the order of their names.
pub struct Corpus {
    pub classes: Vec<(String, Vec<Frame>)>,
    pub kind: CorpusKind,
}

/// What a corpus holds, and how it is drawn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorpusKind {
    /// Frames, as they are.
    Frames,
    /// Frames that stand for other cameras too, and simulated ones.
    Widened,
    /// Float fields, quantised to many bounds.
    Fields,
    /// The same, and beside the planes before them planes of other fields.
    Cross,
}

impl CorpusKind {
    fn is_fields(self) -> bool {
        matches!(self, CorpusKind::Fields | CorpusKind::Cross)
    }
}

/// Tiles of one plane, all of one size.
pub struct Draw {
    pub class: usize,
    pub h: usize,
    pub w: usize,
    /// Each with the same tile of every reference plane behind it.
    pub tiles: Vec<Vec<Vec<i32>>>,
    pub max: i32,
}

impl Draw {
    fn of(class: usize, Tiles { h, w, tiles, max }: Tiles) -> Draw {
        Draw { class, h, w, tiles, max }
    }
}

impl Corpus {
    /// The planes that are for training, of 16-bit integers or of float fields; at most `n_files` files of each class.
    pub fn read(folder: &Path, n_files: usize, kind: CorpusKind) -> Result<Corpus> {
        Corpus::of(folder, survey::surveys(folder, Part::Train, n_files)?, kind)
    }

    /// Those that are for measuring: what a dataset's own lists say; of other folders what training holds out, or all.
    pub fn read_test(folder: &Path, n_files: usize, all: bool) -> Result<Corpus> {
        let surveys = survey::surveys(folder, Part::Test, n_files)?;
        let whole: Vec<String> = surveys.iter().filter(|s| all || s.has_test).map(|s| s.name.clone()).collect();
        let mut corpus = Corpus::of(folder, surveys, CorpusKind::Frames)?;
        for (class, frames) in corpus.classes.iter_mut().filter(|(class, _)| !whole.contains(class)) {
            let class = (class.clone(), std::mem::take(frames));
            *frames = Corpus { classes: vec![class], kind: CorpusKind::Frames }.split().1.classes.remove(0).1;
        }
        Ok(corpus)
    }

    fn of(folder: &Path, surveys: Vec<Survey>, kind: CorpusKind) -> Result<Corpus> {
        let mut classes = Vec::new();
        for survey in surveys {
            let mut frames = Vec::new();
            for file in &survey.files {
                let planes = planes(file, kind).map_err(|e| e.at(file.path.display()))?;
                if !planes.is_empty() {
                    let camera = file.path.parent().unwrap_or(folder).to_path_buf();
                    frames.push(Frame { class: survey.name.clone(), name: file_name(&file.path), camera, planes });
                }
            }
            if !frames.is_empty() {
                classes.push((survey.name, frames));
            }
        }
        if classes.is_empty() {
            let what = if kind.is_fields() { "float fields" } else { "16-bit frames" };
            return Err(Error::argument(format!("no {what} in {}", folder.display())));
        }
        Ok(Corpus { classes, kind })
    }

    /// (training, validation)
    pub fn split(self) -> (Corpus, Corpus) {
        let (mut training, mut validation) = (Vec::new(), Vec::new());
        for (class, mut frames) in self.classes {
            frames.sort_by_key(|f| *blake3::hash(f.name.as_bytes()).as_bytes());
            let n = if frames.len() == 1 { 0 } else { frames.len().div_ceil(HELD_OUT) };
            let rest = frames.split_off(n);
            validation.push((class.clone(), frames));
            training.push((class, rest));
        }
        let kind = self.kind;
        (Corpus { classes: training, kind }, Corpus { classes: validation, kind })
    }

    /// One class, or all.
    pub fn only(&self, class: Option<&str>) -> Corpus {
        let chosen = self.classes.iter().filter(|(name, _)| class.is_none_or(|class| name == class));
        Corpus { classes: chosen.cloned().collect(), kind: self.kind }
    }

    pub fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.classes.iter().flat_map(|(_, frames)| frames)
    }

    /// Tiles of a random plane with `n_refs` reference planes, turned, mirrored and mostly changed, or of a simulated
    /// camera: classes come in equal shares, and frames of a class.
    pub fn draw(&self, n_refs: usize, random: &mut Random) -> Draw {
        loop {
            if self.kind == CorpusKind::Widened && random.unit() < SIMULATED {
                let (tiles, max) = simulate::tiles(N_TILES, 1 + n_refs, random);
                return Draw { class: self.classes.len(), h: TILE, w: TILE, tiles, max };
            }
            let class = random.below(self.classes.len());
            let frames = &self.classes[class].1;
            if frames.is_empty() {
                continue;
            }
            let frame = random.below(frames.len());
            let plane = random.below(frames[frame].planes.len());
            if self.kind == CorpusKind::Cross {
                let Some(drawn) = cross::draw(frames, (frame, plane), n_refs, N_TILES, random) else { continue };
                return Draw::of(class, drawn);
            }
            let others = self.references(frames, frame, plane);
            if others.len() < n_refs {
                continue;
            }
            let first = if self.kind == CorpusKind::Fields { 0 } else { random.below(others.len().max(1)) };
            let mut planes = vec![&frames[frame].planes[plane]];
            planes.extend((0..n_refs).map(|i| others[(first + i) % others.len()]));
            if self.kind == CorpusKind::Fields {
                if let Some(tiles) = fields::draw(&planes, N_TILES, random) {
                    return Draw::of(class, tiles);
                }
                continue;
            }
            let change = if self.kind == CorpusKind::Widened { Change::draw(planes[0], random) } else { Change::None };
            if let Some((tiles, max)) = change.tiles(&planes, N_TILES, random) {
                return Draw { class, h: TILE, w: TILE, tiles, max };
            }
        }
    }

    /// Whether there is anything to draw for a net that reads `n_refs` reference planes.
    pub fn can_draw(&self, n_refs: usize) -> bool {
        let enough = |frames: &[Frame], i: usize| {
            (0..frames[i].planes.len()).any(|plane| match self.kind {
                CorpusKind::Cross => cross::sees(frames, (i, plane), n_refs),
                _ => self.references(frames, i, plane).len() >= n_refs,
            })
        };
        self.kind == CorpusKind::Widened
            || self.classes.iter().any(|(_, frames)| (0..frames.len()).any(|i| enough(frames, i)))
    }

    /// Fixed tiles of every plane that has so many others to be predicted from, as they are.
    pub fn draws(&self, n_refs: usize) -> Vec<Draw> {
        let mut draws = Vec::new();
        for (class, (_, frames)) in self.classes.iter().enumerate() {
            for (i, frame) in frames.iter().enumerate() {
                for (j, plane) in frame.planes.iter().enumerate() {
                    if self.kind == CorpusKind::Cross {
                        draws.extend(cross::fixed(frames, (i, j), n_refs).into_iter().map(|t| Draw::of(class, t)));
                        continue;
                    }
                    let others = self.references(frames, i, j);
                    if others.len() < n_refs {
                        continue;
                    }
                    let seen = || std::iter::once(plane).chain(others[..n_refs].iter().copied());
                    if self.kind == CorpusKind::Fields {
                        let fixed = fields::fixed(&seen().collect::<Vec<_>>()).into_iter();
                        draws.extend(fixed.map(|tiles| Draw::of(class, tiles)));
                        continue;
                    }
                    let places = fixed_places(plane, (TILE, TILE));
                    let tiles = places.map(|at| seen().map(|plane| cut(plane, at, (TILE, TILE), 0)).collect());
                    draws.push(Draw { class, h: TILE, w: TILE, tiles: tiles.into(), max: plane.max });
                }
            }
        }
        draws
    }

    /// What a plane may be predicted from: of fields the planes before it, the last first; of frames the other planes of its
    /// file, or else those of the camera's other files.
    fn references<'a>(&self, frames: &'a [Frame], frame: usize, plane: usize) -> Vec<&'a Plane> {
        let (mine, size) = (&frames[frame], |p: &Plane| (p.h, p.w));
        if self.kind == CorpusKind::Fields {
            return mine.planes[..plane].iter().rev().take(MAX_REFS).collect();
        }
        let like = |p: &&Plane| size(p) == size(&mine.planes[plane]);
        let of_file = mine.planes.iter().enumerate().filter(|(i, _)| *i != plane).map(|(_, p)| p);
        let same: Vec<&Plane> = of_file.filter(like).collect();
        if !same.is_empty() {
            return same;
        }
        let others = frames.iter().enumerate().filter(|(i, f)| *i != frame && f.camera == mine.camera);
        others.filter_map(|(_, f)| f.planes.first()).filter(like).collect()
    }
}

/// The planes of a file's arrays; a file that is not understood has none.
fn planes(file: &Listed, kind: CorpusKind) -> Result<Vec<Plane>> {
    let source = FileSource::new(File::open(&file.path)?)?;
    let mut planes = Vec::new();
    for (offset, ty) in survey::arrays(file, &source)? {
        if kind.is_fields() {
            if matches!(ty.dtype, Dtype::F32 | Dtype::F64) {
                planes.extend(fields::planes(&source.bytes(offset, ty.n_bytes()? as usize)?, &ty));
            }
            continue;
        }
        let (n, h, w) = ty.planes();
        if !matches!(ty.dtype, Dtype::U16 | Dtype::I16) || h < TILE as u64 || w < TILE as u64 {
            continue;
        }
        let bytes = source.bytes(offset, ty.n_bytes()? as usize)?;
        let mut stats = Stats::new(ty.dtype);
        stats.update(&bytes, ty.big_endian);
        let Some(map) = Map::candidates(&stats).pop() else { continue };
        let (h, w) = (h as usize, w as usize);
        let step = n.div_ceil(MAX_PLANES).max(1) as usize;
        for bytes in bytes.chunks_exact(h * w * ty.dtype.n_bytes()).step_by(step) {
            let mut ints = vec![0; h * w];
            map.to_ints(bytes, ty.big_endian, &mut [&mut ints]);
            push(&mut planes, ints, h, w, map.max_int(0) as i32);
        }
    }
    Ok(planes)
}

fn push(planes: &mut Vec<Plane>, ints: Vec<i32>, h: usize, w: usize, max: i32) {
    let wanted = |h: usize, w: usize, ints: &[i32]| h >= TILE && w >= TILE && ints.iter().any(|&v| v != ints[0]);
    if looks_like_mosaic(&ints, h, w) {
        for (i, ints) in phase::split(&ints, h, w).into_iter().enumerate() {
            let (h, w) = phase::size(i, h, w);
            if wanted(h, w, &ints) {
                planes.push(Plane { h, w, ints, max });
            }
        }
    } else if wanted(h, w, &ints) {
        planes.push(Plane { h, w, ints, max });
    }
}
