// What every dispatch is told; it stands before the text of each shader. Twin: gpu/op.rs, Params.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, n_refs: u32, residual: i32, max: i32,
    linear: u32, n_own: u32, n_linear_refs: u32, n_ref_taps: u32,
    offsets: u32, weights: u32, n_layers: u32, k: u32,
    n_values: u32, n_residuals: u32, n_net_refs: u32, scale_floor: i32,
    near_log2: u32, wide_log2: u32, feature_shift: u32, level: i32,
    mass: i32, n_symbols: u32, escapes: u32, n_taps: u32,
    usual: i32, spots: u32, n_spots: u32, n_words: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
