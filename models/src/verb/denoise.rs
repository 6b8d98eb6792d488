//! `models denoise`: the net of `compress --denoise`, and what it does to frames whose truth is known.

use crate::random::Random;
use crate::train::denoise::{Cells, Denoiser, Tile};
use clap::Args;
use collapsar::internals::denoise::{SEEN, inputs};
use collapsar::internals::error::Result;
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::weights;
use std::path::PathBuf;

#[derive(Args)]
pub struct Denoise {
    /// Train anew and write the weights to this file; without it, measure those that are built in
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[arg(long, default_value = "denoise-default-1")]
    name: String,
    #[arg(long, default_value_t = 16_000)]
    steps: usize,
    /// Simulated tiles to learn from
    #[arg(long, default_value_t = 3000)]
    tiles: usize,
    #[arg(long, default_value_t = 0)]
    seed: u64,
}

/// Tiles of cameras that nothing was learnt from.
const HELD_OUT: usize = 400;

impl Denoise {
    pub fn run(self) -> Result<()> {
        let built_in = weights::denoiser();
        let Some(out) = &self.out else {
            print!("{}", measured(&Kernels::new(Level::detect(), []).with([built_in])));
            return Ok(());
        };
        let mut random = Random::new(self.seed);
        let cells = Cells::draw(self.tiles, &mut random);
        let mut net = Denoiser::draw(&mut random);
        let mut mean = 0.0;
        for step in 0..self.steps {
            mean += net.step(&cells, 1.0 - step as f32 / self.steps as f32, &mut random) / 1000.0;
            if step % 1000 == 999 {
                eprintln!("{}  {mean:.4}", step + 1);
                mean = 0.0;
            }
        }
        let mesh = net.mesh()?;
        std::fs::write(out, weights::store_denoiser(&self.name, &mesh)?)?;
        print!("{}", measured(&Kernels::new(Level::detect(), []).with([&mesh])));
        Ok(())
    }
}

/// Root of the mean square of what samples are off the truth, in σ: of those that are moved, by bound. And what a mean without outliers
/// and a median in place of the net would do.
fn measured(kernels: &Kernels) -> String {
    let mut random = Random::new(u64::MAX);
    let bounds = [0.5, 1.0, 2.0, f32::INFINITY];
    let (mut before, mut after, mut n, mut n_all) = (0.0, [[0.0; 4]; 3], 0, 0);
    let mut bias = [0.0; 3];
    for _ in 0..HELD_OUT {
        let tile = Tile::draw(&mut random);
        let free = tile.patch().free(&tile.movable);
        n_all += tile.patch().h * tile.patch().w;
        for &at in &free {
            let (around, off) = (tile.patch().around(at, &tile.movable), tile.off(at).clamp(-8.0, 8.0));
            n += 1;
            before += f64::from(off * off);
            let mut block = vec![0; SEEN.n_cells() * SEEN.width];
            block[..SEEN.width].copy_from_slice(&inputs(around));
            let net = kernels.mesh(0, &[&block])[0] as f32 / 64.0;
            for (i, by) in [net, mean(&around), median(&around)].into_iter().enumerate() {
                bias[i] += f64::from(by - off);
                for (sum, bound) in after[i].iter_mut().zip(bounds) {
                    *sum += f64::from((by.clamp(-bound, bound) - off).powi(2));
                }
            }
        }
    }
    let rms = |sum: f64| format!("{:.4}", (sum / f64::from(n)).sqrt());
    let share = 100.0 * f64::from(n) / n_all as f64;
    let mut text = format!("{share:.1} % of samples may be moved; they are off by {} σ\n\n", rms(before));
    text += "| | K = 0.5 | 1 | 2 | any | mean |\n|---|---|---|---|---|---|\n";
    for (i, name) in ["net", "mean without outliers", "median"].into_iter().enumerate() {
        let [a, b, c, d] = after[i].map(rms);
        text += &format!("| {name} | {a} | {b} | {c} | {d} | {:.4} |\n", bias[i] / f64::from(n));
    }
    text
}

/// Of the samples that are within 3 σ of this one, this one among them.
fn mean(around: &[i32]) -> f32 {
    let near: Vec<i32> = around.iter().copied().filter(|d| d.abs() <= 48).collect();
    near.iter().sum::<i32>() as f32 / 16.0 / (near.len() + 1) as f32
}

fn median(around: &[i32]) -> f32 {
    let mut all = around.to_vec();
    all.push(0);
    all.sort_unstable();
    all[all.len() / 2] as f32 / 16.0
}
