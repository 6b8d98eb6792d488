//! Whether the nets of an array are refitted to it: where the bits that this saves are more than the refit takes, and only there.
//!
//! ```text
//! cells of windows all over the array → fit::refit → round → the windows of the choice, coded with and without
//! ```
//!
//! The windows of the choice take no part in the fit but where both happen to lie. So cells that were fitted to count for as much as
//! there are of them: where they are the whole array, what is saved on them is what is saved.

use crate::codec::array::refit::n_bytes;
use crate::codec::search::draft::Draft;
use crate::codec::search::related::{self, Referred};
use crate::codec::search::windows::{Corner, Origin, Stack, View};
use crate::error::Result;
use crate::fit::{self, Cells};
use crate::model::{Model, Plan};
use crate::net::Refit;
use crate::tile::cells;
use crate::tile::coder::{CellCoder, Coder};
use crate::tile::runtime::Runtime;
use crate::tile::stream::PlaneContext;
use rayon::prelude::*;
use std::sync::Arc;

/// How much work goes into refitting the last layers of networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adapt {
    /// What the level says; `Fast` where a model was named.
    #[default]
    ByLevel,
    /// None: networks are used as their weights files say.
    Off,
    /// A fifth of what coding the array takes.
    Short,
    /// Less than coding the array takes.
    Fast,
    /// A few seconds per array, and every model in turn.
    Max,
}

/// Fewer ints gain less than it takes to say what was refitted.
const MIN_INTS: usize = 1 << 14;
/// A net that codes fewer cells is left as it is.
const MIN_CELLS: usize = 2048;
/// Windows hold so many times the cells that are fitted to: cells side by side are alike.
const SPARSE: usize = 2;

impl Adapt {
    /// Models of which more is measured than the plain way.
    pub(super) fn n_models(self) -> usize {
        if self == Adapt::Max { usize::MAX } else { 1 }
    }

    /// How many cells are fitted to at most.
    pub(super) fn n_cells(self, n_ints: usize) -> usize {
        self.effort(n_ints).0
    }

    /// How many cells are fitted to in an array of so many ints, and how often each. What `Fast` looks at is at most an eighth of the
    /// array and a little, of small arrays a quarter and a little; twice as much gave 0.02 % of bytes of large ones, 0.1 % of small.
    fn effort(self, n_ints: usize) -> (usize, usize) {
        match self {
            Adapt::ByLevel | Adapt::Off => (0, 0),
            Adapt::Short => ((n_ints / 32 + (1 << 13)).min(1 << 18), 2),
            Adapt::Fast => ((n_ints / 16 + (1 << 15)).min(1 << 19), if n_ints <= 1 << 20 { 4 } else { 2 }),
            Adapt::Max => ((n_ints / 2 + (1 << 15)).min(1 << 19), 8),
        }
    }
}

/// A refit rarely saves more than an eighth.
pub(super) fn may_win(bits: u64, others: u64) -> bool {
    bits - bits / 8 < others
}

/// Refits the network of a draft where that makes its array smaller; returns the bits by which the windows get smaller.
pub(super) fn adapt(how: Adapt, draft: &mut Draft, seen: (&Origin, &[Referred]), stacks: &[Stack]) -> Result<u64> {
    let n_ints = draft.n_samples();
    let (n_wanted, n_times) = how.effort(n_ints);
    let Some(cells) = draft.cells().filter(|_| n_wanted > 0 && n_ints >= MIN_INTS) else { return Ok(0) };
    let model = cells.model.model();
    if model.nets.iter().any(|part| part.net.layers().len() < 2) {
        return Ok(0); // a last layer that sees features has no hidden activations to be fitted to
    }
    let trial = Trial { draft, cells, runtime: cells.model.clone() };
    let gathered = trial.cells(seen, n_wanted)?;
    let fitted = refits(model, &gathered, n_ints, n_times);

    let before = trial.costs(stacks);
    let after = Trial { runtime: refitted(&cells.model, &fitted), ..trial }.costs(stacks);
    let n_seen = stacks.iter().map(|s| s.h * s.w).sum();
    let mut saved = 0;
    let worth = |(part, refit): &(usize, Refit)| {
        let gains: Vec<i64> = before.iter().zip(&after).map(|(before, after)| before[*part] - after[*part]).collect();
        let gain = gain(how, &gains, n_bytes(*part, refit), n_seen, n_ints);
        saved += gain.unwrap_or(0);
        gain.is_some()
    };
    let refits: Vec<_> = fitted.into_iter().filter(worth).collect();
    let model = refitted(&cells.model, &refits);
    draft.coder = Coder::Cells(CellCoder { model, refits, fits: cells.fits.clone() });
    Ok(saved / 256)
}

/// Refits of the nets that enough cells saw.
fn refits(model: &Model, cells: &[Cells], n_ints: usize, n_times: usize) -> Vec<(usize, Refit)> {
    let n_cells = cells.iter().map(Cells::len).sum::<usize>().max(1) as u128;
    let of_part = |(part, cells): (usize, &Cells)| {
        if cells.len() < MIN_CELLS {
            return None;
        }
        let net = &model.nets[part].net;
        let n_coded = (n_ints as u128 * cells.len() as u128 / n_cells) as u64;
        let refit = fit::refit(net, &cells.mixed(), n_times * cells.len())?.round(net, n_coded)?;
        // a layer whose sums could overflow is no layer
        net.refitted(&refit).is_ok().then_some((part, refit))
    };
    cells.iter().enumerate().filter_map(of_part).collect()
}

fn refitted(runtime: &Arc<Runtime>, refits: &[(usize, Refit)]) -> Arc<Runtime> {
    if refits.is_empty() {
        return runtime.clone();
    }
    let mut model = runtime.model().clone();
    for (part, refit) in refits {
        let net = model.nets[*part].net.refitted(refit).expect("it was tried before");
        Arc::make_mut(&mut model).nets[*part].net = net;
    }
    runtime.refitted(model)
}

/// By how much the windows get smaller, in 1/256 bit, their share of the price paid; None where that is not sure. What the rest of
/// the array gains is known but for the standard error of what its windows gain: one of these is taken off before the gain is
/// believed; not by a short search, which has too few windows to know it.
fn gain(how: Adapt, of_windows: &[i64], n_bytes: u64, n_seen: usize, n_ints: usize) -> Option<u64> {
    let (n, n_seen, n_ints) = (of_windows.len() as i128, n_seen as i128, n_ints as i128);
    let sum: i128 = of_windows.iter().map(|&g| i128::from(g)).sum();
    let squares: i128 = of_windows.iter().map(|&g| i128::from(g) * i128::from(g)).sum();
    let variance = if n > 1 && how != Adapt::Short { (n * squares - sum * sum) / (n - 1) } else { 0 };
    let doubt = (variance * (n_ints - n_seen).max(0) / n_ints).isqrt();
    let price = i128::from(n_bytes) * 8 * 256 * n_seen / n_ints;
    if sum - doubt > price { u64::try_from(sum - price).ok() } else { None }
}

/// Is shown a phase of a window.
pub(super) type Show<'a> = &'a mut dyn FnMut(PlaneContext, &Plan, &View);

/// A draft, and what its network makes of windows.
pub(super) struct Trial<'a> {
    pub draft: &'a Draft,
    pub cells: &'a CellCoder<Arc<Runtime>>,
    pub runtime: Arc<Runtime>,
}

impl Trial<'_> {
    /// About `n` cells of windows all over the array, by net.
    fn cells(&self, (origin, referred): (&Origin, &[Referred]), n: usize) -> Result<Vec<Cells>> {
        let max = self.draft.map.max_int(0) as i32;
        let parts = &self.runtime.model().nets;
        let none: Vec<Cells> =
            parts.iter().map(|p| Cells::new(p.net.layers().last().map_or(0, |l| l.n_in), max)).collect();
        let corners = origin.corners(SPARSE * n);
        let of_window = |&corner: &Corner| {
            let mut stack = origin.window(corner)?.ints(&self.draft.map, self.draft.ty.big_endian);
            stack.references = related::seen(referred, origin, corner)?;
            let stride = (corners.len() * stack.h * stack.w / n).max(1);
            let mut cells = none.clone();
            self.each(&stack, &mut |context, plan, view| {
                cells::gather(context, plan, &view.ints, &view.classes, &view.refs(), stride, &mut cells);
            });
            Ok(cells)
        };
        let gathered: Vec<Result<Vec<Cells>>> = corners.par_iter().map(of_window).collect();
        let mut all = none.clone();
        for cells in gathered {
            all.iter_mut().zip(cells?).for_each(|(all, cells)| all.append(cells));
        }
        Ok(all)
    }

    /// What each net takes for each window, in 1/256 bit.
    pub fn costs(&self, stacks: &[Stack]) -> Vec<Vec<i64>> {
        let of_stack = |stack: &Stack| {
            let mut sums = vec![0; self.runtime.model().nets.len()];
            self.each(stack, &mut |context, plan, view| {
                let costs = cells::costs(context, plan, &view.ints, &view.classes, &view.refs());
                sums.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
            });
            sums
        };
        stacks.par_iter().map(of_stack).collect()
    }

    /// Shows every phase of a window.
    pub fn each(&self, stack: &Stack, show: Show) {
        let n_previous = (stack.planes.len() - 1).min(self.draft.n_previous);
        for (phase, view) in stack.views(self.draft.layout.n_phases, self.draft.n_previous).into_iter().enumerate() {
            let fitted = &self.cells.fits[phase][n_previous];
            let context = PlaneContext {
                model: self.runtime.model(),
                kernels: self.runtime.kernels(),
                linears: &fitted.linears,
                stats: fitted.stats,
                max: self.draft.map.max_int(0) as i32,
            };
            let plan = self.runtime.plan_to_encode(view.h, view.w);
            show(context, &plan, &view.fill_in(&plan));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_and_looks_are_a_share_of_the_array_and_bounded() {
        for n_ints in [1 << 14, 1 << 17, 1 << 20, 1 << 24, 1 << 40] {
            let (n_cells, n_times) = Adapt::Fast.effort(n_ints);
            assert!(
                n_cells * n_times <= n_ints / if n_ints > 1 << 20 { 8 } else { 4 } + (1 << 17) && n_cells <= 1 << 19
            );
            let (n_cells, n_times) = Adapt::Max.effort(n_ints);
            assert!(n_cells * n_times <= 4 * n_ints + (1 << 18) && n_cells <= 1 << 19);
        }
    }

    #[test]
    fn a_gain_is_believed_where_it_pays_and_windows_agree() {
        let bit = 256;
        // the windows are the whole array: what they gain is gained
        assert_eq!(gain(Adapt::Fast, &[900 * bit, -80 * bit], 100, 1000, 1000), Some(20 * 256));
        assert_eq!(gain(Adapt::Fast, &[900 * bit, -100 * bit], 100, 1000, 1000), None);
        // a tenth of it is seen: a tenth of the price, but what one window gains alone is chance
        assert_eq!(gain(Adapt::Fast, &[41 * bit, 41 * bit], 100, 100, 1000), Some(2 * 256));
        assert_eq!(gain(Adapt::Fast, &[40 * bit, 40 * bit], 100, 100, 1000), None);
        assert_eq!(gain(Adapt::Fast, &[900 * bit, 0], 100, 100, 1000), None);
        assert_eq!(gain(Adapt::Fast, &[], 100, 0, 1000), None);
        assert_eq!(gain(Adapt::Short, &[900 * bit, 0], 100, 100, 1000), Some(820 * 256));
    }
}
