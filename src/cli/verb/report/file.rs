//! One file, coded without loss: what it takes, by codec and by array, beside what its noise alone would take.

use super::cards::Cards;
use super::maps::Maps;
use crate::cli::args::Coding;
use crate::cli::measure::benchmark_files::{self, Codec, ONCE};
use crate::cli::measure::noise::{self, Noise};
use crate::cli::measure::trial::Original;
use crate::cli::path::input::Input;
use crate::cli::talk::print;
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::model::Model;
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::tile::classic;
use collapsar::internals::tile::code::Mode;
use collapsar::internals::{Error, Result};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// A larger file is not held in memory for other codecs.
const MAX_BYTES: u64 = 2 << 30;

pub struct File {
    pub path: PathBuf,
    pub name: String,
    /// The folder that it lies in.
    pub class: String,
    pub n_in: u64,
    pub n_out: u64,
    /// Seconds, as its header says.
    pub exposure: Option<f64>,
    /// Codecs and their bytes, ours first.
    pub codecs: Vec<(String, u64)>,
    pub arrays: Vec<Figures>,
}

/// An array as it lies in the written file.
pub struct Figures {
    pub label: String,
    pub ty: ArrayType,
    pub model: Option<String>,
    pub n_bytes: u64,
    pub noise: Option<Noise>,
    /// Tiles and their bytes, per way of coding.
    pub modes: BTreeMap<&'static str, (u64, u64)>,
    pub cards: Cards,
}

impl Figures {
    pub fn n_samples(&self) -> f64 {
        self.ty.n_samples().unwrap_or(1).max(1) as f64
    }

    /// Per sample.
    pub fn bits(&self) -> f64 {
        self.n_bytes as f64 * 8.0 / self.n_samples()
    }

    pub fn limit(&self) -> Option<f64> {
        self.noise.and_then(Noise::limit_bits)
    }
}

impl File {
    pub fn ratio(&self) -> f64 {
        self.ratio_of(self.n_out)
    }

    pub fn ratio_of(&self, n_out: u64) -> f64 {
        self.n_in as f64 / n_out.max(1) as f64
    }

    /// The array with the most samples: what is shown of a file in one number.
    pub fn main(&self) -> Option<&Figures> {
        // of several the first
        self.arrays.iter().rev().max_by(|a, b| a.n_samples().total_cmp(&b.n_samples()))
    }

    pub fn sigma(&self) -> Option<f64> {
        self.main()?.noise.map(|noise| noise.sigma)
    }

    /// Bits per sample above the limit of the noise.
    pub fn above(&self) -> Option<f64> {
        let main = self.main()?;
        Some(main.bits() - main.limit()?)
    }
}

/// A file, what is in it, and what was written of it.
pub struct Coded {
    pub file: File,
    source: FileSource,
    packed: FileSource,
    given: Vec<Arc<Model>>,
}

impl Coded {
    /// None where it holds no arrays that are understood.
    pub fn new(
        input: &Input,
        raw: Option<ArrayType>,
        coding: &Coding,
        given: &[Arc<Model>],
        models: &[Arc<Model>],
    ) -> Result<Option<Coded>> {
        let opened = input.open()?;
        if opened.source.is_empty() {
            return Err(Error::argument("is empty"));
        }
        let original = Original::new(opened.source, raw.clone())?;
        if !original.has_arrays() {
            return Ok(None);
        }
        let packed = original.lossless(coding, given)?;
        opened.held.check()?;
        let source = original.source;
        let ours = match &coding.model {
            Some(name) => format!("collapsar {}", print::clean(name)),
            None => format!("collapsar level {}", coding.level.number()),
        };
        let mut codecs = vec![(ours, packed.len())];
        if source.len() <= MAX_BYTES {
            let bytes = source.bytes(0, source.len() as usize)?;
            // what a raw array is the others are not told
            let is_fair = |codec: &Codec| !matches!(codec, Codec::Peer(peer) if raw.is_some() && peer.is_for_arrays());
            let peers: Vec<Codec> = benchmark_files::peers(false).into_iter().filter(is_fair).collect();
            let outcome = benchmark_files::run(&bytes, &peers, models, ONCE)?;
            codecs.extend(outcome.rows.iter().map(|row| (row.codec.name(), row.score.n_out)));
        }
        let first = Cards::first(&source)?;
        let archive = Archive::open(&packed, given)?;
        let arrays =
            archive.arrays().map(|array| figures(&archive, array, &source).map_err(|e| e.at(&array.head.label)));
        let arrays: Vec<Figures> = arrays.collect::<Result<_>>()?;
        let exposure = arrays.iter().find_map(|array| array.cards.exposure()).or_else(|| first.exposure());
        let folder = input.path.parent().and_then(|folder| folder.file_name());
        let file = File {
            path: input.path.clone(),
            name: input.path.file_name().map_or_else(String::new, |name| print::name(name.as_ref())),
            class: folder.map_or(".".into(), |name| print::clean(&name.to_string_lossy())),
            n_in: source.len(),
            n_out: packed.len(),
            exposure,
            codecs,
            arrays,
        };
        drop(archive);
        Ok(Some(Coded { file, source, packed, given: given.to_vec() }))
    }

    /// Calls with the maps of each array, in their order; None where it is not drawn, and from the `n_most`-th on.
    pub fn maps(&self, n_most: usize, mut each: impl FnMut(usize, &Figures, Option<Maps>) -> Result<()>) -> Result<()> {
        let archive = Archive::open(&self.packed, &self.given)?;
        for (i, (array, figures)) in archive.arrays().zip(&self.file.arrays).enumerate() {
            let maps = match i < n_most {
                true => Maps::of(&archive, array, &self.source, &figures.cards).map_err(|e| e.at(&figures.label))?,
                false => None,
            };
            each(i, figures, maps)?;
        }
        Ok(())
    }
}

fn figures(archive: &Archive, array: &Array, source: &dyn Source) -> Result<Figures> {
    let head = &array.head;
    let blocks = archive.reader.blocks();
    let mut modes: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    let coder = head.tiles(collapsar::internals::tile::coder::Coder::Classic);
    let bands = (0..head.grid().n_planes).flat_map(|plane| (0..head.grid().n_bands()).map(move |band| (plane, band)));
    let places = bands.flat_map(|(plane, band)| head.grid().band(plane, band));
    let mut n_bytes = blocks.get(array.first_block.wrapping_sub(1)).map_or(0, |b| u64::from(b.len));
    for (place, block) in places.zip(array.first_block..) {
        let code = archive.tile(array, &place, block)?;
        let mode = match code.mode {
            Mode::Classic => classic::mode_name(coder.unmask(&code, &place)?.1),
            Mode::Network => head.coder.word(),
        };
        let of_mode = modes.entry(mode).or_default();
        let len = blocks.get(block).map_or(0, |b| u64::from(b.len));
        *of_mode = (of_mode.0 + 1, of_mode.1 + len);
        n_bytes += len;
    }
    Ok(Figures {
        label: head.label.clone(),
        ty: head.ty.clone(),
        model: head.coder.name().map(str::to_string),
        n_bytes,
        noise: noise::of_array(archive, array)?,
        modes,
        cards: Cards::before(source, array.offset)?,
    })
}
