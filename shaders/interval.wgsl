// C(x) = Σₖ wₖ · sigmoid((x − ½ − μₖ) / σₖ)          the interval of symbol x is [C(x), C(x + 1)) in 2²⁴
//
// mixtures per tile: K locations, K log2 scales, K weights. intervals: (start, width). Twin: kernel/interval.rs,
// intervals.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    k: u32, mass: i32, n_symbols: u32, escapes: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> ints: array<i32>;
@group(0) @binding(2) var<storage, read> b: array<i32>;
@group(0) @binding(3) var<storage, read> mixtures: array<i32>;
@group(0) @binding(4) var<storage, read> tables: array<i32>;
@group(0) @binding(5) var<storage, read_write> intervals: array<vec2<u32>>;

const PRECISION: u32 = 24u;
const EXP2_8192: u32 = 384u;
const SIGMOID_VALUE: u32 = 640u;
const SIGMOID_SLOPE: u32 = 672u;
const SIGMOID_CURVE: u32 = 704u;

// 2²⁰ · sigmoid(z / 2¹⁵) for 0 ≤ z < 2¹⁹
fn sigmoid(z: u32) -> i32 {
    let segment = z >> 14u;
    let eighth = i32((z >> 11u) & 7u);
    let f = i32(z & 2047u);
    let slope = tables[SIGMOID_SLOPE + segment];
    let curve = tables[SIGMOID_CURVE + segment];
    return tables[SIGMOID_VALUE + segment] + eighth * (slope - eighth * curve)
        + ((f * (slope - (2 * eighth + 1) * curve)) >> 11u);
}

// 2²⁰ · sigmoid((x − μ) / σ), x and μ in 1/64 int, λ = 256 · log2 σ
fn logistic(x: i32, location: i32, log2_scale: i32) -> i32 {
    let d = x - location;
    let e = log2_scale >> 8u;
    let f = u32(log2_scale & 255);
    let near = min(abs(d), (1 << u32(e + 4)) - 1);
    let scaled = u32(near << u32(max(15 - e, 0))) >> u32(max(e - 15, 0));
    let z = (scaled * u32(tables[EXP2_8192 + f])) >> 13u;
    let right = sigmoid(z);
    return select(right, 1048576 - right, d < 0);
}

// C at the lower edge of int x in a window that begins at low
fn cumulative(at: u32, low: i32, x: i32) -> u32 {
    let symbol = u32(x - low);
    if (symbol == 0u) {
        return 0u;
    }
    if (symbol == params.n_symbols) {
        return 1u << PRECISION;
    }
    let edge = x * 64 - 32;
    let stride = params.stride;
    var sum = 0u;
    for (var c = 0u; c < params.k; c++) {
        let location = mixtures[at + c * stride];
        let log2_scale = mixtures[at + (params.k + c) * stride];
        let weight = mixtures[at + (2u * params.k + c) * stride];
        sum += u32(weight) * u32(logistic(edge, location, log2_scale));
    }
    return (sum >> 8u) + symbol;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let i = params.first + id.x - params.base;
    let tile = id.y;
    let place = tile * params.stride + i;
    let at = tile * 3u * params.k * params.stride + i;
    var low = 0;
    if (params.escapes != 0u) {
        low = (b[place] >> 6u) - 32768;
    }
    let x = clamp(ints[place], low, low + i32(params.n_symbols) - 1);
    let start = cumulative(at, low, x);
    intervals[place] = vec2<u32>(start, cumulative(at, low, x + 1) - start);
}
