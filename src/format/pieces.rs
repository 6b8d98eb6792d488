//! Σ len(pieceᵢ) = len(file), and each piece begins where the one before it ends.
//!
//! Readers only name the arrays they found; `Reading::structure` is the one place that makes pieces, and fills what lies
//! between the arrays with bytes. So the tiling is true by construction, whatever a reader believed.

use super::{Format, Structure};
use crate::array::ArrayType;
use crate::error::Result;

/// An array smaller than this is left among the bytes: its entry in the container would cost more than it saves.
pub const MIN_ARRAY_BYTES: u64 = 256;

/// A stretch of the file; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Bytes {
        offset: u64,
        len: u64,
    },
    /// `label` names it for people, as in "HDU 1 'SCI'".
    Array {
        offset: u64,
        ty: ArrayType,
        label: String,
    },
}

impl Piece {
    pub fn offset(&self) -> u64 {
        match self {
            Piece::Bytes { offset, .. } | Piece::Array { offset, .. } => *offset,
        }
    }

    /// Fails only for a piece that no file was cut into.
    pub fn n_bytes(&self) -> Result<u64> {
        match self {
            Piece::Bytes { len, .. } => Ok(*len),
            Piece::Array { ty, .. } => ty.n_bytes(),
        }
    }
}

/// Samples that a reader saw at `offset`.
pub(super) struct Found {
    pub offset: u64,
    pub ty: ArrayType,
    pub label: String,
}

/// What a reader makes of a file.
pub(super) struct Reading {
    pub format: Format,
    /// In the order of the file, none overlapping another.
    pub arrays: Vec<Found>,
    pub note: Option<String>,
}

impl Reading {
    /// A file that is not understood, and why.
    pub fn other(note: Option<String>) -> Reading {
        Reading { format: Format::Other, arrays: Vec::new(), note }
    }

    pub fn structure(self, file_bytes: u64) -> Structure {
        let mut pieces = Vec::with_capacity(2 * self.arrays.len() + 1);
        let mut end = 0;
        for Found { offset, ty, label } in self.arrays {
            let n_bytes = ty.n_bytes().expect("a reader measures an array before it names it");
            if n_bytes < MIN_ARRAY_BYTES {
                continue;
            }
            assert!(end <= offset, "arrays come in the order of the file and do not overlap");
            assert!(n_bytes <= file_bytes && offset <= file_bytes - n_bytes, "an array lies within its file");
            if end < offset {
                pieces.push(Piece::Bytes { offset: end, len: offset - end });
            }
            pieces.push(Piece::Array { offset, ty, label });
            end = offset + n_bytes;
        }
        if end < file_bytes {
            pieces.push(Piece::Bytes { offset: end, len: file_bytes - end });
        }
        Structure { format: self.format, pieces, note: self.note }
    }
}

/// The whole samples of an array of which the file holds only the first `available` bytes: its complete planes as a stack,
/// then the complete rows of the plane that was cut, each with a shape that is still true.
pub(super) fn cut_short(offset: u64, ty: &ArrayType, available: u64, label: &str) -> Vec<Found> {
    let sample_bytes = ty.dtype.n_bytes() as u64;
    let mut found = Vec::new();
    let mut push = |offset, shape: Vec<u64>| {
        if shape.iter().all(|&d| d > 0) {
            found.push(Found { offset, ty: ArrayType { shape, ..*ty }, label: format!("{label}, cut short") });
        }
    };
    let n_available = available / sample_bytes;
    match *ty.shape.as_slice() {
        [.., height, width] if height > 0 && width > 0 => {
            // More samples in a plane than 64 bits count are more than any file holds: no plane is whole.
            let plane = height.saturating_mul(width);
            let n_planes = n_available / plane;
            let n_rows = n_available % plane / width;
            push(offset, vec![n_planes, height, width]);
            push(offset + n_planes * plane * sample_bytes, vec![n_rows, width]);
        }
        [_] => push(offset, vec![n_available]),
        _ => {}
    }
    found
}
