// v(to) ← v(from)          between levels of a flow: nothing is read that another thread writes
//
// pairs [first..first + n]: (from, to). Twin: tile/flow.rs, descend.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, spread: i32,
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
