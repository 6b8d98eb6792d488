//! What stands before a camera: sky, stars, spectral lines, bodies with edges.

use crate::data::plane::TILE;
use crate::random::Random;

/// Everything beyond the tile that stars and filters need to know.
pub const MARGIN: usize = 8;
pub const SIDE: usize = TILE + 2 * MARGIN;

pub struct Scene {
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
    /// Cells under a microscope, organs in a scanner, a planet: how many, how wide their edges are, in pixels.
    bodies: Option<(usize, f64)>,
}

impl Scene {
    pub fn draw(random: &mut Random) -> Scene {
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
            bodies: (random.below(6) == 0).then(|| (1 + random.below(12), random.log_uniform(0.3, 8.0))),
        }
    }

    /// Mean electrons per pixel, SIDE × SIDE.
    pub fn light(&self, random: &mut Random) -> Vec<f64> {
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
        if let Some((n, edge)) = self.bodies {
            let usual = self.sky.max(20.0);
            for _ in 0..n {
                body(&mut light, edge, usual * random.log_uniform(0.03, 10.0), random);
            }
        }
        for _ in 0..random.poisson(self.n_stars) as usize {
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

/// An ellipse that hides what is behind it.
fn body(light: &mut [f64], edge: f64, level: f64, random: &mut Random) {
    let (y0, x0) = (random.unit() * SIDE as f64, random.unit() * SIDE as f64);
    let (a, b) = (random.log_uniform(5.0, 150.0), random.log_uniform(5.0, 150.0));
    let (sin, cos) = (random.unit() * std::f64::consts::TAU).sin_cos();
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (dy, dx) = (y as f64 - y0, x as f64 - x0);
            let r = ((dx * cos + dy * sin) / a).hypot((dy * cos - dx * sin) / b);
            let inside = 1.0 / (1.0 + ((r - 1.0) * a.min(b) / edge).exp());
            let here = &mut light[y * SIDE + x];
            *here += inside * (level - *here);
        }
    }
}
