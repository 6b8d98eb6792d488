//! What the targets share: a bound on memory, a bound on output, bytes as decisions, and inputs to begin with.

pub mod bounded;
pub mod inputs;
pub mod script;
pub mod seeds;

use collapsar::internals::error::{ErrorKind, Result};
use collapsar::internals::format::{Hint, Piece, read};
use collapsar::internals::model::Model;
use collapsar::internals::{Archive, Decoding, Error, salvage};
use std::io::Write;
use std::sync::Arc;

/// More content than this is not waited for: a file may well claim terabytes, but only memory is promised to be bounded.
const MAX_OUT: usize = 4 << 20;

/// Counts what it is given and stops at `MAX_OUT`.
#[derive(Default)]
pub struct Sink(usize);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > MAX_OUT { Err(std::io::Error::other("enough")) } else { Ok(bytes.len()) }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Everything a reader may be asked to do with a file that nobody vouches for.
pub fn read_everything(file: &[u8], models: &[Arc<Model>]) {
    let source = file.to_vec();
    let go_on = |_| Ok(());
    if let Ok(archive) = Archive::open(&source, models) {
        for array in archive.arrays().take(4) {
            let (n_planes, h, w) = array.head.ty.planes();
            let rows = (h / 2).saturating_sub(2)..(h / 2 + 1).min(h);
            let columns = (w / 2).saturating_sub(3)..(w / 2 + 1).min(w);
            let _ = archive.region(array, n_planes - 1, rows, columns);
        }
    }
    let _ = collapsar::internals::decompress_to(&source, &mut Sink::default(), &known(models), &go_on);
    let _ = salvage(&source, &mut Sink::default(), models, &go_on);
}

/// To decompress with these models, on the CPU.
pub fn known(models: &[Arc<Model>]) -> Decoding {
    Decoding { models: models.to_vec(), ..Decoding::default() }
}

/// Not the fault of the input: an encoder may refuse, but only for these reasons.
pub fn refused<T>(result: Result<T>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(Error { kind: ErrorKind::Argument | ErrorKind::Limit, .. }) => None,
        Err(error) => panic!("{error}"),
    }
}

/// Reads a file and holds its pieces against it: they tile it, and arrays are as large as their pieces.
pub fn check_pieces(file: &[u8]) {
    let structure = read(&file, &Hint::default()).expect("what is not understood is bytes");
    let mut at = 0;
    for piece in &structure.pieces {
        assert_eq!(piece.offset(), at, "{structure:?}");
        let n = piece.n_bytes().expect("a piece lies in a file");
        assert!(n > 0, "an empty piece");
        if let Piece::Array { ty, .. } = piece {
            let (n_planes, h, w) = ty.planes();
            assert_eq!(n_planes * h * w * ty.dtype.n_bytes() as u64, n);
        }
        at += n;
    }
    assert_eq!(at, file.len() as u64, "{structure:?}");
}
