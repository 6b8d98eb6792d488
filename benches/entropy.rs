//! Frames whose probabilities are known, and how many bits above them each level takes:
//!
//! ```text
//! sample = round(pedestal + electrons / gain + read noise),  electrons ~ Poisson(light),  read noise ~ normal
//! ```
//!
//! The light of every pixel is drawn first, so the probability of every sample is known, and the sum of −log2 of it is what
//! a code takes that knows the camera and the light. A level knows neither. `cargo bench --bench entropy`; with a number
//! behind `--`, frames of that side instead of 1024.

use collapsar::Options;
use collapsar::internals::synthetic::{Xorshift, fits};
use std::collections::HashMap;

/// Light has so many steps per octave: a table of probabilities is made for each step that comes.
const STEPS: f64 = 64.0;
const LEVELS: [u8; 5] = [1, 3, 5, 7, 9];

struct Camera {
    pedestal: f64,
    /// Electrons per count.
    gain: f64,
    /// Counts.
    read_noise: f64,
}

/// Probabilities of the samples `first`, `first` + 1, …
struct Table {
    first: usize,
    p: Vec<f64>,
}

/// The normal distribution function, in steps of 1/4096 from −9 to 9.
struct Normal(Vec<f64>);

impl Normal {
    fn new() -> Normal {
        let density = |i: i32| (-0.5 * (f64::from(i) / 4096.0).powi(2)).exp();
        let mut sum = 0.0;
        let sums: Vec<f64> = (-9 * 4096..=9 * 4096)
            .map(|i| {
                sum += 0.5 * (density(i) + density(i - 1));
                sum
            })
            .collect();
        Normal(sums.iter().map(|s| s / sum).collect())
    }

    fn below(&self, x: f64) -> f64 {
        let at = ((x + 9.0) * 4096.0).clamp(0.0, (self.0.len() - 2) as f64);
        let (i, part) = (at as usize, at.fract());
        self.0[i] + part * (self.0[i + 1] - self.0[i])
    }
}

impl Camera {
    fn table(&self, light: f64, normal: &Normal) -> Table {
        let reach = 9.0 * light.sqrt() + 9.0;
        let n = (light - reach).max(0.0) as usize..(light + reach) as usize + 1;
        let around = 7.0 * self.read_noise + 1.0;
        let first = (self.pedestal + n.start as f64 / self.gain - around).max(0.0) as usize;
        let mut p = vec![0.0; (self.pedestal + n.end as f64 / self.gain + around) as usize + 1 - first];
        // ln n!, by Stirling's series where n is large
        let ln_factorial = |n: f64| {
            if n < 20.0 {
                return (1..=n as u32).map(|i| f64::from(i).ln()).sum();
            }
            n * n.ln() - n + 0.5 * (std::f64::consts::TAU * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3))
        };
        for n in n {
            let n = n as f64;
            let weight = if light == 0.0 { 1.0 } else { (n * light.ln() - light - ln_factorial(n)).exp() };
            let mean = self.pedestal + n / self.gain;
            let near = (mean - around).max(first as f64) as usize..((mean + around) as usize + 1).min(first + p.len());
            for v in near {
                let edge = |at: f64| normal.below((at - mean) / self.read_noise);
                p[v - first] += weight * (edge(v as f64 + 0.5) - edge(v as f64 - 0.5));
            }
            if light == 0.0 {
                break;
            }
        }
        let sum: f64 = p.iter().sum();
        p.iter_mut().for_each(|p| *p /= sum);
        Table { first, p }
    }

    /// A frame of this light, and the bits of a code that knows everything.
    fn frame(&self, light: &[f64], normal: &Normal, random: &mut Xorshift) -> (Vec<u16>, f64) {
        let mut tables = HashMap::new();
        let mut bits = 0.0;
        let mut sample = |light: &f64| {
            let step = if *light < 1e-3 { i32::MIN } else { (light.log2() * STEPS).round() as i32 };
            let of_step = || if step == i32::MIN { 0.0 } else { (f64::from(step) / STEPS).exp2() };
            let table = tables.entry(step).or_insert_with(|| self.table(of_step(), normal));
            let (mut left, mut i) = (random.uniform(), 0);
            while i + 1 < table.p.len() && left >= table.p[i] {
                left -= table.p[i];
                i += 1;
            }
            bits -= table.p[i].max(1e-300).log2();
            (table.first + i) as u16
        };
        let samples = light.iter().map(&mut sample).collect();
        (samples, bits)
    }
}

/// Adds stars of a width of 1.5 pixels, as many brighter than a flux as its power of −0.8 says.
fn stars(light: &mut [f64], side: usize, n: usize, random: &mut Xorshift) {
    for _ in 0..n {
        let (y0, x0) = (random.uniform() * side as f64, random.uniform() * side as f64);
        let flux = (300.0 * (1.0 - random.uniform()).powf(-1.0 / 0.8)).min(4e5);
        let span = |c: f64| (c as usize).saturating_sub(9)..(c as usize + 10).min(side);
        for y in span(y0) {
            for x in span(x0) {
                let d2 = (y as f64 - y0).powi(2) + (x as f64 - x0).powi(2);
                light[y * side + x] += flux / (std::f64::consts::TAU * 2.25) * (-d2 / 4.5).exp();
            }
        }
    }
}

fn main() {
    let side = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(1024);
    let normal = Normal::new();
    let ccd = Camera { pedestal: 1000.0, gain: 1.5, read_noise: 5.0 };
    let cmos = Camera { pedestal: 200.0, gain: 0.8, read_noise: 1.6 };
    let at = |i: usize| ((i / side) as f64 / side as f64 - 0.5, (i % side) as f64 / side as f64 - 0.5);
    let sky = |level: f64| -> Vec<f64> {
        (0..side * side).map(|i| level * (1.0 - 0.4 * (at(i).0.powi(2) + at(i).1.powi(2)))).collect()
    };
    let lines = |i: usize| {
        let line =
            |n: u32| (-0.5 * ((at(i).1 + 0.02 * at(i).0) * 40.0 - f64::from(n * n % 37) + 18.0).powi(2) * 9.0).exp();
        30.0 + 3000.0 * (-at(i).0.powi(2) * 40.0).exp() * (0.2 + (0..14).map(line).sum::<f64>())
    };
    let mut random = Xorshift::new(1);
    let mut with_stars = |level: f64, n: usize| {
        let mut light = sky(level);
        stars(&mut light, side, (n * side * side) >> 20, &mut random);
        light
    };
    let scenes = [
        ("bias", &ccd, vec![0.0; side * side]),
        ("flat", &ccd, sky(30_000.0)),
        ("sky", &cmos, with_stars(60.0, 400)),
        ("crowded", &ccd, with_stars(400.0, 40_000)),
        ("spectrum", &cmos, (0..side * side).map(lines).collect()),
    ];
    println!("bits per sample of a code that knows everything, and per cent that each level takes above it\n");
    let titles: String = LEVELS.iter().map(|level| format!(" level {level} |")).collect();
    println!("| frame | bits |{titles}\n|---|---|{}", "---|".repeat(LEVELS.len()));
    for (name, camera, light) in scenes {
        let (samples, bits) = camera.frame(&light, &normal, &mut random);
        let file = fits(side, side, &samples);
        let above = LEVELS.map(|level| {
            let options = Options::default().level(level).expect("a level");
            let packed = collapsar::compress(&file, &options).expect("it is a FITS file");
            format!(" {:.2} |", 100.0 * (packed.len() as f64 * 8.0 / bits - 1.0))
        });
        println!("| {name} | {:.3} |{}", bits / samples.len() as f64, above.concat());
    }
}
