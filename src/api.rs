//! The two verbs, on bytes in memory and on streams.

use crate::codec::file::Progress;
use crate::codec::file::adapt::{Training, adapt as adapt_to};
use crate::codec::file::archive::Archive;
use crate::codec::file::decode::decode_all;
use crate::codec::file::encode::Encoder;
use crate::codec::file::learn::learn as learn_of;
pub use crate::codec::file::options::Decoding;
use crate::codec::file::options::Options;
use crate::codec::file::report::Report;
use crate::codec::search::lessons::{Adapted, Pace};
use crate::codec::search::recipe::Recipe;
use crate::error::{Error, Result};
use crate::format::gzip::{self, Inflated};
use crate::format::{self, Hint, Piece};
use crate::sample::RatioSearch;
use crate::source::{FileSource, Source, Steady};
use std::fs::File;
use std::io::Write;

/// A .gz whose content is larger is stored as it is.
const MAX_GZIP_CONTENT: u64 = 1 << 36;
/// A file of a few kilobytes can hold that much of one value.
const MAX_IN_MEMORY: u64 = 1 << 32;

/// The file `bytes` as a smaller one. `decompress` gives it back, bit for bit.
///
/// ```
/// let frame: Vec<u8> = (0..64 * 64u16).flat_map(|i| (i % 64 + 1000).to_le_bytes()).collect();
/// let packed = collapsar::internals::compress(&frame, &collapsar::internals::Options::default())?;
/// assert_eq!(collapsar::internals::decompress(&packed)?, frame);
/// # Ok::<(), collapsar::internals::Error>(())
/// ```
pub fn compress(bytes: &[u8], options: &Options) -> Result<Vec<u8>> {
    Ok(search(&bytes, Vec::new(), options, &|_| Ok(()))?.0)
}

/// The content of a file, of at most 4 GiB; `decompress_to` streams any.
pub fn decompress(bytes: &[u8]) -> Result<Vec<u8>> {
    decompress_with(bytes, &Decoding::default())
}

/// The same with weights, a device and memory as the caller says.
pub fn decompress_with(bytes: &[u8], decoding: &Decoding) -> Result<Vec<u8>> {
    let archive = Archive::open(&bytes, &decoding.models)?;
    let n_bytes = archive.reader.content_len().max(archive.file.n_bytes);
    if n_bytes > MAX_IN_MEMORY {
        return Err(Error::limit(format!("a content of {n_bytes} bytes: more than {MAX_IN_MEMORY} are only streamed")));
    }
    let mut out = Vec::new();
    decode_all(&archive, &decoding.resources(), &mut out, &|_| Ok(()))?;
    Ok(out)
}

/// Streams `source` into a `.clps` file. A source that is not the same when it is read again is an error (`Kind::Changed`), so that
/// what is written decodes to what was read.
pub fn compress_to<W: Write>(
    source: &dyn Source,
    out: W,
    options: &Options,
    progress: Progress,
) -> Result<(W, Report)> {
    search(&Steady::new(source), out, options, progress)
}

/// The network that the options mean, adapted to the arrays of some files of one camera.
pub fn adapt(sources: &[&dyn Source], options: &Options, training: &Training, pace: Pace) -> Result<Adapted> {
    options.loss.check()?;
    let mut contents = Vec::new();
    for &source in sources {
        let mut spool = None;
        if may_be_gzip(source, options)? {
            let mut file = tempfile::tempfile()?;
            if let Inflated::Whole(_) = gzip::inflate(source, &mut file, MAX_GZIP_CONTENT)? {
                spool = Some(FileSource::new(file)?);
            }
        }
        contents.push((source, spool));
    }
    let contents: Vec<&dyn Source> =
        contents.iter().map(|(source, spool)| spool.as_ref().map_or(*source, |spool| spool as &dyn Source)).collect();
    adapt_to(&contents, options, training, pace)
}

/// Adds to a recipe what a search decides for the arrays of a source, as `compress_to` finds them in it.
pub fn learn(source: &dyn Source, options: &Options, recipe: &mut Recipe) -> Result<()> {
    options.loss.check()?;
    if may_be_gzip(source, options)? {
        let mut spool = tempfile::tempfile()?;
        if let Inflated::Whole(_) = gzip::inflate(source, &mut spool, MAX_GZIP_CONTENT)? {
            return learn_of(&FileSource::new(spool)?, options, recipe);
        }
    }
    learn_of(source, options, recipe)
}

/// For a wanted ratio it is compressed a few times, and the last time into `out`.
fn search<W: Write>(source: &dyn Source, out: W, options: &Options, progress: Progress) -> Result<(W, Report)> {
    options.loss.check()?;
    let loss = RatioSearch::resolve(options.loss, |loss| {
        let (_, report) = once(source, std::io::sink(), &Options { loss, ..options.clone() }, progress)?;
        Ok((report.n_bytes_in, report.n_bytes_out))
    })?;
    once(source, out, &Options { loss, ..options.clone() }, progress)
}

fn once<W: Write>(source: &dyn Source, out: W, options: &Options, progress: Progress) -> Result<(W, Report)> {
    if may_be_gzip(source, options)? {
        let mut spool = tempfile::tempfile()?;
        if let Inflated::Whole(member) = gzip::inflate(source, &mut spool, MAX_GZIP_CONTENT)? {
            let inner = FileSource::new(File::try_clone(&spool)?)?;
            if !options.loss.is_none() && holds_arrays(&inner)? {
                let (out, mut report) = Encoder::new(&inner, out, options, progress)?.run(None)?;
                (report.n_bytes_in, report.gunzipped) = (source.len(), true);
                report.note = Some("what is lossy has no .gz to go back to: it will be given back unpacked".into());
                return Ok((out, report));
            }
            if let Some(recipe) = gzip::find(source, &member, &inner)? {
                let (out, mut report) = Encoder::new(&inner, out, options, progress)?.run(Some((&recipe, source)))?;
                report.n_bytes_in = source.len();
                report.note = Some(format!("unpacked; {} makes the .gz again", recipe.name()));
                return Ok((out, report));
            }
            if options.gunzip {
                let (out, mut report) = Encoder::new(&inner, out, options, progress)?.run(None)?;
                (report.n_bytes_in, report.gunzipped) = (source.len(), true);
                report.note = Some("no settings make the .gz again: it will be given back unpacked".into());
                return Ok((out, report));
            }
        }
    }
    Encoder::new(source, out, options, progress)?.run(None)
}

fn may_be_gzip(source: &dyn Source, options: &Options) -> Result<bool> {
    Ok(options.raw.is_none() && source.len() > 18 && source.bytes(0, 2)? == [0x1f, 0x8b])
}

fn holds_arrays(source: &dyn Source) -> Result<bool> {
    let structure = format::read(source, &Hint::default())?;
    Ok(structure.pieces.iter().any(|piece| matches!(piece, Piece::Array { .. })))
}

/// Streams the content of a `.clps` file.
pub fn decompress_to(source: &dyn Source, out: &mut dyn Write, decoding: &Decoding, progress: Progress) -> Result<()> {
    decode_all(&Archive::open(source, &decoding.models)?, &decoding.resources(), out, progress)
}
