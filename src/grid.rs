//! How an array falls into tiles.
//!
//! An array is planes × h × w samples, one or two parts (words) per sample; a mosaic plane is four sub-planes, its 2×2 phases.
//! A *band* is the rows of a plane that one row of tiles covers. Tiles are numbered plane by plane, band by band, and inside
//! a band by part, phase and column: the order of the file, so that both ways stream.

use crate::error::{Error, Result};
use crate::sample::phase;
use std::ops::Deref;

/// Samples of a tile, about: enough for a context to settle, little enough for random access.
pub const TILE_SAMPLES: usize = 1 << 16;
const MAX_TILE_ROWS: usize = 256;
/// What an encoder puts into a tile at most, whatever the shape: one bit of damage costs no more.
const MAX_TILE_SAMPLES: usize = 1 << 18;
/// No band holds more samples, so that memory does not depend on the image.
const MAX_BAND_SAMPLES: usize = 1 << 23;
/// What a reader accepts: beyond it a small file could ask for all memory.
const MAX_READ_TILE_ROWS: usize = 512;
const MAX_READ_TILE_SAMPLES: usize = 1 << 20;
const MAX_READ_BAND_SAMPLES: usize = 1 << 24;
const MAX_TILE_COLUMNS: usize = 1 << 16;
/// A slab is at least so wide, where its array is, and an eighth of the height of its planes, where that leaves it two of them: of
/// fields of 64 × 128 samples, twice as wide and half as deep took 2 % more, of 1024 × 2048 samples half as wide and twice as deep 34 %.
const SLAB_COLUMNS: usize = 32;
const SLAB_SHARE: usize = 8;
/// Reference planes that a plane may have.
pub const MAX_REFS: usize = 3;
/// The longest chain of planes that see each other.
pub const MAX_KEY_INTERVAL: usize = 256;

/// The plain numbers of a grid: what a file says before it is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    pub n_planes: usize,
    pub h: usize,
    pub w: usize,
    pub n_limbs: usize,
    /// 1, or 4 where planes are split into their 2×2 phases.
    pub n_phases: usize,
    /// The size of a tile, in ints of a sub-plane.
    pub tile_h: usize,
    pub tile_w: usize,
}

/// A layout that fits its array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid(Layout);

/// How many planes before it a plane sees; every `key_interval`-th sees none, so that no chain is longer. Both 0: no plane sees any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Previous {
    n: usize,
    key_interval: usize,
}

/// One tile: where it stands, and its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub number: u64,
    pub plane: usize,
    pub band: usize,
    pub limb: usize,
    pub phase: usize,
    pub column: usize,
    pub h: usize,
    pub w: usize,
}

impl Layout {
    /// With the usual tiles.
    pub fn usual(n_planes: usize, h: usize, w: usize, n_limbs: usize, n_phases: usize) -> Layout {
        let (ph, pw) = if n_phases == 4 { phase::size(0, h, w) } else { (h, w) };
        let tile_h = ph.min(MAX_TILE_ROWS).min((MAX_BAND_SAMPLES / w.max(1)).max(1)).max(1);
        let tile_w = pw.min(if ph >= MAX_TILE_ROWS { MAX_TILE_ROWS } else { TILE_SAMPLES / tile_h }).max(1);
        Layout { n_planes, h, w, n_limbs, n_phases, tile_h, tile_w }
    }

    /// With tiles of a plane as large as they may be, evenly shared out: for what sees far.
    pub fn large(n_planes: usize, h: usize, w: usize) -> Layout {
        const MOST_ROWS: usize = 512;
        let tile_h = h.div_ceil(h.div_ceil(MOST_ROWS.min((MAX_BAND_SAMPLES / w.max(1)).max(1))).max(1)).max(1);
        let most = (MAX_TILE_SAMPLES / tile_h).min(MAX_TILE_COLUMNS);
        let tile_w = w.div_ceil(w.div_ceil(most).max(1)).max(1);
        Layout { n_planes, h, w, n_limbs: 1, n_phases: 1, tile_h, tile_w }
    }

    /// With tiles that hold as many whole planes as they may, one below the other; None where they cannot hold two. Those
    /// of the last but two axes, `n_stacked` of them, are evenly shared out.
    pub fn slabs(n_planes: usize, n_stacked: usize, h: usize, w: usize) -> Option<Layout> {
        let of_width = |columns: usize| MAX_TILE_SAMPLES / (h * w.min(columns));
        let most = of_width(SLAB_COLUMNS.max(h / SLAB_SHARE)).max(of_width(SLAB_COLUMNS).min(2));
        let most = most.min(MAX_BAND_SAMPLES / (h * w)).min(n_stacked);
        let depth = match most {
            0 | 1 => return None,
            most if n_stacked == n_planes => n_planes.div_ceil(n_planes.div_ceil(most)),
            // of many stacks no slab holds planes of two
            most => (1..=most).rev().find(|&depth| n_stacked.is_multiple_of(depth))?,
        };
        let tile_h = depth * h;
        let tile_w = w.div_ceil(w.div_ceil((MAX_TILE_SAMPLES / tile_h).min(MAX_TILE_COLUMNS)));
        (depth > 1).then_some(Layout { n_planes: 1, h: n_planes * h, w, n_limbs: 1, n_phases: 1, tile_h, tile_w })
    }

    /// The size of a sub-plane.
    pub fn size(&self, phase: usize) -> (usize, usize) {
        if self.n_phases == 4 { phase::size(phase, self.h, self.w) } else { (self.h, self.w) }
    }

    pub fn n_bands(&self) -> usize {
        self.size(0).0.div_ceil(self.tile_h)
    }

    pub fn n_columns(&self) -> usize {
        self.size(0).1.div_ceil(self.tile_w)
    }

    fn n_numbers_per_band(&self) -> u64 {
        (self.n_limbs * self.n_phases * self.n_columns()) as u64
    }

    /// Rows of the plane that a band covers: (first, how many).
    pub fn rows(&self, band: usize) -> (usize, usize) {
        let rows = self.tile_h * if self.n_phases == 4 { 2 } else { 1 };
        let first = band * rows;
        (first, rows.min(self.h - first))
    }

    /// The tile at a place; None where the sub-plane ends before it.
    pub fn place(&self, plane: usize, band: usize, limb: usize, phase: usize, column: usize) -> Option<Place> {
        let (h, w) = self.size(phase);
        let h = h.checked_sub(band * self.tile_h)?.min(self.tile_h);
        let w = w.checked_sub(column * self.tile_w)?.min(self.tile_w);
        let bands = (plane * self.n_bands() + band) as u64;
        let inner = ((limb * self.n_phases + phase) * self.n_columns() + column) as u64;
        let number = bands * self.n_numbers_per_band() + inner;
        (h > 0 && w > 0).then_some(Place { number, plane, band, limb, phase, column, h, w })
    }

    /// The tiles of a band, in order.
    pub fn band(&self, plane: usize, band: usize) -> impl Iterator<Item = Place> + '_ {
        (0..self.n_limbs).flat_map(move |limb| {
            (0..self.n_phases).flat_map(move |phase| {
                (0..self.n_columns()).filter_map(move |column| self.place(plane, band, limb, phase, column))
            })
        })
    }

    pub fn n_tiles(&self) -> u64 {
        let per_plane: usize = (0..self.n_phases)
            .map(|phase| {
                let (h, w) = self.size(phase);
                h.div_ceil(self.tile_h) * w.div_ceil(self.tile_w)
            })
            .sum();
        (per_plane * self.n_limbs) as u64 * self.n_planes as u64
    }
}

impl Deref for Grid {
    type Target = Layout;

    fn deref(&self) -> &Layout {
        &self.0
    }
}

impl Grid {
    /// Checks what a file says; `n_samples` is what its shape holds.
    pub fn new(g: Layout, n_samples: u64) -> Result<Grid> {
        let band_rows = if g.n_phases == 4 { 2 } else { 1 };
        let product = (g.n_planes as u64).checked_mul(g.h as u64).and_then(|n| n.checked_mul(g.w as u64));
        let sane = product == Some(n_samples)
            && n_samples > 0
            && (g.n_phases == 1 || (g.n_phases == 4 && g.h >= 2 && g.w >= 2))
            && matches!(g.n_limbs, 1 | 2)
            && (1..=MAX_READ_TILE_SAMPLES).contains(&g.tile_h)
            && (1..=MAX_TILE_COLUMNS).contains(&g.tile_w)
            && g.tile_h * g.tile_w <= MAX_READ_TILE_SAMPLES
            && (band_rows * g.tile_h).checked_mul(g.w).is_some_and(|n| n <= MAX_READ_BAND_SAMPLES)
            && n_samples < 1 << 56;
        if sane { Ok(Grid(g)) } else { Err(Error::corrupt(format!("tiles that do not fit their array: {g:?}"))) }
    }

    /// That of an array of planes, rows, columns with the usual tiles.
    pub fn usual((n_planes, h, w): (usize, usize, usize), n_limbs: usize, n_phases: usize) -> Result<Grid> {
        Grid::new(Layout::usual(n_planes, h, w, n_limbs, n_phases), (n_planes * h * w) as u64)
    }

    /// Checks that tiles are no higher than nets are to see them.
    pub fn check_rows(&self) -> Result<()> {
        if self.tile_h > MAX_READ_TILE_ROWS {
            return Err(Error::corrupt(format!("tiles of {} rows", self.tile_h)));
        }
        Ok(())
    }
}

impl Previous {
    pub fn new(n: usize, key_interval: usize) -> Result<Previous> {
        if n > MAX_REFS || key_interval > MAX_KEY_INTERVAL || (n > 0) != (key_interval > 0) {
            return Err(Error::corrupt(format!("{n} reference planes, renewed every {key_interval}")));
        }
        Ok(Previous { n, key_interval })
    }

    /// The most planes that one sees.
    pub fn n(self) -> usize {
        self.n
    }

    /// How many planes before plane `p` it sees.
    pub fn of(self, p: usize) -> usize {
        if self.n == 0 { 0 } else { (p % self.key_interval).min(self.n) }
    }

    /// The last plane up to `p` that sees none.
    pub fn key_before(self, p: usize) -> usize {
        p - p.checked_rem(self.key_interval).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_int_once_and_are_numbered_in_order() {
        for (h, w) in [(1, 1), (1, 70000), (7, 9), (256, 256), (257, 255), (513, 300), (3, 100_000), (1000, 3)] {
            let four = if h.min(w) < 2 { 1 } else { 4 }; // a mosaic has at least two rows and columns
            for (n_limbs, n_phases) in [(1, 1), (2, 1), (1, four)] {
                let grid = Grid::usual((2, h, w), n_limbs, n_phases).unwrap();
                let places: Vec<Place> = (0..2)
                    .flat_map(|p| (0..grid.n_bands()).map(move |b| (p, b)))
                    .flat_map(|(p, b)| grid.band(p, b).collect::<Vec<_>>())
                    .collect();
                assert_eq!(places.len() as u64, grid.n_tiles(), "{h}×{w}");
                assert_eq!(places.iter().map(|p| p.h * p.w).sum::<usize>(), 2 * h * w * n_limbs);
                assert!(places.windows(2).all(|p| p[0].number < p[1].number));
                let rows: usize = (0..grid.n_bands()).map(|b| grid.rows(b).1).sum();
                assert_eq!(rows, h);
            }
        }
    }

    #[test]
    fn a_grid_that_does_not_fit_its_array_is_corrupt() {
        let layout = Layout::usual(1, 10, 10, 1, 1);
        let fits = |layout: Layout| Grid::new(layout, 100).is_ok();
        assert!(fits(layout) && Grid::new(layout, 99).is_err());
        assert!(!fits(Layout { tile_h: 0, ..layout }));
        assert!(!fits(Layout { n_phases: 3, ..layout }));
        assert!(!fits(Layout { n_planes: usize::MAX, ..layout }));
        assert!(!fits(Layout { n_phases: 4, ..Layout::usual(1, 100, 1, 1, 1) }));
        assert!(Grid::usual((1, 1, 1 << 26), 1, 1).is_err());
        let high = Layout { tile_h: 513, ..Layout::usual(1, 600, 10, 1, 1) };
        assert!(Grid::new(high, 6000).unwrap().check_rows().is_err());
    }

    #[test]
    fn no_tile_holds_more_than_256_ki_samples_whatever_the_shape() {
        let sizes = [1, 2, 3, 7, 16, 31, 64, 127, 256, 511, 721, 1440, 1800, 4096, 9001, 65_537];
        for (n_planes, h) in sizes.into_iter().flat_map(|n| sizes.map(|h| (n, h))) {
            for w in sizes {
                let phases = if h.min(w) < 2 { 1 } else { 4 };
                let usual = [1, phases].map(|phases| Layout::usual(n_planes, h, w, 1, phases));
                let stacks = (1..=n_planes).filter(|n| n_planes % n == 0).take(9);
                let slabs = stacks.filter_map(|stack| Layout::slabs(n_planes, stack, h, w));
                let large = Layout::large(n_planes, h, w);
                assert!(Grid::new(large, (n_planes * h * w) as u64).is_ok(), "{n_planes} of {h}×{w}: {large:?}");
                for grid in usual.into_iter().chain(slabs).chain([large]) {
                    assert!(grid.tile_h * grid.tile_w <= MAX_TILE_SAMPLES, "{n_planes} of {h}×{w}: {grid:?}");
                }
            }
        }
    }

    #[test]
    fn slabs_hold_whole_planes_and_none_of_two_stacks() {
        for (n_planes, n_stacked, h, w, depth) in [
            (18, 18, 64, 128, 18),
            (110, 110, 64, 128, 110),
            (1800, 1800, 16, 24, 600),
            (18, 18, 721, 1440, 4),
            (36, 18, 300, 400, 18),
            (7, 1, 30, 40, 1),
            (4, 4, 1024, 2048, 2),
            (2, 2, 2000, 2000, 2),
            (3, 3, 5000, 5000, 1),
        ] {
            let slabs = Layout::slabs(n_planes, n_stacked, h, w);
            assert_eq!(slabs.map_or(1, |slabs| slabs.tile_h / h), depth, "{n_planes} of {h}×{w}");
            let Some(slabs) = slabs else { continue };
            let grid = Grid::new(slabs, (n_planes * h * w) as u64).unwrap();
            assert!(
                grid.tile_h.is_multiple_of(h) && (n_planes == n_stacked || (n_stacked * h).is_multiple_of(grid.tile_h))
            );
        }
    }

    #[test]
    fn planes_see_others_by_a_rule_or_see_none() {
        for (n, key_interval, is_a_rule) in
            [(0, 0, true), (1, 1, true), (3, 256, true), (0, 4, false), (2, 0, false), (4, 8, false), (1, 257, false)]
        {
            assert_eq!(Previous::new(n, key_interval).is_ok(), is_a_rule, "{n} {key_interval}");
        }
        let of = |previous: Previous| (0..6).map(|p| previous.of(p)).collect::<Vec<usize>>();
        assert_eq!(of(Previous::default()), [0; 6]);
        let two = Previous::new(2, 4).unwrap();
        assert_eq!(of(two), [0, 1, 2, 2, 0, 1]);
        assert_eq!([3, 4, 5].map(|p| two.key_before(p)), [0, 4, 4]);
    }
}
