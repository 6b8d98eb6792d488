//! z₀ = the tile      z₍t₊₁₎ = middle(z_t) + e      e ~ a logistic of the scale that the tile's noise has there
//!
//! A ladder of images, each half as high and wide as the one before it, down to one int. `middle` is the mean of the two middle ones
//! of 2 × 2 ints, which a hot pixel never enters; e is noise about as strong as that of one int. Each image is coded at once, given
//! the next. Noise makes that cheap: what z₍t₊₁₎ says of z_t is said once more by z_t, but for what the noise hides of it.
//! An encoder takes e out of the bits that are coded already, a decoder puts it back, so that it costs nothing: bits back.
//!
//! The first rows of a tile, the strip, are no part of the ladder: classic code of them is the first bits that noise is taken from.

use super::l3c::{self, PassTaps};
use super::plan::{Plan, Scale};
use crate::error::{Error, Result};
use crate::kernel::log2::log2;
use crate::kernel::table::{
    Choice, FIRST_PLACE, LOG2_PLACES, MAX_TAIL, N_SKEWS, N_SYMBOLS, STEPS, interval, symbol, tables,
};
use crate::net::{Head, Net, Tap};

/// Rows of a tile that are coded classic.
pub const STRIP: usize = 4;
/// Ints of the ladder stand so far above themselves: noise may go below 0.
pub const OFFSET: i32 = 1 << 17;
/// The noise is told of squares of so many ints.
pub const CELL: usize = 16;
/// The largest level of noise: a logistic of scale 2¹⁰. Levels are half octaves, the first is 1/16 int.
pub const MAX_LEVEL: i32 = 28;
/// Symbols that noise may have: its ends lie 50 steps from the middle.
const ENDS: (usize, usize) = (5, 58);
/// 4 σ of a logistic as strong as the noise, over the median of |a + d − b − c| of four ints with that noise, in 1/256 octave of 1/16.
const USUAL: i32 = 842;
/// Squares whose noise differs less from the tile's count as alike.
const ALIKE: i32 = 160;

/// Whether nets of these taps can be used.
pub fn check(net: &Net) -> Result<()> {
    let fits = net.head == Head::Table && net.n_residuals == 0 && net.n_hints == 0 && net.taps.first() == Some(&(0, 0));
    if fits { Ok(()) } else { Err(Error::corrupt("a vdm has a net whose ints are coded by tables, from means alone")) }
}

/// The plan of a tile: the steps of every image from the next, coarse to fine, of the rows below the strip.
pub fn plan(net: &Net, per_octave: usize, h: usize, w: usize) -> Plan {
    let taps = PassTaps { encoder: &[], feature: &[], finer: &net.taps, n_hints: 0 };
    let below = h.saturating_sub(STRIP).max(1);
    let mut plan = Plan { h, w, ..l3c::plan(&taps, (below, w), l3c::scales(below, w, per_octave)) };
    for step in &mut plan.steps {
        let t = step.level as usize;
        let last = n_sets(per_octave) - per_octave;
        step.set = (t - t % per_octave).min(last) + t % per_octave;
    }
    plan
}

/// Predictors of a plane: those of three sizes of image, of two where there are many; coarser ones have the last's.
pub fn n_sets(per_octave: usize) -> usize {
    per_octave * l3c::N_SETS.min(8 / per_octave)
}

/// Whether a tile has a ladder.
pub fn has_ladder(h: usize) -> bool {
    h >= 4 * STRIP
}

/// How far nets look, and the margin of arrays in the arena.
pub fn reach(taps: &[Tap]) -> (usize, usize) {
    let margin = l3c::margin(taps.iter());
    (margin - 1, margin)
}

/// How strong the noise is in each square of the ladder's first image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Levels {
    pub columns: usize,
    pub levels: Vec<u8>,
    /// Rungs that share the noise of a size of image.
    pub per_octave: usize,
}

impl Levels {
    /// Of an image that is to be told.
    pub fn unknown(h: usize, w: usize, per_octave: usize) -> Levels {
        let columns = w.div_ceil(CELL);
        Levels { columns, levels: vec![0; columns * h.div_ceil(CELL)], per_octave }
    }

    /// Of an image that is known: by the median of what 2 × 2 ints differ by beyond slopes. Squares that are about as usual are told
    /// to be so, since a median of few is not sharp.
    pub fn measured(ints: &[i32], h: usize, w: usize, per_octave: usize) -> Levels {
        let mut all = Levels::unknown(h, w, per_octave);
        let octaves: Vec<i32> = (0..all.levels.len()).map(|i| octaves(ints, (h, w), all.columns, i)).collect();
        let mut sorted = octaves.clone();
        let middle = sorted.len() / 2;
        let usual = *sorted.select_nth_unstable(middle).1;
        for (level, octaves) in all.levels.iter_mut().zip(octaves) {
            let octaves = if (octaves - usual).abs() <= ALIKE { usual } else { octaves };
            *level = ((octaves + 64) >> 7).clamp(0, MAX_LEVEL) as u8;
        }
        all
    }

    /// Of place x of row y of image t.
    pub fn at(&self, t: usize, y: usize, x: usize) -> Noise {
        let octave = t / self.per_octave;
        let level = self.levels[((y << octave) / CELL) * self.columns + (x << octave) / CELL];
        Noise(level.saturating_sub(self.per_octave.ilog2() as u8))
    }
}

/// How strong the noise is in square i, in 1/256 octave above the first level.
fn octaves(ints: &[i32], (h, w): (usize, usize), columns: usize, i: usize) -> i32 {
    let (y, x) = (i / columns * CELL, i % columns * CELL);
    let rows = (y..h.min(y + CELL).saturating_sub(1)).step_by(2);
    let firsts = rows.flat_map(|y| (x..w.min(x + CELL).saturating_sub(1)).step_by(2).map(move |x| y * w + x));
    let difference = |i: usize| (ints[i] + ints[i + w + 1] - ints[i + 1] - ints[i + w]).abs();
    let mut differences: Vec<i32> = firsts.map(difference).collect();
    if differences.is_empty() {
        return 0;
    }
    let middle = differences.len() / 2;
    let median = *differences.select_nth_unstable(middle).1;
    log2((64 * median.min(1 << 22)).max(10)) - USUAL
}

/// Noise of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noise(pub u8);

/// How an e is told: an interval, and plain bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub start: u32,
    pub width: u32,
    pub n_plain: u32,
    pub plain: u32,
}

impl Noise {
    /// Eighths of an octave, as tables count them.
    fn scale(self) -> i32 {
        16 + 4 * i32::from(self.0)
    }

    fn shift(self) -> u32 {
        ((self.scale() >> 3) - 8).max(0) as u32
    }

    /// A table without tail and skew whose location is the middle of an int, and that ends.
    fn choice(self) -> Choice {
        let scale = self.scale() - 8 * self.shift() as i32 - 16;
        let places = LOG2_PLACES[(scale >> 3) as usize];
        let place = FIRST_PLACE[(scale >> 3) as usize] + ((scale & 7) << places) + (1 << places >> 1);
        let number = place * (MAX_TAIL + 1) * N_SKEWS + N_SKEWS / 2;
        Choice((number as u32) | self.shift() << 15 | (ENDS.0 as u32) << 19 | (ENDS.1 as u32) << 25)
    }

    /// σ in 1/64 int, a multiple of two.
    pub fn residual(self) -> i32 {
        let eighths = [4096, 5793][usize::from(self.0 & 1)];
        (eighths << (self.scale() >> 3)) >> 12
    }

    fn half(self) -> i32 {
        1 << self.shift() >> 1
    }

    /// What a quantile of 2¹⁶ begins: e but for its plain bits.
    pub fn begin(self, quantile: u32) -> (i32, Told) {
        let choice = self.choice();
        let table = &tables()[choice.number() * N_SYMBOLS..][..N_SYMBOLS];
        let j = (table.partition_point(|&c| u32::from(c) <= quantile) - 1).clamp(ENDS.0, ENDS.1);
        let (start, width) = interval(choice, j);
        let e = (STEPS[j].0 << self.shift()) - self.half();
        (e, Told { start, width, n_plain: STEPS[j].1 + self.shift(), plain: 0 })
    }

    /// How an e is told; None of one that cannot be.
    pub fn tell(self, e: i32) -> Option<Told> {
        let (choice, t) = (self.choice(), e.checked_add(self.half())?);
        let j = symbol((t >> self.shift()).clamp(-FARTHEST, FARTHEST)) as usize;
        let (start, width) = interval(choice, j.clamp(ENDS.0, ENDS.1));
        let (n_plain, plain) = (STEPS[j].1 + self.shift(), (t - (STEPS[j].0 << self.shift())) as u32);
        (ENDS.0..=ENDS.1).contains(&j).then_some(Told { start, width, n_plain, plain })
    }
}

/// Steps from the middle where no noise is.
const FARTHEST: i32 = 100;

/// The middles of row y of an image, from the one before it.
pub fn middles(all: &[i32], (from, to): (Scale, Scale), y: usize, out: &mut Vec<i32>) {
    let (h, w, fine) = (from.h, from.w, &all[from.ints..]);
    if (to.h, to.w) == (h, w) {
        out.clear();
        return out.extend_from_slice(&fine[y * w..][..w]);
    }
    let rows = 2 * y..h.min(2 * y + 2);
    out.clear();
    for x in (0..w).step_by(2) {
        let mut four = [0; 4];
        let mut n = 0;
        for row in rows.clone() {
            for &v in &fine[row * w + x..row * w + w.min(x + 2)] {
                four[n] = v;
                n += 1;
            }
        }
        let [a, b] = match n {
            1 => [four[0]; 2],
            2 => [four[0], four[1]],
            _ => {
                let [a, b, c, d] = four;
                let ((low, high), (lower, higher)) = ((a.min(b), a.max(b)), (c.min(d), c.max(d)));
                [low.max(lower), high.min(higher)]
            }
        };
        out.push((a + b + 1) >> 1);
    }
}

/// The largest int of a plane's ladder.
pub fn largest(max: i32) -> i32 {
    max + 2 * OFFSET
}

/// All images of a tile, with noise that nobody gives back: what an encoder fits to. As the plan's runs count them.
pub fn ladder(plan: &Plan, per_octave: usize, tile: &[i32]) -> Vec<i32> {
    let mut all = vec![OFFSET; plan.n_ints()];
    if !has_ladder(plan.h) {
        return all;
    }
    let image = &tile[STRIP * plan.w..];
    let scales = &plan.scales;
    let levels = Levels::measured(image, scales[0].h, scales[0].w, per_octave);
    all[scales[0].ints..].iter_mut().zip(image).for_each(|(z, int)| *z = int + OFFSET);
    let (mut row, mut random) = (Vec::new(), Random::default());
    for t in 1..scales.len() {
        let scale = &scales[t];
        for y in 0..scale.h {
            middles(&all, (scales[t - 1], *scale), y, &mut row);
            for (x, z) in row.iter_mut().enumerate() {
                *z += random.noise(levels.at(t, y, x));
            }
            all[scale.ints + y * scale.w..][..scale.w].copy_from_slice(&row);
        }
    }
    all
}

/// Noise where there is nothing to take it from.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Default for Random {
    fn default() -> Random {
        Random(0x9e37_79b9_7f4a_7c15)
    }
}

impl Random {
    pub fn bits(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 32) as u32).checked_shr(32 - n).unwrap_or(0)
    }

    pub fn noise(&mut self, noise: Noise) -> i32 {
        let (e, told) = noise.begin(self.bits(16));
        e + self.bits(told.n_plain) as i32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_told_as_it_was_begun() {
        for level in 0..=MAX_LEVEL as u8 {
            let noise = Noise(level);
            let mut reach = 0;
            for quantile in (0..1 << 16).step_by(7) {
                let (first, begun) = noise.begin(quantile);
                for plain in [0, (1 << begun.n_plain) - 1] {
                    let e = first + plain as i32;
                    assert_eq!(noise.tell(e), Some(Told { plain, ..begun }), "{e} at level {level}");
                    reach = reach.max(e.abs());
                }
            }
            assert!(9 * reach < OFFSET, "{reach} at level {level}");
            assert_eq!((noise.tell(reach + 1), noise.tell(i32::MAX), noise.tell(i32::MIN)), (None, None, None));
        }
    }

    #[test]
    fn noise_has_no_side_and_the_strength_of_its_level() {
        for level in [8, 15, 28] {
            let (noise, mut random) = (Noise(level), Random::default());
            let all: Vec<i64> = (0..40_000).map(|_| i64::from(random.noise(noise))).collect();
            let (sum, far) = (all.iter().sum::<i64>(), all.iter().map(|e| e.abs()).sum::<i64>());
            // Σ|e| of a logistic of scale σ is 2 ln 2 σ
            let expected = 40_000 * 1386 * i64::from(noise.residual()) / 64_000;
            // where steps are of several ints their middle lies half an int below
            let sum = if noise.shift() > 0 { sum + 20_000 } else { sum };
            assert!(sum.abs() * 40 < expected + 400, "{sum} of {expected} at level {level}");
            assert!((far - expected).abs() * 10 < expected, "{far} of {expected} at level {level}");
        }
    }

    #[test]
    fn the_level_of_normal_noise_is_a_logistic_as_strong() {
        let mut random = Random::default();
        let mut normal = |sigma: i32| -> i32 {
            let sum: i32 = (0..12).map(|_| random.bits(16) as i32 - 32768).sum();
            ((i64::from(sum) * i64::from(sigma)) >> 16) as i32
        };
        for sigma in [8, 20, 500] {
            let ints: Vec<i32> = (0..256 * 256).map(|_| 20_000 + normal(sigma)).collect();
            let levels = Levels::measured(&ints, 256, 256, 1);
            let mean = levels.levels.iter().map(|&l| i32::from(l)).sum::<i32>() as f64 / levels.levels.len() as f64;
            let scale = 2f64.powf(mean / 2.0 - 4.0);
            let wanted = f64::from(sigma) / 1.814;
            // levels are half octaves
            assert!((scale / wanted).log2().abs() < 0.27, "{scale} for {wanted}");
        }
    }
}
