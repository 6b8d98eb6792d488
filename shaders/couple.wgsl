// v ← v + sign · 64 · ⌊(b + s · m + 32) / 64⌋          at the home of an int of a flow and at its copies
//
// targets [first..first + n]: (cell, place of its int among heads). `most` is the largest magnitude in ints. Twin:
// kernel/couple.rs, couple.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, k: u32, sign: i32, most: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read> heads: array<i32>;
@group(0) @binding(4) var<storage, read_write> values: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let to = targets[params.first + id.x];
    let at = tile * params.n_arena + to.x;
    let i = to.y - params.base;
    let k = params.k;
    let head = tile * (3u * k + 1u) * params.stride + i;
    let m = clamp(heads[head + (1u + k) * params.stride], -1024, 1024);
    let shift = (min(heads[head], 524288) * m + 64) >> 7u;
    let int = (b[tile * params.stride + i] + shift + 32) >> 6u;
    let most = params.most * 64;
    values[at] = clamp(values[at] + params.sign * int * 64, -most, most);
}
