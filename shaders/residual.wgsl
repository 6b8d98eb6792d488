// r = v − b          at the home of an int and at its copies; the plane's spread where no int ever is
//
// targets [first..first + n]: (cell, place of its int among the predictions). Twin: kernel/predict.rs, residual.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, spread: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> targets: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> values: array<i32>;
@group(0) @binding(3) var<storage, read> b: array<i32>;
@group(0) @binding(4) var<storage, read_write> residuals: array<i32>;

const NONE: u32 = 0xffffffffu;
const MAX_RESIDUAL: i32 = 4194304;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let to = targets[params.first + id.x];
    let at = tile * params.n_arena + to.x;
    if (to.y == NONE) {
        residuals[at] = params.spread;
    } else {
        let place = tile * params.stride + to.y - params.base;
        residuals[at] = clamp(values[at] - b[place], -MAX_RESIDUAL, MAX_RESIDUAL);
    }
}
