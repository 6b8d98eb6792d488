//! source → the same source with its integer arrays denoised: what an encoder that denoises takes for its source
//!
//! Whoever reads a part of an array gets what `denoise` makes of it, whichever part that is: what a sample becomes depends on the samples
//! of its plane, on the noise of its array, and on nothing else. Beyond the edges of a plane its samples are mirrored.

use crate::array::{ArrayType, Dtype};
use crate::codec::array::memory::Memory;
use crate::codec::search::view::{self, SourceView};
use crate::denoise::{HALO, Patch};
use crate::error::{Error, Result};
use crate::kernel::fast::{Kernels, Level};
use crate::sample::{Errors, Loss, Movable, NoiseStep, looks_like_mosaic};
use crate::source::Source;
use crate::weights;

/// A patch has at most so many columns and samples.
const MAX_COLUMNS: usize = 1 << 14;
const MAX_SAMPLES: usize = 1 << 18;
/// Rows in which a colour filter array is looked for.
const MOSAIC_ROWS: usize = 64;

pub struct Denoised<'a> {
    source: &'a dyn Source,
    kernels: Kernels,
    places: Vec<Place>,
}

/// An array whose samples are moved.
struct Place {
    offset: u64,
    ty: ArrayType,
    movable: Movable,
    step: usize,
}

/// Samples of one plane that lie in a rectangle.
struct Cut {
    plane: usize,
    rows: (usize, usize),
    columns: (usize, usize),
}

impl<'a> Denoised<'a> {
    pub fn new(source: &'a dyn Source) -> Denoised<'a> {
        let kernels = Kernels::new(Level::detect(), []).with([weights::denoiser()]);
        Denoised { source, kernels, places: Vec::new() }
    }

    /// From now on this array is denoised, where it has noise.
    pub fn add(&mut self, offset: u64, ty: &ArrayType, loss: Loss) -> Result<()> {
        if matches!(ty.dtype, Dtype::F32 | Dtype::F64) {
            let dtype = ty.dtype.name();
            return Err(Error::argument(format!(
                "denoising is for integers, and these are {dtype}: bound them by --abs or --noise-step"
            )));
        }
        let view = SourceView { source: self.source, offset, ty, loss, memory: Memory::default() };
        let Some(movable) = view::movable(&view)? else { return Ok(()) };
        let mut place = Place { offset, ty: ty.clone(), movable, step: 1 };
        place.step = if place.is_mosaic(self.source)? { 2 } else { 1 };
        self.places.push(place);
        Ok(())
    }

    /// What the noise of an array decided, of one that begins in it.
    pub fn noise(&self, offset: u64) -> Option<NoiseStep> {
        self.place(offset).map(|place| place.movable.noise)
    }

    fn place(&self, offset: u64) -> Option<&Place> {
        self.places.iter().find(|place| (place.offset..place.end()).contains(&offset))
    }

    /// How far samples from an offset on are off; whoever finds one beyond the bound has found a mistake of ours.
    pub fn check(&self, offset: u64, ty: &ArrayType, given: &[u8]) -> Result<Errors> {
        let errors = Errors::of(ty.dtype, &self.source.bytes(offset, given.len())?, given, ty.big_endian);
        match self.place(offset) {
            Some(place) if !place.movable.noise.allows(&errors) => {
                Err(Error::verify("denoising moved a sample by more than its bound"))
            }
            _ => Ok(errors),
        }
    }
}

impl Source for Denoised<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out)?;
        let end = offset + out.len() as u64;
        for place in &self.places {
            let (from, to) = (place.offset.max(offset), place.end().min(end));
            if from < to {
                let out = &mut out[(from - offset) as usize..(to - offset) as usize];
                place.denoise(self.source, &self.kernels, from - place.offset, out)?;
            }
        }
        Ok(())
    }
}

impl Place {
    fn n_bytes(&self) -> usize {
        self.ty.dtype.n_bytes()
    }

    fn end(&self) -> u64 {
        let (n, h, w) = view::shape(&self.ty);
        self.offset + (n * h * w * self.n_bytes()) as u64
    }

    /// Puts the denoised samples of a stretch of the array in place of the others; it may begin and end within a sample.
    fn denoise(&self, source: &dyn Source, kernels: &Kernels, from: u64, out: &mut [u8]) -> Result<()> {
        let n = self.n_bytes() as u64;
        let (first, last) = (from / n, (from + out.len() as u64).div_ceil(n));
        let (mut bytes, mut at) = (source.bytes(self.offset + first * n, ((last - first) * n) as usize)?, first);
        while at < last {
            let part = self.first_cut(at as usize, last as usize);
            let (h, w) = (part.rows.1 - part.rows.0, part.columns.1 - part.columns.0);
            let samples = self.samples(source, &part)?;
            let patch = Patch { samples: &samples, h, w, step: self.step };
            let n_bytes = h * w * self.n_bytes();
            let there = &mut bytes[((at - first) * n) as usize..][..n_bytes];
            self.movable.write(&patch.denoised(kernels, &self.movable), there);
            at += (h * w) as u64;
        }
        out.copy_from_slice(&bytes[(from - first * n) as usize..][..out.len()]);
        Ok(())
    }

    /// The longest cut that begins with sample `at`, whose samples follow each other up to `last`.
    fn first_cut(&self, at: usize, last: usize) -> Cut {
        let (_, h, w) = view::shape(&self.ty);
        let (plane, y, x) = (at / (h * w), at / w % h, at % w);
        if x == 0 && last - at >= w && w <= MAX_COLUMNS {
            let n = ((last - at) / w).min(h - y).min((MAX_SAMPLES / w).max(1));
            return Cut { plane, rows: (y, y + n), columns: (0, w) };
        }
        Cut { plane, rows: (y, y + 1), columns: (x, w.min(x + (last - at).min(MAX_COLUMNS))) }
    }

    /// The samples of a cut and those around it.
    fn samples(&self, source: &dyn Source, part: &Cut) -> Result<Vec<i64>> {
        let (halo, (_, h, w)) = (HALO * self.step, view::shape(&self.ty));
        let around = |(from, to): (usize, usize), n: usize| {
            (0..to - from + 2 * halo)
                .map(move |i| mirrored(from as i64 + i as i64 - halo as i64, n))
                .collect::<Vec<usize>>()
        };
        let (rows, columns) = (around(part.rows, h), around(part.columns, w));
        let (first, last) = ends_of(&columns);
        let (mut all, mut bytes) =
            (Vec::with_capacity(rows.len() * columns.len()), vec![0; (last + 1 - first) * self.n_bytes()]);
        let mut row = Vec::new();
        for y in rows {
            let sample = (part.plane * h + y) * w + first;
            source.read_at(self.offset + (sample * self.n_bytes()) as u64, &mut bytes)?;
            row.clear();
            self.movable.read(&bytes, &mut row);
            all.extend(columns.iter().map(|x| row[x - first]));
        }
        Ok(all)
    }

    fn is_mosaic(&self, source: &dyn Source) -> Result<bool> {
        let (n, h, w) = view::shape(&self.ty);
        if w > MAX_COLUMNS {
            return Ok(false);
        }
        let rows = MOSAIC_ROWS.min(h);
        // an even row, so that a filter begins where it does in the plane
        let first = (n / 2 * h + (h - rows) / 4 * 2) * w;
        let bytes = source.bytes(self.offset + (first * self.n_bytes()) as u64, rows * w * self.n_bytes())?;
        let mut samples = Vec::new();
        self.movable.read(&bytes, &mut samples);
        let ints: Vec<i32> = samples.iter().map(|&sample| sample as i32).collect();
        Ok(looks_like_mosaic(&ints, rows, w))
    }
}

/// A place of n, counted on beyond its ends and back from there: what is an even number of steps away stays that.
fn mirrored(i: i64, n: usize) -> usize {
    let period = (2 * n as i64 - 2).max(1);
    let i = i.rem_euclid(period) as usize;
    if i < n { i } else { period as usize - i }
}

fn ends_of(places: &[usize]) -> (usize, usize) {
    places.iter().fold((usize::MAX, 0), |(low, high), &i| (low.min(i), high.max(i)))
}
