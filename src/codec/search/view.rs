//! An array as an encoder sees it: its samples, with shortened mantissas where these are asked for, and its statistics.

use crate::array::ArrayType;
use crate::codec::array::memory::Memory;
use crate::error::Result;
use crate::sample::{Ends, Errors, Loss, Map, Movable, NoiseStep, PsnrSearch, Stats, Survey, Values, shorten};
use crate::source::Source;
use rayon::prelude::*;

/// Bytes that are looked at at once, and by one thread.
const SCAN_GROUP: usize = 8 << 20;
pub(super) const SCAN_CHUNK: usize = 1 << 19;
/// Noise is measured in so many stretches of at most so many samples.
const N_STRETCHES: u64 = 16;
const STRETCH: u64 = 1 << 16;

/// An array in its file, as who chooses and codes sees it: where mantissas are shortened, that is what the array is.
#[derive(Clone, Copy)]
pub struct SourceView<'a> {
    pub source: &'a dyn Source,
    /// Where the array begins.
    pub offset: u64,
    pub ty: &'a ArrayType,
    pub loss: Loss,
    pub memory: Memory,
}

impl SourceView<'_> {
    pub fn shorten(&self, bytes: &mut [u8]) {
        if let Loss::Mantissa(n_bits, rounding) = self.loss {
            shorten(bytes, self.ty.dtype, self.ty.big_endian, n_bits, rounding);
        }
    }
}

impl Source for SourceView<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    /// Whole samples of the array.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out)?;
        self.shorten(out);
        Ok(())
    }
}

/// Planes, rows, columns. A column is a row: tiles are wide, not tall.
pub fn shape(ty: &ArrayType) -> (usize, usize, usize) {
    let (n_planes, h, w) = match ty.planes() {
        (n, 1, 1) => (1, 1, n),
        (n, h, 1) => (n, 1, h),
        shape => shape,
    };
    (n_planes as usize, h as usize, w as usize)
}

/// What an array may be coded by.
pub struct Candidates {
    pub maps: Vec<Map>,
    /// Where something may be lost.
    pub ends: Option<Ends>,
    /// What the noise of the array decided.
    pub noise: Option<NoiseStep>,
    /// What a loss needs to know of all samples, where something may be lost.
    survey: Option<Survey>,
}

impl Candidates {
    pub fn survey(&self) -> &Survey {
        self.survey.as_ref().expect("an array within a bound was surveyed")
    }
}

/// One pass for the statistics, and another one where something may be lost.
pub fn candidates(view: &SourceView) -> Result<Candidates> {
    let (ty, big_endian) = (view.ty, view.ty.big_endian);
    let stats = scan(view, &|| Stats::new(ty.dtype), &|s, bytes| s.update(bytes, big_endian), &Stats::merge)?;
    let mut maps = Map::candidates(&stats);
    if matches!(view.loss, Loss::None | Loss::Mantissa(..)) {
        return Ok(Candidates { maps, ends: None, noise: None, survey: None });
    }
    let survey = scan(view, &|| Survey::new(ty.dtype), &|s, bytes| s.update(bytes, big_endian), &Survey::merge)?;
    let (loss, noise) = bounded(view, &survey)?;
    maps.extend(loss.and_then(|loss| loss.bound(&survey)).and_then(|bound| Map::bounded(&survey, bound)));
    Ok(Candidates { maps, ends: survey.range(), noise, survey: Some(survey) })
}

/// The loss that keeps what is asked for, which a noise or a search may decide.
fn bounded(view: &SourceView, survey: &Survey) -> Result<(Option<Loss>, Option<NoiseStep>)> {
    let big_endian = view.ty.big_endian;
    if let Loss::NoiseStep(_) = view.loss {
        let (rows, w) = stretches(view)?;
        let noise = NoiseStep::of(view.loss, survey, &rows, big_endian, w);
        return Ok((noise.map(NoiseStep::loss), noise));
    }
    let Some(mut search) = PsnrSearch::new(view.loss, survey) else { return Ok((Some(view.loss), None)) };
    while let Some(trial) = search.trial() {
        let Some(map) = trial.bound(survey).and_then(|bound| Map::bounded(survey, bound)) else { break };
        let add = |errors: &mut Errors, bytes: &[u8]| errors.merge(&map.measure(bytes, big_endian));
        search.tell(&scan(view, &Errors::default, &add, &Errors::merge)?);
    }
    Ok((Some(search.found()), None))
}

/// What denoising may do to an array; None where it has no noise.
pub fn movable(view: &SourceView) -> Result<Option<Movable>> {
    let (dtype, big_endian) = (view.ty.dtype, view.ty.big_endian);
    let update = |(survey, values): &mut (Survey, Values), bytes: &[u8]| {
        survey.update(bytes, big_endian);
        values.update(bytes, big_endian);
    };
    let merge = |all: &mut (Survey, Values), part: &(Survey, Values)| {
        all.0.merge(&part.0);
        all.1.merge(&part.1);
    };
    let (survey, values) = scan(view, &|| (Survey::new(dtype), Values::new(dtype)), &update, &merge)?;
    let (rows, w) = stretches(view)?;
    Ok(Movable::of(view.loss, (&survey, &values), &rows, big_endian, w))
}

/// Whole rows, or parts of long ones, evenly spread over an array; and how many samples such a row has.
fn stretches(view: &SourceView) -> Result<(Vec<u8>, usize)> {
    let n_samples = view.ty.n_samples()?;
    let w = match view.ty.planes() {
        (_, h, 1) if h > 1 => h,
        (n, 1, 1) => n,
        (_, _, w) => w,
    };
    let row = w.clamp(1, STRETCH);
    let n_rows = n_samples / row;
    let n_per_stretch = (STRETCH / row).max(1);
    let n_stretches = n_rows.div_ceil(n_per_stretch).min(N_STRETCHES);
    let mut bytes = Vec::new();
    for i in 0..n_stretches {
        let first = n_rows * i / n_stretches;
        // a stretch ends where the next one begins
        let n = (n_rows * (i + 1) / n_stretches - first).min(n_per_stretch);
        let n_bytes = view.ty.dtype.n_bytes() as u64;
        bytes.extend(view.bytes(view.offset + first * row * n_bytes, (n * row * n_bytes) as usize)?);
    }
    Ok((bytes, row as usize))
}

/// One pass over an array by all threads; parts are merged in the order of the array.
fn scan<T: Send>(
    view: &SourceView,
    new: &(dyn Fn() -> T + Sync),
    update: &(dyn Fn(&mut T, &[u8]) + Sync),
    merge: &dyn Fn(&mut T, &T),
) -> Result<T> {
    let n_bytes = view.ty.n_bytes()?;
    let mut all = new();
    let mut group = vec![0; n_bytes.min(SCAN_GROUP as u64) as usize];
    for start in (0..n_bytes).step_by(SCAN_GROUP) {
        group.truncate((n_bytes - start).min(SCAN_GROUP as u64) as usize);
        let parts = group.par_chunks_mut(SCAN_CHUNK).enumerate().map(|(i, bytes)| {
            view.read_at(view.offset + start + (i * SCAN_CHUNK) as u64, bytes)?;
            let mut part = new();
            update(&mut part, bytes);
            Ok(part)
        });
        for part in parts.collect::<Result<Vec<T>>>()? {
            merge(&mut all, &part);
        }
    }
    Ok(all)
}
