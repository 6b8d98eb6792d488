//! file = piece₀ ‖ piece₁ ‖ … ‖ pieceₙ
//!
//! A foreign file is cut into pieces that tile it exactly: an `Array` is a range of bytes that holds samples, `Bytes` is
//! everything else. Restoring a file is concatenating its pieces, so a header that is misread costs ratio and never a byte;
//! that is why no reader here fails on content, and why there is no writer.

pub mod deflate;
mod described;
mod fits;
pub mod gzip;
mod npy;
mod pieces;
mod raw;
mod tar;

use crate::array::ArrayType;
use crate::error::Result;
use crate::source::Source;
use pieces::Reading;

pub use described::{Described, Missing, described};
pub use pieces::{MIN_ARRAY_BYTES, Piece};

/// What a file was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Fits,
    Npy,
    /// Samples and nothing else, as the caller says.
    Raw,
    /// Files one behind the other.
    Tar,
    /// Not understood, or not known: one piece of bytes.
    Other,
}

impl Format {
    pub fn name(self) -> &'static str {
        match self {
            Format::Fits => "FITS",
            Format::Npy => "NPY",
            Format::Raw => "raw",
            Format::Tar => "tar",
            Format::Other => "other",
        }
    }
}

/// A file as its pieces; `note` says in one line what was found odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    pub format: Format,
    pub pieces: Vec<Piece>,
    pub note: Option<String>,
}

/// What the caller knows about the file and the file does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hint {
    /// The whole file is this array, whatever it looks like.
    pub raw: Option<ArrayType>,
}

/// Cuts a file into its pieces. Fails only when the source cannot be read or the hint does not fit the file.
pub fn read(source: &dyn Source, hint: &Hint) -> Result<Structure> {
    let reading = match &hint.raw {
        Some(ty) => raw::read(source.len(), ty)?,
        None if fits::sniff(source)? => fits::read(source)?,
        None if npy::sniff(source)? => npy::read(source)?,
        None if tar::sniff(source)? => tar::read(source)?,
        None => Reading::other(None),
    };
    Ok(reading.structure(source.len()))
}

/// Whether the file begins with these bytes.
fn begins_with(source: &dyn Source, magic: &[u8]) -> Result<bool> {
    Ok(source.len() >= magic.len() as u64 && source.bytes(0, magic.len())? == magic)
}

#[cfg(test)]
mod tests;
