//! Each op once, plain: the definition that every other implementation is compared with, byte for byte.
//!
//! A tile lives in an *arena*: its ints (times 64) with a halo around them, in whatever order its schedule laid them out. A
//! *run* is a row of cells that lie side by side in the arena and whose neighbours are all known; a tap is a constant offset
//! from a cell to a neighbour. That is all a kernel knows: raster, skewed raster, lattice, reference planes differ only in offsets.
//!
//! ```text
//! predict      ints around the cell             -> b, the linear prediction
//! context      ints and residuals around it, b  -> s, the local scale, and the heads of the net
//! causal_conv  the same for a net whose layers see activations of cells that came earlier
//! mixture      heads, b, s                      -> K logistics: location, log2 scale, weight
//! interval     mixture and symbol               -> start and width in 2^24; and back from a quantile
//! table        heads, b, s                      -> which of the fixed tables, and its middle
//! couple       b, heads                         -> what a flow adds to a value, or takes from it
//! quantise     the first head                   -> a feature that is transmitted; b and s in steps of a coarser scale
//! mesh         activations of a block's cells   -> heads of every cell; the nearest code of latents
//! ```
//!
//! All quantities are i32. Ints carry 6 fractional bits once inside (`ONE` = 64), logarithms 8.

#![expect(clippy::needless_range_loop, reason = "kernels and their shaders count alike: for c in 0..k")]

pub mod activation_cache;
pub mod causal_conv;
pub mod context;
pub mod couple;
#[allow(unsafe_code, reason = "intrinsics; the one room where it is allowed")]
pub mod fast;
pub mod interval;
pub mod log2;
pub mod mesh;
pub mod mixture;
pub mod predict;
pub mod quantise;
pub mod rans;
pub mod table;
pub mod table_symbol;
mod table_word;
pub mod tables;

/// One int, in the fixed point of the kernels.
pub const ONE: i32 = 64;
/// The largest int a network may see: beyond it a tile uses a classic mode.
pub const MAX_INT: i32 = 1 << 22;
/// A residual is clamped here, so that sums of 32 of them fit an i32.
pub const MAX_RESIDUAL: i32 = 1 << 22;
/// Cells that must exist behind the last run, so that a kernel may work in whole vectors.
pub const SLACK: usize = 64;
/// A transmitted feature q is a value 64·q like an int, and 4·q to a net.
pub const HINT_SHIFT: u32 = 4;

/// The arenas of one tile: its own ints and residuals, and the ints of its reference planes.
#[derive(Clone, Copy)]
pub struct Arenas<'a> {
    pub values: &'a [i32],
    pub residuals: &'a [i32],
    pub refs: &'a [&'a [i32]],
    pub stats: PlaneStats,
}

/// A run, and what its cells see.
#[derive(Clone, Copy)]
pub struct Site<'a> {
    pub arenas: Arenas<'a>,
    pub offsets: &'a Offsets,
    /// The first cell, and how many there are.
    pub at: usize,
    pub n: usize,
    /// What a net is told of the cells' level; nothing where there is one level only.
    pub level: i32,
}

impl<'a> Site<'a> {
    /// Cell i of the run, alone.
    pub fn cell(self, i: usize) -> Site<'a> {
        Site { at: self.at + i, n: 1, ..self }
    }

    /// What the first cell sees at an offset.
    #[inline(always)]
    fn value(&self, offset: i32) -> i32 {
        self.arenas.values[address(self.at, offset)]
    }

    #[inline(always)]
    fn residual(&self, offset: i32) -> i32 {
        self.arenas.residuals[address(self.at, offset)]
    }
}

/// What is usual in a plane, found by the encoder: a star stands above it, a dark frame never leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlaneStats {
    /// The median int, times `ONE`.
    pub median: i32,
    /// The median |residual|, at least 1: what stands where no residual is known yet, too.
    pub spread: i32,
}

/// Where a cell reads, as offsets from its own place in the arena.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offsets {
    /// Known neighbours, nearest first.
    pub taps: Vec<i32>,
    /// Places in each reference plane; the first is the cell's own.
    pub ref_taps: Vec<i32>,
    /// Cells coded earlier, whose activations layers see.
    pub around: Vec<i32>,
    /// Where the features lie that were transmitted for the scale above.
    pub hints: Vec<i32>,
}

/// The address of a neighbour.
#[inline(always)]
pub fn address(cell: usize, offset: i32) -> usize {
    (cell as isize + offset as isize) as usize
}
