//! What a device does with a batch of tiles: buffers, and a list of commands over them.
//!
//! A walk of a family writes its program once per call. `Batch` runs it, for as many tiles at once as fit the device's memory.

use super::Gpu;
use super::op::Op;
use super::params::{self, Params};
use super::queue::Bound;
use crate::error::{Error, Result};
use bytemuck::NoUninit;
use std::ops::Range;
use wgpu::{Buffer, CommandEncoder, SubmissionIndex};

/// Threads of a dispatch along a tile: 65 535 workgroups of the smallest size are the default limit.
const MAX_THREADS: usize = 65535 * 8;
/// Tiles of a dispatch, reference planes counted: 65 535 rows of workgroups are the default limit.
const MAX_TILES: u64 = 65535 / 4;

/// A buffer of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Buf(usize);

enum Memory {
    /// Words that are the same for all tiles.
    Table(Vec<u32>),
    /// So many words for each tile.
    Tile(usize),
    /// The tables of NUMERICS.md, which the device has anyway.
    Constants,
}

/// Steps of a plan that go together, and the places of their cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stage {
    pub steps: Range<usize>,
    pub first: usize,
    pub n: usize,
}

impl Stage {
    pub fn places(&self) -> Range<usize> {
        self.first..self.first + self.n
    }
}

/// Words of each tile that come back: `n` from `first` on, where a tile has `stride`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fetch {
    pub buffer: Buf,
    pub first: usize,
    pub n: usize,
    pub stride: usize,
}

impl Fetch {
    /// All of a block in which a tile has `n` words.
    pub fn block(buffer: Buf, n: usize) -> Fetch {
        Fetch { buffer, first: 0, n, stride: n }
    }
}

pub(super) enum Command {
    /// `n` threads for each of so many rows of a tile.
    Dispatch { kernel: usize, params: usize, n: usize, rows: usize },
    /// The CPU pops the ints of a stage: what it needs for that comes back, then they go to `Program::popped`.
    Pop(Stage, Vec<Fetch>),
}

#[derive(Default)]
pub(super) struct Program {
    pub commands: Vec<Command>,
    /// What is written of each tile before the commands run: by the walk, and reference planes.
    pub inputs: Vec<Buf>,
    pub ref_ints: Option<Buf>,
    /// What is zero before the commands run.
    pub cleared: Vec<Buf>,
    pub popped: Option<Buf>,
    /// What comes back when the commands have run.
    pub outputs: Vec<Fetch>,
    /// Of a place the int of the tile.
    pub index: Vec<u32>,
    /// Words of the widest column of `context`.
    pub columns: u32,
    memory: Vec<Memory>,
    /// Ops with the buffers that they meet.
    kernels: Vec<(Op, Vec<Buf>)>,
    params: Vec<Vec<u32>>,
}

impl Program {
    fn add(&mut self, memory: Memory) -> Buf {
        self.memory.push(memory);
        Buf(self.memory.len() - 1)
    }

    /// An empty table, to be appended to.
    pub fn table(&mut self) -> Buf {
        self.add(Memory::Table(Vec::new()))
    }

    pub fn table_of<T: NoUninit>(&mut self, data: &[T]) -> Buf {
        let table = self.table();
        self.append(table, data);
        table
    }

    pub fn per_tile(&mut self, n_words: usize) -> Buf {
        self.add(Memory::Tile(n_words))
    }

    pub fn constants(&mut self) -> Buf {
        self.add(Memory::Constants)
    }

    /// Appends to a table, whose entries are all of this kind; returns which they are.
    pub fn append<T: NoUninit>(&mut self, table: Buf, data: &[T]) -> Range<usize> {
        let Memory::Table(words) = &mut self.memory[table.0] else { panic!("only a table can be appended to") };
        let first = words.len() * 4 / size_of::<T>();
        words.extend(bytemuck::cast_slice::<T, u32>(data));
        first..first + data.len()
    }

    fn kernel(&mut self, op: Op, buffers: &[Buf]) -> usize {
        self.kernels.iter().position(|(o, b)| (*o, b.as_slice()) == (op, buffers)).unwrap_or_else(|| {
            assert_eq!(buffers.len(), op.n_buffers(), "{} has other buffers", op.name());
            self.kernels.push((op, buffers.to_vec()));
            self.kernels.len() - 1
        })
    }

    /// A thread for each entry of a range, in as many dispatches as the limits ask for. Buffers are in the order of the shader.
    pub fn run<P: Params>(&mut self, op: Op, buffers: &[Buf], params: P, range: Range<usize>) {
        self.run_rows(op, buffers, params, range, 1);
    }

    /// The same for each of so many rows of a tile.
    pub fn run_rows<P: Params>(&mut self, op: Op, buffers: &[Buf], params: P, range: Range<usize>, rows: usize) {
        assert_eq!(op.fields(), P::FIELDS, "{} is told something else", op.name());
        for first in range.clone().step_by(MAX_THREADS) {
            let (kernel, n) = (self.kernel(op, buffers), (range.end - first).min(MAX_THREADS));
            self.params.push([vec![n as u32, first as u32], params.words()].concat());
            self.commands.push(Command::Dispatch { kernel, params: self.params.len() - 1, n, rows });
        }
    }

    /// Words of a tile: in the largest buffer, and in all.
    fn words(&self) -> (usize, usize) {
        let of_tile = self.memory.iter().filter_map(|memory| match memory {
            Memory::Tile(n) => Some(*n),
            _ => None,
        });
        (of_tile.clone().max().unwrap_or(0), of_tile.sum())
    }

    /// The most words of a tile that come back at once.
    fn fetched(&self) -> usize {
        let popped = self.commands.iter().filter_map(|command| match command {
            Command::Pop(_, fetch) => Some(fetch),
            Command::Dispatch { .. } => None,
        });
        let n = |fetch: &Vec<Fetch>| fetch.iter().map(|f| f.n).sum::<usize>();
        popped.chain([&self.outputs]).map(n).max().unwrap_or(0)
    }
}

/// The buffers of as many tiles as fit, and the kernels bound to them.
pub(super) struct Batch<'a> {
    gpu: &'a Gpu,
    program: &'a Program,
    pub n_most: usize,
    buffers: Vec<Buffer>,
    kernels: Vec<Bound>,
    staging: [Buffer; 2],
}

/// What comes back of so many tiles when the device is through.
pub(super) struct Pending<'a> {
    fetch: &'a [Fetch],
    n_tiles: usize,
    staging: &'a Buffer,
    submission: SubmissionIndex,
}

impl<'a> Batch<'a> {
    /// For up to `n_tiles` tiles at once; how many it is does not reach the bytes.
    pub fn new(gpu: &'a Gpu, program: &'a Program, n_tiles: usize) -> Result<Batch<'a>> {
        let (largest, total) = program.words();
        let by_binding = gpu.max_binding() / (largest.max(1) as u64 * 4);
        let by_memory = (gpu.batch_bytes / ((total + program.fetched()).max(1) as u64 * 4)).max(1);
        let n_most = by_binding.min(by_memory).min(MAX_TILES).min(n_tiles.max(1) as u64) as usize;
        if n_most == 0 {
            return Err(Error::device("a tile is larger than the buffers of this device").at(&gpu.info.name));
        }
        let buffer = |memory: &Memory| match memory {
            Memory::Table(words) => gpu.upload(words),
            Memory::Tile(n) => gpu.storage(n * n_most),
            Memory::Constants => gpu.constants.clone(),
        };
        let buffers: Vec<Buffer> = program.memory.iter().map(buffer).collect();
        let params = gpu.upload_params(&program.params);
        let bound = |(op, of): &(Op, Vec<Buf>)| {
            let of: Vec<&Buffer> = of.iter().map(|buf| &buffers[buf.0]).collect();
            gpu.bind(*op, program.columns, &params, &of)
        };
        let kernels = program.kernels.iter().map(bound).collect();
        let staging = [(); 2].map(|()| gpu.staging(program.fetched() * n_most));
        gpu.check()?;
        Ok(Batch { gpu, program, n_most, buffers, kernels, staging })
    }

    pub fn write<T: NoUninit>(&self, buffer: Buf, data: &[T]) {
        self.gpu.write(&self.buffers[buffer.0], data);
    }

    /// Writes what a walk gives of each tile, in the order of `Program::inputs`, and their reference planes.
    pub fn start<'t>(&self, tiles: impl Iterator<Item = &'t [Vec<i32>]> + Clone, refs: &[&[i32]]) -> CommandEncoder {
        for (i, &buffer) in self.program.inputs.iter().enumerate() {
            let words: Vec<&[i32]> = tiles.clone().map(|tile| tile[i].as_slice()).collect();
            self.write(buffer, &words.concat());
        }
        if let Some(buffer) = self.program.ref_ints {
            self.write(buffer, &refs.concat());
        }
        let mut encoder = self.gpu.encoder();
        self.program.cleared.iter().for_each(|buffer| encoder.clear_buffer(&self.buffers[buffer.0], 0, None));
        encoder
    }

    /// The op of a command; none if it is the CPU's.
    pub fn op(&self, command: &Command) -> Option<Op> {
        match command {
            Command::Dispatch { kernel, .. } => Some(self.program.kernels[*kernel].0),
            Command::Pop(..) => None,
        }
    }

    /// All commands that are the device's.
    pub fn run(&self, encoder: &mut CommandEncoder, commands: &[Command], n_tiles: usize) {
        let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor::default());
        for command in commands {
            if let &Command::Dispatch { kernel, params, n, rows } = command {
                self.kernels[kernel].dispatch(&mut pass, params as u64 * params::PITCH, n, n_tiles * rows);
            }
        }
    }

    /// Submits what has been said so far, and copies what is wanted into one of two buffers.
    pub fn submit<'b>(
        &'b self,
        mut encoder: CommandEncoder,
        fetch: &'b [Fetch],
        n_tiles: usize,
        turn: usize,
    ) -> Pending<'b> {
        let staging = &self.staging[turn % 2];
        let mut to = 0;
        for f in fetch {
            let from = &self.buffers[f.buffer.0];
            let mut copy = |first: usize, n: usize| {
                encoder.copy_buffer_to_buffer(from, 4 * first as u64, staging, to, 4 * n as u64);
                to += 4 * n as u64;
            };
            match f.n == f.stride {
                true => copy(f.first, f.n * n_tiles),
                false => (0..n_tiles).for_each(|tile| copy(tile * f.stride + f.first, f.n)),
            }
        }
        Pending { fetch, n_tiles, staging, submission: self.gpu.submit(encoder) }
    }

    /// Calls `f` with what has come back, once it has: the words of all tiles for each thing wanted.
    pub fn wait<T>(&self, pending: Pending, f: impl FnOnce(&[&[i32]]) -> T) -> Result<T> {
        let Pending { fetch, n_tiles, staging, submission } = pending;
        let n = fetch.iter().map(|f| f.n * n_tiles).sum();
        self.gpu.read(staging, n, submission, |words| {
            let (mut parts, mut rest) = (Vec::with_capacity(fetch.len()), words);
            for f in fetch {
                let (part, behind) = rest.split_at(f.n * n_tiles);
                parts.push(part);
                rest = behind;
            }
            f(&parts)
        })
    }

    /// Waits until the device has done what has been said so far.
    pub fn finish(&self, encoder: CommandEncoder) -> Result<()> {
        self.gpu.wait(self.gpu.submit(encoder))
    }
}

/// What a program does for one tile.
#[cfg(test)]
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Traffic {
    pub dispatches: usize,
    /// Ops that wait for the one before; neighbours of one op do not.
    pub in_turn: usize,
    /// Times that the CPU is waited for.
    pub pops: usize,
    /// Bytes; tables, which go there once per call, are left out.
    pub to_device: usize,
    pub from_device: usize,
}

#[cfg(test)]
impl Program {
    pub fn traffic(&self) -> Traffic {
        let op = |command: &Command| match command {
            Command::Dispatch { kernel, .. } => Some(self.kernels[*kernel].0),
            Command::Pop(..) => None,
        };
        let words = |buffer: &Buf| match self.memory[buffer.0] {
            Memory::Tile(n) => n,
            _ => panic!("what is written of each tile is a buffer of tiles"),
        };
        let mut all = Traffic { dispatches: 0, in_turn: 0, pops: 0, to_device: 0, from_device: 0 };
        all.in_turn = self.commands.chunk_by(|a, b| op(a) == op(b)).filter(|ops| op(&ops[0]).is_some()).count();
        all.to_device = 4 * self.inputs.iter().chain(&self.ref_ints).map(words).sum::<usize>();
        all.from_device = 4 * self.outputs.iter().map(|f| f.n).sum::<usize>();
        for command in &self.commands {
            match command {
                Command::Dispatch { .. } => all.dispatches += 1,
                Command::Pop(stage, fetch) => {
                    all.pops += 1;
                    all.to_device += 4 * stage.n;
                    all.from_device += 4 * fetch.iter().map(|f| f.n).sum::<usize>();
                }
            }
        }
        all
    }
}
