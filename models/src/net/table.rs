//! (m, l, t, k) of the one table that a cell's int is coded by
//!
//! μ = b + s · m      log2 σ = log2 s + l      w₃ = ½ (t / 7)²      w₁₂ = w₃ / 8      P(int) = Σ wᵢ · [Sᵢ(hi) − Sᵢ(lo)]
//!
//! S₁ is the logistic of location μ and scale σ, the core; S₃ the tail, of location μ + k σ and scale 3 σ; S₁₂ outliers,
//! of location μ and scale 12 σ. Rounded, l goes in eighths of an octave, t and k in ones. Clamps and units are those of
//! kernel/table.rs; what the engine rounds beside these (the location, 64 steps in 2¹⁶) is left out.

use crate::net::batch::Batch;
use crate::net::mixture::logistic;
use burn::tensor::Tensor;
use collapsar::internals::kernel::table::{
    LOG2_OUTLIERS, MAX_LOG2_SCALE, MAX_SKEW, MAX_TAIL, MIN_LOG2_SCALE, OUTLIER_OCTAVES, TAIL_OCTAVES,
};

/// log2 of the share that every symbol has of a table, and of what all of them have.
const LOG2_LEAST: f32 = -16.0;
const LEASTS: f32 = 64.0 / 65536.0;

/// −log2 P of each cell's int, [n, 1], by the outputs of a net.
pub fn bits(batch: &Batch, outputs: Tensor<2>, quantised: bool) -> Tensor<2> {
    let n = outputs.dims()[0];
    let part = |i: usize| outputs.clone().slice([0..n, i..i + 1]);
    let stepped = |x: Tensor<2>, steps: f32| if quantised { nearest(x * steps) / steps } else { x };
    let octaves = |units: i32| units as f32 / 256.0 - 6.0;

    let log2_scale = batch.log_s.clone() + part(1);
    let log2_scale = stepped(log2_scale.clamp(octaves(MIN_LOG2_SCALE), octaves(MAX_LOG2_SCALE)), 8.0);
    let tail = stepped(part(2).clamp(0.0, MAX_TAIL as f32), 1.0) / MAX_TAIL as f32;
    let skew = stepped(part(3).clamp(-MAX_SKEW as f32, MAX_SKEW as f32), 1.0);
    let weight = tail.clone() * tail * 0.5;
    let scale = (log2_scale.clone() * std::f32::consts::LN_2).exp();

    let t = batch.distance.clone() - batch.s.clone() * part(0).clamp(-8.0, 8.0);
    let core = logistic(batch, t.clone(), log2_scale.clone()).exp();
    let outliers = logistic(batch, t.clone(), log2_scale.clone() + OUTLIER_OCTAVES as f32 / 256.0).exp();
    let wide = logistic(batch, t - skew * scale, log2_scale.clone() + TAIL_OCTAVES as f32 / 256.0).exp();
    let further = weight.clone() / (1 << LOG2_OUTLIERS) as f32;
    let p = core * (-weight.clone() - further.clone() + 1.0) + wide * weight + outliers * further;
    // a symbol is an int up to a scale of 8, an eighth of a scale or less from there on
    let steps = (log2_scale - 2.0).clamp(0.0, 24.0);
    let least = ((-steps + LOG2_LEAST) * std::f32::consts::LN_2).exp();
    (p * (1.0 - LEASTS) + least).log() * (-1.0 / std::f32::consts::LN_2)
}

/// Rounded, with the gradient of what it was.
fn nearest(x: Tensor<2>) -> Tensor<2> {
    x.clone() + ((x.clone() + 0.5).floor() - x).detach()
}

/// As wide as residuals are on average, with some tail.
pub fn first_biases() -> Vec<f32> {
    vec![0.0, -1.0, 3.0, 0.0]
}
