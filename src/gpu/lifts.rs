//! A flow's way there and back as dispatches: what `codec::flow` does run by run, phase by phase.
//!
//! An entry p of `cells` is a place, as in `tables`; results of a move lie from the place of its first cell on. A shown cell is a
//! home or a copy beyond the edges, and both are always changed alike.

use super::op::Params;
use super::tables::{self, NONE, common, linear_terms, net_params, net_weights, net_words, widest};
use crate::kernel::Offsets;
use crate::kernel::couple::{MAX_LIFTED, Way};
use crate::kernel::mixture::mass;
use crate::kernel::predict::Linear;
use crate::model::Plan;
use crate::model::plan::{Half, Lift, Phase, indices};
use crate::tile::flow::WINDOW;
use crate::tile::stream::Context;
use std::collections::BTreeMap;
use std::ops::Range;

/// An op with the buffers that it meets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deed {
    FillRefs,
    /// Cells of phases without ints: the plane's usual int.
    FillBare,
    FillInts,
    FillSeed,
    FillLeft,
    ResetSharp,
    ResetResiduals,
    Predict,
    SettleSharp,
    SettleLeft,
    /// What is said of midpoints, of cells to update, of what is left of midpoints.
    SeeKnown,
    SeeLeft,
    SeeToCode,
    CoupleMidpoints,
    CoupleKnown,
    CarryValues,
    CarryResiduals,
    Mixture,
    Interval,
    Leave,
}

/// What happens next: dispatches, or a step is coded.
#[derive(Clone, Debug)]
pub(super) enum Move {
    Do(Deed, Range<usize>),
    Code(Coded),
}

/// A step that is coded: its number in the plan, its places.
#[derive(Clone, Debug)]
pub(super) struct Coded {
    pub step: usize,
    pub first: usize,
    pub n: usize,
}

/// Everything that the dispatches read, and their order.
#[derive(Default)]
pub(super) struct Lifts {
    pub params: Vec<Params>,
    pub cells: Vec<u32>,
    pub shown: Vec<[u32; 2]>,
    pub pairs: Vec<[u32; 2]>,
    pub mirror: Vec<[u32; 2]>,
    pub linear: Vec<[i32; 2]>,
    pub offsets: Vec<i32>,
    pub weights: Vec<[u32; 4]>,
    pub words: u32,
    /// Of mixtures, and the most of any net.
    pub k: usize,
    pub most_k: usize,
    /// Places of coded steps, and behind them that of the seed.
    pub n_coded: usize,
    /// Of a coded place, the int of the tile.
    pub index: Vec<u32>,
    /// The most places of one move.
    pub n_most: usize,
    pub begin: Vec<Move>,
    pub there: Vec<Move>,
    pub back: Vec<Move>,
    nets: Vec<u32>,
    common: Params,
}

/// Cells of a phase or a step: their places, and the entries of `shown`.
#[derive(Clone, Copy, Debug, Default)]
struct Group {
    first: usize,
    n: usize,
    shown: (usize, usize),
}

impl Lifts {
    /// `encodes`: results of coded steps lie in one block.
    pub fn new(context: Context, plan: &Plan, n_refs: usize, encodes: bool) -> Lifts {
        let parts = &context.model.parts;
        let (mass, n_symbols) = (mass(WINDOW.n_symbols()), WINDOW.n_symbols());
        let common = Params { mass, n_symbols, escapes: 1, ..common(context, plan, n_refs) };
        let k = parts[0].net.k;
        let most_k = parts.iter().map(|p| p.net.k).max().unwrap_or(k);
        let words = widest(parts.iter().map(|p| net_words(&p.net)));
        let mut t = Lifts { common, k, most_k, words, ..Lifts::default() };
        t.nets = parts.iter().map(|part| net_weights(&part.net, &mut t.weights)).collect();
        for run in &plan.order {
            t.cells.extend(run.at..run.at + run.n);
            t.index.extend(indices(*run).map(|i| i as u32));
        }
        t.n_coded = t.cells.len();
        t.cells.push(plan.lifts[0].phases[0].runs[0].at);
        t.n_most = if encodes { t.n_coded + 1 } else { 1 };
        t.set_up(context, plan, n_refs, encodes);
        let mut first = 0;
        let mut groups = Vec::new();
        for lift in &plan.lifts {
            let coded = [3, 1, 2].map(|phase| {
                let group = t.group(&lift.phases[phase], Some(first));
                first += group.n;
                (phase, group)
            });
            let mut phases = [Group::default(); 4];
            coded.iter().for_each(|&(phase, group)| phases[phase] = group);
            phases[0] = t.group(&lift.phases[0], None);
            groups.push(phases);
        }
        if encodes {
            t.go_there(context, plan, n_refs, &groups);
        }
        t.come_back(context, plan, n_refs, &groups, encodes);
        t
    }

    /// What every batch begins with.
    fn set_up(&mut self, context: Context, plan: &Plan, n_refs: usize, encodes: bool) {
        let ints = Params { stride: (plan.h * plan.w) as u32, ..self.common };
        if n_refs > 0 {
            self.mirror = plan.mirror.iter().enumerate().map(|(cell, &i)| [cell as u32, i]).collect();
            let range = self.add(ints, 0, self.mirror.len());
            self.begin.push(Move::Do(Deed::FillRefs, range));
        }
        let bare: Vec<usize> = plan.lifts.iter().flat_map(|lift| lift.bare.clone()).collect();
        let range = self.show(self.common, bare.iter().map(|&cell| [cell as u32, NONE]));
        self.begin.push(Move::Do(Deed::FillBare, range));
        let all = self.show(self.common, (0..plan.n_arena as u32).map(|cell| [cell, NONE]));
        self.begin.push(Move::Do(Deed::ResetSharp, all.clone()));
        self.begin.push(Move::Do(Deed::ResetResiduals, all.clone()));
        self.back.push(Move::Do(Deed::ResetResiduals, all));
        debug_assert!(context.model.parts[0].net.is_plain(), "`Model::new` takes no other flows");
        let shown = |phase: &Phase| -> Vec<[u32; 2]> {
            let homes: Vec<(u32, u32)> = phase
                .runs
                .iter()
                .flat_map(|run| (0..run.n).map(|i| run.at + i).zip(indices(*run).map(|i| i as u32)))
                .collect();
            let int: BTreeMap<u32, u32> = homes.iter().copied().collect();
            let halo = phase.halo.iter().map(|(from, to)| [*to, int[from]]);
            homes.iter().map(|&(cell, int)| [cell, int]).chain(halo).collect()
        };
        if encodes {
            let finest = plan.lifts.last().map_or(Vec::new(), |lift| lift.phases.iter().flat_map(shown).collect());
            let range = self.show(ints, finest.into_iter());
            self.begin.push(Move::Do(Deed::FillInts, range));
        } else {
            let seed = plan.lifts.first().map_or(Vec::new(), |lift| shown(&lift.phases[0]));
            let range = self.show(self.common, seed.into_iter().map(|[cell, _]| [cell, NONE]));
            self.begin.push(Move::Do(Deed::FillSeed, range));
        }
    }

    /// The cells of a phase, which are coded from place `first` on, or get places of their own.
    fn group(&mut self, phase: &Phase, first: Option<usize>) -> Group {
        let first = first.unwrap_or(self.cells.len());
        let cells: Vec<u32> = phase.runs.iter().flat_map(|run| run.at..run.at + run.n).collect();
        let places: BTreeMap<u32, u32> =
            cells.iter().enumerate().map(|(i, &cell)| (cell, (first + i) as u32)).collect();
        if first == self.cells.len() {
            self.cells.extend(&cells);
        }
        let begin = self.shown.len();
        self.shown.extend(cells.iter().map(|cell| [*cell, places[cell]]));
        self.shown.extend(phase.halo.iter().map(|(from, to)| [*to, places[from]]));
        self.n_most = self.n_most.max(cells.len());
        Group { first, n: cells.len(), shown: (begin, self.shown.len() - begin) }
    }

    fn go_there(&mut self, context: Context, plan: &Plan, n_refs: usize, groups: &[[Group; 4]]) {
        for (depth, lift) in plan.lifts.iter().enumerate().rev() {
            for half in lift.halves.iter().rev() {
                let mut moves = self.predict(context, plan, n_refs, lift, half, &groups[depth], Way::PREDICT);
                moves.extend(self.settle(half, &groups[depth]));
                moves.extend(self.update(context, n_refs, lift, half, &groups[depth], Way::UPDATE));
                self.there.extend(moves);
            }
            if depth > 0 {
                let above = &plan.lifts[depth - 1];
                let here: BTreeMap<u32, u32> = lift.descent.iter().copied().collect();
                let homes = lift.descent.iter().map(|&(there, here)| [here, there]);
                let halos = above.phases.iter().flat_map(|p| &p.halo).map(|(home, to)| [here[home], *to]);
                let pairs: Vec<[u32; 2]> = homes.chain(halos).collect();
                let carry = self.carry(pairs);
                self.there.push(Move::Do(Deed::CarryValues, carry));
            }
        }
        let all = Params { stride: self.n_coded as u32 + 1, ..self.common };
        let range = self.add(all, 0, self.n_coded + 1);
        self.there.push(Move::Do(Deed::Leave, range));
    }

    fn come_back(&mut self, context: Context, plan: &Plan, n_refs: usize, groups: &[[Group; 4]], encodes: bool) {
        for (depth, lift) in plan.lifts.iter().enumerate() {
            if depth > 0 {
                let there: BTreeMap<u32, u32> = lift.descent.iter().map(|&(a, b)| (b, a)).collect();
                let homes = lift.descent.iter().map(|&(there, here)| [there, here]);
                let halos = lift.phases[0].halo.iter().map(|(home, to)| [there[home], *to]);
                let pairs: Vec<[u32; 2]> = homes.chain(halos).collect();
                let carry = self.carry(pairs);
                self.back.push(Move::Do(Deed::CarryValues, carry.clone()));
                self.back.push(Move::Do(Deed::CarryResiduals, carry));
            }
            for (i, half) in lift.halves.iter().enumerate() {
                let groups = &groups[depth];
                for (step, &phase) in half.steps.clone().zip(&half.coded) {
                    let moves = self.code(context, plan, n_refs, step, groups[phase], encodes);
                    self.back.extend(moves);
                }
                if encodes && depth + 1 == plan.lifts.len() && i == 1 {
                    return; // an encoder knows what comes of it
                }
                let settled = if encodes { self.settle(half, groups) } else { Vec::new() };
                self.back.extend(settled);
                let mut moves = self.update(context, n_refs, lift, half, groups, Way::UPDATE.back());
                moves.extend(self.predict(context, plan, n_refs, lift, half, groups, Way::PREDICT.back()));
                self.back.extend(moves);
            }
        }
    }

    /// Midpoints ± t(known).
    #[expect(clippy::too_many_arguments, reason = "they are those of the CPU's way, and where its cells are")]
    fn predict(
        &mut self,
        context: Context,
        plan: &Plan,
        n_refs: usize,
        lift: &Lift,
        half: &Half,
        groups: &[Group; 4],
        way: Way,
    ) -> Vec<Move> {
        let mut moves = Vec::new();
        for known in &half.known {
            let group = groups[known.phase];
            let linear = linear_terms(&Linear::mean(4), &known.near, 0, &mut self.linear);
            let params = Params { base: group.first as u32, stride: group.n as u32, ..with(self.common, linear) };
            moves.push(Move::Do(Deed::Predict, self.add(params, group.first, group.n)));
            moves.push(Move::Do(Deed::SettleSharp, self.add(params, group.shown.0, group.shown.1)));
        }
        for (step, &phase) in half.steps.clone().zip(&half.coded) {
            let group = groups[phase];
            let part = context.model.part(half.predict, n_refs);
            let (local, offsets) = (Some(group), &plan.offsets[plan.steps[step].offsets]);
            let params = self.step(context, plan, n_refs, step, local);
            moves.push(Move::Do(Deed::Predict, self.add(params, group.first, group.n)));
            let params = self.net(context, part, offsets, lift.level, params);
            moves.push(Move::Do(Deed::SeeKnown, self.add(params, group.first, group.n)));
            moves.push(Move::Do(Deed::CoupleMidpoints, self.couple(params, group, way)));
        }
        moves
    }

    /// Known ± u(midpoints).
    fn update(
        &mut self,
        context: Context,
        n_refs: usize,
        lift: &Lift,
        half: &Half,
        groups: &[Group; 4],
        way: Way,
    ) -> Vec<Move> {
        let mut moves = Vec::new();
        let part = context.model.part(half.update, n_refs);
        for known in &half.known {
            let group = groups[known.phase];
            let params = Params {
                base: group.first as u32,
                stride: group.n as u32,
                usual: 0,
                n_ref_taps: known.update.ref_taps.len() as u32,
                ..self.common
            };
            let params = self.net(context, part, &known.update, lift.level, params);
            moves.push(Move::Do(Deed::SeeLeft, self.add(params, group.first, group.n)));
            moves.push(Move::Do(Deed::CoupleKnown, self.couple(params, group, way)));
        }
        moves
    }

    /// What is left of midpoints is their residual.
    fn settle(&mut self, half: &Half, groups: &[Group; 4]) -> Vec<Move> {
        let settle = |&phase: &usize| {
            let group = groups[phase];
            let params = Params { base: group.first as u32, stride: group.n as u32, ..self.common };
            Move::Do(Deed::SettleLeft, self.add(params, group.shown.0, group.shown.1))
        };
        half.coded.iter().map(settle).collect()
    }

    /// The mixtures of a step, and its intervals; a decoder then fills in what it has popped.
    fn code(
        &mut self,
        context: Context,
        plan: &Plan,
        n_refs: usize,
        step: usize,
        group: Group,
        encodes: bool,
    ) -> Vec<Move> {
        let params = self.step(context, plan, n_refs, step, (!encodes).then_some(group));
        let (offsets, level) = (&plan.offsets[plan.steps[step].offsets], plan.steps[step].level);
        let part = context.model.part(plan.steps[step].pass, n_refs);
        let predicted = self.add(params, group.first, group.n);
        let params = self.net(context, part, offsets, level, params);
        let seen = self.add(params, group.first, group.n);
        let mut moves = vec![
            Move::Do(Deed::Predict, predicted),
            Move::Do(Deed::SeeToCode, seen.clone()),
            Move::Do(Deed::Mixture, seen.clone()),
        ];
        if encodes {
            moves.push(Move::Do(Deed::Interval, seen));
        } else {
            moves.push(Move::Code(Coded { step, first: group.first, n: group.n }));
            let shown = self.add(params, group.shown.0, group.shown.1);
            moves.push(Move::Do(Deed::FillLeft, shown.clone()));
            moves.push(Move::Do(Deed::SettleLeft, shown));
        }
        moves
    }

    /// Where the results of a step lie and what its predictor is: in a block of their own, or in that of all coded steps.
    fn step(&mut self, context: Context, plan: &Plan, n_refs: usize, step: usize, local: Option<Group>) -> Params {
        let (base, stride) = local.map_or((0, self.n_coded + 1), |group| (group.first, group.n));
        let (offsets, set) = (&plan.offsets[plan.steps[step].offsets], plan.steps[step].set);
        let linear = linear_terms(&context.linears[set], offsets, n_refs, &mut self.linear);
        Params { base: base as u32, stride: stride as u32, ..with(self.common, linear) }
    }

    fn net(&mut self, context: Context, part: usize, offsets: &Offsets, level: i32, params: Params) -> Params {
        let begin = self.offsets.len() as u32;
        self.offsets.extend(offsets.taps.iter().chain(&offsets.ref_taps));
        let params = Params {
            n_taps: offsets.taps.len() as u32,
            n_ref_taps: offsets.ref_taps.len() as u32,
            offsets: begin,
            weights: self.nets[part],
            ..params
        };
        net_params(&context.model.parts[part].net, level, params)
    }

    fn couple(&mut self, params: Params, group: Group, way: Way) -> Range<usize> {
        debug_assert!(way.most >= MAX_LIFTED);
        self.add(Params { level: way.sign, max: way.most, ..params }, group.shown.0, group.shown.1)
    }

    fn carry(&mut self, pairs: Vec<[u32; 2]>) -> Range<usize> {
        let (begin, n) = (self.pairs.len(), pairs.len());
        self.pairs.extend(pairs);
        self.add(self.common, begin, n)
    }

    fn show(&mut self, params: Params, shown: impl Iterator<Item = [u32; 2]>) -> Range<usize> {
        let begin = self.shown.len();
        self.shown.extend(shown);
        self.add(params, begin, self.shown.len() - begin)
    }

    fn add(&mut self, params: Params, first: usize, n: usize) -> Range<usize> {
        tables::add(&mut self.params, params, first, n)
    }
}

/// The common parameters with those of a predictor.
fn with(common: Params, linear: Params) -> Params {
    Params {
        linear: linear.linear,
        n_own: linear.n_own,
        n_linear_refs: linear.n_linear_refs,
        n_ref_taps: linear.n_ref_taps,
        ..common
    }
}
