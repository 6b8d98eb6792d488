//! An array ⇄ a chunk: bytes with no file around them, for Zarr chunks, HDF5 filters, FITS tiles. FORMAT.md, section 11.
//!
//! Samples of Rust types: `encode_array`, `decode_array`, `decode_array_into`. Bytes of any dtype and byte order:
//! `encode_chunk`, `decode_chunk`, `decode_chunk_into`. What a chunk holds, without decoding it: `describe_chunk`, `weigh_chunk`.

mod body;
mod decode;
mod encode;
mod frame;
mod recipe;
mod typed;

pub use decode::{Weight, decode_chunk, decode_chunk_into, describe_chunk, weigh_chunk};
pub use encode::encode_chunk;
pub use frame::MAGIC;
pub use recipe::{read_recipe, read_weights, write_recipe};
pub use typed::{decode_array, decode_array_into, encode_array, learn_array};
