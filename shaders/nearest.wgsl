// index = the first code with the least Σ (z − e)²,   z = clamp(head, 0, 127)
//
// A cell to a thread; one that is not covered has index 0 and a code of zeros. A block has `stride` words of
// activations: from `latents` on those of every cell, from `chosen` on the codes, `pitch` each; and n_cells flags and
// indices, of which those from `cell` on are meant. k codes of `width` numbers lie in codes from `book` on. Twin:
// kernel/mesh.rs, nearest.

struct Params {
    n: u32, first: u32, stride: u32, n_cells: u32,
    cell: u32, latents: u32, chosen: u32, pitch: u32,
    book: u32, k: u32, width: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> codes: array<i32>;
@group(0) @binding(2) var<storage, read> covered: array<i32>;
@group(0) @binding(3) var<storage, read_write> acts: array<i32>;
@group(0) @binding(4) var<storage, read_write> indices: array<i32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let block = id.y * params.stride;
    let cell = id.y * params.n_cells + params.cell + id.x;
    let z = block + params.latents + id.x * params.pitch;
    let is_covered = covered[cell];
    var best = 0u;
    var least = 2147483647;
    for (var i = 0u; i < params.k && is_covered != 0; i++) {
        var distance = 0;
        for (var c = 0u; c < params.width; c++) {
            let d = codes[params.book + i * params.width + c] - clamp(acts[z + c], 0, 127);
            distance += d * d;
        }
        if (distance < least) {
            least = distance;
            best = i;
        }
    }
    indices[cell] = i32(best);
    for (var c = 0u; c < params.width; c++) {
        let e = codes[params.book + best * params.width + c];
        acts[block + params.chosen + id.x * params.pitch + c] = is_covered * e;
    }
}
