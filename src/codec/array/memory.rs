//! What a job takes:   taken + threads · share + what is kept + ints in flight · bytes of one
//!
//! Batches shrink where that is more than is allowed, down to one band. No byte depends on it.

use crate::codec::array::head::Head;
use crate::device::Device;
use crate::error::{Error, Result};
use crate::model::Model;
use crate::tile::coder::Domain;
use std::sync::Arc;

/// Ints in flight: enough for all threads and for a GPU's batch, little enough for 1 GB.
pub const BATCH: usize = 1 << 22;
/// Buffers of files, and what an allocator keeps.
const BESIDE_BYTES: u64 = 8 << 20;
/// A tile that is coded, with its arenas and symbols.
const THREAD_BYTES: u64 = 8 << 20;
/// The same of a tile that is transform-coded: a larger one.
const TRANSFORM_THREAD_BYTES: u64 = 16 << 20;
/// Of a cell that a network is refitted to, beside its activations; and how often cells are there at once.
const CELL_BYTES: u64 = 12;
const N_CELL_COPIES: u64 = 3;
/// Blocks and temporaries are kept in memory up to this size, and to this share of what is allowed.
const MAX_SPOOL: u64 = 64 << 20;
const SPOOL_SHARE: u64 = 16;
const MEGABYTE: u64 = 1_000_000;

/// What may be taken, and what the process has taken before any work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// None: as much as is usual.
    pub most: Option<u64>,
    pub taken: u64,
}

/// What a run works with.
#[derive(Clone, Default)]
pub struct Resources {
    pub device: Device,
    pub memory: Memory,
}

/// What is done with an array.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Encode,
    Decode,
}

impl Memory {
    /// Checks what any job takes that has something to code.
    pub fn check_least(&self) -> Result<()> {
        self.check(self.least())
    }

    fn least(&self) -> u64 {
        self.taken + BESIDE_BYTES + THREAD_BYTES * n_threads()
    }

    /// Ints in flight at once of an array with this head; an error where those of a single band are too many.
    pub fn batch(&self, head: &Head, direction: Direction) -> Result<usize> {
        let Some(most) = self.most else { return Ok(BATCH) };
        let (fixed, of_int) = (self.fixed(head), bytes_of_int(head, direction));
        self.check(fixed + of_int * ints_of_band(head) as u64)?;
        Ok(usize::try_from((most - fixed) / of_int).unwrap_or(BATCH).min(BATCH))
    }

    /// Checks that a whole batch fits: where what is measured in it decides bytes.
    pub fn check_whole_batch(&self, head: &Head) -> Result<()> {
        let n_ints = ints_of_band(head).max(BATCH.min(head.grid().n_planes * head.grid().h * head.grid().w));
        self.check(self.fixed(head) + bytes_of_int(head, Direction::Encode) * n_ints as u64)
    }

    /// Checks that there is room to refit one of these models to so many cells.
    pub fn check_refit<'a>(&self, models: impl Iterator<Item = &'a Arc<Model>>, n_cells: usize) -> Result<()> {
        let layers = models.flat_map(|model| &model.nets).filter_map(|part| part.net.layers().last());
        let Some(widest) = layers.map(|layer| layer.n_in).max() else { return Ok(()) };
        self.check(self.least() + n_cells as u64 * (widest as u64 + CELL_BYTES) * N_CELL_COPIES)
    }

    /// Checks that there is room to train a model on so many cells.
    pub fn check_training(&self, model: &Model, n_cells: usize) -> Result<()> {
        let widest = model.nets.iter().map(|part| part.net.n_in() as u64).max().unwrap_or(0);
        self.check(self.least() + n_cells as u64 * (widest + CELL_BYTES) * N_CELL_COPIES)
    }

    /// What is spooled is kept in memory up to this size.
    pub fn spool(&self) -> usize {
        self.most.map_or(MAX_SPOOL, |most| MAX_SPOOL.min(most / SPOOL_SHARE)) as usize
    }

    /// What is there whatever the batch.
    fn fixed(&self, head: &Head) -> u64 {
        let share = if is_transform_coded(head) { TRANSFORM_THREAD_BYTES } else { THREAD_BYTES };
        let n_previous = head.previous().n() as u64;
        let n_planes = if n_previous > 0 { n_previous + 1 } else { 0 };
        let plane = (head.grid().h * head.grid().w) as u64;
        let spooled = if self.most.is_some() { self.spool() as u64 } else { 0 };
        let kept = 4 * n_planes * plane + spooled + head.common.len() as u64;
        self.taken + BESIDE_BYTES + share * n_threads() + kept
    }

    fn check(&self, needed: u64) -> Result<()> {
        match self.most {
            Some(most) if needed > most => Err(Error::limit(format!(
                "{} MB are needed with {}, and -M allows {} MB: allow more{}",
                needed.div_ceil(MEGABYTE),
                if n_threads() == 1 { "1 thread".into() } else { format!("{} threads", n_threads()) },
                most / MEGABYTE,
                if n_threads() > 1 { ", or take fewer threads (-T)" } else { "" },
            ))),
            _ => Ok(()),
        }
    }
}

fn n_threads() -> u64 {
    rayon::current_num_threads() as u64
}

pub fn ints_of_band(head: &Head) -> usize {
    (head.grid().tile_h * head.grid().n_phases * head.grid().w * head.grid().n_limbs).max(1)
}

fn is_transform_coded(head: &Head) -> bool {
    head.coder.domain() == Domain::Oversampled
}

/// An int with its share of samples, of masks, of what it sees of other arrays and of payloads; twice where tiles are made of it first.
fn bytes_of_int(head: &Head, direction: Direction) -> u64 {
    let sample = head.ty.dtype.n_bytes() as u64;
    let mask = if head.map.exception().is_some() { 4 } else { 0 };
    let (samples, tiles) = match direction {
        Direction::Encode => (3 * sample, if is_transform_coded(head) { 8 } else { 0 }),
        Direction::Decode => (2 * sample, 0),
    };
    4 + samples + mask + tiles + 4 * head.references.len() as u64
}
