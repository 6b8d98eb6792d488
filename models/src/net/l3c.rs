//! F = clamp(E(block)₁, 0, 24)          bits = Σ −log₂ P(int | D(means, F around)) + −log₂ P(F | means)
//!
//! The three nets of family `l3c` in floats, together: E decides what is transmitted of 2 × 2 ints, one net foresees
//! it, and D sees it. F is rounded, straight through, always; all the rest where it is `quantised`.

use crate::data::blocks::{Blocks, INNER, N_BLOCKS, N_INTS, SIDE};
use crate::net::batch::Batch;
use crate::net::context::{ContextNet, first_floats};
use crate::net::head::{FloatHead, Head};
use crate::net::layers::gradients;
use crate::net::preset::mean_of_nearest;
use crate::net::quantise::export;
use crate::net::shape::{MIDDLE, Shape, n_floats};
use crate::random::Random;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::kernel::quantise::{FEATURE_B, FEATURE_S, MAX_FEATURE};
use collapsar::internals::kernel::{HINT_SHIFT, ONE};
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{N_CONTEXT, Pass, Spec, Tap};

/// Phases in the order of the plan, and how taps are mirrored in each.
const TURNS: [Tap; 4] = [(1, 1), (1, -1), (-1, 1), (-1, -1)];

/// Specs and shapes of the nets, in the order of the family's passes.
#[derive(Clone, Debug)]
pub struct Plan {
    pub specs: [Spec; 3],
    pub shapes: [Shape; 3],
}

impl Plan {
    /// 13 700 multiplications per int for a decoder, all scales together, and 1100 more for an encoder.
    pub fn usual() -> Plan {
        let specs = [
            spec(Pass::Encoder, (0.5, 0.5), [36, 36, 16, 0], (2, 4)),
            spec(Pass::Feature, (0.0, 0.0), [25, 25, 16, 0], (3, 4)),
            spec(Pass::Finer, (-0.25, -0.25), [36, 36, 24, 8], (3, 5)),
        ];
        let hidden = [[32, 32], [32, 32], [64, 64]];
        let shapes = [0, 1, 2].map(|i| {
            let (n, [a, b]) = (specs[i].n_features(), hidden[i]);
            vec![[n, a], [a, b], [b, specs[i].head.n_outputs()]]
        });
        Plan { specs, shapes }
    }

    /// Features begin in the middle; what E says beside them counts for nothing.
    pub fn first(&self, random: &mut Random) -> Vec<f32> {
        let mut all: Vec<Vec<f32>> =
            self.shapes.iter().zip(&self.specs).map(|(shape, spec)| first_floats(shape, spec.head, random)).collect();
        let [n_in, n_out] = *self.shapes[0].last().expect("a net has layers");
        let begin = all[0].len() - (n_in + 1) * n_out;
        let last = &mut all[0][begin..];
        for (i, w) in last.iter_mut().enumerate() {
            *w *= if i < n_in * n_out && i % n_out == 0 { 60.0 } else { 0.0 };
        }
        last[n_in * n_out] = 8.0;
        all.concat()
    }

    /// The floats of each net.
    pub fn split<'a>(&self, floats: &'a [f32]) -> [&'a [f32]; 3] {
        let (encoder, rest) = floats.split_at(n_floats(&self.shapes[0]));
        let (feature, finer) = rest.split_at(n_floats(&self.shapes[1]));
        [encoder, feature, finer]
    }

    pub fn export(&self, name: &str, floats: &[f32]) -> Result<Model> {
        let floats = self.split(floats);
        let part = |i: usize| {
            let linear = mean_of_nearest(&self.specs[i])?;
            Ok(PassNet { net: export(floats[i], &self.shapes[i], &self.specs[i])?, linear })
        };
        Model::new(name, Family::L3c, (0..3).map(part).collect::<Result<_>>()?, [0; 32])
    }
}

/// The nearest taps to a centre.
fn spec(
    pass: Pass,
    (cy, cx): (f64, f64),
    [n_taps, n_values, n_residuals, n_hints]: [usize; 4],
    (near_log2, wide_log2): (u32, u32),
) -> Spec {
    let far = |&(dy, dx): &Tap| (f64::from(dy) - cy).powi(2) + (f64::from(dx) - cx).powi(2);
    let mut taps: Vec<Tap> = (-6..=6).flat_map(|dy| (-6..=6).map(move |dx| (dy, dx))).collect();
    taps.sort_by(|a, b| far(a).total_cmp(&far(b)).then(a.cmp(b)));
    taps.truncate(n_taps);
    Spec {
        pass,
        head: Head::Mixture { k: 3 },
        taps,
        n_linear: 20,
        n_values,
        n_residuals,
        n_refs: 0,
        n_hints,
        ref_taps: vec![(0, 0)],
        near_log2,
        wide_log2,
        scale_floor: 16,
        feature_shift: 4,
    }
}

pub struct Nets<'a> {
    plan: &'a Plan,
    pub nets: [ContextNet; 3],
}

/// Bits per int: what the ints take, by int, and what the features take.
pub struct Bits {
    pub ints: Tensor<2>,
    pub features: Tensor<2>,
}

impl<'a> Nets<'a> {
    pub fn new(plan: &'a Plan, floats: &[f32], device: &Device) -> Nets<'a> {
        let floats = plan.split(floats);
        Nets { plan, nets: [0, 1, 2].map(|i| ContextNet::new(floats[i], &plan.shapes[i], plan.specs[i].head, device)) }
    }

    /// Nets that a loss can be followed back to; the device has autodiff.
    pub fn tracked(self) -> Nets<'a> {
        Nets { nets: self.nets.map(ContextNet::tracked), ..self }
    }

    /// Of a loss, in the order of the floats.
    pub fn gradients(&self, loss: &Tensor<1>) -> Vec<f32> {
        gradients(self.nets.iter().map(|net| &net.layers), loss)
    }

    /// Of these patches; the ints phase by phase, patch by patch.
    pub fn bits(&self, blocks: &Blocks, patches: &[usize], quantised: bool, device: &Device) -> Bits {
        let [encoder, feature, finer] = &self.nets;
        let n_hints = self.plan.specs[2].n_hints;
        let seen = |i: usize, all: &[u8]| rows(all, patches, self.plan.shapes[i][0][0], device);
        let said = encoder.outputs(seen(0, &blocks.encoder), quantised);
        let n = said.dims()[0];
        let said = said.slice([0..n, 0..1]).clamp(0.0, MAX_FEATURE as f32);
        // rounded all the way: what lies between two features would tell D more than it costs
        let said = said.clone() + ((said.clone() + 0.5).floor() - said).detach();

        let log_s = (FEATURE_S as f32 / ONE as f32).log2();
        let expected = FEATURE_B as f32 / ONE as f32;
        let batch = Batch::of_symbols(seen(1, &blocks.feature), said.clone(), expected, log_s, 0.5);
        let features = feature.bits(&batch, quantised);

        let n_features = self.plan.shapes[2][0][0];
        let phase =
            |p: usize| patches.iter().flat_map(move |i| (0..N_INTS / 4).map(move |j| i * N_INTS + p * N_INTS / 4 + j));
        let places: Vec<usize> = (0..4).flat_map(phase).collect();
        let batch = Batch::new(&blocks.finer, &places, n_features, device);
        let hint = (said * (ONE >> HINT_SHIFT) as f32 - MIDDLE as f32) / 32.0;
        let map = hint.reshape([patches.len(), SIDE, SIDE]);
        let taps = &self.plan.specs[2].taps[..n_hints];
        let hints = TURNS.map(|turn| Tensor::cat(taps.iter().map(|&tap| seen_by(&map, turn, tap)).collect(), 1));
        let [m, split] = [places.len(), n_features - N_CONTEXT - n_hints];
        let own = batch.features.clone();
        let (before, after) = (own.clone().slice([0..m, 0..split]), own.slice([0..m, split + n_hints..n_features]));
        let x = Tensor::cat(vec![before, Tensor::cat(hints.to_vec(), 0), after], 1);
        let batch = batch.with_features(x.clone());
        Bits { ints: finer.head.bits(&batch, finer.outputs(x, quantised), quantised), features }
    }
}

/// What a tap sees of a map of features, for the inner blocks.
fn seen_by(map: &Tensor<3>, turn: Tap, (dy, dx): Tap) -> Tensor<2> {
    let m = map.dims()[0];
    let from = |d: i32| (1 + d) as usize..(1 + d) as usize + INNER;
    map.clone().slice([0..m, from(dy * turn.0), from(dx * turn.1)]).reshape([m * INNER * INNER, 1])
}

/// The engine's features of the blocks of some patches.
fn rows(all: &[u8], patches: &[usize], n_features: usize, device: &Device) -> Tensor<2> {
    let n_in = n_features.next_multiple_of(4);
    let of_patch = |&i: &usize| all[i * N_BLOCKS * n_in..][..N_BLOCKS * n_in].chunks_exact(n_in);
    let floats = patches.iter().flat_map(of_patch).flat_map(|f| &f[..n_features]);
    let floats: Vec<f32> = floats.map(|&f| (i32::from(f) - MIDDLE) as f32 / 32.0).collect();
    Tensor::from_data(TensorData::new::<f32, _>(floats, [patches.len() * N_BLOCKS, n_features]), device)
}
