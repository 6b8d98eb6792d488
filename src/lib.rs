//! Neural compression of scientific rasters: lossless, and the same bytes on every machine.

#![deny(missing_docs)]

#[doc(hidden)]
pub mod internals;

use internals::{
    array, codec, container, device, entropy, error, fit, format, gpu, grid, kernel, model, net, sample, source, tile,
    weights, wire,
};

pub use internals::quality;
