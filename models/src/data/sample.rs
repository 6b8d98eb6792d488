//! Cells as a net is shown them, one list per quantity; and what all tiles of a plane share.

use crate::data::pool::Items;
use collapsar::internals::kernel::PlaneStats;
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::model::Model;

/// What all tiles of a plane share.
#[derive(Clone, Copy)]
pub struct Shared<'a> {
    /// Only its taps matter here.
    pub model: &'a Model,
    /// One predictor per set of the model.
    pub linears: &'a [Linear],
    pub stats: PlaneStats,
    /// The largest int of the plane.
    pub max: i32,
}

/// One array per quantity, one entry per cell; features are `n_in` per cell.
#[derive(Clone, Debug, Default)]
pub struct Cells {
    pub n_in: usize,
    pub features: Vec<u8>,
    pub s: Vec<i32>,
    pub b: Vec<i32>,
    pub int: Vec<i32>,
    /// The largest int of the cell's plane.
    pub max: Vec<i32>,
    pub class: Vec<u8>,
}

impl Cells {
    pub fn new(n_in: usize) -> Cells {
        Cells { n_in, ..Cells::default() }
    }

    pub fn len(&self) -> usize {
        self.s.len()
    }
}

impl Items for Cells {
    fn n_items(&self) -> usize {
        self.len()
    }

    fn replace(&mut self, at: usize, other: &Cells) {
        put(&mut self.features, at * self.n_in, &other.features);
        for (mine, theirs) in
            [(&mut self.s, &other.s), (&mut self.b, &other.b), (&mut self.int, &other.int), (&mut self.max, &other.max)]
        {
            put(mine, at, theirs);
        }
        put(&mut self.class, at, &other.class);
    }
}

fn put<T: Copy>(list: &mut Vec<T>, at: usize, other: &[T]) {
    let end = (at + other.len()).min(list.len());
    list.splice(at..end, other.iter().copied());
}
