// y = round((bias + W · x) / 2^shift)          four outputs at once
//
// Stands before context and before causal_conv, which have `heads`: per tile s, then K logits, K locations, K log2
// scales; or the four heads of a table. Twin: kernel/context.rs, dense.

fn dots(w: vec4<u32>, f: u32) -> vec4<i32> {
    return vec4<i32>(dot4I8Packed(w.x, f), dot4I8Packed(w.y, f), dot4I8Packed(w.z, f), dot4I8Packed(w.w, f));
}

fn rounded(sum: vec4<i32>, shift: vec4<u32>) -> vec4<i32> {
    return (sum + ((vec4<i32>(1) << shift) >> vec4<u32>(1u))) >> shift;
}

// Where s of the thread's cell i of a tile goes; the heads lie behind it.
fn head_of(i: u32, tile: u32) -> u32 {
    return tile * (params.n_outputs + 1u) * params.stride + params.first + i - params.base;
}

// Four outputs of the last layer, 16 bits each, for the thread's cell i.
fn put_heads(i: u32, tile: u32, g: u32, y: vec4<i32>) {
    let h = clamp(y, vec4<i32>(-32768), vec4<i32>(32767));
    let out = head_of(i, tile);
    for (var o = 0u; o < 4u && i < params.n && 4u * g + o < params.n_outputs; o++) {
        heads[out + (1u + 4u * g + o) * params.stride] = h[o];
    }
}
