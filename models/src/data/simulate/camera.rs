//! What light becomes on its way to integers: the sensor, its amplifiers and its converter.

use super::scene::{MARGIN, SIDE, Scene};
use crate::data::plane::TILE;
use crate::random::Random;

pub struct Camera {
    /// Electrons per count.
    gain: f64,
    /// Counts.
    read_noise: f64,
    pedestal: f64,
    rows: f64,
    columns: f64,
    /// Of each row's even and odd pixels, where two amplifiers take turns.
    parity: f64,
    /// Noise that wanders along the read-out: its spread, and what is left of it one pixel later.
    drift: (f64, f64),
    /// Pixels whose read noise is several times the usual.
    tails: f64,
    pub full_scale: f64,
    /// Spread of the pixels' response to light.
    response: f64,
    /// Electrons, how unequal pixels are (in octaves or so), and the share of those that have many.
    dark: f64,
    unequal: f64,
    hot: f64,
    /// Cosmic rays per tile.
    rays: f64,
    /// How much of a pixel leaks into its neighbours after the conversion to counts: resampled and processed frames.
    leak: f64,
    filter: Filter,
    /// Electrons are multiplied before they are read: each becomes a number of them that is exponentially distributed.
    multiplies: bool,
    /// What is read has a phase that is thrown away, as in magnetic resonance: noise is added to both of its parts.
    magnitude: bool,
    /// Two amplifiers meet in the tile: how far they are apart, in counts, and how much more the second amplifies.
    seam: Option<(f64, f64)>,
    converter: Converter,
}

#[derive(Clone, Copy, PartialEq)]
enum Filter {
    Along,
    Across,
    Both,
}

/// What a converter makes of counts beside rounding.
#[derive(Clone, Copy, PartialEq)]
enum Converter {
    Plain,
    /// Square root, as cameras with few bits to send do.
    Root,
    /// A digital gain leaves codes that never come.
    Stretched(f64),
    /// Codes of unequal width.
    Uneven(u64),
}

/// What does not change from frame to frame of one place.
struct Pattern {
    light: Vec<f64>,
    response: Vec<f64>,
    dark: Vec<f64>,
    columns: Vec<f64>,
    /// Where two amplifiers meet: whether at a column, and at which.
    seam: (bool, usize),
}

impl Camera {
    pub fn draw(random: &mut Random) -> Camera {
        let rarely = |random: &mut Random, one_of: usize| random.below(one_of) == 0;
        let bits = [8, 10, 12, 12, 14, 14, 16, 16, 16, 16][random.below(10)];
        let full_scale = f64::from((1 << bits) - 1);
        let read_noise = random.log_uniform(0.2, 20.0) * (full_scale / 65535.0).powf(0.25);
        let band =
            |random: &mut Random| if rarely(random, 3) { read_noise * random.log_uniform(0.05, 1.0) } else { 0.0 };
        let pedestal = random.log_uniform(1.0, full_scale / 8.0);
        let filter = [Filter::Along, Filter::Across, Filter::Both][random.below(3)];
        let converter = match random.below(12) {
            0 => Converter::Root,
            1 => Converter::Stretched(1.0 + random.unit() * 1.5),
            2 => Converter::Uneven(random.below(1 << 30) as u64),
            _ => Converter::Plain,
        };
        let camera = Camera {
            gain: random.log_uniform(0.05, 20.0),
            read_noise: if rarely(random, 8) { 0.0 } else { read_noise },
            pedestal,
            rows: band(random),
            columns: band(random),
            parity: band(random),
            drift: (band(random), 1.0 - random.log_uniform(0.003, 0.7)),
            tails: if rarely(random, 3) { random.log_uniform(0.002, 0.2) } else { 0.0 },
            full_scale,
            response: random.log_uniform(0.001, 0.03),
            dark: if rarely(random, 2) { random.log_uniform(0.1, 3000.0) } else { 0.0 },
            unequal: random.log_uniform(0.02, 1.2),
            hot: if rarely(random, 2) { random.log_uniform(1e-4, 0.05) } else { 0.0 },
            rays: if rarely(random, 3) { random.log_uniform(0.1, 10.0) } else { 0.0 },
            leak: if rarely(random, 4) { random.unit() * 0.45 } else { 0.0 },
            filter,
            multiplies: rarely(random, 12),
            magnitude: rarely(random, 16),
            seam: rarely(random, 12).then(|| (read_noise * 5.0 * random.normal(), random.log_uniform(0.9, 1.1))),
            converter,
        };
        if rarely(random, 10) { camera.counting() } else { camera }
    }

    /// A detector that counts single photons: nothing but them is read, and a code is one of them.
    fn counting(self) -> Camera {
        Camera {
            gain: 1.0,
            read_noise: 0.0,
            pedestal: 0.0,
            rows: 0.0,
            columns: 0.0,
            parity: 0.0,
            drift: (0.0, 0.0),
            leak: 0.0,
            multiplies: false,
            magnitude: false,
            seam: None,
            converter: Converter::Plain,
            ..self
        }
    }

    /// One place in frames of these exposures.
    pub fn series(&self, scene: &Scene, factors: &[f64], random: &mut Random) -> Vec<Vec<i32>> {
        let pattern = self.pattern(scene, random);
        factors.iter().map(|&factor| self.take(&pattern, factor, random).0).collect()
    }

    /// A frame, and what it would be without noise.
    pub fn one(&self, scene: &Scene, random: &mut Random) -> (Vec<i32>, Vec<f64>) {
        self.take(&self.pattern(scene, random), 1.0, random)
    }

    fn pattern(&self, scene: &Scene, random: &mut Random) -> Pattern {
        let dark = |random: &mut Random| {
            let hot = self.hot > 0.0 && random.unit() < self.hot;
            let usual = self.dark * (self.unequal * random.normal()).exp();
            usual * if hot { random.log_uniform(3.0, 300.0) } else { 1.0 }
        };
        Pattern {
            light: scene.light(random),
            response: (0..SIDE * SIDE).map(|_| 1.0 + self.response * random.normal()).collect(),
            dark: (0..SIDE * SIDE).map(|_| dark(random)).collect(),
            columns: (0..SIDE).map(|_| self.columns * random.normal()).collect(),
            seam: (random.below(2) == 0, random.below(SIDE)),
        }
    }

    fn take(&self, pattern: &Pattern, factor: f64, random: &mut Random) -> (Vec<i32>, Vec<f64>) {
        let (mut counts, mut clean) = (Vec::with_capacity(SIDE * SIDE), Vec::with_capacity(SIDE * SIDE));
        let (spread, kept) = self.drift;
        let fresh = spread * (1.0 - kept * kept).sqrt();
        let mut drift = spread * random.normal();
        for y in 0..SIDE {
            let row = self.pedestal + self.rows * random.normal();
            let rows = [0, 1].map(|_| row + self.parity * random.normal());
            for (x, column) in pattern.columns.iter().enumerate() {
                let i = y * SIDE + x;
                let expected = factor * pattern.light[i] * pattern.response[i] + pattern.dark[i];
                let electrons = random.poisson(expected);
                let noise = self.read_noise * if random.unit() < self.tails { 4.0 } else { 1.0 };
                drift = drift * kept + fresh * random.normal();
                let electrons = if self.multiplies { multiplied(electrons, random) } else { electrons };
                let read = electrons / self.gain + noise * random.normal() + drift;
                let read = if self.magnitude { read.hypot(noise * random.normal()) } else { read };
                let beyond = if pattern.seam.0 { x } else { y } >= pattern.seam.1;
                let (step, gain) = self.seam.filter(|_| beyond).unwrap_or((0.0, 1.0));
                counts.push(read * gain + step + rows[x % 2] + column);
                let expected = expected / self.gain;
                let expected = if self.magnitude { expected.hypot(noise) } else { expected };
                clean.push(expected * gain + step + rows[x % 2] + column);
            }
        }
        let before = counts.clone();
        for _ in 0..random.poisson(self.rays) as usize {
            ray(&mut counts, self.full_scale, random);
        }
        clean.iter_mut().zip(counts.iter().zip(&before)).for_each(|(clean, (after, before))| *clean += after - before);
        if self.leak > 0.0 {
            smear(&mut counts, self.leak, self.filter);
            smear(&mut clean, self.leak, self.filter);
        }
        let inside = |y: usize| (y + MARGIN) * SIDE + MARGIN..(y + MARGIN) * SIDE + MARGIN + TILE;
        let ints = (0..TILE).flat_map(inside).map(|i| self.convert(counts[i])).collect();
        (ints, (0..TILE).flat_map(inside).map(|i| self.clean(clean[i])).collect())
    }

    /// What a count is on the average of codes, but for those that never come.
    fn clean(&self, count: f64) -> f64 {
        let root = self.converter == Converter::Root;
        let code = if root { (count.max(0.0) * self.full_scale).sqrt() } else { count };
        code.clamp(0.0, self.full_scale)
    }

    fn convert(&self, count: f64) -> i32 {
        let full = self.full_scale;
        let code = match self.converter {
            Converter::Plain => count.round(),
            Converter::Root => (count.max(0.0) * full).sqrt().round(),
            Converter::Stretched(by) => ((count / by).round() * by).round(),
            Converter::Uneven(seed) => {
                // the edge between two codes lies where a hash of the code puts it
                let low = count.floor();
                let hash = (low as i64 as u64 ^ seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
                let edge = 0.5 + 0.35 * (hash as f64 / f64::from(1 << 24) * 2.0 - 1.0);
                if count - low < edge { low } else { low + 1.0 }
            }
        };
        code.clamp(0.0, full) as i32
    }
}

/// A straight track of charge.
fn ray(counts: &mut [f64], full_scale: f64, random: &mut Random) {
    let (mut y, mut x) = (random.unit() * SIDE as f64, random.unit() * SIDE as f64);
    let angle = random.unit() * std::f64::consts::TAU;
    let charge = full_scale * random.log_uniform(1e-3, 1.0);
    for _ in 0..1 + random.below(12) {
        if y < 0.0 || x < 0.0 || y >= SIDE as f64 || x >= SIDE as f64 {
            return;
        }
        counts[y as usize * SIDE + x as usize] += charge * random.unit();
        (y, x) = (y + angle.sin(), x + angle.cos());
    }
}

fn smear(counts: &mut [f64], leak: f64, filter: Filter) {
    let mut pass = |step: usize| {
        let before = counts.to_vec();
        for i in step..counts.len() - step {
            counts[i] = before[i] * (1.0 - leak) + 0.5 * leak * (before[i - step] + before[i + step]);
        }
    };
    if matches!(filter, Filter::Along | Filter::Both) {
        pass(1);
    }
    if matches!(filter, Filter::Across | Filter::Both) {
        pass(SIDE);
    }
}

/// The sum of as many exponentials of mean 1; of many, the normal that it tends to.
fn multiplied(electrons: f64, random: &mut Random) -> f64 {
    if electrons > 30.0 {
        return (electrons + electrons.sqrt() * random.normal()).max(0.0);
    }
    (0..electrons as usize).map(|_| -(1.0 - random.unit()).ln()).sum()
}
