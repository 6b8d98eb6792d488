//! One tile of ints ⇄ its code. Nothing here knows a file, the head of an array, or a device.

pub mod array_coder;
pub mod autoregressive;
pub mod cells;
pub mod classic;
pub mod code;
pub mod coder;
mod coders;
pub mod counts;
pub mod diffusion;
pub mod flow;
pub mod inpaint;
pub mod mask;
pub mod pyramid;
pub mod runtime;
pub mod stream;
pub mod table_coder;
pub mod transform;
pub mod walk;

#[cfg(test)]
mod tests;
