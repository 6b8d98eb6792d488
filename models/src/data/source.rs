//! A draw's tiles as the engine shows them to a net, with predictors fitted as the encoder fits them.

use crate::data::cells::{gather, n_cells};
use crate::data::corpus::{Corpus, Draw};
use crate::data::pool::Items;
use crate::data::sample::{Cells, Shared};
use crate::random::Random;
use collapsar::internals::fit::{Sample, fit};
use collapsar::internals::model::Model;
use collapsar::internals::net::Net;

/// Cells kept of a draw.
pub const CELLS_PER_DRAW: usize = 8192;

pub struct Source<'a> {
    /// Its taps matter; of a flow all its nets, since what one sees is what others made.
    pub model: &'a Model,
    pub part: usize,
}

impl Source<'_> {
    pub fn net(&self) -> &Net {
        &self.model.nets[self.part].net
    }

    /// About `n` cells of a draw.
    pub fn cells(&self, draw: &Draw, n: usize, random: &mut Random) -> Cells {
        let mut cells = Cells::new(self.net().n_in());
        self.show(draw, &mut |shared, sample| {
            let n_cells = n_cells(sample.plan, self.net().spec().pass);
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

/// The cells of a draw of a corpus, by its number.
pub fn drawn(corpus: &Corpus, source: &Source, seed: u64, n: u64) -> Cells {
    let mut random = Random::of(&[seed, source.part as u64, 1, n]);
    let draw = corpus.draw(source.net().spec().n_refs, &mut random);
    source.cells(&draw, CELLS_PER_DRAW, &mut random)
}

/// Cells of every held-out plane, class by class.
pub fn held_out(corpus: &Corpus, source: &Source) -> Cells {
    let mut random = Random::new(0);
    let mut cells = Cells::new(source.net().n_in());
    for draw in corpus.draws(source.net().spec().n_refs) {
        let new = source.cells(&draw, CELLS_PER_DRAW, &mut random);
        cells.replace(cells.len(), &new);
    }
    cells
}
