// detail = v / 64          what is left in the cells of a flow when their predictions are taken away
//
// cells [first..first + n]. Values are multiples of 64. Twin: tile/flow.rs, emit_detail.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, spread: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<i32>;
@group(0) @binding(3) var<storage, read_write> details: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let p = params.first + id.x;
    details[tile * params.stride + p - params.base] = values[tile * params.n_arena + cells[p]] >> 6u;
}
