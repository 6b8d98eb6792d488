//! Files of any kind: bytes in memory, or paths.

use super::options::{Decoding, Options};
use crate::atomic::{Existing, Output};
use crate::error::Error;
use crate::source::FileSource;
use crate::{internals, sample::Errors};
use std::fs::File;
use std::path::Path;

/// What came of compressing a file.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Report {
    /// Bytes of the source.
    pub n_bytes_in: u64,
    /// Bytes of the compressed file.
    pub n_bytes_out: u64,
    /// Arrays found in the source; everything around them is kept byte for byte.
    pub n_arrays: usize,
    /// Whether decompressing gives back the source bit for bit.
    pub is_lossless: bool,
    /// The largest |x − x′| over all finite samples that are no fill values; 0 where nothing was lost.
    pub largest_error: f64,
    /// A sentence for people where something is worth knowing, for instance about a .gz that cannot be made again.
    pub note: Option<String>,
}

impl Report {
    fn of(report: internals::Report) -> Report {
        let errors: Errors = report.errors();
        Report {
            n_bytes_in: report.n_bytes_in,
            n_bytes_out: report.n_bytes_out,
            n_arrays: report.arrays.len(),
            is_lossless: report.is_lossless(),
            largest_error: errors.largest,
            note: report.note,
        }
    }
}

/// The file `bytes` as a smaller one: the arrays of FITS and NPY files are found in it, alone or in a tar or .gz, and coded;
/// everything else is kept. `decompress` gives the file back, bit for bit unless `options` says what may be lost.
///
/// ```
/// use collapsar::{Decoding, Options, compress, decompress};
/// let frame: Vec<u8> = (0..64 * 64u16).flat_map(|i| (i % 64 + 1000).to_le_bytes()).collect();
/// let packed = compress(&frame, &Options::default())?;
/// assert_eq!(decompress(&packed, &Decoding::default())?, frame);
/// # Ok::<(), collapsar::Error>(())
/// ```
pub fn compress(bytes: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    internals::compress(bytes, &options.inner)
}

/// The content of a compressed file, of at most 4 GiB; [`decompress_file`] writes any.
pub fn decompress(bytes: &[u8], decoding: &Decoding) -> Result<Vec<u8>, Error> {
    internals::decompress_with(bytes, &decoding.inner)
}

/// Compresses the file `from` into the new file `to`, which is there when it is whole and not before. It is not replaced where
/// it exists. The source is read as a stream, twice; one that changes meanwhile is an error ([`ErrorKind::Changed`]).
///
/// ```
/// # let folder = std::env::temp_dir().join(format!("collapsar-doc-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let (from, to, again) = (folder.join("a.npy"), folder.join("a.npy.clps"), folder.join("b.npy"));
/// # std::fs::write(&from, [0; 5000]).unwrap();
/// use collapsar::{Decoding, Options, compress_file, decompress_file};
/// let report = compress_file(&from, &to, &Options::default())?;
/// assert!(report.is_lossless && report.n_bytes_out < report.n_bytes_in);
/// decompress_file(&to, &again, &Decoding::default())?;
/// # assert_eq!(std::fs::read(&from).unwrap(), std::fs::read(&again).unwrap());
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), collapsar::Error>(())
/// ```
///
/// [`ErrorKind::Changed`]: crate::ErrorKind::Changed
pub fn compress_file(from: impl AsRef<Path>, to: impl AsRef<Path>, options: &Options) -> Result<Report, Error> {
    let (source, mut out) = ends(from.as_ref(), to.as_ref())?;
    let (_, report) = internals::compress_to(&source, &mut out, &options.inner, &|_| Ok(()))
        .map_err(|e| e.at(from.as_ref().display()))?;
    out.commit()?;
    Ok(Report::of(report))
}

/// Decompresses the file `from` into the new file `to`, which is there when it is whole and not before. It is not replaced where
/// it exists.
pub fn decompress_file(from: impl AsRef<Path>, to: impl AsRef<Path>, decoding: &Decoding) -> Result<(), Error> {
    let (source, mut out) = ends(from.as_ref(), to.as_ref())?;
    internals::decompress_to(&source, &mut out, &decoding.inner, &|_| Ok(()))
        .map_err(|e| e.at(from.as_ref().display()))?;
    out.commit()
}

fn ends(from: &Path, to: &Path) -> Result<(FileSource, Output), Error> {
    let source = open(from)?;
    Ok((source, Output::create(to, Existing::Refuse(None))?))
}

pub(super) fn open(path: &Path) -> Result<FileSource, Error> {
    File::open(path).map_err(Error::from).and_then(FileSource::new).map_err(|e| e.at(path.display()))
}
