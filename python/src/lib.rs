//! What the Python package `collapsar` calls: bytes in, bytes out, with the GIL released. Keywords, dtypes and views are Python's side.

mod archive;
mod arrays;
mod encoding;
mod files;
mod machine;
mod measure;
mod pool;
mod recipe;
mod work;

use pyo3::prelude::*;

#[pymodule]
mod _collapsar {
    #[pymodule_export]
    use super::archive::Archive;
    #[pymodule_export]
    use super::arrays::{decode, decode_into, describe, encode, restore};
    #[pymodule_export]
    use super::encoding::{Decoding, Encoding};
    #[pymodule_export]
    use super::files::{compress, compress_file, decompress, decompress_file};
    #[pymodule_export]
    use super::machine::{devices, main, models, version};
    #[pymodule_export]
    use super::measure::{evaluate, evaluate_files, seconds_in_rust};
    #[pymodule_export]
    use super::pool::{forget_threads, n_threads, set_threads};
    #[pymodule_export]
    use super::recipe::Recipe;
    #[pymodule_export]
    use super::work::panic_for_tests;
}
