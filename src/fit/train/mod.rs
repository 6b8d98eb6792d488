//! w ← Adam(∇ mean of −ln P over a batch)      average ← average + (w − average) / min(step, window)      kept: the best on held-out cells
//!
//! All layers of a plain net, fitted to the cells of some frames. Forward it computes with what integers stand for from the first step
//! on: it begins from integers. The net that it begins with is among those that are judged, so held-out cells do not get worse. Sums
//! are taken in a fixed order, so the same cells and seed give the same net, whatever the number of threads.

mod adam;
mod floats;
mod order;
mod product;
mod strip;
#[cfg(test)]
mod tests;

use super::cells::Cells;
use super::likelihood::N;
use crate::net::Net;
use adam::{Adam, rate};
use floats::{Rounded, Size, export, import, rounded, sizes};
use order::{Order, Place};
use rayon::prelude::*;
use strip::{Shown, Sums, bits, learn};

/// Cells of a step.
pub const N_BATCH: usize = 8192;
/// Blocks that are summed up in f32; these sums are added in their order.
const N_CHUNK: usize = 32;
/// Steps that the average looks back.
const WINDOW: u64 = 250;
/// How often the nets are judged on the way, and by how many cells.
const N_JUDGED: u64 = 40;
const N_JUDGES: usize = 1 << 16;

/// What is known after a step.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// How many steps are done.
    pub step: u64,
    /// Per cell of the last batch.
    pub bits: f64,
    /// Per held-out cell: of the net that it began with, of the best so far.
    pub before: f64,
    pub best: f64,
}

/// How much of the way is gone: 0 at its begin, 1 at its end. Whoever paces a training says it, by steps or by a clock, and is told of
/// the end, too.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Way(pub f64);

/// The best net on the held-out cells, the given one included; None where there are too few cells to learn from or to judge by.
pub fn train(
    net: &Net,
    frames: &[Cells],
    held_out: &[Cells],
    seed: u64,
    pace: &mut dyn FnMut(Told) -> Way,
) -> Option<Net> {
    let mut order = Order::new(frames, seed);
    let judge = Judge::new(net, held_out);
    if order.is_empty() || judge.places.is_empty() {
        return None;
    }
    let mut course = Course::new(net, judge);
    loop {
        let told = course.told();
        let Way(way) = pace(told);
        course.judge_if_due(way);
        if way >= 1.0 {
            pace(course.told());
            return Some(course.best.2.unwrap_or_else(|| net.clone()));
        }
        course.step(frames, &mut order, rate(told.step, way));
    }
}

/// A training on its way.
struct Course<'a> {
    net: &'a Net,
    sizes: Vec<Size>,
    judge: Judge<'a>,
    floats: Vec<f32>,
    average: Vec<f32>,
    adam: Adam,
    step: u64,
    bits: f64,
    /// Judgements that were made.
    n_judged: u64,
    /// Bits of the beginning and of the best, and that, unless it is the beginning.
    best: (f64, f64, Option<Net>),
}

impl<'a> Course<'a> {
    fn new(net: &'a Net, judge: Judge<'a>) -> Course<'a> {
        let floats = import(net);
        let before = judge.bits(&floats);
        let (average, adam, best) = (floats.clone(), Adam::new(floats.len()), (before, before, None));
        Course { net, sizes: sizes(net), judge, floats, average, adam, step: 0, bits: before, n_judged: 0, best }
    }

    fn told(&self) -> Told {
        Told { step: self.step, bits: self.bits, before: self.best.0, best: self.best.1 }
    }

    fn judge_if_due(&mut self, way: f64) {
        let due = (way.clamp(0.0, 1.0) * N_JUDGED as f64) as u64;
        if due <= self.n_judged {
            return;
        }
        self.n_judged = due;
        for floats in [&self.floats, &self.average] {
            let bits = self.judge.bits(floats);
            // a net whose sums could overflow is none
            if bits < self.best.1
                && let Some(net) = export(floats, self.net)
            {
                (self.best.1, self.best.2) = (bits, Some(net));
            }
        }
    }

    fn step(&mut self, frames: &[Cells], order: &mut Order, rate: f32) {
        let places = order.draw(N_BATCH / N);
        let layers = rounded(&self.floats, &self.sizes, self.net.head);
        let shown = Shown::new(frames, order);
        let sums: Vec<Sums> =
            places.par_chunks(N_CHUNK).map(|places| learn(&layers, self.net.head, shown, places)).collect();
        let mut slopes = vec![0.0; self.floats.len()];
        let mut bits = 0.0;
        for of in &sums {
            bits += of.bits;
            slopes.iter_mut().zip(&of.slopes).for_each(|(sum, slope)| *sum += slope / N_BATCH as f32);
        }
        self.bits = bits / N_BATCH as f64;
        self.adam.step(rate, &mut self.floats, &slopes);
        self.step += 1;
        let window = self.step.min(WINDOW) as f32;
        self.average.iter_mut().zip(&self.floats).for_each(|(a, w)| *a += (w - *a) / window);
    }
}

/// What judges on the way: cells that no step is taken on.
struct Judge<'a> {
    net: &'a Net,
    sizes: Vec<Size>,
    cells: &'a [Cells],
    order: Order,
    places: Vec<Place>,
}

impl Judge<'_> {
    fn new<'a>(net: &'a Net, cells: &'a [Cells]) -> Judge<'a> {
        let order = Order::new(cells, 0);
        let places = order.evenly(N_JUDGES / N);
        Judge { net, sizes: sizes(net), cells, order, places }
    }

    /// Per cell.
    fn bits(&self, floats: &[f32]) -> f64 {
        let layers: Vec<Rounded> = rounded(floats, &self.sizes, self.net.head);
        let shown = Shown::new(self.cells, &self.order);
        let sums: Vec<f64> =
            self.places.par_chunks(N_CHUNK).map(|places| bits(&layers, self.net.head, shown, places)).collect();
        sums.iter().sum::<f64>() / (self.places.len() * N) as f64
    }
}
