//! array → tiles of at most 2¹⁷ samples, each read with what lies above it and to its left → groups of tiles, one per thread at a time
//!
//! A group has a histogram of its own; sums of groups are merged in the order of the array.

use crate::array::ArrayType;
use crate::error::Result;
use rayon::prelude::*;
use std::ops::Range;

const TILE_SAMPLES: usize = 1 << 17;
const MAX_TILE_W: usize = 1 << 10;
const GROUP_SAMPLES: usize = 1 << 20;

/// How an array is looked at. A column is a row, so that windows lie along it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub n_planes: usize,
    pub h: usize,
    pub w: usize,
    tile_h: usize,
    tile_w: usize,
}

/// Some rows and columns of a plane.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    pub plane: usize,
    pub rows: Range<usize>,
    pub columns: Range<usize>,
}

impl Spot {
    pub fn w(&self) -> usize {
        self.columns.len()
    }

    /// With up to `n` more rows and columns before it.
    pub fn widened(&self, (n_rows, n_columns): (usize, usize)) -> Spot {
        let before = |r: &Range<usize>, n: usize| r.start.saturating_sub(n)..r.end;
        Spot { plane: self.plane, rows: before(&self.rows, n_rows), columns: before(&self.columns, n_columns) }
    }

    /// With up to `n` more each way, in a plane of a size.
    pub fn grown(&self, n: usize, (h, w): (usize, usize)) -> Spot {
        let grown = |r: &Range<usize>, size: usize| r.start.saturating_sub(n)..(r.end + n).min(size);
        Spot { plane: self.plane, rows: grown(&self.rows, h), columns: grown(&self.columns, w) }
    }
}

impl Cut {
    pub fn new(ty: &ArrayType) -> Result<Cut> {
        ty.n_bytes()?;
        let (n_planes, h, w) = ty.planes();
        let (n_planes, h, w) = (n_planes as usize, h as usize, w as usize);
        let (n_planes, h, w) = match (n_planes, h, w) {
            (n, 1, 1) => (1, 1, n),
            (n, h, 1) => (n, 1, h),
            shape => shape,
        };
        let tile_w = w.clamp(1, MAX_TILE_W);
        Ok(Cut { n_planes, h, w, tile_h: (TILE_SAMPLES / tile_w).min(h.max(1)), tile_w })
    }

    fn n_tiles(&self) -> usize {
        self.n_planes * self.h.div_ceil(self.tile_h) * self.w.div_ceil(self.tile_w)
    }

    fn spot(&self, number: usize) -> Spot {
        let n_columns = self.w.div_ceil(self.tile_w);
        let (band, column) = (number / n_columns, number % n_columns);
        let n_bands = self.h.div_ceil(self.tile_h);
        let (plane, y, x) = (band / n_bands, band % n_bands * self.tile_h, column * self.tile_w);
        Spot { plane, rows: y..(y + self.tile_h).min(self.h), columns: x..(x + self.tile_w).min(self.w) }
    }

    /// Index of the sample at the beginning of a row of a spot.
    pub fn index(&self, spot: &Spot, row: usize) -> u64 {
        ((spot.plane * self.h + row) * self.w + spot.columns.start) as u64
    }

    /// All tiles by all threads.
    pub fn fold<T: Send>(
        &self,
        new: &(dyn Fn() -> T + Sync),
        look: &(dyn Fn(&mut T, &Spot) -> Result<()> + Sync),
        merge: &dyn Fn(&mut T, T),
    ) -> Result<T> {
        let n_per_group = (GROUP_SAMPLES / (self.tile_h * self.tile_w)).max(1);
        let n_at_once = n_per_group * rayon::current_num_threads() * 2;
        let mut all = new();
        for first in (0..self.n_tiles()).step_by(n_at_once) {
            let numbers: Vec<usize> = (first..(first + n_at_once).min(self.n_tiles())).collect();
            let groups = numbers.par_chunks(n_per_group).map(|numbers| {
                let mut group = new();
                numbers.iter().try_for_each(|&number| look(&mut group, &self.spot(number)))?;
                Ok(group)
            });
            groups.collect::<Result<Vec<T>>>()?.into_iter().for_each(|group| merge(&mut all, group));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;

    fn cut(shape: &[u64]) -> Cut {
        Cut::new(&ArrayType { dtype: Dtype::U8, big_endian: false, shape: shape.to_vec() }).unwrap()
    }

    #[test]
    fn every_sample_lies_in_one_tile_in_the_order_of_the_array() {
        for shape in [&[3, 5, 7][..], &[1, 1025], &[300, 1024], &[129, 3000], &[1 << 18], &[9, 1], &[0, 4], &[]] {
            let cut = cut(shape);
            let n: u64 = shape.iter().product();
            let mut seen = vec![0u8; n as usize];
            for number in 0..cut.n_tiles() {
                let spot = cut.spot(number);
                for row in spot.rows.clone() {
                    let first = cut.index(&spot, row) as usize;
                    seen[first..first + spot.w()].iter_mut().for_each(|n| *n += 1);
                }
            }
            assert!(seen.iter().all(|n| *n == 1), "{shape:?}");
            let add = |n: &mut usize, spot: &Spot| {
                *n += spot.rows.len() * spot.w();
                Ok(())
            };
            assert_eq!(cut.fold(&|| 0, &add, &|a, b| *a += b).unwrap(), n as usize);
        }
    }

    #[test]
    fn a_tile_is_wide_enough_for_a_halo_of_seven() {
        for shape in [&[9, 4000][..], &[70_000, 2], &[1 << 19], &[500, 500]] {
            let cut = cut(shape);
            assert!(cut.tile_h >= 7.min(cut.h) && cut.tile_w >= 7.min(cut.w), "{cut:?}");
        }
    }
}
