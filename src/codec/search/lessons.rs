//! A network of one camera: all layers of a network trained on the cells of its frames, as an encoder meets them.
//!
//! ```text
//! frames → the draft of each, as a search finds it with this network → windows all over it → cells to learn from, cells held out
//! cells → fit::train, net by net → the windows held out, coded with the net before and after: the better one is kept
//! ```

use crate::codec::search::adapt::Trial;
use crate::codec::search::draft::Draft;
use crate::codec::search::networks::with_networks;
use crate::codec::search::plain::plain;
use crate::codec::search::task::Task;
use crate::codec::search::view::candidates;
use crate::codec::search::windows::{Corner, Origin, Stack};
use crate::error::{Error, Result};
use crate::fit::Cells;
use crate::fit::train::{Told, Way, train};
use crate::model::{Family, Model, PassNet};
use crate::tile::cells;
use crate::tile::runtime::Runtime;
use crate::weights;
use rayon::prelude::*;
use std::sync::Arc;

/// Cells of all frames that are learnt from, and held out: 2²¹ cells are a hundred times the floats of a default net.
const N_LEARNT: usize = 1 << 21;
const N_HELD_OUT: usize = 1 << 18;
pub const N_CELLS: usize = N_LEARNT + N_HELD_OUT;
/// Windows hold so many times the cells that are taken of them: cells side by side are alike.
const SPARSE: usize = 2;
/// One frame of so many is held out, of a single one windows.
const HELD_OUT: usize = 5;
/// A frame of which a net meets fewer cells is left out.
const MIN_CELLS: usize = 256;

/// What a frame is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    Learn,
    HoldOut,
    /// Most of its windows to learn from, the others held out.
    Both,
}

/// What each of so many frames is for: every fifth is held out, of two the second one.
pub fn uses(n: usize) -> Vec<Use> {
    let is_held_out = |i: usize| i % HELD_OUT == HELD_OUT / 2 || n == 2 && i == 1;
    let usage = |i| if is_held_out(i) { Use::HoldOut } else { Use::Learn };
    if n == 1 { vec![Use::Both] } else { (0..n).map(usage).collect() }
}

/// A frame as a network meets it.
pub struct Frame {
    draft: Draft,
    /// By net.
    learnt: Vec<Cells>,
    held_out: Vec<Cells>,
    windows: Vec<Stack>,
}

/// A network, and what it makes of the windows that were held out.
pub struct Adapted {
    pub model: Model,
    /// The name of the network that it was.
    pub begun_with: String,
    /// Its weights file.
    pub bytes: Vec<u8>,
    /// Ints of these windows, and what they take, in 1/256 bit.
    pub n_ints: u64,
    pub before: u64,
    pub after: u64,
    /// Cells that were learnt from.
    pub n_cells: u64,
}

/// Which of the nets that are trained one after the other is at hand.
#[derive(Clone, Copy, Debug)]
pub struct Turn {
    pub number: usize,
    pub n: usize,
    /// Cells that it learns from.
    pub n_cells: u64,
}

/// Whoever paces a training is told how it goes.
pub type Pace<'a> = &'a mut dyn FnMut(Turn, Told) -> Way;

/// Whether every layer of every net sees the layer before it and no more.
pub fn can_be_adapted(model: &Model) -> bool {
    matches!(model.family, Family::Pixelcnn | Family::Lattice) && model.nets.iter().all(|part| part.net.is_plain())
}

/// What a search with this network, and no refit, sees of an array of which this share of all cells is taken; None where no network
/// codes it.
pub fn frame(task: &Task, model: &Arc<Model>, usage: Use, n_frames: usize) -> Result<Option<Frame>> {
    let runtime = task.runtimes.of(model);
    let plain = plain(task, &candidates(&task.view)?.maps)?;
    let drafts = with_networks(task, &plain, &[runtime])?;
    let Some((_, draft)) = drafts.into_iter().find(|(_, draft)| draft.cells().is_some()) else { return Ok(None) };
    // smaller windows where there are few
    let is_short = plain.origin.tiling().len() < 2 * HELD_OUT;
    let origin = Origin { is_short, ..plain.origin };
    let corners = origin.tiling();
    let (held_out, learnt): (Vec<_>, Vec<_>) = corners.into_iter().enumerate().partition(|(i, _)| match usage {
        Use::Learn => false,
        Use::HoldOut => true,
        Use::Both => i % HELD_OUT == HELD_OUT / 2,
    });
    let (_, learnt) = seen(&origin, &draft, &learnt, N_LEARNT / n_frames)?;
    let (windows, held_out) = seen(&origin, &draft, &held_out, N_HELD_OUT / n_frames)?;
    Ok(Some(Frame { draft, learnt, held_out, windows }))
}

/// Some of these windows, evenly, and about `n` cells of them by net.
fn seen(origin: &Origin, draft: &Draft, corners: &[(usize, Corner)], n: usize) -> Result<(Vec<Stack>, Vec<Cells>)> {
    let coder = draft.cells().expect("it has a network");
    let (h, w) = origin.size();
    let n_windows = (SPARSE * n).div_ceil(h * w).clamp(1, corners.len().max(1)).min(corners.len());
    let stride = (n_windows * h * w / n).max(1);
    let some = (0..n_windows).map(|i| corners[i * corners.len() / n_windows].1);
    let stack = |corner| Ok(origin.window(corner)?.ints(&draft.map, draft.ty.big_endian));
    let stacks: Vec<Stack> = some.map(stack).collect::<Result<_>>()?;
    let max = draft.map.max_int(0) as i32;
    let none: Vec<Cells> = coder.model.model().nets.iter().map(|part| Cells::new(part.net.n_in(), max)).collect();
    let trial = Trial { draft, cells: coder, runtime: coder.model.clone() };
    let of_stack = |stack: &Stack| {
        let mut cells = none.clone();
        trial.each(stack, &mut |context, plan, view| {
            cells::gather_features(context, plan, &view.ints, &view.classes, &view.refs(), stride, &mut cells);
        });
        cells
    };
    let mut all = none.clone();
    for cells in stacks.par_iter().map(of_stack).collect::<Vec<_>>() {
        all.iter_mut().zip(cells).for_each(|(all, cells)| all.append(cells));
    }
    Ok((stacks, all))
}

impl Frame {
    /// What each net takes for the windows that are held out, in 1/256 bit.
    fn costs(&self, model: &Arc<Runtime>) -> Vec<i64> {
        let cells = self.draft.cells().expect("it has a network");
        let of_windows = Trial { draft: &self.draft, cells, runtime: model.clone() }.costs(&self.windows);
        of_windows.iter().fold(vec![0; model.model().nets.len()], |sum, costs| {
            sum.iter().zip(costs).map(|(sum, cost)| sum + cost).collect()
        })
    }
}

/// The network with those of its nets trained that the frames have cells for, under a name of its own.
pub fn adapt(model: &Arc<Model>, name: &str, mut frames: Vec<Frame>, seed: u64, pace: Pace) -> Result<Adapted> {
    let n_nets = model.nets.len();
    let mut lessons: Vec<(Vec<Cells>, Vec<Cells>)> = Vec::new();
    for net in 0..n_nets {
        let mut take = |of: fn(&mut Frame) -> &mut Vec<Cells>| -> Vec<Cells> {
            let cells = frames.iter_mut().map(|frame| std::mem::take(&mut of(frame)[net]));
            cells.filter(|cells| cells.len() >= MIN_CELLS).collect()
        };
        lessons.push((take(|frame| &mut frame.learnt), take(|frame| &mut frame.held_out)));
    }
    let can_learn = |(learnt, held_out): &(Vec<Cells>, Vec<Cells>)| !learnt.is_empty() && !held_out.is_empty();
    let n = lessons.iter().filter(|lesson| can_learn(lesson)).count();
    if n == 0 {
        return Err(Error::argument(
            "the frames are too few or too small: there is nothing to learn from, or nothing to hold out",
        ));
    }
    let mut nets: Vec<PassNet> = model.nets.clone();
    let mut turn = Turn { number: 0, n, n_cells: 0 };
    for (part, (learnt, held_out)) in nets.iter_mut().zip(&lessons).filter(|(_, lesson)| can_learn(lesson)) {
        turn.n_cells = n_cells(learnt);
        if let Some(net) = train(&part.net, learnt, held_out, seed, &mut |told| pace(turn, told)) {
            part.net = net;
        }
        turn.number += 1;
    }
    let trained = Runtime::new(Arc::new(Model { nets: nets.clone(), ..(**model).clone() }));
    let costs = |runtime: &Arc<Runtime>| {
        let of_frames: Vec<Vec<i64>> = frames.iter().map(|frame| frame.costs(runtime)).collect();
        (0..n_nets).map(|net| of_frames.iter().map(|costs| costs[net]).sum()).collect::<Vec<i64>>()
    };
    let (before, mut after) = (costs(&Runtime::new(model.clone())), costs(&trained));
    for (i, part) in nets.iter_mut().enumerate() {
        if after[i] >= before[i] {
            (*part, after[i]) = (model.nets[i].clone(), before[i]);
        }
    }
    let named = Model::new(name, model.family, nets, [0; 32])?;
    let bytes = weights::store(&named)?;
    let sum = |costs: &[i64]| costs.iter().sum::<i64>().max(0) as u64;
    Ok(Adapted {
        model: weights::load(&bytes)?,
        begun_with: model.name.clone(),
        bytes,
        n_ints: frames.iter().flat_map(|f| &f.windows).map(|stack| (stack.h * stack.w) as u64).sum(),
        before: sum(&before),
        after: sum(&after),
        n_cells: lessons.iter().map(|(learnt, _)| n_cells(learnt)).sum(),
    })
}

fn n_cells(frames: &[Cells]) -> u64 {
    frames.iter().map(|cells| cells.len() as u64).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_a_fifth_of_the_frames_is_held_out_and_never_all_or_none() {
        let n_held_out = |n: usize| uses(n).into_iter().filter(|usage| *usage == Use::HoldOut).count();
        assert_eq!([1, 2, 3, 4, 5, 8, 10, 50].map(n_held_out), [0, 1, 1, 1, 1, 2, 2, 10]);
        assert_eq!(uses(1), [Use::Both]);
        assert_eq!(uses(2), [Use::Learn, Use::HoldOut]);
    }
}
