//! What nets are trained on: files, the planes in them, and what the engine makes of their tiles.

pub mod augment;
pub mod blocks;
pub mod cells;
pub mod corpus;
pub mod crops;
pub mod cross;
pub mod fields;
pub mod flow;
pub mod ladder;
pub mod patch;
pub mod plane;
pub mod pool;
pub mod sample;
pub mod simulate;
pub mod source;
pub mod survey;
