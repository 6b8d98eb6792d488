//! What the encoder decides for an array, by measuring: the map, the grid, the network, the planes looked at.
//!
//! A few windows, evenly spread over the array, are coded in every way that comes into question; the smallest wins. Nothing
//! here is known to the decoder but what the head says.

use crate::array::ArrayType;
use crate::codec::classic;
use crate::codec::head::{Fitted, Head, MAX_PLANE_LOOKED_AT, MAX_REFS, Network};
use crate::codec::network::{self, Context};
use crate::error::Result;
use crate::fit::{self, Sample};
use crate::kernel::fast::{Fast, Level};
use crate::kernel::{MAX_INT, ONE, Usual};
use crate::model::Model;
use crate::sample::{Map, Stats, looks_like_mosaic, phase};
use crate::source::Source;
use crate::tile::Grid;
use rayon::prelude::*;
use std::sync::Arc;

/// Windows that are looked at, and their size.
const N_WINDOWS: usize = 6;
const WINDOW: usize = 128;
const KEY_INTERVAL: usize = 32;
/// Small planes may be laid side by side: a stack of stamps becomes one image.
const MAX_STAMP: usize = 1 << 12;

/// A window of a plane and of the planes before it, newest first, as bytes.
struct Window {
    h: usize,
    w: usize,
    planes: Vec<Vec<u8>>,
}

/// The same as ints.
struct Stack {
    h: usize,
    w: usize,
    planes: Vec<Vec<i32>>,
}

/// The head for an array at `offset` of a source.
pub fn choose(
    source: &dyn Source,
    offset: u64,
    ty: &ArrayType,
    label: &str,
    stats: &Stats,
    models: &[Arc<Model>],
) -> Result<Head> {
    let (n_planes, h, w) = ty.planes();
    let shape = (n_planes as usize, h as usize, w as usize);
    let maps = Map::candidates(stats);
    // the map and the shape by what the classic modes make of them, which is cheap; then networks for these
    let mut best: Option<(u128, u64, Head, Vec<Stack>)> = None;
    for (n_planes, h, w) in geometries(shape) {
        let windows = windows(source, offset, ty, (n_planes, h, w))?;
        for map in &maps {
            let head = Head {
                ty: ty.clone(),
                label: label.to_string(),
                map: map.clone(),
                grid: Grid::usual(n_planes, h, w, map.n_parts(), 1),
                n_previous: 0,
                key_interval: 0,
                network: None,
            };
            let stacks: Vec<Stack> = windows.iter().map(|window| window.ints(map, ty.big_endian)).collect();
            let mut table = Vec::new();
            map.write(&mut table);
            let n_seen = stacks.iter().map(|s| (s.h * s.w) as u128).sum::<u128>().max(1);
            // of the whole array, from its share in the windows
            let seen = classic_bits(&head, &stacks);
            let bits = u128::from(seen) * u128::from(stats.n_samples()) / n_seen;
            let bits = bits + table.len() as u128 * 8;
            if best.as_ref().is_none_or(|(least, ..)| bits < *least) {
                best = Some((bits, seen, head, stacks));
            }
        }
    }
    let (_, classic_bits, head, stacks) = best.expect("there is always a map");
    Ok(with_network(head, classic_bits, &stacks, models))
}

/// The shapes in which an array may be cut into tiles, its own first. A column is a row: tiles are wide, not tall.
fn geometries((n_planes, h, w): (usize, usize, usize)) -> Vec<(usize, usize, usize)> {
    let (n_planes, h, w) = match (n_planes, h, w) {
        (n, 1, 1) => (1, 1, n),
        (n, h, 1) => (n, 1, h),
        shape => shape,
    };
    let mut all = vec![(n_planes, h, w)];
    if n_planes >= 8 && h * w <= MAX_STAMP && h * w > 1 {
        all.push((1, n_planes, h * w)); // a row per plane: the same place of the plane before stands above
        all.push((1, n_planes * h, w));
    }
    all
}

fn windows(
    source: &dyn Source,
    offset: u64,
    ty: &ArrayType,
    (n_planes, h, w): (usize, usize, usize),
) -> Result<Vec<Window>> {
    let (wh, ww) = (h.min(WINDOW), w.min(WINDOW * WINDOW / h.min(WINDOW)));
    let n = (n_planes * (h / wh) * (w / ww)).clamp(1, N_WINDOWS);
    let n_bytes = ty.dtype.n_bytes();
    let n_back = if h * w <= MAX_PLANE_LOOKED_AT { MAX_REFS - 1 } else { 0 };
    let one = |i: usize| {
        // evenly along each axis, each at its own pace, so that windows do not line up
        let spread =
            |n_places: usize, pace: usize| if n == 1 { n_places / 2 } else { (i * pace % n) * n_places / (n - 1) };
        let plane = if n_planes == 1 { 0 } else { spread(n_planes - 1, 1) };
        // even places, so that a phase of the window is that phase of the array
        let (y0, x0) = (spread(h - wh, if n == N_WINDOWS { N_WINDOWS - 1 } else { 1 }) & !1, spread(w - ww, 1) & !1);
        let planes = (0..=n_back.min(plane)).map(|back| {
            let mut bytes = vec![0; wh * ww * n_bytes];
            for (y, row) in bytes.chunks_exact_mut(ww * n_bytes).enumerate() {
                let sample = ((plane - back) * h + y0 + y) * w + x0;
                source.read_at(offset + (sample * n_bytes) as u64, row)?;
            }
            Ok(bytes)
        });
        Ok(Window { h: wh, w: ww, planes: planes.collect::<Result<_>>()? })
    };
    (0..n).map(one).collect()
}

impl Window {
    fn ints(&self, map: &Map, big_endian: bool) -> Stack {
        let planes = self.planes.iter().map(|bytes| {
            let mut parts = vec![vec![0; self.h * self.w]; map.n_parts()];
            let mut views: Vec<&mut [i32]> = parts.iter_mut().map(Vec::as_mut_slice).collect();
            map.to_ints(bytes, big_endian, &mut views);
            parts.concat()
        });
        Stack { h: self.h, w: self.w, planes: planes.collect() }
    }
}

fn classic_bits(head: &Head, stacks: &[Stack]) -> u64 {
    let bits = stacks.par_iter().map(|s| {
        let part = |p: usize| &s.planes[0][p * s.h * s.w..][..s.h * s.w];
        (0..head.grid.n_parts).map(|p| classic::estimate_bits(part(p), s.h, s.w)).sum::<u64>()
    });
    bits.sum()
}

/// The best of the models, then for it the planes before and the phases; each kept only where the windows get smaller.
fn with_network(plain: Head, classic_bits: u64, stacks: &[Stack], models: &[Arc<Model>]) -> Head {
    let max = plain.map.max_int(0);
    if plain.grid.n_parts > 1 || max > MAX_INT as u32 || max == 0 {
        return plain;
    }
    let one = |model: &Arc<Model>, (n_phases, n_previous): (usize, usize)| {
        let network =
            Network { model: model.clone(), last: Vec::new(), fits: fits(model, stacks, n_phases, n_previous) };
        let bits = measure(&network, &model.fast(Level::detect()), stacks, n_phases, n_previous, max as i32);
        let grid = Grid::usual(plain.grid.n_planes, plain.grid.h, plain.grid.w, 1, n_phases);
        let key_interval = if n_previous > 0 { KEY_INTERVAL } else { 0 };
        (bits, Head { grid, n_previous, key_interval, network: Some(network), ..plain.clone() })
    };
    let measured = models.iter().map(|model| (one(model, (1, 0)), model));
    let Some((mut best, model)) = measured.min_by_key(|((bits, _), _)| *bits) else { return plain };
    for way in ways(&plain, stacks) {
        let (bits, head) = one(model, way);
        if bits < best.0 {
            best = (bits, head);
        }
    }
    if best.0 < classic_bits { best.1 } else { plain }
}

/// (phases, planes before) that are worth measuring beside the plain way.
fn ways(plain: &Head, stacks: &[Stack]) -> Vec<(usize, usize)> {
    let has_previous = stacks.iter().any(|s| s.planes.len() > 1);
    let mosaic = plain.grid.h >= 4
        && plain.grid.w >= 4
        && stacks.iter().filter(|s| looks_like_mosaic(&s.planes[0], s.h, s.w)).count() * 2 > stacks.len();
    match (mosaic, has_previous) {
        (false, false) => vec![],
        (false, true) => vec![(1, 1), (1, 2)],
        (true, false) => vec![(4, 0)],
        (true, true) => vec![(1, 1), (4, 0), (4, 1)],
    }
}

/// A phase of a window, and what it may look at: earlier phases, then the same phase of `n_previous` planes before.
struct View {
    h: usize,
    w: usize,
    ints: Vec<i32>,
    refs: Vec<Vec<i32>>,
}

fn views(stack: &Stack, n_phases: usize, n_previous: usize) -> Vec<View> {
    let (h, w) = (stack.h, stack.w);
    let previous = &stack.planes[1..stack.planes.len().min(1 + n_previous)];
    if n_phases == 1 {
        return vec![View { h, w, ints: stack.planes[0].clone(), refs: previous.to_vec() }];
    }
    let split: Vec<[Vec<i32>; 4]> = stack.planes.iter().map(|ints| phase::split(ints, h, w)).collect();
    let (h, w) = (h / 2, w / 2); // windows of mosaics are cut to even sizes
    let cut = |p: usize, phase: usize| {
        let columns = phase::size(phase, stack.h, stack.w).1;
        split[p][phase].chunks_exact(columns).take(h).flat_map(|row| &row[..w]).copied().collect::<Vec<i32>>()
    };
    let view = |phase: usize| {
        let planes = (1..=previous.len()).map(|p| cut(p, phase));
        let refs = (0..phase).map(|earlier| cut(0, earlier)).chain(planes).take(MAX_REFS).collect();
        View { h, w, ints: cut(0, phase), refs }
    };
    (0..4).map(view).collect()
}

fn fits(model: &Arc<Model>, stacks: &[Stack], n_phases: usize, n_previous: usize) -> Vec<Vec<Fitted>> {
    let ways: Vec<(usize, usize)> = (0..n_phases).flat_map(|phase| (0..=n_previous).map(move |n| (phase, n))).collect();
    let fitted: Vec<Fitted> = ways
        .par_iter()
        .map(|&(phase, n)| {
            let views: Vec<View> = stacks.iter().map(|s| views(s, n_phases, n).swap_remove(phase)).collect();
            let n_refs = (phase + n).min(MAX_REFS);
            let plans: Vec<_> = views.iter().map(|v| model.plan_to_encode(v.h, v.w)).collect();
            let refs: Vec<Vec<&[i32]>> = views.iter().map(|v| v.refs.iter().map(Vec::as_slice).collect()).collect();
            let whole = (0..views.len()).filter(|&i| refs[i].len() == n_refs);
            let samples = whole.map(|i| Sample { plan: &plans[i], ints: &views[i].ints, refs: &refs[i] });
            let samples: Vec<Sample> = samples.collect();
            if samples.is_empty() {
                return Fitted { linears: model.linears(n_refs), usual: Usual { value: 0, residual: ONE } };
            }
            let fit = fit::fit(model, &samples);
            Fitted { linears: fit.linears, usual: fit.usual }
        })
        .collect();
    fitted.chunks(n_previous + 1).map(<[Fitted]>::to_vec).collect()
}

fn measure(network: &Network, fast: &Fast, stacks: &[Stack], n_phases: usize, n_previous: usize, max: i32) -> u64 {
    let bits = stacks.par_iter().map(|stack| {
        let views = views(stack, n_phases, n_previous).into_iter().enumerate();
        let views = views.map(|(phase, view)| {
            let n = (stack.planes.len() - 1).min(n_previous);
            let Fitted { linears, usual } = &network.fits[phase][n];
            let context = Context { model: &network.model, fast, linears, usual: *usual, max };
            let refs: Vec<&[i32]> = view.refs.iter().map(Vec::as_slice).collect();
            let plan = network.model.plan_to_encode(view.h, view.w);
            network::encode(context, &plan, &view.ints, &refs).len() as u64 * 8
        });
        views.sum::<u64>()
    });
    bits.sum()
}
