//! Many tiles in lock step: for each step of the plan the device describes it, the CPU pops it, the device shows it.
//!
//! ```text
//! for each step:   predict -> context, or features -> around -> mixture -> read back b and mixtures
//!                  pop the ints of all tiles          a tile that is corrupt goes on with zeros and fails alone
//!                  upload ints -> fill -> settle
//! ```

use super::Gpu;
use super::encode::{batch_size, count_refs};
use super::op::Op;
use super::queue::{Bound, dispatch};
use super::tables::{Stage, Tables};
use crate::entropy::lanes::Popper;
use crate::error::Result;
use crate::kernel::fast::room;
use crate::kernel::mixture::Mixtures;
use crate::model::plan::indices;
use crate::model::{Family, Plan};
use crate::tile::stream::{Context, pop, unpack};
use rayon::prelude::*;
use std::iter::repeat_n;
use wgpu::Buffer;

/// A coded tile, and the ints of the same tile of the planes it looks at.
#[derive(Clone, Copy, Debug)]
pub struct TilePayload<'a> {
    pub payload: &'a [u8],
    pub refs: &'a [&'a [i32]],
}

/// A tile on its way: its ints so far, or why there are none.
pub(super) struct Tile {
    pub ints: Vec<i32>,
    pub popper: Result<Popper>,
}

impl Gpu {
    /// The ints of the payloads of one plane and one size; `plan` must be the model's plan for decoding.
    pub fn decode(&self, context: Context, plan: &Plan, tiles: &[TilePayload]) -> Result<Vec<Result<Vec<i32>>>> {
        if context.is_flow() {
            return self.decode_flow(context, plan, tiles);
        }
        let n_refs = count_refs(plan, tiles.iter().map(|t| t.refs))?;
        if context.model.family == Family::L3c {
            return self.decode_scales(context, plan, tiles);
        }
        let tables = Tables::to_decode(context, plan, n_refs);
        let batch = Batch::new(self, &tables, plan, n_refs, tiles.len())?;
        self.check()?;
        let mut all = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            all.extend(batch.decode(self, context, plan, &tables, tiles)?);
        }
        Ok(all)
    }
}

struct Batch {
    n_most: usize,
    ints: Buffer,
    seeds: Buffer,
    ref_ints: Buffer,
    b: Buffer,
    mixtures: Buffer,
    staging: Buffer,
    fill_refs: Bound,
    fill: Bound,
    settle: Bound,
    /// What describes a step: predict, context or features and around, mixture.
    describe: Vec<(Op, Bound)>,
}

impl Batch {
    fn new(gpu: &Gpu, t: &Tables, plan: &Plan, n_refs: usize, n_tiles: usize) -> Result<Batch> {
        let n = t.stages.iter().map(|s| s.n).max().unwrap_or(0);
        let (n_arena, n_heads) = (plan.n_arena, 3 * t.k + 1);
        let largest = (n * n_heads).max(n_arena * n_refs.max(1)).max(t.n_acts());
        let total = n_arena * (2 + n_refs) + n * (n_heads + 6 * t.k + 3) + n_refs * plan.h * plan.w + t.n_acts();
        let n_most = batch_size(gpu, largest, total)?.min(n_tiles.max(1));
        let words = |n: usize| gpu.storage(n * n_most);
        let (ints, seeds, b) = (words(n), words(1), words(n));
        let (values, residuals, heads, mixtures) =
            (words(n_arena), words(n_arena), words(n * n_heads), words(3 * t.k * n));
        let (refs, ref_ints) = (words(n_arena * n_refs), words(n_refs * plan.h * plan.w));
        let (cells, shown, mirror) = (gpu.upload(&t.cells_and_spots()), gpu.upload(&t.shown), gpu.upload(&t.mirror));
        let (linear, offsets, weights) = (gpu.upload(&t.linear), gpu.upload(&t.offsets), gpu.upload(&t.weights));
        let params = gpu.upload_params(&t.params);
        let acts = words(t.n_acts());
        let bind = |op: Op, buffers: &[&Buffer]| gpu.bind(op, t.words, &params, buffers);
        let describe = |op: Op| match op {
            Op::Predict => Some(bind(op, &[&cells, &values, &refs, &linear, &b])),
            Op::Context => Some(bind(op, &[&cells, &values, &residuals, &refs, &b, &offsets, &weights, &heads])),
            Op::Features => Some(bind(op, &[&cells, &values, &residuals, &refs, &b, &offsets, &acts])),
            Op::Around => Some(bind(op, &[&cells, &weights, &acts, &heads])),
            Op::Mixture => Some(bind(op, &[&b, &heads, &gpu.constants, &mixtures])),
            Op::Fill | Op::Settle | Op::Interval | Op::Couple | Op::Carry | Op::Leave => None,
            Op::Quantise | Op::Coarsen | Op::Mesh | Op::Nearest => None,
        };
        Ok(Batch {
            n_most,
            fill_refs: bind(Op::Fill, &[&mirror, &ref_ints, &seeds, &refs]),
            fill: bind(Op::Fill, &[&shown, &ints, &seeds, &values]),
            settle: bind(Op::Settle, &[&shown, &values, &b, &residuals]),
            describe: t.ops().into_iter().filter_map(|op| Some((op, describe(op)?))).collect(),
            staging: gpu.staging((3 * t.k + 1) * n * n_most),
            ints,
            seeds,
            ref_ints,
            b,
            mixtures,
        })
    }

    fn decode(
        &self,
        gpu: &Gpu,
        context: Context,
        plan: &Plan,
        t: &Tables,
        payloads: &[TilePayload],
    ) -> Result<Vec<Result<Vec<i32>>>> {
        let mut tiles: Vec<Tile> =
            payloads.iter().map(|tile| Tile::open(context, tile.payload, plan.h * plan.w)).collect();
        let refs: Vec<&[i32]> = payloads.iter().flat_map(|tile| tile.refs).copied().collect();
        gpu.write(&self.ref_ints, &refs.concat());
        gpu.write(&self.seeds, &tiles.iter().map(|tile| tile.ints[0]).collect::<Vec<i32>>());

        let mut encoder = gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            dispatch(&mut pass, &self.fill_refs, &t.params, t.fill_refs.clone(), refs.len());
            dispatch(&mut pass, &self.fill, &t.params, t.fill_none.clone(), tiles.len());
            dispatch(&mut pass, &self.settle, &t.params, t.fill_none.clone(), tiles.len());
        }
        for stage in &t.stages {
            self.describe(&mut encoder, t, stage, tiles.len());
            let submission = gpu.submit(encoder);
            let words = (3 * t.k + 1) * stage.n * tiles.len();
            gpu.read(&self.staging, words, submission, |words| {
                let (b, mixtures) = words.split_at(stage.n * tiles.len());
                let (b, mixtures) = (bytemuck::cast_slice(b), bytemuck::cast_slice(mixtures));
                let (bs, mixtures) = (b.par_chunks_exact(stage.n), mixtures.par_chunks_exact(3 * t.k * stage.n));
                let tiles = tiles.par_iter_mut().zip(bs).zip(mixtures);
                tiles.for_each(|((tile, b), mixtures)| tile.pop(context, plan, t.k, stage, b, mixtures));
            })?;
            let index = &t.index[stage.first..][..stage.n];
            let ints: Vec<i32> = tiles.iter().flat_map(|t| index.iter().map(|&i| t.ints[i as usize])).collect();
            gpu.write(&self.ints, &ints);
            encoder = gpu.encoder();
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            dispatch(&mut pass, &self.fill, &t.params, stage.shown.clone(), tiles.len());
            dispatch(&mut pass, &self.settle, &t.params, stage.shown.clone(), tiles.len());
        }
        Ok(tiles.into_iter().map(|tile| tile.popper?.finish().map(|()| tile.ints)).collect())
    }

    /// b and the mixtures of a step, into the staging buffer.
    fn describe(&self, encoder: &mut wgpu::CommandEncoder, t: &Tables, stage: &Stage, n_tiles: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for (op, bound) in &self.describe {
            let which = if *op == Op::Around { &stage.layers } else { &stage.cells };
            dispatch(&mut pass, bound, &t.params, which.clone(), n_tiles);
        }
        drop(pass);
        let n = (stage.n * n_tiles * 4) as u64;
        encoder.copy_buffer_to_buffer(&self.b, 0, &self.staging, 0, n);
        encoder.copy_buffer_to_buffer(&self.mixtures, 0, &self.staging, n, 3 * t.k as u64 * n);
    }
}

impl Tile {
    /// A tile of `n` ints, of which the seed is known.
    pub(super) fn open(context: Context, payload: &[u8], n: usize) -> Tile {
        let mut ints = vec![0; n];
        let opened = unpack(payload, context.max as u32 + 1);
        ints[0] = opened.as_ref().map_or(0, |(_, seed)| *seed as i32);
        Tile { popper: opened.map(|(popper, _)| popper), ints }
    }

    /// Pops the ints of a step, whose mixtures are K locations, K log2 scales and K weights of its cells.
    pub(super) fn pop(&mut self, context: Context, plan: &Plan, k: usize, stage: &Stage, b: &[i32], mixtures: &[i32]) {
        let Ok(popper) = &mut self.popper else { return };
        let mixtures = with_room(k, stage.n, mixtures);
        let b = &padded(stage.n, b);
        let mut from = 0;
        for run in plan.steps[stage.steps.clone()].iter().flat_map(|s| &s.runs) {
            if let Err(e) = pop(popper, context.fast, context.popped(), *run, &mixtures, b, from, &[], &mut self.ints) {
                // what was popped last may lie outside the plane, which no kernel may see
                indices(*run).for_each(|i| self.ints[i] = 0);
                self.popper = Err(e);
                return;
            }
            from += run.n as usize;
        }
    }
}

/// The mixtures of `n` cells as the kernels want them.
pub(super) fn with_room(k: usize, n: usize, mixtures: &[i32]) -> Mixtures {
    let [location, log2_scale, weight] = [0, 1, 2].map(|i| padded(n, &mixtures[i * k * n..][..k * n]));
    Mixtures { k, stride: room(n), location, log2_scale, weight }
}

/// Rows of `n` numbers with room behind each: the kernels work in whole vectors.
fn padded(n: usize, rows: &[i32]) -> Vec<i32> {
    let rows = rows.chunks_exact(n);
    rows.flat_map(|row| row.iter().copied().chain(repeat_n(1, room(n) - n))).collect()
}
