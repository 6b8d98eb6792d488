//! maps of a plane, sample by sample:   raw · signal to noise = (raw − sky) / σ · bits by tile · bits by cell · way of coding
//!
//! Bits of a tile are those of its block in the file, over its samples. Bits of a cell are −log2 of the probability that the network
//! or the table of counts gave it, smoothed; of a tile of a classic mode they are those of the tile.

use super::cards::Cards;
use super::stretch;
use collapsar::internals::Result;
use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::codec::file::costs::Told;
use collapsar::internals::sample::{Ordinary, Survey, sigma};
use collapsar::internals::source::Source;

/// Planes with more samples, or fewer rows or columns, are not drawn.
pub const MAX_SAMPLES: usize = 1 << 25;
const MIN_SIDE: usize = 8;
/// Cells are smoothed by a box so wide and high.
pub const BOX: usize = 9;

pub struct Maps {
    /// The plane that is shown, of how many.
    pub plane: usize,
    pub n_planes: usize,
    pub h: usize,
    pub w: usize,
    /// What samples stand for; NaN where they are fill values or not finite.
    pub raw: Vec<f32>,
    pub sky: f64,
    /// Noise in the same units; None where none is seen.
    pub sigma: Option<f64>,
    /// Bits per sample.
    pub tiles: Vec<f32>,
    pub cells: Option<Vec<f32>>,
    /// Which of the `names` codes it.
    pub modes: Vec<u8>,
    pub names: Vec<&'static str>,
}

impl Maps {
    /// Of the plane in the middle of an array; None where it is not drawn.
    pub fn of(archive: &Archive, array: &Array, source: &dyn Source, cards: &Cards) -> Result<Option<Maps>> {
        let grid = array.head.grid();
        let (h, w, plane) = (grid.h, grid.w, grid.n_planes / 2);
        if h.min(w) < MIN_SIDE || h * w > MAX_SAMPLES {
            return Ok(None);
        }
        let (dtype, big_endian) = (array.head.ty.dtype, array.head.ty.big_endian);
        let n_bytes = h * w * dtype.n_bytes();
        let bytes = source.bytes(array.offset + (plane * n_bytes) as u64, n_bytes)?;
        let mut survey = Survey::new(dtype);
        survey.update(&bytes, big_endian);
        let (scale, zero) = cards.scaling();
        let numbers = Ordinary::of(&survey).numbers(&bytes, big_endian);
        let numbers: Vec<f64> = numbers.into_iter().map(|x| zero + scale * x).collect();
        let raw: Vec<f32> = numbers.iter().map(|x| *x as f32).collect();
        let sigma = sigma(&numbers, w).filter(|sigma| *sigma > 0.0);
        let mut maps = Maps {
            plane,
            n_planes: grid.n_planes,
            h,
            w,
            sky: stretch::median(&raw).unwrap_or(0.0),
            raw,
            sigma,
            tiles: vec![0.0; h * w],
            cells: None,
            modes: vec![0; h * w],
            names: Vec::new(),
        };
        let mut cells = vec![0.0; h * w];
        let mut has_cells = false;
        for told in archive.told(array, plane)? {
            has_cells |= told.costs.is_some();
            maps.add(&told, (grid.tile_h, grid.tile_w, grid.n_phases), &mut cells);
        }
        maps.cells = has_cells.then(|| stretch::smooth(&cells, w, BOX));
        Ok(Some(maps))
    }

    /// Adds a tile; a sample of two parts takes the bits of both.
    fn add(&mut self, told: &Told, (tile_h, tile_w, n_phases): (usize, usize, usize), cells: &mut [f32]) {
        let place = &told.place;
        let bits = told.n_bytes as f32 * 8.0 / (place.h * place.w) as f32;
        let mode = self.names.iter().position(|name| *name == told.mode).unwrap_or_else(|| {
            self.names.push(told.mode);
            self.names.len() - 1
        });
        let (step, y0, x0) = if n_phases == 4 { (2, place.phase / 2, place.phase % 2) } else { (1, 0, 0) };
        for y in 0..place.h {
            for x in 0..place.w {
                let at = (step * (place.band * tile_h + y) + y0) * self.w + step * (place.column * tile_w + x) + x0;
                self.tiles[at] += bits;
                cells[at] += told.costs.as_ref().map_or(bits, |costs| costs[y * place.w + x] as f32 / 256.0);
                if place.limb == 0 {
                    self.modes[at] = mode as u8;
                }
            }
        }
    }

    /// How many σ a sample stands above the sky.
    pub fn signal(&self) -> Option<Vec<f32>> {
        let sigma = self.sigma?;
        Some(self.raw.iter().map(|x| ((f64::from(*x) - self.sky) / sigma) as f32).collect())
    }

    /// The bits to be drawn and written: by cell where they are known.
    pub fn finest(&self) -> &[f32] {
        self.cells.as_deref().unwrap_or(&self.tiles)
    }
}
