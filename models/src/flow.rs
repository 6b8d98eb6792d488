//! What the engine shows the nets of a flow, with the nets at hand before and behind the one in question.
//!
//! ```text
//! t(known):        what comes is the midpoint itself; b, as the encoder fits it
//! u(midpoints):    what comes is how much would have to be added for the cell to be the mean of the four nearest; b = 0
//! what is coded:   what is left of the midpoint; b = 0
//! ```
//!
//! The nearest four of a known cell do not share its noise, nor that of the midpoints between: what u can say of the difference is
//! what midpoints tell of the cell's own noise. Ints are told with `OFFSET` on top, since they may be below 0.

use crate::cells::{Cells, Shared};
use collapsar::codec::flow::{Meeting, meet};
use collapsar::codec::network::Context;
use collapsar::fit::Sample;
use collapsar::kernel::context::features;
use collapsar::kernel::fast::Level;
use collapsar::kernel::{MAX_INT, ONE};
use collapsar::model::Plan;
use collapsar::net::Pass;

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
    let Shared { model, linears, usual, max } = shared;
    let fast = model.fast(Level::detect());
    let context = Context { model, fast: &fast, linears, usual, max };
    let net = &model.parts[part].net;
    let pass = net.spec().pass;
    let mut f = vec![0; net.n_in()];
    meet(context, sample.plan, sample.ints, sample.refs, &mut |meeting: Meeting| {
        if meeting.pass != pass {
            return;
        }
        let Meeting { offsets, look, run, level, b, sharp, left, .. } = meeting;
        for (i, &b) in b.iter().enumerate().filter(|_| keep()) {
            let cell = run.at as usize + i;
            out.s.push(features(net, offsets, look, cell, level, b, &mut f));
            out.features.extend(f.iter().map(|&f| f as u8));
            let (b, int) = match pass {
                Pass::PredictDiagonal | Pass::PredictRest => (b, look.values[cell] / ONE),
                Pass::UpdateDiagonal | Pass::UpdateRest => (0, (ONE / 2 - sharp[cell]) >> 6),
                Pass::Raster | Pass::Diagonal | Pass::Rest => {
                    (0, left[(run.first as i32 + i as i32 * run.step) as usize])
                }
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
