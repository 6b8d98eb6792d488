// y = clamp(v + A_add, 0, 127)          v = clamp(round(bias + W · x), −127, 127)
// x = [A_s(⌊y·m/n⌋ + dy, ⌊x·m/n⌋ + dx), …]
//
// One layer of a mesh, four outputs of a cell to a thread; heads are the sums, clamped to 16 bits. A block has `stride`
// words of activations, one to a word. inputs: n_inputs from `inputs` on, each (first word, log2 side, width, 0), (dy,
// dx, 0, 0). weights from `weights` on: per four outputs biases, shifts, and for each of n_words four inputs their
// weights for each of the outputs. The layer has 2^side_log2 cells in a row and `width` outputs, in `pitch` words from
// `out` on; `added` leads to what is added, if anything is; is_last is 1 for heads. Twin: kernel/mesh.rs, mesh.

struct Params {
    n: u32, first: u32, stride: u32, side_log2: u32,
    inputs: u32, n_inputs: u32, weights: u32, n_words: u32,
    width: u32, pitch: u32, out: u32, added: u32,
    is_last: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> inputs: array<vec4<i32>>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<i32>>;
@group(0) @binding(3) var<storage, read_write> acts: array<i32>;

const NONE: u32 = 0xffffffffu;

// Four weights of a word, the first lowest.
fn bytes(w: i32) -> vec4<i32> {
    return (vec4<i32>(w) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let side_log2 = params.side_log2;
    let block = i32(id.y * params.stride);
    let cell = id.x & ((1u << (2u * side_log2)) - 1u);
    let four = id.x >> (2u * side_log2);
    let y = i32(cell >> side_log2);
    let x = i32(cell & ((1u << side_log2) - 1u));
    var at = params.weights + four * (2u + params.n_words);
    var sum = weights[at];
    let shift = vec4<u32>(weights[at + 1u]);
    at += 2u;
    for (var i = 0u; i < params.n_inputs; i++) {
        let source = inputs[params.inputs + 2u * i];
        let tap = inputs[params.inputs + 2u * i + 1u];
        let log2 = u32(source.y);
        let sy = ((y << log2) >> side_log2) + tap.x;
        let sx = ((x << log2) >> side_log2) + tap.y;
        let side = 1 << log2;
        let words = u32(source.z) >> 2u;
        if (sy < 0 || sx < 0 || sy >= side || sx >= side) {
            at += words;
            continue;
        }
        let there = block + source.x + ((sy << log2) + sx) * source.z;
        for (var c = 0u; c < words; c++) {
            let w = weights[at + c];
            let a = there + i32(4u * c);
            let f = vec4<i32>(acts[a], acts[a + 1], acts[a + 2], acts[a + 3]);
            sum += f.x * vec4<i32>(bytes(w.x).x, bytes(w.y).x, bytes(w.z).x, bytes(w.w).x);
            sum += f.y * vec4<i32>(bytes(w.x).y, bytes(w.y).y, bytes(w.z).y, bytes(w.w).y);
            sum += f.z * vec4<i32>(bytes(w.x).z, bytes(w.y).z, bytes(w.z).z, bytes(w.w).z);
            sum += f.w * vec4<i32>(bytes(w.x).w, bytes(w.y).w, bytes(w.z).w, bytes(w.w).w);
        }
        at += words;
    }
    let half = (vec4<i32>(1) << shift) >> vec4<u32>(1u);
    let v = (sum + half) >> shift;
    let o0 = cell * params.pitch + 4u * four;
    let out = block + i32(params.out + o0);
    for (var o = 0; o < 4 && 4u * four + u32(o) < params.width; o++) {
        if (params.is_last == 1u) {
            acts[out + o] = clamp(v[o], -32768, 32767);
            continue;
        }
        var skip = 0;
        if (params.added != NONE) {
            skip = acts[block + i32(params.added + o0) + o];
        }
        acts[out + o] = clamp(clamp(v[o], -127, 127) + skip, 0, 127);
    }
}
