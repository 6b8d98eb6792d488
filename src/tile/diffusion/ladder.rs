//! z′ = middle(z) + e, row by row, and the ints of z given z′ some rows behind: up the ladder, and down again
//!
//! What e is, and who hears of ints, a coder says: one that has a stack, or one that only measures.

use crate::error::{Error, Result};
use crate::kernel::log2::log2;
use crate::kernel::table::PRECISION;
use crate::kernel::{MAX_INT, ONE, PlaneStats, address};
use crate::model::Plan;
use crate::model::plan::{Run, Scale, Step};
use crate::model::vdm::{Levels, OFFSET, Random, STRIP, has_ladder, largest, middles, reach};
use crate::tile::stream::{Framing, PlaneContext};
use crate::tile::walk::{Around, CellRun, RunCoder, Tile, Walk};

pub struct Diffusion<'a> {
    pub(super) tile: Tile<'a>,
    plan: &'a Plan,
    pub levels: Levels,
    /// Of all images, as the plan counts them, `OFFSET` above themselves.
    pub all: Vec<i32>,
    /// Where noise comes from that nobody gives back.
    random: Random,
    reach: usize,
    margin: usize,
}

impl<'a> Diffusion<'a> {
    pub fn new(context: PlaneContext<'a>, plan: &'a Plan) -> Diffusion<'a> {
        let PlaneStats { median, spread } = context.stats;
        let stats = PlaneStats { median: median + OFFSET * ONE, spread };
        let context = PlaneContext { max: largest(context.max).min(MAX_INT), stats, ..context };
        let tile = Tile::new(context, (plan.n_arena, plan.longest()), &[], &[], Framing::of_ints(context.max));
        let (reach, margin) = reach(&context.model.nets[0].net.taps);
        let levels = Levels::unknown(plan.scales[0].h, plan.scales[0].w, context.model.per_octave);
        Diffusion { tile, plan, levels, all: vec![0; plan.n_ints()], random: Random::default(), reach, margin }
    }

    /// The steps of image t, one for each phase of its ints, and the next image.
    fn rung(&self, t: usize) -> (&'a [Step], Scale) {
        let steps = &self.plan.steps;
        let first = steps.iter().position(|step| step.level == t as i32).expect("every image has steps");
        let n = steps[first..].iter().take_while(|step| step.level == t as i32).count();
        (&steps[first..][..n], self.plan.scales[t + 1])
    }

    /// Makes the image after t of it and noise, and asks for the symbols of image t.
    pub fn rise(&mut self, t: usize, coder: &mut dyn RunCoder) -> Result<()> {
        let (steps, next) = self.rung(t);
        for y in 0..next.h + self.reach {
            if y < next.h {
                self.borrow(t, y, coder);
                self.show(steps, t, y);
            }
            if let Some(y) = y.checked_sub(self.reach) {
                self.meet(steps, y, coder)?;
            }
        }
        Ok(())
    }

    /// The same backwards.
    pub fn descend(&mut self, t: usize, coder: &mut dyn RunCoder) -> Result<()> {
        let (steps, next) = self.rung(t);
        (0..next.h).for_each(|y| self.show(steps, t, y));
        for y in (0..next.h + self.reach).rev() {
            if let Some(y) = y.checked_sub(self.reach) {
                self.meet(steps, y, coder)?;
            }
            if y < next.h {
                self.give_back(t, y, coder)?;
            }
        }
        Ok(())
    }

    /// Row y of the image after t, from image t and noise.
    fn borrow(&mut self, t: usize, y: usize, coder: &mut dyn RunCoder) {
        let (fine, next) = (self.plan.scales[t], self.plan.scales[t + 1]);
        let mut row = std::mem::take(&mut self.tile.space.known);
        middles(&self.all, (fine, next), y, &mut row);
        let mut cost = 0;
        for (x, z) in row.iter_mut().enumerate() {
            let noise = self.levels.at(t + 1, y, x);
            match coder.stack() {
                Some(stack) => {
                    let (e, told) = noise.begin(stack.quantile());
                    stack.pop(told.start, told.width);
                    *z += e + stack.pop_plain(told.n_plain) as i32;
                }
                None => {
                    let e = self.random.noise(noise);
                    let told = noise.tell(e).expect("noise can be told");
                    cost += i64::from(256 * (PRECISION + told.n_plain) as i32 - log2(told.width as i32));
                    *z += e;
                }
            }
        }
        coder.borrowed(cost);
        self.all[next.ints + y * next.w..][..next.w].copy_from_slice(&row);
        self.tile.space.known = row;
    }

    /// What was borrowed for a row.
    fn give_back(&mut self, t: usize, y: usize, coder: &mut dyn RunCoder) -> Result<()> {
        let (fine, next) = (self.plan.scales[t], self.plan.scales[t + 1]);
        let mut row = std::mem::take(&mut self.tile.space.known);
        middles(&self.all, (fine, next), y, &mut row);
        let stack = coder.stack().expect("a decoder has a stack");
        for (x, middle) in row.iter().enumerate().rev() {
            let e = self.all[next.ints + y * next.w + x] - middle;
            let told = self.levels.at(t + 1, y, x).tell(e).ok_or_else(|| Error::corrupt("noise that cannot be"))?;
            stack.push_plain(told.plain, told.n_plain);
            stack.push(told.start, told.width);
        }
        self.tile.space.known = row;
        Ok(())
    }

    /// Shows nets row y of the image after t, and how strong the noise is there; beyond the edges the nearest.
    fn show(&mut self, steps: &[Step], t: usize, y: usize) {
        let (next, m) = (self.plan.scales[t + 1], self.margin);
        let pitch = next.w + 2 * m;
        let first = address(steps[0].runs[y].at as usize, self.plan.offsets[steps[0].offsets].taps[0]) - m;
        let space = &mut *self.tile.space;
        for column in 0..pitch {
            let x = column.saturating_sub(m).min(next.w - 1);
            space.values[first + column] = self.all[next.ints + y * next.w + x] * ONE;
            space.residuals[first + column] = self.levels.at(t + 1, y, x).residual();
        }
        let above = if y == 0 { m } else { 0 };
        let below = if y + 1 == next.h { m } else { 0 };
        for arena in [&mut space.values, &mut space.residuals] {
            (1..=above).for_each(|i| arena.copy_within(first..first + pitch, first - i * pitch));
            (1..=below).for_each(|i| arena.copy_within(first..first + pitch, first + i * pitch));
        }
    }

    /// The ints of an image whose next one's row y lies behind them.
    fn meet(&mut self, steps: &[Step], y: usize, coder: &mut dyn RunCoder) -> Result<()> {
        let meet = |step: &Step, coder: &mut dyn RunCoder| match step.runs.get(y) {
            Some(&run) => self.run(step, run, coder),
            None => Ok(()),
        };
        let mut meet = meet;
        match coder.knows() {
            true => steps.iter().try_for_each(|step| meet(step, coder)),
            false => steps.iter().rev().try_for_each(|step| meet(step, coder)),
        }
    }

    fn run(&mut self, step: &Step, run: Run, coder: &mut dyn RunCoder) -> Result<()> {
        let offsets = &self.plan.offsets[step.offsets];
        self.tile.predict(&self.tile.context.linears[step.set], offsets, run);
        let (tile, pass, level) = (&mut self.tile, step.pass, self.plan.level(step));
        coder.run(CellRun { tile, run, pass, net: 0, offsets, level, around: Around::Prediction }, &mut self.all)
    }
}

impl Walk for Diffusion<'_> {
    fn analyse(&mut self, ints: &[i32]) -> i32 {
        let (scale, first) = (self.plan.scales[0], STRIP * self.plan.w);
        if has_ladder(self.plan.h) {
            self.levels = Levels::measured(&ints[first..], scale.h, scale.w, self.levels.per_octave);
            self.all[scale.ints..].iter_mut().zip(&ints[first..]).for_each(|(z, int)| *z = int + OFFSET);
        }
        0
    }

    fn open(&mut self, seed: i32) -> Result<()> {
        self.all[0] = seed;
        Ok(())
    }

    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        let n_rungs = if has_ladder(self.plan.h) { self.plan.scales.len() - 1 } else { 0 };
        match coder.knows() {
            true => (0..n_rungs).try_for_each(|t| self.rise(t, coder)),
            false => (0..n_rungs).rev().try_for_each(|t| self.descend(t, coder)),
        }
    }

    fn ints(&self, out: &mut [i32]) -> Result<()> {
        let max = self.tile.context.max - 2 * OFFSET;
        let (image, out) = (&self.all[self.plan.scales[0].ints..], &mut out[STRIP * self.plan.w..]);
        out.iter_mut().zip(image).for_each(|(int, z)| *int = z - OFFSET);
        match out.iter().all(|int| (0..=max).contains(int)) {
            true => Ok(()),
            false => Err(Error::corrupt(format!("an int outside of a plane of 0..={max}"))),
        }
    }

    fn framing(&self) -> Framing {
        self.tile.framing
    }
}
