// index = the first code with the least Σ (z − e)²,   z = clamp(head, 0, 127)
//
// A cell to a thread. A block has `stride` words: from `spots` on 1 for every cell that is seen, from `first` on
// n_words heads of every cell, from `offsets` on the indices, from `base` on the codes, n_words each; k codes of
// n_values numbers lie in codes from `weights` on. Cells that are not seen have index 0 and a code of zeros. Twin:
// kernel/mesh.rs.

@group(0) @binding(1) var<storage, read> codes: array<i32>;
@group(0) @binding(2) var<storage, read_write> acts: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let block = id.y * params.stride;
    let z = block + params.first + id.x * params.n_words;
    let seen = acts[block + params.spots + id.x];
    var best = 0u;
    var least = 2147483647;
    for (var i = 0u; i < params.k && seen != 0; i++) {
        var distance = 0;
        for (var c = 0u; c < params.n_values; c++) {
            let d = codes[params.weights + i * params.n_values + c] - clamp(acts[z + c], 0, 127);
            distance += d * d;
        }
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    acts[block + params.offsets + id.x] = i32(best);
    for (var c = 0u; c < params.n_values; c++) {
        let e = codes[params.weights + best * params.n_values + c];
        acts[block + params.base + id.x * params.n_words + c] = seen * e;
    }
}
