//! The schedule of a family as a program, and what the CPU does around it: `run` takes many tiles through it.

use super::interface::TileInts;
use super::program::{Program, Stage};
use crate::entropy::lanes;
use crate::error::Result;
use crate::tile::table_coder::TablePop;
use std::borrow::Cow;

/// A tile on its way into a payload: what the program is given of it, and the ints that are coded.
pub(super) struct Prepared<'a> {
    pub inputs: Vec<Vec<i32>>,
    pub ints: Cow<'a, [i32]>,
}

/// What is left of a payload, by what its symbols were described with.
pub(super) enum Popper {
    Mixtures(lanes::Popper),
    Tables(Box<TablePop>),
}

impl Popper {
    /// Checks that nothing is left.
    pub fn finish(self) -> Result<()> {
        match self {
            Popper::Mixtures(popper) => popper.finish(),
            Popper::Tables(popper) => popper.finish(),
        }
    }
}

/// A tile on its way out of one: what the program is given of it, its ints so far, or why there are none.
pub(super) struct Tile {
    pub inputs: Vec<Vec<i32>>,
    pub ints: Vec<i32>,
    pub popper: Result<Popper>,
}

/// The schedule of a family as a program, and what the CPU does around it. `parts` are the words of a tile that have come back, for
/// each thing that the program asked for.
pub(super) trait Walk: Sync {
    fn program(&self) -> &Program;
    fn prepare<'t>(&self, tile: &TileInts<'t>) -> Prepared<'t>;
    fn pack(&self, ints: &[i32], parts: &[&[i32]]) -> Vec<u8>;
    fn open(&self, payload: &[u8]) -> Tile;
    fn pop(&self, tile: &mut Tile, stage: &Stage, parts: &[&[i32]]);
    fn finish(&self, tile: Tile, parts: &[&[i32]]) -> Result<Vec<i32>>;
}
