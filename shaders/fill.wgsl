// vᵢ = 64 · intᵢ          wherever an int is shown in the arena; the seed where no int ever is
//
// shown [first..first + n]: (cell, place of the int in its tile). One row of threads per tile. Twin: Plan::fill.

@group(0) @binding(1) var<storage, read> shown: array<vec2<u32>>;
@group(0) @binding(2) var<storage, read> ints: array<i32>;
@group(0) @binding(3) var<storage, read> seeds: array<i32>;
@group(0) @binding(4) var<storage, read_write> values: array<i32>;

const NONE: u32 = 0xffffffffu;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if (id.x >= params.n) {
        return;
    }
    let tile = id.y;
    let show = shown[params.first + id.x];
    let at = tile * params.n_arena + show.x;
    if (show.y == NONE) {
        values[at] = seeds[tile] * 64;
    } else {
        values[at] = ints[tile * params.stride + show.y - params.base] * 64;
    }
}
