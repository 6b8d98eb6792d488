//! One tile in raster order or on a lattice: every int is predicted from ints coded before it.
//!
//! ```text
//! for each step of the plan, for each run:   b = predict · code the ints · residuals = ints − b
//! ```
//!
//! The seed is the tile's first int, uniform over the plane's range. Ints that a mask hides are not coded: `inpaint` says what they are.

use crate::error::Result;
use crate::model::Plan;
use crate::model::plan::{Run, Step};
use crate::tile::inpaint::fill;
use crate::tile::stream::{Framing, PlaneContext};
use crate::tile::walk::{Around, CellRun, RunCoder, Tile, Walk};

pub struct Autoregressive<'a> {
    tile: Tile<'a>,
    plan: &'a Plan,
    ints: Vec<i32>,
    /// Cells of the longest run.
    longest: usize,
}

impl<'a> Autoregressive<'a> {
    pub fn new(
        context: PlaneContext<'a>,
        plan: &'a Plan,
        refs: &'a [&'a [i32]],
        classes: &'a [u8],
    ) -> Autoregressive<'a> {
        let longest = plan.longest();
        let tile = Tile::new(context, (plan.n_arena, longest), refs, classes, Framing::of_ints(context.max));
        Autoregressive { tile, plan, ints: vec![0; plan.n_ints()], longest }
    }

    fn begin(&mut self, seed: i32) {
        let Tile { context: PlaneContext { model, kernels, .. }, refs, .. } = self.tile;
        self.tile.fill(seed);
        if let Some(step) = self.plan.steps.first() {
            let net = model.net_index(step.pass, refs.len());
            self.tile.space.scratch.begin(kernels, net, &self.plan.offsets[step.offsets], self.longest);
        }
    }

    fn run(&mut self, step: &Step, run: Run, coder: &mut dyn RunCoder) -> Result<()> {
        let (plan, context) = (self.plan, self.tile.context);
        let offsets = &plan.offsets[step.offsets];
        self.tile.predict(&context.linears[step.set], offsets, run);
        if coder.knows() {
            self.tile.update_residuals(run);
        } else {
            fill(plan, step, run, self.tile.classes, &self.tile.space.values, &mut self.ints);
        }
        let net = context.model.net_index(step.pass, self.tile.refs.len());
        let (tile, pass, level) = (&mut self.tile, step.pass, step.level);
        let around = Around::Prediction;
        coder.run(CellRun { tile, run, pass, net, offsets, level, around }, &mut self.ints)?;
        if !coder.knows() {
            self.tile.know(run, &self.ints);
            self.tile.update_residuals(run);
        }
        Ok(())
    }
}

impl Walk for Autoregressive<'_> {
    fn analyse(&mut self, ints: &[i32]) -> i32 {
        self.begin(ints[0]);
        self.plan.fill(ints, &mut self.tile.space.values);
        self.ints.copy_from_slice(ints);
        ints[0]
    }

    fn open(&mut self, seed: i32) -> Result<()> {
        self.begin(seed);
        self.ints[0] = seed;
        Ok(())
    }

    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        for step in &self.plan.steps {
            for &run in &step.runs {
                self.run(step, run, coder)?;
            }
            if !coder.knows() {
                step.copy(&mut self.tile.space.values);
            }
            step.copy(&mut self.tile.space.residuals);
        }
        Ok(())
    }

    fn ints(&self, out: &mut [i32]) -> Result<()> {
        out.copy_from_slice(&self.ints);
        Ok(())
    }

    fn framing(&self) -> Framing {
        self.tile.framing
    }
}
