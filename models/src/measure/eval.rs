//! Bits per sample by class: of the model in floats, of its integers, and of the payloads that the codec writes and
//! reads back.

use crate::data::cells::{bits, gather};
use crate::data::corpus::Corpus;
use crate::data::plane::Plane;
use crate::data::sample::{Cells, Shared};
use crate::net::batch::Batch;
use crate::net::context::ContextNet;
use crate::net::quantise::{import, shape};
use burn::tensor::Device;
use collapsar::internals::error::{Error, Result};
use collapsar::internals::fit::{Sample, fit};
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::model::{Model, PassNet};
use collapsar::internals::tile::cells::{decode, encode};
use collapsar::internals::tile::stream::PlaneContext;
use std::iter::Sum;

/// Tiles are cut this large, those at the edge smaller.
const TILE: usize = 256;
/// Integers may cost so much of the floats' bits, in percent.
pub const MAX_GAP: f64 = 0.3;
/// Cells in one forward pass.
const N_AT_ONCE: usize = 1 << 14;
/// Tiles of a plane that its predictors are fitted to.
const N_FITTED: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub n_planes: usize,
    pub n_samples: usize,
    /// Of the nets as floats, nothing between the layers rounded.
    pub float_bits: f64,
    /// By the widths of the intervals.
    pub model_bits: f64,
    /// By the payloads.
    pub coded_bits: f64,
}

impl Score {
    /// What the integers cost, in percent of the floats' bits.
    pub fn gap(&self) -> f64 {
        100.0 * (self.model_bits / self.float_bits - 1.0)
    }

    pub fn bits_per_sample(&self) -> f64 {
        self.coded_bits / self.n_samples as f64
    }
}

impl Sum for Score {
    fn sum<I: Iterator<Item = Score>>(scores: I) -> Score {
        scores.fold(Score::default(), |a, b| Score {
            n_planes: a.n_planes + b.n_planes,
            n_samples: a.n_samples + b.n_samples,
            float_bits: a.float_bits + b.float_bits,
            model_bits: a.model_bits + b.model_bits,
            coded_bits: a.coded_bits + b.coded_bits,
        })
    }
}

/// The classes where integers cost too much, and how much.
pub fn too_far(scores: &[(String, Score)]) -> impl Iterator<Item = (&str, f64)> {
    // not a number is too far as well
    let gaps = scores.iter().map(|(class, score)| (class.as_str(), score.gap()));
    gaps.filter(|(_, gap)| gap.is_nan() || *gap > MAX_GAP)
}

/// A model in every form it is measured in.
struct Forms<'a> {
    model: &'a Model,
    kernels: Kernels,
    floats: Vec<ContextNet>,
    device: &'a Device,
}

/// One score per class; of each plane `n_tiles` tiles, spread over it.
pub fn evaluate(model: &Model, corpus: &Corpus, n_tiles: usize, device: &Device) -> Result<Vec<(String, Score)>> {
    let device = &device.clone().inner();
    let float = |part: &PassNet| ContextNet::new(&import(&part.net), &shape(&part.net), part.net.spec().head, device);
    let floats = model.nets.iter().map(float).collect();
    let forms = Forms { model, kernels: model.kernels(Level::detect()), floats, device };
    let mut scores = Vec::new();
    for (class, frames) in corpus.classes.iter().filter(|(_, frames)| !frames.is_empty()) {
        let mut score = Score::default();
        for frame in frames {
            for plane in &frame.planes {
                forms.add(plane, n_tiles, &mut score).map_err(|e| e.at(&frame.name))?;
            }
        }
        scores.push((class.clone(), score));
    }
    Ok(scores)
}

impl Forms<'_> {
    fn add(&self, plane: &Plane, n_tiles: usize, score: &mut Score) -> Result<()> {
        let Forms { model, kernels, .. } = self;
        let fitted = spread(plane, N_FITTED);
        let tiles = spread(plane, n_tiles);
        let plans: Vec<_> = fitted.iter().map(|t| model.plan_to_encode(t.h, t.w)).collect();
        let samples = fitted.iter().zip(&plans).map(|(tile, plan)| Sample { plan, ints: &tile.ints, refs: &[] });
        let fitted = fit(model, &samples.collect::<Vec<_>>());
        let (linears, stats, max) = (&fitted.linears, fitted.stats, plane.max);
        let context = PlaneContext { model, kernels, linears, stats, max };
        let shared = Shared { model, linears, stats, max };
        score.n_planes += 1;
        for tile in &tiles {
            let plan = model.plan_to_encode(tile.h, tile.w);
            score.n_samples += tile.ints.len();
            let payload = encode(context, &plan, &tile.ints, &[]);
            score.coded_bits += 8.0 * payload.len() as f64;
            let mut back = vec![0; tile.ints.len()];
            decode(context, &model.plan_to_decode(tile.h, tile.w), &payload, &[], &mut back)?;
            if back != tile.ints {
                return Err(Error::verify("a tile did not come back from its payload"));
            }
            // tiles alone: nets for reference planes have nothing to read
            let codes = |p: &PassNet| p.net.spec().n_refs == 0 && model.family.coded().contains(&p.net.spec().pass);
            for (part, p) in model.nets.iter().enumerate().filter(|(_, p)| codes(p)) {
                let mut cells = Cells::new(p.net.n_in());
                let sample = Sample { plan: &plan, ints: &tile.ints, refs: &[] };
                gather(shared, part, &sample, 0, &mut || true, &mut cells);
                score.model_bits += bits(&p.net, &cells).iter().sum::<f64>();
                score.float_bits += self.float_bits(part, &cells);
            }
        }
        Ok(())
    }

    fn float_bits(&self, part: usize, cells: &Cells) -> f64 {
        let n_features = self.model.nets[part].net.spec().n_features();
        let places: Vec<usize> = (0..cells.len()).collect();
        let bits = |places: &[usize]| {
            let bits = self.floats[part].bits(&Batch::new(cells, places, n_features, self.device), false);
            bits.into_data().try_into_vec::<f32>().expect("bits are f32").into_iter().map(f64::from).sum::<f64>()
        };
        places.chunks(N_AT_ONCE).map(bits).sum()
    }
}

struct Tile {
    h: usize,
    w: usize,
    ints: Vec<i32>,
}

/// At most `n` of the plane's tiles.
fn spread(plane: &Plane, n: usize) -> Vec<Tile> {
    let columns = plane.w.div_ceil(TILE);
    let all = plane.h.div_ceil(TILE) * columns;
    let n = n.min(all);
    let tile = |i: usize| {
        let i = i * all / n + all / (2 * n);
        let (y, x) = (i / columns * TILE, i % columns * TILE);
        let (h, w) = (TILE.min(plane.h - y), TILE.min(plane.w - x));
        let ints = (y..y + h).flat_map(|y| &plane.ints[y * plane.w + x..][..w]).copied().collect();
        Tile { h, w, ints }
    };
    (0..n).map(tile).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_where_integers_cost_too_much_are_named() {
        let score = |model_bits| Score { float_bits: 1000.0, model_bits, ..Score::default() };
        let scores = [2.0, 1002.9, 1003.1, f64::NAN].map(|bits| (bits.to_string(), score(bits)));
        let names: Vec<&str> = too_far(&scores).map(|(class, _)| class).collect();
        assert_eq!(names, ["1003.1", "NaN"]);
    }
}
