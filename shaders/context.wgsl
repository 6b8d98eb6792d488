// h = integer MLP of f          features as in feature, layers as in layer
//
// weights: per layer (words of four inputs, groups of four outputs, 0, 0), then per group four biases, four shifts, and
// for each word its four inputs' weights for each of the four outputs. x: a column of activations per cell of the
// workgroup, twice. Twin: kernel/context.rs, context.

@group(0) @binding(7) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(8) var<storage, read_write> heads: array<i32>;

// Threads, and words of four activations that the widest layer has; 8 · SIZE · WORDS bytes fit 16 KiB.
override SIZE: u32 = 64u;
override WORDS: u32 = 32u;
var<workgroup> x: array<u32, 2u * WORDS * SIZE>;
var<private> column: u32;

fn put_word(i: u32, four: u32) {
    x[i * SIZE + column] = four;
}

// Four outputs of a hidden layer, 7 bits each.
fn hidden(y: vec4<i32>) -> u32 {
    let a = vec4<u32>(clamp(y, vec4<i32>(0), vec4<i32>(127)));
    return a.x | (a.y << 8u) | (a.z << 16u) | (a.w << 24u);
}

@compute @workgroup_size(SIZE)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(global_invocation_id) id: vec3<u32>,
    @builtin(local_invocation_index) local: u32,
) {
    column = local;
    let tile = id.y;
    let i = min(id.x, params.n - 1u);
    let p = params.first + i;
    put_features(tile, p, b[tile * params.stride + p - params.base]);
    heads[head_of(i, tile)] = s;

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
            let y0 = rounded(sum0, shift);
            let y1 = rounded(sum1, shift);
            let y2 = rounded(sum2, shift);
            let y3 = rounded(sum3, shift);
            if (l + 1u < params.n_layers) {
                let y = outputs + g * SIZE;
                x[y] = hidden(y0);
                x[y + next] = hidden(y1);
                x[y + 2u * next] = hidden(y2);
                x[y + 3u * next] = hidden(y3);
            } else {
                put_heads(first, tile, g, y0);
                put_heads(first + next, tile, g, y1);
                put_heads(first + 2u * next, tile, g, y2);
                put_heads(first + 3u * next, tile, g, y3);
            }
        }
        at += 1u + shape.y * (shape.x + 2u);
        let swap = inputs;
        inputs = outputs;
        outputs = swap;
    }
}
