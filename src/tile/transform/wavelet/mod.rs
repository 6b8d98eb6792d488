//! A slab of planes as a wavelet of three dimensions:  p = inverse(numbers · step) + base,  v̂ = clamp(p + 65·k, 0, max)
//!
//! For smooth fields within a wide bound: what changes slowly along planes, rows and columns is a few numbers, and what they leave out
//! is mostly within the bound. No network is asked.
//!
//! ```text
//! kind u8, 0: as `fine` says      2: quantum u8, base varint, one lane: numbers, then residuals
//! ```

mod bands;
pub mod lift;
mod numbers;

use crate::entropy::adaptive::{Symbols, take_lane};
use crate::error::{Error, Result};
use crate::tile::mask::hides;
use crate::tile::transform::correct::{self, Approximation};
use crate::tile::transform::{PLAIN, SUBSTEPS, Tile, TransformCoded, corrected, plain, unplain};
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
    let size = size(tile.h, tile.w, rows);
    let bands = bands(size);
    let base = (tile.ints.iter().map(|&v| i64::from(v)).sum::<i64>() / tile.ints.len().max(1) as i64) as i32;
    let coefficients = coefficients(&smooth(tile, &bands, size, base), size, base);
    let one = |quantum: u8| one(tile, &coefficients, &bands, size, (quantum, base));
    let mut best = plain(tile);
    // from the middle to finer quanta, then to coarser ones, each as long as it pays
    let (finer, coarser) = QUANTA.split_at(QUANTA.len() / 2 + 1);
    let mut n_finer = 0;
    for &quantum in finer.iter().rev() {
        let settled = one(quantum);
        if settled.code.len() >= best.code.len() {
            break;
        }
        (best, n_finer) = (settled, n_finer + 1);
    }
    for &quantum in coarser.iter().take_while(|_| n_finer <= 1) {
        let settled = one(quantum);
        if settled.code.len() >= best.code.len() {
            break;
        }
        best = settled;
    }
    best
}

fn coefficients(ints: &[i32], size: Size, base: i32) -> Vec<i32> {
    let mut coefficients: Vec<i32> = ints.iter().map(|v| (v - base) << FRACTION).collect();
    lift::forward(&mut coefficients, size);
    coefficients
}

/// The numbers that coefficients become.
fn round(coefficients: &[i32], bands: &[Band], size: Size, quantum: u8) -> Vec<i32> {
    let mut numbers = coefficients.to_vec();
    for band in bands {
        let step = step(band, quantum);
        let up = step * ROUND_UP / 16;
        each(band, size, &mut numbers, |n| *n = n.signum() * ((n.abs() + up) / step));
    }
    numbers
}

/// The ints of a tile, with those that are masked as smooth as those that are seen allow.
fn smooth(tile: Tile, bands: &[Band], size: Size, base: i32) -> Vec<i32> {
    let mut ints = tile.ints.to_vec();
    if (0..ints.len()).any(|i| hides(tile.classes, i)) {
        for quantum in QUANTA_OF_HIDDEN {
            let numbers = round(&coefficients(&ints, size, base), bands, size, quantum);
            let p = reconstruct(numbers, bands, size, (quantum, base), tile.max);
            let masked = ints.iter_mut().zip(p).enumerate().filter(|(i, _)| hides(tile.classes, *i));
            masked.for_each(|(_, (int, p))| *int = p);
        }
    }
    ints
}

fn one(tile: Tile, coefficients: &[i32], bands: &[Band], size: Size, (quantum, base): (u8, i32)) -> TransformCoded {
    let mut numbers = round(coefficients, bands, size, quantum);
    let mut code = Symbols::default();
    numbers::walk(&mut code, bands, size, &mut numbers).expect("what is known is not read");
    let p = reconstruct(numbers, bands, size, (quantum, base), tile.max);
    let approximation = Approximation { p, open: open(tile.classes, tile.ints.len()) };
    let mut k = correct::of(tile, &approximation);
    correct::walk(&mut code, &approximation, size, &mut k).expect("what is known is not read");
    let mut bytes = vec![WAVES, quantum];
    put_varint(&mut bytes, base as u64);
    code.finish(&mut bytes);
    TransformCoded { code: bytes, ints: corrected(&approximation.p, &k, tile.max) }
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
