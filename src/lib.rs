//! Neural compression of scientific rasters: lossless, and the same bytes on every machine.
//!
//! Reading order: `kernel` (what is computed), `net` and `model` (with what, and when), `codec` (the loops), `container` (the
//! file), then the rooms around them. ARCHITECTURE.md says how they hang together, NUMERICS.md and FORMAT.md what they mean.

mod api;
pub mod array;
pub mod atomic;
pub mod codec;
pub mod container;
pub mod device;
pub mod entropy;
pub mod error;
pub mod fit;
pub mod format;
pub mod gpu;
pub mod grid;
pub mod kernel;
pub mod model;
pub mod net;
pub mod peers;
pub mod quality;
pub mod sample;
pub mod source;
pub mod tile;
pub mod weights;
pub mod wire;

pub use api::{Decoding, compress, compress_to, decompress, decompress_to};
pub use codec::array::memory::{Memory, Resources};
pub use codec::file::archive::Archive;
pub use codec::file::lost::{Lost, Region, What};
pub use codec::file::options::Options;
pub use codec::file::report::Report;
pub use codec::file::salvage::{SalvageReport, salvage};
pub use codec::search::adapt::Adapt;
pub use codec::search::choice::Choice;
pub use codec::search::related::References;
pub use error::{Error, Kind, Result};
pub use sample::{Loss, Rounding};
