//! Bits per sample by class: what the integer model says, and the bytes that the codec writes and reads back.

use crate::cells::{Cells, Shared, bits, gather};
use crate::data::{Corpus, Plane};
use collapsar::codec::network::{Context, decode, encode};
use collapsar::error::{Error, Result};
use collapsar::fit::{Sample, fit};
use collapsar::kernel::fast::{Fast, Level};
use collapsar::model::Model;

/// Tiles are cut this large, those at the edge smaller.
const TILE: usize = 256;
/// Tiles of a plane that its predictors are fitted to.
const N_FITTED: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
pub struct Score {
    pub n_planes: usize,
    pub n_samples: usize,
    /// By the widths of the intervals.
    pub model_bits: f64,
    /// By the payloads.
    pub coded_bits: f64,
}

/// One score per class; of each plane `n_tiles` tiles, spread over it.
pub fn evaluate(model: &Model, corpus: &Corpus, n_tiles: usize) -> Result<Vec<(String, Score)>> {
    let fast = model.fast(Level::detect());
    let mut scores = Vec::new();
    for (class, frames) in corpus.classes.iter().filter(|(_, frames)| !frames.is_empty()) {
        let mut score = Score::default();
        for frame in frames {
            for plane in &frame.planes {
                add(model, &fast, plane, n_tiles, &mut score).map_err(|e| e.at(&frame.name))?;
            }
        }
        scores.push((class.clone(), score));
    }
    Ok(scores)
}

fn add(model: &Model, fast: &Fast, plane: &Plane, n_tiles: usize, score: &mut Score) -> Result<()> {
    let fitted = spread(plane, N_FITTED);
    let tiles = spread(plane, n_tiles);
    let plans: Vec<_> = fitted.iter().map(|t| model.plan_to_encode(t.h, t.w)).collect();
    let samples = fitted.iter().zip(&plans).map(|(tile, plan)| Sample { plan, ints: &tile.ints, refs: &[] });
    let fitted = fit(model, &samples.collect::<Vec<_>>());
    let (linears, residual, max) = (&fitted.linears, fitted.residual, plane.max);
    let context = Context { model, fast, linears, residual, max };
    let shared = Shared { model, linears, residual, max };
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
        for (part, p) in model.parts.iter().enumerate() {
            let mut cells = Cells::new(p.net.n_in());
            let sample = Sample { plan: &plan, ints: &tile.ints, refs: &[] };
            gather(shared, part, &sample, 0, &mut || true, &mut cells);
            score.model_bits += bits(&p.net, &cells).iter().sum::<f64>();
        }
    }
    Ok(())
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
