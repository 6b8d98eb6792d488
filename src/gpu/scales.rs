//! Many tiles of family `l3c` at once.
//!
//! ```text
//! encode   ints -> fill -> predict -> settle -> context (encoder's net) -> quantise -> fill
//!               -> context -> coarsen -> mixture -> interval -> read back (start, width)
//! decode   for each wave:   predict -> context -> coarsen -> mixture -> read back b and mixtures
//!                           pop the symbols of all tiles; upload ints -> fill -> settle
//! ```

use super::Gpu;
use super::decode::{Tile, TilePayload};
use super::encode::{TileInts, batch_size, symbols};
use super::op::Op;
use super::queue::{Bound, dispatch};
use super::tables::{Stage, Tables};
use crate::error::{Error, Result};
use crate::kernel::interval::cost;
use crate::model::Plan;
use crate::model::l3c::{Steps, pyramid, symbol};
use crate::model::plan::indices;
use crate::tile::pyramid::restore;
use crate::tile::stream::{Context, pack};
use rayon::prelude::*;
use wgpu::Buffer;

/// The buffers of a batch of tiles, and the ops bound to them.
struct Batch {
    n_most: usize,
    ints: Buffer,
    symbols: Buffer,
    seeds: Buffer,
    coarse: Buffer,
    mixtures: Buffer,
    intervals: Buffer,
    staging: Buffer,
    fill: Bound,
    fill_features: Bound,
    predict: Bound,
    settle: Bound,
    context: Bound,
    quantise: Bound,
    coarsen: Bound,
    mixture: Bound,
    interval: Bound,
}

impl Gpu {
    /// The payloads of tiles of one plane and one size, the same bytes as `scales::encode`.
    pub(super) fn encode_scales(&self, context: Context, plan: &Plan, tiles: &[TileInts]) -> Result<Vec<Vec<u8>>> {
        let tables = Tables::of_scales(context, plan, false);
        let batch = Batch::new(self, &tables, plan, tables.cells.len(), tiles.len())?;
        self.check()?;
        let mut payloads = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            let steps = Steps::of(context.usual);
            let all = |tile: &TileInts| pyramid(plan, tile.ints, context.max, steps);
            let tiles: Vec<Vec<i32>> = tiles.par_iter().map(all).collect();
            payloads.extend(batch.encode(self, context, plan, &tables, &tiles)?);
        }
        Ok(payloads)
    }

    /// The ints of the payloads of one plane and one size.
    pub(super) fn decode_scales(
        &self,
        context: Context,
        plan: &Plan,
        tiles: &[TilePayload],
    ) -> Result<Vec<Result<Vec<i32>>>> {
        let tables = Tables::of_scales(context, plan, true);
        let n = tables.stages.iter().map(|s| s.n).max().unwrap_or(0);
        let batch = Batch::new(self, &tables, plan, n, tiles.len())?;
        self.check()?;
        let mut all = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            all.extend(batch.decode(self, context, plan, &tables, tiles)?);
        }
        Ok(all)
    }
}

impl Batch {
    /// For `n` cells of a tile at once.
    fn new(gpu: &Gpu, t: &Tables, plan: &Plan, n: usize, n_tiles: usize) -> Result<Batch> {
        let (n_arena, n_heads) = (plan.n_arena, 3 * t.k + 1);
        let total = 2 * n_arena + n * (n_heads + 6 * t.k + 10);
        let n_most = batch_size(gpu, (n * n_heads).max(n_arena), total)?.min(n_tiles.max(1));
        let words = |n: usize| gpu.storage(n * n_most);
        let (ints, symbols, seeds) = (words(n), words(n), words(1));
        let (values, residuals, b, coarse) = (words(n_arena), words(n_arena), words(n), words(n));
        let (heads, mixtures, intervals) = (words(n * n_heads), words(3 * t.k * n), words(2 * n));
        let (cells, shown, none) = (gpu.upload(&t.cells), gpu.upload(&t.shown), gpu.storage(1));
        let (linear, offsets, weights) = (gpu.upload(&t.linear), gpu.upload(&t.offsets), gpu.upload(&t.weights));
        let params = gpu.upload_params(&t.params);
        let bind = |op: Op, buffers: &[&Buffer]| gpu.bind(op, t.words, &params, buffers);
        let context = [&cells, &values, &residuals, &none, &b, &offsets, &weights, &heads];
        Ok(Batch {
            n_most,
            fill: bind(Op::Fill, &[&shown, &ints, &seeds, &values]),
            fill_features: bind(Op::Fill, &[&shown, &symbols, &seeds, &values]),
            predict: bind(Op::Predict, &[&cells, &values, &none, &linear, &b]),
            settle: bind(Op::Settle, &[&shown, &values, &b, &residuals]),
            context: bind(Op::Context, &context),
            quantise: bind(Op::Quantise, &[&heads, &symbols]),
            coarsen: bind(Op::Coarsen, &[&b, &heads, &coarse]),
            mixture: bind(Op::Mixture, &[&coarse, &heads, &gpu.constants, &mixtures]),
            interval: bind(Op::Interval, &[&symbols, &coarse, &mixtures, &gpu.constants, &intervals]),
            staging: gpu.staging((3 * t.k + 3) * n * n_most),
            ints,
            symbols,
            seeds,
            coarse,
            mixtures,
            intervals,
        })
    }

    fn encode(&self, gpu: &Gpu, context: Context, plan: &Plan, t: &Tables, tiles: &[Vec<i32>]) -> Result<Vec<Vec<u8>>> {
        let (n, n_tiles) = (t.cells.len(), tiles.len());
        let in_order = |all: &Vec<i32>| t.index.iter().map(|&i| all[i as usize]).collect::<Vec<i32>>();
        let coarse: Vec<Vec<i32>> = tiles.par_iter().map(|all| symbols_of(context, plan, all)).collect();
        gpu.write(&self.seeds, &tiles.iter().map(|all| all[0]).collect::<Vec<i32>>());
        gpu.write(&self.ints, &tiles.par_iter().flat_map_iter(in_order).collect::<Vec<i32>>());
        gpu.write(&self.symbols, &coarse.par_iter().flat_map_iter(in_order).collect::<Vec<i32>>());

        let mut encoder = gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            let mut go =
                |bound, which: &std::ops::Range<usize>| dispatch(&mut pass, bound, &t.params, which.clone(), n_tiles);
            go(&self.fill, &t.all.shown);
            t.stages.iter().for_each(|stage| go(&self.predict, &stage.cells));
            go(&self.settle, &t.all.shown);
            t.stages.iter().for_each(|stage| go(&self.context, &stage.layers));
            for stage in t.stages.iter().filter(|stage| !stage.layers.is_empty()) {
                go(&self.quantise, &stage.cells);
                go(&self.fill_features, &stage.shown);
            }
            t.stages.iter().for_each(|stage| go(&self.context, &stage.cells));
            t.stages.iter().for_each(|stage| go(&self.coarsen, &stage.cells));
            go(&self.mixture, &t.all.cells);
            go(&self.interval, &t.all.cells);
        }
        let bytes = (n * n_tiles * 4) as u64;
        encoder.copy_buffer_to_buffer(&self.intervals, 0, &self.staging, 0, 2 * bytes);
        encoder.copy_buffer_to_buffer(&self.coarse, 0, &self.staging, 2 * bytes, bytes);
        let submission = gpu.submit(encoder);
        gpu.read(&self.staging, 3 * n * n_tiles, submission, |words| {
            let (intervals, bs) = words.split_at(2 * n * n_tiles);
            let pack_one = |(i, all): (usize, &Vec<i32>)| {
                let b = if context.window().escapes() { &bs[n * i..n * (i + 1)] } else { &[] };
                // beyond a window may lie a mean or an int, never a feature: those that are told here are 0
                let symbols = symbols(context, t, &coarse[i], &intervals[2 * n * i..][..2 * n], b);
                let widths: Vec<u32> = symbols.iter().map(|(interval, _)| interval.width).filter(|&w| w > 0).collect();
                pack(plan, (all[0] as u32, context.max as u32 + 1), cost(&widths), |index| symbols[index])
            };
            tiles.par_iter().enumerate().map(pack_one).collect()
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
            payloads.iter().map(|tile| Tile::open(context, tile.payload, plan.n_ints())).collect();
        gpu.write(&self.seeds, &tiles.iter().map(|tile| tile.ints[0]).collect::<Vec<i32>>());
        let mut encoder = gpu.encoder();
        {
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
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
                tiles.for_each(|((tile, b), mixtures)| {
                    tile.pop(context, plan, t.k, stage, b, mixtures);
                    settle(tile, context, plan, stage);
                });
            })?;
            let index = &t.index[stage.first..][..stage.n];
            let ints: Vec<i32> = tiles.iter().flat_map(|t| index.iter().map(|&i| t.ints[i as usize])).collect();
            gpu.write(&self.ints, &ints);
            encoder = gpu.encoder();
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
            dispatch(&mut pass, &self.fill, &t.params, stage.shown.clone(), tiles.len());
            dispatch(&mut pass, &self.settle, &t.params, stage.shown.clone(), tiles.len());
        }
        let whole = |mut ints: Vec<i32>| ints.split_off(plan.scales[0].ints);
        Ok(tiles.into_iter().map(|tile| tile.popper?.finish().map(|()| whole(tile.ints))).collect())
    }

    /// b and the mixtures of a wave, into the staging buffer.
    fn describe(&self, encoder: &mut wgpu::CommandEncoder, t: &Tables, stage: &Stage, n_tiles: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for bound in [&self.predict, &self.context, &self.coarsen, &self.mixture] {
            dispatch(&mut pass, bound, &t.params, stage.cells.clone(), n_tiles);
        }
        drop(pass);
        let n = (stage.n * n_tiles * 4) as u64;
        encoder.copy_buffer_to_buffer(&self.coarse, 0, &self.staging, 0, n);
        encoder.copy_buffer_to_buffer(&self.mixtures, 0, &self.staging, n, 3 * t.k as u64 * n);
    }
}

/// The symbols of all scales, features 0.
fn symbols_of(context: Context, plan: &Plan, all: &[i32]) -> Vec<i32> {
    let (mut symbols, steps) = (all.to_vec(), Steps::of(context.usual));
    for step in &plan.steps {
        let own = step.runs.iter().flat_map(|&run| indices(run));
        own.for_each(|i| symbols[i] = symbol(steps, step, all[i]));
    }
    symbols
}

/// The ints of the symbols of a wave; a tile that is corrupt goes on with zeros.
fn settle(tile: &mut Tile, context: Context, plan: &Plan, stage: &Stage) {
    let steps = Steps::of(context.usual);
    let mut restored: Result<()> = tile.popper.as_ref().map(|_| ()).map_err(Error::clone);
    for step in &plan.steps[stage.steps.clone()] {
        for &run in &step.runs {
            restored = restored.and_then(|()| restore(context, steps, step, run, &mut tile.ints));
            if restored.is_err() {
                indices(run).for_each(|i| tile.ints[i] = 0);
            }
        }
    }
    if let (Err(e), Ok(_)) = (restored, &tile.popper) {
        tile.popper = Err(e);
    }
}
