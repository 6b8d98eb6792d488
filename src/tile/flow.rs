//! One tile through a flow: an integer lifting scheme whose predictions and updates are nets.
//!
//! ```text
//! forward:  for each level from the finest, the odd samples of two, then of four:      odd −= t(even), even += u(odd)
//! inverse:  for each level from the coarsest, the odd samples of four, then of two:    code the detail that stands in odd
//!                                                                                    even −= u(odd), odd += t(even)
//! ```
//!
//! The encoder goes forward, then walks the inverse like a decoder, so that both see the same at every step. The seed is the int of the
//! coarsest level, plus 2²³, uniform over 2²⁴; details are coded in an escaping window around 0.

use crate::entropy::lanes::{Interval, Popper};
use crate::error::{Error, Result};
use crate::kernel::couple::{Direction, MAX_DETAIL, MAX_LIFTED, couple};
use crate::kernel::interval::beyond;
use crate::kernel::mixture::Window;
use crate::kernel::predict::Linear;
use crate::kernel::{Arenas, MAX_INT, ONE, Offsets, PlaneStats, Site};
use crate::model::Plan;
use crate::model::plan::{Half, Known, Lift, Phase, Run, Step};
use crate::net::Pass;
use crate::tile::stream::{Framing, PlaneContext, Popped, pack, unpack};
use crate::tile::walk::{Around, CellRun, RunCoder, Tile, Walk};

/// The window of details: 65 536 ints around 0, whatever the plane.
pub(crate) const WINDOW: Window = Window { max: MAX_INT };
/// Seeds are coded plus this, as one of twice as many.
const SEED_OFFSET: i32 = 1 << 23;
pub(crate) const N_SEEDS: u32 = 1 << 24;
const _: () = assert!(MAX_LIFTED < SEED_OFFSET);
/// What a decoder takes for details.
pub(crate) const POPPED: Popped = Popped { window: WINDOW, range: (1 - MAX_DETAIL, MAX_DETAIL - 1) };
const FRAMING: Framing = Framing { popped: POPPED, seed_offset: SEED_OFFSET, n_seeds: N_SEEDS };

/// A net that meets a run of cells, and what it is shown: how a trainer looks on.
pub struct Meeting<'a> {
    pub pass: Pass,
    pub site: Site<'a>,
    pub run: Run,
    pub b: &'a [i32],
    /// Of known cells, by how much they stand out of the four nearest.
    pub contrast: &'a [i32],
    /// Of odd samples the details, in the places of their ints, where they are coded.
    pub details: &'a [i32],
}

type See<'s> = &'s mut dyn FnMut(Meeting);

/// A tile inside a flow.
pub struct Flow<'a> {
    tile: Tile<'a>,
    plan: &'a Plan,
    mean: Linear,
    seed: i32,
    /// In the places of the odd samples' ints.
    details: Vec<i32>,
}

impl<'a> Flow<'a> {
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan, refs: &'a [&'a [i32]]) -> Flow<'a> {
        let mut tile = Tile::new(context, (plan.n_arena, plan.longest()), refs, &[], FRAMING);
        tile.fill(0);
        tile.space.contrast.clear();
        tile.space.contrast.resize(plan.n_arena, context.stats.spread);
        for lift in &plan.lifts {
            tile.space.values[lift.empty.clone()].fill(context.stats.median);
        }
        Flow { tile, plan, mean: Linear::mean(4), seed: 0, details: vec![0; plan.n_ints()] }
    }

    /// From the finest level to the coarsest: details come to the places of the odd samples' ints. Returns the seed.
    fn forward(&mut self, ints: &[i32], see: See) -> i32 {
        let Some(finest) = self.plan.lifts.last() else { return ints[0] };
        for &run in finest.phases.iter().flat_map(|phase| &phase.runs) {
            self.tile.know(run, ints);
        }
        for (depth, lift) in self.plan.lifts.iter().enumerate().rev() {
            lift.phases.iter().for_each(|phase| spread(phase, &mut self.tile.space.values));
            for half in lift.halves.iter().rev() {
                self.predict_odd(lift, half, Direction::PREDICT, see);
                for step in &self.plan.steps[half.steps.clone()] {
                    step.runs.iter().for_each(|&run| self.emit_detail(run));
                }
                half.coded.iter().for_each(|&phase| spread(&lift.phases[phase], &mut self.tile.space.residuals));
                self.update_even(lift, half, Direction::UPDATE, see);
            }
            if depth > 0 {
                lift.descent.iter().for_each(|&(there, here)| {
                    self.tile.space.values[there as usize] = self.tile.space.values[here as usize];
                });
            }
        }
        let seed = self.tile.space.values[self.plan.lifts[0].phases[0].runs[0].at as usize] / ONE;
        self.details[0] = seed;
        seed
    }

    /// Phase 00 is the image of the level above.
    fn descend(&mut self, lift: &Lift) {
        let t = &mut *self.tile.space;
        for &(there, here) in &lift.descent {
            t.values[here as usize] = t.values[there as usize];
            t.residuals[here as usize] = t.residuals[there as usize];
        }
        spread(&lift.phases[0], &mut t.values);
        spread(&lift.phases[0], &mut t.residuals);
    }

    /// The inverse of a half whose details are known.
    fn undo(&mut self, lift: &Lift, half: &Half) {
        self.update_even(lift, half, Direction::UPDATE.inverse(), &mut |_| ());
        self.predict_odd(lift, half, Direction::PREDICT.inverse(), &mut |_| ());
    }

    /// Midpoints ± t(what is around them).
    fn predict_odd(&mut self, lift: &Lift, half: &Half, direction: Direction, see: See) {
        half.known.iter().for_each(|known| self.measure_contrast(lift, known));
        let plan = self.plan;
        for step in &plan.steps[half.steps.clone()] {
            for &run in &step.runs {
                self.center(step, run);
                let (pass, offsets, level) = (half.predict, &plan.offsets[step.offsets], lift.level);
                self.couple(Coupling { of: Of::Odd, pass, offsets, run, level, direction }, see);
            }
        }
        half.coded.iter().for_each(|&phase| spread(&lift.phases[phase], &mut self.tile.space.values));
    }

    /// What is around odd samples ± u(odd samples).
    fn update_even(&mut self, lift: &Lift, half: &Half, direction: Direction, see: See) {
        for known in &half.known {
            for &run in &lift.phases[known.phase].runs {
                let (pass, offsets, level) = (half.update, &known.update, lift.level);
                self.couple(Coupling { of: Of::Even, pass, offsets, run, level, direction }, see);
            }
        }
        half.known.iter().for_each(|known| spread(&lift.phases[known.phase], &mut self.tile.space.values));
    }

    fn couple(&mut self, to: Coupling, see: See) {
        let Coupling { of, pass, offsets, run, level, direction } = to;
        let (PlaneContext { kernels, model, stats, .. }, refs, t) =
            (self.tile.context, self.tile.refs, &mut *self.tile.space);
        let (at, n) = (run.at as usize, run.n as usize);
        let (arenas, b) = match of {
            Of::Odd => (Arenas { values: &t.values, residuals: &t.contrast, refs, stats }, &t.b),
            Of::Even => {
                let stats = PlaneStats { median: 0, ..stats };
                (Arenas { values: &t.values, residuals: &t.residuals, refs, stats }, &t.base)
            }
        };
        let site = run.site(arenas, offsets, level);
        see(Meeting { pass, site, run, b: &b[..n], contrast: &t.contrast, details: &[] });
        let net = model.net_index(pass, refs.len());
        kernels.context(net, site, b, &mut t.scratch, &mut t.heads);
        couple(model.nets[net].net.head.k(), direction, &b[..n], &t.heads, at, &mut t.values);
    }

    /// By how much known cells stand out of the four nearest.
    fn measure_contrast(&mut self, lift: &Lift, known: &Known) {
        let (PlaneContext { kernels, max, stats, .. }, t) = (self.tile.context, &mut *self.tile.space);
        for run in &lift.phases[known.phase].runs {
            let arenas = Arenas { values: &t.values, residuals: &t.contrast, refs: &[], stats };
            let (at, n) = (run.at as usize, run.n as usize);
            kernels.predict(&self.mean, run.site(arenas, &known.near, 0), max, &mut t.b);
            kernels.update_residuals(&t.values, at, n, &t.b, &mut t.contrast);
        }
        spread(&lift.phases[known.phase], &mut t.contrast);
    }

    /// b of the odd samples of a run.
    fn center(&mut self, step: &Step, run: Run) {
        let linears = self.tile.context.linears;
        self.tile.predict(&linears[step.set], &self.plan.offsets[step.offsets], run);
    }

    /// Tells the details of a run, which are its residuals, too.
    fn emit_detail(&mut self, run: Run) {
        let (at, n) = (run.at as usize, run.n as usize);
        let values = &self.tile.space.values[at..at + n];
        values.iter().zip(run.indices()).for_each(|(v, i)| self.details[i] = v / ONE);
        self.know_residuals(run);
    }

    fn know_residuals(&mut self, run: Run) {
        let (at, n, t) = (run.at as usize, run.n as usize, &mut *self.tile.space);
        self.tile.context.kernels.update_residuals(&t.values, at, n, &t.base, &mut t.residuals);
    }

    fn run(&mut self, step: &Step, run: Run, coder: &mut dyn RunCoder) -> Result<()> {
        self.center(step, run);
        let net = self.tile.context.model.net_index(step.pass, self.tile.refs.len());
        let (offsets, level) = (&self.plan.offsets[step.offsets], step.level);
        let (tile, pass, around) = (&mut self.tile, step.pass, Around::Zero);
        coder.run(CellRun { tile, run, pass, net, offsets, level, around }, &mut self.details)?;
        self.tile.know(run, &self.details);
        self.know_residuals(run);
        Ok(())
    }
}

/// What a coupling changes: odd samples, by nets that see contrast, or what is around them, by nets that see details.
enum Of {
    Odd,
    Even,
}

/// A net whose first location is added to the values of a run, or taken from them.
struct Coupling<'p> {
    of: Of,
    pass: Pass,
    offsets: &'p Offsets,
    run: Run,
    level: i32,
    direction: Direction,
}

impl Walk for Flow<'_> {
    fn analyse(&mut self, ints: &[i32]) -> i32 {
        self.seed = self.forward(ints, &mut |_| ());
        self.seed
    }

    fn open(&mut self, seed: i32) -> Result<()> {
        check_seed(seed)?;
        self.seed = seed;
        Ok(())
    }

    /// What has been coded last an encoder does not undo: it needs no more.
    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        let plan = self.plan;
        let Some(coarsest) = plan.lifts.first() else { return Ok(()) };
        self.tile.space.residuals.fill(self.tile.context.stats.spread);
        self.tile.space.values[coarsest.phases[0].runs[0].at as usize] = self.seed * ONE;
        let mut last = None;
        for lift in &plan.lifts {
            for (i, half) in lift.halves.iter().enumerate() {
                if let Some((lift, half)) = last.replace((lift, half)) {
                    self.undo(lift, half);
                }
                if i == 0 {
                    self.descend(lift);
                }
                for step in &plan.steps[half.steps.clone()] {
                    step.runs.iter().try_for_each(|&run| self.run(step, run, coder))?;
                }
                for &phase in &half.coded {
                    spread(&lift.phases[phase], &mut self.tile.space.values);
                    spread(&lift.phases[phase], &mut self.tile.space.residuals);
                }
            }
        }
        if let Some((lift, half)) = last.filter(|_| !coder.knows()) {
            self.undo(lift, half);
        }
        Ok(())
    }

    /// The ints of the finest level, or of a tile of one, which has none. A corrupt payload may lead anywhere.
    fn ints(&self, out: &mut [i32]) -> Result<()> {
        out[0] = self.seed;
        for run in self.plan.lifts.last().iter().flat_map(|lift| &lift.phases).flat_map(|phase| &phase.runs) {
            let cells = &self.tile.space.values[run.at as usize..][..run.n as usize];
            cells.iter().zip(run.indices()).for_each(|(cell, i)| out[i] = cell / ONE);
        }
        check(self.tile.context, out)
    }

    fn framing(&self) -> Framing {
        FRAMING
    }
}

/// Shows the cells of a phase beyond its edges.
fn spread(phase: &Phase, arena: &mut [i32]) {
    phase.halo.iter().for_each(|&(from, to)| arena[to as usize] = arena[from as usize]);
}

/// Shows every net every run that it meets, of an encoder's way.
pub fn meet(context: PlaneContext, plan: &Plan, ints: &[i32], refs: &[&[i32]], see: See) {
    let refs = plan.mirrored(refs);
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let mut flow = Flow::new(context, plan, &refs);
    flow.seed = flow.forward(ints, see);
    flow.walk(&mut Show { see }).expect("an encoder knows what comes");
}

/// Shows the nets that code.
struct Show<'s> {
    see: See<'s>,
}

impl RunCoder for Show<'_> {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, cells: CellRun, details: &mut [i32]) -> Result<()> {
        let CellRun { tile, run, pass, offsets, level, .. } = cells;
        let t = &*tile.space;
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: tile.refs, stats: tile.context.stats };
        let b = &t.b[..run.n as usize];
        let site = run.site(arenas, offsets, level);
        (self.see)(Meeting { pass, site, run, b, contrast: &t.contrast, details });
        Ok(())
    }
}

/// One symbol: its interval, and how far what it stands for lies beyond the window's end.
pub type Symbol = (Interval, Option<u32>);

/// What lies beyond the window's end; none inside.
pub fn far(detail: i32) -> Option<u32> {
    let low = WINDOW.low(0);
    beyond(WINDOW, 0, detail.clamp(low, low + WINDOW.n_symbols() as i32 - 1), detail)
}

pub fn packed(plan: &Plan, seed: i32, cost: i64, symbol: impl Fn(usize) -> Symbol) -> Vec<u8> {
    pack(plan, FRAMING.seed(seed), cost, symbol)
}

/// Opens a payload: the seed.
pub fn opened(payload: &[u8]) -> Result<(Popper, i32)> {
    let (popper, seed) = unpack(payload, N_SEEDS)?;
    let seed = seed as i32 - SEED_OFFSET;
    check_seed(seed)?;
    Ok((popper, seed))
}

fn check_seed(seed: i32) -> Result<()> {
    if seed.abs() > MAX_LIFTED {
        return Err(Error::corrupt(format!("the seed {seed} of a flow")));
    }
    Ok(())
}

pub(crate) fn check(context: PlaneContext, ints: &[i32]) -> Result<()> {
    match ints.iter().find(|int| !(0..=context.max).contains(*int)) {
        None => Ok(()),
        Some(int) => Err(Error::corrupt(format!("int {int} in a plane of 0..={}", context.max))),
    }
}
