// vᵢ = 64 · intᵢ          at the home of an int and at its copies; the seed where no int ever is
//
// targets [first..first + n]: (cell, place of its int among those of the tile). One row of threads per tile. Twin:
// model/plan.rs, fill.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, spread: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> ints: array<i32>;
@group(0) @binding(3) var<storage, read> seeds: array<i32>;
@group(0) @binding(4) var<storage, read_write> values: array<i32>;

const NONE: u32 = 0xffffffffu;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let to = targets[params.first + id.x];
    let at = tile * params.n_arena + to.x;
    if (to.y == NONE) {
        values[at] = seeds[tile] * 64;
    } else {
        values[at] = ints[tile * params.stride + to.y - params.base] * 64;
    }
}
