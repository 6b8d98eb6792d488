//! The nets of every family in floats, and how they become integers.

pub mod batch;
pub mod codes;
pub mod context;
pub mod deep;
pub mod device;
pub mod head;
pub mod l3c;
pub mod layers;
pub mod mesh;
pub mod mixture;
pub mod preset;
pub mod quantise;
pub mod shape;
pub mod table;
pub mod vqae;
