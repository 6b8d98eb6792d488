//! Between files and tiles: how an array is described, what is chosen for it, and the loops over its tiles.

pub mod array;
pub mod chunk;
pub mod file;
pub mod search;

#[cfg(test)]
mod tests;
