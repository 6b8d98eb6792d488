//! A table of counts for the whole array, where its windows look like white noise.

use crate::codec::search::draft::{Draft, is_for_networks};
use crate::codec::search::measure::measure;
use crate::codec::search::networks::{N_MEASURED, Nearest};
use crate::codec::search::plain::Plain;
use crate::codec::search::task::Task;
use crate::error::Result;
use crate::kernel::log2::log2;
use crate::source::Source;
use crate::tile::coder::Coder;
use crate::tile::counts::Counts;
use std::sync::Arc;

/// Samples that are counted at once.
const CHUNK: usize = 1 << 20;

/// Windows are believed where the table is ahead by more than one part in so many: what nets and classic modes would know from
/// around them is missing there.
const CLEARLY: u64 = 16;

/// Samples that a short search codes both ways where windows do not decide: a tile. What is noise here is noise there.
const SHORT_MEASURED: usize = 1 << 16;

/// What is best otherwise, which saw so many samples, or a table where that is ahead: by windows, or by a part of the array.
pub fn against_counts(mut near: Nearest, n_seen: u64, task: &Task, of: &Plain) -> Result<Nearest> {
    let least = near.bits * n_seen / 1000;
    let Some((bits, draft)) = by_counts(task, of, least)? else { return Ok(near) };
    let mut counts = Nearest { draft, bits: bits * 1000 / n_seen, measured: None };
    if bits + least / CLEARLY < least {
        return Ok(counts);
    }
    let n = if task.is_short() { SHORT_MEASURED } else { N_MEASURED };
    let ours = measure(&counts.draft, task, n)?;
    let theirs = match near.measured.take() {
        Some(measured) => measured,
        None => measure(&near.draft, task, n)?,
    };
    let is_ahead = ours.n_bytes < theirs.n_bytes;
    (counts.measured, near.measured) = (Some(ours), Some(theirs));
    Ok(if is_ahead { counts } else { near })
}

/// The plain draft with a table, and the bits that the windows take by it, if these are fewer than `least`.
///
/// The array is read for it only where a table of the windows alone, which is the better the fewer their ints, would be ahead.
fn by_counts(task: &Task, of: &Plain, least: u64) -> Result<Option<(u64, Draft)>> {
    let (map, max) = (&of.draft.map, of.draft.map.max_int(0));
    if map.exception().is_some() || !is_for_networks(map) {
        return Ok(None);
    }
    let mut seen: Vec<i32> = of.stacks.iter().flat_map(|stack| &stack.planes[0]).copied().collect();
    seen.sort_unstable();
    if entropy(&seen) >= least {
        return Ok(None);
    }
    let mut counts = vec![0; max as usize + 1];
    each_int(task, of, |int| counts[int as usize] += 1)?;
    let Some(counts) = Counts::of(&counts) else { return Ok(None) };
    let mut table = Vec::new();
    counts.write(&mut table);
    let share = table.len() as u64 * 8 * seen.len() as u64 / task.view.ty.n_samples()?.max(1);
    let bits = share + seen.iter().map(|&int| counts.cost(int, max)).sum::<u64>() / 256;
    let draft = Draft { coder: Coder::Counts(Arc::new(counts)), ..of.draft.clone() };
    Ok((bits < least).then_some((bits, draft)))
}

/// The bits of sorted ints by a table of their own, which is not told.
fn entropy(sorted: &[i32]) -> u64 {
    let n_log2_n = |n: usize| n as u64 * log2(n.max(1) as i32) as u64;
    let same = sorted.chunk_by(|a, b| a == b).map(|same| n_log2_n(same.len())).sum::<u64>();
    (n_log2_n(sorted.len()) - same) / 256
}

fn each_int(task: &Task, of: &Plain, mut look: impl FnMut(i32)) -> Result<()> {
    let (view, ty) = (&task.view, task.view.ty);
    let (n_samples, n_bytes) = (ty.n_samples()? as usize, ty.dtype.n_bytes());
    let mut ints = vec![0; n_samples.min(CHUNK)];
    for first in (0..n_samples).step_by(CHUNK) {
        let ints = &mut ints[..CHUNK.min(n_samples - first)];
        let bytes = view.bytes(view.offset + (first * n_bytes) as u64, ints.len() * n_bytes)?;
        of.draft.map.to_ints(&bytes, ty.big_endian, &mut [&mut *ints]);
        ints.iter().for_each(|&int| look(int));
    }
    Ok(())
}
