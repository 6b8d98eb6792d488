//! One tile of family `l3c`: scales of means and features, coarse to fine.
//!
//! ```text
//! all scales = pyramid(tile)          residuals of all scales          F = quantise(context(encoder's net))
//! for each step: the features of a scale, its ints by phase: a run sees the scale above only
//!     b = predict · code the ints in steps around b in steps
//! ```
//!
//! The payload is that of the other families; the seed is the last mean of all.

use crate::error::{Error, Result};
use crate::kernel::quantise::MAX_FEATURE;
use crate::kernel::{Arenas, address};
use crate::model::Plan;
use crate::model::l3c::{Steps, int, last_symbol, pyramid, symbol};
use crate::model::plan::{Run, Step};
use crate::net::Pass;
use crate::tile::stream::{Framing, PlaneContext};
use crate::tile::walk::{Around, CellRun, RunCoder, Tile, Walk};

pub struct Pyramid<'a> {
    tile: Tile<'a>,
    plan: &'a Plan,
    steps: Steps,
    /// Of all scales, the tile last: symbols until they are coded, then ints.
    all: Vec<i32>,
}

impl<'a> Pyramid<'a> {
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan) -> Pyramid<'a> {
        let tile = Tile::new(context, (plan.n_arena, plan.longest()), &[], &[], Framing::of_ints(context.max));
        Pyramid { tile, plan, steps: Steps::of(context.stats), all: vec![0; plan.n_ints()] }
    }

    /// Values, residuals and features of all scales of a tile.
    fn know_all(&mut self, ints: &[i32]) {
        let plan = self.plan;
        self.all = pyramid(plan, ints, self.tile.context.max, self.steps);
        self.tile.fill(self.all[0]);
        plan.fill(&self.all, &mut self.tile.space.values);
        for step in plan.steps.iter().filter(|step| step.pass == Pass::Finer) {
            for &run in &step.runs {
                self.predict(step, run);
                self.tile.update_residuals(run);
            }
            step.copy(&mut self.tile.space.residuals);
        }
        for step in plan.steps.iter().filter(|step| step.pass == Pass::Feature) {
            for &run in &step.runs {
                self.extract(step, run);
                self.tile.know(run, &self.all);
            }
            step.copy(&mut self.tile.space.values);
        }
    }

    /// b of a run: of features the mean itself.
    fn predict(&mut self, step: &Step, run: Run) {
        let offsets = &self.plan.offsets[step.offsets];
        if step.pass != Pass::Feature {
            let linears = self.tile.context.linears;
            return self.tile.predict(&linears[step.set], offsets, run);
        }
        let t = &mut *self.tile.space;
        let mean = address(run.at as usize, offsets.taps[0]);
        t.b[..run.n as usize].copy_from_slice(&t.values[mean..][..run.n as usize]);
    }

    /// The features that the encoder's net makes of a run.
    fn extract(&mut self, step: &Step, run: Run) {
        self.predict(step, run);
        let (PlaneContext { model, kernels, max, stats, .. }, t) = (self.tile.context, &mut *self.tile.space);
        let arenas = Arenas { values: &t.values, residuals: &t.residuals, refs: &[], stats };
        let offsets = &self.plan.offsets[self.plan.scales[step.level as usize].encoder];
        let (net, n) = (model.net_index(Pass::Encoder, 0), run.n as usize);
        kernels.context(net, run.site(arenas, offsets, self.plan.level(step)), &t.b, &mut t.scratch, &mut t.heads);
        kernels.quantise(n, &t.heads, MAX_FEATURE.min(max), &mut t.known);
        run.indices().zip(&t.known).for_each(|(index, &q)| self.all[index] = q);
    }

    fn run(&mut self, step: &Step, run: Run, coder: &mut dyn RunCoder) -> Result<()> {
        let (plan, context) = (self.plan, self.tile.context);
        self.predict(step, run);
        let around = match step.pass {
            Pass::Feature => Around::Feature,
            _ => Around::Steps(self.steps.of_scale(step.level as usize)),
        };
        let (offsets, net) = (&plan.offsets[step.offsets], context.model.net_index(step.pass, 0));
        let (tile, pass, level) = (&mut self.tile, step.pass, plan.level(step));
        coder.run(CellRun { tile, run, pass, net, offsets, level, around }, &mut self.all)?;
        if !coder.knows() {
            restore(context, self.steps, step, run, &mut self.all)?;
            self.tile.know(run, &self.all);
            self.tile.update_residuals(run);
        }
        Ok(())
    }
}

impl Walk for Pyramid<'_> {
    fn analyse(&mut self, ints: &[i32]) -> i32 {
        self.know_all(ints);
        for step in &self.plan.steps {
            for index in step.runs.iter().flat_map(|run| run.indices()) {
                self.all[index] = symbol(self.steps, step, self.all[index]);
            }
        }
        self.all[0]
    }

    fn open(&mut self, seed: i32) -> Result<()> {
        self.tile.fill(seed);
        self.all[0] = seed;
        Ok(())
    }

    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        for step in &self.plan.steps {
            for &run in &step.runs {
                self.run(step, run, coder)?;
            }
            if !coder.knows() {
                step.copy(&mut self.tile.space.values);
                step.copy(&mut self.tile.space.residuals);
            }
        }
        Ok(())
    }

    fn ints(&self, out: &mut [i32]) -> Result<()> {
        out.copy_from_slice(&self.all[self.plan.scales[0].ints..]);
        Ok(())
    }

    fn framing(&self) -> Framing {
        self.tile.framing
    }
}

/// All scales of a tile, with the features that are transmitted of it.
pub fn said(context: PlaneContext, plan: &Plan, ints: &[i32]) -> Vec<i32> {
    let mut pyramid = Pyramid::new(context, plan);
    pyramid.know_all(ints);
    std::mem::take(&mut pyramid.all)
}

/// The ints of the symbols of a run, in their places.
pub(crate) fn restore(context: PlaneContext, steps: Steps, step: &Step, run: Run, all: &mut [i32]) -> Result<()> {
    let last = last_symbol(steps, step, context.max);
    for index in run.indices() {
        let symbol = all[index];
        if symbol > last {
            return Err(Error::corrupt(format!("symbol {symbol} where {last} is the last")));
        }
        all[index] = int(steps, step, symbol, context.max);
    }
    Ok(())
}
