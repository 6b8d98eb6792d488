//! file → pieces → blocks
//!
//! ```text
//! FILE · [GZIP] · [WEIGHTS]* · per piece: BYTES+ or HEAD · TILE*
//! ```
//!
//! Everything streams: an array is read once for its statistics, in a few windows for the choice, and once more band by band.
//! A batch of bands is coded by all threads while the one before it is written and the one after it is read; the order in
//! the file stays that of the grid.
//!
//! Where something may be lost the content is what decoding gives: every batch is poured out again before it is coded, held
//! against its bound sample by sample, and hashed.

use crate::array::{ArrayType, Dtype};
use crate::codec::adapt::Adapt;
use crate::codec::anchor;
use crate::codec::archive::Weights;
use crate::codec::batch;
use crate::codec::choose::choose;
use crate::codec::cut::{cut, fields};
use crate::codec::head::Head;
use crate::codec::memory::{Memory, Way};
use crate::codec::painted::{against_waves, only_vqae, only_waves};
use crate::codec::plane::band_range;
use crate::codec::plans::Plans;
use crate::codec::related::{Anchors, Field, Related};
use crate::codec::shown::{Shown, check, ways};
use crate::container::Writer;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::format::{self, Format, Hint, Piece};
use crate::model::{Model, zoo};
use crate::sample::{Bound, Errors, Loss, NoiseStep};
use crate::source::Source;
use crate::tile::Place;
use crate::wire::put_varint;
use std::io::Write;
use std::sync::Arc;

/// The kinds of blocks; 0 is the container's own. FORMAT.md, section "Blocks".
pub mod kind {
    pub const FILE: u8 = 1;
    pub const GZIP: u8 = 2;
    pub const WEIGHTS: u8 = 3;
    pub const BYTES: u8 = 4;
    pub const HEAD: u8 = 5;
    pub const TILE: u8 = 6;
}

/// Bytes of a file that is no array are cut into blocks of this size.
const CHUNK: usize = 4 << 20;
/// Which network codes the arrays.
#[derive(Clone, Debug, Default)]
pub enum Choice {
    /// Whichever of the embedded defaults measures smallest.
    #[default]
    Auto,
    /// None: classic modes only.
    Classic,
    /// None: waves, of fields within a bound.
    Waves,
    These(Vec<Arc<Model>>),
}

/// How to compress; `Default` is what most want.
#[derive(Clone, Default)]
pub struct Options {
    pub model: Choice,
    /// The file is this array and nothing else.
    pub raw: Option<ArrayType>,
    /// Put the weights of the model into the file, so that it can be decoded where they are not at hand.
    pub embed: bool,
    pub device: Device,
    /// What the work may take. No byte depends on it.
    pub memory: Memory,
    /// A .gz that cannot be made again to the bit is kept as its content, and given back unpacked.
    pub gunzip: bool,
    /// How much work goes into refitting networks to the arrays.
    pub adapt: Adapt,
    /// What may be lost; nothing unless it is asked for.
    pub loss: Loss,
    /// Which arrays of the file others may be foreseen from.
    pub anchors: Anchors,
    /// The first dimension of arrays counts fields, each of which becomes an array of its own.
    pub fields: bool,
}

/// What was done, for people and for `--json`.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub format: &'static str,
    pub note: Option<String>,
    pub n_bytes_in: u64,
    pub n_bytes_out: u64,
    /// The source was a .gz, and its content is what will be given back.
    pub gunzipped: bool,
    /// What was allowed to be lost: what was asked for, or what a search came to.
    pub loss: Loss,
    pub arrays: Vec<ArrayReport>,
}

#[derive(Clone, Debug)]
pub struct ArrayReport {
    pub label: String,
    pub ty: ArrayType,
    pub n_bytes_out: u64,
    pub model: Option<String>,
    /// Of them, what the refit of the model takes; 0 where the model is as its weights file says.
    pub refit_bytes: u64,
    pub map: String,
    /// Labels of the arrays that it looks at.
    pub anchors: Vec<String>,
    /// Of a map that loses.
    pub bound: Option<Bound>,
    /// What the noise of the array decided, where steps are a fraction of it.
    pub noise: Option<NoiseStep>,
    /// How far what will be given back is off.
    pub errors: Errors,
}

impl Report {
    /// Whether what will be given back is the source, or the content of a .gz, bit for bit.
    pub fn is_lossless(&self) -> bool {
        self.arrays.iter().all(|array| array.errors.is_none())
    }

    /// Of all arrays together.
    pub fn errors(&self) -> Errors {
        let mut all = Errors::default();
        self.arrays.iter().for_each(|array| all.merge(&array.errors));
        all
    }
}

/// Called with the bytes read so far; an error from it stops the work.
pub type Progress<'a> = &'a (dyn Fn(u64) -> Result<()> + Sync);

/// Compresses `source`, whose whole content is `content` (it differs from `source` where a .gz was unpacked).
pub struct Encoder<'a, W: Write> {
    source: &'a dyn Source,
    writer: Writer<W>,
    hash: blake3::Hasher,
    options: &'a Options,
    progress: Progress<'a>,
    n_arrays: u64,
    /// Arrays that may be looked at.
    known: Vec<Field>,
    report: Report,
}

impl<'a, W: Write> Encoder<'a, W> {
    pub fn new(source: &'a dyn Source, out: W, options: &'a Options, progress: Progress<'a>) -> Result<Self> {
        let writer = Writer::new(out)?;
        let report = Report { n_bytes_in: source.len(), loss: options.loss, ..Report::default() };
        let (hash, known) = (blake3::Hasher::new(), Vec::new());
        Ok(Encoder { source, writer, hash, options, progress, n_arrays: 0, known, report })
    }

    /// Pieces of the source as blocks. `recipe` makes the .gz again whose content the source is.
    pub fn run(mut self, outer: Option<(&format::gzip::Recipe, &dyn Source)>) -> Result<(W, Report)> {
        let structure = format::read(self.source, &Hint { raw: self.options.raw.clone() })?;
        (self.report.format, self.report.note) = (structure.format.name(), structure.note.clone());
        let mut file = vec![format_code(structure.format)];
        put_varint(&mut file, self.source.len());
        self.writer.block(kind::FILE, &file)?;
        if let Some((recipe, _)) = outer {
            let mut bytes = Vec::new();
            recipe.write(&mut bytes);
            self.writer.block(kind::GZIP, &bytes)?;
        }
        if let (true, Choice::These(models)) = (self.options.embed, &self.options.model) {
            let mut weights = Weights::default();
            for model in models {
                let bytes = crate::net::store(model)?;
                weights.count(&bytes)?;
                self.writer.block(kind::WEIGHTS, &bytes)?;
            }
        }
        for piece in &structure.pieces {
            match piece {
                Piece::Bytes { offset, len } => self.bytes(*offset, *len)?,
                Piece::Array { offset, ty, label } => {
                    self.arrays(*offset, ty, label).map_err(|e| e.at(label))?;
                }
            }
        }
        let (n_content, hash) = match outer {
            None => (self.source.len(), self.hash.finalize()),
            Some((_, whole)) => (whole.len(), hash_of(whole)?),
        };
        let (out, n_bytes) = self.writer.finish(n_content, *hash.as_bytes())?;
        self.report.n_bytes_out = n_bytes;
        Ok((out, self.report))
    }

    fn bytes(&mut self, offset: u64, len: u64) -> Result<()> {
        let mut at = offset;
        while at < offset + len {
            (self.progress)(at)?;
            let chunk = self.source.bytes(at, (offset + len - at).min(CHUNK as u64) as usize)?;
            self.hash.update(&chunk);
            let mut payload = Vec::new();
            put_varint(&mut payload, at);
            payload.extend(super::bytes::encode(&chunk)?);
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
        let field = matches!(ty.dtype, Dtype::F32 | Dtype::F64) || self.options.loss != Loss::None;
        let models = match &self.options.model {
            Choice::Classic | Choice::Waves => Vec::new(),
            Choice::These(models) => models.clone(),
            Choice::Auto => zoo::measured(field, self.options.adapt == Adapt::Max),
        };
        let Options { loss, memory, adapt, .. } = *self.options;
        let shown = Shown { source: self.source, offset, ty, loss, memory };
        memory.check_refit(&models, adapt, ty.n_samples()? as usize)?;
        let related = self.related();
        let ways = ways(&shown)?;
        let (head, bits) = choose(&shown, label, &ways.maps, &of_cells(&models), self.options.adapt, &related)?;
        let head = match (&self.options.model, models.iter().find(|model| model.vqae.is_some())) {
            (_, Some(model)) if models.len() > 1 => {
                return Err(Error::argument(format!("{} codes alone: name one model", model.name)));
            }
            (_, Some(model)) => only_vqae(model, head, &shown, &related)?,
            (Choice::Waves, None) => only_waves(head, &shown, &related)?,
            (Choice::Auto, None) => against_waves(head, bits, &shown, &related)?,
            (Choice::Classic | Choice::These(_), None) => head,
        };
        let mut bytes = Vec::new();
        put_varint(&mut bytes, self.n_arrays);
        put_varint(&mut bytes, offset);
        head.write(&mut bytes);
        self.writer.block(kind::HEAD, &bytes)?;
        let (n_head_bytes, refit_bytes) = (bytes.len() as u64, head.refit_bytes());
        let (n_tile_bytes, errors) = self.tiles(&head, &shown)?;
        let seen = self.seen(&head);
        let (anchors, depth) = (seen.iter().map(|f| f.label.clone()).collect(), seen.iter().map(|f| f.depth + 1).max());
        if anchor::may_be_seen(&head) {
            let (ty, label, map) = (ty.clone(), label.to_string(), head.map.clone());
            let number = self.n_arrays;
            self.known.push(Field { number, offset, ty, label, map, depth: depth.unwrap_or(0) });
        }
        self.n_arrays += 1;
        self.report.arrays.push(ArrayReport {
            label: label.to_string(),
            ty: ty.clone(),
            n_bytes_out: n_head_bytes + n_tile_bytes,
            model: head.coder().map(str::to_string),
            refit_bytes,
            map: head.map.name(),
            anchors,
            bound: head.map.bound(),
            noise: ways.noise,
            errors,
        });
        Ok(())
    }

    /// What the next array may look at.
    fn related(&self) -> Related<'_> {
        let (anchors, loss) = (&self.options.anchors, self.options.loss);
        Related { number: self.n_arrays, source: self.source, loss, fields: &self.known, anchors }
    }

    /// The arrays that one looks at.
    fn seen(&self, head: &Head) -> Vec<&Field> {
        let number = |back: u64| self.n_arrays - back;
        let of = |back: u64| self.known.iter().find(|field| field.number == number(back));
        head.anchors.iter().filter_map(|anchor| of(anchor.back)).collect()
    }

    /// The tiles of an array; how many bytes they take, and how far they are off.
    fn tiles(&mut self, head: &Head, shown: &Shown) -> Result<(u64, Errors)> {
        let plans = head.network.as_ref().map(|n| Plans::to_encode(n.model.clone()));
        let device = match &head.network {
            None => Device::Cpu,
            Some(network) => self.options.device.proved(&network.model)?,
        };
        let most = self.options.memory.batch(head, Way::Encode)?;
        let bands = batch::bands(&head.grid);
        let mut rest = bands.as_slice();
        let (mut raw, mut given, mut payloads, mut spare) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let mut previous = batch::Planes::new();
        let (mut n_bytes, mut errors) = (0, Errors::default());
        let mut now = batch::next(head, most, &mut rest);
        self.read(head, shown, now, &mut raw, &mut errors)?;
        while !now.is_empty() {
            let mut bands = batch::ints(head, plans.as_ref(), now, &raw, &mut spare);
            let settled = batch::settle(head, plans.as_ref(), &device, self.n_arrays, &mut bands)?;
            self.related().look(head, &mut bands)?;
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
                let (device, bands, coded) = (&device, &bands, &mut coded);
                let (plans, n_arrays, previous) = (plans.as_ref(), self.n_arrays, &previous);
                scope.spawn(move |_| {
                    if let Some(settled) = settled {
                        *coded = Ok(settled);
                        return;
                    }
                    let places = bands.iter().flat_map(|band| head.grid.band(band.plane, band.band));
                    let tile = |place: &Place| batch::tile(head, bands, place, previous);
                    *coded = device.encode(head, plans, n_arrays, &places.collect::<Vec<Place>>(), &tile);
                });
                self.hash.update(&given);
                written =
                    self.write_tiles(&payloads).and_then(|()| self.read(head, shown, next, &mut raw, &mut errors));
            });
            written?;
            payloads = coded?;
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
        shown: &Shown,
        bands: &[(usize, usize)],
        raw: &mut Vec<u8>,
        errors: &mut Errors,
    ) -> Result<()> {
        let ranges = bands.iter().map(|&(plane, band)| band_range(&head.ty, &head.grid, plane, band));
        let Some((first, _)) = ranges.clone().next() else { return Ok(()) };
        let first = shown.offset + first;
        (self.progress)(first)?;
        raw.resize(ranges.map(|(_, n_bytes)| n_bytes).sum(), 0);
        self.source.read_at(first, raw)?;
        if let Loss::Mantissa(..) = shown.loss {
            let original = raw.clone();
            shown.change(raw);
            errors.merge(&Errors::of(head.ty.dtype, &original, raw, head.ty.big_endian));
        }
        Ok(())
    }
}

/// The models that `choose` can measure.
fn of_cells(models: &[Arc<Model>]) -> Vec<Arc<Model>> {
    models.iter().filter(|model| model.vqae.is_none()).cloned().collect()
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
