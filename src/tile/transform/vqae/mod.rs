//! One tile of fine ints through a two-level autoencoder: p is what the meshes paint of codes
//!
//! ```text
//! kind u8, 0: as `fine` says      1: one lane: blocks, then corrections
//! ```

mod block;
mod prior;

pub use block::{Block, Codes, blocks, place, scale};

use crate::entropy::adaptive::{Symbols, take_lane};
use crate::entropy::lanes::Popper;
use crate::error::{Error, Result};
use crate::kernel::fast::Fast;
use crate::model::vqae::Vqae;
use crate::tile::transform::{PLAIN, Settled, Tile, correct, corrected, plain, unplain};
use crate::wire::take_u8;

const PAINTED: u8 = 1;

/// An autoencoder, and the kernels with its meshes.
#[derive(Clone, Copy)]
pub struct Painter<'a> {
    pub vqae: &'a Vqae,
    pub fast: &'a Fast,
}

/// The smaller of both kinds, of blocks whose codes and painted heads are known.
pub fn settle(painter: Painter, tile: Tile, mut blocks: Vec<Block>, heads: &[Vec<i32>]) -> Settled {
    let plain = plain(tile);
    let painted = block::pour(&blocks, heads, tile.classes, tile.h, tile.w);
    let mut corrections = correct::of(tile, &painted);
    let mut code = Symbols::default();
    let known = prior::walk(&mut code, painter, tile.max, &mut blocks)
        .and_then(|()| correct::walk(&mut code, &painted, [1, tile.h, tile.w], &mut corrections));
    known.expect("what is known is not read");
    let mut bytes = vec![PAINTED];
    code.finish(&mut bytes);
    if plain.code.len() <= bytes.len() {
        return plain;
    }
    Settled { code: bytes, ints: corrected(&painted.p, &corrections, tile.max) }
}

/// A payload on its way: its ints, or what is left to do when its codes are painted.
pub enum Opened {
    Plain(Vec<i32>),
    Painted { blocks: Vec<Block>, lane: Popper },
}

/// The first half of decoding: the codes.
pub fn open(painter: Painter, mut payload: &[u8], classes: &[u8], (h, w): (usize, usize), max: i32) -> Result<Opened> {
    match take_u8(&mut payload)? {
        PLAIN => Ok(Opened::Plain(unplain(payload, (h, w), max)?)),
        PAINTED => {
            let mut lane = take_lane(&mut payload)?;
            if !payload.is_empty() {
                return Err(Error::corrupt("bytes follow the lane of a tile"));
            }
            let mut blocks = block::empty(classes, h, w);
            prior::walk(&mut lane, painter, max, &mut blocks)?;
            Ok(Opened::Painted { blocks, lane })
        }
        other => Err(Error::unsupported(format!("a tile of kind {other} is not known to this version"))),
    }
}

impl Opened {
    /// The second half: the ints of painted blocks.
    pub fn close(self, heads: &[Vec<i32>], classes: &[u8], (h, w): (usize, usize), max: i32) -> Result<Vec<i32>> {
        match self {
            Opened::Plain(ints) => Ok(ints),
            Opened::Painted { blocks, mut lane } => {
                let painted = block::pour(&blocks, heads, classes, h, w);
                let mut corrections = vec![0; h * w];
                correct::walk(&mut lane, &painted, [1, h, w], &mut corrections)?;
                lane.finish()?;
                Ok(corrected(&painted.p, &corrections, max))
            }
        }
    }
}

/// All of encoding on the CPU.
pub fn encode(painter: Painter, tile: Tile) -> Settled {
    let mut blocks = blocks(tile);
    blocks.iter_mut().filter(|block| block.is_coded()).for_each(|block| block.find(painter));
    let heads: Vec<Vec<i32>> = blocks.iter().map(|block| block.paint(painter)).collect();
    settle(painter, tile, blocks, &heads)
}

/// All of decoding.
pub fn decode(painter: Painter, payload: &[u8], classes: &[u8], size: (usize, usize), max: i32) -> Result<Vec<i32>> {
    let opened = open(painter, payload, classes, size, max)?;
    let heads = match &opened {
        Opened::Plain(_) => Vec::new(),
        Opened::Painted { blocks, .. } => blocks.iter().map(|block| block.paint(painter)).collect(),
    };
    opened.close(&heads, classes, size, max)
}
