//! Fine ints:  v̂ = clamp(p + 65·k, 0, max),  |v − v̂| ≤ 32 wherever v is seen
//!
//! A step of their map is 1/65 of twice the bound, so that v̂ keeps it whatever p is: what a painter makes of a few numbers need not lie
//! on a grid. k are the *corrections*, mostly 0. An encoder puts v̂ in the place of v, and all that follows sees what decoding gives.
//!
//! ```text
//! kind u8, 0: a classic code of ⌊(v + 32) / 65⌋, v̂ = min(65·k, max)      otherwise a painter's
//! ```

pub mod correct;
pub mod vqae;
pub mod wavelet;

use crate::error::Result;
use crate::tile::classic;

/// Fine ints of a step of twice the bound.
pub const FINE: i32 = 65;
/// The largest fine int that painters can reach.
pub const MAX_FINE: i32 = 1 << 20;
/// The kind of a tile without a painter.
pub const PLAIN: u8 = 0;

/// A tile's ints, which of them are hidden, and its size.
#[derive(Clone, Copy)]
pub struct Tile<'a> {
    pub ints: &'a [i32],
    pub classes: &'a [u8],
    pub h: usize,
    pub w: usize,
    pub max: i32,
}

/// What a tile becomes: its code, and the ints that decoding gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    pub code: Vec<u8>,
    pub ints: Vec<i32>,
}

/// A tile in steps of twice the bound.
pub fn plain(tile: Tile) -> Settled {
    let mut coarse: Vec<i32> = tile.ints.iter().map(|v| (v + FINE / 2) / FINE).collect();
    let mut code = vec![PLAIN];
    code.extend(classic::encode_masked(&coarse, tile.classes, tile.h, tile.w, max_of_plain(tile.max)));
    coarse.iter_mut().for_each(|k| *k = (*k * FINE).min(tile.max));
    Settled { code, ints: coarse }
}

/// Its inverse, behind the kind.
pub fn unplain(payload: &[u8], (h, w): (usize, usize), max: i32) -> Result<Vec<i32>> {
    let mut ints = vec![0; h * w];
    classic::decode(payload, h, w, max_of_plain(max), &mut ints)?;
    ints.iter_mut().for_each(|k| *k = (*k * FINE).min(max));
    Ok(ints)
}

fn max_of_plain(max: i32) -> u32 {
    ((max + FINE / 2) / FINE) as u32
}

/// What decoding gives.
pub fn corrected(p: &[i32], corrections: &[i32], max: i32) -> Vec<i32> {
    p.iter().zip(corrections).map(|(p, k)| (p + FINE * k).clamp(0, max)).collect()
}
