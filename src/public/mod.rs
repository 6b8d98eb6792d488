//! What the crate promises: a few functions and types over the rooms, which change as they like behind them.

mod archive;
mod arrays;
mod files;
mod options;
pub mod quality;

pub use crate::array::Sample;
pub use crate::error::{Error, ErrorKind};
pub use crate::sample::Loss;
pub use archive::Archive;
pub use arrays::{decode_array, decode_array_into, encode_array};
pub use files::{Report, compress, compress_file, decompress, decompress_file};
pub use options::{Decoding, Options};
