//! Many tiles through a flow at once: the moves of `lifts`, and the coder on the CPU.
//!
//! ```text
//! encode:  ints there, what is left read back; then back again, an interval for each
//! decode:  back, and at each coded step the CPU pops what is left of its midpoints
//! ```

use super::Gpu;
use super::decode::{TilePayload, with_room};
use super::encode::{TileInts, batch_size, check_tiles, count_refs};
use super::lifts::{Coded, Deed, Lifts, Move};
use super::op::Op;
use super::queue::{Bound, dispatch};
use crate::entropy::lanes::{Interval, Popper};
use crate::error::Result;
use crate::kernel::ONE;
use crate::kernel::fast::room;
use crate::kernel::interval::cost;
use crate::model::Plan;
use crate::model::plan::indices;
use crate::tile::cells as flow;
use crate::tile::flow::{POPPED, check, far, opened, packed};
use crate::tile::stream::{Context, pop};
use rayon::prelude::*;
use std::collections::BTreeMap;
use wgpu::{Buffer, CommandEncoder};

/// The buffers of a batch of tiles, and the deeds bound to them.
struct Batch {
    n_most: usize,
    ints: Buffer,
    left: Buffer,
    seeds: Buffer,
    middles: Buffer,
    ref_ints: Buffer,
    values: Buffer,
    mixtures: Buffer,
    intervals: Buffer,
    staging: Buffer,
    deeds: BTreeMap<Deed, Bound>,
}

/// A tile on its way: what is left of its midpoints so far, or why there is nothing.
struct Tile {
    left: Vec<i32>,
    seed: i32,
    popper: Result<Popper>,
}

impl Gpu {
    /// The payloads of tiles of one plane and one size, the same bytes as `flow::encode`.
    pub(super) fn encode_flow(&self, context: Context, plan: &Plan, tiles: &[TileInts]) -> Result<Vec<Vec<u8>>> {
        let n_refs = check_tiles(plan, tiles)?;
        if plan.lifts.is_empty() {
            return Ok(tiles.iter().map(|tile| flow::encode(context, plan, tile.ints, tile.refs)).collect());
        }
        let lifts = Lifts::new(context, plan, n_refs, true);
        let batch = Batch::new(self, &lifts, plan, n_refs, tiles.len())?;
        self.check()?;
        let mut payloads = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            let ints: Vec<i32> = tiles.iter().flat_map(|tile| tile.ints).copied().collect();
            self.write(&batch.ints, &ints);
            let refs: Vec<&[i32]> = tiles.iter().flat_map(|tile| tile.refs).copied().collect();
            let mut encoder = batch.begin(self, context, &lifts, &refs, tiles.len());
            batch.go(&mut encoder, &lifts, &lifts.there, tiles.len(), n_refs);
            batch.go(&mut encoder, &lifts, &lifts.back, tiles.len(), n_refs);
            payloads.extend(batch.finish(self, plan, &lifts, encoder, tiles.len())?);
        }
        Ok(payloads)
    }

    /// The ints of the payloads of one plane and one size.
    pub(super) fn decode_flow(
        &self,
        context: Context,
        plan: &Plan,
        tiles: &[TilePayload],
    ) -> Result<Vec<Result<Vec<i32>>>> {
        let n_refs = count_refs(plan, tiles.iter().map(|t| t.refs))?;
        if plan.lifts.is_empty() {
            let one = |tile: &TilePayload| {
                let mut ints = vec![0; plan.h * plan.w];
                flow::decode(context, plan, tile.payload, tile.refs, &mut ints).map(|()| ints)
            };
            return Ok(tiles.iter().map(one).collect());
        }
        let lifts = Lifts::new(context, plan, n_refs, false);
        let batch = Batch::new(self, &lifts, plan, n_refs, tiles.len())?;
        self.check()?;
        let mut all = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            all.extend(batch.decode(self, context, plan, &lifts, tiles, n_refs)?);
        }
        Ok(all)
    }
}

impl Batch {
    fn new(gpu: &Gpu, t: &Lifts, plan: &Plan, n_refs: usize, n_tiles: usize) -> Result<Batch> {
        let (n, n_arena, n_heads) = (t.n_most.max(t.n_coded + 1), plan.n_arena, 3 * t.most_k + 1);
        let largest = (n * n_heads).max(n_arena * n_refs.max(1)).max(plan.h * plan.w);
        let total = n_arena * (3 + n_refs) + n * (n_heads + 6 * t.k + 9) + (n_refs + 1) * plan.h * plan.w;
        let n_most = batch_size(gpu, largest, total)?.min(n_tiles.max(1));
        let words = |n: usize| gpu.storage(n * n_most);
        let (ints, left, seeds, middles) = (words(plan.h * plan.w), words(n), words(1), words(1));
        let (b, zeros, heads, mixtures) = (words(n), words(n), words(n * n_heads), words(3 * t.k * n));
        let (values, residuals, sharp, intervals) = (words(n_arena), words(n_arena), words(n_arena), words(2 * n));
        let (refs, ref_ints) = (words(n_arena * n_refs), words(n_refs * plan.h * plan.w));
        let (cells, shown, pairs, mirror) =
            (gpu.upload(&t.cells), gpu.upload(&t.shown), gpu.upload(&t.pairs), gpu.upload(&t.mirror));
        let (linear, offsets, weights) = (gpu.upload(&t.linear), gpu.upload(&t.offsets), gpu.upload(&t.weights));
        let params = gpu.upload_params(&t.params);
        let bind = |op: Op, buffers: &[&Buffer]| gpu.bind(op, t.words, &params, buffers);
        let see = |residuals: &Buffer, b: &Buffer| {
            bind(Op::Context, &[&cells, &values, residuals, &refs, b, &offsets, &weights, &heads])
        };
        let deeds = [
            (Deed::FillRefs, bind(Op::Fill, &[&mirror, &ref_ints, &seeds, &refs])),
            (Deed::FillBare, bind(Op::Fill, &[&shown, &ints, &middles, &values])),
            (Deed::FillInts, bind(Op::Fill, &[&shown, &ints, &seeds, &values])),
            (Deed::FillSeed, bind(Op::Fill, &[&shown, &ints, &seeds, &values])),
            (Deed::FillLeft, bind(Op::Fill, &[&shown, &left, &seeds, &values])),
            (Deed::ResetSharp, bind(Op::Settle, &[&shown, &values, &zeros, &sharp])),
            (Deed::ResetResiduals, bind(Op::Settle, &[&shown, &values, &zeros, &residuals])),
            (Deed::Predict, bind(Op::Predict, &[&cells, &values, &refs, &linear, &b])),
            (Deed::SettleSharp, bind(Op::Settle, &[&shown, &values, &b, &sharp])),
            (Deed::SettleLeft, bind(Op::Settle, &[&shown, &values, &zeros, &residuals])),
            (Deed::SeeKnown, see(&sharp, &b)),
            (Deed::SeeLeft, see(&residuals, &zeros)),
            (Deed::SeeToCode, see(&residuals, &b)),
            (Deed::CoupleMidpoints, bind(Op::Couple, &[&shown, &b, &heads, &values])),
            (Deed::CoupleKnown, bind(Op::Couple, &[&shown, &zeros, &heads, &values])),
            (Deed::CarryValues, bind(Op::Carry, &[&pairs, &values])),
            (Deed::CarryResiduals, bind(Op::Carry, &[&pairs, &residuals])),
            (Deed::Mixture, bind(Op::Mixture, &[&zeros, &heads, &gpu.constants, &mixtures])),
            (Deed::Interval, bind(Op::Interval, &[&left, &zeros, &mixtures, &gpu.constants, &intervals])),
            (Deed::Leave, bind(Op::Leave, &[&cells, &values, &left])),
        ];
        let staging = gpu.staging((3 * t.k).max(3) * n * n_most);
        let deeds = deeds.into();
        Ok(Batch { n_most, ints, left, seeds, middles, ref_ints, values, mixtures, intervals, staging, deeds })
    }

    /// Arenas as they are before anything is known.
    fn begin(&self, gpu: &Gpu, context: Context, t: &Lifts, refs: &[&[i32]], n_tiles: usize) -> CommandEncoder {
        gpu.write(&self.ref_ints, &refs.concat());
        gpu.write(&self.middles, &vec![context.usual.value / ONE; n_tiles]);
        let mut encoder = gpu.encoder();
        encoder.clear_buffer(&self.values, 0, None);
        self.go(&mut encoder, t, &t.begin, n_tiles, refs.len() / n_tiles.max(1));
        encoder
    }

    /// Moves of which none is coded by the CPU.
    fn go(&self, encoder: &mut CommandEncoder, t: &Lifts, moves: &[Move], n_tiles: usize, n_refs: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for next in moves {
            let Move::Do(deed, range) = next else { continue };
            let n = if *deed == Deed::FillRefs { n_tiles * n_refs } else { n_tiles };
            dispatch(&mut pass, &self.deeds[deed], &t.params, range.clone(), n);
        }
    }

    /// Reads back intervals and what is left, and packs them.
    fn finish(
        &self,
        gpu: &Gpu,
        plan: &Plan,
        t: &Lifts,
        mut encoder: CommandEncoder,
        n_tiles: usize,
    ) -> Result<Vec<Vec<u8>>> {
        let n = t.n_coded + 1;
        let bytes = (n * n_tiles * 4) as u64;
        encoder.copy_buffer_to_buffer(&self.intervals, 0, &self.staging, 0, 2 * bytes);
        encoder.copy_buffer_to_buffer(&self.left, 0, &self.staging, 2 * bytes, bytes);
        let submission = gpu.submit(encoder);
        gpu.read(&self.staging, 3 * n * n_tiles, submission, |words| {
            let (intervals, left) = words.split_at(2 * n * n_tiles);
            let left: &[i32] = bytemuck::cast_slice(left);
            let tiles = intervals.par_chunks_exact(2 * n).zip(left.par_chunks_exact(n));
            let pack_one = |(intervals, left): (&[u32], &[i32])| {
                let mut symbols = vec![(Interval::default(), None); plan.h * plan.w];
                let coded = intervals[..2 * t.n_coded].chunks_exact(2);
                let widths: Vec<u32> = coded.clone().map(|pair| pair[1]).collect();
                for ((&index, pair), &left) in t.index.iter().zip(coded).zip(left) {
                    symbols[index as usize] = (Interval { start: pair[0], width: pair[1] }, far(left));
                }
                packed(plan, left[t.n_coded], cost(&widths), |index| symbols[index])
            };
            tiles.map(pack_one).collect()
        })
    }

    fn decode(
        &self,
        gpu: &Gpu,
        context: Context,
        plan: &Plan,
        t: &Lifts,
        payloads: &[TilePayload],
        n_refs: usize,
    ) -> Result<Vec<Result<Vec<i32>>>> {
        let open = |tile: &TilePayload| {
            let (popper, seed) = match opened(tile.payload) {
                Ok((popper, seed)) => (Ok(popper), seed),
                Err(e) => (Err(e), 0),
            };
            Tile { left: vec![0; plan.h * plan.w], seed, popper }
        };
        let mut tiles: Vec<Tile> = payloads.iter().map(open).collect();
        gpu.write(&self.seeds, &tiles.iter().map(|tile| tile.seed).collect::<Vec<i32>>());
        let refs: Vec<&[i32]> = payloads.iter().flat_map(|tile| tile.refs).copied().collect();
        let mut encoder = self.begin(gpu, context, t, &refs, tiles.len());
        for part in t.back.split_inclusive(|next| matches!(next, Move::Code(_))) {
            self.go(&mut encoder, t, part, tiles.len(), n_refs);
            if let Some(Move::Code(coded)) = part.last() {
                self.pop(gpu, context, plan, t, coded, encoder, &mut tiles)?;
                encoder = gpu.encoder();
            }
        }
        let words = plan.n_arena * tiles.len();
        let staging = gpu.staging(words);
        encoder.copy_buffer_to_buffer(&self.values, 0, &staging, 0, words as u64 * 4);
        let submission = gpu.submit(encoder);
        gpu.read(&staging, words, submission, |words| {
            let arenas: &[i32] = bytemuck::cast_slice(words);
            let tiles = tiles.into_par_iter().zip(arenas.par_chunks_exact(plan.n_arena));
            tiles.map(|(tile, values)| tile.finish(context, plan, values)).collect()
        })
    }

    /// What is left of the midpoints of a step, of all tiles.
    #[expect(clippy::too_many_arguments, reason = "the tables, the stream, and what is on its way")]
    fn pop(
        &self,
        gpu: &Gpu,
        context: Context,
        plan: &Plan,
        t: &Lifts,
        coded: &Coded,
        mut encoder: CommandEncoder,
        tiles: &mut [Tile],
    ) -> Result<()> {
        let n = coded.n;
        let words = 3 * t.k * n * tiles.len();
        encoder.copy_buffer_to_buffer(&self.mixtures, 0, &self.staging, 0, words as u64 * 4);
        let submission = gpu.submit(encoder);
        gpu.read(&self.staging, words, submission, |words| {
            let mixtures: &[i32] = bytemuck::cast_slice(words);
            let tiles = tiles.par_iter_mut().zip(mixtures.par_chunks_exact(3 * t.k * n));
            tiles.for_each(|(tile, mixtures)| tile.pop(context, plan, t.k, coded, mixtures));
        })?;
        let index = &t.index[coded.first..][..n];
        let left: Vec<i32> = tiles.iter().flat_map(|t| index.iter().map(|&i| t.left[i as usize])).collect();
        gpu.write(&self.left, &left);
        Ok(())
    }
}

impl Tile {
    fn pop(&mut self, context: Context, plan: &Plan, k: usize, coded: &Coded, mixtures: &[i32]) {
        let Ok(popper) = &mut self.popper else { return };
        let mixtures = with_room(k, coded.n, mixtures);
        let zeros = vec![0; room(coded.n)];
        let mut from = 0;
        for &run in &plan.steps[coded.step].runs {
            let popped = pop(popper, context.fast, POPPED, run, &mixtures, &zeros, from, &[], &mut self.left);
            if let Err(e) = popped {
                // no kernel may see what was popped last
                self.left.fill(0);
                self.popper = Err(e);
                return;
            }
            from += run.n as usize;
        }
    }

    /// The ints, from the arena's finest level.
    fn finish(self, context: Context, plan: &Plan, values: &[i32]) -> Result<Vec<i32>> {
        let popper = self.popper?;
        let mut ints = vec![self.seed; plan.h * plan.w];
        for run in plan.lifts.last().iter().flat_map(|lift| &lift.phases).flat_map(|phase| &phase.runs) {
            let cells = &values[run.at as usize..][..run.n as usize];
            let places = indices(*run);
            cells.iter().zip(places).for_each(|(cell, i)| ints[i] = cell / ONE);
        }
        check(context, &ints)?;
        popper.finish().map(|()| ints)
    }
}
