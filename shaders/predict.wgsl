// b = v₁ + (Σᵢ cᵢ · (vᵢ − v₁) + Σᵣ Σⱼ cᵣⱼ · (uᵣⱼ − uᵣ₀)) / 4096          clamped to the range of the plane
//
// linear: (offset, c) of tap 1, whose c counts for nothing, of the other n_own taps, of the cell's own place in a
// reference plane, and for each reference plane of its n_ref_taps − 1 further places. Twin: kernel/predict.rs, predict.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, n_refs: u32, max: i32, linear: u32,
    n_own: u32, n_linear_refs: u32, n_ref_taps: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<i32>;
@group(0) @binding(3) var<storage, read> refs: array<i32>;
@group(0) @binding(4) var<storage, read> linear: array<vec2<i32>>;
@group(0) @binding(5) var<storage, read_write> b: array<i32>;

fn difference(v: i32, v1: i32) -> i32 {
    return clamp((v - v1) >> 6u, -32768, 32767);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let p = params.first + id.x;
    let tile = id.y;
    let cell = i32(tile * params.n_arena + cells[p]);
    var term = params.linear;
    let v1 = values[cell + linear[term].x];
    term += 1u;
    var sum = 32;
    for (var i = 0u; i < params.n_own; i++) {
        let t = linear[term + i];
        sum += difference(values[cell + t.x], v1) * t.y;
    }
    term += params.n_own;
    let own = linear[term].x;
    term += 1u;
    for (var r = 0u; r < params.n_linear_refs; r++) {
        let place = i32((tile * params.n_refs + r) * params.n_arena + cells[p]);
        let u0 = refs[place + own];
        for (var j = 1u; j < params.n_ref_taps; j++) {
            let t = linear[term];
            sum += difference(refs[place + t.x], u0) * t.y;
            term += 1u;
        }
    }
    b[tile * params.stride + p - params.base] = clamp(v1 + (sum >> 6u), 0, params.max * 64);
}
