//! The coders that walk a tile: pack its payload, pop its symbols, tell what it or each cell costs, gather its cells or their
//! features.

use crate::entropy::lanes::{Interval, Popper};
use crate::error::Result;
use crate::fit::Cells;
use crate::kernel::interval;
use crate::model::{Model, Plan};
use crate::net::Head;
use crate::tile::mask::hides;
use crate::tile::stream::{Framing, pack, pop, unpack};
use crate::tile::table_coder;
use crate::tile::walk::{CellRun, RunCoder};

/// The intervals of all symbols, in the places of their ints.
pub struct Pack {
    intervals: Vec<Interval>,
    /// Empty where no window escapes.
    excess: Vec<Option<u32>>,
    cost: i64,
}

impl Pack {
    pub fn new(plan: &Plan, framing: Framing) -> Pack {
        let n = plan.n_ints();
        let excess = vec![None; if framing.popped.window.escapes() { n } else { 0 }];
        Pack { intervals: vec![Interval::default(); n], excess, cost: 0 }
    }

    /// The payload of the tile.
    pub fn payload(&self, plan: &Plan, framing: Framing, seed: i32) -> Vec<u8> {
        let symbol = |index: usize| (self.intervals[index], self.excess.get(index).copied().flatten());
        pack(plan, framing.seed(seed), self.cost, symbol)
    }
}

impl RunCoder for Pack {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        self.cost += cells.measure(symbols);
        for (i, index) in cells.run.indices().enumerate() {
            self.intervals[index] = cells.interval(i);
        }
        if !self.excess.is_empty() {
            for (i, index) in cells.run.indices().enumerate() {
                self.excess[index] = cells.excess(i, symbols[index]);
            }
        }
        Ok(())
    }
}

/// The symbols of a payload.
pub struct Pop {
    popper: Popper,
}

impl Pop {
    /// Opens a payload; the seed.
    pub fn new(payload: &[u8], framing: Framing) -> Result<(Pop, i32)> {
        let (popper, seed) = unpack(payload, framing.n_seeds)?;
        Ok((Pop { popper }, seed as i32 - framing.seed_offset))
    }

    /// Checks that nothing is left.
    pub fn finish(self) -> Result<()> {
        self.popper.finish()
    }
}

impl RunCoder for Pop {
    fn knows(&self) -> bool {
        false
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        if cells.is_hidden() {
            return Ok(());
        }
        cells.describe();
        let (tile, run) = (&*cells.tile, cells.run);
        let (kernels, popped, mixtures) = (tile.context.kernels, tile.framing.popped, &tile.space.mixtures);
        pop(&mut self.popper, kernels, popped, run, mixtures, cells.base(), 0, tile.classes, symbols)
    }
}

/// −256 · log2 of the probability that each net of the model gives to its symbols; what lies beyond windows is not counted.
pub struct Cost(pub Vec<i64>);

impl Cost {
    pub fn new(model: &Model) -> Cost {
        Cost(vec![0; model.nets.len()])
    }
}

impl RunCoder for Cost {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        self.0[cells.net] += match cells.tile.context.model.head() {
            Head::Mixture { .. } => cells.measure(symbols),
            Head::Table => table_coder::cost(&mut cells, symbols),
        };
        Ok(())
    }

    fn borrowed(&mut self, cost: i64) {
        self.0[0] -= cost;
    }
}

/// The same of each symbol, in the place of its int; 0 where a mask hides it.
pub struct CellCosts(pub Vec<i32>);

impl CellCosts {
    pub fn new(plan: &Plan) -> CellCosts {
        CellCosts(vec![0; plan.n_ints()])
    }
}

impl RunCoder for CellCosts {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        match cells.tile.context.model.head() {
            Head::Mixture { .. } => {
                cells.measure(symbols);
                for (i, index) in cells.run.indices().enumerate() {
                    self.0[index] = interval::cost(&[cells.interval(i).width]) as i32;
                }
            }
            Head::Table => table_coder::costs(&mut cells, symbols, |index, cost| self.0[index] = cost),
        }
        Ok(())
    }
}

/// Adds every `stride`-th cell to those of its net, unless it is masked.
pub struct Gather<'c> {
    stride: usize,
    cells: &'c mut [Cells],
    /// How many cells each net passes over in its next run.
    next: Vec<usize>,
}

impl Gather<'_> {
    pub fn new(stride: usize, cells: &mut [Cells]) -> Gather<'_> {
        Gather { stride, next: vec![0; cells.len()], cells }
    }
}

impl RunCoder for Gather<'_> {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        let (net, run, n) = (cells.net, cells.run, cells.run.n as usize);
        let next = &mut self.next[net];
        // a net of causal convolutions has to see the cells between them, too
        if *next < n || !cells.tile.context.model.nets[net].net.is_plain() {
            cells.watch();
        }
        let (base, classes) = (cells.base(), cells.tile.classes);
        for i in (*next..n).step_by(self.stride).filter(|&i| !hides(classes, run.index(i))) {
            self.cells[net].push(&cells.tile.space.hidden, i, base[i], symbols[run.index(i)]);
        }
        *next += (n - (*next).min(n)).div_ceil(self.stride) * self.stride;
        *next -= n.min(*next);
        Ok(())
    }
}

/// The same by what the first layer sees of them.
pub struct GatherFeatures<'c> {
    stride: usize,
    cells: &'c mut [Cells],
    next: Vec<usize>,
}

impl GatherFeatures<'_> {
    pub fn new(stride: usize, cells: &mut [Cells]) -> GatherFeatures<'_> {
        GatherFeatures { stride, next: vec![0; cells.len()], cells }
    }
}

impl RunCoder for GatherFeatures<'_> {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        let (net, run, n) = (cells.net, cells.run, cells.run.n as usize);
        let (next, out) = (&mut self.next[net], &mut self.cells[net]);
        let mut features = vec![0; out.n_in];
        for i in (*next..n).step_by(self.stride).filter(|&i| !hides(cells.tile.classes, run.index(i))) {
            let s = cells.features(i, &mut features);
            let bytes = features.iter().map(|&f| f as u8);
            out.push_bytes(bytes, s, cells.base()[i], symbols[run.index(i)]);
        }
        *next += (n - (*next).min(n)).div_ceil(self.stride) * self.stride;
        *next -= n.min(*next);
        Ok(())
    }
}
