//! Symbols ↔ words: the only room that names the range-ANS coder.
//!
//! A coder is a stack: what is pushed last is popped first, so an encoder pushes its symbols backwards. `binary` is a queue of bits.

pub mod adaptive;
pub mod binary;
pub mod bits_back;
pub mod lanes;
pub mod mixing;
mod reciprocal;
pub mod stack;
pub mod table;
pub mod wide_lanes;
