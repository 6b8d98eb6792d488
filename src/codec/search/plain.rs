//! The map and the shape of an array, by what classic modes make of its windows.

use crate::codec::array::head::MAX_PLANE_LOOKED_AT;
use crate::codec::search::draft::{Draft, is_for_networks};
use crate::codec::search::task::Task;
use crate::codec::search::view::{SourceView, shape};
use crate::codec::search::windows::{Origin, Stack};
use crate::error::Result;
use crate::sample::{Loss, Map};
use crate::source::Source;
use crate::tile::classic;
use rayon::prelude::*;

/// Small planes may be laid side by side: a stack of stamps becomes one image.
const MAX_STAMP: usize = 1 << 12;
/// Samples of a plane whose mask is looked at, at once.
const COMMON_CHUNK: usize = 1 << 20;

/// The best draft without a network, the bits of its windows, and the windows.
pub struct Plain<'a> {
    pub draft: Draft,
    pub bits: u64,
    /// Whether these are of a row that is coded as words.
    pub is_words: bool,
    pub stacks: Vec<Stack>,
    pub origin: Origin<'a>,
}

pub fn plain<'a>(task: &'a Task, maps: &[Map]) -> Result<Plain<'a>> {
    let &SourceView { offset, ty, .. } = &task.view;
    let source: &dyn Source = &task.view;
    let n_samples = ty.n_samples()?;
    let mut best: Option<(u128, Plain)> = None;
    let bounded = maps.iter().find(|map| map.bound().is_some()).filter(|_| task.is_short());
    // what keeps everything is rarely smaller within a bound, and only where it has no more ints
    let may_win = |map: &Map| bounded.is_none_or(|bounded| map.n_limbs() == 1 && map.max_int(0) <= bounded.max_int(0));
    let shapes = geometries(shape(ty));
    if let ([shape], [map]) = (shapes.as_slice(), maps)
        && !is_for_networks(map)
        && matches!(task.view.loss, Loss::None | Loss::Mantissa(..))
    {
        // there is nothing to choose
        let origin = Origin { source, offset, ty, shape: *shape, is_short: task.is_short() };
        let draft = Draft::plain(ty, task.label, map, *shape);
        return Ok(Plain { draft, bits: 0, is_words: false, stacks: Vec::new(), origin });
    }
    for shape in shapes {
        let origin = Origin { source, offset, ty, shape, is_short: task.is_short() };
        let windows = origin.windows()?;
        let n_read = windows.len() * origin.size().0 * origin.size().1;
        for map in maps.iter().filter(|map| may_win(map) && (shape.1 > 1 || can_be_judged(map, &maps[0], n_read))) {
            let draft = Draft::plain(ty, task.label, map, shape);
            let stacks: Vec<Stack> = windows.iter().map(|window| window.ints(map, ty.big_endian)).collect();
            let mut table = Vec::new();
            map.write(&mut table);
            let n_seen = stacks.iter().map(|s| (s.h * s.w) as u128).sum::<u128>().max(1);
            // of the whole array, from its share in the windows
            let (as_words, otherwise) = classic_bits(&draft, &stacks);
            let (bits, is_words) = (as_words.min(otherwise), as_words < otherwise);
            let of_array = u128::from(bits) * u128::from(n_samples) / n_seen + table.len() as u128 * 8;
            if best.as_ref().is_none_or(|(least, _)| of_array < *least) {
                best = Some((of_array, Plain { draft, bits, is_words, stacks, origin }));
            }
        }
    }
    Ok(best.expect("there is always a map").1)
}

impl Plain<'_> {
    /// The mask of the first plane, if others have about the same.
    pub fn common(&self, view: &SourceView) -> Result<Vec<u8>> {
        let (layout, map) = (&self.draft.layout, &self.draft.map);
        let Some(exception) = map.exception() else { return Ok(Vec::new()) };
        let n = layout.h * layout.w;
        if map.markers().is_empty() || layout.n_planes < 2 || layout.n_phases > 1 || n > MAX_PLANE_LOOKED_AT {
            return Ok(Vec::new());
        }
        let classes = |plane: usize| -> Result<Vec<u8>> {
            let n_bytes = view.ty.dtype.n_bytes();
            let (mut ints, mut classes) = (vec![0; n.min(COMMON_CHUNK)], vec![0; n]);
            for (nth, classes) in classes.chunks_mut(COMMON_CHUNK).enumerate() {
                let first = plane * n + nth * COMMON_CHUNK;
                let bytes = view.bytes(view.offset + (first * n_bytes) as u64, classes.len() * n_bytes)?;
                map.to_classes(&bytes, view.ty.big_endian, &mut ints[..classes.len()], classes);
            }
            classes.iter_mut().filter(|class| **class == exception).for_each(|class| *class = 0);
            Ok(classes)
        };
        let first = classes(0)?;
        let n_turns = first.windows(2).filter(|pair| pair[0] != pair[1]).count();
        let mut is_common = n_turns > 0;
        for plane in [layout.n_planes / 2, layout.n_planes - 1] {
            let other = classes(plane)?;
            is_common &= first.iter().zip(&other).filter(|(a, b)| a != b).count() * 4 < n_turns;
        }
        Ok(if is_common { first } else { Vec::new() })
    }
}

/// Whether so many samples of a row show what ranks are worth: words learn values as they come, which the few that an estimate looks
/// at do not show. Samples in two parts learn them less well.
fn can_be_judged(map: &Map, first: &Map, n_read: usize) -> bool {
    const SHARE: usize = 4;
    map.n_ranks().is_none_or(|n| if first.n_limbs() > 1 { n <= n_read } else { SHARE * n <= n_read })
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

/// As words where that is smaller, which rows can be, and otherwise.
fn classic_bits(draft: &Draft, stacks: &[Stack]) -> (u64, u64) {
    let bits = stacks.par_iter().map(|s| {
        let part = |p: usize| &s.planes[0][p * s.h * s.w..][..s.h * s.w];
        let parts = (0..draft.layout.n_limbs).map(|p| classic::estimates(part(p), s.h, s.w));
        parts.fold((0, 0), |(a, b), (as_words, otherwise)| (a + as_words.min(otherwise), b + otherwise))
    });
    bits.reduce(|| (0, 0), |(a, b), (c, d)| (a + c, b + d))
}

/// The same of one part, by coding it.
pub fn exact_classic_bits(draft: &Draft, stacks: &[Stack]) -> u64 {
    let max = draft.map.max_int(0);
    stacks.par_iter().map(|s| classic::encode(&s.planes[0], s.h, s.w, max).len() as u64 * 8).sum()
}
