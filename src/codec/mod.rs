//! Between files and payloads: how an array is described, what is chosen for it, and the loops over its tiles.

pub mod adapt;
pub mod anchor;
pub mod archive;
mod batch;
pub mod bytes;
pub mod choice;
mod choose;
pub mod classic;
mod cut;
pub mod decode;
pub mod encode;
pub mod fine;
pub mod flow;
pub mod head;
pub mod hidden;
pub mod mask;
mod measure;
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
