//! The rooms of this crate, for the command, the trainer, the tests and the benches of this workspace. No promise of any kind
//! is made about them: they change with every version.
//!
//! Reading order: `kernel` (what is computed), `net` and `model` (with what, and when), `tile` (one tile and its code), `codec`
//! (an array, a file), `container` (its blocks), then the rooms around them. ARCHITECTURE.md says how they hang together,
//! NUMERICS.md and FORMAT.md what they mean.

#[path = "array.rs"]
pub mod array;
#[path = "atomic/mod.rs"]
pub mod atomic;
#[cfg(feature = "cli")]
#[path = "cli/mod.rs"]
pub mod cli;
#[path = "codec/mod.rs"]
pub mod codec;
#[path = "container/mod.rs"]
pub mod container;
#[path = "denoise.rs"]
pub mod denoise;
#[path = "device.rs"]
pub mod device;
#[path = "entropy/mod.rs"]
pub mod entropy;
#[path = "error.rs"]
pub mod error;
#[path = "fit/mod.rs"]
pub mod fit;
#[path = "format/mod.rs"]
pub mod format;
#[cfg_attr(feature = "gpu", path = "gpu/mod.rs")]
#[cfg_attr(not(feature = "gpu"), path = "gpu/none.rs")]
pub mod gpu;
#[path = "grid.rs"]
pub mod grid;
#[path = "kernel/mod.rs"]
pub mod kernel;
#[path = "model/mod.rs"]
pub mod model;
#[path = "net/mod.rs"]
pub mod net;
#[cfg(feature = "cli")]
#[path = "peers/mod.rs"]
pub mod peers;
#[path = "quality/mod.rs"]
pub mod quality;
#[path = "sample/mod.rs"]
pub mod sample;
#[path = "source/mod.rs"]
pub mod source;
#[path = "synthetic/mod.rs"]
pub mod synthetic;
#[path = "text/mod.rs"]
pub mod text;
#[path = "threads.rs"]
pub mod threads;
#[path = "tile/mod.rs"]
pub mod tile;
#[path = "weights/mod.rs"]
pub mod weights;
#[path = "wire.rs"]
pub mod wire;

// what the workspace names most, without its room
#[path = "api.rs"]
mod api;
pub use api::{Decoding, adapt, compress, compress_to, decompress, decompress_to, decompress_with, learn};
pub use codec::array::memory::{Memory, Resources};
pub use codec::chunk::{
    decode_array, decode_array_into, decode_chunk, decode_chunk_into, describe_chunk, encode_array, encode_chunk,
    read_recipe, read_weights, write_recipe,
};
pub use codec::file::adapt::Training;
pub use codec::file::archive::Archive;
pub use codec::file::lost::{Lost, Region, What};
pub use codec::file::options::Options;
pub use codec::file::report::Report;
pub use codec::file::salvage::{SalvageReport, salvage};
pub use codec::search::adapt::Adapt;
pub use codec::search::choice::Choice;
pub use codec::search::lessons::{Adapted, Turn};
pub use codec::search::level::{Decoder, Level};
pub use codec::search::recipe::Recipe;
pub use codec::search::related::References;
pub use error::{Error, ErrorKind, Result};
pub use sample::{Loss, Rounding};
