//! Between files and payloads: how an array is described, what is chosen for it, and the loops over its tiles.

pub mod adapt;
pub mod anchor;
pub mod archive;
mod batch;
pub mod bytes;
mod choose;
pub mod classic;
mod cut;
pub mod decode;
pub mod encode;
mod filler;
pub mod fine;
pub mod flow;
pub mod head;
pub mod hidden;
pub mod lost;
pub mod mask;
mod measure;
pub mod memory;
mod mix;
pub mod network;
mod painted;
pub mod plane;
pub mod plans;
pub mod refit;
pub mod region;
pub mod related;
pub mod salvage;
pub mod scales;
pub mod shelf;
mod shown;
mod symbols;
pub mod tile;
mod trial;
pub mod vqae;
pub mod waves;
mod windows;

#[cfg(test)]
mod tests;
