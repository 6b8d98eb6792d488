//! Whether the nets of an array are refitted to it: as many bits less as the bytes of the refit are more, or not at all.
//!
//! ```text
//! cells of windows all over the array → fit::refit → round → the windows of the choice, coded with and without
//! ```
//!
//! The windows of the choice take no part in the fit but where both lie: of an array that is fitted as a whole, so is its gain.

use crate::codec::head::{Head, Network};
use crate::codec::network::{self, Context};
use crate::codec::refit;
use crate::codec::windows::{Origin, Stack};
use crate::error::Result;
use crate::fit::{self, Cells};
use crate::kernel::fast::{Fast, Level};
use crate::model::{Model, Plan};
use rayon::prelude::*;
use std::sync::Arc;

/// How much work goes into refitting the last layers of networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Adapt {
    /// None: networks are used as their weights files say.
    Off,
    /// A share of what coding the array takes.
    #[default]
    Fast,
    /// Up to a few seconds per array, and every model in turn.
    Max,
}

/// Fewer ints gain less than it costs to say what was refitted.
const MIN_INTS: usize = 1 << 14;
/// Windows are read and passed through a net for so many times the cells that are fitted to: cells side by side are alike.
const SPARSE: usize = 2;
/// The most cells that are fitted to.
const MAX_CELLS: usize = 1 << 19;

impl Adapt {
    /// Models of which the choice measures more than the plain way.
    pub(super) fn n_models(self) -> usize {
        if self == Adapt::Max { usize::MAX } else { 1 }
    }

    /// How often a cell of an array of so many ints may be looked at in all, and by how many times each.
    fn visits(self, n_ints: usize) -> (usize, usize) {
        match self {
            Adapt::Off => (0, 1),
            Adapt::Fast => ((n_ints / 8 + (1 << 16)).min(1 << 20), 2),
            Adapt::Max => ((4 * n_ints + (1 << 18)).min(1 << 22), 8),
        }
    }
}

/// A refit rarely saves more than an eighth.
pub(super) fn may_win(bits: u64, others: u64) -> bool {
    bits - bits / 8 < others
}

/// Refits the network of a head where that makes its array smaller; returns the bits that the windows get smaller.
pub(super) fn adapt(how: Adapt, head: &mut Head, origin: &Origin, stacks: &[Stack]) -> Result<u64> {
    let n_ints = head.grid.n_planes * head.grid.h * head.grid.w;
    let (n_visits, n_times) = how.visits(n_ints);
    let Some(network) = head.network.as_ref().filter(|_| n_visits > 0 && n_ints >= MIN_INTS) else { return Ok(0) };
    let fast = network.model.fast(Level::detect());
    let cells = cells(head, network, &fast, origin, (n_visits / n_times).min(MAX_CELLS))?;
    let n_cells = cells.iter().map(Cells::len).sum::<usize>().max(1);
    let share = |n: usize, cells: &Cells| (n as u128 * cells.len() as u128 / n_cells as u128) as usize;

    let mut model = network.model.clone();
    let mut refits = Vec::new();
    for (part, cells) in cells.iter().enumerate().filter(|(_, cells)| cells.len() >= MIN_CELLS) {
        let net = &network.model.parts[part].net;
        let fitted = fit::refit(net, &cells.mixed(), share(n_visits, cells));
        let Some(refit) = fitted.and_then(|f| f.round(net, share(n_ints, cells) as u64)) else { continue };
        // a layer whose sums could overflow is no refit
        let Ok(net) = net.refitted(&refit) else { continue };
        Arc::make_mut(&mut model).parts[part].net = net;
        refits.push((part, refit));
    }
    let before = costs(head, network, &network.model, &fast, stacks);
    let after = costs(head, network, &model, &model.fast(Level::detect()), stacks);
    let n_seen = stacks.iter().map(|s| s.h * s.w).sum::<usize>().max(1) as i128;
    let mut saved = 0;
    refits.retain(|(part, refit)| {
        let mut bytes = Vec::new();
        refit::write(refit, &mut bytes);
        // 1/256 bit of the windows: the bytes by the windows' share of the array
        let price = (bytes.len() as i128 + 2) * 8 * 256 * n_seen / n_ints as i128;
        let gain = i128::from(before[*part] - after[*part]) - price;
        saved += gain.max(0);
        gain > 0
    });
    let mut kept = network.model.clone();
    for (part, _) in &refits {
        Arc::make_mut(&mut kept).parts[*part].net = model.parts[*part].net.clone();
    }
    let fits = network.fits.clone();
    head.network = Some(Network { model: kept, refits, fits });
    Ok((saved / 256) as u64)
}

/// A refit of fewer cells is noise.
const MIN_CELLS: usize = 2048;

/// About `n` cells of windows all over the array, by net.
fn cells(head: &Head, network: &Network, fast: &Fast, origin: &Origin, n: usize) -> Result<Vec<Cells>> {
    let max = head.map.max_int(0) as i32;
    let inputs = network.model.parts.iter().map(|p| p.net.layers().last().map_or(0, |last| last.n_in));
    let none: Vec<Cells> = inputs.map(|n_in| Cells::new(n_in, max)).collect();
    let corners = origin.corners(SPARSE * n);
    let gathered: Vec<Result<Vec<Cells>>> = corners
        .par_iter()
        .map(|&corner| {
            let stack = origin.window(corner)?.ints(&head.map, head.ty.big_endian);
            let stride = (corners.len() * stack.h * stack.w / n).max(1);
            let mut cells = none.clone();
            each(head, network, &network.model, fast, &stack, &mut |context, plan, ints, refs| {
                network::gather(context, plan, ints, refs, stride, &mut cells);
            });
            Ok(cells)
        })
        .collect();
    let mut all = none;
    for cells in gathered {
        all.iter_mut().zip(cells?).for_each(|(all, cells)| all.append(cells));
    }
    Ok(all)
}

/// What each net of a model takes for the windows, in 1/256 bit.
fn costs(head: &Head, network: &Network, model: &Model, fast: &Fast, stacks: &[Stack]) -> Vec<i64> {
    let of_stacks: Vec<Vec<i64>> = stacks
        .par_iter()
        .map(|stack| {
            let mut sum = vec![0; model.parts.len()];
            each(head, network, model, fast, stack, &mut |context, plan, ints, refs| {
                let costs = network::costs(context, plan, ints, refs);
                sum.iter_mut().zip(costs).for_each(|(sum, cost)| *sum += cost);
            });
            sum
        })
        .collect();
    (0..model.parts.len()).map(|part| of_stacks.iter().map(|costs| costs[part]).sum()).collect()
}

/// Calls for every phase of a window.
fn each(
    head: &Head,
    network: &Network,
    model: &Model,
    fast: &Fast,
    stack: &Stack,
    tell: &mut dyn FnMut(Context, &Plan, &[i32], &[&[i32]]),
) {
    let n = (stack.planes.len() - 1).min(head.n_previous);
    for (phase, view) in stack.views(head.grid.n_phases, head.n_previous).into_iter().enumerate() {
        let fitted = &network.fits[phase][n];
        let max = head.map.max_int(0) as i32;
        let context = Context { model, fast, linears: &fitted.linears, usual: fitted.usual, max };
        tell(context, &model.plan_to_encode(view.h, view.w), &view.ints, &view.refs());
    }
}
