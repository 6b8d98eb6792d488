//! Planes of ints, the frames that they come from, and the tiles that are cut out of them.

use std::path::PathBuf;

/// Tiles are cut this large for training.
pub const TILE: usize = 128;

#[derive(Clone, Debug)]
pub struct Plane {
    pub h: usize,
    pub w: usize,
    pub ints: Vec<i32>,
    pub max: i32,
}

/// One file's planes.
#[derive(Clone)]
pub struct Frame {
    pub class: String,
    pub name: String,
    /// The folder that the file lies in: frames of one camera may be reference planes of each other.
    pub camera: PathBuf,
    pub planes: Vec<Plane>,
}

/// The tile of `h` × `w` at (y, x); bit 0 of `turn` mirrors columns, bit 1 rows, bit 2 swaps them, of squares only.
pub fn cut(plane: &Plane, (y, x): (usize, usize), (h, w): (usize, usize), turn: usize) -> Vec<i32> {
    assert!(h == w || turn & 4 == 0, "a tile of {h} × {w} cannot be swapped");
    let int = |row: usize, column: usize| {
        let (row, column) = if turn & 4 != 0 { (column, row) } else { (row, column) };
        let row = if turn & 2 != 0 { h - 1 - row } else { row };
        let column = if turn & 1 != 0 { w - 1 - column } else { column };
        plane.ints[(y + row) * plane.w + x + column]
    };
    (0..h * w).map(|i| int(i / w, i % w)).collect()
}

/// Where the tiles that judge lie: four places of a plane, fixed.
pub fn fixed_places(plane: &Plane, (h, w): (usize, usize)) -> [(usize, usize); 4] {
    [(1, 1), (1, 3), (3, 1), (2, 2)].map(|(y, x)| ((plane.h - h) * y / 4, (plane.w - w) * x / 4))
}
