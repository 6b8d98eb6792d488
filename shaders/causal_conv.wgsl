// x = [Aₛ(cell + tap), …]          0 where no cell is
// v = clamp(round(bias + W · x), −127, 127)
// y = v, of a gated layer round(vₒ · max(v₍ₙ₊ₒ₎, 0) / 128), and Aₛ(cell) on top where a layer adds; clamped to 0..=127
//
// Sums as in layer, acts as in features. weights, per layer: (inputs, groups of four outputs, 1 gated + 2 last, first
// word of y), (first word of what is added or 0, words of x, 0, 0), per input (words from the cell's first, words),
// then per group four biases, four shifts, and for each word its four inputs' weights for each of the four outputs; of
// a gated layer the gates' biases, shifts and weights behind those of the values. Layers of one dispatch see each
// other only at the cell itself. Twin: kernel/causal_conv.rs, causal_conv.

@group(0) @binding(1) var<storage, read> cells: array<u32>;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> acts: array<u32>;
@group(0) @binding(4) var<storage, read_write> heads: array<i32>;

// The first words of the thread's four cells, and the sums of one group of outputs for each of them.
var<private> here: vec4<u32>;
var<private> sums: array<vec4<i32>, 4>;

// The shifted outputs of the group whose biases lie at w0.
fn multiply(inputs: u32, n_inputs: u32, w0: u32) {
    var sum0 = bitcast<vec4<i32>>(weights[w0]);
    var sum1 = sum0;
    var sum2 = sum0;
    var sum3 = sum0;
    var at = w0 + 2u;
    for (var i = 0u; i < n_inputs; i++) {
        let input = weights[inputs + i];
        let f = here + vec4<u32>(input.x);
        for (var c = 0u; c < input.y; c++) {
            let w = weights[at + c];
            sum0 += dots(w, acts[f.x + c]);
            sum1 += dots(w, acts[f.y + c]);
            sum2 += dots(w, acts[f.z + c]);
            sum3 += dots(w, acts[f.w + c]);
        }
        at += input.y;
    }
    let shift = weights[w0 + 1u];
    sums[0] = rounded(sum0, shift);
    sums[1] = rounded(sum1, shift);
    sums[2] = rounded(sum2, shift);
    sums[3] = rounded(sum3, shift);
}

// Four activations: u, and what is added.
fn activations(u: vec4<i32>, skip: u32) -> u32 {
    let a = vec4<i32>((vec4<u32>(skip) >> vec4<u32>(0u, 8u, 16u, 24u)) & vec4<u32>(255u));
    let y = vec4<u32>(clamp(u + a, vec4<i32>(0), vec4<i32>(127)));
    return y.x | (y.y << 8u) | (y.z << 16u) | (y.w << 24u);
}

@compute @workgroup_size(64)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    // Each thread multiplies every fourth group of outputs for four cells; behind the last cell the last is meant.
    let tile = group.y;
    let cell0 = group.x * 64u + (local >> 2u);
    let cell = min(vec4<u32>(cell0) + vec4<u32>(0u, 16u, 32u, 48u), vec4<u32>(params.n - 1u));
    for (var j = 0u; j < 4u; j++) {
        let place = tile * params.n_grid + cells[params.grid + params.first + cell[j]];
        here[j] = place * params.n_words;
    }
    var at = params.weights;
    for (var l = 0u; l < params.n_layers; l++) {
        storageBarrier();
        let shape = weights[at];
        let more = weights[at + 1u];
        let inputs = at + 2u;
        let groups = inputs + shape.x;
        let gated = (shape.z & 1u) != 0u;
        let half = more.y + 2u;
        let pitch = select(half, 2u * half, gated);
        for (var g = local & 3u; g < shape.y; g += 4u) {
            let w0 = groups + g * pitch;
            multiply(inputs, shape.x, w0);
            if ((shape.z & 2u) != 0u) {
                for (var j = 0u; j < 4u; j++) {
                    let i = cell0 + 16u * j;
                    put_heads(i, tile, g, sums[j]);
                    if (g == 0u && i < params.n) {
                        heads[head_of(i, tile)] = i32(acts[here[j]]);
                    }
                }
                continue;
            }
            var v = sums;
            for (var j = 0u; j < 4u; j++) {
                v[j] = clamp(v[j], vec4<i32>(-127), vec4<i32>(127));
            }
            if (gated) {
                multiply(inputs, shape.x, w0 + half);
                for (var j = 0u; j < 4u; j++) {
                    let gate = clamp(sums[j], vec4<i32>(0), vec4<i32>(127));
                    v[j] = (v[j] * gate + vec4<i32>(64)) >> vec4<u32>(7u);
                }
            }
            for (var j = 0u; j < 4u; j++) {
                var skip = 0u;
                if (more.x != 0u) {
                    skip = acts[here[j] + more.x + g];
                }
                acts[here[j] + shape.w + g] = activations(v[j], skip);
            }
        }
        at = groups + shape.y * pitch;
    }
}
