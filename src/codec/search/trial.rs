//! One way to code an array, tried on windows: what is fitted to them, and the bits that they take.

use crate::codec::search::draft::{Draft, Prediction};
use crate::codec::search::windows::{Stack, View};
use crate::fit::{self, Sample};
use crate::grid::{Layout, MAX_KEY_INTERVAL};
use crate::kernel::{ONE, PlaneStats};
use crate::tile::cells;
use crate::tile::coder::{CellCoder, Coder, Fitted};
use crate::tile::runtime::Runtime;
use crate::tile::stream::PlaneContext;
use rayon::prelude::*;
use std::sync::Arc;

const KEY_INTERVAL: usize = 32;
/// Planes within a bound are mostly what the plane before was: a plane without a reference plane costs several times as much as one that
/// does. So chains are longer where planes are small, up to so many samples.
const MAX_CHAIN: usize = 1 << 20;

/// What was fitted to the same windows before.
#[derive(Default)]
pub struct Fits(Vec<(Way, Fitted)>);

/// The hash of a model, phases and which one, planes before, octaves.
type Way = ([u8; 32], usize, usize, usize, i32);

/// A draft with a model, and the bits of the windows.
pub fn try_model(
    plain: &Draft,
    model: &Arc<Runtime>,
    prediction: Prediction,
    stacks: &[Stack],
    known: &mut Fits,
) -> (u64, Draft) {
    let max = plain.map.max_int(0) as i32;
    let mut fitted = |&octaves: &i32| {
        let fits = fits(model, stacks, prediction, octaves, known);
        (measure(model, &fits, prediction, stacks, max), fits)
    };
    let measured = model.model().family.octaves().iter().map(&mut fitted);
    let (bits, fits) = measured.min_by_key(|(bits, _)| *bits).expect("there are steps to measure");
    let Layout { n_planes, h, w, .. } = plain.layout;
    let Prediction { n_phases, n_previous } = prediction;
    let coder = Coder::Cells(CellCoder { model: model.clone(), refits: Vec::new(), fits });
    let key_interval = if n_previous > 0 { key_interval(plain) } else { 0 };
    let layout = Layout::usual(n_planes, h, w, 1, n_phases);
    (bits, Draft { layout, n_previous, key_interval, coder, ..plain.clone() })
}

fn key_interval(draft: &Draft) -> usize {
    match draft.map.bound() {
        None => KEY_INTERVAL,
        Some(_) => (MAX_CHAIN / (draft.layout.h * draft.layout.w)).clamp(KEY_INTERVAL, MAX_KEY_INTERVAL),
    }
}

fn fits(
    runtime: &Runtime,
    stacks: &[Stack],
    prediction: Prediction,
    octaves: i32,
    known: &mut Fits,
) -> Vec<Vec<Fitted>> {
    let (model, Prediction { n_phases, n_previous }) = (runtime.model(), prediction);
    let n_references = stacks.first().map_or(0, |s| s.references.len());
    let hash = model.hash;
    let ways = (0..n_phases).flat_map(|phase| (0..=n_previous).map(move |n| (hash, n_phases, phase, n, octaves)));
    let ways: Vec<Way> = ways.collect();
    let is_new = |way: &&Way| known.0.iter().all(|(before, _)| before != *way);
    let new: Vec<Way> = ways.iter().filter(is_new).copied().collect();
    let fitted: Vec<(Way, Fitted)> = new
        .into_par_iter()
        .map(|way| {
            let (_, _, phase, n, _) = way;
            let views = stacks.iter().map(|s| s.views(n_phases, n).swap_remove(phase));
            let n_refs = (phase + n + n_references).min(model.family.max_refs());
            let (plans, views): (Vec<_>, Vec<View>) = views
                .map(|view| {
                    let plan = runtime.plan_to_encode(view.h, view.w);
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
                let stats = PlaneStats { median: 0, spread: ONE };
                return (way, Fitted { linears: model.linears(n_refs), stats });
            }
            let fit = fit::fit_masked(model, &samples, &classes, octaves);
            (way, Fitted { linears: fit.linears, stats: fit.stats })
        })
        .collect();
    known.0.extend(fitted);
    let fit = |way: &Way| known.0.iter().find(|(of, _)| of == way).expect("it was fitted").1.clone();
    ways.chunks(n_previous + 1).map(|ways| ways.iter().map(fit).collect()).collect()
}

fn measure(
    runtime: &Runtime,
    fits: &[Vec<Fitted>],
    Prediction { n_phases, n_previous }: Prediction,
    stacks: &[Stack],
    max: i32,
) -> u64 {
    let bits = stacks.par_iter().map(|stack| {
        let views = stack.views(n_phases, n_previous).into_iter().enumerate();
        let views = views.map(|(phase, view)| {
            let Fitted { linears, stats } = &fits[phase][(stack.planes.len() - 1).min(n_previous)];
            let context =
                PlaneContext { model: runtime.model(), kernels: runtime.kernels(), linears, stats: *stats, max };
            let plan = runtime.plan_to_encode(view.h, view.w);
            let view = view.fill_in(&plan);
            cells::bits(context, &plan, &view.ints, &view.classes, &view.refs())
        });
        views.sum::<u64>()
    });
    bits.sum()
}
