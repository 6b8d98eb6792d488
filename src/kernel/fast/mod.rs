//! The same ops with SIMD, equal to the plain kernels byte for byte; the machine is asked once, above the tile.
//!
//! `lanes` is the vocabulary, one file per op is written in it, `avx2` and `avx512` speak it. This is the only room with `unsafe`.
//! Buffers have room for whole vectors: `room(n)` for a run of n.

#![cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]

#[cfg(target_arch = "x86_64")]
mod amx;
#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod causal_conv;
#[cfg(target_arch = "x86_64")]
mod context;
mod features;
#[cfg(target_arch = "x86_64")]
mod interval;
mod lanes;
mod level;
#[cfg(target_arch = "x86_64")]
mod mesh;
#[cfg(target_arch = "x86_64")]
mod mixture;
mod pack;
#[cfg(all(test, target_arch = "x86_64"))]
mod planted;
#[cfg(target_arch = "x86_64")]
mod predict;
#[cfg(target_arch = "x86_64")]
mod quantise;
#[cfg(target_arch = "x86_64")]
mod rans;
mod scratch;
#[cfg(target_arch = "x86_64")]
mod table;

use super::Site;
use super::context::{Heads, Hidden};
use super::interval::Distributions;
use super::mixture::Mixtures;
use super::predict::Linear;
use super::rans::{Plainly, Symbol, Words};
use super::table::Choices;
use super::table_symbol::{Found, Told};
use crate::net::{Mesh, Net};
pub use level::Level;
use pack::{PackedMesh, PackedNet};
pub use scratch::Scratch;

/// Cells that a fast kernel works on at once.
const BLOCK: usize = 2 * lanes::N;

/// How long a buffer must be for a run of n cells.
pub fn room(n: usize) -> usize {
    n.next_multiple_of(BLOCK) + BLOCK
}

/// The kernels of one level, with the nets of one model packed for them.
#[derive(Clone, Debug)]
pub struct Kernels {
    level: Level,
    nets: Vec<PackedNet>,
    meshes: Vec<PackedMesh>,
}

/// What sixteen quantiles meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inverted {
    pub ints: [i32; lanes::N],
    pub start: [u32; lanes::N],
    pub width: [u32; lanes::N],
}

/// The doors of one instruction set: every op, with its features, around the body that all share.
#[cfg(target_arch = "x86_64")]
macro_rules! doors {
    ($features:literal, $lanes:ty) => {
        use crate::kernel::context::{Heads, Hidden};
        use crate::kernel::fast::pack::{PackedMesh, PackedNet};
        use crate::kernel::fast::{self as ops, Inverted, Scratch};
        use crate::kernel::interval::Distributions;
        use crate::kernel::mixture::Mixtures;
        use crate::kernel::predict::Linear;
        use crate::kernel::rans::{Symbol, Words};
        use crate::kernel::table::Choices;
        use crate::kernel::table_symbol::{Found, Told};
        use crate::kernel::{Site, fast::doors};

        doors! { $features, $lanes;
            fn predict(linear: &Linear, run: Site, max: i32, b: &mut [i32]) =
                predict::predict(linear, run, max, b);
            fn update_residuals(values: &[i32], at: usize, n: usize, b: &[i32], residuals: &mut [i32]) =
                predict::update_residuals(values, at, n, b, residuals);
            fn context(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Heads) =
                context::context(net, run, b, None, scratch, out);
            fn hidden(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Hidden) =
                context::hidden(net, run, b, scratch, out);
            fn causal_conv(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Heads) =
                causal_conv::causal_conv(net, run, b, None, scratch, out);
            fn hidden_conv(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Hidden) =
                causal_conv::hidden(net, run, b, scratch, out);
            fn mesh(net: &PackedMesh, sources: &[&[i32]]) -> Vec<i32> =
                mesh::mesh(net, sources);
            fn mixture(n: usize, b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) =
                mixture::mixture(n, b, heads, mass, out);
            fn intervals(of: Distributions, n: usize, ints: &[i32], start: &mut [u32], width: &mut [u32]) =
                interval::intervals(of, n, ints, start, width);
            fn cost(n: usize, width: &[u32]) -> i64 =
                interval::cost(n, width);
            fn quantise(n: usize, heads: &Heads, most: i32, out: &mut [i32]) =
                quantise::quantise(n, heads, most, out);
            fn coarsen(n: usize, log2_step: u32, b: &[i32], s: &mut [i32], out: &mut [i32]) =
                quantise::coarsen(n, log2_step, b, s, out);
            fn choose(n: usize, b: &[i32], heads: &Heads, max: i32, out: &mut Choices) =
                table::choose(n, b, heads, max, out);
            fn find(n: usize, choices: &[u32; 16], middles: &[i32; 16], quantiles: &[u16; 16]) -> Found =
                table::find(n, choices, middles, quantiles);
            fn tell(n: usize, choices: &Choices, ints: &[i32], intervals: &mut [i32], rests: &mut [i32]) -> Told =
                table::tell(n, choices, ints, intervals, rests);
            fn push(states: &mut [u64; 16], symbols: &[Symbol; 16]) -> [Words; 2] =
                rans::push(states, symbols);
            fn pop(states: &mut [u64; 16], start: &[u32; 16], width: &[u32; 16]) -> [u8; 16] =
                rans::pop(states, start, width);
            fn pop_plain(states: &mut [u64; 16], n: &[u32; 16], out: &mut [u32; 16]) -> [u8; 16] =
                rans::pop_plain(states, n, out);
            fn invert(of: Distributions, i: usize, n: usize, quantiles: &[u32; 16], out: &mut Inverted) =
                interval::invert(of, i, n, quantiles, out);
        }
    };
    ($features:literal, $lanes:ty; $(
        fn $door:ident($($a:ident: $t:ty),*) $(-> $r:ty)? = $file:ident::$op:ident($($e:expr),*);
    )*) => {
        $(
            #[target_feature(enable = $features)]
            pub fn $door($($a: $t),*) $(-> $r)? {
                ops::$file::$op::<$lanes>($($e),*)
            }
        )*
    };
}
#[cfg(target_arch = "x86_64")]
use doors;

/// Calls the door of the level at hand, or does what is said for the plain kernels.
macro_rules! at_level {
    ($kernels:expr, $plain:expr, $op:ident($($a:expr),* $(,)?)) => {
        match $kernels.level {
            Level::Plain => $plain,
            // SAFETY: `Kernels::new` takes no level that this machine has not.
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => unsafe { avx2::$op($($a),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::AvxVnni => unsafe { avx2::vnni::$op($($a),*) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Level::Avx512Vnni | Level::Amx => unsafe { avx512::$op($($a),*) },
            #[cfg(not(target_arch = "x86_64"))]
            _ => unreachable!("`Kernels::new` takes no level that this machine has not"),
        }
    };
}

impl Kernels {
    pub fn new<'a>(level: Level, nets: impl IntoIterator<Item = &'a Net>) -> Kernels {
        assert!(level.is_available(), "this machine has no {level:?}");
        Kernels { level, nets: nets.into_iter().map(PackedNet::new).collect(), meshes: Vec::new() }
    }

    /// The same with meshes.
    pub fn with<'a>(self, meshes: impl IntoIterator<Item = &'a Mesh>) -> Kernels {
        Kernels { meshes: meshes.into_iter().map(PackedMesh::new).collect(), ..self }
    }

    pub fn level(&self) -> Level {
        self.level
    }

    /// Predictions for the cells of a run.
    pub fn predict(&self, linear: &Linear, run: Site, max: i32, b: &mut [i32]) {
        at_level!(self, super::predict::predict(linear, run, max, b), predict(linear, run, max, b));
    }

    /// Residuals of the run of `n` cells at `at`, whose ints are known.
    pub fn update_residuals(&self, values: &[i32], at: usize, n: usize, b: &[i32], residuals: &mut [i32]) {
        at_level!(
            self,
            for i in 0..n {
                residuals[at + i] = super::predict::residual(values[at + i], b[i]);
            },
            update_residuals(values, at, n, b, residuals)
        );
    }

    /// s and heads of the cells of a run, by net number `net`; for one of causal convolutions this tile has begun.
    pub fn context(&self, net: usize, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Heads) {
        let net = &self.nets[net];
        #[cfg(target_arch = "x86_64")]
        if self.level == Level::Amx && net.is_large {
            match net.wires {
                // SAFETY: `Kernels::new` takes no level that this machine has not.
                None => unsafe { avx512::context_in_tiles(net, run, b, scratch, out) },
                // SAFETY: as above.
                Some(_) => unsafe { avx512::causal_conv_in_tiles(net, run, b, scratch, out) },
            }
            return;
        }
        if net.wires.is_some() {
            at_level!(
                self,
                super::causal_conv::causal_conv(&net.net, run, b, &mut scratch.cache, out),
                causal_conv(net, run, b, scratch, out)
            );
            return;
        }
        at_level!(self, super::context::context(&net.net, run, b, out), context(net, run, b, scratch, out));
    }

    /// s and the last hidden activations of the cells of a run, by net number `net`, which has more than one layer.
    pub fn hidden(&self, net: usize, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Hidden) {
        let net = &self.nets[net];
        assert!(net.layers.len() > 1, "a net of one layer has no hidden activations");
        if net.wires.is_some() {
            at_level!(
                self,
                super::causal_conv::hidden(&net.net, run, b, &mut scratch.cache, out),
                hidden_conv(net, run, b, scratch, out)
            );
            return;
        }
        at_level!(self, super::context::hidden(&net.net, run, b, out), hidden(net, run, b, scratch, out));
    }

    /// Heads of all cells of a block, by mesh number `mesh`.
    pub fn mesh(&self, mesh: usize, sources: &[&[i32]]) -> Vec<i32> {
        let net = &self.meshes[mesh];
        at_level!(self, super::mesh::mesh(&net.mesh, sources), mesh(net, sources))
    }

    pub fn mixture(&self, n: usize, b: &[i32], heads: &Heads, mass: i32, out: &mut Mixtures) {
        at_level!(self, super::mixture::mixture(&b[..n], heads, mass, out), mixture(n, b, heads, mass, out));
    }

    /// Tables and middles of a run of `n` cells, in a plane of 0..=max.
    pub fn choose(&self, n: usize, b: &[i32], heads: &Heads, max: i32, out: &mut Choices) {
        at_level!(self, super::table::choose(&b[..n], heads, max, out), choose(n, b, heads, max, out));
    }

    /// What is told of the ints of a run of `n` cells: intervals, and the rest.
    pub fn tell(&self, n: usize, choices: &Choices, ints: &[i32], intervals: &mut [i32], rests: &mut [i32]) -> Told {
        at_level!(
            self,
            super::table_symbol::tell(choices, &ints[..n], intervals, rests),
            tell(n, choices, ints, intervals, rests)
        )
    }

    /// The symbols of the first `n` ≤ 16 cells whose intervals hold their quantiles; the others' choices have one symbol.
    pub fn find(&self, n: usize, choices: &[u32; 16], middles: &[i32; 16], quantiles: &[u16; 16]) -> Found {
        at_level!(self, super::table_symbol::find(n, choices, middles, quantiles), find(n, choices, middles, quantiles))
    }

    /// Pushes symbols into sixteen states; the words that they give up.
    pub fn push(&self, states: &mut [u64; 16], symbols: &[Symbol; 16]) -> [Words; 2] {
        at_level!(self, super::rans::push::<Plainly>(states, symbols), push(states, symbols))
    }

    /// Leaves symbols behind in sixteen states; a 1 where one is short of a word.
    pub fn pop(&self, states: &mut [u64; 16], start: &[u32; 16], width: &[u32; 16]) -> [u8; 16] {
        at_level!(self, super::rans::pop(states, start, width), pop(states, start, width))
    }

    /// Takes so many bits out of sixteen states; a 1 where one is short of a word.
    pub fn pop_plain(&self, states: &mut [u64; 16], n: &[u32; 16], out: &mut [u32; 16]) -> [u8; 16] {
        at_level!(self, super::rans::pop_plain(states, n, out), pop_plain(states, n, out))
    }

    /// The features that the first head of a run of `n` cells says, none above `most`.
    pub fn quantise(&self, n: usize, heads: &Heads, most: i32, out: &mut [i32]) {
        at_level!(self, super::quantise::quantise(n, heads, most, out), quantise(n, heads, most, out));
    }

    /// Predictions and scales of a run of `n` cells in steps of 2^log2_step ints.
    pub fn coarsen(&self, n: usize, log2_step: u32, b: &[i32], s: &mut [i32], out: &mut [i32]) {
        at_level!(self, super::quantise::coarsen(n, log2_step, b, s, out), coarsen(n, log2_step, b, s, out));
    }

    /// (start, width) of the ints of a run of `n` cells.
    pub fn intervals(&self, of: Distributions, n: usize, ints: &[i32], start: &mut [u32], width: &mut [u32]) {
        at_level!(self, super::interval::intervals(of, &ints[..n], start, width), intervals(of, n, ints, start, width));
    }

    /// −256 · log2 of the probability of n intervals, given their widths.
    pub fn cost(&self, n: usize, width: &[u32]) -> i64 {
        at_level!(self, super::interval::cost(&width[..n]), cost(n, width))
    }

    /// The ints of `n` ≤ 16 cells from cell `i` of a run, whose intervals hold their quantiles.
    pub fn invert(&self, of: Distributions, i: usize, n: usize, quantiles: &[u32; 16], out: &mut Inverted) {
        at_level!(
            self,
            for j in 0..n {
                let (int, start, width) = super::interval::invert(of, i + j, quantiles[j]);
                (out.ints[j], out.start[j], out.width[j]) = (int, start, width);
            },
            invert(of, i, n, quantiles, out)
        );
    }
}
