//! x = (f − 64) / 32          h = clamp(W x + c, 0, 127/32) per hidden layer          (a, m, l) = W h + c
//!
//! μₖ = b + s · mₖ      log2 σₖ = log2 s + lₖ      wₖ = softmax₂(a)ₖ      P(int) = share · Σ wₖ [S(hiₖ) − S(loₖ)] + 2⁻²⁴
//!
//! S is the sigmoid, hi and lo = (int ± ½ − μₖ) / σₖ; the first int of a plane reaches down to −∞, the last up to ∞. The engine's
//! net in floats: steps, clamps and units are those of kernel/context.rs, mixture.rs and interval.rs.

use crate::data::sample::Cells;
use crate::net::quantise::{Grid, log2_units, to_grid};
use crate::random::Random;
use burn::tensor::activation::{log_sigmoid, log_softmax, relu};
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::kernel::ONE;
use collapsar::internals::kernel::log2::log2;
use collapsar::internals::kernel::mixture::{MAX_LOG2_SCALE, MIN_LOG2_SCALE, Window, mass};
use collapsar::internals::net::MAX_K;
use std::f32::consts::LN_2;

/// weight [n_in, n_out], bias [n_out].
#[derive(Debug)]
pub struct Layer {
    pub weight: Tensor<2>,
    pub bias: Tensor<1>,
}

#[derive(Debug)]
pub struct ContextNet {
    pub layers: Vec<Layer>,
}

/// What a net is shown of some cells, and what came; everything but the features is one column.
pub struct Batch {
    /// x, [n, n_features].
    pub features: Tensor<2>,
    /// s in ints, as locations use it.
    s: Tensor<2>,
    /// log2 of s in ints, as scales use it.
    log_s: Tensor<2>,
    /// int − b.
    distance: Tensor<2>,
    /// 0 where the int is the first of its plane, and where it is the last; 1 elsewhere.
    not_first: Tensor<2>,
    not_last: Tensor<2>,
    /// How much of the probability the logistics share.
    share: Tensor<2>,
}

impl Batch {
    /// The cells at these places; `n_features` of their features are no padding.
    pub fn new(cells: &Cells, places: &[usize], n_features: usize, device: &Device) -> Batch {
        let mut features = Vec::with_capacity(places.len() * n_features);
        for &i in places {
            let f = &cells.features[i * cells.n_in..][..n_features];
            features.extend(f.iter().map(|&f| (i32::from(f) - MIDDLE) as f32 / 32.0));
        }
        let column = |of: &dyn Fn(usize) -> f32| {
            let values = places.iter().map(|&i| of(i)).collect();
            Tensor::from_data(TensorData::new::<f32, _>(values, [places.len(), 1]), device)
        };
        Batch {
            features: Tensor::from_data(TensorData::new::<f32, _>(features, [places.len(), n_features]), device),
            s: column(&|i| cells.s[i].min(1 << 19) as f32 / ONE as f32),
            log_s: column(&|i| log2(cells.s[i]) as f32 / 256.0 - 6.0),
            distance: column(&|i| (cells.int[i] * ONE - cells.b[i]) as f32 / ONE as f32),
            not_first: column(&|i| f32::from(cells.int[i] != 0)),
            not_last: column(&|i| f32::from(cells.int[i] != cells.max[i])),
            share: column(&|i| mass(Window { max: cells.max[i] }.n_symbols()) as f32 / 4096.0),
        }
    }
}

impl Batch {
    /// Symbols that a gradient can be followed through, [n, 1], expected around `b` in a scale of 2^log_s, at `least` or more.
    pub fn of_symbols(features: Tensor<2>, symbols: Tensor<2>, b: f32, log_s: f32, least: f32) -> Batch {
        let one = symbols.ones_like();
        Batch {
            features,
            s: one.clone() * log_s.exp2(),
            log_s: one.clone() * log_s,
            not_first: symbols.clone().detach().greater_elem(least).float(),
            not_last: one.clone(),
            share: one * 0.999,
            distance: symbols - b,
        }
    }

    /// The same cells with other features.
    pub fn with_features(self, features: Tensor<2>) -> Batch {
        Batch { features, ..self }
    }
}

impl ContextNet {
    /// A net of these floats: layer by layer weight, then bias.
    pub fn new(floats: &[f32], shape: &Shape, device: &Device) -> ContextNet {
        assert_eq!(floats.len(), n_floats(shape), "floats of another shape");
        let mut rest = floats;
        let mut next = |n: usize| {
            let (these, others) = rest.split_at(n);
            rest = others;
            these.to_vec()
        };
        let layers = shape.iter().map(|&[n_in, n_out]| Layer {
            weight: Tensor::from_data(TensorData::new(next(n_in * n_out), [n_in, n_out]), device),
            bias: Tensor::from_data(TensorData::new(next(n_out), [n_out]), device),
        });
        ContextNet { layers: layers.collect() }
    }

    /// A net that a loss can be followed back to; its device has autodiff.
    pub fn tracked(self) -> ContextNet {
        let track = |l: Layer| Layer { weight: l.weight.require_grad(), bias: l.bias.require_grad() };
        ContextNet { layers: self.layers.into_iter().map(track).collect() }
    }

    /// Of a loss, in the order of the floats.
    pub fn gradients(&self, loss: &Tensor<1>) -> Vec<f32> {
        gradients([self], loss)
    }

    /// (a, m, l): octaves, multiples of s, octaves. With `quantised`, weights and activations are those that integers can have.
    pub fn heads(&self, features: Tensor<2>, quantised: bool) -> Tensor<2> {
        let mut x = features;
        for (i, layer) in self.layers.iter().enumerate() {
            let last = i + 1 == self.layers.len();
            let weight = layer.weight.clone();
            let n_out = weight.dims()[1];
            let units = |o| log2_units(last, o, n_out);
            let weight = if quantised { Grid::of(&weight, &units).nearest(weight) } else { weight };
            let y = x.matmul(weight) + layer.bias.clone().unsqueeze();
            if last {
                return y;
            }
            // clamp(y, 0, ceiling), which burn does three times as fast in this form
            let h = relu(y.clone()) - relu(y - CEILING);
            x = if quantised { to_grid(h) } else { h };
        }
        x
    }

    /// −log2 P of each cell's int, [n, 1].
    pub fn bits(&self, batch: &Batch, quantised: bool) -> Tensor<2> {
        bits(batch, self.heads(batch.features.clone(), quantised))
    }
}

/// Of a loss that several nets have part in, in the order of their floats.
pub fn gradients<'a>(nets: impl IntoIterator<Item = &'a ContextNet>, loss: &Tensor<1>) -> Vec<f32> {
    let gradients = loss.backward();
    let floats = |data: TensorData| data.try_into_vec::<f32>().expect("a gradient is made of f32");
    let of_layer = |layer: &Layer| {
        let weight = layer.weight.grad(&gradients).expect("every weight has part in the loss").into_data();
        let bias = layer.bias.grad(&gradients).expect("every bias has part in the loss").into_data();
        [floats(weight), floats(bias)].concat()
    };
    nets.into_iter().flat_map(|net| &net.layers).flat_map(of_layer).collect()
}

/// −log2 P of each cell's int, [n, 1], by the heads of a net.
pub fn bits(batch: &Batch, heads: Tensor<2>) -> Tensor<2> {
    let [n, width] = heads.dims();
    let k = width / 3;
    let part = |i: usize| heads.clone().slice([0..n, i * k..(i + 1) * k]);
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;

    let log_w = log_softmax(part(0) * LN_2, 1);
    let location = batch.s.clone() * part(1).clamp(-8.0, 8.0);
    let log2_scale = (batch.log_s.clone() + part(2)).clamp(octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE));
    let steepness = (log2_scale * -LN_2).exp();
    let t = batch.distance.clone() - location;

    // S(hi) − S(lo) = S(hi) · S(−lo) · (1 − e^(lo − hi)): no difference of like numbers
    let hi = (t.clone() + 0.5) * steepness.clone();
    let lo = (t - 0.5) * steepness.clone();
    let both = batch.not_first.clone() * batch.not_last.clone();
    let log_p = log_sigmoid(hi) * batch.not_last.clone()
        + log_sigmoid(-lo) * batch.not_first.clone()
        + log_one_minus_exp(steepness) * both;
    let p = (log_w + log_p).exp().sum_dim(1) * batch.share.clone() + (-24.0f32).exp2();
    p.log() * (-1.0 / LN_2)
}

/// ln(1 − e^(−x)) for x > 0, by the tangent, which keeps its digits near 0.
fn log_one_minus_exp(x: Tensor<2>) -> Tensor<2> {
    let t = (x * 0.5).tanh();
    (t.clone() * 2.0 / (t + 1.0)).log()
}

/// Where training begins: He's normals, the heads a tenth of that.
pub fn first_floats(shape: &Shape, random: &mut Random) -> Vec<f32> {
    let mut floats = Vec::with_capacity(n_floats(shape));
    for (i, &[n_in, n_out]) in shape.iter().enumerate() {
        let last = i + 1 == shape.len();
        let sigma = if last { 0.1 } else { 2f64.sqrt() } / (n_in as f64).sqrt();
        floats.extend((0..n_in * n_out).map(|_| (sigma * random.normal()) as f32));
        floats.extend(if last { first_heads(n_out / 3) } else { vec![0.0; n_out] });
    }
    floats
}

/// A mixture as wide as residuals are on average, in K scales an octave or less apart.
fn first_heads(k: usize) -> Vec<f32> {
    assert!((1..=MAX_K).contains(&k), "a mixture of {k}");
    let spread = |i: usize| if k == 1 { 0.0 } else { 2.0 * i as f32 / (k - 1) as f32 - 1.0 };
    let scales = (0..k).map(|i| spread(i) - 0.5);
    std::iter::repeat_n(0.0, 2 * k).chain(scales).collect()
}
