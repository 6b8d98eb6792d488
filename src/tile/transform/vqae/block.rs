//! p = base + round(S · head / 512)        x = 64 + round(63 · (v − base) / S)        S(q) = (2 + q mod 2) · 2^(4 + ⌊q / 2⌋)
//!
//! Blocks of 64 × 64 ints, each with a base, a multiple of 16, and a size q, so that meshes see numbers of one kind. A block whose
//! ints lie within 32 of its base has size 0 and no codes: it is its base. Cells of which nothing is seen have no codes either, and
//! are zeros to the meshes.

use super::Autoencoder;
use crate::kernel::mesh::nearest;
use crate::model::vqae::{BLOCK, CELL, Codebook, Role, SIDE, TOP_SIDE};
use crate::tile::mask::hides;
use crate::tile::transform::Tile;
use crate::tile::transform::correct::Approximation;

/// Bases are multiples of this.
pub const BASE: i32 = 16;
/// The largest size: S = 2²⁰.
pub const MAX_SIZE: i32 = 30;
/// A block whose ints are all this near to its base needs no codes.
const FLAT: i32 = 32;
const PIXELS: usize = BLOCK * BLOCK;
/// 2^9 steps of a head are one S; it may say ±2 S.
const LOG2_HEAD: u32 = 9;
const MAX_HEAD: i32 = 1023;

/// The indices of a block's codes; those of dead cells are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codes {
    pub top: [u8; TOP_SIDE * TOP_SIDE],
    pub bottom: [u8; SIDE * SIDE],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Of its first int in the tile.
    pub y: usize,
    pub x: usize,
    /// Bottom cells of which something is seen, the first lowest.
    pub live: u64,
    pub base: i32,
    pub size: i32,
    pub codes: Codes,
    /// What meshes see, cell by cell; empty in a decoder and of flat blocks.
    pub pixels: Vec<i32>,
}

impl Block {
    /// Whether it has codes.
    pub fn is_coded(&self) -> bool {
        self.live != 0 && self.size > 0
    }

    pub fn is_live(&self, bottom: usize) -> bool {
        self.live >> bottom & 1 == 1
    }

    pub fn is_top_live(&self, top: usize) -> bool {
        let first = top / TOP_SIDE * 2 * SIDE + top % TOP_SIDE * 2;
        [0, 1, SIDE, SIDE + 1].into_iter().any(|cell| self.is_live(first + cell))
    }

    /// What a mesh sees of the top codes.
    pub fn top(&self, codes: &Codebook) -> Vec<i32> {
        activations(codes, &self.codes.top, |cell| self.is_top_live(cell))
    }

    pub fn bottom(&self, codes: &Codebook) -> Vec<i32> {
        activations(codes, &self.codes.bottom, |cell| self.is_live(cell))
    }

    /// What a mesh is told of the size.
    pub fn size_seen(&self) -> [i32; 2] {
        [127, 4 * self.size]
    }

    /// The codes nearest to the latents of the pixels.
    pub fn encode(&mut self, Autoencoder { vqae, kernels }: Autoencoder) {
        let latents = kernels.mesh(Role::EncoderTop as usize, &[&self.pixels]);
        self.codes.top = choose(&vqae.top, &latents, |cell| self.is_top_live(cell));
        let latents = kernels.mesh(Role::EncoderBottom as usize, &[&self.pixels, &self.top(&vqae.top)]);
        self.codes.bottom = choose(&vqae.bottom, &latents, |cell| self.is_live(cell));
    }

    /// The heads of its pixels, cell by cell; none where it has no codes.
    pub fn decode(&self, Autoencoder { vqae, kernels }: Autoencoder) -> Vec<i32> {
        match self.is_coded() {
            false => Vec::new(),
            true => kernels.mesh(Role::Decoder as usize, &[&self.top(&vqae.top), &self.bottom(&vqae.bottom)]),
        }
    }
}

fn activations(codes: &Codebook, indices: &[u8], is_live: impl Fn(usize) -> bool) -> Vec<i32> {
    let mut all = vec![0; indices.len() * codes.width()];
    for (cell, (out, &index)) in all.chunks_exact_mut(codes.width()).zip(indices).enumerate() {
        if is_live(cell) {
            out.iter_mut().zip(codes.code(index)).for_each(|(x, &e)| *x = i32::from(e));
        }
    }
    all
}

fn choose<const N: usize>(codes: &Codebook, latents: &[i32], is_live: impl Fn(usize) -> bool) -> [u8; N] {
    let mut out = [0; N];
    for (cell, (index, z)) in out.iter_mut().zip(latents.chunks_exact(codes.width())).enumerate() {
        if is_live(cell) {
            let z: Vec<i32> = z.iter().map(|&z| z.clamp(0, 127)).collect();
            *index = nearest(codes.codes(), &z) as u8;
        }
    }
    out
}

/// S of a size above 0.
pub fn scale(size: i32) -> i32 {
    (2 + size % 2) << (4 + size / 2)
}

/// The blocks of a tile, in rows, and which of their cells are seen.
pub fn empty(classes: &[u8], h: usize, w: usize) -> Vec<Block> {
    let starts = (0..h).step_by(BLOCK).flat_map(|y| (0..w).step_by(BLOCK).map(move |x| (y, x)));
    let block = |(y, x): (usize, usize)| {
        let mut live = 0u64;
        for row in 0..BLOCK.min(h - y) {
            for column in 0..BLOCK.min(w - x) {
                let seen = !hides(classes, (y + row) * w + x + column);
                live |= u64::from(seen) << (row / CELL * SIDE + column / CELL);
            }
        }
        let codes = Codes { top: [0; TOP_SIDE * TOP_SIDE], bottom: [0; SIDE * SIDE] };
        Block { y, x, live, base: 0, size: 0, codes, pixels: Vec::new() }
    };
    starts.map(block).collect()
}

/// The same with bases, sizes and pixels: an encoder's.
pub fn blocks(tile: Tile) -> Vec<Block> {
    let mut blocks = empty(tile.classes, tile.h, tile.w);
    blocks.iter_mut().filter(|block| block.live != 0).for_each(|block| measure(block, tile));
    blocks
}

fn measure(block: &mut Block, tile: Tile) {
    let Tile { ints, classes, h, w, .. } = tile;
    let rows = (block.y..h).take(BLOCK);
    let places = rows.flat_map(|y| (block.x..w).take(BLOCK).map(move |x| y * w + x));
    let seen = places.filter(|&i| !hides(classes, i)).map(|i| ints[i]);
    let (low, high) = seen.fold((i32::MAX, i32::MIN), |(low, high), v| (low.min(v), high.max(v)));
    block.base = ((low + high) / 2 + BASE / 2) / BASE * BASE;
    let reach = (high - block.base).max(block.base - low);
    block.size = if reach <= FLAT { 0 } else { (1..=MAX_SIZE).find(|&q| scale(q) >= reach).unwrap_or(MAX_SIZE) };
    if block.size == 0 {
        return;
    }
    let scale = scale(block.size);
    block.pixels = vec![0; PIXELS];
    for y in 0..BLOCK {
        for x in 0..BLOCK {
            // beyond the tile the nearest int
            let v = ints[(block.y + y).min(h - 1) * w + (block.x + x).min(w - 1)];
            let seen = 64 + (63 * i64::from(v - block.base) + i64::from(scale / 2)).div_euclid(scale.into());
            block.pixels[place(y, x)] = seen.clamp(0, 127) as i32;
        }
    }
}

/// Where a pixel of a block stands, cell by cell.
pub fn place(y: usize, x: usize) -> usize {
    (y / CELL * SIDE + x / CELL) * CELL * CELL + y % CELL * CELL + x % CELL
}

/// The ints of a tile as blocks say them; what is masked or in a block that is its base is not open.
pub fn pour(blocks: &[Block], heads: &[Vec<i32>], classes: &[u8], h: usize, w: usize) -> Approximation {
    let mut approximation = Approximation { p: vec![0; h * w], open: vec![false; h * w] };
    for (block, heads) in blocks.iter().zip(heads) {
        let scale = if block.size > 0 { scale(block.size) } else { 0 };
        for y in 0..BLOCK.min(h - block.y) {
            for x in 0..BLOCK.min(w - block.x) {
                let i = (block.y + y) * w + block.x + x;
                let head = heads.get(place(y, x)).map_or(0, |head| (*head).clamp(-MAX_HEAD, MAX_HEAD));
                approximation.p[i] = block.base + ((scale * head + (1 << LOG2_HEAD >> 1)) >> LOG2_HEAD);
                approximation.open[i] = block.is_coded() && !hides(classes, i);
            }
        }
    }
    approximation
}
