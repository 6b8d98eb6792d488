// s = floor + mean |rᵢ| over the nearest neighbours
// f = 64 ± min(63, log2(1 + |x| / s) in steps of the net),   x = vᵢ − b, rᵢ, uᵣⱼ − uᵣ₀          7 bits each
//
// Stands before context and before features, which say where four features go: put_word. Twin: kernel/context.rs,
// features.

@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read> values: array<i32>;
@group(0) @binding(3) var<storage, read> residuals: array<i32>;
@group(0) @binding(4) var<storage, read> refs: array<i32>;
@group(0) @binding(5) var<storage, read> b: array<i32>;
@group(0) @binding(6) var<storage, read> offsets: array<i32>;

const MAX_RESIDUAL: i32 = 4194304;
const HINT_SHIFT: u32 = 4u;

var<private> word: u32;
var<private> n_put: u32;
var<private> s: i32;
var<private> log_s: i32;

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
        put_word((n_put >> 2u) - 1u, word);
        word = 0u;
    }
}

// The features of a cell of a tile, whose prediction is b.
fn put_features(tile: u32, p: u32, b: i32) {
    let cell = i32(tile * params.n_arena + cells[p]);
    let place = i32(tile * params.n_refs * params.n_arena + cells[p]);
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
    for (var i = 0u; i < params.n_hints; i++) {
        put(min(values[cell + offsets[ref_offsets + params.n_ref_taps + i]] >> HINT_SHIFT, 127));
    }
    put(clamp((log_s >> 5u) - 32, 0, 127));
    put(compare(mean_residual(cell, params.wide_log2), params.feature_shift));
    put(compare(mean_value(cell, b, params.near_log2), params.feature_shift));
    put(16 * min(params.level, 7));
    let quiet = params.spread;
    let height = min((log2_of(abs(b - params.median) + quiet) - log2_of(quiet) + 16) >> 5u, 63);
    put(select(64 + height, 64 - height, b < params.median));
    put(compare(quiet, params.feature_shift));
    if ((n_put & 3u) != 0u) {
        put_word(n_put >> 2u, word);
    }
}
