//! A tile on its walk: a schedule predicts run by run, and a coder is asked for each run's symbols
//!
//! ```text
//! encoder:  seed = analyse(ints) · walk                         decoder:  open(seed) · walk · ints
//! walk:     for each run:  b = predict · coder.run · update     the same calls on the same integers
//! ```
//!
//! Every family writes its walk once. Who packs, pops, costs or gathers is a coder (`coders`), and none of them knows a family.

use crate::entropy::bits_back::Stack;
use crate::entropy::lanes::Interval;
use crate::error::Result;
use crate::kernel::context::{Heads, Hidden, features};
use crate::kernel::fast::{Scratch, room};
use crate::kernel::interval::{Distributions, beyond};
use crate::kernel::mixture::{Mixtures, mass};
use crate::kernel::predict::Linear;
use crate::kernel::quantise::{FEATURE_B, FEATURE_S};
use crate::kernel::table::Choices;
use crate::kernel::{Arenas, ONE, Offsets};
use crate::model::plan::Run;
use crate::net::Pass;
use crate::tile::inpaint::all_hidden;
use crate::tile::mask::hides;
use crate::tile::stream::{Framing, PlaneContext};
use std::cell::Cell;

/// The schedule of a family, with a tile on it.
pub trait Walk {
    /// An encoder begins: ints become symbols. Returns the seed.
    fn analyse(&mut self, ints: &[i32]) -> i32;

    /// A decoder begins.
    fn open(&mut self, seed: i32) -> Result<()>;

    /// Meets all runs in the order of the schedule.
    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()>;

    /// The ints of a decoder's tile, at the end of its walk.
    fn ints(&self, out: &mut [i32]) -> Result<()>;

    fn framing(&self) -> Framing;
}

/// Who is asked at every run.
pub trait RunCoder {
    /// Whether it knows all symbols before: an encoder may walk runs whose cells see each other.
    fn knows(&self) -> bool;

    /// Reads the symbols of a run, or finds them.
    fn run(&mut self, cells: CellRun, symbols: &mut [i32]) -> Result<()>;

    /// The bits that noise is taken from, or given back to; None of who only measures.
    fn stack(&mut self) -> Option<&mut Stack> {
        None
    }

    /// Hears what noise would have been worth that nobody gives back, in 1/256 bit.
    fn borrowed(&mut self, _cost: i64) {}
}

/// What a thread needs for a tile, kept for the next one.
#[derive(Default)]
pub struct Workspace {
    pub values: Vec<i32>,
    pub residuals: Vec<i32>,
    /// A flow's: by how much known cells stand out of the four nearest.
    pub contrast: Vec<i32>,
    /// The prediction of the run at hand, and what its symbols are coded around where that is something else; zeros at first.
    pub b: Vec<i32>,
    pub base: Vec<i32>,
    pub scratch: Scratch,
    pub heads: Heads,
    pub hidden: Hidden,
    pub mixtures: Mixtures,
    pub choices: Choices,
    pub known: Vec<i32>,
    start: Vec<u32>,
    width: Vec<u32>,
}

thread_local! {
    static WORKSPACE: Cell<Option<Box<Workspace>>> = const { Cell::new(None) };
}

/// A tile of a plane, and the thread's workspace for as long as it takes.
pub struct Tile<'a> {
    pub context: PlaneContext<'a>,
    /// Reference planes as the plan's arenas show them.
    pub refs: &'a [&'a [i32]],
    /// The classes of a mask, none where nothing is hidden.
    pub classes: &'a [u8],
    pub framing: Framing,
    pub space: Box<Workspace>,
}

impl<'a> Tile<'a> {
    /// A tile with arenas of `n_arena` cells, and runs no longer than `longest`.
    pub fn new(
        context: PlaneContext<'a>,
        (n_arena, longest): (usize, usize),
        refs: &'a [&'a [i32]],
        classes: &'a [u8],
        framing: Framing,
    ) -> Tile<'a> {
        let parts = &context.model.nets;
        let (k, n_outputs) = (parts[0].net.head.k(), parts.iter().map(|p| p.net.head.n_outputs()).max().unwrap_or(0));
        let room = room(longest);
        let mut space = WORKSPACE.take().unwrap_or_default();
        let t = &mut *space;
        t.values.resize(n_arena, 0);
        t.residuals.resize(n_arena, 0);
        t.base.clear();
        for run in [&mut t.b, &mut t.base, &mut t.known] {
            run.resize(room, 0);
        }
        t.start.resize(room, 0);
        t.width.resize(room, 0);
        if t.heads.stride != room || t.heads.heads.len() < n_outputs * room || t.mixtures.k != k {
            (t.heads, t.mixtures) = (Heads::new(n_outputs, room), Mixtures::new(k, room));
        }
        t.choices.choice.resize(room, 0);
        t.choices.middle.resize(room, 0);
        t.scratch.fit(context.kernels);
        Tile { context, refs, classes, framing, space }
    }

    /// Every cell at the seed, and nothing known of residuals.
    pub fn fill(&mut self, seed: i32) {
        self.space.values.fill(seed * ONE);
        self.space.residuals.fill(self.context.stats.spread);
    }

    /// b of a run, from what is known.
    pub fn predict(&mut self, linear: &Linear, offsets: &Offsets, run: Run) {
        let t = &mut *self.space;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: self.refs, stats: self.context.stats };
        self.context.kernels.predict(linear, run.site(arenas, offsets, 0), self.context.max, &mut t.b);
    }

    /// The values of a run, of ints in the places of the tile.
    pub fn know(&mut self, run: Run, ints: &[i32]) {
        let cells = &mut self.space.values[run.at as usize..][..run.n as usize];
        cells.iter_mut().zip(run.indices()).for_each(|(cell, index)| *cell = ints[index] * ONE);
    }

    /// The residuals of a run whose values are known.
    pub fn update_residuals(&mut self, run: Run) {
        let t = &mut *self.space;
        self.context.kernels.update_residuals(&t.values, run.at as usize, run.n as usize, &t.b, &mut t.residuals);
    }
}

impl Drop for Tile<'_> {
    fn drop(&mut self) {
        WORKSPACE.set(Some(std::mem::take(&mut self.space)));
    }
}

/// What the symbols of a run are coded around.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Around {
    /// Its prediction.
    Prediction,
    /// 0: they are what a prediction has left.
    Zero,
    /// Its prediction in steps of 2ⁿ.
    Steps(u32),
    /// What is usual in features.
    Feature,
}

/// A run whose prediction is known, as coders meet it.
pub struct CellRun<'w, 'a> {
    pub tile: &'w mut Tile<'a>,
    pub run: Run,
    /// Which of the model's nets, and where it reads.
    pub pass: Pass,
    pub net: usize,
    pub offsets: &'w Offsets,
    pub level: i32,
    pub around: Around,
}

impl CellRun<'_, '_> {
    /// Whether a mask leaves nothing of it to be coded.
    pub fn is_hidden(&self) -> bool {
        all_hidden(self.tile.classes, self.run)
    }

    /// The mixtures of its symbols.
    pub fn describe(&mut self) {
        let (PlaneContext { kernels, stats, .. }, refs, t) = (self.tile.context, self.tile.refs, &mut *self.tile.space);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs, stats };
        let n = self.run.n as usize;
        kernels.context(self.net, self.run.site(arenas, self.offsets, self.level), &t.b, &mut t.scratch, &mut t.heads);
        coarsen(self.around, self.tile.context, n, &t.b, &mut t.heads.s, &mut t.base);
        let base = if self.around == Around::Prediction { &t.b } else { &t.base };
        kernels.mixture(n, base, &t.heads, mass(self.tile.framing.popped.window.n_symbols()), &mut t.mixtures);
    }

    /// The tables of its symbols.
    pub fn choose(&mut self) {
        let (PlaneContext { kernels, stats, max, .. }, refs, t) =
            (self.tile.context, self.tile.refs, &mut *self.tile.space);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs, stats };
        debug_assert_eq!(self.around, Around::Prediction, "tables are of ints");
        kernels.context(self.net, self.run.site(arenas, self.offsets, self.level), &t.b, &mut t.scratch, &mut t.heads);
        kernels.choose(self.run.n as usize, &t.b, &t.heads, max, &mut t.choices);
    }

    /// What the last layer of its net sees.
    pub fn watch(&mut self) {
        let (PlaneContext { model, kernels, stats, .. }, refs, t) =
            (self.tile.context, self.tile.refs, &mut *self.tile.space);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs, stats };
        let n_in = model.nets[self.net].net.layers().last().expect("a net has layers").n_in;
        let stride = t.b.len();
        if t.hidden.stride != stride || t.hidden.words.len() < n_in / 4 * stride {
            t.hidden = Hidden::new(n_in, stride);
        }
        let n = self.run.n as usize;
        kernels.hidden(self.net, self.run.site(arenas, self.offsets, self.level), &t.b, &mut t.scratch, &mut t.hidden);
        coarsen(self.around, self.tile.context, n, &t.b, &mut t.hidden.s, &mut t.base);
    }

    /// What its net sees of its i-th cell, of families without steps: the features; returns s.
    pub fn features(&self, i: usize, f: &mut [i32]) -> i32 {
        let (PlaneContext { model, stats, .. }, refs, t) = (self.tile.context, self.tile.refs, &*self.tile.space);
        debug_assert_eq!(self.around, Around::Prediction, "steps would coarsen s");
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs, stats };
        let cell = self.run.site(arenas, self.offsets, self.level).cell(i);
        features(&model.nets[self.net].net, cell, t.b[i], f)
    }

    /// What its symbols are coded around, once it has been described or watched.
    pub fn base(&self) -> &[i32] {
        if self.around == Around::Prediction { &self.tile.space.b } else { &self.tile.space.base }
    }

    /// The intervals of its symbols; returns −256 · log2 of their probability.
    pub fn measure(&mut self, symbols: &[i32]) -> i64 {
        let n = self.run.n as usize;
        if self.is_hidden() {
            self.tile.space.start[..n].fill(Interval::CERTAIN.start);
            self.tile.space.width[..n].fill(Interval::CERTAIN.width);
            return 0;
        }
        self.describe();
        let (kernels, classes, window) =
            (self.tile.context.kernels, self.tile.classes, self.tile.framing.popped.window);
        let t = &mut *self.tile.space;
        t.known.iter_mut().zip(self.run.indices()).for_each(|(known, index)| *known = symbols[index]);
        let base = if self.around == Around::Prediction { &t.b } else { &t.base };
        let of = Distributions { mixtures: &t.mixtures, window, b: base };
        kernels.intervals(of, n, &t.known, &mut t.start, &mut t.width);
        for (i, _) in self.run.indices().enumerate().filter(|(_, index)| hides(classes, *index)) {
            (t.start[i], t.width[i]) = (Interval::CERTAIN.start, Interval::CERTAIN.width);
        }
        kernels.cost(n, &t.width)
    }

    /// The interval of its i-th symbol, once measured.
    pub fn interval(&self, i: usize) -> Interval {
        Interval { start: self.tile.space.start[i], width: self.tile.space.width[i] }
    }

    /// How far its i-th symbol lies beyond the window's end; nothing inside.
    pub fn excess(&self, i: usize, symbol: i32) -> Option<u32> {
        if hides(self.tile.classes, self.run.index(i)) {
            return None;
        }
        let (window, b) = (self.tile.framing.popped.window, self.base()[i]);
        let low = window.low(b);
        beyond(window, b, symbol.clamp(low, low + window.n_symbols() as i32 - 1), symbol)
    }
}

/// The base of a run, and s in its units.
fn coarsen(around: Around, context: PlaneContext, n: usize, b: &[i32], s: &mut [i32], base: &mut [i32]) {
    match around {
        Around::Prediction | Around::Zero => {}
        Around::Steps(log2_step) => context.kernels.coarsen(n, log2_step, b, s, base),
        Around::Feature => {
            base[..n].fill(FEATURE_B);
            s[..n].fill(FEATURE_S);
        }
    }
}
