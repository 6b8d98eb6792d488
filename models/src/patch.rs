//! Patches of SIDE × SIDE cells, one after the other: what layers that look around are trained on.

use crate::cells::{Cells, gather};
use crate::data::{Corpus, Draw, TILE};
use crate::pool::Source;
use crate::random::Random;

pub const SIDE: usize = 32;
pub const N_CELLS: usize = SIDE * SIDE;
/// Patches of a tile, in bands of its rows that do not overlap.
const N_BANDS: usize = TILE / SIDE;
const N_PER_TILE: usize = 2;

/// The patches of a draw, at random places of its tiles.
pub fn patches(source: &Source, draw: &Draw, random: &mut Random) -> Cells {
    let mut cells = Cells::new(source.model.nets[source.part].net.n_in());
    source.show(draw, &mut |shared, sample| {
        let first = random.below(N_BANDS);
        let taken: Vec<usize> = (0..N_PER_TILE).map(|i| (first + i * N_BANDS / N_PER_TILE) % N_BANDS).collect();
        let left: Vec<usize> = (0..N_BANDS).map(|_| random.below(TILE - SIDE + 1)).collect();
        let mut i = 0;
        let mut keep = || {
            let (y, x) = (i / TILE, i % TILE);
            i += 1;
            taken.contains(&(y / SIDE)) && (left[y / SIDE]..left[y / SIDE] + SIDE).contains(&x)
        };
        gather(shared, source.part, sample, draw.class as u8, &mut keep, &mut cells);
    });
    cells
}

/// Patches of many draws; the oldest make room for new ones.
pub struct Pool<'a> {
    corpus: &'a Corpus,
    source: Source<'a>,
    seed: u64,
    n_most: usize,
    pub cells: Cells,
    next: usize,
    n_drawn: u64,
}

impl<'a> Pool<'a> {
    pub fn new(corpus: &'a Corpus, source: Source<'a>, seed: u64, n_draws: u64) -> Pool<'a> {
        let cells = Cells::new(source.model.nets[source.part].net.n_in());
        let mut pool = Pool { corpus, source, seed, n_most: usize::MAX, cells, next: 0, n_drawn: 0 };
        (0..n_draws).for_each(|_| pool.refresh());
        pool.n_most = pool.cells.len();
        pool
    }

    /// One new draw in the place of the oldest.
    pub fn refresh(&mut self) {
        let mut random = Random::of(&[self.seed, 3, self.n_drawn]);
        let draw = self.corpus.draw(0, &mut random);
        let new = patches(&self.source, &draw, &mut random);
        self.cells.replace(self.next, &new);
        self.next += new.len();
        self.n_drawn += 1;
        if self.next >= self.n_most {
            self.next = 0;
        }
    }

    /// The cells of `n` patches.
    pub fn places(&self, n: usize, random: &mut Random) -> Vec<usize> {
        let n_patches = self.cells.len() / N_CELLS;
        let firsts: Vec<usize> = (0..n).map(|_| random.below(n_patches) * N_CELLS).collect();
        firsts.into_iter().flat_map(|first| first..first + N_CELLS).collect()
    }
}

/// Patches of every held-out plane.
pub fn held_out(corpus: &Corpus, source: &Source) -> Cells {
    let mut cells = Cells::new(source.model.nets[source.part].net.n_in());
    for (i, draw) in corpus.draws(0).iter().enumerate() {
        let new = patches(source, draw, &mut Random::of(&[4, i as u64]));
        cells.replace(cells.len(), &new);
    }
    cells
}

/// 1 for the cells of a patch that see all they would see in a tile, 0 for those `margin` from its top, left or right.
pub fn mask(margin: usize) -> Vec<f32> {
    let inner = |i: usize| {
        let (y, x) = (i / SIDE, i % SIDE);
        y >= margin && (margin..SIDE - margin).contains(&x)
    };
    (0..N_CELLS).map(|i| f32::from(u8::from(inner(i)))).collect()
}
