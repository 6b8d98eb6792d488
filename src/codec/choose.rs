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
use crate::kernel::MAX_INT;
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
    let mut best: Option<(u64, Head)> = None;
    for (n_planes, h, w) in geometries(shape) {
        let windows = windows(source, offset, ty, (n_planes, h, w))?;
        for map in &maps {
            let mut table = Vec::new();
            map.write(&mut table);
            let stacks: Vec<Stack> = windows.iter().map(|window| window.ints(map, ty.big_endian)).collect();
            let grid = Grid::usual(n_planes, h, w, map.n_parts(), 1);
            let plain = Head {
                ty: ty.clone(),
                label: label.to_string(),
                map: map.clone(),
                grid,
                n_previous: 0,
                key_interval: 0,
                network: None,
            };
            let n_seen: u64 = stacks.iter().map(|s| (s.h * s.w) as u64).sum();
            let whole = stats.n_samples() as f64 / n_seen.max(1) as f64;
            for (bits, head) in candidates(plain, &stacks, models) {
                let bits = (bits as f64 * whole) as u64 + table.len() as u64 * 8;
                if best.as_ref().is_none_or(|(least, _)| bits < *least) {
                    best = Some((bits, head));
                }
            }
        }
    }
    Ok(best.expect("there is always a map and the classic modes").1)
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

/// Heads in question for one map and grid, with the bits that the windows take.
fn candidates(plain: Head, stacks: &[Stack], models: &[Arc<Model>]) -> Vec<(u64, Head)> {
    let max = plain.map.max_int(0);
    let n_parts = plain.grid.n_parts;
    let bits = stacks.par_iter().map(|s| {
        let part = |p: usize| &s.planes[0][p * s.h * s.w..][..s.h * s.w];
        (0..n_parts).map(|p| classic::estimate_bits(part(p), s.h, s.w)).sum::<u64>()
    });
    let classic_bits = bits.sum();
    let mut all = vec![(classic_bits, plain.clone())];
    if n_parts == 1 && max <= MAX_INT as u32 {
        for model in models {
            all.extend(with_network(&plain, stacks, model, max as i32));
        }
    }
    all
}

/// The network alone, with the planes before, with phases: each measured, each kept only where it is smaller.
fn with_network(plain: &Head, stacks: &[Stack], model: &Arc<Model>, max: i32) -> Vec<(u64, Head)> {
    let has_previous = stacks.iter().any(|s| s.planes.len() > 1);
    let mosaic = plain.grid.h >= 4
        && plain.grid.w >= 4
        && stacks.iter().filter(|s| looks_like_mosaic(&s.planes[0], s.h, s.w)).count() * 2 > stacks.len();
    let mut ways = vec![(1, 0)];
    if has_previous {
        ways.extend([(1, 1), (1, 2)]);
    }
    if mosaic {
        ways.push((4, 0));
        if has_previous {
            ways.push((4, 1));
        }
    }
    let heads = ways.into_iter().map(|(n_phases, n_previous)| {
        let fits = fits(model, stacks, n_phases, n_previous);
        let network = Network { model: model.clone(), last: Vec::new(), fits };
        let bits = measure(&network, stacks, n_phases, n_previous, max);
        let grid = &plain.grid;
        let head = Head {
            grid: Grid::usual(grid.n_planes, grid.h, grid.w, 1, n_phases),
            n_previous,
            key_interval: if n_previous > 0 { KEY_INTERVAL } else { 0 },
            network: Some(network),
            ..plain.clone()
        };
        (bits, head)
    });
    heads.collect()
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
                return Fitted { linears: model.linears(n_refs), residual: 64 };
            }
            let fit = fit::fit(model, &samples);
            Fitted { linears: fit.linears, residual: fit.residual }
        })
        .collect();
    fitted.chunks(n_previous + 1).map(<[Fitted]>::to_vec).collect()
}

fn measure(network: &Network, stacks: &[Stack], n_phases: usize, n_previous: usize, max: i32) -> u64 {
    let bits = stacks.par_iter().map(|stack| {
        let views = views(stack, n_phases, n_previous).into_iter().enumerate();
        let views = views.map(|(phase, view)| {
            let n = (stack.planes.len() - 1).min(n_previous);
            let Fitted { linears, residual } = &network.fits[phase][n];
            let context = Context { model: &network.model, linears, residual: *residual, max };
            let refs: Vec<&[i32]> = view.refs.iter().map(Vec::as_slice).collect();
            let plan = network.model.plan_to_encode(view.h, view.w);
            network::encode(context, &plan, &view.ints, &refs).len() as u64 * 8
        });
        views.sum::<u64>()
    });
    bits.sum()
}
