//! fields → crops of 64 × 64 at random places, to bounds drawn anew → what meshes see, and what they are to decode
//!
//! Ints, bases, sizes and pixels are made by the engine. What is hidden, or beyond the edge of a field, counts for
//! nothing.

use crate::data::corpus::Corpus;
use crate::data::plane::{Plane, cut};
use crate::random::Random;
use collapsar::internals::model::vqae::BLOCK;
use collapsar::internals::tile::mask::fill_rows;
use collapsar::internals::tile::transform::vqae::{Block, blocks, place, scale};
use collapsar::internals::tile::transform::{SUBSTEPS, Tile};

/// Shares of the range, as bounds.
const BOUNDS: (f64, f64) = (4e-3, 1.5e-1);
/// A crop in so many is cut off where its field ends.
const CUT: f64 = 0.2;
const HOLE: i32 = -1;
const MAX: i32 = 1 << 20;

/// A block that has codes: as the engine sees it, and its ints in units of its size, cell by cell, with 1 where they
/// are seen.
pub struct Crop {
    pub block: Block,
    pub target: Vec<f32>,
    pub seen: Vec<f32>,
}

/// A block of a random field.
pub fn draw(corpus: &Corpus, random: &mut Random) -> Crop {
    loop {
        let class = random.below(corpus.classes.len());
        let frames = &corpus.classes[class].1;
        if frames.is_empty() {
            continue;
        }
        let frame = &frames[random.below(frames.len())];
        let plane = &frame.planes[random.below(frame.planes.len())];
        let bound = random.log_uniform(BOUNDS.0, BOUNDS.1);
        if let Some(crop) = crop(plane, bound, random) {
            return crop;
        }
    }
}

fn crop(plane: &Plane, bound: f64, random: &mut Random) -> Option<Crop> {
    let room = |n: usize, random: &mut Random| {
        if n <= BLOCK {
            return (0, n);
        }
        let at = if random.unit() < CUT { random.below(n - 8) } else { random.below(n - BLOCK + 1) };
        (at, BLOCK.min(n - at))
    };
    let ((y, h), (x, w)) = (room(plane.h, random), room(plane.w, random));
    let turn = if h == w { random.below(8) } else { random.below(4) };
    let negative = random.below(2) == 1;
    let step = 2.0 * bound * f64::from(plane.max) / f64::from(SUBSTEPS);
    let shift = random.unit() * f64::from(SUBSTEPS);
    let mut classes = vec![0; h * w];
    let mut ints = Vec::with_capacity(h * w);
    for (int, class) in cut(plane, (y, x), (h, w), turn).into_iter().zip(&mut classes) {
        *class = u8::from(int == HOLE);
        let turned = f64::from(if negative { plane.max - int } else { int });
        ints.push(((turned / step + shift).round() as i32).clamp(0, MAX));
    }
    fill_rows(&mut ints, &classes, w);
    let block = blocks(Tile { ints: &ints, classes: &classes, h, w, max: MAX }).remove(0);
    if !block.is_coded() {
        return None;
    }
    let (mut target, mut seen) = (vec![0.0; BLOCK * BLOCK], vec![0.0; BLOCK * BLOCK]);
    for i in (0..h * w).filter(|&i| classes[i] == 0) {
        let at = place(i / w, i % w);
        target[at] = (ints[i] - block.base) as f32 / scale(block.size) as f32;
        seen[at] = 1.0;
    }
    Some(Crop { block, target, seen })
}
