//! Patches of SIDE × SIDE blocks of 2 × 2 ints of one scale: what the three nets of family `l3c` are shown of them.
//!
//! The encoder's net and the one that predicts features see every block; ints are those of the inner blocks, whose
//! neighbours' features are in the patch, too. The walk is the encoder's, on its kernels, with features of 0 where
//! the nets' own come later.

use crate::data::corpus::{Corpus, Draw, N_TILES};
use crate::data::pool::Items;
use crate::data::sample::{Cells, Shared};
use crate::data::source::Source;
use crate::random::Random;
use collapsar::internals::fit::Sample;
use collapsar::internals::kernel::context::features;
use collapsar::internals::kernel::predict::{predict, residual};
use collapsar::internals::kernel::quantise::coarsen;
use collapsar::internals::kernel::{Arenas, ONE, PlaneStats, Site};
use collapsar::internals::model::l3c::{Steps, pyramid, symbol};
use collapsar::internals::model::plan::Step;
use collapsar::internals::model::{Model, Plan};
use collapsar::internals::net::Pass;

pub const SIDE: usize = 16;
pub const N_BLOCKS: usize = SIDE * SIDE;
pub const INNER: usize = SIDE - 2;
/// Inner ints of a patch: phase by phase, row by row.
pub const N_INTS: usize = 4 * INNER * INNER;
/// Patches taken of a tile, by scale.
const PER_TILE: [usize; 3] = [4, 1, 1];
/// Patches of a draw.
pub const N_PER_DRAW: usize = N_TILES * (PER_TILE[0] + PER_TILE[1] + PER_TILE[2]);

/// Many patches, one after the other.
#[derive(Clone, Debug, Default)]
pub struct Blocks {
    pub encoder: Vec<u8>,
    pub feature: Vec<u8>,
    pub finer: Cells,
}

impl Blocks {
    pub fn new(model: &Model) -> Blocks {
        let n_in = model.nets[model.net_index(Pass::Finer, 0)].net.n_in();
        Blocks { finer: Cells::new(n_in), ..Blocks::default() }
    }
}

impl Items for Blocks {
    fn n_items(&self) -> usize {
        self.finer.len() / N_INTS
    }

    fn replace(&mut self, at: usize, other: &Blocks) {
        let n = other.n_items();
        for (mine, theirs) in [(&mut self.encoder, &other.encoder), (&mut self.feature, &other.feature)] {
            let width = theirs.len() / n.max(1);
            let (begin, end) = ((at * width).min(mine.len()), ((at + n) * width).min(mine.len()));
            mine.splice(begin..end, theirs.iter().copied());
        }
        self.finer.replace(at * N_INTS, &other.finer);
    }
}

/// The patches of a draw, at random places of its tiles, in steps that are so much wider than measured.
fn patches(source: &Source, draw: &Draw, octaves: i32, random: &mut Random) -> Blocks {
    let mut out = Blocks::new(source.model);
    source.show(draw, &mut |shared, sample| {
        let walk = Walk::new(source.model, shared, sample, octaves);
        for (scale, n) in PER_TILE.into_iter().enumerate() {
            let above = sample.plan.scales[scale + 1];
            for _ in 0..n {
                let at = (random.below(above.h - SIDE + 1), random.below(above.w - SIDE + 1));
                walk.patch(scale, at, draw.class as u8, &mut out);
            }
        }
    });
    out
}

/// A tile of which everything is known.
struct Walk<'a> {
    model: &'a Model,
    shared: Shared<'a>,
    plan: &'a Plan,
    all: Vec<i32>,
    steps: Steps,
    values: Vec<i32>,
    residuals: Vec<i32>,
}

impl<'a> Walk<'a> {
    fn new(model: &'a Model, shared: Shared<'a>, sample: &Sample<'a>, octaves: i32) -> Walk<'a> {
        let plan = sample.plan;
        let steps = Steps::of(shared.stats).wider(octaves);
        let shared = Shared { stats: PlaneStats { spread: steps.residual(), ..shared.stats }, ..shared };
        let all = pyramid(plan, sample.ints, shared.max, steps);
        let (mut values, mut residuals) = (plan.arena(all[0] * ONE), plan.arena(shared.stats.spread));
        plan.fill(&all, &mut values);
        let mut b = Vec::new();
        for step in plan.steps.iter().filter(|step| step.pass == Pass::Finer) {
            for &run in &step.runs {
                let at = run.at as usize;
                b.resize(run.n as usize, 0);
                let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats: shared.stats };
                predict(&shared.linears[step.set], plan.site(arenas, step, run), shared.max, &mut b);
                b.iter().enumerate().for_each(|(i, &b)| residuals[at + i] = residual(values[at + i], b));
            }
            step.copy(&mut residuals);
        }
        Walk { model, shared, plan, all, steps, values, residuals }
    }

    fn patch(&self, scale: usize, (y0, x0): (usize, usize), class: u8, out: &mut Blocks) {
        let steps: Vec<&Step> = self.plan.steps.iter().filter(|step| step.level as usize == scale).collect();
        let arenas = Arenas { values: &self.values, residuals: &self.residuals, refs: &[], stats: self.shared.stats };
        let site = |offsets, at| Site { arenas, offsets, at, n: 1, level: steps[0].set as i32 };
        let net = |pass: Pass| &self.model.nets[self.model.net_index(pass, 0)].net;
        let encoder = &self.plan.offsets[self.plan.scales[scale].encoder];
        let put = |net: &collapsar::internals::net::Net, offsets, cell, b, to: &mut Vec<u8>| {
            let mut f = vec![0; net.n_in()];
            let s = features(net, site(offsets, cell), b, &mut f);
            to.extend(f.iter().map(|&f| f as u8));
            s
        };
        let feature = steps[0];
        let offsets = &self.plan.offsets[feature.offsets];
        for (y, x) in (0..N_BLOCKS).map(|i| (y0 + i / SIDE, x0 + i % SIDE)) {
            let cell = feature.runs[y].at as usize + x;
            let b = self.values[(cell as isize + offsets.taps[0] as isize) as usize];
            put(net(Pass::Encoder), encoder, cell, b, &mut out.encoder);
            put(net(Pass::Feature), offsets, cell, b, &mut out.feature);
        }
        for step in &steps[1..] {
            let (linear, offsets) = (&self.shared.linears[step.set], &self.plan.offsets[step.offsets]);
            for (y, x) in (0..INNER * INNER).map(|i| (y0 + 1 + i / INNER, x0 + 1 + i % INNER)) {
                let run = step.runs[y];
                let cell = run.at as usize + x;
                let (mut b, mut coarse) = ([0], [0]);
                predict(linear, site(offsets, cell), self.shared.max, &mut b);
                let mut s = [put(net(Pass::Finer), offsets, cell, b[0], &mut out.finer.features)];
                coarsen(1, self.steps.of_scale(scale), &b, &mut s, &mut coarse);
                let int = self.all[run.first as usize + x * run.step as usize];
                out.finer.s.push(s[0]);
                out.finer.b.push(coarse[0]);
                out.finer.int.push(symbol(self.steps, step, int));
                out.finer.max.push(self.shared.max);
                out.finer.class.push(class);
            }
        }
    }
}

/// The patches of a draw of a corpus, by its number, in steps half as wide as measured, as wide or twice as wide.
pub fn drawn(corpus: &Corpus, source: &Source, seed: u64, n: u64) -> Blocks {
    let mut random = Random::of(&[seed, 5, n]);
    let draw = corpus.draw(0, &mut random);
    let octaves = random.below(3) as i32 - 1;
    patches(source, &draw, octaves, &mut random)
}

/// Patches of every held-out plane.
pub fn held_out(corpus: &Corpus, source: &Source) -> Blocks {
    let mut blocks = Blocks::new(source.model);
    for (i, draw) in corpus.draws(0).iter().enumerate() {
        let new = patches(source, draw, 0, &mut Random::of(&[6, i as u64]));
        blocks.replace(blocks.n_items(), &new);
    }
    blocks
}
