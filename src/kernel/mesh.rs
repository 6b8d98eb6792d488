//! y = clamp(v + A_add, 0, 127)      v = clamp(round(bias + W · x), −127, 127)      x = [A_s(⌊y·m/n⌋ + dy, ⌊x·m/n⌋ + dx), …]
//!
//! The heads of the last layer are sums as they are, clamped to 16 bits. `nearest` is the code with the least Σ (z − e)², the
//! first of several.

use super::context::dense;
use crate::net::{Mesh, MeshLayer, Sheet};

/// Heads of all cells of a block, cell by cell in rows; `sources` hold the activations of their cells, one after the other.
pub fn mesh(mesh: &Mesh, sources: &[&[i32]]) -> Vec<i32> {
    let mut all: Vec<Vec<i32>> = sources.iter().map(|source| source.to_vec()).collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let last = mesh.layers().len() - 1;
    for (l, layer) in mesh.layers().iter().enumerate() {
        let mut out = Vec::with_capacity(layer.side * layer.side * layer.layer.n_out);
        for cell in 0..layer.side * layer.side {
            gather(mesh, layer, &all, cell, &mut x);
            if l == last {
                dense(&layer.layer, &x, (-32768, 32767), &mut y);
            } else {
                dense(&layer.layer, &x, (-127, 127), &mut y);
                activate(layer, &all, cell, &mut y);
            }
            out.extend_from_slice(&y);
        }
        all.push(out);
    }
    all.pop().unwrap_or_default()
}

/// Heads of one cell of a causal mesh.
pub fn cell(mesh: &Mesh, sources: &[&[i32]], cell: usize) -> Vec<i32> {
    debug_assert!(mesh.is_causal(), "one cell can be told alone where layers see their own cell only");
    let mut all: Vec<Vec<i32>> = sources.iter().map(|source| source.to_vec()).collect();
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let last = mesh.layers().len() - 1;
    for (l, layer) in mesh.layers().iter().enumerate() {
        gather(mesh, layer, &all, cell, &mut x);
        if l == last {
            dense(&layer.layer, &x, (-32768, 32767), &mut y);
            break;
        }
        dense(&layer.layer, &x, (-127, 127), &mut y);
        activate(layer, &all, cell, &mut y);
        let mut out = vec![0; layer.side * layer.side * layer.layer.n_out];
        out[cell * layer.layer.n_out..][..layer.layer.n_out].copy_from_slice(&y);
        all.push(out);
    }
    y
}

/// What a layer sees at a cell.
fn gather(mesh: &Mesh, layer: &MeshLayer, all: &[Vec<i32>], cell: usize, x: &mut Vec<i32>) {
    x.clear();
    for input in &layer.inputs {
        let sheet = mesh.sheet(input.source);
        let end = x.len() + sheet.padded();
        if let Some(there) = place(sheet, layer.side, cell, input.tap) {
            x.extend_from_slice(&all[input.source][there * sheet.width..][..sheet.width]);
        }
        x.resize(end, 0);
    }
}

/// The cell of a source that a cell of an n × n grid sees at a tap; None beyond the source.
pub fn place(sheet: Sheet, n: usize, cell: usize, (dy, dx): (i32, i32)) -> Option<usize> {
    let m = sheet.side as i32;
    let (y, x) = (((cell / n) * sheet.side / n) as i32 + dy, ((cell % n) * sheet.side / n) as i32 + dx);
    ((0..m).contains(&y) && (0..m).contains(&x)).then_some((y * m + x) as usize)
}

/// Sums as activations, with what is added to them.
fn activate(layer: &MeshLayer, all: &[Vec<i32>], cell: usize, y: &mut [i32]) {
    let n = y.len();
    for (o, y) in y.iter_mut().enumerate() {
        let skip = layer.add.map_or(0, |source| all[source][cell * n + o]);
        *y = (*y + skip).clamp(0, 127);
    }
}

/// The number of the code nearest to z; codes lie one after the other.
pub fn nearest(codes: &[u8], z: &[i32]) -> usize {
    let mut best = (i32::MAX, 0);
    for (i, code) in codes.chunks_exact(z.len()).enumerate() {
        let distance: i32 = code.iter().zip(z).map(|(&e, &z)| (i32::from(e) - z) * (i32::from(e) - z)).sum();
        best = best.min((distance, i));
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_sees_the_cell_of_another_grid_that_lies_where_it_does() {
        let sheet = |side| Sheet { side, width: 1 };
        assert_eq!(place(sheet(8), 8, 9, (0, 0)), Some(9));
        assert_eq!(place(sheet(8), 8, 9, (-1, -1)), Some(0));
        assert_eq!(place(sheet(8), 8, 9, (-2, 0)), None);
        assert_eq!(place(sheet(8), 8, 63, (0, 1)), None);
        assert_eq!(place(sheet(4), 8, 63, (0, 0)), Some(15));
        assert_eq!(place(sheet(4), 8, 10, (1, 0)), Some(5));
        assert_eq!(place(sheet(8), 4, 5, (1, 1)), Some(3 * 8 + 3));
        assert_eq!(place(sheet(1), 8, 37, (0, 0)), Some(0));
        assert_eq!(place(sheet(1), 8, 0, (0, 1)), None);
    }

    #[test]
    fn of_two_codes_as_near_the_first_is_taken() {
        let codes = [10, 10, 20, 20, 0, 0, 20, 20];
        assert_eq!(nearest(&codes, &[21, 19]), 1);
        assert_eq!(nearest(&codes, &[5, 5]), 0);
        assert_eq!(nearest(&codes, &[4, 5]), 2);
    }
}
