//! Patches of SIDE × SIDE cells, one after the other: what layers that read other cells are trained on.

use crate::data::cells::gather;
use crate::data::corpus::{Corpus, Draw, N_TILES};
use crate::data::plane::TILE;
use crate::data::pool::Items;
use crate::data::sample::Cells;
use crate::data::source::Source;
use crate::random::Random;
use collapsar::internals::net::Net;

pub const SIDE: usize = 32;
pub const N_CELLS: usize = SIDE * SIDE;
/// Patches of a tile, in bands of its rows that do not overlap.
const N_BANDS: usize = TILE / SIDE;
const N_PER_TILE: usize = 2;
/// Patches of a draw.
pub const N_PER_DRAW: usize = N_TILES * N_PER_TILE;

/// Patches, as their cells.
pub struct Patches(pub Cells);

impl Patches {
    pub fn new(net: &Net) -> Patches {
        Patches(Cells::new(net.n_in()))
    }
}

impl Items for Patches {
    fn n_items(&self) -> usize {
        self.0.len() / N_CELLS
    }

    fn replace(&mut self, at: usize, other: &Patches) {
        self.0.replace(at * N_CELLS, &other.0);
    }
}

/// The patches of a draw, at random places of its tiles.
fn patches(source: &Source, draw: &Draw, random: &mut Random) -> Patches {
    let mut cells = Cells::new(source.net().n_in());
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
    Patches(cells)
}

/// The patches of a draw of a corpus, by its number.
pub fn drawn(corpus: &Corpus, source: &Source, seed: u64, n: u64) -> Patches {
    let mut random = Random::of(&[seed, 3, n]);
    let draw = corpus.draw(0, &mut random);
    patches(source, &draw, &mut random)
}

/// Patches of every held-out plane.
pub fn held_out(corpus: &Corpus, source: &Source) -> Patches {
    let mut all = Patches::new(source.net());
    for (i, draw) in corpus.draws(0).iter().enumerate() {
        let new = patches(source, draw, &mut Random::of(&[4, i as u64]));
        all.replace(all.n_items(), &new);
    }
    all
}

/// 1 for the cells of a patch that see all they would see in a tile, 0 for those `margin` from its top, left or right.
pub fn mask(margin: usize) -> Vec<f32> {
    let inner = |i: usize| {
        let (y, x) = (i / SIDE, i % SIDE);
        y >= margin && (margin..SIDE - margin).contains(&x)
    };
    (0..N_CELLS).map(|i| f32::from(u8::from(inner(i)))).collect()
}
