//! What a dispatch is told: `Params` of its shader, field by field. One struct for each family of ops.
//!
//! The first two words are those of every dispatch: how many threads a tile has, and the first thread's place, target or pair. Results
//! of a tile begin at place `base`; `stride` is how many places, or words, a tile has there.

/// Bytes from one dispatch's parameters to the next's in the uniform buffer, and the most that a dispatch has.
pub(super) const PITCH: u64 = 256;
pub(super) const BYTES: u64 = 128;

/// The words behind `n` and `first`.
pub(super) trait Params {
    const FIELDS: &[&str];
    fn words(&self) -> Vec<u32>;
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* $(,)? })*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub(super) struct $name { $(pub $field: $type),* }

        impl Params for $name {
            const FIELDS: &[&str] = &[$(concat!(stringify!($field), ": ", stringify!($type))),*];

            fn words(&self) -> Vec<u32> {
                vec![$(self.$field as u32),*]
            }
        }
    )* };
}

params! {
    /// fill, residual, copy, detail: ints and what becomes of them in an arena.
    Arena { base: u32, stride: u32, n_arena: u32, spread: i32 }
    /// predict; `linear` leads to the terms of the predictor.
    Predict {
        base: u32, stride: u32, n_arena: u32, n_refs: u32, max: i32,
        linear: u32, n_own: u32, n_linear_refs: u32, n_ref_taps: u32,
    }
    /// context, features, causal_conv; see net.wgsl.
    Net {
        base: u32, stride: u32, n_arena: u32, n_refs: u32, median: i32, spread: i32, level: i32,
        offsets: u32, n_taps: u32, n_ref_taps: u32, n_hints: u32, n_values: u32, n_residuals: u32, n_net_refs: u32,
        near_log2: u32, wide_log2: u32, scale_floor: i32, feature_shift: u32,
        weights: u32, n_layers: u32, n_outputs: u32, grid: u32, n_grid: u32, n_words: u32,
    }
    /// mixture, interval.
    Symbol { base: u32, stride: u32, k: u32, mass: i32, n_symbols: u32, escapes: u32 }
    /// table: in a plane of 0..=max.
    Table { base: u32, stride: u32, max: i32 }
    /// couple: v + sign · …, at most `most` ints.
    Couple { base: u32, stride: u32, n_arena: u32, k: u32, sign: i32, most: i32 }
    /// quantise, coarsen: features up to `most`, steps of 2^log2_step ints.
    Scale { base: u32, stride: u32, k: u32, most: i32, log2_step: u32 }
    /// mesh: one layer of it.
    Mesh {
        stride: u32, side_log2: u32, inputs: u32, n_inputs: u32, weights: u32, n_words: u32,
        width: u32, pitch: u32, out: u32, added: u32, is_last: u32,
    }
    /// nearest: the search for the codes of one codebook.
    Nearest {
        stride: u32, n_cells: u32, cell: u32, latents: u32, chosen: u32, pitch: u32, book: u32, k: u32, width: u32,
    }
}
