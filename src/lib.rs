//! Compression of scientific arrays by neural networks: lossless unless a bound is asked for, and the same bytes on every
//! machine.
//!
//! Files go through [`compress`] and [`decompress`], or [`compress_file`] and [`decompress_file`]: rasters are found in
//! them (FITS, NPY; alone, in a tar or .gz) and coded, everything around is kept byte for byte. Arrays in memory go through
//! [`encode_array`] and [`decode_array`]. [`Archive`] reads a box of an array in a compressed file and decodes no more than
//! that. [`quality`] measures what a bound does to an array.
//!
//! Versions follow semantic versioning for what this page shows. A file or a chunk, once written by a released version, is
//! read by every later one.
//!
#![deny(missing_docs)]

#[doc(hidden)]
pub mod internals;
mod public;

// the command stands before the library as anyone who depends on it does
#[cfg(feature = "cli")]
extern crate self as collapsar;

#[cfg(feature = "cli")]
use internals::cli;
#[cfg(any(test, feature = "gpu"))]
use internals::synthetic;
use internals::{
    array, atomic, codec, container, denoise, device, entropy, error, fit, format, gpu, grid, kernel, model, net,
    sample, source, text, tile, weights, wire,
};

pub use public::quality;
pub use public::{
    Archive, Decoding, Error, ErrorKind, Loss, Options, Report, Sample, compress, compress_file, decode_array,
    decode_array_into, decompress, decompress_file, encode_array,
};

/// The README's example, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
