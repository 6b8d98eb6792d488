//! An array in memory becomes a chunk of bytes and comes back, without loss and within a bound.
//!
//! `cargo run --release --example compress_array`

use collapsar::{Decoding, Error, Loss, Options, decode_array, encode_array};

fn main() -> Result<(), Error> {
    // a field of 128 × 128 temperatures in kelvin, with noise of 0.1 K
    let (h, w) = (128, 128);
    let noise = |i: u32| (i.wrapping_mul(0x9e37_79b9) >> 16).wrapping_mul(0x85eb_ca6b) as f32 / u32::MAX as f32;
    let at = |y: f32, x: f32| 280.0 + 10.0 * (y / 30.0).sin() + 5.0 * (x / 20.0).cos();
    let field: Vec<f32> = (0..h * w).map(|i| at((i / w) as f32, (i % w) as f32) + 0.1 * noise(i as u32)).collect();

    // nothing is lost unless it is asked for
    let chunk = encode_array(&field, &[h, w], &Options::default())?;
    let (shape, back) = decode_array::<f32>(&chunk, &Decoding::default())?;
    assert_eq!((shape, back), (vec![h, w], field.clone()));
    println!("{} bytes, without loss: {}", 4 * field.len(), chunk.len());

    // no sample may be off by more than a hundredth of a kelvin
    let options = Options::default().loss(Loss::Abs(0.01));
    let chunk = encode_array(&field, &[h, w], &options)?;
    let (_, back) = decode_array::<f32>(&chunk, &Decoding::default())?;
    let largest = field.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(largest <= 0.01);
    println!("within 0.01 K: {} bytes, the largest error is {largest} K", chunk.len());
    Ok(())
}
