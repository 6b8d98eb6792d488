//! What the encoder decides for an array, by measuring: the map, the grid, the network, the planes and arrays looked at.
//!
//! A few windows, evenly spread over the array, are coded in every way that comes into question; the smallest wins. Nothing
//! here is known to the decoder but what the head says.

use crate::codec::adapt::{self, Adapt};
use crate::codec::anchor::Anchor;
use crate::codec::classic;
use crate::codec::head::{Head, MAX_PLANE_LOOKED_AT, MAX_REFS};
use crate::codec::measure::measure;
use crate::codec::painted::shape;
use crate::codec::related::{self, Looked, Related};
use crate::codec::shown::Shown;
use crate::codec::trial::one;
use crate::codec::windows::{Origin, Stack};
use crate::error::Result;
use crate::kernel::MAX_INT;
use crate::model::Model;
use crate::sample::{Map, looks_like_mosaic};
use crate::source::Source;
use crate::tile::Grid;
use rayon::prelude::*;
use std::sync::Arc;

/// Small planes may be laid side by side: a stack of stamps becomes one image.
const MAX_STAMP: usize = 1 << 12;
/// Arrays that tell of an array which are measured, in every round: a third one gave 0.05 % of groups of frames and took as long.
const N_CANDIDATES: usize = 2;
/// What is behind by less than one part in so many may be ahead over the whole array.
const NEAR: u64 = 16;
/// Samples that are coded where windows do not decide.
const N_MEASURED: usize = 1 << 19;
/// Samples of a plane whose mask is looked at, at once.
const COMMON_CHUNK: usize = 1 << 20;
/// What makes windows smaller by less than one part in so many is not believed: a refit would gain as much without.
const MIN_SHARE: u128 = 512;

/// The head for an array, and the bits that a thousand samples of its windows take.
pub fn choose(
    shown: &Shown,
    label: &str,
    maps: &[Map],
    models: &[Arc<Model>],
    adapt: Adapt,
    related: &Related,
) -> Result<(Head, u64)> {
    let &Shown { offset, ty, .. } = shown;
    let source: &dyn Source = shown;
    let n_samples = ty.n_samples()?;
    // the map and the shape by what the classic modes make of them, which is cheap; then networks for these
    let mut best: Option<(u128, u64, Head, Vec<Stack>, Origin)> = None;
    for (n_planes, h, w) in geometries(shape(ty)) {
        let origin = Origin { source, offset, ty, shape: (n_planes, h, w), looked: &[] };
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
                anchors: Vec::new(),
                network: None,
                waves: None,
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
    let n_seen = stacks.iter().map(|s| s.h * s.w).sum::<usize>().max(1) as u64;
    let common = common(&head, source, offset)?;
    let mut all = with_networks(head, classic_bits, &stacks, &origin, models, adapt, related)?;
    all.iter_mut().for_each(|(_, head)| head.common = common.clone());
    let (bits, head) = nearer(all, shown, related)?;
    Ok((head, bits * 1000 / n_seen))
}

/// The mask of the first plane, if others have about the same.
fn common(head: &Head, source: &dyn Source, offset: u64) -> Result<Vec<u8>> {
    let (grid, map) = (&head.grid, &head.map);
    let Some(exception) = map.exception() else { return Ok(Vec::new()) };
    if map.markers().is_empty() || grid.n_planes < 2 || grid.n_phases > 1 || grid.h * grid.w > MAX_PLANE_LOOKED_AT {
        return Ok(Vec::new());
    }
    let classes = |plane: usize| -> Result<Vec<u8>> {
        let (n, n_bytes) = (grid.h * grid.w, head.ty.dtype.n_bytes());
        let (mut ints, mut classes) = (vec![0; n.min(COMMON_CHUNK)], vec![0; n]);
        for (nth, classes) in classes.chunks_mut(COMMON_CHUNK).enumerate() {
            let first = plane * n + nth * COMMON_CHUNK;
            let bytes = source.bytes(offset + (first * n_bytes) as u64, classes.len() * n_bytes)?;
            map.to_classes(&bytes, head.ty.big_endian, &mut ints[..classes.len()], classes);
        }
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

/// The shapes in which an array may be cut into tiles, its own first.
fn geometries((n_planes, h, w): (usize, usize, usize)) -> Vec<(usize, usize, usize)> {
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

/// The best by windows; of a field within a bound, where some are hardly behind it, the best of these by a part of the array.
fn nearer(mut all: Vec<(u64, Head)>, shown: &Shown, related: &Related) -> Result<(u64, Head)> {
    all.sort_by_key(|(bits, _)| *bits);
    let (least, is_bounded) = (all[0].0, all[0].1.map.bound().is_some());
    all.retain(|(bits, _)| *bits == least || is_bounded && bits - least < least / NEAR);
    let mut best = 0;
    if all.len() > 1 {
        let sizes = all.iter().map(|(_, head)| Ok(measure(head, shown, related, N_MEASURED)?.n_bytes));
        let sizes = sizes.collect::<Result<Vec<u128>>>()?;
        best = (0..all.len()).min_by_key(|&i| sizes[i]).unwrap_or(0);
    }
    Ok(all.swap_remove(best))
}

/// Classic modes, and the best models, with the planes before, the phases, other arrays and a refit; each kept only where the windows
/// get smaller.
fn with_networks(
    plain: Head,
    classic_bits: u64,
    stacks: &[Stack],
    origin: &Origin,
    models: &[Arc<Model>],
    adapt: Adapt,
    related: &Related,
) -> Result<Vec<(u64, Head)>> {
    let max = plain.map.max_int(0);
    if plain.grid.n_parts > 1 || max > MAX_INT as u32 || max == 0 {
        return Ok(vec![(classic_bits, plain)]);
    }
    let masked = plain.map.exception().is_some();
    let models = models.iter().filter(|model| !masked || model.family.knows_masks());
    let mut measured: Vec<(u64, Head)> = models.map(|model| one(&plain, model, (1, 0), stacks)).collect();
    measured.sort_by_key(|(bits, _)| *bits);
    let seeing = measured.iter().filter_map(|(_, head)| head.network.as_ref()).map(|network| network.model.clone());
    let seeing = seeing.into_iter().find(|model| model.parts.iter().any(|part| part.net.n_refs > 0));
    // windows of fields within a bound mislead: what is hardly behind is looked at, too
    let n_near = measured
        .iter()
        .take_while(|(bits, _)| plain.map.bound().is_some() && bits - measured[0].0 < measured[0].0 / NEAR);
    measured.truncate(adapt.n_models().max(n_near.count()));
    let ways = ways(&plain, stacks);
    let mut all = vec![(classic_bits, plain.clone())];
    let mut least = classic_bits;
    for mut best in measured {
        let model = best.1.network.as_ref().expect("it was measured with one").model.clone();
        for &way in &ways {
            let (bits, head) = one(&plain, &model, way, stacks);
            if bits < best.0 {
                best = (bits, head);
            }
        }
        let others = seeing.iter().filter(|other| other.hash != model.hash);
        let models: Vec<Arc<Model>> = std::iter::once(&model).chain(others).cloned().collect();
        let Seeing { best: chosen, looked, stacks } = with_anchors(best, &plain, stacks, origin, &models, related)?;
        best = chosen;
        if adapt::may_win(best.0, least) {
            let mut refitted = best.1.clone();
            let origin = Origin { looked: &looked, ..*origin };
            let bits = best.0.saturating_sub(adapt::adapt(adapt, &mut refitted, &origin, &stacks)?);
            // the estimate may be far off where noise is strange, which is where refits gain most
            if bits < best.0 && bits < exact_classic_bits(&plain, &stacks) {
                best = (bits, refitted);
            }
        }
        least = least.min(best.0);
        all.push(best);
    }
    Ok(all)
}

/// The best so far, the arrays that it looks at, and windows that see them.
struct Seeing<'a> {
    best: (u64, Head),
    looked: Vec<Looked<'a>>,
    stacks: Vec<Stack>,
}

/// The best of a round: the bits with the head, which candidate it was, and what windows see then.
struct Round {
    size: u128,
    nth: usize,
    head: (u64, Head),
    stacks: Vec<Stack>,
}

/// What was best, with those arrays before it looked at that make the windows smaller by more than their share of the longer head.
/// One after the other: in every round the first few of those that tell most beside those chosen are measured, by every model.
fn with_anchors<'a>(
    mut best: (u64, Head),
    plain: &Head,
    stacks: &[Stack],
    origin: &Origin,
    models: &[Arc<Model>],
    related: &Related<'a>,
) -> Result<Seeing<'a>> {
    let (mut looked, mut stacks): (Vec<Looked>, Vec<Stack>) = (Vec::new(), stacks.to_vec());
    let way = (best.1.grid.n_phases, best.1.n_previous);
    let mut candidates = related.candidates(origin, &stacks)?;
    let n_seen = stacks.iter().map(|s| s.h * s.w).sum::<usize>() as u128;
    let n_ints = (plain.grid.n_planes * plain.grid.h * plain.grid.w) as u128;
    let with_head = |bits: u64, head: &Head| {
        let mut bytes = Vec::new();
        head.write(&mut bytes);
        u128::from(bits) + bytes.len() as u128 * 8 * n_seen / n_ints
    };
    let (mut n_kept, mut kept, mut is_leap) = (0, stacks.clone(), false);
    while looked.len() + way.1 < MAX_REFS {
        let mut least: Option<Round> = None;
        for (i, candidate) in candidates.iter().enumerate().take(N_CANDIDATES) {
            let mut seeing = stacks.clone();
            seeing.iter_mut().zip(&candidate.seen).for_each(|(stack, seen)| stack.anchors.push(seen.clone()));
            let anchors: Vec<Anchor> = looked.iter().chain([&candidate.looked]).map(|l| l.anchor).collect();
            let heads = models.iter().map(|model| one(plain, model, way, &seeing));
            for (bits, head) in heads.map(|(bits, head)| (bits, Head { anchors: anchors.clone(), ..head })) {
                let size = with_head(bits, &head);
                if least.as_ref().is_none_or(|least| size < least.size) {
                    least = Some(Round { size, nth: i, head: (bits, head), stacks: seeing.clone() });
                }
            }
        }
        let Some(Round { size, nth, head, stacks: seeing }) = least else { break };
        looked.push(candidates.remove(nth).looked);
        stacks = seeing;
        related::again(&mut candidates, &stacks);
        if size + size / MIN_SHARE < with_head(best.0, &best.1) {
            (best, n_kept, kept, is_leap) = (head, looked.len(), stacks.clone(), false);
        } else if is_leap || !related::is_promising(&candidates) {
            break;
        } else {
            is_leap = true; // a difference of two fields may need both
        }
    }
    looked.truncate(n_kept);
    Ok(Seeing { best, looked, stacks: kept })
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
