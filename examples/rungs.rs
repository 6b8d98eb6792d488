//! What rungs of a vdm's ladder are worth: bits per sample that the model says of a ladder of T rungs, what is really coded, how fast
//!
//! ```sh
//! cargo run --release --example rungs -- weights/vdm-default-1.safetensors 1 a.fits.clps b.fits.clps
//! ```
//!
//! Files are those of `compress --model vdm-default`; tiles of classic modes are left out. Predictors are fitted anew, by the weights'
//! net with so many rungs to each size of image, of which files have one. A ladder that ends early has its last image told int by
//! int, by the one table that suits it best. All bytes count: tiles and predictors.

use collapsar::internals::Result;
use collapsar::internals::array::Dtype;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::entropy::adaptive::{Symbols, take_lane};
use collapsar::internals::entropy::bits_back::Stack;
use collapsar::internals::fit::{Sample, fit};
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::kernel::table::{Choice, FIRST_PLACE, LOG2_PLACES, MAX_TAIL, N_SKEWS};
use collapsar::internals::kernel::table_symbol::cost;
use collapsar::internals::model::plan::Scale;
use collapsar::internals::model::vdm::{STRIP, has_ladder, largest};
use collapsar::internals::model::{Family, Plan};
use collapsar::internals::tile::classic;
use collapsar::internals::tile::code::Mode;
use collapsar::internals::tile::diffusion::{Diffusion, Pop, Push, push_int, walk_levels};
use collapsar::internals::tile::runtime::Runtimes;
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::tile::walk::{CellRun, RunCoder, Walk};
use collapsar::internals::weights::load;
use std::time::Instant;

/// −256 · log2 of the probability of ints, less that of the noise of the next image.
#[derive(Default)]
struct Said(i64);

impl RunCoder for Said {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let choices = &cells.tile.space.choices;
        let costs = cells.run.indices().enumerate();
        self.0 += costs
            .map(|(i, at)| i64::from(cost(Choice(choices.choice[i]), choices.middle[i], symbols[at])))
            .sum::<i64>();
        Ok(())
    }

    fn borrowed(&mut self, cost: i64) {
        self.0 -= cost;
    }
}

/// The one table by which ints of the last image are told.
#[derive(Clone, Copy)]
struct Prior {
    choice: Choice,
    middle: i32,
}

impl Prior {
    /// Scales of half octaves; a location in the middle of a step, and no skew.
    fn of(level: i32, tail: i32, median: i32) -> Prior {
        let scale = 16 + 4 * level;
        let shift = ((scale >> 3) - 8).max(0);
        let scale = scale - 8 * shift - 16;
        let places = LOG2_PLACES[(scale >> 3) as usize];
        let place = FIRST_PLACE[(scale >> 3) as usize] + ((scale & 7) << places) + (1 << places >> 1);
        let number = (place * (MAX_TAIL + 1) + tail) * N_SKEWS + N_SKEWS / 2;
        Prior { choice: Choice(number as u32 | (shift as u32) << 15 | 63 << 25), middle: median >> shift }
    }

    fn cost(self, ints: &[i32]) -> i64 {
        ints.iter().map(|&int| i64::from(cost(self.choice, self.middle, int))).sum()
    }

    fn best(ints: &[i32]) -> Prior {
        let mut sorted = ints.to_vec();
        sorted.sort_unstable();
        let median = sorted[sorted.len() / 2];
        let best =
            |priors: Vec<Prior>| priors.into_iter().min_by_key(|prior| prior.cost(ints)).expect("there are some");
        let of_scale = |tail| best((0..=38).map(|level| Prior::of(level, tail, median)).collect());
        best((0..=MAX_TAIL).step_by(2).map(of_scale).collect())
    }
}

/// A ladder of a tile, up to an image.
struct Ladder<'a> {
    context: PlaneContext<'a>,
    plan: &'a Plan,
    n_rungs: usize,
}

impl Ladder<'_> {
    fn top(&self) -> Scale {
        self.plan.scales[self.n_rungs]
    }

    /// All images, as they are told to a coder.
    fn rise(&self, ints: &[i32], coder: &mut dyn RunCoder) -> Result<Diffusion<'_>> {
        let mut walk = Diffusion::new(self.context, self.plan);
        walk.analyse(ints);
        (0..self.n_rungs).try_for_each(|t| walk.rise(t, coder))?;
        Ok(walk)
    }

    /// Bits that the model says, of the rows below the strip.
    fn bits(&self, ints: &[i32]) -> Result<f64> {
        let mut said = Said::default();
        let walk = self.rise(ints, &mut said)?;
        let top = image(&walk.all, self.top());
        Ok((said.0 + Prior::best(top).cost(top)) as f64 / 256.0)
    }

    /// Of a tile its last image's table, levels and stack; bytes of the strip's code.
    fn encode(&self, ints: &[i32]) -> Result<(Prior, Vec<u8>, usize)> {
        let (w, max) = (self.plan.w, self.context.max as u32);
        let strip = classic::encode(&ints[..STRIP * w], STRIP, w, max);
        let mut push = Push::new(Stack::over(&strip), self.plan.longest());
        let mut walk = self.rise(ints, &mut push)?;
        let top = image(&walk.all, self.top());
        let prior = Prior::best(top);
        top.iter().rev().for_each(|&int| push_int(&mut push.stack, prior.choice, prior.middle, int));
        let (mut levels, mut payload) = (Symbols::default(), Vec::new());
        walk_levels(&mut levels, &mut walk.levels)?;
        levels.finish(&mut payload);
        push.stack.finish(&mut payload);
        Ok((prior, payload, strip.len()))
    }

    fn decode(&self, (prior, payload, n_strip): &(Prior, Vec<u8>, usize)) -> Result<Vec<i32>> {
        let (w, max, mut from) = (self.plan.w, self.context.max, &payload[..]);
        let mut walk = Diffusion::new(self.context, self.plan);
        let mut lane = take_lane(&mut from)?;
        walk_levels(&mut lane, &mut walk.levels)?;
        lane.finish()?;
        let (mut pop, top) = (Pop { stack: Stack::open(from)? }, self.top());
        for int in &mut walk.all[top.ints..][..top.h * top.w] {
            *int = pop.int(prior.choice, prior.middle, largest(max))?;
        }
        (0..self.n_rungs).rev().try_for_each(|t| walk.descend(t, &mut pop))?;
        let mut ints = vec![0; self.plan.h * w];
        walk.ints(&mut ints)?;
        classic::decode(&pop.stack.close(*n_strip)?, STRIP, w, max as u32, &mut ints[..STRIP * w])?;
        Ok(ints)
    }
}

fn image(all: &[i32], scale: Scale) -> &[i32] {
    &all[scale.ints..][..scale.h * scale.w]
}

/// What came of ladders of so many rungs.
#[derive(Clone, Copy, Default)]
struct Row {
    bits: f64,
    n_below: usize,
    n_bytes: usize,
    seconds: [f64; 2],
}

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let (weights, per_octave) = (args.next().expect("a weights file"), args.next().expect("rungs per size"));
    let mut model = load(&std::fs::read(weights)?)?;
    model.per_octave = per_octave.parse().expect("a number");
    let kernels = model.kernels(Level::detect());
    let rungs = if model.per_octave == 1 { vec![1, 2, 4, 8] } else { vec![8 * model.per_octave] };
    let mut rows = vec![Row::default(); rungs.len()];
    let (runtimes, mut n_samples, mut n_tiles) = (Runtimes::default(), 0, 0);
    for path in args {
        let file = std::fs::read(&path)?;
        let archive = Archive::open(&file, &[])?;
        for array in archive.arrays().filter(|array| array.head.ty.dtype != Dtype::U8) {
            let coder = array.head.tiles(array.head.coder.packed(&runtimes));
            let grid = array.head.grid();
            let bands = (0..grid.n_planes).flat_map(|p| (0..grid.n_bands()).map(move |b| (p, b)));
            let places: Vec<_> = bands.flat_map(|(p, b)| grid.band(p, b).collect::<Vec<_>>()).collect();
            let mut tiles = Vec::new();
            for (i, place) in places.iter().enumerate() {
                let code = archive.tile(array, place, array.first_block + i)?;
                let Some((_, context)) = coder.cells(place) else { continue };
                if code.mode == Mode::Network && context.model.family == Family::Vdm && has_ladder(place.h) {
                    let plan = model.plan_to_encode(place.h, place.w);
                    tiles.push((plan, coder.decode(&code, place, &[])?.ints, context.max));
                }
            }
            if tiles.is_empty() {
                continue;
            }
            let some = tiles.iter().step_by(tiles.len() / 8 + 1);
            let fitted = fit(&model, &some.map(|(plan, ints, _)| Sample { plan, ints, refs: &[] }).collect::<Vec<_>>());
            let n_predictors: usize = fitted.linears.iter().map(|linear| 2 * linear.own().len()).sum();
            for (row, n_rungs) in rows.iter_mut().zip(&rungs) {
                row.n_bytes += n_predictors;
                for (plan, ints, max) in &tiles {
                    let (linears, stats) = (&fitted.linears, fitted.stats);
                    let context = PlaneContext { model: &model, kernels: &kernels, linears, stats, max: *max };
                    let ladder = Ladder { context, plan, n_rungs: (plan.scales.len() - 1).min(*n_rungs) };
                    row.bits += ladder.bits(ints)?;
                    row.n_below += ints.len() - STRIP * plan.w;
                    let begin = Instant::now();
                    let code = ladder.encode(ints)?;
                    row.seconds[0] += begin.elapsed().as_secs_f64();
                    let begin = Instant::now();
                    let back = ladder.decode(&code)?;
                    row.seconds[1] += begin.elapsed().as_secs_f64();
                    assert!(back == *ints, "{path}: other ints");
                    // kind, bytes of the strip, and the table of the last image
                    row.n_bytes += code.1.len() + 3 + 8;
                }
            }
            n_tiles += tiles.len();
            n_samples += tiles.iter().map(|(_, ints, _)| ints.len()).sum::<usize>();
        }
    }
    println!("{n_tiles} tiles, {n_samples} samples; one thread; MB/s encoding, decoding");
    for (row, n_rungs) in rows.iter().zip(&rungs) {
        let (bound, real) = (row.bits / row.n_below as f64, 8.0 * row.n_bytes as f64 / n_samples as f64);
        let speed = row.seconds.map(|s| 2e-6 * n_samples as f64 / s);
        let gap = 100.0 * (real / bound - 1.0);
        println!("{n_rungs} rungs: {bound:.4} {real:.4} {gap:+.2} % {:.1} {:.1}", speed[0], speed[1]);
    }
    Ok(())
}
