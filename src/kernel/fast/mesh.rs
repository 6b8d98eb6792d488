//! `kernel::mesh` for 32 cells at once: activations four to a word, a plane of words for each four, cells side by side.
//!
//! What a layer sees of other cells is gathered into rows first; then its products are those of every other net.

use super::context::units;
use super::lanes::{Lanes, N, clamp};
use super::pack::{CELLS, MOST, PackedLayer, PackedMesh, Row};

/// Words of a plane; those behind the last cell are zero.
const PLANE: usize = MOST + N;

/// The activations of a sheet: `[word][cell]`.
type Planes = Vec<[i32; PLANE]>;

/// Heads of all cells of a block, as the plain kernel gives them.
#[inline(always)]
pub fn mesh<V: Lanes>(net: &PackedMesh, sources: &[&[i32]]) -> Vec<i32> {
    let n_sources = net.mesh.sources().len();
    let mut all: Vec<Planes> =
        sources.iter().enumerate().map(|(i, source)| planes(source, net.mesh.sheet(i).width)).collect();
    let mut rows: Vec<Row> = Vec::new();
    let mut heads = vec![0; net.mesh.out().n_cells() * net.mesh.out().width];
    for (l, (layer, wired)) in net.layers.iter().zip(net.mesh.layers()).enumerate() {
        let sheet = net.mesh.sheet(n_sources + l);
        let mut out: Planes = vec![[0; PLANE]; sheet.padded() / 4];
        for first in (0..sheet.n_cells()).step_by(CELLS) {
            gather(layer, &all, first, &mut rows);
            for unit in 0..layer.packed.bias.len() {
                let [sums] = units::<V, 2, 1>(&layer.packed, unit, &rows);
                if l + 1 == net.layers.len() {
                    put(sums, unit, first, sheet.width, &mut heads);
                    continue;
                }
                let skip = wired.add.map(|source| &all[source][unit]);
                for c in (0..2).filter(|c| first + c * N < MOST) {
                    let at = first + c * N;
                    let word = activate::<V>([0, 1, 2, 3].map(|o| sums[o][c]), skip.map(|plane| sixteen(plane, at)));
                    word.store((&mut out[unit][at..at + N]).try_into().expect("sixteen cells"));
                }
            }
        }
        blank(&mut out, sheet.n_cells());
        all.push(out);
    }
    heads
}

/// Activations of cells as planes of words.
fn planes(source: &[i32], width: usize) -> Planes {
    let mut planes = vec![[0; PLANE]; width.div_ceil(4)];
    for (cell, x) in source.chunks_exact(width).enumerate() {
        for (plane, four) in planes.iter_mut().zip(x.chunks(4)) {
            plane[cell] = four.iter().rev().fold(0, |word, &x| word << 8 | x);
        }
    }
    planes
}

/// What the 32 cells from `first` on see.
#[inline(always)]
fn gather(layer: &PackedLayer, all: &[Planes], first: usize, rows: &mut Vec<Row>) {
    rows.clear();
    for (source, seen) in &layer.seen {
        let seen = &seen[first..first + CELLS];
        for plane in &all[*source] {
            let mut row = Row::ZERO;
            for (half, seen) in row.0.iter_mut().zip(seen.chunks_exact(N)) {
                half.iter_mut().zip(seen).for_each(|(word, &cell)| *word = plane[usize::from(cell) % PLANE]);
            }
            rows.push(row);
        }
    }
}

fn sixteen(plane: &[i32; PLANE], at: usize) -> &[i32; N] {
    plane[at..].first_chunk().expect("there is room behind the last cell for a whole vector")
}

/// clamp(v, −127, 127) and what is added, as bytes.
#[inline(always)]
fn activate<V: Lanes>(sums: [V; 4], skip: Option<&[i32; N]>) -> V {
    let Some(skip) = skip else { return V::bytes(sums) };
    let skip = V::load(skip);
    let mut y = sums;
    for (o, y) in y.iter_mut().enumerate() {
        let added = skip.shr(V::splat(8 * o as i32)).and(V::splat(255));
        *y = clamp(*y, -127, 127).add(added);
    }
    V::bytes(y)
}

#[inline(always)]
fn put<V: Lanes>(sums: [[V; 2]; 4], unit: usize, first: usize, width: usize, heads: &mut [i32]) {
    let n_cells = heads.len() / width;
    for o in 4 * unit..width.min(4 * unit + 4) {
        for c in 0..2 {
            let mut sixteen = [0; N];
            clamp(sums[o % 4][c], -32768, 32767).store(&mut sixteen);
            let cells = first + c * N..n_cells.min(first + (c + 1) * N);
            cells.zip(sixteen).for_each(|(cell, head)| heads[cell * width + o] = head);
        }
    }
}

/// Nothing is behind the last cell.
fn blank(planes: &mut Planes, n_cells: usize) {
    planes.iter_mut().for_each(|plane| plane[n_cells..].fill(0));
}
