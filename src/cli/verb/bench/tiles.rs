//! Synthetic tiles: those of a frame, whose time is taken, and odd ones, whose payloads must agree.

use collapsar::internals::kernel::fast::Kernels;
use collapsar::internals::kernel::mixture::Window;
use collapsar::internals::kernel::predict::Linear;
use collapsar::internals::kernel::{ONE, PlaneStats};
use collapsar::internals::model::Model;
use collapsar::internals::synthetic;
use collapsar::internals::tile::stream::PlaneContext;

pub const SIDE: usize = 256;
/// What the synthetic frames are taken to be like.
pub const STATS: PlaneStats = PlaneStats { median: 1000 * ONE, spread: ONE };

pub struct Tile {
    pub h: usize,
    pub w: usize,
    pub max: i32,
    pub ints: Vec<i32>,
    /// The tiles it is predicted from.
    pub refs: Vec<Vec<i32>>,
}

impl Tile {
    /// The ints are scaled so that they fill 0..=max about as they fill 16 bits.
    fn synthetic(h: usize, w: usize, max: i32, n_refs: usize, seed: u64) -> Tile {
        let scale = (max / 65535).max(1);
        let ints = |seed| synthetic::frame(h, w, seed).into_iter().map(|v| (i32::from(v) * scale).min(max)).collect();
        let refs = (1..=n_refs as u64).map(|i| ints(seed + 1000 * i)).collect();
        Tile { h, w, max, ints: ints(seed), refs }
    }

    pub fn window(&self) -> Window {
        Window { max: self.max }
    }

    pub fn refs(&self) -> Vec<&[i32]> {
        self.refs.iter().map(Vec::as_slice).collect()
    }

    pub fn context<'a>(&self, model: &'a Model, kernels: &'a Kernels, linears: &'a [Linear]) -> PlaneContext<'a> {
        PlaneContext { model, kernels, linears, stats: STATS, max: self.max }
    }
}

/// Edges of vectors and of workgroups, few columns, few rows, ints of 12 to 22 bits, with and without reference planes.
pub fn odd() -> Vec<Tile> {
    let tiles = [
        (1, 1, 65535, 0),
        (1, 70, 65535, 0),
        (17, 15, 4095, 1),
        (33, 31, 65535, 0),
        (16, 66, 1 << 22, 1),
        (3, 300, 65535, 0),
        (64, 65, 65535, 0),
    ];
    tiles.iter().zip(100..).map(|(&(h, w, max, n_refs), seed)| Tile::synthetic(h, w, max, n_refs, seed)).collect()
}

/// The first `n` tiles of a frame.
pub fn of_frame(frame: &[u16], side: usize, n: usize) -> Vec<Tile> {
    let columns = side / SIDE;
    let tile = |nth: usize| {
        let (y0, x0) = (nth / columns * SIDE, nth % columns * SIDE);
        let rows = (0..SIDE).flat_map(|y| &frame[(y0 + y) * side + x0..][..SIDE]);
        Tile { h: SIDE, w: SIDE, max: 65535, ints: rows.map(|&v| i32::from(v)).collect(), refs: Vec::new() }
    };
    (0..n.min(columns * columns)).map(tile).collect()
}
