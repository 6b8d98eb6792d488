// s = floor + mean |rᵢ| over the nearest neighbours
// f = 64 ± min(63, log2(1 + |x| / s) in steps of the net),   x = vᵢ − b, rᵢ, uᵣⱼ − uᵣ₀          7 bits each
// h = integer MLP of f
//
// offsets: n_taps taps, n_ref_taps places, n_spots hints. weights: per layer (words of four inputs, groups of four
// outputs, 0, 0), then per group four biases, four shifts, and for each word its four inputs' weights for each of the
// four outputs. x: a column of activations per cell of the workgroup, twice. Twin: kernel/context.rs.

@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<i32>;
@group(0) @binding(3) var<storage, read> residuals: array<i32>;
@group(0) @binding(4) var<storage, read> refs: array<i32>;
@group(0) @binding(5) var<storage, read> b: array<i32>;
@group(0) @binding(6) var<storage, read> offsets: array<i32>;
@group(0) @binding(7) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read_write> heads: array<i32>;

const MAX_RESIDUAL: i32 = 4194304;
const HINT_SHIFT: u32 = 4u;
// Threads, and words of four activations that the widest layer has; 8 · SIZE · WORDS bytes fit 16 KiB.
override SIZE: u32 = 64u;
override WORDS: u32 = 32u;
var<workgroup> x: array<u32, 2u * WORDS * SIZE>;

var<private> column: u32;
var<private> word: u32;
var<private> n_put: u32;
var<private> s: i32;
var<private> log_s: i32;

// L(x) ≈ 256 · log2(x)
fn log2_of(x: i32) -> i32 {
    let zeros = countLeadingZeros(u32(x));
    let m = i32(((u32(x) << zeros) >> 23u) & 255u);
    return ((31 - i32(zeros)) << 8u) + m + ((m * (256 - m) * 88 + 32768) >> 16u);
}

fn mean(sum: i32, log2_n: u32) -> i32 {
    return ((sum + ((1 << log2_n) >> 1u)) >> log2_n) + params.scale_floor;
}

fn mean_residual(cell: i32, log2_n: u32) -> i32 {
    var sum = 0;
    for (var i = 0u; i < (1u << log2_n); i++) {
        sum += min(abs(residuals[cell + offsets[params.offsets + i]]), MAX_RESIDUAL);
    }
    return mean(sum, log2_n);
}

fn mean_value(cell: i32, b: i32, log2_n: u32) -> i32 {
    var sum = 0;
    for (var i = 0u; i < (1u << log2_n); i++) {
        sum += min(abs(values[cell + offsets[params.offsets + i]] - b), MAX_RESIDUAL);
    }
    return mean(sum, log2_n);
}

fn soft(x: i32) -> i32 {
    let half = (1 << params.feature_shift) >> 1u;
    let step = min((log2_of(abs(x) + s) - log_s + half) >> params.feature_shift, 63);
    return select(64 + step, 64 - step, x < 0);
}

fn compare(x: i32, shift: u32) -> i32 {
    return 64 + clamp((log2_of(x) - log_s + ((1 << shift) >> 1u)) >> shift, -64, 63);
}

fn put(f: i32) {
    word |= u32(f) << (8u * (n_put & 3u));
    n_put += 1u;
    if ((n_put & 3u) == 0u) {
        x[((n_put >> 2u) - 1u) * SIZE + column] = word;
        word = 0u;
    }
}

fn features(cell: i32, place: i32, b: i32) {
    s = mean_residual(cell, params.near_log2);
    log_s = log2_of(s);
    for (var i = 0u; i < params.n_values; i++) {
        put(soft(values[cell + offsets[params.offsets + i]] - b));
    }
    for (var i = 0u; i < params.n_residuals; i++) {
        put(soft(residuals[cell + offsets[params.offsets + i]]));
    }
    let ref_offsets = params.offsets + params.n_taps;
    for (var r = 0u; r < params.n_net_refs; r++) {
        let u = place + i32(r * params.n_arena);
        let u0 = refs[u + offsets[ref_offsets]];
        for (var j = 1u; j < params.n_ref_taps; j++) {
            put(soft(refs[u + offsets[ref_offsets + j]] - u0));
        }
    }
    for (var i = 0u; i < params.n_spots; i++) {
        put(min(values[cell + offsets[ref_offsets + params.n_ref_taps + i]] >> HINT_SHIFT, 127));
    }
    put(clamp((log_s >> 5u) - 32, 0, 127));
    put(compare(mean_residual(cell, params.wide_log2), params.feature_shift));
    put(compare(mean_value(cell, b, params.near_log2), params.feature_shift));
    put(16 * min(params.level, 7));
    let quiet = params.residual;
    let height = min((log2_of(abs(b - params.usual) + quiet) - log2_of(quiet) + 16) >> 5u, 63);
    put(select(64 + height, 64 - height, b < params.usual));
    put(compare(quiet, params.feature_shift));
    if ((n_put & 3u) != 0u) {
        x[(n_put >> 2u) * SIZE + column] = word;
    }
}

fn dots(w: vec4<u32>, f: u32) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(w.x, f), dot4I8Packed(w.y, f), dot4I8Packed(w.z, f), dot4I8Packed(w.w, f));
}

// Four outputs of a hidden layer, 7 bits each.
fn hidden(sum: vec4<i32>, shift: vec4<u32>) -> u32 {
    let y = (sum + ((vec4<i32>(1) << shift) >> vec4<u32>(1u))) >> shift;
    let a = vec4<u32>(clamp(y, vec4<i32>(0), vec4<i32>(127)));
    return a.x | (a.y << 8u) | (a.z << 16u) | (a.w << 24u);
}

// Four outputs of the last layer, 16 bits each, for the thread's cell i.
fn put_heads(i: u32, tile: u32, g: u32, sum: vec4<i32>, shift: vec4<u32>) {
    let y = (sum + ((vec4<i32>(1) << shift) >> vec4<u32>(1u))) >> shift;
    let h = clamp(y, vec4<i32>(-32768), vec4<i32>(32767));
    let out = tile * (3u * params.k + 1u) * params.stride + params.first + i - params.base;
    for (var o = 0u; o < 4u && i < params.n && 4u * g + o < 3u * params.k; o++) {
        heads[out + (1u + 4u * g + o) * params.stride] = h[o];
    }
}

@compute @workgroup_size(SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    column = local;
    let p = params.first + min(id.x, params.n - 1u);
    let tile = id.y;
    let cell = tile * params.n_arena + cells[p];
    let place = tile * params.n_refs * params.n_arena + cells[p];
    features(i32(cell), i32(place), b[tile * params.stride + p - params.base]);
    heads[tile * (3u * params.k + 1u) * params.stride + p - params.base] = s;

    // Each thread multiplies every fourth group of outputs for four cells: a weight is loaded once for all four.
    let cell0 = local >> 2u;
    let first = group.x * SIZE + cell0;
    let next = SIZE >> 2u;
    var at = params.weights;
    var inputs = cell0;
    var outputs = WORDS * SIZE + cell0;
    for (var l = 0u; l < params.n_layers; l++) {
        workgroupBarrier();
        let shape = weights[at];
        for (var g = local & 3u; g < shape.y; g += 4u) {
            let w0 = at + 1u + g * (shape.x + 2u);
            var sum0 = bitcast<vec4<i32>>(weights[w0]);
            var sum1 = sum0;
            var sum2 = sum0;
            var sum3 = sum0;
            for (var c = 0u; c < shape.x; c++) {
                let w = weights[w0 + 2u + c];
                let f = inputs + c * SIZE;
                sum0 += dots(w, x[f]);
                sum1 += dots(w, x[f + next]);
                sum2 += dots(w, x[f + 2u * next]);
                sum3 += dots(w, x[f + 3u * next]);
            }
            let shift = weights[w0 + 1u];
            if (l + 1u < params.n_layers) {
                let y = outputs + g * SIZE;
                x[y] = hidden(sum0, shift);
                x[y + next] = hidden(sum1, shift);
                x[y + 2u * next] = hidden(sum2, shift);
                x[y + 3u * next] = hidden(sum3, shift);
            } else {
                put_heads(first, tile, g, sum0, shift);
                put_heads(first + next, tile, g, sum1, shift);
                put_heads(first + 2u * next, tile, g, sum2, shift);
                put_heads(first + 3u * next, tile, g, sum3, shift);
            }
        }
        at += 1u + shape.y * (shape.x + 2u);
        let swap = inputs;
        inputs = outputs;
        outputs = swap;
    }
}
