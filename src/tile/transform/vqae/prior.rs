//! Of every block:  flat?  base − foreseen base   size − size before      of every live cell: its code, as likely as the meshes say
//!
//! ```text
//! z_i = EXP2_4096[t mod 256] >> ⌊t / 256⌋,  t = min(a_top − a_i, 3071)      width_i = 1 + ⌊z_i · (2²⁴ − n) / Σ z⌋, a_top takes the rest
//! ```

use super::Autoencoder;
use super::block::{BASE, Block, MAX_SIZE};
use crate::entropy::adaptive::{Chance, Code, magnitude};
use crate::error::{Error, Result};
use crate::kernel::mesh::cell;
use crate::kernel::tables::EXP2_4096;
use crate::model::vqae::{BLOCK, Codebook, Role};
use crate::tile::transform::MAX_OVERSAMPLED;

/// The size that stands before the first.
const FIRST_SIZE: i32 = 4;

/// A number around 0.
struct Number {
    zero: Chance,
    negative: Chance,
    magnitude: [Chance; 20],
}

impl Number {
    const NEW: Number =
        Number { zero: Chance::new(1, 1), negative: Chance::new(1, 1), magnitude: [Chance::new(1, 1); 20] };

    fn code(&mut self, code: &mut impl Code, n: i32) -> Result<i32> {
        if !self.zero.bit(code, n != 0)? {
            return Ok(0);
        }
        let negative = self.negative.bit(code, n < 0)?;
        let m = magnitude(code, &mut self.magnitude, n.abs())?;
        Ok(if negative { -m } else { m })
    }
}

/// Codes the blocks of a tile; a reader hands over empty ones.
pub fn walk(code: &mut impl Code, autoencoder: Autoencoder, max: i32, blocks: &mut [Block]) -> Result<()> {
    let (mut flat, mut bases, mut sizes) = ([Chance::new(1, 1); 3], Number::NEW, Number::NEW);
    let n_columns = blocks.iter().take_while(|block| block.y == 0).count().max(1);
    let (mut size, middle) = (FIRST_SIZE, max / 2 / BASE);
    for i in 0..blocks.len() {
        if blocks[i].live == 0 {
            continue;
        }
        let left = i.checked_sub(1).filter(|_| blocks[i].x >= BLOCK).map(|i| &blocks[i]).filter(|b| b.live != 0);
        let above = i.checked_sub(n_columns).map(|i| &blocks[i]).filter(|b| b.live != 0);
        let near = || left.into_iter().chain(above);
        let n_flat = near().filter(|block| block.size == 0).count();
        let foreseen = match near().count() as i32 {
            0 => middle,
            n => near().map(|block| block.base / BASE).sum::<i32>() / n,
        };
        let block = &mut blocks[i];
        let is_flat = flat[n_flat].bit(code, block.size == 0)?;
        let base = foreseen + bases.code(code, block.base / BASE - foreseen)?;
        if !(0..=MAX_OVERSAMPLED / BASE).contains(&base) {
            return Err(Error::corrupt(format!("a block with base {base}")));
        }
        let wanted = block.size;
        (block.base, block.size) = (base * BASE, 0);
        if is_flat {
            continue;
        }
        size += sizes.code(code, wanted - size)?;
        if !(1..=MAX_SIZE).contains(&size) {
            return Err(Error::corrupt(format!("a block of size {size}")));
        }
        block.size = size;
        codes(code, autoencoder, block)?;
    }
    Ok(())
}

/// The codes of a block's live cells, top before bottom.
fn codes<C: Code>(code: &mut C, autoencoder: Autoencoder, block: &mut Block) -> Result<()> {
    let (vqae, size) = (autoencoder.vqae, block.size_seen());
    let live: Vec<usize> = (0..block.codes.top.len()).filter(|&i| block.is_top_live(i)).collect();
    let known = if C::KNOWS { block.top(&vqae.top) } else { vec![0; block.codes.top.len() * vqae.top.width()] };
    let indices = &mut block.codes.top;
    let top = level(code, autoencoder, Role::PriorTop, (&vqae.top, indices), &live, (known, &[&size]))?;
    let live: Vec<usize> = (0..block.codes.bottom.len()).filter(|&i| block.is_live(i)).collect();
    let known =
        if C::KNOWS { block.bottom(&vqae.bottom) } else { vec![0; block.codes.bottom.len() * vqae.bottom.width()] };
    let indices = &mut block.codes.bottom;
    level(code, autoencoder, Role::PriorBottom, (&vqae.bottom, indices), &live, (known, &[&top, &size]))?;
    Ok(())
}

/// The codes of one level, whose activations so far are handed over and given back whole. Who knows them all has the logits of all
/// cells told at once, which are the same.
fn level<C: Code>(
    code: &mut C,
    Autoencoder { vqae, kernels }: Autoencoder,
    role: Role,
    (codes, indices): (&Codebook, &mut [u8]),
    live: &[usize],
    (mut known, others): (Vec<i32>, &[&[i32]]),
) -> Result<Vec<i32>> {
    let mesh = vqae.meshes()[role as usize];
    let sources = |known: &[i32], f: &mut dyn FnMut(&[&[i32]]) -> Vec<i32>| {
        let all: Vec<&[i32]> = std::iter::once(known).chain(others.iter().copied()).collect();
        f(&all)
    };
    let all = if C::KNOWS { sources(&known, &mut |all| kernels.mesh(role as usize, all)) } else { Vec::new() };
    for &i in live {
        let ends = match all.get(i * codes.n_codes()..(i + 1) * codes.n_codes()) {
            Some(logits) => ends(logits),
            None => ends(&sources(&known, &mut |all| cell(mesh, all, i))),
        };
        indices[i] = code.among(indices[i].into(), &ends)? as u8;
        put(codes, indices[i], i, &mut known);
    }
    Ok(known)
}

fn put(codes: &Codebook, index: u8, cell: usize, activations: &mut [i32]) {
    let out = &mut activations[cell * codes.width()..][..codes.width()];
    out.iter_mut().zip(codes.code(index)).for_each(|(x, &e)| *x = i32::from(e));
}

/// Where the interval of each code ends, by the logits in 1/256 octave.
pub fn ends(logits: &[i32]) -> Vec<u32> {
    let n = logits.len() as u64;
    let top = (0..logits.len()).rev().max_by_key(|&i| logits[i]).unwrap_or(0);
    let share = |a: i32| {
        let t = (logits[top] - a).min(3071);
        (EXP2_4096[(t & 255) as usize] >> (t >> 8)) as u64
    };
    let sum: u64 = logits.iter().map(|&a| share(a)).sum();
    let width = |a: i32| 1 + share(a) * ((1 << 24) - n) / sum;
    let rest = (1 << 24) - logits.iter().map(|&a| width(a)).sum::<u64>();
    let mut end = 0;
    let step = |(i, &a): (usize, &i32)| {
        end += width(a) + if i == top { rest } else { 0 };
        end as u32
    };
    logits.iter().enumerate().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_fill_the_whole_range_and_none_is_empty() {
        for logits in [vec![0; 256], vec![-32768, 32767], (0..100).map(|i| i * i - 4000).collect::<Vec<i32>>()] {
            let ends = ends(&logits);
            assert_eq!(ends.last(), Some(&(1 << 24)));
            assert!(ends[0] > 0 && ends.is_sorted_by(|a, b| a < b), "{logits:?}");
        }
        // one octave is twice as likely; the first of equals takes the rest
        assert_eq!(ends(&[256, 0]), [11184811, 1 << 24]);
        assert_eq!(ends(&[0, 0, 0]), [5592406, 11184811, 1 << 24]);
    }
}
