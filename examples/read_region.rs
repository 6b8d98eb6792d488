//! A box of an array in a file is read without decoding the rest of the file.
//!
//! `cargo run --release --example read_region`

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::{Archive, Choice, Error, Options, compress};

fn main() -> Result<(), Error> {
    // a cube of 3 frames of 600 × 500 samples of 16 bits, as raw bytes; FITS and NPY files say themselves what they hold
    let shape = [3, 600, 500];
    let sample = |i: u64| (1000 + i % 500 / 4 + i / 500 % 600 / 3 + i * 7919 % 13) as u16;
    let cube: Vec<u16> = (0..shape.iter().product()).map(sample).collect();
    let bytes: Vec<u8> = cube.iter().flat_map(|v| v.to_le_bytes()).collect();
    let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: shape.to_vec() };
    // without a network, which would take longer
    let options = Options { raw: Some(ty), model: Choice::Classic, ..Options::default() };
    let file = compress(&bytes, &options)?;

    // 20 rows of 30 samples of the last frame, from row 100, column 200 on
    let archive = Archive::open(&file, &[])?;
    let array = archive.arrays().next().expect("the file holds an array");
    let (origin, size) = ([2, 100, 200], [1, 20, 30]);
    let mut stamp = vec![0u16; 20 * 30];
    let n_tiles = archive.read_region(array, &origin, &size, &mut stamp)?;

    assert_eq!(stamp[0], cube[(2 * 600 + 100) * 500 + 200]);
    println!("{} samples from {n_tiles} of {} tiles", stamp.len(), array.head.grid().n_tiles());
    Ok(())
}
