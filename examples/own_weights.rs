//! Arrays are coded by weights of one's own, which whoever decodes must have, too.
//!
//! `cargo run --release --example own_weights [FILE.safetensors]`; docs/researcher.md says how to train such a file.

use collapsar::{Decoding, Error, ErrorKind, Options, decode_array, encode_array};

fn main() -> Result<(), Error> {
    // the bytes of a weights file; one that is built in stands for your own here
    let bytes = match std::env::args().nth(1) {
        Some(path) => std::fs::read(path)?,
        None => include_bytes!("../weights/pixelcnn-fast-1.safetensors").to_vec(),
    };

    // a frame of 200 × 150 counts
    let noise = |i: u32| (i.wrapping_mul(0x9e37_79b9) >> 16).wrapping_mul(0x85eb_ca6b) >> 27;
    let frame: Vec<u16> = (0..200 * 150u32).map(|i| (900 + i % 150 / 3 + noise(i)) as u16).collect();
    let options = Options::default().weights(&bytes)?;
    let chunk = encode_array(&frame, &[200, 150], &options)?;
    println!("{} bytes: {}", 2 * frame.len(), chunk.len());

    // the chunk has only the hash of the weights: the decoder is given them
    let decoding = Decoding::default().weights(&bytes)?;
    let (_, back) = decode_array::<u16>(&chunk, &decoding)?;
    assert_eq!(back, frame);

    // without them an error says which are missing
    match decode_array::<u16>(&chunk, &Decoding::default()) {
        Ok(_) => println!("these weights are built in"),
        Err(error) if error.kind == ErrorKind::Model => println!("{error}"),
        Err(error) => return Err(error),
    }
    Ok(())
}
