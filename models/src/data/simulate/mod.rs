//! frame = convert(pedestal + bands + drift + Poisson(scene · response + dark) / gain + read noise + cosmic rays)
//!
//! Frames of cameras that nobody owns: every quantity of the formula is drawn anew for each frame, most of them over
//! decades, so that a net learns what noise does rather than what one camera does.

use crate::data::plane::TILE;
use crate::random::Random;

/// Everything beyond the tile that stars and filters need to know.
const MARGIN: usize = 8;
const SIDE: usize = TILE + 2 * MARGIN;

struct Camera {
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
    full_scale: f64,
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

struct Scene {
    sky: f64,
    slope: (f64, f64),
    waves: Vec<(f64, f64, f64, f64)>,
    /// Stars per tile, width of the point spread, weight of its wings.
    n_stars: f64,
    width: f64,
    wings: f64,
    /// Spectral lines: across which axis, how many, how wide.
    lines: Option<(bool, usize, f64)>,
    /// Electrons; as many stars are brighter than a flux as its power of −`crowding` says.
    faintest: f64,
    brightest: f64,
    crowding: f64,
}

/// `n` places of one camera, each seen in `n_frames` frames that follow each other, and the largest int of their
/// planes.
pub fn tiles(n: usize, n_frames: usize, random: &mut Random) -> (Vec<Vec<Vec<i32>>>, i32) {
    loop {
        let (camera, scene) = (Camera::draw(random), Scene::draw(random));
        // brighter or fainter through another filter, or the same again
        let steady = random.below(3) > 0;
        let factors: Vec<f64> =
            (0..n_frames).map(|_| if steady { 1.0 } else { random.log_uniform(0.3, 3.0) }).collect();
        let mut tiles: Vec<Vec<Vec<i32>>> = (0..n).map(|_| camera.series(&scene, &factors, random)).collect();
        let all = || tiles.iter().flatten().flatten();
        let (min, max) = (*all().min().expect("tiles"), *all().max().expect("tiles"));
        if min == max {
            continue;
        }
        // a whole plane reaches farther than its tiles, down a little and often up to the converter's end
        let min = (min - random.below(1 + (max - min) as usize / 8) as i32).max(0);
        let max = if random.below(2) == 0 { camera.full_scale as i32 } else { max };
        tiles.iter_mut().flatten().flatten().for_each(|v| *v -= min);
        return (tiles, max - min);
    }
}

/// What does not change from frame to frame of one place.
struct Pattern {
    light: Vec<f64>,
    response: Vec<f64>,
    dark: Vec<f64>,
    columns: Vec<f64>,
}

impl Camera {
    fn draw(random: &mut Random) -> Camera {
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
        Camera {
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
            converter,
        }
    }

    /// One place in frames of these exposures.
    fn series(&self, scene: &Scene, factors: &[f64], random: &mut Random) -> Vec<Vec<i32>> {
        let pattern = self.pattern(scene, random);
        factors.iter().map(|&factor| self.take(&pattern, factor, random)).collect()
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
        }
    }

    fn take(&self, pattern: &Pattern, factor: f64, random: &mut Random) -> Vec<i32> {
        let mut counts = Vec::with_capacity(SIDE * SIDE);
        let (spread, kept) = self.drift;
        let fresh = spread * (1.0 - kept * kept).sqrt();
        let mut drift = spread * random.normal();
        for y in 0..SIDE {
            let row = self.pedestal + self.rows * random.normal();
            let rows = [0, 1].map(|_| row + self.parity * random.normal());
            for (x, column) in pattern.columns.iter().enumerate() {
                let i = y * SIDE + x;
                let electrons = poisson(factor * pattern.light[i] * pattern.response[i] + pattern.dark[i], random);
                let noise = self.read_noise * if random.unit() < self.tails { 4.0 } else { 1.0 };
                drift = drift * kept + fresh * random.normal();
                counts.push(electrons / self.gain + noise * random.normal() + rows[x % 2] + column + drift);
            }
        }
        for _ in 0..poisson(self.rays, random) as usize {
            ray(&mut counts, self.full_scale, random);
        }
        if self.leak > 0.0 {
            smear(&mut counts, self.leak, self.filter);
        }
        let inside = |y: usize| &counts[(y + MARGIN) * SIDE + MARGIN..][..TILE];
        (0..TILE).flat_map(inside).map(|&c| self.convert(c)).collect()
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

impl Scene {
    fn draw(random: &mut Random) -> Scene {
        let sky = match random.below(4) {
            0 => 0.0,
            1 => random.log_uniform(0.02, 5.0),
            _ => random.log_uniform(1.0, 60_000.0),
        };
        let steep = if random.below(2) == 0 { 0.0 } else { sky * random.log_uniform(1e-3, 0.5) / TILE as f64 };
        let angle = random.unit() * std::f64::consts::TAU;
        let n_waves = [0, 0, 0, 1, 3][random.below(5)];
        let wave = |random: &mut Random| {
            let period = random.log_uniform(3.0, 200.0);
            let angle = random.unit() * std::f64::consts::TAU;
            let k = std::f64::consts::TAU / period;
            (k * angle.cos(), k * angle.sin(), random.unit() * 6.3, random.log_uniform(0.001, 0.3))
        };
        let lines = random.below(7) == 0;
        Scene {
            sky,
            slope: (steep * angle.sin(), steep * angle.cos()),
            waves: (0..n_waves).map(|_| wave(random)).collect(),
            n_stars: if random.below(5) < 3 { random.log_uniform(1.0, 1000.0) } else { 0.0 },
            width: random.log_uniform(0.5, 3.0),
            wings: random.unit() * 0.3,
            lines: lines.then(|| (random.below(2) == 0, 1 + random.below(12), random.log_uniform(0.6, 12.0))),
            faintest: random.log_uniform(1.0, 5000.0),
            brightest: random.log_uniform(1e3, 1e6),
            crowding: 0.3 + 1.2 * random.unit(),
        }
    }

    /// Mean electrons per pixel, SIDE × SIDE.
    fn light(&self, random: &mut Random) -> Vec<f64> {
        let (oy, ox) = (random.unit() * 1000.0, random.unit() * 1000.0);
        let at = |i: usize| {
            let (y, x) = ((i / SIDE) as f64, (i % SIDE) as f64);
            let wave = |&(ky, kx, phase, height): &(f64, f64, f64, f64)| {
                height * (ky * (y + oy) + kx * (x + ox) + phase).sin()
            };
            let level = self.sky * (1.0 + self.waves.iter().map(wave).sum::<f64>());
            (level + self.slope.0 * (y - 64.0) + self.slope.1 * (x - 64.0)).max(0.0)
        };
        let mut light: Vec<f64> = (0..SIDE * SIDE).map(at).collect();
        for _ in 0..poisson(self.n_stars, random) as usize {
            let total = self.faintest * (1.0 - random.unit()).powf(-1.0 / self.crowding);
            self.star(&mut light, total.min(self.brightest), random);
        }
        if let Some((across, n, width)) = self.lines {
            for _ in 0..n {
                line(&mut light, across, width, self.brightest * 0.01 * random.unit().powi(3), random);
            }
        }
        light
    }

    fn star(&self, light: &mut [f64], total: f64, random: &mut Random) {
        let (y0, x0) = (random.unit() * SIDE as f64, random.unit() * SIDE as f64);
        let reach = (self.width * 6.0) as i64 + 2;
        let variance = self.width * self.width;
        let peak = total / (std::f64::consts::TAU * variance);
        let span = |c: f64| (c as i64 - reach).max(0) as usize..((c as i64 + reach) as usize).min(SIDE);
        for y in span(y0) {
            for x in span(x0) {
                let d2 = (y as f64 - y0).powi(2) + (x as f64 - x0).powi(2);
                let core = (-d2 / (2.0 * variance)).exp();
                let wing = (1.0 + d2 / (4.0 * variance)).powf(-2.5);
                light[y * SIDE + x] += peak * ((1.0 - self.wings) * core + self.wings * wing);
            }
        }
    }
}

/// A bright line along one axis, its profile a bell.
fn line(light: &mut [f64], across: bool, width: f64, peak: f64, random: &mut Random) {
    let (centre, lean) = (random.unit() * SIDE as f64, (random.unit() - 0.5) * 0.1);
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (along, over) = if across { (x, y) } else { (y, x) };
            let d = (over as f64 - centre - lean * along as f64) / width;
            light[y * SIDE + x] += peak * (-0.5 * d * d).exp();
        }
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

/// Exact where few are expected, a rounded normal elsewhere.
pub fn poisson(mean: f64, random: &mut Random) -> f64 {
    if mean > 30.0 {
        return (mean + mean.sqrt() * random.normal()).round().max(0.0);
    }
    let (mut n, mut left, floor) = (0.0, 1.0, (-mean).exp());
    loop {
        left *= random.unit();
        if left <= floor {
            return n;
        }
        n += 1.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_camera_fill_their_tiles_within_its_range_and_differ() {
        let mut random = Random::new(3);
        for _ in 0..40 {
            let (tiles, max) = tiles(2, 3, &mut random);
            assert_eq!(tiles.iter().map(Vec::len).collect::<Vec<_>>(), [3, 3]);
            let ints = || tiles.iter().flatten().flatten();
            assert!(tiles.iter().flatten().all(|tile| tile.len() == TILE * TILE));
            assert!(ints().all(|v| (0..=max).contains(v)) && (1..=65535).contains(&max));
            assert!(ints().any(|v| v != ints().next().unwrap()), "a frame says something");
        }
    }

    #[test]
    fn a_seed_gives_the_same_frames() {
        assert_eq!(tiles(1, 2, &mut Random::new(9)), tiles(1, 2, &mut Random::new(9)));
        assert_ne!(tiles(1, 2, &mut Random::new(9)), tiles(1, 2, &mut Random::new(8)));
    }

    #[test]
    fn counts_have_the_mean_and_variance_of_poisson() {
        for mean in [0.3, 4.0, 29.0, 31.0, 900.0] {
            let mut random = Random::new(1);
            let counts: Vec<f64> = (0..20_000).map(|_| poisson(mean, &mut random)).collect();
            let average = counts.iter().sum::<f64>() / 2e4;
            let variance = counts.iter().map(|c| (c - average).powi(2)).sum::<f64>() / 2e4;
            let error = 5.0 * (mean / 2e4).sqrt();
            assert!((average - mean).abs() < error, "{average} for {mean}");
            assert!((variance / mean - 1.0).abs() < 0.1, "{variance} for {mean}");
        }
    }
}
