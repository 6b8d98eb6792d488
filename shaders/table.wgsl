// μ = b + s · m          q = (L(s) + l) / 32, tail t, skew k, rounded          which table, and where its middle lies
//
// heads per tile: s, location, log2 scale, tail, skew. choices per tile: where max < 2¹⁶, (number + 640 h) · 65568 +
// middle + 16 of every cell; else number | h << 15 | first symbol << 19 | last symbol << 25 of every cell, then their
// middles. Middles are in steps of 2ʰ ints. Twin: kernel/table.rs, choose.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    max: i32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> b: array<i32>;
@group(0) @binding(2) var<storage, read> heads: array<i32>;
@group(0) @binding(3) var<storage, read_write> choices: array<i32>;

const MIN_LOG2_SCALE: i32 = 512;
const MAX_LOG2_SCALE: i32 = 6112;
const MAX_TAIL: i32 = 7;
const MAX_SKEW: i32 = 2;
const N_SKEWS: i32 = 5;
const LOG2_TAIL_STEPS: u32 = 5u;
const LOG2_SKEW_STEPS: u32 = 6u;
const OUTSIDE: i32 = 16;

// The symbol of an int whose step is d from the middle.
fn symbol(d: i32) -> i32 {
    let n = select(d, -1 - d, d < 0);
    let near = min(min(32 + n, 42 + (n >> 1u)), min(48 + ((n + 2) >> 2u), 52 + ((n + 6) >> 3u)));
    let up = min(near, min(min(55 + ((n + 14) >> 4u), 58 + ((n + 14) >> 5u)), 63));
    return select(up, 63 - up, d < 0);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let i = params.first + id.x - params.base;
    let tile = id.y;
    let stride = params.stride;
    let head = tile * 5u * stride + i;
    let s = heads[head];

    let m = clamp(heads[head + stride], -1024, 1024);
    let location = b[tile * stride + i] + ((min(s, 524288) * m + 64) >> 7u);
    let l = log2_of(s) + heads[head + 2u * stride];
    let q = (clamp(l, MIN_LOG2_SCALE, MAX_LOG2_SCALE) + 16) >> 5u;
    let tail = clamp((heads[head + 3u * stride] + 16) >> LOG2_TAIL_STEPS, 0, MAX_TAIL);
    let skew = clamp((heads[head + 4u * stride] + 32) >> LOG2_SKEW_STEPS, -MAX_SKEW, MAX_SKEW);

    let shift = max((q >> 3u) - 8, 0);
    let scale = q - 8 * shift - 16;
    let octave = scale >> 3u;
    // sixteen places of eight scales in each of four octaves, then half as many with every octave
    let places = u32(min(4, 7 - octave));
    let log2_step = 6u + u32(shift) - places;
    // ints begin half an int below themselves
    let place = (location + 32 + ((1 << log2_step) >> 1u)) >> log2_step;
    let last = params.max >> u32(shift);
    let middle = clamp(place >> places, -OUTSIDE, last + OUTSIDE);
    let first = min(128 * octave, 640 - (16 << places)) + ((scale & 7) << places);
    let number = ((first + (place & ((1 << places) - 1))) * (MAX_TAIL + 1) + tail) * N_SKEWS + skew + MAX_SKEW;
    if (params.max < 65536) {
        choices[tile * stride + i] = (number + 640 * shift) * 65568 + middle + OUTSIDE;
        return;
    }
    let out = tile * 2u * stride + i;
    let ends = symbol(-middle) | (symbol(last - middle) << 6u);
    choices[out] = number | (shift << 15u) | (ends << 19u);
    choices[out + stride] = middle;
}
