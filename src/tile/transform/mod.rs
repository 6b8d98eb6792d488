//! Fine ints:  v̂ = clamp(p + 65·k, 0, max),  |v − v̂| ≤ 32 wherever v is seen
//!
//! A step of their map is 1/65 of twice the bound, so that v̂ keeps it whatever p is: what a autoencoder makes of a few numbers need not lie
//! on a grid. k are the *residuals*, mostly 0. An encoder puts v̂ in the place of v, and all that follows sees what decoding gives.
//!
//! ```text
//! kind u8, 0: a classic code of ⌊(v + 32) / 65⌋, v̂ = min(65·k, max)      otherwise a autoencoder's
//! ```

pub mod correct;
mod histogram;
pub mod vqae;
pub mod wavelet;

use crate::error::Result;
use crate::tile::classic;

/// Fine ints of a step of twice the bound.
pub const SUBSTEPS: i32 = 65;
/// The largest fine int that an approximation can reach.
pub const MAX_OVERSAMPLED: i32 = 1 << 20;
/// The kind of a tile without a autoencoder.
pub const PLAIN: u8 = 0;

/// A tile's ints, which of them are masked, and its size.
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
pub struct TransformCoded {
    pub code: Vec<u8>,
    pub ints: Vec<i32>,
}

/// An int in steps of twice the bound.
fn coarse(int: i32) -> i32 {
    (int + SUBSTEPS / 2) / SUBSTEPS
}

/// A tile in steps of twice the bound.
pub fn plain(tile: Tile) -> TransformCoded {
    let mut coarse: Vec<i32> = tile.ints.iter().map(|&v| coarse(v)).collect();
    let mut code = vec![PLAIN];
    code.extend(classic::encode_masked(&coarse, tile.classes, tile.h, tile.w, max_of_plain(tile.max)));
    coarse.iter_mut().for_each(|k| *k = (*k * SUBSTEPS).min(tile.max));
    TransformCoded { code, ints: coarse }
}

/// Its inverse, behind the kind.
pub fn unplain(payload: &[u8], (h, w): (usize, usize), max: i32) -> Result<Vec<i32>> {
    let mut ints = vec![0; h * w];
    classic::decode(payload, h, w, max_of_plain(max), &mut ints)?;
    ints.iter_mut().for_each(|k| *k = (*k * SUBSTEPS).min(max));
    Ok(ints)
}

fn max_of_plain(max: i32) -> u32 {
    ((max + SUBSTEPS / 2) / SUBSTEPS) as u32
}

/// What decoding gives.
pub fn corrected(p: &[i32], residuals: &[i32], max: i32) -> Vec<i32> {
    p.iter().zip(residuals).map(|(p, k)| (p + SUBSTEPS * k).clamp(0, max)).collect()
}
