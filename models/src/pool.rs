//! Cells of many tiles at hand at once, so that a batch mixes classes; the oldest make room for new draws.

use crate::cells::{Cells, Shared, gather, n_cells};
use crate::data::{Corpus, Draw};
use crate::random::Random;
use collapsar::internals::fit::{Sample, fit};
use collapsar::internals::model::Model;
use collapsar::internals::net::Net;

/// Cells kept of a draw.
pub const CELLS_PER_DRAW: usize = 8192;
/// Draws at hand.
pub const N_DRAWS: u64 = 96;

pub struct Pool<'a> {
    corpus: &'a Corpus,
    source: Source<'a>,
    seed: u64,
    n_draws: u64,
    pub cells: Cells,
    next: usize,
    /// Where the round before this one ended; behind it are cells of older rounds, which no batch gets.
    end: usize,
    past: Past,
}

/// Which draws a pool is made of: the round at hand writes over the one before. Draws are seeded by their number, so a pool can
/// be made again from this.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The first draws of the round before this one, and of this one.
    pub rounds: [u64; 2],
    pub n_draws: u64,
}

/// How cells are made of tiles: by the engine, with predictors fitted as the encoder fits them.
pub struct Source<'a> {
    /// Its taps matter; of a flow all its nets, since what one sees is what others made.
    pub model: &'a Model,
    pub part: usize,
}

impl Source<'_> {
    /// About `n` cells of a draw.
    pub fn cells(&self, draw: &Draw, n: usize, random: &mut Random) -> Cells {
        let net = &self.model.nets[self.part].net;
        let mut cells = Cells::new(net.n_in());
        self.show(draw, &mut |shared, sample| {
            let n_cells = n_cells(sample.plan, net.spec().pass);
            let share = n as f64 / (draw.tiles.len() * n_cells) as f64;
            gather(shared, self.part, sample, draw.class as u8, &mut || random.unit() < share, &mut cells);
        });
        cells
    }

    /// Shows every tile of a draw, with what is fitted to all of them.
    pub fn show(&self, draw: &Draw, take: &mut dyn FnMut(Shared, &Sample)) {
        let seen: Vec<Vec<&[i32]>> = draw.tiles.iter().map(|t| t.iter().map(Vec::as_slice).collect()).collect();
        let plan = &self.model.plan_to_encode(draw.h, draw.w);
        let samples: Vec<_> = seen.iter().map(|t| Sample { plan, ints: t[0], refs: &t[1..] }).collect();
        let fitted = fit(self.model, &samples);
        let shared = Shared { model: self.model, linears: &fitted.linears, stats: fitted.stats, max: draw.max };
        samples.iter().for_each(|sample| take(shared, sample));
    }
}

impl<'a> Pool<'a> {
    pub fn new(corpus: &'a Corpus, source: Source<'a>, seed: u64, n_draws: u64, past: Past) -> Pool<'a> {
        let cells = Cells::new(source.model.nets[source.part].net.n_in());
        let begin = Past { rounds: [past.rounds[0]; 2], n_draws: past.rounds[0] };
        let mut pool = Pool { corpus, source, seed, n_draws, cells, next: 0, end: 0, past: begin };
        while pool.past.n_draws < past.n_draws.max(n_draws) {
            pool.refresh();
        }
        pool
    }

    pub fn past(&self) -> Past {
        self.past
    }

    pub fn net(&self) -> &Net {
        &self.source.model.nets[self.source.part].net
    }

    /// One new draw in the place of the oldest.
    pub fn refresh(&mut self) {
        let mut random = Random::of(&[self.seed, self.source.part as u64, 1, self.past.n_draws]);
        let draw = self.corpus.draw(self.net().spec().n_refs, &mut random);
        let new = self.source.cells(&draw, CELLS_PER_DRAW, &mut random);
        self.cells.replace(self.next, &new);
        self.next += new.len();
        self.past.n_draws += 1;
        if self.next >= self.n_draws as usize * CELLS_PER_DRAW {
            self.end = std::mem::take(&mut self.next);
            self.past.rounds = [self.past.rounds[1], self.past.n_draws];
        }
    }

    pub fn places(&self, n: usize, random: &mut Random) -> Vec<usize> {
        let n_cells = self.end.max(self.next);
        (0..n).map(|_| random.below(n_cells)).collect()
    }
}

/// Cells of every held-out plane, class by class.
pub fn held_out(corpus: &Corpus, source: &Source) -> Cells {
    let mut random = Random::new(0);
    let mut cells = Cells::new(source.model.nets[source.part].net.n_in());
    for draw in corpus.draws(source.model.nets[source.part].net.spec().n_refs) {
        let new = source.cells(&draw, CELLS_PER_DRAW, &mut random);
        cells.replace(cells.len(), &new);
    }
    cells
}
