//! Family `vqae`: many blocks through the meshes of an autoencoder at once, a dispatch for each layer.
//!
//! ```text
//! encode   pixels -> meshes -> nearest codes, first the top's, then the bottom's -> decode
//! decode   codes -> mesh -> heads
//! a block's activations:   pixels · codes of the top · codes of the bottom · per mesh its layers
//! ```
//!
//! Bases, sizes, and everything that is pushed or popped, are the CPU's.

use super::Gpu;
use super::op::Op;
use super::params;
use super::program::{Batch, Buf, Fetch, Program};
use crate::error::Result;
use crate::model::vqae::{BLOCK, CELL, Codebook, SIDE, TOP_SIDE, Vqae};
use crate::net::{Mesh, MeshLayer, Sheet};
use crate::tile::transform::vqae::Block;

const N_TOP: usize = TOP_SIDE * TOP_SIDE;
const N_BOTTOM: usize = SIDE * SIDE;
const N_CELLS: usize = N_TOP + N_BOTTOM;
const PIXELS: Sheet = Sheet { side: SIDE, width: CELL * CELL };
/// Leads to nothing that is added.
const NONE: u32 = u32::MAX;

/// A program, and where everything lies among the words of a block.
struct Meshes<'a> {
    p: Program,
    vqae: &'a Vqae,
    /// Words of a block: in all, and those that are given away.
    stride: usize,
    n_words: usize,
    pixels: usize,
    top: usize,
    bottom: usize,
    inputs: Buf,
    weights: Buf,
    codes: Buf,
    covered: Buf,
    acts: Buf,
    indices: Buf,
}

fn n_words(sheet: Sheet) -> usize {
    sheet.n_cells() * sheet.padded()
}

/// Words of all activations of a block.
fn block_words(vqae: &Vqae) -> usize {
    let layers = |mesh: &Mesh| {
        let first = mesh.sources().len();
        (first..first + mesh.layers().len()).map(|source| n_words(mesh.sheet(source))).sum::<usize>()
    };
    let meshes = [&vqae.encoder_top, &vqae.encoder_bottom, &vqae.decoder].map(layers);
    n_words(PIXELS) + n_words(vqae.decoder.sheet(0)) + n_words(vqae.decoder.sheet(1)) + meshes.iter().sum::<usize>()
}

impl<'a> Meshes<'a> {
    fn new(vqae: &'a Vqae) -> Meshes<'a> {
        let mut p = Program::default();
        let [inputs, weights, codes] = [(); 3].map(|()| p.table());
        let stride = block_words(vqae);
        let [covered, acts, indices] = [N_CELLS, stride, N_CELLS].map(|n| p.per_tile(n));
        let top = n_words(PIXELS);
        let bottom = top + n_words(vqae.decoder.sheet(0));
        let n_words = bottom + n_words(vqae.decoder.sheet(1));
        Meshes { p, vqae, stride, n_words, pixels: 0, top, bottom, inputs, weights, codes, covered, acts, indices }
    }

    /// Codes, and their heads.
    fn to_encode(vqae: &'a Vqae) -> Meshes<'a> {
        let mut t = Meshes::new(vqae);
        let latents = t.mesh(&vqae.encoder_top, &[t.pixels]);
        t.nearest(&vqae.top, (N_TOP, 0), latents, t.top);
        let latents = t.mesh(&vqae.encoder_bottom, &[t.pixels, t.top]);
        t.nearest(&vqae.bottom, (N_BOTTOM, N_TOP), latents, t.bottom);
        t.decode();
        t.p.inputs = vec![t.acts, t.covered];
        t.p.outputs.push(Fetch::block(t.indices, N_CELLS));
        t
    }

    /// The heads of codes that are known.
    fn to_decode(vqae: &'a Vqae) -> Meshes<'a> {
        let mut t = Meshes::new(vqae);
        t.decode();
        t.p.inputs = vec![t.acts];
        t
    }

    fn decode(&mut self) {
        let heads = self.mesh(&self.vqae.decoder, &[self.top, self.bottom]);
        let whole = Fetch::block(self.acts, self.stride);
        self.p.outputs = vec![Fetch { first: heads, n: BLOCK * BLOCK, ..whole }];
    }

    /// The layers of a mesh whose sources begin at these words; returns where its heads begin.
    fn mesh(&mut self, mesh: &Mesh, sources: &[usize]) -> usize {
        let mut starts = sources.to_vec();
        for (l, layer) in mesh.layers().iter().enumerate() {
            let sheet = mesh.sheet(sources.len() + l);
            let told = params::Mesh {
                stride: self.stride as u32,
                side_log2: layer.side.ilog2(),
                inputs: self.add_inputs(mesh, layer, &starts),
                n_inputs: layer.inputs.len() as u32,
                weights: self.add_weights(layer),
                n_words: (layer.layer.n_in / 4) as u32,
                width: sheet.width as u32,
                pitch: sheet.padded() as u32,
                out: self.n_words as u32,
                added: layer.add.map_or(NONE, |source| starts[source] as u32),
                is_last: u32::from(l + 1 == mesh.layers().len()),
            };
            self.p.run(
                Op::Mesh,
                &[self.inputs, self.weights, self.acts],
                told,
                0..sheet.n_cells() * sheet.width.div_ceil(4),
            );
            starts.push(self.n_words);
            self.n_words += n_words(sheet);
        }
        starts.pop().unwrap_or_default()
    }

    fn add_inputs(&mut self, mesh: &Mesh, layer: &MeshLayer, starts: &[usize]) -> u32 {
        let input = |input: &crate::net::Input| {
            let sheet = mesh.sheet(input.source);
            let source = [starts[input.source] as i32, sheet.side.ilog2() as i32, sheet.padded() as i32, 0];
            [source, [input.tap.0, input.tap.1, 0, 0]]
        };
        self.p.append(self.inputs, &layer.inputs.iter().flat_map(input).collect::<Vec<[i32; 4]>>()).start as u32
    }

    fn add_weights(&mut self, MeshLayer { layer, .. }: &MeshLayer) -> u32 {
        let mut weights: Vec<[i32; 4]> = Vec::new();
        for first in (0..layer.n_out).step_by(4) {
            let four =
                |f: &dyn Fn(usize) -> i32| [0, 1, 2, 3].map(|o| if first + o < layer.n_out { f(first + o) } else { 0 });
            weights.push(four(&|o| layer.bias[o]));
            weights.push(four(&|o| i32::from(layer.shift[o])));
            let word = |at: usize| super::tables::word(&layer.weights, at) as i32;
            weights.extend((0..layer.n_in).step_by(4).map(|i| four(&|o| word(o * layer.n_in + i))));
        }
        self.p.append(self.weights, &weights).start as u32
    }

    /// The search for the codes of n cells from `cell` on, of latents that begin at a word.
    fn nearest(&mut self, codes: &Codebook, (n, cell): (usize, usize), latents: usize, chosen: usize) {
        let numbers: Vec<i32> = codes.codes().iter().map(|&e| i32::from(e)).collect();
        let told = params::Nearest {
            stride: self.stride as u32,
            n_cells: N_CELLS as u32,
            cell: cell as u32,
            latents: latents as u32,
            chosen: chosen as u32,
            pitch: codes.width().next_multiple_of(4) as u32,
            book: self.p.append(self.codes, &numbers).start as u32,
            k: codes.n_codes() as u32,
            width: codes.width() as u32,
        };
        self.p.run(Op::Nearest, &[self.codes, self.covered, self.acts, self.indices], told, 0..n);
    }

    /// The heads of blocks, and the indices that were found of them; `inputs` is what the program is given of a block.
    fn run(&self, batch: &Batch, inputs: &[Vec<Vec<i32>>]) -> Result<Vec<(Vec<i32>, Vec<i32>)>> {
        let n = inputs.len();
        let mut encoder = batch.start(inputs.iter().map(Vec::as_slice), &[]);
        batch.run(&mut encoder, &self.p.commands, n);
        batch.wait(batch.submit(encoder, &self.p.outputs, n, 0), |parts| {
            let heads = parts[0].chunks_exact(BLOCK * BLOCK).map(<[i32]>::to_vec);
            let indices = |i: usize| parts.get(1).map_or(Vec::new(), |all| all[i * N_CELLS..][..N_CELLS].to_vec());
            heads.enumerate().map(|(i, heads)| (heads, indices(i))).collect()
        })
    }
}

impl Gpu {
    /// The codes of blocks that have some, and their heads: the same as `Block::encode` and `Block::decode`.
    pub fn encode_blocks(&self, vqae: &Vqae, blocks: &mut [&mut Block]) -> Result<Vec<Vec<i32>>> {
        let t = Meshes::to_encode(vqae);
        let batch = Batch::new(self, &t.p, blocks.len())?;
        let mut heads = Vec::with_capacity(blocks.len());
        for blocks in blocks.chunks_mut(batch.n_most) {
            let inputs: Vec<Vec<Vec<i32>>> = blocks.iter().map(|block| t.pixels_of(block)).collect();
            for (block, (decoded, indices)) in blocks.iter_mut().zip(t.run(&batch, &inputs)?) {
                block.codes.top.iter_mut().zip(&indices).for_each(|(code, &i)| *code = i as u8);
                block.codes.bottom.iter_mut().zip(&indices[N_TOP..]).for_each(|(code, &i)| *code = i as u8);
                heads.push(decoded);
            }
        }
        Ok(heads)
    }

    /// The heads of blocks whose codes are known.
    pub fn decode_blocks(&self, vqae: &Vqae, blocks: &[&Block]) -> Result<Vec<Vec<i32>>> {
        let t = Meshes::to_decode(vqae);
        let batch = Batch::new(self, &t.p, blocks.len())?;
        let mut heads = Vec::with_capacity(blocks.len());
        for blocks in blocks.chunks(batch.n_most) {
            let inputs: Vec<Vec<Vec<i32>>> = blocks.iter().map(|block| t.codes_of(block)).collect();
            heads.extend(t.run(&batch, &inputs)?.into_iter().map(|(heads, _)| heads));
        }
        Ok(heads)
    }
}

impl Meshes<'_> {
    /// The pixels of a block, and which of its cells are covered.
    fn pixels_of(&self, block: &Block) -> Vec<Vec<i32>> {
        let mut acts = vec![0; self.stride];
        acts[self.pixels..][..block.pixels.len()].copy_from_slice(&block.pixels);
        let top = (0..N_TOP).map(|i| i32::from(block.is_top_live(i)));
        vec![acts, top.chain((0..N_BOTTOM).map(|i| i32::from(block.is_live(i)))).collect()]
    }

    fn codes_of(&self, block: &Block) -> Vec<Vec<i32>> {
        let mut acts = vec![0; self.stride];
        put(&mut acts[self.top..], &block.top(&self.vqae.top), self.vqae.top.width());
        put(&mut acts[self.bottom..], &block.bottom(&self.vqae.bottom), self.vqae.bottom.width());
        vec![acts]
    }
}

/// Activations of `width` a cell, each cell in whole fours.
fn put(to: &mut [i32], activations: &[i32], width: usize) {
    for (to, from) in to.chunks_mut(width.next_multiple_of(4)).zip(activations.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
}
