//! One loop that trains, what it is told, and an objective for every family.

pub mod adam;
pub mod cells;
pub mod checkpoint;
pub mod deep;
pub mod denoise;
pub mod identity;
pub mod l3c;
pub mod log;
pub mod objective;
pub mod prior;
pub mod run;
pub mod settings;
pub mod start;
#[cfg(test)]
pub mod tests;
pub mod validate;
pub mod vqae;
pub mod work;
