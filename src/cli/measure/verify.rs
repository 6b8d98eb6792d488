//! The file that was written, read again before it gets its name: does it hold what the source holds?

use crate::cli::machine::resources;
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::format::{self, Hint, Piece, gzip};
use collapsar::internals::model::Model;
use collapsar::internals::sample::{Errors, Map, NoiseStep, shorten};
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::{Error, ErrorKind, Loss, Report, Result};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// Decodes the written file against the bytes of its source: the same bytes, or samples within what was promised.
pub fn compressed(
    path: &Path,
    source: &dyn Source,
    report: &Report,
    raw: Option<ArrayType>,
    models: &[Arc<Model>],
) -> Result<()> {
    let unpacked;
    let source = if report.gunzipped {
        unpacked = unpack(source)?;
        &unpacked as &dyn Source
    } else {
        source
    };
    let written = FileSource::new(File::open(path)?)?;
    let broken = |e: Error| if e.kind == ErrorKind::Io { e } else { differs(&format!("does not decode: {e}")) };
    let promises = promises(&written, source, report, raw, models).map_err(broken)?;
    let mut same = Same { source, promises, at: 0, rest: Vec::new(), differs: false };
    let result = collapsar::internals::decompress_to(&written, &mut same, &resources::decoding(models), &|_| Ok(()));
    if same.differs || (result.is_ok() && same.at != source.len()) {
        let what = if report.is_lossless() { "the source" } else { "what was promised" };
        return Err(differs(&format!("decodes to something else than {what}")));
    }
    result.map_err(broken)
}

/// The content of a .gz.
fn unpack(source: &dyn Source) -> Result<FileSource> {
    let mut spool = tempfile::tempfile()?;
    gzip::inflate(source, &mut spool, u64::MAX)?;
    FileSource::new(spool)
}

/// Compares the restored file with the blake3 that the packed one carries.
pub fn restored(path: &Path, content_blake3: &[u8; 32]) -> Result<()> {
    let mut hash = blake3::Hasher::new();
    io::copy(&mut File::open(path)?, &mut hash)?;
    if hash.finalize().as_bytes() == content_blake3 { Ok(()) } else { Err(differs("is not what it should be")) }
}

fn differs(what: &str) -> Error {
    Error::verify(format!("what was written {what}: it is not kept, and the source is; check disk and memory"))
}

/// A stretch of the content whose samples may be off.
struct Promise {
    from: u64,
    to: u64,
    ty: ArrayType,
    how: How,
}

enum How {
    /// As far as the map of the written file says, which must be what was asked for.
    Within(Map),
    /// Mantissas were shortened.
    Short(Loss),
    /// It was denoised: no sample is off by more.
    By(NoiseStep),
}

/// What may differ, by the heads of the written file and by what was asked for.
fn promises(
    written: &FileSource,
    source: &dyn Source,
    report: &Report,
    raw: Option<ArrayType>,
    models: &[Arc<Model>],
) -> Result<Vec<Promise>> {
    if let Loss::Mantissa(..) = report.loss {
        let structure = format::read(source, &Hint { raw })?;
        let arrays = structure.pieces.into_iter().filter_map(|piece| match piece {
            Piece::Array { offset, ty, .. } => Some((offset, ty)),
            Piece::Bytes { .. } => None,
        });
        let promise = |(from, ty): (u64, ArrayType)| {
            Ok(Promise { from, to: from + ty.n_bytes()?, ty, how: How::Short(report.loss) })
        };
        return arrays.map(promise).collect();
    }
    let archive = Archive::open(written, models)?;
    let mut promises = Vec::new();
    for (array, told) in archive.arrays().zip(&report.arrays) {
        if array.head.map.bound() != told.bound {
            return Err(Error::verify("the bounds of the written file are not those that were promised"));
        }
        if let (Loss::Denoise(_), Some(noise)) = (report.loss, told.noise) {
            let (from, ty) = (array.offset, array.head.ty.clone());
            promises.push(Promise { from, to: from + ty.n_bytes()?, ty, how: How::By(noise) });
        }
        if told.bound.is_some() {
            let (from, ty) = (array.offset, array.head.ty.clone());
            let how = How::Within(array.head.map.clone());
            promises.push(Promise { from, to: from + ty.n_bytes()?, ty, how });
        }
    }
    Ok(promises)
}

/// A sink that takes only what the source holds, or what is promised of it.
struct Same<'a> {
    source: &'a dyn Source,
    promises: Vec<Promise>,
    at: u64,
    /// Bytes of a sample that has not come whole.
    rest: Vec<u8>,
    differs: bool,
}

impl Same<'_> {
    /// Whether bytes may stand at the place that has come; whole samples where there is a promise.
    fn may_stand(&self, bytes: &[u8], promise: Option<&Promise>) -> bool {
        let Ok(mut original) = self.source.bytes(self.at, bytes.len()) else { return false };
        match promise {
            None => original == bytes,
            Some(Promise { ty, how: How::Within(map), .. }) => map.check(&original, bytes, ty.big_endian).is_ok(),
            Some(Promise { ty, how: How::By(noise), .. }) => {
                noise.allows(&Errors::of(ty.dtype, &original, bytes, ty.big_endian))
            }
            Some(Promise { ty, how: How::Short(loss), .. }) => {
                if let Loss::Mantissa(n_bits, rounding) = *loss {
                    shorten(&mut original, ty.dtype, ty.big_endian, n_bits, rounding);
                }
                original == bytes
            }
        }
    }
}

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = std::mem::take(&mut self.rest);
        all.extend_from_slice(bytes);
        let mut left = all.as_slice();
        while !left.is_empty() {
            let promise = self.promises.iter().find(|p| (p.from..p.to).contains(&self.at));
            let next = self.promises.iter().map(|p| p.from).filter(|from| *from > self.at).min().unwrap_or(u64::MAX);
            let end = promise.map_or(next, |p| p.to);
            let mut n = left.len().min(usize::try_from(end - self.at).unwrap_or(usize::MAX));
            if let Some(p) = promise {
                n -= n % p.ty.dtype.n_bytes();
            }
            if n == 0 {
                break;
            }
            if !self.may_stand(&left[..n], promise) {
                self.differs = true;
                return Err(io::Error::other("differs"));
            }
            self.at += n as u64;
            left = &left[n..];
        }
        self.rest = left.to_vec();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_in_one_byte_or_is_longer_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.clps");
        let bytes = vec![3u8; 5000];
        std::fs::write(&path, collapsar::internals::compress(&bytes, &Default::default()).unwrap()).unwrap();
        let report = Report::default();
        let compressed = |path: &Path, bytes: &Vec<u8>| compressed(path, bytes, &report, None, &[]);
        assert_eq!(compressed(&path, &bytes), Ok(()));
        let (mut other, longer) = (bytes.clone(), vec![3u8; 5001]);
        other[4999] = 4;
        for wrong in [other, longer, vec![]] {
            assert_eq!(compressed(&path, &wrong).unwrap_err().kind, ErrorKind::Verify);
        }
        std::fs::write(&path, b"something else").unwrap();
        assert_eq!(compressed(&path, &bytes).unwrap_err().kind, ErrorKind::Verify);
        assert_eq!(restored(&path, blake3::hash(b"something else").as_bytes()), Ok(()));
        assert_eq!(restored(&path, &[0; 32]).unwrap_err().kind, ErrorKind::Verify);
    }

    #[test]
    fn a_sample_beyond_its_bound_is_found_and_one_within_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.clps");
        let samples: Vec<f32> = (0..900).map(|i| (i * i % 601) as f32 * 0.37).collect();
        let bytes = |samples: &[f32]| samples.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
        let raw = ArrayType { dtype: collapsar::internals::array::Dtype::F32, big_endian: false, shape: vec![30, 30] };
        for loss in [Loss::Abs(0.5), Loss::Mantissa(6, Default::default())] {
            let options = collapsar::internals::Options { raw: Some(raw.clone()), loss, ..Default::default() };
            let source = bytes(&samples);
            let (packed, report) =
                collapsar::internals::compress_to(&source, Vec::new(), &options, &|_| Ok(())).unwrap();
            std::fs::write(&path, packed).unwrap();
            let compressed = |bytes: &Vec<u8>| compressed(&path, bytes, &report, Some(raw.clone()), &[]);
            assert_eq!(compressed(&source), Ok(()));
            let mut other = samples.clone();
            other[899] += 4.0;
            assert_eq!(compressed(&bytes(&other)).unwrap_err().kind, ErrorKind::Verify);
        }
    }

    #[test]
    fn a_sample_that_is_further_off_than_denoising_may_move_it_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.clps");
        let samples: Vec<u16> = (0..4096u32).map(|i| 500 + (i.wrapping_mul(2_654_435_761) >> 27) as u16).collect();
        let source: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
        let raw = ArrayType { dtype: collapsar::internals::array::Dtype::U16, big_endian: false, shape: vec![64, 64] };
        let options =
            collapsar::internals::Options { raw: Some(raw.clone()), loss: Loss::Denoise(1.0), ..Default::default() };
        let (packed, report) = collapsar::internals::compress_to(&source, Vec::new(), &options, &|_| Ok(())).unwrap();
        assert!(!report.is_lossless());
        std::fs::write(&path, packed).unwrap();
        let compressed = |bytes: &Vec<u8>| compressed(&path, bytes, &report, Some(raw.clone()), &[]);
        assert_eq!(compressed(&source), Ok(()));
        let mut other = source.clone();
        other[4001] ^= 1;
        assert_eq!(compressed(&other).unwrap_err().kind, ErrorKind::Verify);
    }
}
