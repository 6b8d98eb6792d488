//! Columns of floats beside zstd and zlib over sorted bytes and pcodec: sizes, and MB/s of this process.
//!
//! ```sh
//! RAYON_NUM_THREADS=1 cargo run --release --example columns -- 5 COLUMN.npy OTHER.npy
//! ```
//!
//! A column is an NPY of little-endian f32 or f64, of at least 4 kB. Its best peer is the smallest of the three; *gain* is what all
//! columns take less than by their best peers.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::peers::Peer;
use collapsar::internals::{Choice, Level, Options, decode_chunk, encode_chunk};
use std::error::Error;
use std::time::Instant;

const MIN_BYTES: usize = 4096;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let number = words.next().and_then(|word| word.parse().ok()).ok_or("a level, then files")?;
    let options =
        Options { model: Choice::Level(Level::new(number).ok_or("levels are 1 to 9")?), ..Options::default() };
    let peers = [Peer::Zstd(19), Peer::Deflate(9), Peer::Pcodec(8)];
    let (mut raw, mut ours, mut theirs, mut best) = (0, 0, [0; 3], 0);
    let (mut seconds, mut back, mut seconds_of_peers) = (0.0, 0.0, [0.0; 3]);
    for path in words {
        let (ty, bytes) = column(&path)?;
        if bytes.len() < MIN_BYTES {
            continue;
        }
        let start = Instant::now();
        let chunk = encode_chunk(&bytes, &ty, &options)?;
        seconds += start.elapsed().as_secs_f64();
        let start = Instant::now();
        assert!(decode_chunk(&chunk, &Default::default())?.1 == bytes, "{path} does not come back");
        back += start.elapsed().as_secs_f64();
        let sorted: Vec<u8> =
            (0..ty.dtype.n_bytes()).flat_map(|k| bytes.iter().skip(k).step_by(ty.dtype.n_bytes()).copied()).collect();
        let mut least = u64::MAX;
        for (i, peer) in peers.into_iter().enumerate() {
            let start = Instant::now();
            let n_bytes = peer.pack(if peer.is_for_arrays() { &bytes } else { &sorted }, &ty)?.n_bytes();
            seconds_of_peers[i] += start.elapsed().as_secs_f64();
            theirs[i] += n_bytes;
            least = least.min(n_bytes);
        }
        (raw, ours, best) = (raw + bytes.len() as u64, ours + chunk.len() as u64, best + least);
    }
    let speed = |seconds: f64| raw as f64 / seconds / 1e6;
    println!("raw {raw}  level {number} {ours} at {:.1} / {:.1} MB/s", speed(seconds), speed(back));
    for ((peer, n_bytes), seconds) in peers.into_iter().zip(theirs).zip(seconds_of_peers) {
        println!("{} {n_bytes} at {:.1} MB/s", peer.name(), speed(seconds));
    }
    println!("best peers {best}, gain {}", best as i64 - ours as i64);
    Ok(())
}

fn column(path: &str) -> Result<(ArrayType, Vec<u8>), Box<dyn Error>> {
    let mut bytes = std::fs::read(path)?;
    let start = 10 + usize::from(*bytes.get(8).ok_or("no NPY")?) + 256 * usize::from(*bytes.get(9).ok_or("no NPY")?);
    let head = String::from_utf8_lossy(bytes.get(..start).ok_or("no NPY")?).into_owned();
    let dtype = if head.contains("'<f4'") { Dtype::F32 } else { Dtype::F64 };
    if !(head.contains("'<f4'") || head.contains("'<f8'")) {
        return Err(format!("{path} has no little-endian floats").into());
    }
    let samples = bytes.split_off(start);
    let shape = vec![(samples.len() / dtype.n_bytes()) as u64];
    Ok((ArrayType { dtype, big_endian: false, shape }, samples))
}
