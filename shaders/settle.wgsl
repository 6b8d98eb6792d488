// r = v − b          wherever an int is shown in the arena; the plane's residual where no int ever is
//
// shown [first..first + n]: (cell, place of the int among the predictions). Twin: kernel/predict.rs, residual.

@group(0) @binding(1) var<storage, read> shown: array<vec2<u32>>;
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
    let show = shown[params.first + id.x];
    let at = tile * params.n_arena + show.x;
    if (show.y == NONE) {
        residuals[at] = params.residual;
    } else {
        let place = tile * params.stride + show.y - params.base;
        residuals[at] = clamp(values[at] - b[place], -MAX_RESIDUAL, MAX_RESIDUAL);
    }
}
