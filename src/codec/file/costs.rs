//! What the tiles of a plane take in the file, how they are coded, and what each of their ints costs by the network that coded it.

use crate::codec::file::archive::{Archive, Array};
use crate::codec::file::region::Tiles;
use crate::error::Result;
use crate::grid::Place;
use crate::tile::classic;
use crate::tile::code::Mode;

/// A tile as it lies in the file.
pub struct Told {
    pub place: Place,
    pub n_bytes: u64,
    /// `network`, or the name of a classic mode.
    pub mode: &'static str,
    /// −256 · log2 of the probability of each int; None of a classic tile, and where the network codes no ints.
    pub costs: Option<Vec<i32>>,
}

impl Archive<'_> {
    /// The tiles of a plane, in the order of the file.
    pub fn told<'a>(&'a self, array: &'a Array, plane: usize) -> Result<Vec<Told>> {
        let grid = array.head.grid();
        let mut tiles = Tiles::new(self);
        let places = (0..grid.n_bands()).flat_map(|band| grid.band(plane, band));
        places.map(|place| self.told_of(array, place, &mut tiles)).collect()
    }

    fn told_of<'a>(&'a self, array: &'a Array, place: Place, tiles: &mut Tiles<'a>) -> Result<Told> {
        let tiled = tiles.tiled(array);
        let block = tiled.block(array, &place);
        let n_bytes = self.reader.blocks().get(block).map_or(0, |b| u64::from(b.len));
        let code = self.tile(array, &place, block)?;
        if code.mode == Mode::Classic {
            let mode = classic::mode_name(tiled.coder.unmask(&code, &place)?.1);
            return Ok(Told { place, n_bytes, mode, costs: None });
        }
        let refs = tiles.refs(array, &place)?;
        let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
        let costs = tiled.coder.cell_costs(&place, &*tiles.tile(array, &place)?, &refs);
        Ok(Told { place, n_bytes, mode: array.head.coder.word(), costs })
    }
}
