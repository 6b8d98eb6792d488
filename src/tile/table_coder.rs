//! The coders of a tile whose nets name tables: pack its payload, pop its symbols, tell what it costs
//!
//! What a run's tables are is told by the walk, or by a GPU.
//!
//! log2 of the number of lanes (u8), then the lanes. Lane 0 begins with the seed, in 23 plain bits. A run deals its symbols to the
//! lanes in turn, from lane 0. A symbol is followed by how far it lies beyond the table, then by which of its ints it is. What a
//! mask hides is not coded. FORMAT.md, section 7.

use crate::entropy::wide_lanes::{MAX_LANES, Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::fast::{Kernels, room};
use crate::kernel::rans::Symbol;
use crate::kernel::table::{Choice, Choices, FAR, NONE, STEPS, is_end};
use crate::kernel::table_symbol::{self, Length, Rest};
use crate::model::Plan;
use crate::model::plan::Run;
use crate::tile::mask::hides;
use crate::tile::stream::{MAX_LOG2_LANES, log2_lanes};
use crate::tile::walk::{CellRun, RunCoder};
use std::cell::Cell;
use std::fmt::Display;

/// Bits of a seed: MAX_INT has 23.
const LOG2_SEEDS: u32 = 23;
/// From so many lanes on they move at once.
const AT_ONCE: usize = 4;

pub struct TablePack {
    buffers: Box<Buffers>,
    /// Bits, about.
    n_bits: u64,
}

/// Kept by a thread for its next tile.
#[derive(Default)]
struct Buffers {
    /// Of all ints, in their places.
    symbols: Vec<Symbol>,
    /// How far beyond its table a symbol lies, by place; of few.
    beyond: Vec<(usize, u32)>,
    /// Of the run at hand: ints, intervals, and what else is told.
    ints: Vec<i32>,
    intervals: Vec<i32>,
    rests: Vec<i32>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

impl Drop for TablePack {
    fn drop(&mut self) {
        BUFFERS.set(Some(std::mem::take(&mut self.buffers)));
    }
}

impl TablePack {
    pub fn new(plan: &Plan) -> TablePack {
        let mut buffers = BUFFERS.take().unwrap_or_default();
        let Buffers { symbols, beyond, ints, intervals, rests } = &mut *buffers;
        symbols.clear();
        symbols.resize(plan.n_ints(), Symbol::CERTAIN);
        beyond.clear();
        let longest = room(plan.longest());
        [ints, intervals, rests].into_iter().for_each(|of_run| of_run.resize(longest, 0));
        TablePack { buffers, n_bits: 0 }
    }

    /// The symbols of a run but for those that are hidden, of tables in whole vectors.
    pub(crate) fn put(&mut self, kernels: &Kernels, run: Run, choices: &Choices, classes: &[u8], ints: &[i32]) {
        let Buffers { symbols, beyond, ints: of_run, intervals, rests } = &mut *self.buffers;
        of_run.iter_mut().zip(run.indices()).for_each(|(int, index)| *int = ints[index]);
        let told = kernels.tell(run.n as usize, choices, of_run, intervals, rests);
        self.n_bits += u64::from(told.n_bits);
        for ((index, &interval), &rest) in run.indices().zip(&*intervals).zip(&*rests) {
            symbols[index] = Symbol::new(interval, rest);
        }
        if !classes.is_empty() {
            for index in run.indices().filter(|&index| hides(classes, index)) {
                self.n_bits -= u64::from(table_symbol::n_bits(symbols[index]));
                symbols[index] = Symbol::CERTAIN;
            }
        }
        if told.is_any_beyond {
            for (i, index) in run.indices().enumerate().filter(|&(_, index)| symbols[index].is_beyond()) {
                let (choice, middle, int) = (Choice(choices.choice[i]), choices.middle[i], of_run[i]);
                let far = Rest::of(choice, middle, choice.symbol(middle, int), int).beyond;
                let far = far.expect("the symbol says so");
                self.n_bits += u64::from(Length::of(far).n_bits());
                beyond.push((index, far));
            }
        }
    }

    /// The payload of the tile.
    pub fn payload(mut self, kernels: &Kernels, plan: &Plan, seed: i32) -> Vec<u8> {
        let log2_lanes = log2_lanes(256 * self.n_bits as i64);
        let n_lanes = 1 << log2_lanes;
        self.buffers.beyond.sort_unstable();
        let mut pusher = Pusher::new(n_lanes, self.buffers.symbols.len());
        for &run in plan.order.iter().rev() {
            for first in (0..run.n as usize).step_by(n_lanes).rev() {
                let mut symbols = [Symbol::CERTAIN; MAX_LANES];
                let n = n_lanes.min(run.n as usize - first);
                for (i, symbol) in symbols[..n].iter_mut().enumerate() {
                    *symbol = self.buffers.symbols[run.index(first + i)];
                }
                if n_lanes >= AT_ONCE && !symbols.iter().any(|symbol| symbol.is_beyond()) {
                    pusher.push_all(kernels, &symbols);
                } else {
                    let each = symbols[..n].iter().enumerate();
                    each.for_each(|(lane, &symbol)| self.push(&mut pusher, lane, run.index(first + lane), symbol));
                }
            }
        }
        pusher.push_plain(0, seed as u32, LOG2_SEEDS);
        let mut payload = vec![log2_lanes];
        pusher.finish(&mut payload);
        payload
    }

    fn push(&self, pusher: &mut Pusher, lane: usize, index: usize, symbol: Symbol) {
        pusher.push_plain(lane, symbol.plain(), symbol.n_plain());
        if symbol.is_beyond() {
            self.push_beyond(pusher, lane, index);
        }
        pusher.push(lane, symbol.start(), symbol.width());
    }

    #[cold]
    fn push_beyond(&self, pusher: &mut Pusher, lane: usize, index: usize) {
        let beyond = &self.buffers.beyond;
        let at = beyond.binary_search_by_key(&index, |(at, _)| *at).expect("a symbol beyond the table is here");
        let n = beyond[at].1 + 1;
        let Length(length) = Length::of(beyond[at].1);
        pusher.push_plain(lane, n - (1 << length), length);
        if length >= Length::LONG {
            pusher.push_plain(lane, length - Length::LONG, Length::LONG_BITS);
        }
        pusher.push_plain(lane, length.min(Length::LONG), Length::SHORT_BITS);
    }
}

impl RunCoder for TablePack {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        if cells.is_hidden() {
            return Ok(());
        }
        cells.choose();
        let tile = &*cells.tile;
        self.put(tile.context.kernels, cells.run, &tile.space.choices, tile.classes, symbols);
        Ok(())
    }
}

/// −256 · log2 of the probability of a run's symbols.
pub fn cost(cells: &mut CellRun, symbols: &[i32]) -> i64 {
    let mut sum = 0;
    costs(cells, symbols, |_, cost| sum += i64::from(cost));
    sum
}

/// The same of each symbol, with its index, but for those that a mask hides.
pub fn costs(cells: &mut CellRun, symbols: &[i32], mut each: impl FnMut(usize, i32)) {
    if cells.is_hidden() {
        return;
    }
    cells.choose();
    let (tile, choices) = (&*cells.tile, &cells.tile.space.choices);
    for (i, index) in cells.run.indices().enumerate().filter(|(_, index)| !hides(tile.classes, *index)) {
        each(index, table_symbol::cost(Choice(choices.choice[i]), choices.middle[i], symbols[index]));
    }
}

/// The symbols of a payload.
pub struct TablePop {
    popper: Popper,
    max: i32,
}

impl TablePop {
    /// Opens a payload of a plane of 0..=max; the seed.
    pub fn new(payload: &[u8], max: i32) -> Result<(TablePop, i32)> {
        let (&log2_lanes, lanes) = payload.split_first().ok_or_else(|| Error::corrupt("a payload without bytes"))?;
        if log2_lanes > MAX_LOG2_LANES {
            return Err(Error::corrupt(format!("2^{log2_lanes} lanes")));
        }
        let mut popper = Popper::new(1 << log2_lanes, lanes)?;
        let seed = popper.pop_plain(0, LOG2_SEEDS);
        check(seed, max as u32)?;
        Ok((TablePop { popper, max }, seed as i32))
    }

    /// Pops the ints of a run but for those that are hidden, as many at once as there are lanes, of its tables and middles.
    pub(crate) fn pop(
        &mut self,
        kernels: &Kernels,
        run: Run,
        (choices, middles): (&[u32], &[i32]),
        classes: &[u8],
        ints: &mut [i32],
    ) -> Result<()> {
        let (n, n_lanes) = (run.n as usize, self.popper.n_lanes());
        // of ints, a negative one counts as large
        let mut worst = 0;
        for first in (0..n).step_by(n_lanes) {
            let n = n_lanes.min(n - first);
            let (mut choice, mut middle) = ([NONE.0; MAX_LANES], [0; MAX_LANES]);
            choice[..n].copy_from_slice(&choices[first..][..n]);
            middle[..n].copy_from_slice(&middles[first..][..n]);
            if !classes.is_empty() {
                let hidden = (0..n).filter(|&lane| hides(classes, run.index(first + lane)));
                hidden.for_each(|lane| choice[lane] = NONE.0);
            }
            let found = kernels.find(n, &choice, &middle, &self.popper.quantiles());
            if n_lanes < AT_ONCE || found.is_any_beyond {
                for lane in 0..n {
                    let index = run.index(first + lane);
                    if !hides(classes, index) {
                        self.popper.pop(lane, found.start[lane], found.width[lane]);
                        ints[index] =
                            self.int(lane, Choice(choice[lane]), middle[lane], found.symbol[lane] as usize)?;
                    }
                }
                continue;
            }
            self.popper.pop_all(kernels, &found.start, &found.width);
            let mut popped = found.int;
            if found.n_plain.iter().any(|&n| n > 0) {
                let plain = self.popper.pop_plain_all(kernels, &found.n_plain);
                popped.iter_mut().zip(plain).for_each(|(int, plain)| *int += plain as i32);
            }
            for (lane, int) in popped.into_iter().enumerate().take(n) {
                let index = run.index(first + lane);
                if !hides(classes, index) {
                    ints[index] = int;
                    worst = worst.max(int as u32);
                }
            }
        }
        check(worst, self.max as u32)
    }

    /// Checks that nothing is left.
    pub fn finish(self) -> Result<()> {
        self.popper.finish()
    }

    /// The int of symbol j, whose interval the lane has left behind.
    #[inline(always)]
    fn int(&mut self, lane: usize, choice: Choice, middle: i32, j: usize) -> Result<i32> {
        let (mut d, mut log2_n) = (STEPS[j].0, STEPS[j].1 + choice.shift());
        if is_end(j) {
            let beyond = self.beyond(lane);
            d = if j == 0 { -FAR - 1 - beyond } else { FAR + beyond };
            log2_n = choice.shift();
        }
        let plain = if log2_n > 0 { self.popper.pop_plain(lane, log2_n) as i32 } else { 0 };
        let step = i64::from(middle) + i64::from(d);
        let int = (step << choice.shift()) + i64::from(plain);
        if !(0..=i64::from(self.max)).contains(&int) {
            return Err(outside(int, self.max));
        }
        Ok(int as i32)
    }

    #[cold]
    fn beyond(&mut self, lane: usize) -> i32 {
        let mut length = self.popper.pop_plain(lane, Length::SHORT_BITS);
        if length == Length::LONG {
            length = (length + self.popper.pop_plain(lane, Length::LONG_BITS)).min(24);
        }
        ((1 << length | self.popper.pop_plain(lane, length)) - 1) as i32
    }
}

fn check(int: u32, max: u32) -> Result<()> {
    match int <= max {
        true => Ok(()),
        false => Err(outside(int, max)),
    }
}

fn outside(int: impl Display, max: impl Display) -> Error {
    Error::corrupt(format!("int {int} in a plane of 0..={max}"))
}

impl RunCoder for TablePop {
    fn knows(&self) -> bool {
        false
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        if cells.is_hidden() {
            return Ok(());
        }
        cells.choose();
        let (tile, run) = (&*cells.tile, cells.run);
        let Choices { choice, middle } = &tile.space.choices;
        self.pop(tile.context.kernels, run, (choice, middle), tile.classes, symbols)
    }
}
