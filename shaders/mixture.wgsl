// μₖ = b + s · mₖ          λₖ = L(s) + lₖ          wₖ = softmax(aₖ), in 1/4096, summing to mass
//
// heads per tile: s, K logits, K locations, K log2 scales. Twin: kernel/mixture.rs, mixture.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    k: u32, mass: i32, n_symbols: u32, escapes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b: array<i32>;
@group(0) @binding(2) var<storage, read> heads: array<i32>;
@group(0) @binding(3) var<storage, read> tables: array<i32>;
@group(0) @binding(4) var<storage, read_write> mixtures: array<i32>;

const MIN_LOG2_SCALE: i32 = 256;
const MAX_LOG2_SCALE: i32 = 6143;
const EXP2_4096: u32 = 0u;
const RECIPROCAL: u32 = 256u;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let i = params.first + id.x - params.base;
    let tile = id.y;
    let k = params.k;
    let stride = params.stride;
    let head = tile * (3u * k + 1u) * stride + i;
    let out = tile * 3u * k * stride + i;
    let b0 = b[tile * stride + i];
    let s = heads[head];

    var logits = array<i32, 8>();
    var top = 0u;
    for (var c = 0u; c < k; c++) {
        logits[c] = heads[head + (1u + c) * stride];
        if (logits[c] > logits[top]) {
            top = c;
        }
        let m = clamp(heads[head + (1u + k + c) * stride], -1024, 1024);
        let shift = (min(s, 524288) * m + 64) >> 7u;
        mixtures[out + c * stride] = b0 + shift;
        let l = log2_of(s) + heads[head + (1u + 2u * k + c) * stride];
        mixtures[out + (k + c) * stride] = clamp(l, MIN_LOG2_SCALE, MAX_LOG2_SCALE);
    }

    // wₖ ≤ 4096 · 2^aₖ / Σ 2^aⱼ for all but the first largest, which gets the rest
    var weights = array<i32, 8>();
    var sum = 0;
    for (var c = 0u; c < k; c++) {
        let q = u32(min(logits[top] - logits[c], 3071));
        weights[c] = tables[EXP2_4096 + (q & 255u)] >> (q >> 8u);
        sum += weights[c];
    }
    let n = countLeadingZeros(u32(sum)) - 16u;
    let r = tables[RECIPROCAL + (((u32(sum) << n) >> 8u) & 127u)];
    var rest = params.mass;
    for (var c = 0u; c < k; c++) {
        if (c != top) {
            let w = (weights[c] * r) >> (18u - n);
            mixtures[out + (2u * k + c) * stride] = w;
            rest -= w;
        }
    }
    mixtures[out + (2u * k + top) * stride] = rest;
}
