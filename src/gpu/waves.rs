//! The tables of scales: features are one wave, the four phases of their ints another, as none of them sees the others.

use super::op::Params;
use super::tables::{Stage, Tables, common, linear_terms, net_params, net_weights, net_words, widest};
use crate::kernel::predict::Linear;
use crate::model::Plan;
use crate::model::l3c::Steps;
use crate::model::plan::Step;
use crate::net::{Net, Pass};
use crate::tile::stream::Context;

/// The step that means features.
const FEATURES: u32 = 31;

/// log2 of the step of a scale; no scale: of features.
pub(super) fn log2_step(steps: Steps, scale: Option<usize>) -> u32 {
    scale.map_or(FEATURES, |scale| steps.of_scale(scale))
}

impl Tables {
    /// For an encoder, whose results lie in one block, or for a decoder, where those of each wave begin at 0. A stage's layers are
    /// the dispatches of the encoder's net.
    pub fn of_scales(context: Context, plan: &Plan, each: bool) -> Tables {
        let parts = &context.model.parts;
        let mut t = Tables { k: parts[0].net.k, ..Tables::default() };
        t.words = widest(parts.iter().map(|p| net_words(&p.net)));
        t.order(plan);
        let common = common(context, plan, 0);
        let nets: Vec<u32> = parts.iter().map(|part| net_weights(&part.net, &mut t.weights)).collect();
        let n_none = t.shown.len();
        t.fill_none = t.add(common, 0, n_none);

        let n_all = t.cells.len();
        let (mut at, mut first) = (0, 0);
        while at < plan.steps.len() {
            let key = |s: &Step| (s.pass, s.level);
            let wave = plan.steps[at..].iter().take_while(|s| key(s) == key(&plan.steps[at])).count();
            let steps = at..at + wave;
            at = steps.end;
            let size = |step: &Step| step.runs.iter().map(|r| r.n as usize).sum::<usize>();
            let n: usize = plan.steps[steps.clone()].iter().map(size).sum();
            let (base, stride) = if each { (first, n) } else { (0, n_all) };
            let block = Params { base: base as u32, stride: stride as u32, ..common };

            let show = t.shown.len();
            t.show(plan, steps.clone(), first);
            let shown = t.add(block, show, t.shown.len() - show);
            let step_params: Vec<Params> =
                plan.steps[steps.clone()].iter().map(|step| t.step(context, plan, step, &nets, block)).collect();
            let (begin, mut next) = (t.params.len(), first);
            for (step, params) in plan.steps[steps.clone()].iter().zip(&step_params) {
                t.add(*params, next, size(step));
                next += size(step);
            }
            let cells = begin..t.params.len();
            let step = &plan.steps[steps.start];
            let layers = match step.pass == Pass::Feature && !each {
                true => {
                    let said = t.said(context, plan, step, &nets, step_params[0]);
                    t.add(said, first, n)
                }
                false => 0..0,
            };
            t.stages.push(Stage { cells, shown, layers, first, n, steps });
            first += n;
        }
        let block = Params { stride: n_all as u32, ..common };
        let shown = t.add(block, 0, t.shown.len());
        let cells = t.add(block, 0, n_all);
        t.all = Stage { cells, shown, layers: 0..0, first: 0, n: n_all, steps: 0..plan.steps.len() };
        t
    }

    /// What the cells of a step are told.
    fn step(&mut self, context: Context, plan: &Plan, step: &Step, nets: &[u32], block: Params) -> Params {
        let offsets = &plan.offsets[step.offsets];
        let stay = Linear::new(Vec::new(), Vec::new()).expect("nothing sums to 0");
        let (linear, scale) = match step.pass {
            Pass::Feature => (&stay, None),
            _ => (&context.linears[step.set], Some(step.level as usize)),
        };
        let linear = linear_terms(linear, offsets, 0, &mut self.linear);
        let begin = self.add_offsets(offsets);
        let part = context.model.part(step.pass, 0);
        let net = &context.model.parts[part].net;
        Params {
            linear: linear.linear,
            n_own: linear.n_own,
            n_linear_refs: 0,
            spots: log2_step(Steps::of(context.usual), scale),
            ..seen(net, plan.level(step), begin, offsets.taps.len(), nets[part], block)
        }
    }

    /// What they are told where the encoder's net looks at the ints themselves.
    fn said(&mut self, context: Context, plan: &Plan, step: &Step, nets: &[u32], params: Params) -> Params {
        let offsets = &plan.offsets[plan.scales[step.level as usize].encoder];
        let begin = self.add_offsets(offsets);
        let part = context.model.part(Pass::Encoder, 0);
        seen(&context.model.parts[part].net, plan.level(step), begin, offsets.taps.len(), nets[part], params)
    }
}

/// A net and where it looks: taps, the place (0, 0), hints.
fn seen(net: &Net, level: i32, offsets: u32, n_taps: usize, weights: u32, params: Params) -> Params {
    let (n_taps, n_spots) = (n_taps as u32, net.n_hints as u32);
    net_params(net, level, Params { offsets, n_taps, n_ref_taps: 1, weights, n_spots, ..params })
}
