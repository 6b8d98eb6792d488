//! One op over one run, with the signature of its plain kernel: for tests, and for `verify`.

use super::Gpu;
use super::activation_grid;
use super::op::Op;
use super::params;
use super::program::{Batch, Buf, Fetch, Program};
use super::pyramid::log2_step;
use super::tables::{Block, columns, linear_terms, net_params, net_weights, symbol_params, table_params};
use crate::error::Result;
use crate::kernel::context::Heads;
use crate::kernel::interval::Distributions;
use crate::kernel::mixture::Mixtures;
use crate::kernel::predict::Linear;
use crate::kernel::table::Choices;
use crate::kernel::{PlaneStats, Site};
use crate::model::l3c::Steps;
use crate::net::{Head, Net};

/// A run as buffers.
struct Run {
    p: Program,
    cells: Buf,
    values: Buf,
    residuals: Buf,
    refs: Buf,
}

impl Run {
    fn new(run: Site) -> Run {
        let mut p = Program::default();
        let cells: Vec<u32> = (run.at as u32..(run.at + run.n) as u32).collect();
        Run {
            cells: p.table_of(&cells),
            values: p.table_of(run.arenas.values),
            residuals: p.table_of(run.arenas.residuals),
            refs: p.table_of(&run.arenas.refs.concat()),
            p,
        }
    }

    /// What a net of the run is told, and the table of its offsets.
    fn net(&mut self, net: &Net, run: Site) -> (params::Net, Buf) {
        let PlaneStats { median, spread } = run.arenas.stats;
        let offsets = self.p.table();
        let told = params::Net {
            stride: run.n as u32,
            n_arena: run.arenas.values.len() as u32,
            n_refs: run.arenas.refs.len() as u32,
            median,
            spread,
            level: run.level,
            ..net_params(&mut self.p, offsets, net, run.offsets)
        };
        (told, offsets)
    }
}

impl Gpu {
    pub fn predict(&self, linear: &Linear, run: Site, max: i32, b: &mut [i32]) -> Result<()> {
        let Run { mut p, cells, values, refs, .. } = Run::new(run);
        let (terms, out) = (p.table(), p.per_tile(run.n));
        let told = params::Predict {
            stride: run.n as u32,
            n_arena: run.arenas.values.len() as u32,
            max,
            ..linear_terms(&mut p, terms, linear, run.offsets, run.arenas.refs.len())
        };
        p.run(Op::Predict, &[cells, values, refs, terms, out], told, 0..run.n);
        self.one(p, &[(out, run.n)], |words| b[..run.n].copy_from_slice(words))
    }

    pub fn context(&self, net: &Net, run: Site, b: &[i32], out: &mut Heads) -> Result<()> {
        let (mut r, n_out) = (Run::new(run), (net.head.n_outputs() + 1) * run.n);
        let (told, offsets) = r.net(net, run);
        let Run { mut p, cells, values, residuals, refs } = r;
        let (b, weights, heads) = (p.table_of(&b[..run.n]), p.table_of(&net_weights(net)), p.per_tile(n_out));
        p.columns = columns([net].into_iter());
        p.run(Op::Context, &[cells, values, residuals, refs, b, offsets, weights, heads], told, 0..run.n);
        self.one(p, &[(heads, n_out)], |words| put_heads(words, run.n, out))
    }

    /// Features, then the layers one after the other; before the run no cell has activations.
    pub fn causal_conv(&self, net: &Net, run: Site, b: &[i32], out: &mut Heads) -> Result<()> {
        let (mut r, n, n_out) = (Run::new(run), run.n, (net.head.n_outputs() + 1) * run.n);
        let (told, offsets) = r.net(net, run);
        let Run { mut p, cells, values, residuals, refs } = r;
        let span = run.offsets.around.iter().map(|o| o.unsigned_abs()).max().unwrap_or(0);
        let (n_grid, n_words) = (span + n as u32, activation_grid::n_words(net));
        p.append(cells, &(span..n_grid).collect::<Vec<u32>>());
        let mut weights = Vec::new();
        let begins = activation_grid::layers(net, &run.offsets.around, &mut weights);
        let (b, weights) = (p.table_of(&b[..n]), p.table_of(&weights));
        let (acts, heads) = (p.per_tile(n_grid as usize * n_words), p.per_tile(n_out));
        let told = params::Net { grid: n as u32, n_grid, n_words: n_words as u32, ..told };
        p.run(Op::Features, &[cells, values, residuals, refs, b, offsets, acts], told, 0..n);
        for begin in begins {
            let told = params::Net { weights: begin, n_layers: 1, ..told };
            p.run(Op::CausalConv, &[cells, weights, acts, heads], told, 0..n);
        }
        self.one(p, &[(heads, n_out)], |words| put_heads(words, n, out))
    }

    pub fn mixture(&self, b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) -> Result<()> {
        let (mut p, n, k) = (Program::default(), b.len(), out.k);
        let mut all = heads.s[..n].to_vec();
        (0..3 * k).for_each(|h| all.extend(&heads.heads[h * heads.stride..][..n]));
        let buffers = [p.table_of(b), p.table_of(&all), p.constants(), p.per_tile(3 * k * n)];
        let told = params::Symbol { stride: n as u32, k: k as u32, mass, ..params::Symbol::default() };
        p.run(Op::Mixture, &buffers, told, 0..n);
        self.one(p, &[(buffers[3], 3 * k * n)], |words| {
            let parts = [&mut out.location, &mut out.log2_scale, &mut out.weight];
            for (part, y) in parts.into_iter().zip(words.chunks_exact(k * n)) {
                for (c, y) in y.chunks_exact(n).enumerate() {
                    part[c * out.stride..][..n].copy_from_slice(y);
                }
            }
        })
    }

    /// The tables of cells, in a plane of 0..=max.
    pub fn choose(&self, b: &[i32], heads: &Heads, max: i32, out: &mut Choices) -> Result<()> {
        let (mut p, n) = (Program::default(), b.len());
        let mut all = heads.s[..n].to_vec();
        (0..Head::Table.n_outputs()).for_each(|h| all.extend(&heads.heads[h * heads.stride..][..n]));
        let n_words = Choices::n_words(max) * n;
        let buffers = [p.table_of(b), p.table_of(&all), p.per_tile(n_words)];
        p.run(Op::Table, &buffers, table_params(max, Block { base: 0, stride: n }), 0..n);
        self.one(p, &[(buffers[2], n_words)], |words| Choices::from_words(words, n, max, out))
    }

    /// The features that the first heads of the first `out.len()` cells say, none above `most`.
    pub fn quantise(&self, heads: &Heads, most: i32, out: &mut [i32]) -> Result<()> {
        let (mut p, n) = (Program::default(), out.len());
        let buffers = [p.table_of(&[&heads.s[..n], &heads.heads[..n]].concat()), p.per_tile(n)];
        let told = params::Scale { stride: n as u32, k: 1, most, ..params::Scale::default() };
        p.run(Op::Quantise, &buffers, told, 0..n);
        self.one(p, &[(buffers[1], n)], |words| out.copy_from_slice(words))
    }

    /// b and s of cells of a scale in its steps; no scale: of features.
    pub fn coarsen(&self, steps: Steps, scale: Option<usize>, b: &[i32], s: &mut [i32], out: &mut [i32]) -> Result<()> {
        let (mut p, n) = (Program::default(), b.len());
        let buffers = [p.table_of(b), p.table_of(&s[..n]), p.per_tile(n)];
        let told = params::Scale { stride: n as u32, log2_step: log2_step(steps, scale), ..params::Scale::default() };
        p.run(Op::Coarsen, &buffers, told, 0..n);
        self.one(p, &[(buffers[2], n), (buffers[1], n)], |words| {
            let (coarse, heads) = words.split_at(n);
            out[..n].copy_from_slice(coarse);
            s[..n].copy_from_slice(heads);
        })
    }

    pub fn intervals(&self, of: Distributions, ints: &[i32], start: &mut [u32], width: &mut [u32]) -> Result<()> {
        let (mut p, n, m) = (Program::default(), ints.len(), of.mixtures);
        let mut all: Vec<i32> = Vec::new();
        for part in [&m.location, &m.log2_scale, &m.weight] {
            (0..m.k).for_each(|c| all.extend(&part[c * m.stride..][..n]));
        }
        let (ints, b, all) = (p.table_of(ints), p.table_of(&of.b[..n]), p.table_of(&all));
        let (constants, out) = (p.constants(), p.per_tile(2 * n));
        let told = symbol_params(of.window, m.k, Block { base: 0, stride: n });
        p.run(Op::Interval, &[ints, b, all, constants, out], told, 0..n);
        self.one(p, &[(out, 2 * n)], |words| {
            for (i, pair) in words.chunks_exact(2).enumerate() {
                (start[i], width[i]) = (pair[0] as u32, pair[1] as u32);
            }
        })
    }

    /// Runs a program for one tile: the words of these buffers, one after the other.
    fn one<T>(&self, mut p: Program, out: &[(Buf, usize)], f: impl FnOnce(&[i32]) -> T) -> Result<T> {
        p.outputs = out.iter().map(|&(buffer, n)| Fetch::block(buffer, n)).collect();
        let batch = Batch::new(self, &p, 1)?;
        let mut encoder = batch.start(std::iter::empty(), &[]);
        batch.run(&mut encoder, &p.commands, 1);
        batch.wait(batch.submit(encoder, &p.outputs, 1, 0), |parts| f(&parts.concat()))
    }
}

/// s, then head after head of n cells.
fn put_heads(y: &[i32], n: usize, out: &mut Heads) {
    out.s[..n].copy_from_slice(&y[..n]);
    for (h, head) in y[n..].chunks_exact(n).enumerate() {
        out.heads[h * out.stride..][..n].copy_from_slice(head);
    }
}
