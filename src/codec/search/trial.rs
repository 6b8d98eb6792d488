//! One way to code an array, tried on windows: what is fitted to them, and the bits that they take.

use crate::codec::array::head::{Head, MAX_KEY_INTERVAL, Network};
use crate::codec::search::windows::{Stack, View};
use crate::fit::{self, Sample};
use crate::grid::Grid;
use crate::kernel::fast::{Fast, Level};
use crate::kernel::{ONE, Usual};
use crate::model::{Family, Model};
use crate::tile::array_coder::Fitted;
use crate::tile::cells;
use crate::tile::stream::Context;
use rayon::prelude::*;
use std::sync::Arc;

const KEY_INTERVAL: usize = 32;
/// Planes within a bound are mostly what the plane before was: a plane that looks at none costs several times as much as one that
/// does. So chains are longer where planes are small, up to so many samples.
const MAX_CHAIN: usize = 1 << 20;

/// A head with a model that looks around in one way, and the bits of the windows.
pub fn one(plain: &Head, model: &Arc<Model>, way: (usize, usize), stacks: &[Stack]) -> (u64, Head) {
    let ((n_phases, n_previous), max) = (way, plain.map.max_int(0) as i32);
    let fast = model.fast(Level::detect());
    let fitted = |&octaves: &i32| {
        let fits = fits(model, stacks, way, octaves);
        let network = Network { model: model.clone(), refits: Vec::new(), fits };
        (measure(&network, &fast, stacks, n_phases, n_previous, max), network)
    };
    let measured = octaves(model.family).iter().map(fitted);
    let (bits, network) = measured.min_by_key(|(bits, _)| *bits).expect("there are steps to measure");
    let grid = Grid::usual(plain.grid.n_planes, plain.grid.h, plain.grid.w, 1, n_phases);
    let key_interval = if n_previous > 0 { key_interval(plain) } else { 0 };
    (bits, Head { grid, n_previous, key_interval, network: Some(network), ..plain.clone() })
}

fn key_interval(head: &Head) -> usize {
    match head.map.bound() {
        None => KEY_INTERVAL,
        Some(_) => (MAX_CHAIN / (head.grid.h * head.grid.w)).clamp(KEY_INTERVAL, MAX_KEY_INTERVAL),
    }
}

/// How much wider than the noise asks for the steps of means may be; where there are none, nothing is to be measured twice.
fn octaves(family: Family) -> &'static [i32] {
    if family == Family::L3c { &[0, -1, 1] } else { &[0] }
}

fn fits(
    model: &Arc<Model>,
    stacks: &[Stack],
    (n_phases, n_previous): (usize, usize),
    octaves: i32,
) -> Vec<Vec<Fitted>> {
    let n_anchors = stacks.first().map_or(0, |s| s.anchors.len());
    let ways: Vec<(usize, usize)> = (0..n_phases).flat_map(|phase| (0..=n_previous).map(move |n| (phase, n))).collect();
    let fitted: Vec<Fitted> = ways
        .par_iter()
        .map(|&(phase, n)| {
            let views = stacks.iter().map(|s| s.views(n_phases, n).swap_remove(phase));
            let n_refs = (phase + n + n_anchors).min(model.family.max_refs());
            let (plans, views): (Vec<_>, Vec<View>) = views
                .map(|view| {
                    let plan = model.plan_to_encode(view.h, view.w);
                    let view = view.fill_in(&plan);
                    (plan, view)
                })
                .unzip();
            let mut refs: Vec<Vec<&[i32]>> = views.iter().map(View::refs).collect();
            refs.iter_mut().for_each(|refs| refs.truncate(n_refs));
            let whole = (0..views.len()).filter(|&i| refs[i].len() == n_refs);
            let samples = whole.clone().map(|i| Sample { plan: &plans[i], ints: &views[i].ints, refs: &refs[i] });
            let samples: Vec<Sample> = samples.collect();
            let classes: Vec<&[u8]> = whole.map(|i| views[i].classes.as_slice()).collect();
            if samples.is_empty() {
                return Fitted { linears: model.linears(n_refs), usual: Usual { value: 0, residual: ONE } };
            }
            let fit = fit::fit_masked(model, &samples, &classes, octaves);
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
            cells::encode_masked(context, &plan, &view.ints, &view.classes, &view.refs()).len() as u64 * 8
        });
        views.sum::<u64>()
    });
    bits.sum()
}
