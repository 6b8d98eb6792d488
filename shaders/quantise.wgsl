// q = clamp(round(a₁ / 256), 0, min(24, max))          a₁ the first head: the feature that an encoder transmits
//
// heads per tile: s, K logits, …. symbols: of every place. Twin: kernel/quantise.rs, quantise.

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
@group(0) @binding(1) var<storage, read> heads: array<i32>;
@group(0) @binding(2) var<storage, read_write> symbols: array<i32>;

const MAX_FEATURE: i32 = 24;
const FEATURE_SHIFT: u32 = 8u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let i = params.first + id.x - params.base;
    let tile = id.y;
    let a = heads[(tile * (3u * params.k + 1u) + 1u) * params.stride + i];
    let q = (a + 128) >> FEATURE_SHIFT;
    symbols[tile * params.stride + i] = clamp(q, 0, min(MAX_FEATURE, params.max));
}
