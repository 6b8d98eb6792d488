//! array → statistics → the maps that come into question;     what decoding gives ↔ what was there
//!
//! What an encoder sees of an array before it chooses, and how it holds what was lost against what may be.

use crate::array::ArrayType;
use crate::codec::head::Head;
use crate::codec::memory::Memory;
use crate::error::Result;
use crate::sample::{Errors, Loss, Map, NoiseStep, PsnrSearch, Stats, Survey, shorten};
use crate::source::Source;
use rayon::prelude::*;

/// Bytes that are looked at at once, and by one thread.
const SCAN_GROUP: usize = 8 << 20;
const SCAN_CHUNK: usize = 1 << 19;
/// Noise is measured in so many stretches of at most so many samples.
const N_STRETCHES: u64 = 16;
const STRETCH: u64 = 1 << 16;

/// The file as it is shown to who chooses and codes: where mantissas are shortened, that is what the array is.
pub struct Shown<'a> {
    pub source: &'a dyn Source,
    /// Where the array begins.
    pub offset: u64,
    pub ty: &'a ArrayType,
    pub loss: Loss,
    pub memory: Memory,
}

impl Shown<'_> {
    pub fn change(&self, bytes: &mut [u8]) {
        if let Loss::Mantissa(n_bits, rounding) = self.loss {
            shorten(bytes, self.ty.dtype, self.ty.big_endian, n_bits, rounding);
        }
    }
}

impl Source for Shown<'_> {
    fn len(&self) -> u64 {
        self.source.len()
    }

    /// Whole samples of the array.
    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        self.source.read_at(offset, out)?;
        self.change(out);
        Ok(())
    }
}

/// What an array is coded by.
pub struct Ways {
    /// The maps that come into question.
    pub maps: Vec<Map>,
    /// What the noise of the array decided.
    pub noise: Option<NoiseStep>,
}

impl From<Vec<Map>> for Ways {
    fn from(maps: Vec<Map>) -> Ways {
        Ways { maps, noise: None }
    }
}

pub fn ways(shown: &Shown) -> Result<Ways> {
    let (ty, big_endian) = (shown.ty, shown.ty.big_endian);
    let stats = scan(shown, &|| Stats::new(ty.dtype), &|s, bytes| s.update(bytes, big_endian), &Stats::merge)?;
    let mut maps = Map::candidates(&stats);
    if matches!(shown.loss, Loss::None | Loss::Mantissa(..)) {
        return Ok(maps.into());
    }
    let survey = survey(shown)?;
    let of_loss = |loss: Loss| loss.bound(&survey).and_then(|bound| Map::bounded(&survey, bound));
    if let Loss::NoiseStep(_) = shown.loss {
        let (rows, w) = stretches(shown)?;
        let noise = NoiseStep::of(shown.loss, &survey, &rows, big_endian, w);
        maps.extend(noise.and_then(|noise| of_loss(noise.loss())));
        return Ok(Ways { maps, noise });
    }
    let Some(mut search) = PsnrSearch::new(shown.loss, &survey) else {
        maps.extend(of_loss(shown.loss));
        return Ok(maps.into());
    };
    while let Some(trial) = search.trial() {
        let Some(map) = of_loss(trial) else { break };
        let add = |errors: &mut Errors, bytes: &[u8]| errors.merge(&map.measure(bytes, big_endian));
        search.tell(scan(shown, &Errors::default, &add, &Errors::merge)?.mean_square());
    }
    maps.extend(of_loss(search.found()));
    Ok(maps.into())
}

/// Whole rows, or parts of long ones, evenly spread over an array; and how many samples such a row has.
fn stretches(shown: &Shown) -> Result<(Vec<u8>, usize)> {
    let n_samples = shown.ty.n_samples()?;
    let w = match shown.ty.planes() {
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
        let n_bytes = shown.ty.dtype.n_bytes() as u64;
        bytes.extend(shown.bytes(shown.offset + first * row * n_bytes, (n * row * n_bytes) as usize)?);
    }
    Ok((bytes, row as usize))
}

/// What a loss needs to know of all samples.
pub fn survey(shown: &Shown) -> Result<Survey> {
    let (ty, big_endian) = (shown.ty, shown.ty.big_endian);
    scan(shown, &|| Survey::new(ty.dtype), &|s, bytes| s.update(bytes, big_endian), &Survey::merge)
}

/// Holds what decoding gives against what was there.
pub fn check(head: &Head, raw: &[u8], given: &[u8]) -> Result<Errors> {
    let parts = raw.par_chunks(SCAN_CHUNK).zip(given.par_chunks(SCAN_CHUNK));
    let parts = parts.map(|(raw, given)| head.map.check(raw, given, head.ty.big_endian));
    let mut all = Errors::default();
    for part in parts.collect::<Result<Vec<Errors>>>()? {
        all.merge(&part);
    }
    Ok(all)
}

/// One pass over an array by all threads; parts are merged in the order of the array.
fn scan<T: Send>(
    shown: &Shown,
    new: &(dyn Fn() -> T + Sync),
    update: &(dyn Fn(&mut T, &[u8]) + Sync),
    merge: &dyn Fn(&mut T, &T),
) -> Result<T> {
    let n_bytes = shown.ty.n_bytes()?;
    let mut all = new();
    let mut group = vec![0; n_bytes.min(SCAN_GROUP as u64) as usize];
    for start in (0..n_bytes).step_by(SCAN_GROUP) {
        group.truncate((n_bytes - start).min(SCAN_GROUP as u64) as usize);
        let parts = group.par_chunks_mut(SCAN_CHUNK).enumerate().map(|(i, bytes)| {
            shown.read_at(shown.offset + start + (i * SCAN_CHUNK) as u64, bytes)?;
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
