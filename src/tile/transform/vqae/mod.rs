//! One tile of oversampled ints through a two-level autoencoder: p is what the meshes decode of codes
//!
//! ```text
//! kind u8, 0: as `fine` says      1: one lane: blocks, then residuals
//! ```

mod block;
mod prior;

pub use block::{Block, Codes, blocks, place, scale};

use crate::entropy::adaptive::{Symbols, take_lane};
use crate::entropy::lanes::Popper;
use crate::error::{Error, Result};
use crate::kernel::fast::Kernels;
use crate::model::vqae::Vqae;
use crate::tile::transform::{PLAIN, Tile, TransformCoded, correct, corrected, plain, unplain};
use crate::wire::take_u8;

const BLOCKS: u8 = 1;

/// An autoencoder, and the kernels with its meshes.
#[derive(Clone, Copy)]
pub struct Autoencoder<'a> {
    pub vqae: &'a Vqae,
    pub kernels: &'a Kernels,
}

/// The smaller of both kinds, of blocks whose codes and approximation heads are known.
pub fn smaller_of_both(
    autoencoder: Autoencoder,
    tile: Tile,
    mut blocks: Vec<Block>,
    heads: &[Vec<i32>],
) -> TransformCoded {
    let plain = plain(tile);
    let approximation = block::pour(&blocks, heads, tile.classes, tile.h, tile.w);
    let mut residuals = correct::of(tile, &approximation);
    let mut code = Symbols::default();
    let known = prior::walk(&mut code, autoencoder, tile.max, &mut blocks)
        .and_then(|()| correct::walk(&mut code, &approximation, [1, tile.h, tile.w], &mut residuals));
    known.expect("what is known is not read");
    let mut bytes = vec![BLOCKS];
    code.finish(&mut bytes);
    if plain.code.len() <= bytes.len() {
        return plain;
    }
    TransformCoded { code: bytes, ints: corrected(&approximation.p, &residuals, tile.max) }
}

/// A payload on its way: its ints, or what is left to do when its codes are approximation.
pub enum Opened {
    Plain(Vec<i32>),
    Blocks { blocks: Vec<Block>, lane: Popper },
}

/// The first half of decoding: the codes.
pub fn open(
    autoencoder: Autoencoder,
    mut payload: &[u8],
    classes: &[u8],
    (h, w): (usize, usize),
    max: i32,
) -> Result<Opened> {
    match take_u8(&mut payload)? {
        PLAIN => Ok(Opened::Plain(unplain(payload, (h, w), max)?)),
        BLOCKS => {
            let mut lane = take_lane(&mut payload)?;
            if !payload.is_empty() {
                return Err(Error::corrupt("bytes follow the lane of a tile"));
            }
            let mut blocks = block::empty(classes, h, w);
            prior::walk(&mut lane, autoencoder, max, &mut blocks)?;
            Ok(Opened::Blocks { blocks, lane })
        }
        other => Err(Error::unsupported(format!("a tile of kind {other} is not known to this version"))),
    }
}

impl Opened {
    /// The second half: the ints of approximation blocks.
    pub fn close(self, heads: &[Vec<i32>], classes: &[u8], (h, w): (usize, usize), max: i32) -> Result<Vec<i32>> {
        match self {
            Opened::Plain(ints) => Ok(ints),
            Opened::Blocks { blocks, mut lane } => {
                let approximation = block::pour(&blocks, heads, classes, h, w);
                let mut residuals = vec![0; h * w];
                correct::walk(&mut lane, &approximation, [1, h, w], &mut residuals)?;
                lane.finish()?;
                Ok(corrected(&approximation.p, &residuals, max))
            }
        }
    }
}

/// All of encoding on the CPU.
pub fn encode(autoencoder: Autoencoder, tile: Tile) -> TransformCoded {
    let mut blocks = blocks(tile);
    blocks.iter_mut().filter(|block| block.is_coded()).for_each(|block| block.encode(autoencoder));
    let heads: Vec<Vec<i32>> = blocks.iter().map(|block| block.decode(autoencoder)).collect();
    smaller_of_both(autoencoder, tile, blocks, &heads)
}

/// All of decoding.
pub fn decode(
    autoencoder: Autoencoder,
    payload: &[u8],
    classes: &[u8],
    size: (usize, usize),
    max: i32,
) -> Result<Vec<i32>> {
    let opened = open(autoencoder, payload, classes, size, max)?;
    let heads = match &opened {
        Opened::Plain(_) => Vec::new(),
        Opened::Blocks { blocks, .. } => blocks.iter().map(|block| block.decode(autoencoder)).collect(),
    };
    opened.close(&heads, classes, size, max)
}
