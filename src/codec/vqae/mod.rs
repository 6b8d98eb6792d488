//! One tile through a two-level autoencoder:  v̂ = clamp(p + 65·k, 0, max),  |v − v̂| ≤ 32 wherever v is seen
//!
//! Ints of such an array are *fine*: a step of the map is 1/65 of twice the bound, so that v̂ keeps it. p is what the meshes paint of
//! codes, k the *corrections*, mostly 0. An encoder puts v̂ in the place of v, and all that follows sees what decoding gives.
//!
//! ```text
//! kind u8, 0: a classic code of ⌊(v + 32) / 65⌋, v̂ = min(65·k, max)      1: one lane: blocks, then corrections
//! ```

mod block;
mod correct;
mod foresee;

pub use block::{Block, Codes, MAX_FINE, blocks, place, scale};

use crate::codec::classic;
use crate::codec::symbols::{Symbols, take_lane};
use crate::entropy::lanes::Popper;
use crate::error::{Error, Result};
use crate::model::vqae::Vqae;
use crate::wire::take_u8;

/// Fine ints of a step of twice the bound.
pub const FINE: i32 = 65;
const PLAIN: u8 = 0;
const PAINTED: u8 = 1;

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

/// The smaller of both kinds, of blocks whose codes and painted heads are known.
pub fn settle(vqae: &Vqae, tile: Tile, mut blocks: Vec<Block>, heads: &[Vec<i32>]) -> Settled {
    let plain = plain(tile);
    let painted = block::pour(&blocks, heads, tile.classes, tile.h, tile.w);
    let mut corrections = correct::of(tile, &painted);
    let mut code = Symbols::default();
    let known = foresee::walk(&mut code, vqae, tile.max, &mut blocks)
        .and_then(|()| correct::walk(&mut code, &painted, (tile.h, tile.w), &mut corrections));
    known.expect("what is known is not read");
    let mut bytes = vec![PAINTED];
    code.finish(&mut bytes);
    if plain.code.len() <= bytes.len() {
        return plain;
    }
    Settled { code: bytes, ints: corrected(&painted.p, &corrections, tile.max) }
}

fn plain(tile: Tile) -> Settled {
    let mut coarse: Vec<i32> = tile.ints.iter().map(|v| (v + FINE / 2) / FINE).collect();
    let max = ((tile.max + FINE / 2) / FINE) as u32;
    let mut code = vec![PLAIN];
    code.extend(classic::encode_masked(&coarse, tile.classes, tile.h, tile.w, max));
    coarse.iter_mut().for_each(|k| *k = (*k * FINE).min(tile.max));
    Settled { code, ints: coarse }
}

fn corrected(p: &[i32], corrections: &[i32], max: i32) -> Vec<i32> {
    p.iter().zip(corrections).map(|(p, k)| (p + FINE * k).clamp(0, max)).collect()
}

/// A payload on its way: its ints, or what is left to do when its codes are painted.
pub enum Opened {
    Plain(Vec<i32>),
    Painted { blocks: Vec<Block>, lane: Popper },
}

/// The first half of decoding: the codes.
pub fn open(vqae: &Vqae, mut payload: &[u8], classes: &[u8], (h, w): (usize, usize), max: i32) -> Result<Opened> {
    match take_u8(&mut payload)? {
        PLAIN => {
            let mut ints = vec![0; h * w];
            classic::decode(payload, h, w, ((max + FINE / 2) / FINE) as u32, &mut ints)?;
            ints.iter_mut().for_each(|k| *k = (*k * FINE).min(max));
            Ok(Opened::Plain(ints))
        }
        PAINTED => {
            let mut lane = take_lane(&mut payload)?;
            if !payload.is_empty() {
                return Err(Error::corrupt("bytes follow the lane of a tile"));
            }
            let mut blocks = block::empty(classes, h, w);
            foresee::walk(&mut lane, vqae, max, &mut blocks)?;
            Ok(Opened::Painted { blocks, lane })
        }
        other => Err(Error::unsupported(format!("a tile of kind {other} is not known to this version"))),
    }
}

/// The second half: the ints of painted blocks.
pub fn close(
    blocks: &[Block],
    mut lane: Popper,
    heads: &[Vec<i32>],
    classes: &[u8],
    (h, w): (usize, usize),
    max: i32,
) -> Result<Vec<i32>> {
    let painted = block::pour(blocks, heads, classes, h, w);
    let mut corrections = vec![0; h * w];
    correct::walk(&mut lane, &painted, (h, w), &mut corrections)?;
    lane.finish()?;
    Ok(corrected(&painted.p, &corrections, max))
}

/// All of encoding on the CPU.
pub fn encode(vqae: &Vqae, tile: Tile) -> Settled {
    let mut blocks = blocks(tile);
    blocks.iter_mut().filter(|block| block.is_coded()).for_each(|block| block.find(vqae));
    let heads: Vec<Vec<i32>> = blocks.iter().map(|block| block.paint(vqae)).collect();
    settle(vqae, tile, blocks, &heads)
}

/// All of decoding.
pub fn decode(vqae: &Vqae, payload: &[u8], classes: &[u8], size: (usize, usize), max: i32) -> Result<Vec<i32>> {
    match open(vqae, payload, classes, size, max)? {
        Opened::Plain(ints) => Ok(ints),
        Opened::Painted { blocks, lane } => {
            let heads: Vec<Vec<i32>> = blocks.iter().map(|block| block.paint(vqae)).collect();
            close(&blocks, lane, &heads, classes, size, max)
        }
    }
}
