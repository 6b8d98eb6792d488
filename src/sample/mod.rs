//! samples ⇄ ints:   int = (key(sample) − offset) / step      or      int = rank of the sample among the values that occur
//!
//! `Stats` is one pass over the bytes; `Map::candidates` turns it into the bijections that fit; `Map::to_ints` and
//! `Map::from_ints` are the hot loops. An int is an i32 whose bit pattern is read as u32. Maps that lose nothing know floats as bits
//! and multiply by powers of two only, which is exact; maps that lose compute in IEEE f64 with + − × ÷, each in one order.
//!
//! Reading order: `order` (what a key is), `word` (the loops over bytes), `range`, `scaled`, `stats`, `map`, `linear`, `rank`,
//! `wire`. What may be lost: `loss` (what is asked for), `survey` (what it means for an array), `bounded` (the maps), `octave`,
//! `bounded_wire`, `errors`, `mantissa` and back `restore`, `noise`, `movable`; `psnr` and `ratio` search for a bound. What is measured: `ordinary`,
//! `sums`. `mosaic` and `phase` are about colour filter arrays: ints whose 2×2 phases are four images.

#![expect(clippy::wrong_self_convention, reason = "to_ints and from_ints are a pair: a map is what both go through")]

mod alphabet;
mod bounded;
mod bounded_wire;
mod errors;
mod ieee;
mod linear;
mod loss;
mod mantissa;
mod map;
pub mod mosaic;
mod movable;
mod noise;
mod octave;
mod offset;
mod order;
mod ordinary;
pub mod phase;
mod psnr;
mod range;
mod rank;
mod ratio;
mod restore;
mod scaled;
mod stats;
mod sums;
mod survey;
mod wire;
mod word;

pub use bounded::ORDINARY;
pub use errors::Errors;
pub use loss::{Bound, Loss, Rounding, number};
pub use mantissa::shorten;
pub use map::Map;
pub use mosaic::looks_like_mosaic;
pub use movable::{HOLE, Movable, Values};
pub use noise::{NoiseStep, sigma};
pub use octave::exp2;
pub use ordinary::{Ordinary, bits, difference, worth};
pub use psnr::PsnrSearch;
pub use ratio::RatioSearch;
pub use restore::{Comb, Restorer};
pub use stats::Stats;
pub use sums::{Squares, Sum};
pub use survey::{Ends, Survey};

#[cfg(test)]
mod tests;
