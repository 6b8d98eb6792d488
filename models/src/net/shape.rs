//! The sizes of a net's layers, and the steps in which its features and activations are held.

/// Features and activations are held in steps of 1/32.
pub const LOG2_STEPS: i32 = 5;
/// The feature that stands for nothing.
pub const MIDDLE: i32 = 64;
/// The largest activation of a hidden layer.
pub const CEILING: f32 = 127.0 / 32.0;

/// [n_in, n_out] of every layer, padding left out.
pub type Shape = Vec<[usize; 2]>;

/// How many floats a net has: weights and biases of every layer.
pub fn n_floats(shape: &Shape) -> usize {
    shape.iter().map(|[n_in, n_out]| (n_in + 1) * n_out).sum()
}
