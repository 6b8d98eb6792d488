//! I₍s₊₁₎(Y, X) = step of the mean of I_s(2Y..2Y + 2, 2X..2X + 2)          I₀ = the tile, I_n = one int, the seed
//!
//! Scales from coarse to fine, each coded at once from the scale above: first F₍s₊₁₎, one feature per 2 × 2 ints of I_s that an
//! encoder's net makes of them, then the ints of I_s themselves. The ints of a tile are followed down all scales by one array:
//! I_n, then F₍s₊₁₎ and I_s for s = n − 1 … 0, so that the tile is its end.
//!
//! Scale s has six arrays in the arena, alike in size: the means I₍s₊₁₎, the features F₍s₊₁₎, and I_s by phase (y & 1, x & 1). A
//! place beyond the means or the features shows the nearest.

use super::plan::{Plan, Run, Scale, Step};
use crate::kernel::log2::log2;
use crate::kernel::quantise::{centre, coarse};
use crate::kernel::{ONE, Offsets, PlaneStats};
use crate::net::{Net, Pass, Tap};

/// log2 of the largest step.
pub const MAX_LOG2_STEP: u32 = 15;
/// The scales above this share their predictors.
pub const N_SETS: usize = 3;
/// The usual step is 1.4 σ, in 1/256 octaves of four times the sum of four distances, 11 σ; with the half that rounds.
const USUAL: i32 = -635;
/// Blocks that say how far ints lie from their mean.
const MAX_BLOCKS: usize = 4096;

/// log2 of the step of the means of a plane, scale 1. Means of means are quieter by half, and so are their steps; a tile's own ints
/// have a step of 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps(u32);

impl Steps {
    /// What a plane's head says: its usual residual is the step of its means.
    pub fn of(stats: PlaneStats) -> Steps {
        Steps((stats.spread / ONE).max(1).ilog2().min(MAX_LOG2_STEP))
    }

    /// The usual residual that says so.
    pub fn residual(self) -> i32 {
        ONE << self.0
    }

    /// Twice as wide, or half as.
    pub fn wider(self, octaves: i32) -> Steps {
        Steps(self.0.saturating_add_signed(octaves).min(MAX_LOG2_STEP))
    }

    pub fn of_scale(self, scale: usize) -> u32 {
        if scale == 0 { 0 } else { self.0.saturating_sub(scale as u32 - 1) }
    }

    /// One to two times the noise of these tiles of `w` columns: ints that are coded apart from each other, given their mean, say
    /// it once more in as many bits as it is finer than that.
    pub fn measured<'a>(tiles: impl Iterator<Item = (&'a [i32], usize)>) -> Steps {
        let mut far: Vec<u32> = tiles.flat_map(|(ints, w)| distances(ints, w)).collect();
        if far.is_empty() {
            return Steps(0);
        }
        let middle = far.len() / 2;
        let median = *far.select_nth_unstable(middle).1;
        let octaves = log2(median.min(1 << 24) as i32 + 1) + USUAL;
        Steps((octaves >> 8).clamp(0, MAX_LOG2_STEP as i32) as u32)
    }
}

/// Of some blocks of a tile four times the sum of four distances from their mean: of normal noise σ about 11 σ.
fn distances(ints: &[i32], w: usize) -> Vec<u32> {
    let (rows, columns) = (ints.len() / w / 2, w / 2);
    let n = rows * columns;
    let far = (0..n).step_by(n.div_ceil(MAX_BLOCKS).max(1)).map(|i| {
        let first = 2 * (i / columns) * w + 2 * (i % columns);
        let four = [0, 1, w, w + 1].map(|o| ints[first + o]);
        let sum: i32 = four.iter().sum();
        four.iter().map(|int| (4 * int - sum).unsigned_abs()).sum()
    });
    far.collect()
}

/// From the tile, scale 0, to the seed: so many scales of each size.
pub fn scales(h: usize, w: usize, per_octave: usize) -> Vec<Scale> {
    let n = h.max(w).next_power_of_two().trailing_zeros() as usize * per_octave;
    let (mut at, mut n_above, mut scales) = (0, 0, Vec::new());
    for octave in (0..=n).rev().map(|s| s / per_octave) {
        let (h, w) = (h.div_ceil(1 << octave), w.div_ceil(1 << octave));
        at += n_above; // the features of the scale above
        n_above = h * w;
        scales.push(Scale { h, w, ints: at, features: at + n_above, encoder: usize::MAX });
        at += n_above;
    }
    scales.reverse();
    scales
}

/// All scales of a tile whose plan this is, features 0.
pub fn pyramid(plan: &Plan, tile: &[i32], max: i32, steps: Steps) -> Vec<i32> {
    let mut all = vec![0; plan.n_ints()];
    all[plan.scales[0].ints..].copy_from_slice(tile);
    for s in 1..plan.scales.len() {
        let (fine, scale) = (&plan.scales[s - 1], &plan.scales[s]);
        let (before, ints) = all.split_at_mut(fine.ints);
        let ints = &ints[..fine.h * fine.w];
        let log2_step = steps.of_scale(s);
        for (i, mean) in before[scale.ints..][..scale.h * scale.w].iter_mut().enumerate() {
            let (sum, log2_n) = block(ints, fine.h, fine.w, (i / scale.w, i % scale.w));
            *mean = centre((sum + ((1 << log2_n) >> 1)) >> log2_n >> log2_step, log2_step, max);
        }
    }
    all
}

/// The sum of the ints of a block, and log2 of their number.
fn block(ints: &[i32], h: usize, w: usize, (y, x): (usize, usize)) -> (i32, u32) {
    let rows = 2 * y..h.min(2 * y + 2);
    let columns = 2 * x..w.min(2 * x + 2);
    let n = rows.len() * columns.len();
    let sum = rows.map(|y| ints[y * w..][columns.clone()].iter().sum::<i32>()).sum();
    (sum, n.trailing_zeros())
}

/// The arrays of one scale in the arena.
struct Arrays {
    base: usize,
    rows: usize,
    pitch: usize,
    margin: usize,
    /// How much lower and narrower the means are than the ints: 2, or 1.
    factor: usize,
}

/// Which array: the means, the features, and behind them the four phases.
const MEANS: usize = 0;
const FEATURES: usize = 1;
const PHASES: usize = 2;
const N_ARRAYS: usize = 6;

impl Arrays {
    fn at(&self, array: usize, row: usize, column: usize) -> usize {
        self.base + (array * self.rows + row + self.margin) * self.pitch + column + self.margin
    }

    /// From a cell of one array to a place (dy, dx) away in another.
    fn offset(&self, from: usize, to: usize, (dy, dx): Tap) -> i32 {
        self.at(to, 0, 0) as i32 - self.at(from, 0, 0) as i32 + dy * self.pitch as i32 + dx
    }

    fn n_cells(&self) -> usize {
        N_ARRAYS * self.rows * self.pitch
    }

    /// Every place of an array that shows an image of `h` × `w`, and the int (y, x) that stands there.
    fn spread(&self, array: usize, (h, w): (usize, usize), put: &mut dyn FnMut((usize, usize), u32)) {
        let m = self.margin as isize;
        for row in -m..h as isize + m {
            for column in -m..w as isize + m {
                let (y, x) = (row.clamp(0, h as isize - 1) as usize, column.clamp(0, w as isize - 1) as usize);
                let cell = self.at(array, 0, 0) as isize + row * self.pitch as isize + column;
                put((y, x), cell as u32);
            }
        }
    }
}

/// Where the nets of the three passes look.
pub struct PassTaps<'a> {
    pub encoder: &'a [Tap],
    pub feature: &'a [Tap],
    pub finer: &'a [Tap],
    pub n_hints: usize,
}

impl<'a> PassTaps<'a> {
    pub fn of(net: impl Fn(Pass) -> &'a Net) -> PassTaps<'a> {
        let finer = net(Pass::Finer);
        PassTaps {
            encoder: &net(Pass::Encoder).taps,
            feature: &net(Pass::Feature).taps,
            finer: &finer.taps,
            n_hints: finer.n_hints,
        }
    }
}

/// The plan of both encoder and decoder.
pub fn plan(pass_taps: &PassTaps, (h, w): (usize, usize), mut scales: Vec<Scale>) -> Plan {
    let all = pass_taps.encoder.iter().chain(pass_taps.feature).chain(pass_taps.finer);
    let margin = margin(all);
    let mut plan = Plan {
        h,
        w,
        n_arena: 0,
        offsets: vec![],
        steps: vec![],
        order: vec![],
        mirror: vec![],
        scales: vec![],
        lifts: vec![],
    };
    // of the scale above its arrays and the step of each phase: where the means come from
    let mut above: Option<(Arrays, [Option<usize>; 4])> = None;
    for s in (0..scales.len() - 1).rev() {
        let (coarse, fine) = (scales[s + 1], scales[s]);
        let factor = if (coarse.h, coarse.w) == (fine.h, fine.w) { 1 } else { 2 };
        let (rows, pitch) = (coarse.h + 2 * margin, coarse.w + 2 * margin);
        let arrays = Arrays { base: plan.n_arena, rows, pitch, margin, factor };
        plan.n_arena += arrays.n_cells();
        if let Some((above, steps)) = &above {
            arrays.spread(MEANS, (coarse.h, coarse.w), &mut |(y, x), cell| {
                let phase = 2 * (y % above.factor) + x % above.factor;
                let step = steps[phase].expect("an int was coded in some step");
                let home = above.at(PHASES + phase, y / above.factor, x / above.factor);
                plan.steps[step].copies.push((home as u32, cell));
            });
        }
        if !pass_taps.feature.is_empty() {
            scales[s].encoder = plan.offsets.len();
            plan.offsets.push(encoder_offsets(&arrays, pass_taps.encoder));
            plan.steps.push(feature_step(&mut plan.offsets, &arrays, pass_taps.feature, s, &coarse));
        }
        let mut of_phase = [None; 4];
        for phase in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            if let Some(step) = finer_step(&mut plan.offsets, &arrays, pass_taps, s, &fine, phase) {
                of_phase[2 * phase.0 + phase.1] = Some(plan.steps.len());
                plan.steps.push(step);
            }
        }
        above = Some((arrays, of_phase));
    }
    plan.order = plan.steps.iter().flat_map(|step| step.runs.clone()).collect();
    plan.scales = scales;
    plan.with_slack()
}

/// Cells around an array: where nets look, and one more.
pub(super) fn margin<'a>(taps: impl Iterator<Item = &'a Tap>) -> usize {
    taps.map(|t| t.0.abs().max(t.1.abs())).max().unwrap_or(0) as usize + 1
}

fn encoder_offsets(arrays: &Arrays, taps: &[Tap]) -> Offsets {
    let offset = |&(dy, dx): &Tap| {
        let phase = PHASES + 2 * (dy & 1) as usize + (dx & 1) as usize;
        arrays.offset(FEATURES, phase, (dy >> 1, dx >> 1))
    };
    Offsets { taps: taps.iter().map(offset).collect(), ref_taps: vec![0], ..Offsets::default() }
}

fn feature_step(offsets: &mut Vec<Offsets>, arrays: &Arrays, taps: &[Tap], s: usize, coarse: &Scale) -> Step {
    let run = |row: usize| Run {
        at: arrays.at(FEATURES, row, 0) as u32,
        n: coarse.w as u32,
        first: (coarse.features + row * coarse.w) as u32,
        step: 1,
    };
    let mut copies = Vec::new();
    arrays.spread(FEATURES, (coarse.h, coarse.w), &mut |(y, x), cell| {
        let home = arrays.at(FEATURES, y, x) as u32;
        if home != cell {
            copies.push((home, cell));
        }
    });
    let taps = taps.iter().map(|&tap| arrays.offset(FEATURES, MEANS, tap)).collect();
    offsets.push(Offsets { taps, ref_taps: vec![0], ..Offsets::default() });
    let (set, level) = (s.min(N_SETS - 1), s as i32);
    let runs = (0..coarse.h).map(run).collect();
    Step { pass: Pass::Feature, level, set, runs, copies, offsets: offsets.len() - 1 }
}

/// One phase; taps are mirrored so that the int stands in the upper left corner of its block.
fn finer_step(
    offsets: &mut Vec<Offsets>,
    arrays: &Arrays,
    pass_taps: &PassTaps,
    s: usize,
    fine: &Scale,
    (py, px): (usize, usize),
) -> Option<Step> {
    let factor = arrays.factor;
    if py.max(px) >= factor {
        return None;
    }
    let (rows, columns) = ((fine.h - py).div_ceil(factor), (fine.w - px).div_ceil(factor));
    if rows == 0 || columns == 0 {
        return None;
    }
    let phase = PHASES + 2 * py + px;
    let run = |row: usize| Run {
        at: arrays.at(phase, row, 0) as u32,
        n: columns as u32,
        first: (fine.ints + (factor * row + py) * fine.w + px) as u32,
        step: factor as i32,
    };
    let turned = |&(dy, dx): &Tap| (if py == 1 { -dy } else { dy }, if px == 1 { -dx } else { dx });
    let see = |array: usize, n: usize| -> Vec<i32> {
        pass_taps.finer[..n].iter().map(|tap| arrays.offset(phase, array, turned(tap))).collect()
    };
    let (taps, hints) = (see(MEANS, pass_taps.finer.len()), see(FEATURES, pass_taps.n_hints));
    offsets.push(Offsets { taps, ref_taps: vec![0], hints, ..Offsets::default() });
    let (set, level) = (s.min(N_SETS - 1), s as i32);
    let runs = (0..rows).map(run).collect();
    Some(Step { pass: Pass::Finer, level, set, runs, copies: Vec::new(), offsets: offsets.len() - 1 })
}

/// The symbol of an int of a step.
pub fn symbol(steps: Steps, step: &Step, int: i32) -> i32 {
    match step.pass {
        Pass::Feature => int,
        _ => coarse(int, steps.of_scale(step.level as usize)),
    }
}

/// The largest symbol of a step.
pub fn last_symbol(steps: Steps, step: &Step, max: i32) -> i32 {
    match step.pass {
        Pass::Feature => crate::kernel::quantise::MAX_FEATURE.min(max),
        _ => coarse(max, steps.of_scale(step.level as usize)),
    }
}

/// The int of a symbol.
pub fn int(steps: Steps, step: &Step, symbol: i32, max: i32) -> i32 {
    match step.pass {
        Pass::Feature => symbol,
        _ => centre(symbol, steps.of_scale(step.level as usize), max),
    }
}

#[cfg(test)]
mod tests;
