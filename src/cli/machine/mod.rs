//! Threads, memory and devices of a run.

pub mod drivers;
pub mod memory;
pub mod resources;
