//! What each rung of a vdm's ladder is worth: bits per sample that the model says of a ladder of T rungs, and what files of all rungs take
//!
//! ```sh
//! cargo run --release --example rungs -- a.fits.clps b.fits.clps
//! ```
//!
//! Files are those of `compress --model vdm-default`. A ladder that ends earlier has its last image told int by int, by a logistic
//! around the image's median. Tiles of classic modes are left out.

use collapsar::internals::Result;
use collapsar::internals::array::Dtype;
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::kernel::table::Choice;
use collapsar::internals::kernel::table_symbol;
use collapsar::internals::model::Family;
use collapsar::internals::tile::cells;
use collapsar::internals::tile::code::Mode;
use collapsar::internals::tile::diffusion::Diffusion;
use collapsar::internals::tile::runtime::Runtimes;
use collapsar::internals::tile::walk::{CellRun, RunCoder, Walk};
use std::time::Instant;

/// −256 · log2 P of the ints of each image, and of the noise of the next.
#[derive(Default)]
struct Rungs {
    all: Vec<Rung>,
    /// The ints of the image at hand.
    seen: Vec<i32>,
}

#[derive(Clone, Default)]
struct Rung {
    ints: i64,
    noise: i64,
    /// What the ints would take with nothing known but their median.
    alone: f64,
    n: usize,
}

impl Rungs {
    fn close(&mut self) {
        if let Some(rung) = self.all.last_mut() {
            (rung.alone, rung.n) = (alone(&mut self.seen), self.seen.len());
            self.seen.clear();
        }
    }
}

/// Bits of ints by a logistic around their median, as wide as they are.
fn alone(ints: &mut [i32]) -> f64 {
    ints.sort_unstable();
    let Some(&median) = ints.get(ints.len() / 2) else { return 0.0 };
    let far = |v: &i32| f64::from((v - median).abs());
    let scale = (ints.iter().map(far).sum::<f64>() / ints.len() as f64 / 1.386).max(0.1);
    let below = |x: f64| 1.0 / (1.0 + (-x / scale).exp());
    ints.iter().map(|v| -(below(0.5 - far(v)) - below(-0.5 - far(v))).max(1e-9).log2()).sum()
}

impl RunCoder for Rungs {
    fn knows(&self) -> bool {
        true
    }

    fn run(&mut self, mut cells: CellRun, symbols: &mut [i32]) -> Result<()> {
        cells.choose();
        let choices = &cells.tile.space.choices;
        let rung = self.all.last_mut().expect("a rung has begun");
        for (i, index) in cells.run.indices().enumerate() {
            let cost = table_symbol::cost(Choice(choices.choice[i]), choices.middle[i], symbols[index]);
            rung.ints += i64::from(cost);
            self.seen.push(symbols[index]);
        }
        Ok(())
    }

    fn borrowed(&mut self, cost: i64) {
        self.all.last_mut().expect("a rung has begun").noise += cost;
    }
}

fn main() -> Result<()> {
    let runtimes = Runtimes::default();
    let mut of_rungs: Vec<Rung> = Vec::new();
    let (mut n_bytes, mut n_samples, mut n_tiles, mut seconds) = (0, 0, 0, [0.0; 2]);
    for path in std::env::args().skip(1) {
        let file = std::fs::read(&path)?;
        let archive = Archive::open(&file, &[])?;
        for array in archive.arrays().filter(|array| array.head.ty.dtype != Dtype::U8) {
            let coder = array.head.tiles(array.head.coder.packed(&runtimes));
            let grid = array.head.grid();
            let bands = (0..grid.n_planes).flat_map(|p| (0..grid.n_bands()).map(move |b| (p, b)));
            let places: Vec<_> = bands.flat_map(|(p, b)| grid.band(p, b).collect::<Vec<_>>()).collect();
            for (i, place) in places.iter().enumerate() {
                let code = archive.tile(array, place, array.first_block + i)?;
                let Some((runtime, context)) = coder.cells(place) else { continue };
                if code.mode != Mode::Network || context.model.family != Family::Vdm {
                    continue;
                }
                let plan = runtime.plan_to_encode(place.h, place.w);
                let begin = Instant::now();
                let ints = coder.decode(&code, place, &[])?.ints;
                seconds[1] += begin.elapsed().as_secs_f64();
                let begin = Instant::now();
                let again = cells::encode(context, &plan, &ints, &[]);
                seconds[0] += begin.elapsed().as_secs_f64();
                assert!(again == code.bytes, "{path}: another payload");
                let mut rungs = Rungs::default();
                let mut walk = Diffusion::new(context, &plan);
                walk.analyse(&ints);
                for t in 0..plan.scales.len() - 1 {
                    rungs.all.push(Rung::default());
                    walk.rise(t, &mut rungs)?;
                    rungs.close();
                }
                let all = rungs.all;
                of_rungs.resize(of_rungs.len().max(all.len()), Rung::default());
                for (sum, rung) in of_rungs.iter_mut().zip(all) {
                    sum.ints += rung.ints;
                    sum.noise += rung.noise;
                    sum.alone += rung.alone;
                    sum.n += rung.n;
                }
                n_bytes += code.bytes.len();
                n_samples += ints.len();
                n_tiles += 1;
            }
        }
    }
    let n = of_rungs.first().map_or(0, |rung| rung.n) as f64;
    println!("{n_tiles} tiles, {n_samples} samples");
    let mut bits = 0.0;
    for (t, rung) in of_rungs.iter().enumerate() {
        if t > 0 {
            println!("{t} rungs: {:.4} bits per sample below the strip", (bits + rung.alone) / n);
        }
        bits += (rung.ints - rung.noise) as f64 / 256.0;
    }
    let (bound, real) = (bits / n, 8.0 * n_bytes as f64 / n_samples as f64);
    println!("all {} rungs: {bound:.4}; files: {real:.4}, {:+.2} %", of_rungs.len(), 100.0 * (real / bound - 1.0));
    let speed = seconds.map(|s| 2e-6 * n_samples as f64 / s);
    println!("one thread: {:.1} MB/s encoding, {:.1} MB/s decoding", speed[0], speed[1]);
    Ok(())
}
