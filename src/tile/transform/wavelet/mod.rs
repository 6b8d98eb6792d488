//! A slab of planes as a wavelet of three dimensions:  p = inverse(numbers · step) + base,  v̂ = clamp(p + 65·k, 0, max)
//!
//! For smooth fields within a wide bound: what changes slowly along planes, rows and columns is a few numbers, and what they leave out
//! is mostly within the bound. No network is asked.
//!
//! ```text
//! kind u8, 0: as `fine` says      2: quantum u8, base varint, one lane: numbers, then residuals
//! ```

mod bands;
mod fill;
pub mod lift;
mod numbers;
mod row;

use crate::entropy::adaptive::{Symbols, take_lane};
use crate::error::{Error, Result};
use crate::tile::classic;
use crate::tile::mask::hides;
use crate::tile::transform::correct::{self, Approximation};
use crate::tile::transform::{PLAIN, SUBSTEPS, Tile, TransformCoded, coarse, corrected, plain, unplain};
use crate::wire::{put_varint, take_u8, take_varint};
use bands::{Band, bands};
use lift::Size;

const WAVES: u8 = 2;
/// Numbers carry so many fractional bits.
const FRACTION: u32 = 3;
/// A quantum is a quarter of the bound.
const QUANTUM: i32 = (SUBSTEPS << FRACTION) / 8;
/// Twice, two and a half times … the bound: where an encoder looks for the best, from the middle.
const QUANTA: [u8; 7] = [6, 8, 10, 12, 14, 17, 21];
/// What masked ints become coefficients by, one after the other.
const QUANTA_OF_HIDDEN: [u8; 12] = [255, 200, 150, 110, 80, 60, 45, 33, 24, 18, 14, 11];
/// The same after a pyramid, whose fill is smooth already.
const QUANTA_AFTER_PYRAMID: [u8; 3] = [40, 22, 12];
/// What is rounded to a number begins so far below it, in 2⁻⁴.
const ROUND_UP: i32 = 6;
/// ⌊2¹⁶ / 1.149604398ⁿ⌋, n from −3 to 18.
const STEPS: [i64; 22] = [
    99569, 86611, 75340, 65536, 57007, 49588, 43135, 37522, 32639, 28391, 24696, 21482, 18687, 16255, 14139, 12299,
    10699, 9306, 8095, 7042, 6125, 5328,
];

/// Planes that a tile of `h` rows holds, of `rows` rows each.
fn size(h: usize, w: usize, rows: usize) -> Size {
    if h > rows { [h / rows, rows, w] } else { [1, h, w] }
}

fn step(band: &Band, quantum: u8) -> i32 {
    let whole = i64::from(QUANTUM) * (i64::from(quantum) + 1);
    ((whole * STEPS[(band.n_times + 3) as usize]) >> 16).max(1) as i32
}

/// Does something to every number of a band.
fn each(band: &Band, size: Size, values: &mut [i32], mut change: impl FnMut(&mut i32)) {
    let [planes, rows, columns] = &band.range;
    for (z, y) in planes.clone().flat_map(|z| rows.clone().map(move |y| (z, y))) {
        values[(z * size[1] + y) * size[2]..][columns.clone()].iter_mut().for_each(&mut change);
    }
}

/// What numbers say before residuals.
fn reconstruct(mut numbers: Vec<i32>, bands: &[Band], size: Size, (quantum, base): (u8, i32), max: i32) -> Vec<i32> {
    for band in bands {
        let step = step(band, quantum);
        each(band, size, &mut numbers, |n| *n = n.wrapping_mul(step));
    }
    lift::inverse(&mut numbers, size);
    let value = |n: &mut i32| *n = (n.wrapping_add(1 << (FRACTION - 1)) >> FRACTION).saturating_add(base).clamp(0, max);
    numbers.iter_mut().for_each(value);
    numbers
}

fn open(classes: &[u8], n: usize) -> Vec<bool> {
    (0..n).map(|i| !hides(classes, i)).collect()
}

/// A tile of planes of `rows` rows; the smaller of both kinds.
pub fn encode(tile: Tile, rows: usize) -> TransformCoded {
    let waves = Waves::of(tile, rows, |waves| waves.smooth(tile.ints.to_vec(), &QUANTA_OF_HIDDEN));
    let mut best = plain(tile);
    let mut pays = |quantum: u8| {
        let coded = waves.approximate(quantum).code(&waves);
        let pays = coded.code.len() < best.code.len();
        if pays {
            best = coded;
        }
        pays
    };
    search(&mut pays);
    best
}

/// The same, by estimates of what quanta take, two at a time.
pub fn encode_by_estimates(tile: Tile, rows: usize) -> TransformCoded {
    let waves = Waves::of(tile, rows, |waves| waves.smooth(waves.filled(), &QUANTA_AFTER_PYRAMID));
    let estimated = |quantum: u8| {
        let approximated = waves.approximate(quantum);
        (approximated.estimate(&waves), approximated)
    };
    let smaller = |[a, b]: [u8; 2]| {
        let (a, b) = (estimated(a), estimated(b));
        if b.0 < a.0 { b } else { a }
    };
    let middle = smaller([QUANTA[3], QUANTA[2]]);
    let outer = smaller(if middle.1.quantum == QUANTA[2] { [QUANTA[1], QUANTA[0]] } else { [QUANTA[4], QUANTA[6]] });
    let (_, best) = if outer.0 < middle.0 { outer } else { middle };
    let coded = best.code(&waves);
    let coarse: Vec<i32> = tile.ints.iter().map(|&v| coarse(v)).collect();
    let by_waves = coded.code.len() as u64 * 8;
    if classic::estimate_bits(&coarse, tile.h, tile.w) > by_waves + by_waves / 16 {
        return coded;
    }
    let plain = plain(tile);
    if plain.code.len() <= coded.code.len() { plain } else { coded }
}

/// About the bits of a tile, with one quantum.
pub fn estimate(tile: Tile, rows: usize) -> u64 {
    let waves = Waves::of(tile, rows, |waves| waves.smooth(waves.filled(), &QUANTA_AFTER_PYRAMID[1..]));
    waves.approximate(QUANTA[3]).estimate(&waves)
}

/// From the middle to finer quanta, then to coarser ones, each as long as it pays.
fn search(pays: &mut dyn FnMut(u8) -> bool) {
    let (finer, coarser) = QUANTA.split_at(QUANTA.len() / 2 + 1);
    let n_finer = finer.iter().rev().take_while(|&&quantum| pays(quantum)).count();
    if n_finer <= 1 {
        coarser.iter().take_while(|&&quantum| pays(quantum)).count();
    }
}

/// A tile as waves.
struct Waves<'a> {
    tile: Tile<'a>,
    size: Size,
    bands: Vec<Band>,
    base: i32,
    coefficients: Vec<i32>,
}

/// What is coded of it with one quantum.
struct Approximated {
    quantum: u8,
    numbers: Vec<i32>,
    approximation: Approximation,
    k: Vec<i32>,
}

impl Waves<'_> {
    fn of<'a>(tile: Tile<'a>, rows: usize, smooth: impl Fn(&Waves) -> Vec<i32>) -> Waves<'a> {
        let size = size(tile.h, tile.w, rows);
        let base = (tile.ints.iter().map(|&v| i64::from(v)).sum::<i64>() / tile.ints.len().max(1) as i64) as i32;
        let mut waves = Waves { tile, size, bands: bands(size), base, coefficients: Vec::new() };
        waves.coefficients = waves.transformed(&smooth(&waves));
        waves
    }

    fn transformed(&self, ints: &[i32]) -> Vec<i32> {
        let mut coefficients: Vec<i32> = ints.iter().map(|v| (v - self.base) << FRACTION).collect();
        lift::forward(&mut coefficients, self.size);
        coefficients
    }

    /// The numbers that coefficients become.
    fn round(&self, mut coefficients: Vec<i32>, quantum: u8) -> Vec<i32> {
        for band in &self.bands {
            let step = step(band, quantum);
            let up = step * ROUND_UP / 16;
            each(band, self.size, &mut coefficients, |n| *n = n.signum() * ((n.abs() + up) / step));
        }
        coefficients
    }

    fn reconstruct(&self, numbers: Vec<i32>, quantum: u8) -> Vec<i32> {
        reconstruct(numbers, &self.bands, self.size, (quantum, self.base), self.tile.max)
    }

    fn has_hidden(&self) -> bool {
        (0..self.tile.ints.len()).any(|i| hides(self.tile.classes, i))
    }

    /// The ints of a tile, with those that are masked between those that are seen.
    fn filled(&self) -> Vec<i32> {
        let mut ints = self.tile.ints.to_vec();
        if self.has_hidden() {
            fill::fill(&mut ints, self.tile.classes, self.size, self.base);
        }
        ints
    }

    /// The same, with those that are masked as smooth as those that are seen allow.
    fn smooth(&self, mut ints: Vec<i32>, quanta: &[u8]) -> Vec<i32> {
        if !self.has_hidden() {
            return ints;
        }
        for &quantum in quanta {
            let p = self.reconstruct(self.round(self.transformed(&ints), quantum), quantum);
            let masked = ints.iter_mut().zip(p).enumerate().filter(|(i, _)| hides(self.tile.classes, *i));
            masked.for_each(|(_, (int, p))| *int = p);
        }
        ints
    }

    fn approximate(&self, quantum: u8) -> Approximated {
        let numbers = self.round(self.coefficients.clone(), quantum);
        let p = self.reconstruct(numbers.clone(), quantum);
        let approximation = Approximation { p, open: open(self.tile.classes, self.tile.ints.len()) };
        let k = correct::of(self.tile, &approximation);
        Approximated { quantum, numbers, approximation, k }
    }
}

impl Approximated {
    fn estimate(&self, waves: &Waves) -> u64 {
        numbers::estimate(&waves.bands, waves.size, &self.numbers)
            + correct::estimate(&self.approximation, waves.size, &self.k)
    }

    fn code(mut self, waves: &Waves) -> TransformCoded {
        let mut code = Symbols::default();
        numbers::walk(&mut code, &waves.bands, waves.size, &mut self.numbers).expect("what is known is not read");
        correct::walk(&mut code, &self.approximation, waves.size, &mut self.k).expect("what is known is not read");
        let mut bytes = vec![WAVES, self.quantum];
        put_varint(&mut bytes, waves.base as u64);
        code.finish(&mut bytes);
        TransformCoded { code: bytes, ints: corrected(&self.approximation.p, &self.k, waves.tile.max) }
    }
}

/// The ints of a tile.
pub fn decode(mut payload: &[u8], classes: &[u8], (h, w): (usize, usize), rows: usize, max: i32) -> Result<Vec<i32>> {
    match take_u8(&mut payload)? {
        PLAIN => unplain(payload, (h, w), max),
        WAVES => {
            let quantum = take_u8(&mut payload)?;
            let base = take_varint(&mut payload)?;
            let base = i32::try_from(base).ok().filter(|&base| base <= max);
            let base = base.ok_or_else(|| Error::corrupt("a tile whose mean is beyond its range"))?;
            let mut lane = take_lane(&mut payload)?;
            if !payload.is_empty() {
                return Err(Error::corrupt("bytes follow the lane of a tile"));
            }
            let size = size(h, w, rows);
            let (bands, mut numbers) = (bands(size), vec![0; h * w]);
            numbers::walk(&mut lane, &bands, size, &mut numbers)?;
            let p = reconstruct(numbers, &bands, size, (quantum, base), max);
            let approximation = Approximation { p, open: open(classes, h * w) };
            let mut k = vec![0; h * w];
            correct::walk(&mut lane, &approximation, size, &mut k)?;
            lane.finish()?;
            Ok(corrected(&approximation.p, &k, max))
        }
        other => Err(Error::unsupported(format!("a tile of kind {other} is not known to this version"))),
    }
}
