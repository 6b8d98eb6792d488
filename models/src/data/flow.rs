//! What the engine shows the nets of a flow, with the nets at hand before and behind the one in question.
//!
//! ```text
//! t(known):        what comes is the midpoint itself; b, as the encoder fits it
//! u(midpoints):    what comes is how much would have to be added for the cell to be the mean of the four nearest; b = 0
//! what is coded:   what is left of the midpoint; b = 0
//! ```
//!
//! The nearest four of a known cell do not share its noise, nor that of the midpoints between: what u can say of the
//! difference is what midpoints tell of the cell's own noise. Ints are told with `OFFSET` on top, since they may be
//! below 0.

use crate::data::sample::{Cells, Shared};
use collapsar::internals::fit::Sample;
use collapsar::internals::kernel::context::features;
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::kernel::{MAX_INT, ONE};
use collapsar::internals::model::Plan;
use collapsar::internals::net::Pass;
use collapsar::internals::tile::flow::{Meeting, meet};
use collapsar::internals::tile::stream::PlaneContext;

const OFFSET: i32 = 1 << 21;

/// Appends those cells of a tile that net `part` meets and that `keep` wants.
pub fn gather(
    shared: Shared,
    part: usize,
    sample: &Sample,
    class: u8,
    keep: &mut dyn FnMut() -> bool,
    out: &mut Cells,
) {
    let Shared { model, linears, stats, max } = shared;
    let kernels = model.kernels(Level::detect());
    let context = PlaneContext { model, kernels: &kernels, linears, stats, max };
    let net = &model.nets[part].net;
    let pass = net.spec().pass;
    let mut f = vec![0; net.n_in()];
    meet(context, sample.plan, sample.ints, sample.refs, &mut |meeting: Meeting| {
        if meeting.pass != pass {
            return;
        }
        let Meeting { site, run, b, contrast, details, .. } = meeting;
        for (i, &b) in b.iter().enumerate().filter(|_| keep()) {
            let cell = run.at as usize + i;
            out.s.push(features(net, site.cell(i), b, &mut f));
            out.features.extend(f.iter().map(|&f| f as u8));
            let (b, int) = match pass {
                Pass::PredictDiagonal | Pass::PredictRest => (b, site.arenas.values[cell] / ONE),
                Pass::UpdateDiagonal | Pass::UpdateRest => (0, (ONE / 2 - contrast[cell]) >> 6),
                _ => (0, details[(run.first as i32 + i as i32 * run.step) as usize]),
            };
            out.b.push(b + OFFSET * ONE);
            out.int.push(int + OFFSET);
            out.max.push(MAX_INT);
            out.class.push(class);
        }
    });
}

/// How many cells of a tile a coupling's net meets.
pub fn n_cells(plan: &Plan, pass: Pass) -> usize {
    let halves = plan.lifts.iter().flat_map(|lift| lift.halves.iter().map(move |half| (lift, half)));
    let phases = halves.flat_map(|(lift, half)| {
        let coded = half.coded.iter().copied().filter(move |_| half.predict == pass);
        let known = half.known.iter().map(|known| known.phase).filter(move |_| half.update == pass);
        coded.chain(known).map(|phase| &lift.phases[phase])
    });
    phases.flat_map(|phase| &phase.runs).map(|run| run.n as usize).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::preset::Preset;
    use crate::random::Random;
    use crate::train::start::Start;
    use collapsar::internals::kernel::PlaneStats;
    use collapsar::internals::model::{Family, Model};
    use collapsar::internals::tile::cells::{costs, encode};

    const SIDE: usize = 40;

    /// Nets that have learnt nothing, but whose heads speak up; a slope with noise.
    fn synthetic() -> (Model, Vec<i32>) {
        let mut model = Start::fresh(Family::Idf, Preset::from_name("fast").unwrap(), 1).unwrap().model;
        for (i, part) in model.nets.iter_mut().enumerate() {
            let mut last = part.net.layers().last().unwrap().clone();
            last.bias.iter_mut().enumerate().for_each(|(o, bias)| *bias = (o as i32 * 37 + i as i32 * 11) % 50 - 20);
            part.net = part.net.with_last_layer(last).unwrap();
        }
        let mut random = Random::new(2);
        let ints = (0..SIDE * SIDE).map(|i| (i / SIDE * 3 + random.below(30)) as i32).collect();
        (model, ints)
    }

    /// Every int but the seed is met once by a net that codes, and the engine's cost of what the trainer is shown is
    /// that of the payload.
    #[test]
    fn what_the_trainer_is_shown_is_what_the_engine_codes() {
        let (model, ints) = synthetic();
        let (linears, kernels) = (model.linears(0), model.kernels(Level::detect()));
        let (stats, max) = (PlaneStats { median: 64 * 70, spread: 400 }, 200);
        let plan = model.plan_to_encode(SIDE, SIDE);
        let sample = Sample { plan: &plan, ints: &ints, refs: &[] };
        let shared = Shared { model: &model, linears: &linears, stats, max };
        let mut bits = 0.0;
        let mut n_coded = 0;
        for (part, p) in model.nets.iter().enumerate() {
            let mut cells = Cells::new(p.net.n_in());
            gather(shared, part, &sample, 3, &mut || true, &mut cells);
            let pass = p.net.spec().pass;
            assert_eq!(cells.len(), crate::data::cells::n_cells(&plan, pass), "{pass:?}");
            assert!(cells.class.iter().all(|&class| class == 3));
            if let Pass::Diagonal | Pass::Rest = pass {
                n_coded += cells.len();
                bits += crate::data::cells::bits(&p.net, &cells).iter().sum::<f64>();
            }
        }
        assert_eq!(n_coded, SIDE * SIDE - 1);
        let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max };
        let engine = costs(context, &plan, &ints, &[], &[]).iter().sum::<i64>() as f64 / 256.0;
        assert!((bits - engine).abs() < 0.01 * engine, "{bits} and {engine}");
        assert!((encode(context, &plan, &ints, &[]).len() as f64 * 8.0 - engine) < 200.0);
    }
}
