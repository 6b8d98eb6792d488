//! Weights files ⇄ models, and the models that every build knows.

mod denoiser;
mod json;
mod layer;
mod load;
mod meshes;
mod store;
pub mod zoo;

pub use denoiser::{denoiser, store_denoiser};
pub use load::load;
pub use store::store;
