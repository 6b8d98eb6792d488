// v ← v + sign · 64 · ⌊(b + s · m + 32) / 64⌋          wherever an int of a flow is shown in the arena
//
// shown [first..first + n]: (cell, place of the int among heads). `level` is the sign, `max` the largest magnitude in
// ints. Twin: kernel/couple.rs.

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
@group(0) @binding(1) var<storage, read> shown: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read> heads: array<i32>;
@group(0) @binding(4) var<storage, read_write> values: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let show = shown[params.first + id.x];
    let at = tile * params.n_arena + show.x;
    let i = show.y - params.base;
    let k = params.k;
    let head = tile * (3u * k + 1u) * params.stride + i;
    let m = clamp(heads[head + (1u + k) * params.stride], -1024, 1024);
    let shift = (min(heads[head], 524288) * m + 64) >> 7u;
    let int = (b[tile * params.stride + i] + shift + 32) >> 6u;
    let most = params.max * 64;
    values[at] = clamp(values[at] + params.level * int * 64, -most, most);
}
