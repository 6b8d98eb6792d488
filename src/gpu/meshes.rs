//! Many blocks through the meshes of an autoencoder at once: find, choose, paint, a dispatch for each layer.
//!
//! ```text
//! a block's words: seen top cells · seen bottom cells · top indices · bottom indices · pixels · per mesh its layers · codes
//! ```
//!
//! Bases, sizes, and everything that is pushed or popped, are the CPU's.

use super::Gpu;
use super::encode::batch_size;
use super::op::{Op, Params};
use super::queue::{Bound, dispatch};
use crate::error::Result;
use crate::model::vqae::{BLOCK, CELL, Codebook, SIDE, TOP_SIDE, Vqae};
use crate::net::{Mesh, MeshLayer, Sheet};
use crate::tile::transform::vqae::Block;
use std::ops::Range;
use wgpu::Buffer;

const N_TOP: usize = TOP_SIDE * TOP_SIDE;
const N_BOTTOM: usize = SIDE * SIDE;
const PIXELS: Sheet = Sheet { side: SIDE, width: CELL * CELL };
const INDICES: usize = N_TOP + N_BOTTOM;
/// Words before the pixels: what is seen, and the indices.
const FRONT: usize = 2 * INDICES;

/// The tables of an autoencoder, and where everything lies among the words of a block.
#[derive(Default)]
struct Tables {
    inputs: Vec<[i32; 4]>,
    weights: Vec<[i32; 4]>,
    codes: Vec<i32>,
    params: Vec<Params>,
    /// What is dispatched to find codes, and to paint them.
    find: Vec<(Op, usize)>,
    paint: Vec<(Op, usize)>,
    top: usize,
    bottom: usize,
    heads: usize,
    n_words: usize,
}

fn words(sheet: Sheet) -> usize {
    sheet.n_cells() * sheet.padded()
}

impl Tables {
    fn new(vqae: &Vqae) -> Tables {
        let mut t = Tables { n_words: FRONT, ..Tables::default() };
        let pixels = t.room(PIXELS);
        t.top = t.room(vqae.paint.sheet(0));
        t.bottom = t.room(vqae.paint.sheet(1));
        let z = t.mesh(&vqae.find_top, &[pixels]);
        t.nearest(&vqae.top, N_TOP, 0, z, t.top);
        let z = t.mesh(&vqae.find_bottom, &[pixels, t.top]);
        t.nearest(&vqae.bottom, N_BOTTOM, N_TOP, z, t.bottom);
        t.find = (0..t.params.len()).map(|i| (t.op(i), i)).collect();
        let first = t.params.len();
        t.heads = t.mesh(&vqae.paint, &[t.top, t.bottom]);
        t.paint = (first..t.params.len()).map(|i| (t.op(i), i)).collect();
        t.params.iter_mut().for_each(|p| p.stride = t.n_words as u32);
        t
    }

    /// Only the search for codes has offsets.
    fn op(&self, i: usize) -> Op {
        if self.params[i].offsets > 0 { Op::Nearest } else { Op::Mesh }
    }

    fn room(&mut self, sheet: Sheet) -> usize {
        self.n_words += words(sheet);
        self.n_words - words(sheet)
    }

    /// The layers of a mesh whose sources begin at these words; returns where its heads begin.
    fn mesh(&mut self, mesh: &Mesh, sources: &[usize]) -> usize {
        let mut starts = sources.to_vec();
        for (l, layer) in mesh.layers().iter().enumerate() {
            let sheet = mesh.sheet(sources.len() + l);
            let start = self.room(sheet);
            let params = Params {
                n: (sheet.n_cells() * sheet.width.div_ceil(4)) as u32,
                first: self.inputs.len() as u32,
                n_taps: layer.inputs.len() as u32,
                weights: self.weights.len() as u32,
                n_values: (layer.layer.n_in / 4) as u32,
                near_log2: layer.side.ilog2(),
                k: sheet.width as u32,
                n_words: sheet.padded() as u32,
                base: start as u32,
                spots: layer.add.map_or(0, |a| starts[a] as u32),
                n_layers: u32::from(l + 1 == mesh.layers().len()),
                ..Params::default()
            };
            self.layer(mesh, layer, &starts);
            self.params.push(params);
            starts.push(start);
        }
        starts.pop().unwrap_or_default()
    }

    fn layer(&mut self, mesh: &Mesh, MeshLayer { inputs, layer, .. }: &MeshLayer, starts: &[usize]) {
        for input in inputs {
            let sheet = mesh.sheet(input.source);
            self.inputs.push([starts[input.source] as i32, sheet.side.ilog2() as i32, sheet.padded() as i32, 0]);
            self.inputs.push([input.tap.0, input.tap.1, 0, 0]);
        }
        let n_in = layer.n_in;
        for first in (0..layer.n_out).step_by(4) {
            let of =
                |f: &dyn Fn(usize) -> i32| [0, 1, 2, 3].map(|o| if first + o < layer.n_out { f(first + o) } else { 0 });
            self.weights.push(of(&|o| layer.bias[o]));
            self.weights.push(of(&|o| i32::from(layer.shift[o])));
            for i in (0..n_in).step_by(4) {
                self.weights
                    .push(of(&|o| i32::from_le_bytes([0, 1, 2, 3].map(|j| layer.weights[o * n_in + i + j] as u8))));
            }
        }
    }

    /// The search for the codes of latents that begin at a word.
    fn nearest(&mut self, codes: &Codebook, n: usize, cell: usize, latents: usize, to: usize) {
        let params = Params {
            n: n as u32,
            first: latents as u32,
            spots: cell as u32,
            offsets: (INDICES + cell) as u32,
            base: to as u32,
            weights: self.codes.len() as u32,
            k: codes.n_codes() as u32,
            n_values: codes.width() as u32,
            n_words: codes.width().next_multiple_of(4) as u32,
            ..Params::default()
        };
        self.codes.extend(codes.codes().iter().map(|&e| i32::from(e)));
        self.params.push(params);
    }
}

/// The buffers of a batch of blocks.
struct Batch {
    n_most: usize,
    acts: Buffer,
    staging: Buffer,
    mesh: Bound,
    nearest: Bound,
}

impl Batch {
    fn new(gpu: &Gpu, t: &Tables, n_blocks: usize) -> Result<Batch> {
        let n_most = batch_size(gpu, t.n_words, 2 * t.n_words)?.min(n_blocks.max(1));
        let (acts, staging) = (gpu.storage(t.n_words * n_most), gpu.staging(n_most * (INDICES + BLOCK * BLOCK)));
        let (inputs, weights, codes) = (gpu.upload(&t.inputs), gpu.upload(&t.weights), gpu.upload(&t.codes));
        let params = gpu.upload_params(&t.params);
        let mesh = gpu.bind(Op::Mesh, 0, &params, &[&inputs, &weights, &acts]);
        let nearest = gpu.bind(Op::Nearest, 0, &params, &[&codes, &acts]);
        gpu.check()?;
        Ok(Batch { n_most, acts, staging, mesh, nearest })
    }

    /// Runs over blocks whose first words are given; of each its indices and its heads.
    fn run(&self, gpu: &Gpu, t: &Tables, ops: &[(Op, usize)], words: &[i32]) -> Result<Vec<(Vec<i32>, Vec<i32>)>> {
        let n = words.len() / t.n_words;
        gpu.write(&self.acts, words);
        let mut encoder = gpu.encoder();
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for &(op, i) in ops {
            let bound = if op == Op::Mesh { &self.mesh } else { &self.nearest };
            dispatch(&mut pass, bound, &t.params, Range { start: i, end: i + 1 }, n);
        }
        drop(pass);
        let each = INDICES + BLOCK * BLOCK;
        let mut copy = |from: usize, to: usize, n: usize| {
            encoder.copy_buffer_to_buffer(&self.acts, 4 * from as u64, &self.staging, 4 * to as u64, 4 * n as u64);
        };
        for block in 0..n {
            copy(block * t.n_words + INDICES, block * each, INDICES);
            copy(block * t.n_words + t.heads, block * each + INDICES, BLOCK * BLOCK);
        }
        let submission = gpu.submit(encoder);
        gpu.read(&self.staging, n * each, submission, |words| {
            let words: &[i32] = bytemuck::cast_slice(words);
            let one = |words: &[i32]| (words[..INDICES].to_vec(), words[INDICES..].to_vec());
            words.chunks_exact(each).map(one).collect()
        })
    }
}

impl Gpu {
    /// The codes of blocks that have some, and what is painted of them: the same as `Block::find` and `Block::paint`.
    pub fn find(&self, vqae: &Vqae, blocks: &mut [&mut Block]) -> Result<Vec<Vec<i32>>> {
        let t = Tables::new(vqae);
        let batch = Batch::new(self, &t, blocks.len())?;
        let ops: Vec<(Op, usize)> = t.find.iter().chain(&t.paint).copied().collect();
        let mut heads = Vec::with_capacity(blocks.len());
        for blocks in blocks.chunks_mut(batch.n_most) {
            let mut words = vec![0; t.n_words * blocks.len()];
            for (words, block) in words.chunks_exact_mut(t.n_words).zip(blocks.iter()) {
                (0..N_TOP).for_each(|i| words[i] = i32::from(block.is_top_live(i)));
                (0..N_BOTTOM).for_each(|i| words[N_TOP + i] = i32::from(block.is_live(i)));
                words[FRONT..][..block.pixels.len()].copy_from_slice(&block.pixels);
            }
            for (block, (indices, painted)) in blocks.iter_mut().zip(batch.run(self, &t, &ops, &words)?) {
                block.codes.top.iter_mut().zip(&indices).for_each(|(code, &i)| *code = i as u8);
                block.codes.bottom.iter_mut().zip(&indices[N_TOP..]).for_each(|(code, &i)| *code = i as u8);
                heads.push(painted);
            }
        }
        Ok(heads)
    }

    /// What is painted of blocks whose codes are known.
    pub fn paint(&self, vqae: &Vqae, blocks: &[&Block]) -> Result<Vec<Vec<i32>>> {
        let t = Tables::new(vqae);
        let batch = Batch::new(self, &t, blocks.len())?;
        let mut heads = Vec::with_capacity(blocks.len());
        for blocks in blocks.chunks(batch.n_most) {
            let mut words = vec![0; t.n_words * blocks.len()];
            for (words, block) in words.chunks_exact_mut(t.n_words).zip(blocks) {
                put(&mut words[t.top..], &block.top(&vqae.top), vqae.top.width());
                put(&mut words[t.bottom..], &block.bottom(&vqae.bottom), vqae.bottom.width());
            }
            heads.extend(batch.run(self, &t, &t.paint, &words)?.into_iter().map(|(_, painted)| painted));
        }
        Ok(heads)
    }
}

/// Activations of `width` a cell, each cell in whole fours.
fn put(to: &mut [i32], activations: &[i32], width: usize) {
    for (to, from) in to.chunks_mut(width.next_multiple_of(4)).zip(activations.chunks_exact(width)) {
        to[..width].copy_from_slice(from);
    }
}
