//! Many tiles at once: the device runs a family's program, the CPU packs and pops.
//!
//! ```text
//! encode   prepare and upload -> commands -> read back -> pack            the next batch runs while one is packed
//! decode   open and upload -> for each stage: commands -> read back -> pop the ints of all tiles -> upload -> … -> finish
//! ```
//!
//! A tile that is corrupt goes on with zeros and fails alone.

use super::Gpu;
use super::autoregressive::Autoregressive;
use super::flow::Flow;
use super::interface::{Profile, TileInts, TilePayload};
use super::op::Op;
use super::program::{Batch, Command, Pending};
use super::pyramid::Pyramid;
use super::walk::{Prepared, Tile, Walk};
use crate::error::{Error, Result};
use crate::model::{Family, Plan};
use crate::tile::cells;
use crate::tile::stream::PlaneContext;
use rayon::prelude::*;
use std::time::Instant;

fn to_encode<'a>(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Result<Box<dyn Walk + 'a>> {
    match context.model.family {
        Family::Pixelcnn | Family::Lattice | Family::PixelcnnDeep => {
            Ok(Box::new(Autoregressive::to_encode(context, plan, n_refs)))
        }
        Family::Idf => Ok(Box::new(Flow::to_encode(context, plan, n_refs))),
        Family::L3c => Ok(Box::new(Pyramid::to_encode(context, plan))),
        Family::Vqae => Err(no_cells()),
        Family::Vdm => Err(no_shaders()),
    }
}

fn to_decode<'a>(context: PlaneContext<'a>, plan: &'a Plan, n_refs: usize) -> Result<Box<dyn Walk + 'a>> {
    match context.model.family {
        Family::Pixelcnn | Family::Lattice | Family::PixelcnnDeep => {
            Ok(Box::new(Autoregressive::to_decode(context, plan, n_refs)))
        }
        Family::Idf => Ok(Box::new(Flow::to_decode(context, plan, n_refs))),
        Family::L3c => Ok(Box::new(Pyramid::to_decode(context, plan))),
        Family::Vqae => Err(no_cells()),
        Family::Vdm => Err(no_shaders()),
    }
}

fn no_shaders() -> Error {
    Error::argument("family vdm runs on the CPU")
}

fn no_cells() -> Error {
    Error::argument("an autoencoder codes blocks: see `encode_blocks` and `decode_blocks`")
}

/// The number of reference planes that every tile of a call has.
fn count_refs<'a>(plan: &Plan, mut refs: impl Iterator<Item = &'a [&'a [i32]]> + Clone) -> Result<usize> {
    if refs.clone().flatten().any(|ints| ints.len() != plan.h * plan.w) {
        return Err(Error::argument("the tile of a reference plane has another size"));
    }
    let n = refs.next().map_or(0, <[_]>::len);
    match n <= 3 && refs.all(|r| r.len() == n) {
        true => Ok(n),
        false => Err(Error::argument("tiles of one call have the same number of reference planes, three at most")),
    }
}

fn check_tiles(plan: &Plan, tiles: &[TileInts]) -> Result<usize> {
    match tiles.iter().all(|t| t.ints.len() == plan.h * plan.w) {
        true => count_refs(plan, tiles.iter().map(|t| t.refs)),
        false => Err(Error::argument("a tile has another size than its plan")),
    }
}

fn refs_of<'a>(refs: impl Iterator<Item = &'a [&'a [i32]]>) -> Vec<&'a [i32]> {
    refs.flatten().copied().collect()
}

/// The words of tile `i` of `n_tiles`, of each thing that has come back.
fn of_tile<'a>(parts: &[&'a [i32]], i: usize, n_tiles: usize) -> Vec<&'a [i32]> {
    let part = |part: &&'a [i32]| {
        let n = part.len() / n_tiles;
        &part[i * n..][..n]
    };
    parts.iter().map(part).collect()
}

impl Gpu {
    /// The payloads of tiles of one plane and one size, the same bytes as `cells::encode`.
    pub fn encode(&self, context: PlaneContext, plan: &Plan, tiles: &[TileInts]) -> Result<Vec<Vec<u8>>> {
        let n_refs = check_tiles(plan, tiles)?;
        if plan.steps.is_empty() {
            return Ok(tiles.iter().map(|tile| cells::encode(context, plan, tile.ints, tile.refs)).collect());
        }
        let walk = to_encode(context, plan, n_refs)?;
        let batch = Batch::new(self, walk.program(), tiles.len())?;
        let mut payloads = Vec::with_capacity(tiles.len());
        let mut running: Option<(Vec<Prepared>, Pending)> = None;
        for (turn, tiles) in tiles.chunks(batch.n_most).enumerate() {
            let prepared: Vec<Prepared> = tiles.par_iter().map(|tile| walk.prepare(tile)).collect();
            let inputs = prepared.iter().map(|tile| tile.inputs.as_slice());
            let mut encoder = batch.start(inputs, &refs_of(tiles.iter().map(|t| t.refs)));
            batch.run(&mut encoder, &walk.program().commands, tiles.len());
            let next = batch.submit(encoder, &walk.program().outputs, tiles.len(), turn);
            if let Some((prepared, pending)) = running.replace((prepared, next)) {
                payloads.extend(packed(&batch, &*walk, &prepared, pending)?);
            }
        }
        if let Some((prepared, pending)) = running {
            payloads.extend(packed(&batch, &*walk, &prepared, pending)?);
        }
        Ok(payloads)
    }

    /// One batch, waiting behind every op: what `bench` prints. Ops that come again and again are one row.
    pub fn profile(&self, context: PlaneContext, plan: &Plan, tiles: &[TileInts]) -> Result<Profile> {
        let walk = to_encode(context, plan, check_tiles(plan, tiles)?)?;
        let (commands, outputs) = (&walk.program().commands, &walk.program().outputs);
        let batch = Batch::new(self, walk.program(), tiles.len())?;
        let tiles = &tiles[..tiles.len().min(batch.n_most)];
        let mut profile = Profile::new();
        let mut at = Instant::now();
        let mut lap = |name| {
            match profile.iter_mut().find(|(stage, _)| *stage == name) {
                Some((_, time)) => *time += at.elapsed(),
                None => profile.push((name, at.elapsed())),
            }
            at = Instant::now();
        };
        let prepared: Vec<Prepared> = tiles.par_iter().map(|tile| walk.prepare(tile)).collect();
        let inputs = prepared.iter().map(|tile| tile.inputs.as_slice());
        batch.finish(batch.start(inputs, &refs_of(tiles.iter().map(|t| t.refs))))?;
        lap("upload");
        for commands in commands.chunk_by(|a, b| batch.op(a) == batch.op(b)) {
            let mut encoder = self.encoder();
            batch.run(&mut encoder, commands, tiles.len());
            batch.finish(encoder)?;
            lap(batch.op(&commands[0]).map_or("", Op::name));
        }
        let pending = batch.submit(self.encoder(), outputs, tiles.len(), 0);
        batch.finish(self.encoder())?;
        lap("read back");
        packed(&batch, &*walk, &prepared, pending)?;
        lap("pack");
        Ok(profile)
    }

    /// The ints of the payloads of one plane and one size; `plan` must be the model's plan for decoding.
    pub fn decode(&self, context: PlaneContext, plan: &Plan, tiles: &[TilePayload]) -> Result<Vec<Result<Vec<i32>>>> {
        let n_refs = count_refs(plan, tiles.iter().map(|t| t.refs))?;
        if plan.steps.is_empty() {
            let one = |tile: &TilePayload| {
                let mut ints = vec![0; plan.h * plan.w];
                cells::decode(context, plan, tile.payload, tile.refs, &mut ints).map(|()| ints)
            };
            return Ok(tiles.iter().map(one).collect());
        }
        let walk = to_decode(context, plan, n_refs)?;
        let batch = Batch::new(self, walk.program(), tiles.len())?;
        let mut all = Vec::with_capacity(tiles.len());
        for tiles in tiles.chunks(batch.n_most) {
            all.extend(self.decode_batch(&batch, &*walk, tiles)?);
        }
        Ok(all)
    }

    fn decode_batch(&self, batch: &Batch, walk: &dyn Walk, payloads: &[TilePayload]) -> Result<Vec<Result<Vec<i32>>>> {
        let (program, n) = (walk.program(), payloads.len());
        let mut tiles: Vec<Tile> = payloads.par_iter().map(|tile| walk.open(tile.payload)).collect();
        let inputs = tiles.iter().map(|tile| tile.inputs.as_slice());
        let mut encoder = batch.start(inputs, &refs_of(payloads.iter().map(|t| t.refs)));
        for commands in program.commands.split_inclusive(|command| matches!(command, Command::Pop(..))) {
            batch.run(&mut encoder, commands, n);
            let Some(Command::Pop(stage, fetch)) = commands.last() else { break };
            let pending = batch.submit(encoder, fetch, n, 0);
            batch.wait(pending, |parts| {
                let tiles = tiles.par_iter_mut().enumerate();
                tiles.for_each(|(i, tile)| walk.pop(tile, stage, &of_tile(parts, i, n)));
            })?;
            if let Some(popped) = program.popped {
                let index = &program.index[stage.places()];
                let ints = tiles.iter().flat_map(|tile| index.iter().map(|&i| tile.ints[i as usize]));
                batch.write(popped, &ints.collect::<Vec<i32>>());
            }
            encoder = self.encoder();
        }
        if program.outputs.is_empty() {
            return Ok(tiles.into_iter().map(|tile| walk.finish(tile, &[])).collect());
        }
        batch.wait(batch.submit(encoder, &program.outputs, n, 0), |parts| {
            let tiles = tiles.into_par_iter().enumerate();
            tiles.map(|(i, tile)| walk.finish(tile, &of_tile(parts, i, n))).collect()
        })
    }
}

/// The payloads of a batch that has been submitted.
fn packed(batch: &Batch, walk: &dyn Walk, tiles: &[Prepared], pending: Pending) -> Result<Vec<Vec<u8>>> {
    batch.wait(pending, |parts| {
        let tiles_of = tiles.par_iter().enumerate();
        tiles_of.map(|(i, tile)| walk.pack(&tile.ints, &of_tile(parts, i, tiles.len()))).collect()
    })
}
