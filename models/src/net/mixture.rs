//! (a, m, l) for each of K logistics
//!
//! μₖ = b + s · mₖ      log2 σₖ = log2 s + lₖ      wₖ = softmax₂(a)ₖ      P(int) = share · Σ wₖ [S(hiₖ) − S(loₖ)] + 2⁻²⁴
//!
//! S is the sigmoid, hi and lo = (int ± ½ − μₖ) / σₖ; the first int of a plane reaches down to −∞, the last up to ∞.
//! Clamps and units are those of kernel/mixture.rs and interval.rs.

use crate::net::batch::Batch;
use burn::tensor::Tensor;
use burn::tensor::activation::{log_sigmoid, log_softmax};
use collapsar::internals::kernel::mixture::{MAX_LOG2_SCALE, MIN_LOG2_SCALE};
use collapsar::internals::net::MAX_K;
use std::f32::consts::LN_2;

/// Outputs of a logistic.
const N_OUTPUTS: usize = 3;

/// −log2 P of each cell's int, [n, 1], by the outputs of a net.
pub fn bits(batch: &Batch, outputs: Tensor<2>) -> Tensor<2> {
    let [n, width] = outputs.dims();
    let k = width / N_OUTPUTS;
    let part = |i: usize| outputs.clone().slice([0..n, i * k..(i + 1) * k]);
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;

    let log_w = log_softmax(part(0) * LN_2, 1);
    let location = batch.s.clone() * part(1).clamp(-8.0, 8.0);
    let log2_scale = (batch.log_s.clone() + part(2)).clamp(octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE));
    let log_p = logistic(batch, batch.distance.clone() - location, log2_scale);
    let p = (log_w + log_p).exp().sum_dim(1) * batch.share.clone() + (-24.0f32).exp2();
    p.log() * (-1.0 / LN_2)
}

/// ln P of each cell's int by a logistic, t away from its location; as many columns as it has logistics.
pub fn logistic(batch: &Batch, t: Tensor<2>, log2_scale: Tensor<2>) -> Tensor<2> {
    let steepness = (log2_scale * -LN_2).exp();
    // S(hi) − S(lo) = S(hi) · S(−lo) · (1 − e^(lo − hi)): no difference of like numbers
    let hi = (t.clone() + 0.5) * steepness.clone();
    let lo = (t - 0.5) * steepness.clone();
    let both = batch.not_first.clone() * batch.not_last.clone();
    log_sigmoid(hi) * batch.not_last.clone()
        + log_sigmoid(-lo) * batch.not_first.clone()
        + log_one_minus_exp(steepness) * both
}

/// ln(1 − e^(−x)) for x > 0, by the tangent, which keeps its digits near 0.
fn log_one_minus_exp(x: Tensor<2>) -> Tensor<2> {
    let t = (x * 0.5).tanh();
    (t.clone() * 2.0 / (t + 1.0)).log()
}

/// A mixture as wide as residuals are on average, in K scales an octave or less apart.
pub fn first_biases(k: usize) -> Vec<f32> {
    assert!((1..=MAX_K).contains(&k), "a mixture of {k}");
    let spread = |i: usize| if k == 1 { 0.0 } else { 2.0 * i as f32 / (k - 1) as f32 - 1.0 };
    let scales = (0..k).map(|i| spread(i) - 0.5);
    std::iter::repeat_n(0.0, 2 * k).chain(scales).collect()
}
