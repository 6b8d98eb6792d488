//! A compressed file that is read in parts.

use super::files::open;
use super::options::Decoding;
use crate::array::Sample;
use crate::codec::file::archive;
use crate::error::Error;
use std::fmt;
use std::path::Path;

/// A compressed file, open for reading boxes of its arrays. Only what a box touches is read and decoded.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("collapsar-doc-{}.clps", std::process::id()));
/// # let mut npy = b"\x93NUMPY\x01\x00\x76\x00{'descr': '<u2', 'fortran_order': False, 'shape': (64, 64), }".to_vec();
/// # npy.resize(127, b' ');
/// # npy.push(b'\n');
/// # npy.extend((0..64 * 64u16).flat_map(u16::to_le_bytes));
/// # std::fs::write(&path, collapsar::compress(&npy, &Default::default())?).unwrap();
/// use collapsar::{Archive, Decoding};
/// let archive = Archive::open(&path, &Decoding::default())?;
/// assert_eq!((archive.shape(0)?, archive.dtype(0)?), (vec![64, 64], "u16"));
/// let mut stamp = [0u16; 3 * 5];
/// archive.read_region(0, &[10, 20], &[3, 5], &mut stamp)?;
/// # assert_eq!(stamp[5], 11 * 64 + 20);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), collapsar::Error>(())
/// ```
pub struct Archive {
    inner: archive::Archive<'static>,
}

impl Archive {
    /// Opens a compressed file: its ends and the heads of its arrays are read.
    pub fn open(path: impl AsRef<Path>, decoding: &Decoding) -> Result<Archive, Error> {
        let source = Box::new(open(path.as_ref())?);
        let inner = archive::Archive::owning(source, &decoding.inner.models);
        Ok(Archive { inner: inner.map_err(|e| e.at(path.as_ref().display()))? })
    }

    /// How many arrays the file has; they are numbered from 0.
    pub fn n_arrays(&self) -> usize {
        self.inner.arrays().count()
    }

    /// The dimensions of an array; the last runs fastest.
    pub fn shape(&self, array: usize) -> Result<Vec<usize>, Error> {
        Ok(self.array(array)?.head.ty.shape.iter().map(|&n| n as usize).collect())
    }

    /// The type of an array's samples: `u8`, `i8`, … `f64`.
    pub fn dtype(&self, array: usize) -> Result<&'static str, Error> {
        Ok(self.array(array)?.head.ty.dtype.name())
    }

    /// What the file calls an array: an HDU, a member of a tar.
    pub fn label(&self, array: usize) -> Result<&str, Error> {
        Ok(&self.array(array)?.head.label)
    }

    /// Reads a box of an array in C order: along each axis from `origin` on, as many samples as `shape` says. `out` holds exactly the
    /// box. Returns how many tiles were decoded for it.
    pub fn read_region<T: Sample>(
        &self,
        array: usize,
        origin: &[usize],
        shape: &[usize],
        out: &mut [T],
    ) -> Result<usize, Error> {
        let [origin, shape] = [origin, shape].map(|axes| axes.iter().map(|&n| n as u64).collect::<Vec<u64>>());
        self.inner.read_region(self.array(array)?, &origin, &shape, out)
    }

    fn array(&self, number: usize) -> Result<&archive::Array, Error> {
        let missing = || Error::argument(format!("there is no array {number}: the file has {}", self.n_arrays()));
        self.inner.array(number as u64).ok_or_else(missing)
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Archive").field("n_arrays", &self.n_arrays()).finish_non_exhaustive()
    }
}
