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
    /// `network`, `counts`, `wavelet`, or the name of a classic mode.
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
        let tile = tiles.decoded(array, &place, &code, &refs)?;
        let costs = tiled.coder.cell_costs(&place, &tile, &refs);
        Ok(Told { place, n_bytes, mode: array.head.coder.word(), costs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::{ArrayType, Dtype};
    use crate::internals::{Choice, Options, compress};
    use crate::model::Family;
    use crate::synthetic::{self, Lcg};

    /// Planes that drift, a part of which is one value; u16.
    fn planes(n: usize, h: usize, w: usize) -> Vec<u8> {
        let mut random = Lcg(3);
        let fixed: Vec<u32> = (0..h * w).map(|_| random.bits(6)).collect();
        let sample = |i: usize| if i % w < w / 8 { 7 } else { 1000 + fixed[i % (h * w)] + random.bits(3) };
        (0..n * h * w).map(sample).flat_map(|v| (v as u16).to_le_bytes()).collect()
    }

    #[test]
    fn what_cells_cost_adds_up_to_what_their_tile_takes() {
        for (family, n, h, w) in
            [(Family::Pixelcnn, 3, 90, 300), (Family::Lattice, 1, 300, 270), (Family::Idf, 1, 64, 65)]
        {
            let model = synthetic::stored(&synthetic::tiny(family, 11, 3));
            let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![n, h, w] };
            let options =
                Options { model: Choice::These(vec![model]), raw: Some(ty), embed: true, ..Options::default() };
            let packed = compress(&planes(n as usize, h as usize, w as usize), &options).unwrap();
            let archive = Archive::open(&packed, &[]).unwrap();
            let array = archive.arrays().next().unwrap();
            let grid = array.head.grid();
            let told = archive.told(array, grid.n_planes / 2).unwrap();
            assert_eq!(told.len() as u64, grid.n_tiles() / grid.n_planes as u64);
            for tile in &told {
                assert!(tile.n_bytes > 0 && !tile.mode.is_empty());
                let Some(costs) = &tile.costs else { continue };
                assert_eq!(costs.len(), tile.place.h * tile.place.w);
                let bytes = costs.iter().map(|cost| i64::from(*cost)).sum::<i64>() / (256 * 8);
                // beside its symbols a tile has a seed, lanes, a label, sums: 100 bytes, and states that are not quite full
                let more = tile.n_bytes as i64 - bytes;
                assert!((-8..100 + bytes / 50).contains(&more), "{family:?}: {bytes} of {}", tile.n_bytes);
            }
            let has_costs = told.iter().any(|tile| tile.costs.is_some());
            assert!(!has_costs || family != Family::Idf, "a flow codes other ints than those of the array");
        }
    }
}
