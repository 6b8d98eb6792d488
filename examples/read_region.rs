//! A box of an array in a file is read without decoding the rest of the file.
//!
//! `cargo run --release --example read_region`

use collapsar::{Archive, Decoding, Error, Options, compress_file};

fn main() -> Result<(), Error> {
    // a cube of 3 frames of 600 × 500 samples of 16 bits in a NumPy file
    let sample = |i: usize| (1000 + i % 500 / 4 + i / 500 % 600 / 3 + i * 7919 % 13) as u16;
    let cube: Vec<u16> = (0..3 * 600 * 500).map(sample).collect();
    let folder = std::env::temp_dir().join(format!("collapsar-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (npy, packed) = (folder.join("cube.npy"), folder.join("cube.npy.clps"));
    std::fs::write(&npy, numpy_file(&cube))?;
    // without a network, which would take longer
    compress_file(&npy, &packed, &Options::default().model("classic")?)?;

    // 20 rows of 30 samples of the last frame, from row 100, column 200 on
    let archive = Archive::open(&packed, &Decoding::default())?;
    println!("{} of shape {:?}", archive.dtype(0)?, archive.shape(0)?);
    let mut stamp = vec![0u16; 20 * 30];
    let n_tiles = archive.read_region(0, &[2, 100, 200], &[1, 20, 30], &mut stamp)?;

    assert_eq!(stamp[0], cube[(2 * 600 + 100) * 500 + 200]);
    println!("{} samples from {n_tiles} tiles", stamp.len());
    std::fs::remove_dir_all(&folder)?;
    Ok(())
}

/// The smallest header that NumPy reads, and the samples behind it.
fn numpy_file(cube: &[u16]) -> Vec<u8> {
    let mut bytes =
        b"\x93NUMPY\x01\x00\x76\x00{'descr': '<u2', 'fortran_order': False, 'shape': (3, 600, 500), }".to_vec();
    bytes.resize(127, b' ');
    bytes.push(b'\n');
    bytes.extend(cube.iter().flat_map(|v| v.to_le_bytes()));
    bytes
}
