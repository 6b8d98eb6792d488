//! One tile of family `vdm`: a ladder of ever coarser images with noise, and the bits that the noise is made of.
//!
//! ```text
//! encoder:  for each image z, fine to coarse, for each row of the next, z′:   e = pop · z′ = middle(z) + e
//!                                             and `reach` rows behind it:    push the ints of z, given z′
//! decoder:  the same in reverse:              pop the ints of z, given z′ · e = z′ − middle(z) · push e
//! ```
//!
//! kind u8, 0: a classic code of the tile      1: bytes of the strip's classic code, the levels of noise as one lane, the stack
//!
//! The stack begins with the strip's code. The last image is one int, in 23 plain bits.

use crate::entropy::adaptive::{Chance, Code, Symbols, magnitude, take_lane};
use crate::entropy::bits_back::Stack;
use crate::error::{Error, Result};
use crate::kernel::fast::room;
use crate::kernel::log2::log2;
use crate::kernel::rans::Symbol;
use crate::kernel::table::{Choice, FAR, N_SYMBOLS, PRECISION, STEPS, interval, is_end, tables};
use crate::kernel::table_symbol::{Length, Rest};
use crate::kernel::{MAX_INT, ONE, PlaneStats, address};
use crate::model::Plan;
use crate::model::plan::{Run, Scale, Step};
use crate::model::vdm::{Levels, MAX_LEVEL, OFFSET, Random, STRIP, has_ladder, largest, middles, reach};
use crate::tile::classic;
use crate::tile::stream::{Framing, PlaneContext};
use crate::tile::walk::{Around, CellRun, RunCoder, Tile, Walk};
use crate::wire::{put_varint, take_u8, take_varint};

const PLAIN: u8 = 0;
const LADDER: u8 = 1;
/// Bits of the last image.
const LOG2_SEEDS: u32 = 23;

pub struct Diffusion<'a> {
    tile: Tile<'a>,
    plan: &'a Plan,
    levels: Levels,
    /// Of all images, as the plan counts them, `OFFSET` above themselves.
    all: Vec<i32>,
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
        let levels = Levels::unknown(plan.scales[0].h, plan.scales[0].w);
        Diffusion { tile, plan, levels, all: vec![0; plan.n_ints()], random: Random::default(), reach, margin }
    }

    /// The steps of image t, one for each phase of its ints, and the next image.
    fn rung(&self, t: usize) -> (&'a [Step], Scale) {
        let steps = &self.plan.steps;
        let first = steps.iter().position(|step| step.level == t as i32).expect("every image has steps");
        let n = steps[first..].iter().take_while(|step| step.level == t as i32).count();
        (&steps[first..][..n], self.plan.scales[t + 1])
    }

    /// Adds noise, image by image, and asks for the symbols of each given the next.
    fn forward(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        for t in 0..self.plan.scales.len() - 1 {
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
        }
        Ok(())
    }

    /// The same backwards.
    fn reverse(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        for t in (0..self.plan.scales.len() - 1).rev() {
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
        }
        Ok(())
    }

    /// Row y of the image after t, from image t and noise.
    fn borrow(&mut self, t: usize, y: usize, coder: &mut dyn RunCoder) {
        let (fine, next) = (self.plan.scales[t], self.plan.scales[t + 1]);
        let mut row = std::mem::take(&mut self.tile.space.known);
        middles(&self.all[fine.ints..][..fine.h * fine.w], (fine.h, fine.w), y, &mut row);
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
        middles(&self.all[fine.ints..][..fine.h * fine.w], (fine.h, fine.w), y, &mut row);
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
            self.levels = Levels::measured(&ints[first..], scale.h, scale.w);
            self.all[scale.ints..].iter_mut().zip(&ints[first..]).for_each(|(z, int)| *z = int + OFFSET);
        }
        0
    }

    fn open(&mut self, seed: i32) -> Result<()> {
        self.all[0] = seed;
        Ok(())
    }

    fn walk(&mut self, coder: &mut dyn RunCoder) -> Result<()> {
        match (has_ladder(self.plan.h), coder.knows()) {
            (false, _) => Ok(()),
            (true, true) => self.forward(coder),
            (true, false) => self.reverse(coder),
        }
    }

    fn ints(&self, out: &mut [i32]) -> Result<()> {
        let max = self.tile.context.max - 2 * OFFSET;
        let image = &self.all[self.plan.scales[0].ints..];
        for (int, z) in out[STRIP * self.plan.w..].iter_mut().zip(image) {
            *int = z - OFFSET;
        }
        match out.iter().all(|int| (0..=max).contains(int)) {
            true => Ok(()),
            false => Err(Error::corrupt(format!("an int outside of a plane of 0..={max}"))),
        }
    }

    fn framing(&self) -> Framing {
        self.tile.framing
    }
}

/// Pushes symbols, and pops noise.
struct Push {
    stack: Stack,
    ints: Vec<i32>,
    intervals: Vec<i32>,
    rests: Vec<i32>,
}

impl RunCoder for Push {
    fn knows(&self) -> bool {
        true
    }

    fn stack(&mut self) -> Option<&mut Stack> {
        Some(&mut self.stack)
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let (run, choices) = (cells.run, &cells.tile.space.choices);
        self.ints.iter_mut().zip(run.indices()).for_each(|(int, index)| *int = symbols[index]);
        let Push { stack, ints, intervals, rests } = self;
        cells.tile.context.kernels.tell(run.n as usize, choices, ints, intervals, rests);
        for i in (0..run.n as usize).rev() {
            let symbol = Symbol::new(intervals[i], rests[i]);
            stack.push_plain(symbol.plain(), symbol.n_plain());
            if symbol.is_beyond() {
                push_beyond(stack, Choice(choices.choice[i]), choices.middle[i], ints[i]);
            }
            stack.push(symbol.start(), symbol.width());
        }
        Ok(())
    }
}

#[cold]
fn push_beyond(stack: &mut Stack, choice: Choice, middle: i32, int: i32) {
    let rest = Rest::of(choice, middle, choice.symbol(middle, int), int);
    let far = rest.beyond.expect("the symbol says so");
    let Length(length) = Length::of(far);
    stack.push_plain(far + 1 - (1 << length), length);
    if length >= Length::LONG {
        stack.push_plain(length - Length::LONG, Length::LONG_BITS);
    }
    stack.push_plain(length.min(Length::LONG), Length::SHORT_BITS);
}

/// Pops symbols, and pushes noise.
struct Pop {
    stack: Stack,
}

impl RunCoder for Pop {
    fn knows(&self) -> bool {
        false
    }

    fn stack(&mut self) -> Option<&mut Stack> {
        Some(&mut self.stack)
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let (run, choices, max) = (cells.run, &cells.tile.space.choices, cells.tile.context.max);
        for (i, index) in run.indices().enumerate() {
            symbols[index] = self.int(Choice(choices.choice[i]), choices.middle[i], max)?;
        }
        match self.stack.is_exhausted() {
            true => Err(Error::corrupt("a stack of bits ends too early")),
            false => Ok(()),
        }
    }
}

impl Pop {
    #[inline(always)]
    fn int(&mut self, choice: Choice, middle: i32, max: i32) -> Result<i32> {
        let (table, (first, last)) = (&tables()[choice.number() * N_SYMBOLS..][..N_SYMBOLS], choice.ends());
        let quantile = self.stack.quantile();
        let j = (table.partition_point(|&c| u32::from(c) <= quantile) - 1).clamp(first, last);
        let (start, width) = interval(choice, j);
        self.stack.pop(start, width);
        let (mut d, mut n_plain) = (STEPS[j].0, STEPS[j].1 + choice.shift());
        if is_end(j) {
            let beyond = self.beyond();
            d = if j == 0 { -FAR - 1 - beyond } else { FAR + beyond };
            n_plain = choice.shift();
        }
        let step = i64::from(middle) + i64::from(d);
        let int = (step << choice.shift()) + i64::from(self.stack.pop_plain(n_plain));
        match (0..=i64::from(max)).contains(&int) {
            true => Ok(int as i32),
            false => Err(Error::corrupt(format!("int {int} in an image of 0..={max}"))),
        }
    }

    #[cold]
    fn beyond(&mut self) -> i32 {
        let mut length = self.stack.pop_plain(Length::SHORT_BITS);
        if length == Length::LONG {
            length = (length + self.stack.pop_plain(Length::LONG_BITS)).min(24);
        }
        ((1 << length | self.stack.pop_plain(length)) - 1) as i32
    }
}

/// The levels of noise, each as it differs from what those to its left and above foresee.
fn walk_levels<C: Code>(code: &mut C, levels: &mut Levels) -> Result<()> {
    let mut same = [Chance::new(1, 1); 2];
    let mut below = Chance::new(1, 1);
    let mut sizes = [Chance::new(1, 1); 20];
    for i in 0..levels.levels.len() {
        let at = |i: usize| i32::from(levels.levels[i]);
        let columns = levels.columns;
        let (foreseen, alike) = match (i % columns, i / columns) {
            (0, 0) => (MAX_LEVEL / 4, false),
            (_, 0) => (at(i - 1), true),
            (0, _) => (at(i - columns), true),
            _ => ((at(i - 1) + at(i - columns)) / 2, at(i - 1) == at(i - columns)),
        };
        let d = at(i) - foreseen;
        let mut level = foreseen;
        if !same[usize::from(alike)].bit(code, d == 0)? {
            let is_below = below.bit(code, d < 0)?;
            let size = magnitude(code, &mut sizes, d.abs().max(1))?;
            level += if is_below { -size } else { size };
        }
        if !(0..=MAX_LEVEL).contains(&level) {
            return Err(Error::corrupt(format!("noise of level {level}")));
        }
        levels.levels[i] = level as u8;
    }
    Ok(())
}

/// The payload of a tile.
pub fn encode(context: PlaneContext, plan: &Plan, ints: &[i32]) -> Vec<u8> {
    let (h, w, max) = (plan.h, plan.w, context.max);
    if !has_ladder(h) || largest(max) > MAX_INT {
        let mut payload = vec![PLAIN];
        payload.extend(classic::encode(ints, h, w, max as u32));
        return payload;
    }
    let strip = classic::encode(&ints[..STRIP * w], STRIP, w, max as u32);
    let mut walk = Diffusion::new(context, plan);
    walk.analyse(ints);
    let of_run = || vec![0; room(plan.longest())];
    let mut push = Push { stack: Stack::over(&strip), ints: of_run(), intervals: of_run(), rests: of_run() };
    walk.walk(&mut push).expect("an encoder knows what comes");
    push.stack.push_plain(walk.all[0] as u32, LOG2_SEEDS);
    let mut payload = vec![LADDER];
    put_varint(&mut payload, strip.len() as u64);
    let mut levels = Symbols::default();
    walk_levels(&mut levels, &mut walk.levels).expect("what is known is not read");
    levels.finish(&mut payload);
    push.stack.finish(&mut payload);
    payload
}

/// The ints of a payload.
pub fn decode(context: PlaneContext, plan: &Plan, mut payload: &[u8], ints: &mut [i32]) -> Result<()> {
    let (h, w, max) = (plan.h, plan.w, context.max);
    match take_u8(&mut payload)? {
        PLAIN => return classic::decode(payload, h, w, max as u32, ints),
        LADDER if has_ladder(h) && largest(max) <= MAX_INT => {}
        LADDER => return Err(Error::corrupt("a ladder where there is none")),
        other => return Err(Error::unsupported(format!("a tile of kind {other} is not known to this version"))),
    }
    let strip_bytes = usize::try_from(take_varint(&mut payload)?).unwrap_or(usize::MAX);
    let mut walk = Diffusion::new(context, plan);
    let mut lane = take_lane(&mut payload)?;
    walk_levels(&mut lane, &mut walk.levels)?;
    lane.finish()?;
    let mut pop = Pop { stack: Stack::open(payload)? };
    let seed = pop.stack.pop_plain(LOG2_SEEDS) as i32;
    if seed > walk.tile.context.max {
        return Err(Error::corrupt(format!("a last image of {seed}")));
    }
    walk.open(seed)?;
    walk.walk(&mut pop)?;
    walk.ints(ints)?;
    drop(walk);
    let strip = pop.stack.close(strip_bytes)?;
    classic::decode(&strip, STRIP, w, max as u32, &mut ints[..STRIP * w])
}
