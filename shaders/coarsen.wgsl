// b′ = (b + 32 − 32·2ᴰ) >> D,   s′ = max(s >> D, 1)          a prediction in steps of 2ᴰ ints
//
// A log2_step of 31 means features, which are expected around 12 in a scale of 4. heads per tile: s, then what stays as
// it is. Twin: kernel/quantise.rs, coarsen.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    k: u32, most: i32, log2_step: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b: array<i32>;
@group(0) @binding(2) var<storage, read_write> heads: array<i32>;
@group(0) @binding(3) var<storage, read_write> coarse: array<i32>;

const FEATURES: u32 = 31u;
const FEATURE_B: i32 = 768;
const FEATURE_S: i32 = 256;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let i = params.first + id.x - params.base;
    let tile = id.y;
    let place = tile * params.stride + i;
    let head = tile * (3u * params.k + 1u) * params.stride + i;
    let log2_step = params.log2_step;
    if (log2_step == FEATURES) {
        coarse[place] = FEATURE_B;
        heads[head] = FEATURE_S;
    } else {
        coarse[place] = (b[place] + 32 - (32 << log2_step)) >> log2_step;
        heads[head] = max(heads[head] >> log2_step, 1);
    }
}
