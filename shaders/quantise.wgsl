// q = clamp(round(a₁ / 256), 0, most)          a₁ the first head: the feature that an encoder transmits
//
// heads per tile: s, K logits, …. symbols: of every place. Twin: kernel/quantise.rs, quantise.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    k: u32, most: i32, log2_step: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> heads: array<i32>;
@group(0) @binding(2) var<storage, read_write> symbols: array<i32>;

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
    symbols[tile * params.stride + i] = clamp(q, 0, params.most);
}
