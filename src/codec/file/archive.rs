//! A `.clps` file opened: its sections in the order of the content, with every head read and every tile's block known.

use crate::array::ArrayType;
use crate::codec::array::head::Head;
use crate::codec::array::{payload, references};
use crate::codec::file::blocks::{FileHead, Weights, chunk_bytes, kind, read_head};
use crate::codec::file::bytes;
use crate::container::{Limits, Reader};
use crate::error::{Error, Result};
use crate::format::gzip::Recipe;
use crate::grid::Place;
use crate::model::Model;
use crate::source::Source;
use crate::tile::code::Code;
use std::sync::Arc;

/// All that was fitted to the arrays of a file takes no more memory.
const MAX_FITTED_BYTES: usize = 256 << 20;
/// A stretch of the content and the blocks that hold it.
#[derive(Clone, Debug)]
pub enum Section {
    Bytes { offset: u64, block: usize },
    Array(Box<Array>),
}

#[derive(Clone, Debug)]
pub struct Array {
    /// Which of the file's arrays, and where its bytes begin in the content.
    pub number: u64,
    pub offset: u64,
    pub head: Head,
    /// The block of the first tile; the others follow it.
    pub first_block: usize,
}

impl Section {
    fn offset(&self) -> u64 {
        match self {
            Section::Bytes { offset, .. } => *offset,
            Section::Array(array) => array.offset,
        }
    }
}

pub struct Archive<'a> {
    pub reader: Reader<'a>,
    pub file: FileHead,
    pub recipe: Option<Recipe>,
    pub sections: Vec<Section>,
    /// Which of the sections each array is.
    numbered: Vec<usize>,
    pub models: Vec<Arc<Model>>,
    chunks: bytes::Decoder,
}

impl<'a> Archive<'a> {
    /// Opens a file; `models` are known beside the embedded ones and those in the file.
    pub fn open(source: &'a dyn Source, models: &[Arc<Model>]) -> Result<Archive<'a>> {
        Archive::of(Reader::open(source, &Limits::default())?, models)
    }

    /// The same of a source that it keeps.
    pub fn owning(source: Box<dyn Source + 'a>, models: &[Arc<Model>]) -> Result<Archive<'a>> {
        Archive::of(Reader::owning(source, &Limits::default())?, models)
    }

    fn of(reader: Reader<'a>, models: &[Arc<Model>]) -> Result<Archive<'a>> {
        let blocks = reader.blocks().to_vec();
        if blocks.first().map(|b| b.kind) != Some(kind::FILE) {
            return Err(Error::corrupt("the first block does not describe a file"));
        }
        let file = FileHead::read(&reader.payload(0)?)?;
        let (sections, numbered, chunks) = (Vec::new(), Vec::new(), bytes::Decoder::default());
        let mut archive = Archive { reader, file, recipe: None, sections, numbered, models: models.to_vec(), chunks };
        let (mut i, mut at, mut n_arrays, mut fitted_bytes) = (1, 0, 0, 0);
        let mut weights = Weights::default();
        let mut depths: Vec<usize> = Vec::new();
        while i < blocks.len() {
            let here = |e: Error| e.at(format!("block {i}"));
            let first_section = archive.sections.is_empty();
            match blocks[i].kind {
                kind::GZIP if first_section && archive.recipe.is_none() => {
                    let payload = archive.reader.payload(i)?;
                    archive.recipe = Some(Recipe::read(&mut payload.as_slice()).map_err(here)?);
                }
                kind::WEIGHTS if first_section => {
                    let payload = archive.reader.payload(i)?;
                    archive.models.push(weights.load(&payload).map_err(here)?);
                }
                kind::BYTES => {
                    archive.sections.push(Section::Bytes { offset: at, block: i });
                    at = at.saturating_add(chunk_bytes(&archive.reader, i, at).map_err(here)?);
                }
                kind::HEAD => {
                    let payload = archive.reader.payload(i)?;
                    let (number, offset, head) = read_head(&payload, &archive.models).map_err(here)?;
                    fitted_bytes += head.fitted_bytes();
                    if fitted_bytes > MAX_FITTED_BYTES {
                        return Err(here(Error::limit("networks fitted to so many arrays do not fit memory")));
                    }
                    let n_tiles = head.grid().n_tiles();
                    let tiles = blocks[i + 1..].iter().take_while(|b| b.kind == kind::TILE).count() as u64;
                    if offset != at || number != n_arrays || tiles != n_tiles {
                        return Err(here(Error::corrupt(format!(
                            "an array of {n_tiles} tiles is followed by {tiles}"
                        ))));
                    }
                    depths.push(archive.depth(&head, &depths).map_err(here)?);
                    at = at.saturating_add(head.ty.n_bytes()?);
                    archive.numbered.push(archive.sections.len());
                    archive.sections.push(Section::Array(Box::new(Array {
                        number: n_arrays,
                        offset,
                        head,
                        first_block: i + 1,
                    })));
                    (n_arrays, i) = (n_arrays + 1, i + n_tiles as usize);
                }
                other => return Err(here(Error::unsupported(format!("a block of kind {other} is not known here")))),
            }
            i += 1;
        }
        if at != archive.file.n_bytes {
            return Err(Error::corrupt(format!("sections hold {at} bytes of {}", archive.file.n_bytes)));
        }
        Ok(archive)
    }

    pub fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.sections.iter().filter_map(|s| match s {
            Section::Array(array) => Some(array.as_ref()),
            Section::Bytes { .. } => None,
        })
    }

    /// How deep the chain of references of the next array is; the depths of those before it are known.
    fn depth(&self, head: &Head, depths: &[usize]) -> Result<usize> {
        if head.references.is_empty() {
            return Ok(0);
        }
        let before = |number: u64| Some((&self.array(number)?.head, *depths.get(usize::try_from(number).ok()?)?));
        references::check(head, depths.len() as u64, before)
    }

    /// The array with a number.
    pub fn array(&self, number: u64) -> Option<&Array> {
        let nth = *self.numbered.get(usize::try_from(number).ok()?)?;
        match &self.sections[nth] {
            Section::Array(array) => Some(array),
            Section::Bytes { .. } => None,
        }
    }

    /// The bytes of a BYTES block.
    pub fn chunk(&self, block: usize) -> Result<Vec<u8>> {
        let at = |offset: u64| {
            let n_before = self.sections.partition_point(|section| section.offset() <= offset);
            match self.sections[..n_before].last() {
                Some(Section::Bytes { offset: there, block }) if *there == offset => self.reader.payload(*block),
                _ => Err(Error::corrupt(format!("no chunk begins at byte {offset} of the content"))),
            }
        };
        self.chunks.decode(&self.reader.payload(block)?, &at).map_err(|e| e.at(format!("block {block}")))
    }

    /// The code of a tile.
    pub fn tile(&self, array: &Array, place: &Place, block: usize) -> Result<Code> {
        let (label, code) = payload::read(&self.reader.payload(block)?)?;
        if (label.array, label.number) != (array.number, place.number) {
            return Err(Error::corrupt(format!("tile {} stands where {} should", label.number, place.number)));
        }
        Ok(code)
    }
}

/// Samples of an array type in words, for people: "u16 4×1024×1024".
pub fn describe(ty: &ArrayType) -> String {
    let shape: Vec<String> = ty.shape.iter().map(u64::to_string).collect();
    format!("{} {}", ty.dtype.name(), if shape.is_empty() { "1".to_string() } else { shape.join("×") })
}
