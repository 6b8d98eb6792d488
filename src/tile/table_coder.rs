//! The coders of a tile whose nets name tables: pack its payload, pop its symbols, tell what it costs
//!
//! What a run's tables are is told by the walk, or by a GPU.
//!
//! log2 of the number of lanes (u8), then the lanes. Lane 0 begins with the seed, in 23 plain bits. A run deals its symbols to the
//! lanes in turn, from lane 0. A symbol is followed by how far it lies beyond the table, then by which of its ints it is. What a
//! mask hides is not coded. FORMAT.md, section 7.

use crate::entropy::wide_lanes::{Popper, Pusher};
use crate::error::{Error, Result};
use crate::kernel::fast::{Kernels, room};
use crate::kernel::table::{self, Choice, Choices, FAR, Found, Length, N_SYMBOLS, Rest, STEPS};
use crate::model::Plan;
use crate::model::plan::Run;
use crate::tile::mask::hides;
use crate::tile::stream::{MAX_LOG2_LANES, log2_lanes};
use crate::tile::walk::{CellRun, RunCoder};
use std::cell::Cell;

/// Bits of a seed: MAX_INT has 23.
const LOG2_SEEDS: u32 = 23;

pub struct TablePack {
    buffers: Box<Buffers>,
    /// Bits, about.
    n_bits: u64,
}

/// Kept by a thread for its next tile.
#[derive(Default)]
struct Buffers {
    /// The symbols of all ints, in their places: start, width − 1, plain bits and their number, whether it lies beyond the table.
    symbols: Vec<u64>,
    /// How far beyond, by place; of few.
    beyond: Vec<(usize, u32)>,
    /// Of the run at hand: ints, symbols, intervals.
    ints: Vec<i32>,
    told: Vec<i32>,
    intervals: Vec<i32>,
}

thread_local! {
    static BUFFERS: Cell<Option<Box<Buffers>>> = const { Cell::new(None) };
}

impl Drop for TablePack {
    fn drop(&mut self) {
        BUFFERS.set(Some(std::mem::take(&mut self.buffers)));
    }
}

/// A symbol that needs no saying.
const CERTAIN: u64 = 0xffff << 16;

impl TablePack {
    pub fn new(plan: &Plan) -> TablePack {
        let mut buffers = BUFFERS.take().unwrap_or_default();
        let Buffers { symbols, beyond, ints, told, intervals } = &mut *buffers;
        symbols.clear();
        symbols.resize(plan.n_ints(), CERTAIN);
        beyond.clear();
        let longest = room(plan.longest());
        [ints, told, intervals].into_iter().for_each(|of_run| of_run.resize(longest, 0));
        TablePack { buffers, n_bits: 0 }
    }

    /// The symbols of a run but for those that are hidden, of tables in whole vectors.
    pub(crate) fn put(&mut self, kernels: &Kernels, run: Run, choices: &Choices, classes: &[u8], ints: &[i32]) {
        let Buffers { symbols, beyond, ints: of_run, told, intervals } = &mut *self.buffers;
        of_run.iter_mut().zip(run.indices()).for_each(|(int, index)| *int = ints[index]);
        kernels.tell(run.n as usize, choices, of_run, told, intervals);
        for (i, index) in run.indices().enumerate().filter(|(_, index)| !hides(classes, *index)) {
            let (choice, interval) = (Choice(choices.choice[i]), intervals[i] as u32);
            let rest = Rest::of(choice, choices.middle[i], told[i] as usize, of_run[i]);
            self.n_bits += u64::from((interval | 0xffff).leading_zeros() + rest.n_bits());
            let mut symbol = u64::from(interval) | u64::from(rest.plain) << 32 | u64::from(rest.n_plain) << 56;
            if let Some(far) = rest.beyond {
                symbol |= 1 << 63;
                beyond.push((index, far));
            }
            symbols[index] = symbol;
        }
    }

    /// The payload of the tile.
    pub fn payload(mut self, plan: &Plan, seed: i32) -> Vec<u8> {
        let log2_lanes = log2_lanes(256 * self.n_bits as i64);
        let n_lanes = 1 << log2_lanes;
        self.buffers.beyond.sort_unstable();
        let mut pusher = Pusher::new(n_lanes, self.buffers.symbols.len());
        for &run in plan.order.iter().rev() {
            for (i, index) in run.indices().enumerate().rev() {
                let (lane, symbol) = (i & (n_lanes - 1), self.buffers.symbols[index]);
                let n_plain = (symbol >> 56) as u32 & 31;
                if n_plain > 0 {
                    pusher.push_plain(lane, (symbol >> 32) as u32 & 0xff_ffff, n_plain);
                }
                if symbol >> 63 == 1 {
                    self.push_beyond(&mut pusher, lane, index);
                }
                pusher.push(lane, symbol as u32 & 0xffff, (symbol >> 16) as u32 % (1 << 16) + 1);
            }
        }
        pusher.push_plain(0, seed as u32, LOG2_SEEDS);
        let mut payload = vec![log2_lanes];
        pusher.finish(&mut payload);
        payload
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
    if cells.is_hidden() {
        return 0;
    }
    cells.choose();
    let (tile, choices) = (&*cells.tile, &cells.tile.space.choices);
    let known = cells.run.indices().enumerate().filter(|(_, index)| !hides(tile.classes, *index));
    let cost = |(i, index): (usize, usize)| table::cost(Choice(choices.choice[i]), choices.middle[i], symbols[index]);
    known.map(|cell| i64::from(cost(cell))).sum()
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
        let seed = popper.pop_plain(0, LOG2_SEEDS) as i32;
        check(seed, max)?;
        Ok((TablePop { popper, max }, seed))
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
        let mut found = Found::default();
        for first in (0..n).step_by(n_lanes) {
            let n = n_lanes.min(n - first);
            let (choice, middle) = (&choices[first..][..n], &middles[first..][..n]);
            kernels.find(n, choice, &self.popper.quantiles(), &mut found);
            for lane in 0..n {
                let index = run.index(first + lane);
                if hides(classes, index) {
                    continue;
                }
                self.popper.pop(lane, found.start[lane], found.width[lane]);
                ints[index] = self.int(lane, Choice(choice[lane]), middle[lane], found.symbol[lane])?;
            }
        }
        Ok(())
    }

    /// Checks that nothing is left.
    pub fn finish(self) -> Result<()> {
        self.popper.finish()
    }

    /// The int of symbol j, whose interval the lane has left behind.
    #[inline(always)]
    fn int(&mut self, lane: usize, choice: Choice, middle: i32, j: u8) -> Result<i32> {
        let j = j as usize % N_SYMBOLS;
        let (mut d, mut log2_n) = (STEPS[j].0, STEPS[j].1 + choice.shift());
        if j == 0 || j == N_SYMBOLS - 1 {
            let beyond = self.beyond(lane);
            d = if j == 0 { -FAR - 1 - beyond } else { FAR + beyond };
            log2_n = choice.shift();
        }
        let plain = if log2_n > 0 { self.popper.pop_plain(lane, log2_n) as i32 } else { 0 };
        let step = i64::from(middle) + i64::from(d);
        let int = (step << choice.shift()) + i64::from(plain);
        if !(0..=i64::from(self.max)).contains(&int) {
            return Err(Error::corrupt(format!("int {int} in a plane of 0..={}", self.max)));
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

fn check(int: i32, max: i32) -> Result<()> {
    match int <= max {
        true => Ok(()),
        false => Err(Error::corrupt(format!("int {int} in a plane of 0..={max}"))),
    }
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
