//! Synthetic data, seeded, the same on every machine: the frame of `demo` and `bench`, and the nets and tiles of tests, benches and
//! fuzz targets.

mod autoencoder;
mod frame;
mod net;
mod random;
mod tile;

pub use autoencoder::{SHADES, loaded_vqae, mesh, vqae};
pub use frame::{fits, frame, two_amplifiers};
pub use net::{
    LARGE, MIDDLE, SMALL, Size, TINY, deep, deep_model, grown, ladder, layers, loaded, model, near, part, places, spec,
    stored, tiny, tiny_with,
};
pub use random::{Lcg, Xorshift};
pub use tile::{shades, tile};
