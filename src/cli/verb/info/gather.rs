//! The numbers of a file: what its blocks say without a model, and what its arrays say with it.

use crate::cli::measure::noise::{self, Noise};
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::array::reference::Reference;
use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::codec::file::blocks::{FileHead, kind};
use collapsar::internals::container::{Limits, Reader};
use collapsar::internals::format::gzip::Recipe;
use collapsar::internals::grid::Grid;
use collapsar::internals::model::Model;
use collapsar::internals::sample::{Bound, ORDINARY};
use collapsar::internals::source::Source;
use collapsar::internals::tile::classic;
use collapsar::internals::tile::code::Mode;
use collapsar::internals::tile::coder::Coder;
use collapsar::internals::{Error, Result};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the container and the small blocks say.
#[derive(Default)]
pub struct Contents {
    pub version: u16,
    pub format: &'static str,
    /// That wrote it; None where a model was named.
    pub level: Option<u8>,
    pub gzip: Option<String>,
    pub content_len: u64,
    pub content_blake3: [u8; 32],
    /// Names and hashes of the embedded weights.
    pub weights: Vec<(String, [u8; 32])>,
    /// Bytes of payloads by what they are, and the rest.
    pub heads: u64,
    pub tiles: u64,
    pub chunks: u64,
    pub weights_bytes: u64,
    pub container: u64,
}

pub struct ArrayInfo {
    pub label: String,
    pub ty: ArrayType,
    pub map: String,
    /// Of a map that loses.
    pub bound: Option<Bound>,
    pub grid: Grid,
    pub n_previous: usize,
    /// Labels of the arrays that it is predicted from, and their gains: of 1 is 4096.
    pub references: Vec<(String, i32)>,
    /// Name and hash.
    pub model: Option<(String, [u8; 32])>,
    /// What the refit of the model takes.
    pub refit_bytes: u64,
    /// Tiles and their bytes, per way of coding.
    pub modes: BTreeMap<&'static str, (u64, u64)>,
    /// Samples that are fill values or stored exactly, and what it takes to say which.
    pub n_hidden: u64,
    pub mask_bytes: u64,
    head_bytes: u64,
    pub noise: Option<Noise>,
}

impl ArrayInfo {
    pub fn n_bytes(&self) -> u64 {
        self.head_bytes + self.modes.values().map(|m| m.1).sum::<u64>()
    }

    pub fn bits_per_sample(&self) -> f64 {
        self.n_bytes() as f64 * 8.0 / self.ty.n_samples().unwrap_or(1).max(1) as f64
    }
}

pub fn contents(source: &dyn Source) -> Result<Contents> {
    let reader = Reader::open(source, &Limits::default())?;
    let mut c = Contents {
        version: reader.version(),
        content_len: reader.content_len(),
        content_blake3: *reader.content_blake3(),
        ..Contents::default()
    };
    for (i, block) in reader.blocks().iter().enumerate() {
        let len = u64::from(block.len);
        match block.kind {
            kind::FILE if i == 0 => {
                let head = FileHead::read(&reader.payload(i)?)?;
                (c.format, c.level) = (head.format_name(), Some(head.level).filter(|level| *level > 0));
            }
            kind::GZIP => c.gzip = Some(Recipe::read(&mut reader.payload(i)?.as_slice())?.name()),
            kind::WEIGHTS => {
                let model = collapsar::internals::weights::load(&reader.payload(i)?)?;
                c.weights.push((model.name, model.hash));
                c.weights_bytes += len;
            }
            kind::BYTES => c.chunks += len,
            kind::HEAD => c.heads += len,
            kind::TILE => c.tiles += len,
            _ => {}
        }
    }
    c.container = source.len().saturating_sub(c.heads + c.tiles + c.chunks + c.weights_bytes);
    Ok(c)
}

pub fn arrays(source: &dyn Source, given: &[Arc<Model>]) -> Result<Vec<ArrayInfo>> {
    let archive = Archive::open(source, given)?;
    let one = |array| array_info(&archive, array).map_err(|e: Error| e.at(&array.head.label));
    archive.arrays().map(one).collect()
}

fn named(archive: &Archive, array: &Array, reference: &Reference) -> Option<(String, i32)> {
    let seen = archive.array(array.number.checked_sub(reference.back)?)?;
    Some((seen.head.label.clone(), reference.gain()))
}

fn array_info(archive: &Archive, array: &Array) -> Result<ArrayInfo> {
    let head = &array.head;
    let mut modes: BTreeMap<&'static str, (u64, u64)> = BTreeMap::new();
    let (coder, mut n_hidden, mut mask_bytes) = (head.tiles(Coder::Classic), 0, 0);
    let bands = (0..head.grid().n_planes).flat_map(|plane| (0..head.grid().n_bands()).map(move |band| (plane, band)));
    let places = bands.flat_map(|(plane, band)| head.grid().band(plane, band));
    for (place, block) in places.zip(array.first_block..) {
        let code = archive.tile(array, &place, block)?;
        let (mask, rest) = coder.unmask(&code, &place)?;
        let mode = match code.mode {
            Mode::Classic => classic::mode_name(rest),
            Mode::Network => head.coder.word(),
        };
        let (n, bytes) = modes.entry(mode).or_default();
        *n += 1;
        *bytes += archive.reader.blocks().get(block).map_or(0, |b| u64::from(b.len));
        n_hidden += mask.classes.iter().filter(|class| **class != ORDINARY).count() as u64;
        mask_bytes += (code.bytes.len() - rest.len()) as u64;
    }
    let head_block = archive.reader.blocks().get(array.first_block.wrapping_sub(1));
    // the network of a head may have refitted layers: its hash is still that of its weights file
    let model = head.coder.model().map(|model| (model.name.clone(), model.hash));
    Ok(ArrayInfo {
        label: head.label.clone(),
        ty: head.ty.clone(),
        map: head.map.name(),
        bound: head.map.bound(),
        grid: *head.grid(),
        n_previous: head.n_previous,
        references: head.references.iter().filter_map(|reference| named(archive, array, reference)).collect(),
        model,
        refit_bytes: head.refit_bytes(),
        modes,
        n_hidden,
        mask_bytes,
        head_bytes: head_block.map_or(0, |b| u64::from(b.len)),
        noise: noise::of_array(archive, array)?,
    })
}
