//! What a damaged file could not give back, named in the array's own planes, rows and columns.
//!
//! A tile is a rectangle of the grid, which may lay planes below or beside each other. Sample after sample it is stretches of the array,
//! and a stretch is at most nine boxes of planes × rows × columns; boxes that touch are joined.

use crate::array::ArrayType;
use crate::grid::{Grid, Place};
use std::fmt;
use std::ops::Range;

/// Boxes are joined when there are so many more of them.
const N_LOOSE: usize = 4096;

/// A part of the content that is lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub what: What,
    /// What stands there instead.
    pub written: String,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Samples of an array. Of one phase, only those at that place of every 2 × 2 samples.
    Samples { array: String, region: Region, phase: Option<(usize, usize)> },
    /// Bytes of the content.
    Bytes(Range<u64>),
}

/// Planes, rows and columns, counted from 0, the ends not included; planes over all dimensions but the last two.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Region {
    axes: [(u64, u64); 3],
}

impl Region {
    pub fn planes(&self) -> Range<u64> {
        self.axes[0].0..self.axes[0].1
    }

    pub fn rows(&self) -> Range<u64> {
        self.axes[1].0..self.axes[1].1
    }

    pub fn columns(&self) -> Range<u64> {
        self.axes[2].0..self.axes[2].1
    }
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.what {
            What::Samples { array, region, phase } => {
                let (planes, rows, columns) = (region.planes(), region.rows(), region.columns());
                match planes.end - planes.start {
                    1 => write!(f, "{array}: plane {}", planes.start)?,
                    _ => write!(f, "{array}: planes {}:{}", planes.start, planes.end)?,
                }
                write!(f, ", rows {}:{}, columns {}:{}", rows.start, rows.end, columns.start, columns.end)?;
                if let Some((y, x)) = phase {
                    write!(f, ", of every 2×2 the sample at ({y}, {x})")?;
                }
            }
            What::Bytes(bytes) => write!(f, "bytes {}:{} of the content", bytes.start, bytes.end)?,
        }
        write!(f, " (written as {}): {}", self.written, self.why)
    }
}

/// Boxes that are joined while they are collected.
#[derive(Clone, Debug, Default)]
pub struct Regions {
    boxes: Vec<Region>,
    n_joined: usize,
}

impl Regions {
    /// The samples of a tile; of one of four phases, the 2 × 2 squares that they are in.
    pub fn add(&mut self, ty: &ArrayType, grid: &Grid, place: &Place) {
        let (y, x) = (place.band * grid.tile_h, place.column * grid.tile_w);
        let (y, h, x, w) = match grid.n_phases {
            4 => (2 * y, (2 * place.h).min(grid.h - 2 * y), 2 * x, (2 * place.w).min(grid.w - 2 * x)),
            _ => (y, place.h, x, place.w),
        };
        let stretch = |row: usize| ((place.plane * grid.h + row) as u64 * grid.w as u64 + x as u64, w as u64);
        match w == grid.w {
            true => self.stretch(ty, stretch(y).0, (h * w) as u64),
            false => (y..y + h).map(stretch).for_each(|(first, n)| self.stretch(ty, first, n)),
        }
    }

    /// `n` samples in C order.
    pub fn stretch(&mut self, ty: &ArrayType, first: u64, n: u64) {
        let (_, h, w) = ty.planes();
        for (rows, columns) in split((first, first + n), w) {
            let of_planes = split(rows, h).into_iter();
            self.boxes.extend(of_planes.map(|(planes, rows)| Region { axes: [planes, rows, columns] }));
        }
        if self.boxes.len() > 2 * self.n_joined + N_LOOSE {
            self.join();
        }
    }

    fn join(&mut self) {
        for axis in [2, 1, 0] {
            let others = |r: &Region| [r.axes[(axis + 1) % 3], r.axes[(axis + 2) % 3]];
            self.boxes.sort_by_key(|region| (others(region), region.axes[axis]));
            self.boxes.dedup_by(|next, region| {
                let touches = others(next) == others(region) && next.axes[axis].0 <= region.axes[axis].1;
                if touches {
                    region.axes[axis].1 = region.axes[axis].1.max(next.axes[axis].1);
                }
                touches
            });
        }
        self.n_joined = self.boxes.len();
    }

    pub fn into_boxes(mut self) -> Vec<Region> {
        self.join();
        self.boxes.sort();
        self.boxes
    }
}

/// A stretch of what is counted off in blocks of n: blocks, and what of each of them; at most three kinds.
fn split((start, end): (u64, u64), n: u64) -> Vec<((u64, u64), (u64, u64))> {
    let (first, last) = (start / n, (end - 1) / n);
    if first == last {
        return vec![((first, first + 1), (start - first * n, end - first * n))];
    }
    let (head, tail) = (start % n, end % n);
    let whole = (first + u64::from(head > 0), last + u64::from(tail == 0));
    let parts = [((first, first + 1), (head, n)), (whole, (0, n)), ((last, last + 1), (0, tail))];
    let is_there = [head > 0, whole.0 < whole.1, tail > 0];
    parts.into_iter().zip(is_there).filter_map(|(part, is_there)| is_there.then_some(part)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;
    use crate::grid::Layout;
    use std::collections::BTreeSet;

    /// The samples of boxes, each once.
    fn samples(boxes: &[Region], (h, w): (u64, u64)) -> BTreeSet<u64> {
        let mut all = BTreeSet::new();
        for region in boxes {
            for p in region.planes() {
                for y in region.rows() {
                    region.columns().for_each(|x| assert!(all.insert((p * h + y) * w + x), "{region:?} overlaps"));
                }
            }
        }
        all
    }

    #[test]
    fn boxes_hold_the_samples_of_a_tile_in_whatever_shape_an_array_is_cut() {
        for (shape, grids) in [
            (vec![6, 4, 10], vec![(6, 4, 10), (1, 24, 10), (1, 6, 40), (1, 1, 240), (3, 8, 10), (2, 40, 3)]),
            (vec![240], vec![(1, 1, 240), (1, 240, 1)]),
            (vec![2, 3, 4, 10], vec![(6, 4, 10), (1, 6, 40)]),
            (vec![240, 1, 1], vec![(1, 1, 240)]),
        ] {
            let ty = ArrayType { dtype: Dtype::U8, big_endian: false, shape };
            let (_, own_h, own_w) = ty.planes();
            for (n_planes, h, w) in grids {
                for (tile_h, tile_w) in [(1, 7), (3, 4), (5, 13), (h, w)] {
                    let (tile_h, tile_w) = (tile_h.min(h), tile_w.min(w));
                    let layout = Layout { n_planes, h, w, n_limbs: 1, n_phases: 1, tile_h, tile_w };
                    let grid = Grid::new(layout, 240).unwrap();
                    let places = (0..n_planes).flat_map(|p| (0..grid.n_bands()).map(move |band| (p, band)));
                    let mut all = Regions::default();
                    for place in places.flat_map(|(p, band)| grid.band(p, band).collect::<Vec<_>>()) {
                        let mut one = Regions::default();
                        one.add(&ty, &grid, &place);
                        all.add(&ty, &grid, &place);
                        let (y, x) = (place.band * tile_h, place.column * tile_w);
                        let at = |y: usize, x: usize| ((place.plane * h + y) * w + x) as u64;
                        let wanted = (0..place.h).flat_map(|i| (0..place.w).map(move |j| at(y + i, x + j))).collect();
                        assert_eq!(samples(&one.into_boxes(), (own_h, own_w)), wanted, "{ty:?} {grid:?} {place:?}");
                    }
                    let whole = all.into_boxes();
                    assert_eq!(whole.len(), 1, "all tiles of {grid:?} are all of {ty:?}: {whole:?}");
                }
            }
        }
    }

    #[test]
    fn a_phase_is_named_by_the_squares_that_it_is_in() {
        let ty = ArrayType { dtype: Dtype::U8, big_endian: false, shape: vec![5, 7] };
        let layout = Layout { n_planes: 1, h: 5, w: 7, n_limbs: 1, n_phases: 4, tile_h: 2, tile_w: 2 };
        let grid = Grid::new(layout, 35).unwrap();
        let mut regions = Regions::default();
        regions.add(&ty, &grid, &grid.place(0, 1, 0, 0, 1).unwrap());
        let region = regions.into_boxes().remove(0);
        assert_eq!((region.rows(), region.columns()), (4..5, 4..7));
        let what = What::Samples { array: "HDU 0".into(), region, phase: Some((1, 0)) };
        let lost = Lost { what, written: "NaN".into(), why: "it is gone".into() };
        let text =
            "HDU 0: plane 0, rows 4:5, columns 4:7, of every 2×2 the sample at (1, 0) (written as NaN): it is gone";
        assert_eq!(lost.to_string(), text);
    }
}
