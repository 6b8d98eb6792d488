// What dispatches of a net are told; stands before context, features and causal_conv. As Net in gpu/params.rs.
//
// Threads are cells: places first..first + n, whose results lie from place `base` on, `stride` to a tile. `offsets`
// leads to n_taps taps, n_ref_taps places of a reference plane and n_hints hints, `weights` to the net or to the first
// of n_layers layers; the last has n_outputs. Of causal convolutions `grid` leads to where in the activation grid the
// places of `cells` lie; a tile has n_grid cells there, each of n_words words.

struct Params {
    n: u32, first: u32, base: u32, stride: u32,
    n_arena: u32, n_refs: u32, median: i32, spread: i32,
    level: i32, offsets: u32, n_taps: u32, n_ref_taps: u32,
    n_hints: u32, n_values: u32, n_residuals: u32, n_net_refs: u32,
    near_log2: u32, wide_log2: u32, scale_floor: i32, feature_shift: u32,
    weights: u32, n_layers: u32, n_outputs: u32, grid: u32,
    n_grid: u32, n_words: u32,
}
@group(0) @binding(0) var<uniform> params: Params;
