//! What the encoder decides for an array, by measuring: the map, the grid, the network, the planes looked at.
//!
//! A few windows, evenly spread over the array, are coded in every way that comes into question; the smallest wins. Nothing
//! here is known to the decoder but what the head says.

use crate::array::{ArrayType, Dtype};
use crate::codec::adapt::{self, Adapt};
use crate::codec::classic;
use crate::codec::head::{Fitted, Head, MAX_KEY_INTERVAL, MAX_PLANE_LOOKED_AT, MAX_REFS, Network};
use crate::codec::network::{self, Context};
use crate::codec::shown::{Shown, fine_map};
use crate::codec::vqae::{FINE, MAX_FINE};
use crate::codec::windows::{Origin, Stack, View};
use crate::error::{Error, Result};
use crate::fit::{self, Sample};
use crate::kernel::fast::{Fast, Level};
use crate::kernel::{MAX_INT, ONE, Usual};
use crate::model::Model;
use crate::sample::{Loss, Map, looks_like_mosaic};
use crate::source::Source;
use crate::tile::Grid;
use rayon::prelude::*;
use std::sync::Arc;

const KEY_INTERVAL: usize = 32;
/// Planes within a bound are mostly what the plane before was: a plane that looks at none costs several times as much as one that
/// does. So chains are longer where planes are small, up to so many samples.
const MAX_CHAIN: usize = 1 << 20;
/// Small planes may be laid side by side: a stack of stamps becomes one image.
const MAX_STAMP: usize = 1 << 12;

/// The head for an array at `offset` of a source.
pub fn choose(
    source: &dyn Source,
    offset: u64,
    ty: &ArrayType,
    label: &str,
    maps: &[Map],
    models: &[Arc<Model>],
    adapt: Adapt,
) -> Result<Head> {
    let (n_planes, h, w) = ty.planes();
    let shape = (n_planes as usize, h as usize, w as usize);
    let n_samples = ty.n_samples()?;
    // the map and the shape by what the classic modes make of them, which is cheap; then networks for these
    let mut best: Option<(u128, u64, Head, Vec<Stack>, Origin)> = None;
    for (n_planes, h, w) in geometries(shape) {
        let origin = Origin { source, offset, ty, shape: (n_planes, h, w) };
        let windows = origin.windows()?;
        for map in maps {
            let head = Head {
                ty: ty.clone(),
                label: label.to_string(),
                map: map.clone(),
                grid: Grid::usual(n_planes, h, w, map.n_parts(), 1),
                common: Vec::new(),
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
            let bits = u128::from(seen) * u128::from(n_samples) / n_seen;
            let bits = bits + table.len() as u128 * 8;
            if best.as_ref().is_none_or(|(least, ..)| bits < *least) {
                best = Some((bits, seen, head, stacks, origin));
            }
        }
    }
    let (_, classic_bits, head, stacks, origin) = best.expect("there is always a map");
    let mut head = with_network(head, classic_bits, &stacks, &origin, models, adapt)?;
    head.common = common(&head, source, offset)?;
    Ok(head)
}

/// The head for an array that a vqae codes; None where a bound makes it no simpler.
pub fn choose_vqae(shown: &Shown, ty: &ArrayType, label: &str, model: &Arc<Model>) -> Result<Option<Head>> {
    let name = &model.name;
    if !matches!(ty.dtype, Dtype::F32 | Dtype::F64) || !matches!(shown.loss, Loss::Abs(_) | Loss::Rel(_)) {
        return Err(Error::argument(format!(
            "{name} codes arrays of floats within a bound, --abs or --rel, and no others"
        )));
    }
    let Some(map) = fine_map(shown, FINE as u32)? else { return Ok(None) };
    if map.max_int(0) > MAX_FINE as u32 {
        return Err(Error::argument(format!("{name} is for low rates: a bound of 1/32000 of the range or more")));
    }
    let (n_planes, h, w) = ty.planes();
    let (n_planes, h, w) = geometries((n_planes as usize, h as usize, w as usize))[0];
    let mut head = Head {
        ty: ty.clone(),
        label: label.to_string(),
        grid: Grid::usual(n_planes, h, w, map.n_parts(), 1),
        map,
        common: Vec::new(),
        n_previous: 0,
        key_interval: 0,
        network: Some(Network { model: model.clone(), refits: Vec::new(), fits: Vec::new() }),
    };
    head.common = common(&head, shown, shown.offset)?;
    Ok(Some(head))
}

/// The mask of the first plane, if others have about the same.
fn common(head: &Head, source: &dyn Source, offset: u64) -> Result<Vec<u8>> {
    let (grid, map) = (&head.grid, &head.map);
    let Some(exception) = map.exception() else { return Ok(Vec::new()) };
    if map.markers().is_empty() || grid.n_planes < 2 || grid.n_phases > 1 || grid.h * grid.w > MAX_PLANE_LOOKED_AT {
        return Ok(Vec::new());
    }
    let classes = |plane: usize| -> Result<Vec<u8>> {
        let n = grid.h * grid.w;
        let n_bytes = n * head.ty.dtype.n_bytes();
        let bytes = source.bytes(offset + (plane * n_bytes) as u64, n_bytes)?;
        let (mut ints, mut classes) = (vec![0; n], vec![0; n]);
        map.to_classes(&bytes, head.ty.big_endian, &mut ints, &mut classes);
        classes.iter_mut().filter(|class| **class == exception).for_each(|class| *class = 0);
        Ok(classes)
    };
    let first = classes(0)?;
    let n_turns = first.windows(2).filter(|pair| pair[0] != pair[1]).count();
    let mut is_common = n_turns > 0;
    for plane in [grid.n_planes / 2, grid.n_planes - 1] {
        let other = classes(plane)?;
        is_common &= first.iter().zip(&other).filter(|(a, b)| a != b).count() * 4 < n_turns;
    }
    Ok(if is_common { first } else { Vec::new() })
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

fn classic_bits(head: &Head, stacks: &[Stack]) -> u64 {
    let bits = stacks.par_iter().map(|s| {
        let part = |p: usize| &s.planes[0][p * s.h * s.w..][..s.h * s.w];
        (0..head.grid.n_parts).map(|p| classic::estimate_bits(part(p), s.h, s.w)).sum::<u64>()
    });
    bits.sum()
}

/// The same of one part, by coding it.
fn exact_classic_bits(head: &Head, stacks: &[Stack]) -> u64 {
    let max = head.map.max_int(0);
    stacks.par_iter().map(|s| classic::encode(&s.planes[0], s.h, s.w, max).len() as u64 * 8).sum()
}

/// The best of the models, then for it the planes before, the phases and a refit; each kept only where the windows get smaller.
fn with_network(
    plain: Head,
    classic_bits: u64,
    stacks: &[Stack],
    origin: &Origin,
    models: &[Arc<Model>],
    adapt: Adapt,
) -> Result<Head> {
    let max = plain.map.max_int(0);
    if plain.grid.n_parts > 1 || max > MAX_INT as u32 || max == 0 {
        return Ok(plain);
    }
    let one = |model: &Arc<Model>, (n_phases, n_previous): (usize, usize)| {
        let network =
            Network { model: model.clone(), refits: Vec::new(), fits: fits(model, stacks, n_phases, n_previous) };
        let bits = measure(&network, &model.fast(Level::detect()), stacks, n_phases, n_previous, max as i32);
        let grid = Grid::usual(plain.grid.n_planes, plain.grid.h, plain.grid.w, 1, n_phases);
        let key_interval = if n_previous > 0 { key_interval(&plain) } else { 0 };
        (bits, Head { grid, n_previous, key_interval, network: Some(network), ..plain.clone() })
    };
    let mut measured: Vec<(u64, Head)> = models.iter().map(|model| one(model, (1, 0))).collect();
    measured.sort_by_key(|(bits, _)| *bits);
    measured.truncate(adapt.n_models());
    let ways = ways(&plain, stacks);
    let mut smallest = (classic_bits, plain.clone());
    for mut best in measured {
        let model = best.1.network.as_ref().expect("it was measured with one").model.clone();
        for &way in &ways {
            let (bits, head) = one(&model, way);
            if bits < best.0 {
                best = (bits, head);
            }
        }
        if adapt::may_win(best.0, smallest.0) {
            let mut refitted = best.1.clone();
            let bits = best.0.saturating_sub(adapt::adapt(adapt, &mut refitted, origin, stacks)?);
            // the estimate may be far off where noise is strange, which is where refits gain most
            if bits < best.0 && bits < exact_classic_bits(&plain, stacks) {
                best = (bits, refitted);
            }
        }
        if best.0 < smallest.0 {
            smallest = best;
        }
    }
    Ok(smallest.1)
}

fn key_interval(head: &Head) -> usize {
    match head.map.bound() {
        None => KEY_INTERVAL,
        Some(_) => (MAX_CHAIN / (head.grid.h * head.grid.w)).clamp(KEY_INTERVAL, MAX_KEY_INTERVAL),
    }
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

fn fits(model: &Arc<Model>, stacks: &[Stack], n_phases: usize, n_previous: usize) -> Vec<Vec<Fitted>> {
    let ways: Vec<(usize, usize)> = (0..n_phases).flat_map(|phase| (0..=n_previous).map(move |n| (phase, n))).collect();
    let fitted: Vec<Fitted> = ways
        .par_iter()
        .map(|&(phase, n)| {
            let views = stacks.iter().map(|s| s.views(n_phases, n).swap_remove(phase));
            let n_refs = (phase + n).min(MAX_REFS);
            let (plans, views): (Vec<_>, Vec<View>) = views
                .map(|view| {
                    let plan = model.plan_to_encode(view.h, view.w);
                    let view = view.fill_in(&plan);
                    (plan, view)
                })
                .unzip();
            let refs: Vec<Vec<&[i32]>> = views.iter().map(View::refs).collect();
            let whole = (0..views.len()).filter(|&i| refs[i].len() == n_refs);
            let samples = whole.clone().map(|i| Sample { plan: &plans[i], ints: &views[i].ints, refs: &refs[i] });
            let samples: Vec<Sample> = samples.collect();
            let classes: Vec<&[u8]> = whole.map(|i| views[i].classes.as_slice()).collect();
            if samples.is_empty() {
                return Fitted { linears: model.linears(n_refs), usual: Usual { value: 0, residual: ONE } };
            }
            let fit = fit::fit_masked(model, &samples, &classes);
            Fitted { linears: fit.linears, usual: fit.usual }
        })
        .collect();
    fitted.chunks(n_previous + 1).map(<[Fitted]>::to_vec).collect()
}

fn measure(network: &Network, fast: &Fast, stacks: &[Stack], n_phases: usize, n_previous: usize, max: i32) -> u64 {
    let bits = stacks.par_iter().map(|stack| {
        let views = stack.views(n_phases, n_previous).into_iter().enumerate();
        let views = views.map(|(phase, view)| {
            let n = (stack.planes.len() - 1).min(n_previous);
            let Fitted { linears, usual } = &network.fits[phase][n];
            let context = Context { model: &network.model, fast, linears, usual: *usual, max };
            let plan = network.model.plan_to_encode(view.h, view.w);
            let view = view.fill_in(&plan);
            network::encode_masked(context, &plan, &view.ints, &view.classes, &view.refs()).len() as u64 * 8
        });
        views.sum::<u64>()
    });
    bits.sum()
}
