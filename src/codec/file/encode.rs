//! file → pieces → blocks
//!
//! ```text
//! FILE · [GZIP] · [WEIGHTS]* · per piece: BYTES+ or HEAD · TILE*
//! ```
//!
//! Everything streams: an array is read once for its statistics, in a few windows for the choice, and once more band by band.
//! A batch of bands is coded by all threads while the one before it is written and the one after it is read; the order in
//! the file stays that of the grid. A source that others may write to comes as `source::Steady`: each reading sees the same bytes.
//!
//! Where a source is denoised that comes first, and what follows loses nothing. Where else something may be lost the content is what decoding gives: every batch is poured out again before it is coded, held
//! against its bound sample by sample, and hashed.

use crate::array::ArrayType;
use crate::codec::array::band::band_range;
use crate::codec::array::head::Head;
use crate::codec::array::memory::Direction;
use crate::codec::array::{batch, payload, references};
use crate::codec::file::blocks::{Weights, kind};
use crate::codec::file::cut::{cut, fields};
use crate::codec::file::options::Options;
use crate::codec::file::report::{ArrayReport, Report};
use crate::codec::file::{Progress, bytes};
use crate::codec::search::check::check;
use crate::codec::search::choice::Choice;
use crate::codec::search::choose::{Chosen, choose};
use crate::codec::search::denoised::Denoised;
use crate::codec::search::related::{Field, Related};
use crate::codec::search::task::Task;
use crate::codec::search::view::SourceView;
use crate::container::Writer;
use crate::error::Result;
use crate::format::{self, Format, Hint, Piece};
use crate::grid::Place;
use crate::sample::{Errors, Loss};
use crate::source::Source;
use crate::tile::array_coder::ArrayCoder;
use crate::tile::code::{Code, Coded, Known};
use crate::tile::coder::Coder;
use crate::tile::runtime::{Runtime, Runtimes};
use crate::weights::{self, zoo};
use crate::wire::put_varint;
use std::io::Write;
use std::sync::Arc;

/// Bytes of a file that is no array are cut into blocks of this size.
const CHUNK: usize = 4 << 20;

/// Compresses `source`, whose whole content is `content` (it differs from `source` where a .gz was unpacked).
pub struct Encoder<'a, W: Write> {
    source: &'a dyn Source,
    /// The same, where its arrays are denoised.
    denoised: Option<&'a Denoised<'a>>,
    writer: Writer<W>,
    hash: blake3::Hasher,
    options: &'a Options,
    /// What codes the arrays.
    choice: Choice,
    progress: Progress<'a>,
    runtimes: Runtimes,
    n_arrays: u64,
    chunks: bytes::Encoder,
    /// Arrays that others may be predicted from.
    known: Vec<Field>,
    report: Report,
}

impl<'a, W: Write> Encoder<'a, W> {
    pub fn new(source: &'a dyn Source, out: W, options: &'a Options, progress: Progress<'a>) -> Result<Self> {
        let writer = Writer::new(out)?;
        let report = Report { n_bytes_in: source.len(), loss: options.loss, ..Report::default() };
        let (hash, runtimes, chunks, known) =
            (blake3::Hasher::new(), Runtimes::default(), Default::default(), Vec::new());
        // whoever decodes then needs nothing but the file, which carries no more than the defaults
        let choice = match &options.model {
            Choice::Auto if options.embed => Choice::These(zoo::defaults()),
            asked => asked.clone(),
        };
        Ok(Encoder {
            source,
            denoised: None,
            writer,
            hash,
            options,
            choice,
            progress,
            runtimes,
            n_arrays: 0,
            chunks,
            known,
            report,
        })
    }

    /// Pieces of the source as blocks. `recipe` makes the .gz again whose content the source is.
    pub fn run(mut self, outer: Option<(&format::gzip::Recipe, &dyn Source)>) -> Result<(W, Report)> {
        let structure = format::read(self.source, &Hint { raw: self.options.raw.clone() })?;
        (self.report.format, self.report.note) = (structure.format.name(), structure.note.clone());
        let mut file = vec![format_code(structure.format) | self.options.model.level_number() << 4];
        put_varint(&mut file, self.source.len());
        self.writer.block(kind::FILE, &file)?;
        if let Some((recipe, _)) = outer {
            let mut bytes = Vec::new();
            recipe.write(&mut bytes);
            self.writer.block(kind::GZIP, &bytes)?;
        }
        if self.options.embed {
            let mut counted = Weights::default();
            let recipe = self.options.recipe.as_ref().filter(|recipe| !recipe.carried().is_empty());
            let models = match recipe {
                Some(recipe) => recipe.carried().iter().map(|(_, model)| model.clone()).collect(),
                None => self.choice.models(),
            };
            for model in models {
                let bytes = weights::store(&model)?;
                counted.count(&bytes)?;
                self.writer.block(kind::WEIGHTS, &bytes)?;
            }
        }
        let mut denoised = Denoised::new(self.source);
        // an encoder that lives no longer than that
        let mut this: Encoder<'_, W> = self;
        if let Loss::Denoise(_) = this.options.loss {
            for piece in &structure.pieces {
                let Piece::Array { offset, ty, label } = piece else { continue };
                denoised.add(*offset, ty, this.options.loss).map_err(|e| e.at(label))?;
            }
            (this.source, this.denoised) = (&denoised, Some(&denoised));
        }
        for piece in &structure.pieces {
            match piece {
                Piece::Bytes { offset, len } => this.bytes(*offset, *len)?,
                Piece::Array { offset, ty, label } => {
                    this.arrays(*offset, ty, label).map_err(|e| e.at(label))?;
                }
            }
        }
        let (n_content, hash) = match outer {
            None => (this.source.len(), this.hash.finalize()),
            Some((_, whole)) => (whole.len(), hash_of(whole)?),
        };
        let (out, n_bytes) = this.writer.finish(n_content, *hash.as_bytes())?;
        this.report.n_bytes_out = n_bytes;
        Ok((out, this.report))
    }

    fn bytes(&mut self, offset: u64, len: u64) -> Result<()> {
        let mut at = offset;
        while at < offset + len {
            (self.progress)(at)?;
            let chunk = self.source.bytes(at, (offset + len - at).min(CHUNK as u64) as usize)?;
            self.hash.update(&chunk);
            let mut payload = Vec::new();
            put_varint(&mut payload, at);
            payload.extend(self.chunks.encode(at, &chunk, self.choice.may_take_long())?);
            self.writer.block(kind::BYTES, &payload)?;
            at += chunk.len() as u64;
        }
        Ok(())
    }

    fn arrays(&mut self, offset: u64, ty: &ArrayType, label: &str) -> Result<()> {
        let fields = fields(offset, ty, self.options.fields)?;
        let n = fields.len();
        for (nth, (offset, ty)) in fields.into_iter().enumerate() {
            let label = if n > 1 { format!("{label} [{nth}]") } else { label.to_string() };
            for (offset, ty) in cut(offset, &ty)? {
                self.array(offset, &ty, &label)?;
            }
        }
        Ok(())
    }

    fn array(&mut self, offset: u64, ty: &ArrayType, label: &str) -> Result<()> {
        let Options { loss, memory, adapt, .. } = *self.options;
        let view = SourceView { source: self.source, offset, ty, loss: loss.of_maps(), memory };
        let choice = &self.choice;
        let recipe = self.options.recipe.as_deref();
        let task = Task { view, label, choice, adapt, recipe, related: self.related(), runtimes: &self.runtimes };
        let Chosen { head, coder, ends, noise, known } = choose(&task)?;
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.n_arrays);
        put_varint(&mut bytes, offset);
        head.write(&mut bytes);
        self.writer.block(kind::HEAD, &bytes)?;
        let (n_head_bytes, refit_bytes) = (bytes.len() as u64, head.refit_bytes());
        let noise = noise.or_else(|| self.denoised?.noise(offset));
        let (n_tile_bytes, errors) = self.tiles(&head, (coder, known), &view)?;
        let seen = self.seen(&head);
        let (references, depth) =
            (seen.iter().map(|f| f.label.clone()).collect(), seen.iter().map(|f| f.depth + 1).max());
        if references::may_be_reference(&head) {
            let (ty, label, map) = (ty.clone(), label.to_string(), head.map.clone());
            let number = self.n_arrays;
            self.known.push(Field { number, offset, ty, label, map, depth: depth.unwrap_or(0) });
        }
        self.n_arrays += 1;
        self.report.arrays.push(ArrayReport {
            label: label.to_string(),
            ty: ty.clone(),
            n_bytes_out: n_head_bytes + n_tile_bytes,
            model: head.coder.name().map(str::to_string),
            on_gpus: head.coder.runs_on_gpus(),
            refit_bytes,
            map: head.map.name(),
            references,
            bound: head.map.bound(),
            ends,
            noise,
            errors,
        });
        Ok(())
    }

    /// What the next array may be predicted from.
    fn related(&self) -> Related<'_> {
        let (references, loss) = (&self.options.references, self.options.loss.of_maps());
        Related { number: self.n_arrays, source: self.source, loss, fields: &self.known, references }
    }

    /// The arrays that one is predicted from.
    fn seen(&self, head: &Head) -> Vec<&Field> {
        let number = |back: u64| self.n_arrays - back;
        let of = |back: u64| self.known.iter().find(|field| field.number == number(back));
        head.references.iter().filter_map(|reference| of(reference.back)).collect()
    }

    /// The tiles of an array; how many bytes they take, and how far they are off.
    fn tiles(
        &mut self,
        head: &Head,
        (coder, known): (Coder<Arc<Runtime>>, Known),
        view: &SourceView,
    ) -> Result<(u64, Errors)> {
        let coder = &ArrayCoder { trusts_estimates: self.options.model.is_short(), known, ..head.tiles(coder) };
        let device = self.options.device.for_coder(coder)?;
        let most = self.options.memory.batch(head, Direction::Encode)?;
        let bands = batch::bands(head.grid());
        let mut rest = bands.as_slice();
        let (mut raw, mut given, mut payloads, mut spare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut previous = batch::Planes::new();
        let (mut n_bytes, mut errors) = (0, Errors::default());
        let mut now = batch::next(head, most, &mut rest);
        self.read(head, view, now, &mut raw, &mut errors)?;
        while !now.is_empty() {
            let mut bands = batch::ints(head, coder, now, &raw, &mut spare);
            let transformed = batch::transform(head, coder, &device, &mut bands)?;
            self.related().show(head, &mut bands)?;
            let places = batch::places(head, now);
            let next = batch::next(head, most, &mut rest);
            if head.map.bound().is_some() {
                given.resize(raw.len(), 0);
                batch::bytes(head, &bands, &mut given)?;
                errors.merge(&check(head, &raw, &given)?);
            } else {
                std::mem::swap(&mut raw, &mut given);
            }
            let (mut coded, mut written) = (Ok(Vec::new()), Ok(()));
            // this thread writes and reads while the others code
            rayon::in_place_scope(|scope| {
                let (device, bands, places, previous, coded) = (&device, &bands, &places, &previous, &mut coded);
                scope.spawn(move |_| {
                    let tile = |place: &Place| batch::tile(head, bands, place, previous);
                    *coded = match transformed {
                        Some(coded) => Ok(codes(coded)),
                        None => device.encode(coder, places, &tile).map(codes),
                    };
                });
                self.hash.update(&given);
                written = self.write_tiles(&payloads).and_then(|()| self.read(head, view, next, &mut raw, &mut errors));
            });
            written?;
            let labelled = |(place, code): (&Place, &Code)| payload::write(self.n_arrays, place.number, code);
            payloads = places.iter().zip(&coded?).map(labelled).collect();
            n_bytes += payloads.iter().map(|payload| payload.len() as u64).sum::<u64>();
            spare.extend(batch::remember(head, bands, &mut previous));
            now = next;
        }
        self.write_tiles(&payloads)?;
        Ok((n_bytes, errors))
    }

    fn write_tiles(&mut self, payloads: &[Vec<u8>]) -> Result<()> {
        payloads.iter().try_for_each(|payload| self.writer.block(kind::TILE, payload))
    }

    /// The bytes of bands that follow each other, as they are to be coded.
    fn read(
        &mut self,
        head: &Head,
        view: &SourceView,
        bands: &[(usize, usize)],
        raw: &mut Vec<u8>,
        errors: &mut Errors,
    ) -> Result<()> {
        let ranges = bands.iter().map(|&(plane, band)| band_range(&head.ty, head.grid(), plane, band));
        let Some((first, _)) = ranges.clone().next() else { return Ok(()) };
        let first = view.offset + first;
        (self.progress)(first)?;
        raw.resize(ranges.map(|(_, n_bytes)| n_bytes).sum(), 0);
        self.source.read_at(first, raw)?;
        if let Some(denoised) = self.denoised {
            errors.merge(&denoised.check(first, &head.ty, raw)?);
        }
        if let Loss::Mantissa(..) = view.loss {
            let original = raw.clone();
            view.shorten(raw);
            errors.merge(&Errors::of(head.ty.dtype, &original, raw, head.ty.big_endian));
        }
        Ok(())
    }
}

fn codes(coded: Vec<Coded>) -> Vec<Code> {
    coded.into_iter().map(|coded| coded.code).collect()
}

fn hash_of(source: &dyn Source) -> Result<blake3::Hash> {
    let mut hash = blake3::Hasher::new();
    for at in (0..source.len()).step_by(CHUNK) {
        hash.update(&source.bytes(at, (source.len() - at).min(CHUNK as u64) as usize)?);
    }
    Ok(hash.finalize())
}

fn format_code(format: Format) -> u8 {
    match format {
        Format::Other => 0,
        Format::Fits => 1,
        Format::Npy => 2,
        Format::Raw => 3,
        Format::Tar => 4,
    }
}
