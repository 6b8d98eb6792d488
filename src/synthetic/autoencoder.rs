//! An autoencoder that does its work on `shades`, and meshes of any shape. Seeded.

use super::net::stored;
use super::random::Lcg;
use crate::model::Model;
use crate::model::vqae::{Codebook, Vqae};
use crate::net::{Input, Layer, Mesh, MeshLayer, Sheet};
use std::sync::Arc;

/// Cells of 8 × 8 in so many shades, which the autoencoder says exactly where they are all of one.
pub const SHADES: usize = 64;

/// An autoencoder whose bottom codes are the means of cells; all else of it is seeded noise that hardly counts.
pub fn vqae() -> Vqae {
    let mut random = Lcg(5);
    let input = |source: usize, dy: i32, dx: i32| Input { source, tap: (dy, dx) };
    let (width, sources) =
        (5, |of: &[(usize, usize)]| of.iter().map(|&(side, width)| Sheet { side, width }).collect::<Vec<_>>());
    let mut noise = |n_in: usize, n_out: usize, size: i32| Layer {
        n_in,
        n_out,
        weights: (0..n_in * n_out).map(|_| random.within(size) as i8).collect(),
        bias: (0..n_out).map(|_| random.within(9000)).collect(),
        shift: (0..n_out).map(|_| 7 + random.below(3) as u8).collect(),
    };
    let layer =
        |side: usize, inputs: Vec<Input>, add: Option<usize>, layer: Layer| MeshLayer { side, inputs, add, layer };
    let quad = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(dy, dx)| input(1, dy, dx)).to_vec();
    let encoder_top = Mesh::new(
        sources(&[(8, 64)]),
        vec![
            layer(8, vec![input(0, 0, 0)], None, noise(64, 6, 127)),
            layer(4, quad, None, noise(32, 7, 127)),
            layer(4, vec![input(2, 0, 0), input(2, -1, 1)], Some(2), noise(16, 7, 127)),
            layer(4, vec![input(3, 0, 0)], None, noise(8, width, 60)),
        ],
    );
    let mut mean = noise(72, width, 3);
    mean.weights[..64].fill(2);
    mean.weights[64..72].fill(0);
    (mean.bias[0], mean.shift[0]) = (0, 7);
    let encoder_bottom =
        Mesh::new(sources(&[(8, 64), (4, width)]), vec![layer(8, vec![input(0, 0, 0), input(1, 0, 0)], None, mean)]);
    let mut decoder = noise(16, 64, 1);
    for o in 0..64 {
        decoder.weights[16 * o..][..16].fill(0);
        (decoder.weights[16 * o + 8], decoder.weights[16 * o + 3], decoder.bias[o], decoder.shift[o]) =
            (65, o as i8 % 3, -65 * 64, 3);
    }
    let decoder = Mesh::new(
        sources(&[(4, width), (8, width)]),
        vec![layer(8, vec![input(0, 0, 0), input(1, 0, 0)], None, decoder)],
    );
    let prior_top = Mesh::new(
        sources(&[(4, width), (1, 2)]),
        vec![layer(4, vec![input(0, 0, -1), input(0, -1, 1), input(1, 0, 0)], None, noise(20, 3, 20))],
    );
    let prior_bottom = Mesh::new(
        sources(&[(8, width), (4, width), (1, 2)]),
        vec![
            layer(8, vec![input(0, 0, -1), input(0, -1, 0), input(1, 0, 1), input(2, 0, 0)], None, noise(28, 9, 127)),
            layer(8, vec![input(3, 0, 0)], None, noise(12, SHADES, 2)),
        ],
    );
    let codes = |n: usize, first: &dyn Fn(usize) -> u8| {
        let code = |i: usize| (0..width).map(move |j| (i, j));
        Codebook::new(width, (0..n).flat_map(code).map(|(i, j)| if j == 0 { first(i) } else { 60 }).collect())
            .expect("codes are in 0..=127")
    };
    let meshes =
        [encoder_top, encoder_bottom, decoder, prior_top, prior_bottom].map(|mesh| mesh.expect("sums are small"));
    Vqae::new(meshes, codes(3, &|i| 40 * i as u8), codes(SHADES, &|i| 2 * i as u8 + 1)).expect("codes are in 0..=127")
}

/// The same as it comes out of a weights file.
pub fn loaded_vqae() -> Arc<Model> {
    stored(&Model::of_vqae("painted", vqae(), [0; 32]))
}

/// A mesh of any shape.
pub fn mesh(random: &mut Lcg) -> Mesh {
    let side = |random: &mut Lcg| 1usize << random.below(4);
    let sheet = |random: &mut Lcg| Sheet { side: side(random), width: 1 + random.below(20) as usize };
    let sources: Vec<Sheet> = (0..1 + random.below(3)).map(|_| sheet(random)).collect();
    let mut sheets = sources.clone();
    let n = 2 + random.below(3);
    let layers = (0..n).map(|l| {
        let skip = Some(random.below(sheets.len() as u32) as usize).filter(|_| l + 1 < n && random.below(2) == 0);
        let Sheet { side, width } = skip.map_or(sheet(random), |s| sheets[s]);
        let mut input = || {
            let source = random.below(sheets.len() as u32) as usize;
            Input { source, tap: (random.within(2), random.within(2)) }
        };
        let inputs: Vec<Input> = (0..1 + l as usize % 4).map(|_| input()).collect();
        let n_in: usize = inputs.iter().map(|i| sheets[i.source].padded()).sum();
        sheets.push(Sheet { side, width });
        let layer = Layer {
            n_in,
            n_out: width,
            weights: (0..n_in * width).map(|_| random.within(127) as i8).collect(),
            bias: (0..width).map(|_| random.within(20000)).collect(),
            shift: (0..width).map(|_| 5 + random.below(5) as u8).collect(),
        };
        MeshLayer { side, inputs, add: skip, layer }
    });
    let layers = layers.collect();
    Mesh::new(sources, layers).expect("sums are small")
}
