// v(to) ← v(from)          from level to level of a flow: nothing is read that another thread writes
//
// pairs [first..first + n]: (from, to). Twin: Lift::descent in codec/flow.rs.

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
@group(0) @binding(1) var<storage, read> pairs: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read_write> arena: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y * params.n_arena;
    let pair = pairs[params.first + id.x];
    arena[tile + pair.y] = arena[tile + pair.x];
}
