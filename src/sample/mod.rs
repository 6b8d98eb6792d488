//! samples ⇄ ints:   int = (key(sample) − offset) / step      or      int = rank of the sample among the values that occur
//!
//! `Stats` is one pass over the bytes; `Map::candidates` turns it into the bijections that fit; `Map::to_ints` and
//! `Map::from_ints` are the hot loops. An int is an i32 whose bit pattern is read as u32. This is the only room of the codec
//! where a float type appears, and there it multiplies by powers of two only, which is exact.
//!
//! Reading order: `order` (what a key is), `word` (the loops over bytes), `range`, `scaled`, `stats`, `map`, `linear`, `rank`,
//! `wire`. `mosaic` and `phase` are about colour filter arrays: ints whose 2×2 phases are four images.

#![expect(clippy::wrong_self_convention, reason = "to_ints and from_ints are a pair: a map is what both go through")]

mod alphabet;
mod ieee;
mod linear;
mod map;
pub mod mosaic;
mod order;
pub mod phase;
mod range;
mod rank;
mod scaled;
mod stats;
mod wire;
mod word;

pub use map::Map;
pub use mosaic::looks_like_mosaic;
pub use stats::Stats;

#[cfg(test)]
mod tests;
