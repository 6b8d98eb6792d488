// s and f of cells whose activations other cells see          as in feature
//
// acts: per tile and cell of the activation grid n_words words: s, the features, four to a word, the activations of
// each layer. Twin: kernel/context.rs, features.

@group(0) @binding(7) var<storage, read_write> acts: array<u32>;

var<private> here: u32;

fn put_word(i: u32, four: u32) {
    acts[here + 1u + i] = four;
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let p = params.first + id.x;
    let tile = id.y;
    here = (tile * params.n_grid + cells[params.grid + p]) * params.n_words;
    put_features(tile, p, b[tile * params.stride + p - params.base]);
    acts[here] = u32(s);
}
