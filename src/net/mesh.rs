//! A_l(y, x) = clamp(round(bias + W · [A_s(⌊y·m/n⌋ + dy, ⌊x·m/n⌋ + dx), …]), …) + A_add(y, x)      cells of an n × n grid, sources m × m
//!
//! A *mesh* is a net over the cells of a block: every layer has a grid of its own, and sees activations of sources and of layers
//! before it, at any place of theirs; beyond a grid there are zeros. NUMERICS.md, section 7, says what its outputs mean.
//!
//! Like a `Net` it can only be built valid, and no sum of it can leave an i32.

use super::{Input, Layer, MAX_LAYERS, MAX_WEIGHTS, check};
use crate::error::Result;

/// Cells of the largest grid, in a row.
pub const MAX_SIDE: usize = 8;
/// No layer reads farther away than this.
const MAX_AROUND: i32 = 7;
const MAX_INPUTS: usize = 64;
const MAX_ACTIVATIONS: usize = 256;

/// A grid of cells and how many activations each has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sheet {
    pub side: usize,
    pub width: usize,
}

/// One layer: what it sees, and what is added to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshLayer {
    pub side: usize,
    /// Sources count from 0, layers behind them.
    pub inputs: Vec<Input>,
    pub add: Option<usize>,
    pub layer: Layer,
}

/// Layers over grids; the last one says 16-bit heads, the others 0..=127.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mesh {
    sources: Vec<Sheet>,
    layers: Vec<MeshLayer>,
}

impl Sheet {
    pub fn n_cells(self) -> usize {
        self.side * self.side
    }

    /// Activations of a cell as layers see them: zeros follow up to a multiple of 4.
    pub fn padded(self) -> usize {
        self.width.next_multiple_of(4)
    }

    fn check(self) -> Result<()> {
        let Sheet { side, width } = self;
        check([1, 2, 4, MAX_SIDE].contains(&side), || format!("a grid of {side} × {side} cells"))?;
        check((1..=MAX_ACTIVATIONS).contains(&width), || format!("{width} activations of a cell"))
    }
}

impl Mesh {
    pub fn new(sources: Vec<Sheet>, layers: Vec<MeshLayer>) -> Result<Mesh> {
        let (n, n_weights) = (layers.len(), layers.iter().map(|l| l.layer.weights.len()).sum::<usize>());
        check((1..=MAX_LAYERS).contains(&n), || format!("a mesh of {n} layers"))?;
        check((1..=4).contains(&sources.len()), || format!("a mesh of {} sources", sources.len()))?;
        check(n_weights <= MAX_WEIGHTS, || format!("{n_weights} weights, {MAX_WEIGHTS} are the most"))?;
        sources.iter().try_for_each(|sheet| sheet.check())?;
        let mesh = Mesh { sources, layers };
        for l in 0..n {
            mesh.check_layer(l).map_err(|e| e.at(format!("layer {l}")))?;
        }
        Ok(mesh)
    }

    fn check_layer(&self, l: usize) -> Result<()> {
        let MeshLayer { side, inputs, add, layer } = &self.layers[l];
        let known = self.sources.len() + l;
        Sheet { side: *side, width: layer.n_out }.check()?;
        check((1..=MAX_INPUTS).contains(&inputs.len()), || format!("a layer that sees {} blocks", inputs.len()))?;
        for &Input { source, tap } in inputs {
            check(source < known, || format!("layer {source} is not known when it is seen"))?;
            let near = tap.0.abs() <= MAX_AROUND && tap.1.abs() <= MAX_AROUND;
            check(near, || format!("a layer cannot read {tap:?}"))?;
        }
        let last = l + 1 == self.layers.len();
        let fits = |a: usize| !last && a < known && self.sheet(a) == Sheet { side: *side, width: layer.n_out };
        check(add.is_none_or(fits), || "activations are added to as many others".into())?;
        layer.check(inputs.iter().map(|input| self.sheet(input.source).padded()).sum())
    }

    pub fn sources(&self) -> &[Sheet] {
        &self.sources
    }

    pub fn layers(&self) -> &[MeshLayer] {
        &self.layers
    }

    /// The grid of a source, or of a layer counted behind the sources.
    pub fn sheet(&self, i: usize) -> Sheet {
        match i.checked_sub(self.sources.len()) {
            None => self.sources[i],
            Some(l) => Sheet { side: self.layers[l].side, width: self.layers[l].layer.n_out },
        }
    }

    /// The grid of the heads.
    pub fn out(&self) -> Sheet {
        self.sheet(self.sources.len() + self.layers.len() - 1)
    }

    /// Whether a cell's heads can be told when source 0 is known at the cells before it in rows, and the other sources everywhere.
    pub fn is_causal(&self) -> bool {
        let side = self.out().side;
        let before = |(dy, dx): (i32, i32)| dy < 0 || (dy == 0 && dx < 0);
        let fits = |input: &Input| match input.source {
            0 => self.sources[0].side == side && before(input.tap),
            source => source < self.sources.len() || input.tap == (0, 0),
        };
        self.layers.iter().all(|l| l.side == side && l.inputs.iter().all(fits) && l.add.is_none_or(|a| a > 0))
    }

    /// Multiplications for one block.
    pub fn n_mac(&self) -> usize {
        self.layers.iter().map(|l| l.side * l.side * l.layer.weights.len()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(n_in: usize, n_out: usize) -> Layer {
        Layer { n_in, n_out, weights: vec![1; n_in * n_out], bias: vec![0; n_out], shift: vec![0; n_out] }
    }

    fn seen(side: usize, inputs: &[(usize, i32, i32)], add: Option<usize>, layer: Layer) -> MeshLayer {
        let inputs = inputs.iter().map(|&(source, dy, dx)| Input { source, tap: (dy, dx) }).collect();
        MeshLayer { side, inputs, add, layer }
    }

    fn mesh(first: MeshLayer) -> Result<Mesh> {
        let n_out = first.layer.n_out;
        let last = seen(first.side, &[(1, 0, 0)], None, layer(n_out.next_multiple_of(4), 3));
        Mesh::new(vec![Sheet { side: 8, width: 5 }], vec![first, last])
    }

    #[test]
    fn a_mesh_sees_what_is_there_and_near() {
        assert!(mesh(seen(8, &[(0, 0, 0), (0, -7, 7)], None, layer(16, 6))).is_ok());
        assert!(mesh(seen(4, &[(0, 1, 1)], None, layer(8, 6))).is_ok());
        for wrong in [
            seen(8, &[], None, layer(8, 6)),
            seen(8, &[(1, 0, 0)], None, layer(8, 6)),
            seen(8, &[(0, 8, 0)], None, layer(8, 6)),
            seen(8, &[(0, 0, 0)], None, layer(4, 6)),
            seen(3, &[(0, 0, 0)], None, layer(8, 6)),
            seen(16, &[(0, 0, 0)], None, layer(8, 6)),
            seen(8, &[(0, 0, 0)], None, layer(8, 257)),
            seen(8, &[(0, 0, 0)], Some(0), layer(8, 6)),
            seen(4, &[(0, 0, 0)], Some(0), layer(8, 5)),
            seen(8, &[(0, 0, 0)], Some(1), layer(8, 5)),
        ] {
            assert!(mesh(wrong.clone()).is_err(), "{wrong:?}");
        }
        assert!(mesh(seen(8, &[(0, 0, 0)], Some(0), layer(8, 5))).is_ok());
    }

    #[test]
    fn a_sum_that_could_overflow_is_refused() {
        let mut wide = layer(8, 6);
        wide.bias[5] = i32::MAX - 8 * 127;
        assert!(mesh(seen(8, &[(0, 0, 0)], None, wide.clone())).is_err());
        wide.bias[5] -= 1;
        assert!(mesh(seen(8, &[(0, 0, 0)], None, wide)).is_ok());
    }

    #[test]
    fn a_causal_mesh_never_reads_ahead() {
        let causal =
            |inputs: &[(usize, i32, i32)], n: usize| mesh(seen(8, inputs, None, layer(8 * n, 6))).unwrap().is_causal();
        assert!(causal(&[(0, 0, -1), (0, -1, 1)], 2));
        for ahead in [(0, 0, 0), (0, 0, 1), (0, 1, -1)] {
            assert!(!causal(&[(0, 0, -1), ahead], 2), "{ahead:?}");
        }
        assert!(!mesh(seen(4, &[(0, -1, 0)], None, layer(8, 6))).unwrap().is_causal());
    }
}
