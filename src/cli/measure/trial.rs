//! source → coded → decoded → how good that is
//!
//! Both files lie among the temporary ones, so that memory does not depend on their size. A .gz is looked at unpacked.

use crate::cli::args::Coding;
use crate::cli::machine::memory;
use crate::cli::machine::resources;
use crate::cli::path::input;
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::format::gzip::{self, Inflated};
use collapsar::internals::format::{self, Hint, Piece};
use collapsar::internals::model::Model;
use collapsar::internals::quality::{Look, Quality, Stretch, Total, look, measure};
use collapsar::internals::sample::{Bound, NoiseStep};
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::{Adapt, Choice, Error, Loss, Options, Report, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::sync::Arc;

/// The content of a .gz is not unpacked further than this.
const MAX_CONTENT: u64 = 1 << 36;

pub const NO_ARRAYS: &str = "holds no arrays that are understood: give --shape and --dtype of a raw one";

/// What came of a file.
pub struct Trial {
    /// What was asked for; None of two files.
    pub loss: Option<Loss>,
    pub n_bytes_in: u64,
    /// None where it was no .clps file.
    pub n_bytes_out: Option<u64>,
    pub arrays: Vec<Judged>,
    pub total: Total,
    /// What it became, unpacked.
    decoded: Option<FileSource>,
}

pub struct Judged {
    pub label: String,
    pub ty: ArrayType,
    pub coded: Option<Coded>,
    pub quality: Quality,
}

/// How an array lies in a .clps file; a long row is several there.
#[derive(Clone, Copy, Default)]
pub struct Coded {
    pub n_bytes: u64,
    pub bound: Option<Bound>,
    pub noise: Option<NoiseStep>,
    on_gpus: bool,
}

impl Judged {
    pub fn bits(&self) -> Option<f64> {
        let n = self.ty.n_samples().unwrap_or(0).max(1);
        self.coded.map(|c| c.n_bytes as f64 * 8.0 / n as f64)
    }
}

impl Trial {
    /// The bound that was asked for, in words.
    pub fn asked(&self) -> String {
        self.loss.map_or(String::new(), Loss::describe)
    }

    /// Of the whole file, headers and all.
    pub fn bits(&self) -> Option<f64> {
        self.n_bytes_out.map(|n| n as f64 * 8.0 / self.total.n_samples.max(1) as f64)
    }

    /// Whether a network codes one of the arrays.
    pub fn on_gpus(&self) -> bool {
        self.arrays.iter().filter_map(|a| a.coded).any(|coded| coded.on_gpus)
    }

    /// The same arrays at another size: what another codec took for them.
    pub fn at(&self, n_bytes_out: u64, n_bytes: &[u64]) -> Trial {
        let array = |(array, n_bytes): (&Judged, &u64)| Judged {
            label: array.label.clone(),
            ty: array.ty.clone(),
            coded: Some(Coded { n_bytes: *n_bytes, ..Coded::default() }),
            quality: array.quality.clone(),
        };
        Trial {
            loss: self.loss,
            n_bytes_in: self.n_bytes_in,
            n_bytes_out: Some(n_bytes_out),
            arrays: self.arrays.iter().zip(n_bytes).map(array).collect(),
            total: self.total.clone(),
            decoded: None,
        }
    }

    /// Whether every sample is the same bits.
    pub fn is_lossless(&self) -> bool {
        self.total.n_changed + self.total.n_masked_changed == 0
    }
}

/// A file whose arrays are looked at.
pub struct Original {
    pub source: FileSource,
    raw: Option<ArrayType>,
    /// Offset, type, label.
    pub arrays: Vec<(u64, ArrayType, String)>,
}

impl Original {
    pub fn new(source: FileSource, raw: Option<ArrayType>) -> Result<Original> {
        let source = if raw.is_some() { source } else { unpacked(source)? };
        let pieces = format::read(&source, &Hint { raw: raw.clone() })?.pieces;
        let array = |piece| match piece {
            Piece::Array { offset, ty, label } => Some((offset, ty, label)),
            Piece::Bytes { .. } => None,
        };
        Ok(Original { source, raw, arrays: pieces.into_iter().filter_map(array).collect() })
    }

    /// It has arrays, which is what there is to judge.
    pub fn checked(self) -> Result<Original> {
        if self.has_arrays() { Ok(self) } else { Err(Error::argument(NO_ARRAYS)) }
    }

    pub fn has_arrays(&self) -> bool {
        !self.arrays.is_empty()
    }

    /// Compresses, restores and measures.
    pub fn trial(&self, loss: Loss, coding: &Coding, given: &[Arc<Model>]) -> Result<Trial> {
        self.trial_by(loss, (coding.choice(given)?, coding.adapt()), given)
    }

    /// The same with what is chosen.
    pub fn trial_by(&self, loss: Loss, how: (Choice, Adapt), given: &[Arc<Model>]) -> Result<Trial> {
        let (packed, report) = self.packed(loss, how)?;
        let decoded = restored(&packed, given)?;
        let noise: Vec<Option<NoiseStep>> = report.arrays.iter().map(|a| a.noise).collect();
        let coded = self.coded(&packed, given, &noise)?;
        self.judge(Original::new(decoded, self.raw.clone())?, Some(loss), Some((packed.len(), coded)))
    }

    /// A file of the same layout in place of what a codec would give back.
    pub fn held_against(&self, decoded: FileSource, loss: Loss) -> Result<Trial> {
        self.judge(Original::new(decoded, self.raw.clone())?, Some(loss), None)
    }

    /// What there is to be drawn of the first arrays of a trial, which forgets what it became.
    pub fn looks(&self, trial: &mut Trial, n_most: usize) -> Result<Vec<Option<Look>>> {
        let Some(decoded) = trial.decoded.take() else { return Ok(Vec::new()) };
        let decoded = Original::new(decoded, self.raw.clone())?;
        let mut looks = Vec::new();
        for (i, ((offset, ty, label), (at, other_ty, _))) in
            self.arrays.iter().zip(&decoded.arrays).enumerate().take(n_most)
        {
            let original = Stretch { source: &self.source, offset: *offset, ty };
            let decoded = Stretch { source: &decoded.source, offset: *at, ty: other_ty };
            looks.push(look(original, decoded, &trial.arrays[i].quality).map_err(|e| e.at(label))?);
        }
        Ok(looks)
    }

    /// Compresses without loss; what was written gives every byte back.
    pub fn lossless(&self, coding: &Coding, given: &[Arc<Model>]) -> Result<FileSource> {
        let (packed, _) = self.packed(Loss::default(), (coding.choice(given)?, coding.adapt()))?;
        match is_same(&self.source, &restored(&packed, given)?)? {
            true => Ok(packed),
            false => Err(Error::verify("what was written does not give the bytes back")),
        }
    }

    fn packed(&self, loss: Loss, (model, adapt): (Choice, Adapt)) -> Result<(FileSource, Report)> {
        let options = Options {
            model,
            raw: self.raw.clone(),
            device: resources::device(),
            memory: resources::memory(),
            adapt,
            loss: loss.check()?,
            ..Options::default()
        };
        let packed = temporary()?;
        let (out, report) = collapsar::internals::compress_to(&self.source, packed, &options, &|_| memory::watch())?;
        Ok((whole(out)?, report))
    }

    /// Measures another file, which a .clps file is restored for.
    pub fn against(&self, other: FileSource, given: &[Arc<Model>]) -> Result<Trial> {
        if !input::is_clps(&other)? {
            return self.judge(Original::new(other, self.raw.clone())?, None, None);
        }
        let decoded = restored(&other, given)?;
        // a .gz is one inside as well, so its arrays lie elsewhere than the content says
        let coded = self.coded(&other, given, &[])?;
        self.judge(Original::new(decoded, self.raw.clone())?, None, Some((other.len(), coded)))
    }

    /// What the arrays take in a .clps file of the same content.
    fn coded(&self, packed: &FileSource, given: &[Arc<Model>], noise: &[Option<NoiseStep>]) -> Result<Vec<Coded>> {
        let archive = Archive::open(packed, given)?;
        let blocks = archive.reader.blocks();
        let n_bytes = |array: &collapsar::internals::codec::file::archive::Array| {
            let last = array.first_block + array.head.grid().n_tiles() as usize;
            blocks.get(array.first_block - 1..last).unwrap_or_default().iter().map(|b| u64::from(b.len)).sum::<u64>()
        };
        let one = |(offset, ty, _): &(u64, ArrayType, String)| {
            let range = *offset..*offset + ty.n_bytes()?;
            let inside: Vec<_> = archive.arrays().enumerate().filter(|(_, a)| range.contains(&a.offset)).collect();
            Ok(Coded {
                n_bytes: inside.iter().map(|(_, a)| n_bytes(a)).sum(),
                bound: inside.iter().find_map(|(_, a)| a.head.map.bound()),
                noise: inside.iter().find_map(|(i, _)| noise.get(*i).copied().flatten()),
                on_gpus: inside.iter().any(|(_, a)| a.head.coder.runs_on_gpus()),
            })
        };
        self.arrays.iter().map(one).collect()
    }

    fn judge(&self, other: Original, loss: Option<Loss>, coded: Option<(u64, Vec<Coded>)>) -> Result<Trial> {
        if self.arrays.len() != other.arrays.len() {
            let (a, b) = (self.arrays.len(), other.arrays.len());
            return Err(Error::argument(format!("{a} arrays cannot be held against {b}")));
        }
        let (mut arrays, mut total) = (Vec::new(), Total::default());
        for (i, ((offset, ty, label), (at, other_ty, _))) in self.arrays.iter().zip(&other.arrays).enumerate() {
            let original = Stretch { source: &self.source, offset: *offset, ty };
            let decoded = Stretch { source: &other.source, offset: *at, ty: other_ty };
            let quality = measure(original, decoded).map_err(|e| e.at(label))?;
            total.add(&quality);
            let coded = coded.as_ref().and_then(|(_, arrays)| arrays.get(i).copied());
            arrays.push(Judged { label: label.clone(), ty: ty.clone(), coded, quality });
        }
        let (n_bytes_in, n_bytes_out) = (self.source.len(), coded.map(|c| c.0));
        Ok(Trial { loss, n_bytes_in, n_bytes_out, arrays, total, decoded: Some(other.source) })
    }
}

pub fn temporary() -> Result<BufWriter<File>> {
    Ok(BufWriter::with_capacity(1 << 18, tempfile::tempfile()?))
}

pub fn whole(out: BufWriter<File>) -> Result<FileSource> {
    FileSource::new(out.into_inner().map_err(|e| Error::from(e.into_error()))?)
}

fn restored(packed: &FileSource, given: &[Arc<Model>]) -> Result<FileSource> {
    let mut out = temporary()?;
    collapsar::internals::decompress_to(packed, &mut out, &resources::decoding(given), &|_| memory::watch())?;
    out.flush()?;
    whole(out)
}

fn is_same(a: &FileSource, b: &FileSource) -> Result<bool> {
    const CHUNK: u64 = 1 << 20;
    if a.len() != b.len() {
        return Ok(false);
    }
    for at in (0..a.len()).step_by(CHUNK as usize) {
        let n = CHUNK.min(a.len() - at) as usize;
        if a.bytes(at, n)? != b.bytes(at, n)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unpacked(source: FileSource) -> Result<FileSource> {
    if source.len() > 18 && source.bytes(0, 2)? == [0x1f, 0x8b] {
        let mut spool = tempfile::tempfile()?;
        if let Inflated::Whole(_) = gzip::inflate(&source, &mut spool, MAX_CONTENT)? {
            return FileSource::new(spool);
        }
    }
    Ok(source)
}
