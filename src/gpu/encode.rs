//! Many tiles at once: all ints are known, so every op runs once over all cells.
//!
//! ```text
//! upload ints -> fill -> predict -> settle -> context -> mixture -> interval -> read back (start, width)
//!                                           or features -> around, layer by layer
//!                                                       meanwhile the CPU packs the batch before
//! ```

use super::Gpu;
use super::op::Op;
use super::queue::{Bound, dispatch};
use super::tables::Tables;
use crate::entropy::lanes::Interval;
use crate::error::{Error, Result};
use crate::kernel::interval::beyond;
use crate::model::{Family, Plan};
use crate::tile::stream::{Context, pack};
use rayon::prelude::*;
use std::ops::Range;
use std::time::{Duration, Instant};
use wgpu::Buffer;

/// The ints of a tile, and of the same tile of the planes it looks at; row-major.
#[derive(Clone, Copy, Debug)]
pub struct TileInts<'a> {
    pub ints: &'a [i32],
    pub refs: &'a [&'a [i32]],
}

/// Where the time of a batch goes, stage by stage.
pub type Profile = Vec<(&'static str, Duration)>;

/// The buffers of a batch of tiles, and the ops bound to them.
struct Batch {
    n_most: usize,
    ints: Buffer,
    seeds: Buffer,
    ref_ints: Buffer,
    intervals: Buffer,
    b: Buffer,
    staging: [Buffer; 2],
    fill_refs: Bound,
    ops: Vec<(Op, Bound)>,
}

/// Tiles of a dispatch, reference planes counted: 65 535 rows of workgroups are the default limit.
const MAX_TILES: u64 = 65535 / 4;

/// How many tiles with `largest` words in their largest buffer and `total` in all go into a batch; bytes do not depend on it.
pub(super) fn batch_size(gpu: &Gpu, largest: usize, total: usize) -> Result<usize> {
    let by_binding = gpu.max_binding() / (largest.max(1) as u64 * 4);
    let by_memory = (gpu.batch_bytes / (total.max(1) as u64 * 4)).max(1);
    match by_binding.min(by_memory).min(MAX_TILES) as usize {
        0 => Err(Error::device("a tile is larger than the buffers of this device").at(&gpu.info.name)),
        n => Ok(n),
    }
}

/// The number of planes that every tile of a call looks at.
pub(super) fn count_refs<'a>(plan: &Plan, mut refs: impl Iterator<Item = &'a [&'a [i32]]> + Clone) -> Result<usize> {
    if refs.clone().flatten().any(|ints| ints.len() != plan.h * plan.w) {
        return Err(Error::argument("the tile of a reference plane has another size"));
    }
    let n = refs.next().map_or(0, <[_]>::len);
    match n <= 3 && refs.all(|r| r.len() == n) {
        true => Ok(n),
        false => Err(Error::argument("tiles of one call look at the same number of planes, three at most")),
    }
}

pub(super) fn check_tiles(plan: &Plan, tiles: &[TileInts]) -> Result<usize> {
    match tiles.iter().all(|t| t.ints.len() == plan.h * plan.w) {
        true => count_refs(plan, tiles.iter().map(|t| t.refs)),
        false => Err(Error::argument("a tile has another size than its plan")),
    }
}

impl Gpu {
    /// The payloads of tiles of one plane and one size, the same bytes as `network::encode`.
    pub fn encode(&self, context: Context, plan: &Plan, tiles: &[TileInts]) -> Result<Vec<Vec<u8>>> {
        if context.is_flow() {
            return self.encode_flow(context, plan, tiles);
        }
        let n_refs = check_tiles(plan, tiles)?;
        if context.model.family == Family::L3c {
            return self.encode_scales(context, plan, tiles);
        }
        let tables = Tables::to_encode(context, plan, n_refs);
        let batch = Batch::new(self, &tables, plan, n_refs, tiles.len())?;
        self.check()?;
        let mut payloads = Vec::with_capacity(tiles.len());
        let mut running = None;
        for (i, tiles) in tiles.chunks(batch.n_most).enumerate() {
            let staging = &batch.staging[i % 2];
            batch.upload(self, &tables, tiles);
            let mut encoder = self.encoder();
            batch.run(&mut encoder, &tables, &tables.ops(), tiles.len(), n_refs);
            batch.copy(&mut encoder, context, &tables, staging, tiles.len());
            let next = (tiles, staging, self.submit(encoder));
            if let Some((tiles, staging, submission)) = running.replace(next) {
                payloads.extend(self.finish(context, plan, &tables, tiles, staging, submission)?);
            }
        }
        if let Some((tiles, staging, submission)) = running {
            payloads.extend(self.finish(context, plan, &tables, tiles, staging, submission)?);
        }
        Ok(payloads)
    }

    /// One batch, waiting behind every stage: what `bench` prints. Of scales the whole.
    pub fn profile(&self, context: Context, plan: &Plan, tiles: &[TileInts]) -> Result<Profile> {
        let n_refs = check_tiles(plan, tiles)?;
        if context.model.family == Family::L3c {
            let at = Instant::now();
            self.encode_scales(context, plan, tiles)?;
            return Ok(vec![("whole", at.elapsed())]);
        }
        let tables = Tables::to_encode(context, plan, n_refs);
        let batch = Batch::new(self, &tables, plan, n_refs, tiles.len())?;
        let tiles = &tiles[..tiles.len().min(batch.n_most)];
        let mut profile = Profile::new();
        let mut at = Instant::now();
        let mut lap = |name| {
            profile.push((name, at.elapsed()));
            at = Instant::now();
        };
        batch.upload(self, &tables, tiles);
        self.wait(self.submit(self.encoder()))?;
        lap("upload");
        for op in tables.ops() {
            let mut encoder = self.encoder();
            batch.run(&mut encoder, &tables, &[op], tiles.len(), n_refs);
            self.wait(self.submit(encoder))?;
            lap(op.name());
        }
        let mut encoder = self.encoder();
        batch.copy(&mut encoder, context, &tables, &batch.staging[0], tiles.len());
        let submission = self.submit(encoder);
        self.wait(submission.clone())?;
        lap("read back");
        self.finish(context, plan, &tables, tiles, &batch.staging[0], submission)?;
        lap("pack");
        Ok(profile)
    }

    fn finish(
        &self,
        context: Context,
        plan: &Plan,
        tables: &Tables,
        tiles: &[TileInts],
        staging: &Buffer,
        submission: wgpu::SubmissionIndex,
    ) -> Result<Vec<Vec<u8>>> {
        let n = tables.cells.len();
        let words = Batch::words(context, n) * tiles.len();
        self.read(staging, words, submission, |words| {
            let (intervals, b) = words.split_at(2 * n * tiles.len());
            let pack_one = |(i, tile): (usize, &TileInts)| {
                let intervals = &intervals[2 * n * i..][..2 * n];
                let b = b.get(n * i..n * (i + 1)).unwrap_or(&[]);
                let symbols = symbols(context, tables, tile.ints, intervals, b);
                let widths: Vec<u32> = symbols.iter().map(|(interval, _)| interval.width).filter(|&w| w > 0).collect(); // a lattice does not code its seed so
                let cost = crate::kernel::interval::cost(&widths);
                pack(plan, (tile.ints[0] as u32, context.max as u32 + 1), cost, |index| symbols[index])
            };
            tiles.par_iter().enumerate().map(pack_one).collect()
        })
    }
}

/// One int as it is coded: its interval, and how far it lies beyond the window's end.
type Symbol = (Interval, Option<u32>);

/// The symbols of a tile, row-major, from what the device says of its places.
pub(super) fn symbols(context: Context, tables: &Tables, ints: &[i32], intervals: &[u32], b: &[u32]) -> Vec<Symbol> {
    let window = context.window();
    let mut symbols = vec![Symbol::default(); ints.len()];
    for (p, (&index, pair)) in tables.index.iter().zip(intervals.chunks_exact(2)).enumerate() {
        let excess = b.get(p).and_then(|&b| {
            let low = window.low(b as i32);
            let int = ints[index as usize];
            beyond(window, b as i32, int.clamp(low, low + window.n_symbols() as i32 - 1), int)
        });
        symbols[index as usize] = (Interval { start: pair[0], width: pair[1] }, excess);
    }
    symbols
}

impl Batch {
    fn new(gpu: &Gpu, t: &Tables, plan: &Plan, n_refs: usize, n_tiles: usize) -> Result<Batch> {
        let (n, n_arena, n_heads) = (t.cells.len(), plan.n_arena, 3 * t.k + 1);
        let largest = (n * n_heads).max(n_arena * n_refs.max(1)).max(t.n_acts());
        let total = n_arena * (2 + n_refs) + n * (n_heads + 3 * t.k + 7) + n_refs * plan.h * plan.w + t.n_acts();
        let n_most = batch_size(gpu, largest, total)?.min(n_tiles.max(1));
        let words = |n: usize| gpu.storage(n * n_most);
        let (ints, seeds, b, intervals) = (words(n), words(1), words(n), words(2 * n));
        let (values, residuals, heads, mixtures) =
            (words(n_arena), words(n_arena), words(n * n_heads), words(3 * t.k * n));
        let (refs, ref_ints) = (words(n_arena * n_refs), words(n_refs * plan.h * plan.w));
        let (cells, shown, mirror) = (gpu.upload(&t.cells_and_spots()), gpu.upload(&t.shown), gpu.upload(&t.mirror));
        let (linear, offsets, weights) = (gpu.upload(&t.linear), gpu.upload(&t.offsets), gpu.upload(&t.weights));
        let params = gpu.upload_params(&t.params);
        let acts = words(t.n_acts());
        let bind = |op: Op, buffers: &[&Buffer]| gpu.bind(op, t.words, &params, buffers);
        let bind_op = |op: Op| match op {
            Op::Couple | Op::Carry | Op::Leave | Op::Mesh | Op::Nearest => {
                unreachable!("`Tables::ops` names none of a flow")
            }
            Op::Fill => bind(op, &[&shown, &ints, &seeds, &values]),
            Op::Predict => bind(op, &[&cells, &values, &refs, &linear, &b]),
            Op::Settle => bind(op, &[&shown, &values, &b, &residuals]),
            Op::Context => bind(op, &[&cells, &values, &residuals, &refs, &b, &offsets, &weights, &heads]),
            Op::Features => bind(op, &[&cells, &values, &residuals, &refs, &b, &offsets, &acts]),
            Op::Around => bind(op, &[&cells, &weights, &acts, &heads]),
            Op::Mixture => bind(op, &[&b, &heads, &gpu.constants, &mixtures]),
            Op::Interval => bind(op, &[&ints, &b, &mixtures, &gpu.constants, &intervals]),
            Op::Quantise | Op::Coarsen => unreachable!("only scales have steps"),
        };
        Ok(Batch {
            n_most,
            fill_refs: bind(Op::Fill, &[&mirror, &ref_ints, &seeds, &refs]),
            ops: t.ops().into_iter().map(|op| (op, bind_op(op))).collect(),
            staging: [(); 2].map(|()| gpu.staging(3 * n * n_most)),
            ints,
            seeds,
            ref_ints,
            intervals,
            b,
        })
    }

    fn upload(&self, gpu: &Gpu, t: &Tables, tiles: &[TileInts]) {
        let ints: Vec<i32> =
            tiles.par_iter().flat_map_iter(|tile| t.index.iter().map(|&i| tile.ints[i as usize])).collect();
        let seeds: Vec<i32> = tiles.iter().map(|tile| tile.ints[0]).collect();
        let refs: Vec<&[i32]> = tiles.iter().flat_map(|tile| tile.refs).copied().collect();
        gpu.write(&self.ints, &ints);
        gpu.write(&self.seeds, &seeds);
        gpu.write(&self.ref_ints, &refs.concat());
    }

    /// The given ops over all cells, in this order.
    fn run(&self, encoder: &mut wgpu::CommandEncoder, t: &Tables, ops: &[Op], n_tiles: usize, n_refs: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        let mut go = |bound: &Bound, which: &Range<usize>, n| dispatch(&mut pass, bound, &t.params, which.clone(), n);
        for (op, bound) in self.ops.iter().filter(|(op, _)| ops.contains(op)) {
            match op {
                Op::Fill => {
                    go(&self.fill_refs, &t.fill_refs, n_tiles * n_refs);
                    go(bound, &t.all.shown, n_tiles);
                }
                Op::Settle => go(bound, &t.all.shown, n_tiles),
                Op::Predict | Op::Context | Op::Features => {
                    t.stages.iter().for_each(|stage| go(bound, &stage.cells, n_tiles));
                }
                Op::Around => t.stages.iter().for_each(|stage| go(bound, &stage.layers, n_tiles)),
                Op::Mixture | Op::Interval => go(bound, &t.all.cells, n_tiles),
                Op::Couple | Op::Carry | Op::Leave | Op::Quantise | Op::Coarsen | Op::Mesh | Op::Nearest => {}
            }
        }
    }

    /// Words that come back per tile: b too where a window may escape.
    fn words(context: Context, n: usize) -> usize {
        n * if context.window().escapes() { 3 } else { 2 }
    }

    fn copy(&self, encoder: &mut wgpu::CommandEncoder, context: Context, t: &Tables, staging: &Buffer, n_tiles: usize) {
        let n = (t.cells.len() * n_tiles * 4) as u64;
        encoder.copy_buffer_to_buffer(&self.intervals, 0, staging, 0, 2 * n);
        if context.window().escapes() {
            encoder.copy_buffer_to_buffer(&self.b, 0, staging, 2 * n, n);
        }
    }
}
