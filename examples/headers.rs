//! What lies between the arrays of files takes so many bytes as zstd frames, and so many as texts; and what share of the time texts take.
//!
//! ```sh
//! cargo run --release --example headers FILES
//! ```

use collapsar::internals::codec::file::archive::{Archive, Section};
use collapsar::internals::codec::file::bytes::Encoder;
use collapsar::internals::text::{CARDS, Known};
use collapsar::internals::{Options, compress, decompress};
use std::time::{Duration, Instant};

const PASSES: usize = 3;

#[derive(Default)]
struct Sums {
    files: usize,
    /// Bytes: of the files; of the same compressed; of what lies between arrays, and its code by either way.
    content: usize,
    compressed: usize,
    between: usize,
    by_zstd: usize,
    as_it_comes: usize,
    compress: Duration,
    decompress: Duration,
    encode: Duration,
    decode: Duration,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let known = timed(&mut Duration::default(), Known::cards);
    let cards: String = CARDS.lines().map(|card| format!("{card:<80}")).collect();
    let mut learning = Duration::default();
    timed(&mut learning, || known.and(cards.as_bytes()));
    println!("learning the cards: {:.1} ms, once per process", learning.as_secs_f64() * 1e3);

    let mut sums = Sums::default();
    for path in std::env::args().skip(1) {
        add(&mut sums, &std::fs::read(&path)?)?;
    }
    let Sums { files, content, compressed, between, by_zstd, as_it_comes, .. } = sums;
    println!(
        "{files} files, {content} bytes; level 5: {compressed}, with zstd alone {}",
        compressed + by_zstd - as_it_comes
    );
    println!("between arrays: {between} bytes; zstd {by_zstd}, as it comes {as_it_comes}");
    for (what, all, part) in [("compress", sums.compress, sums.encode), ("decompress", sums.decompress, sums.decode)] {
        let (all, part) = (all.as_secs_f64(), part.as_secs_f64());
        let speed = between as f64 / 1e6 / part;
        println!("{what}: {:.1} ms, of it between arrays {:.1} ms, {speed:.1} MB/s", all * 1e3, part * 1e3);
    }
    Ok(())
}

fn add(sums: &mut Sums, content: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let file = timed(&mut sums.compress, || compress(content, &Options::default()))?;
    timed(&mut sums.decompress, || decompress(&file))?;
    let archive = Archive::open(&file, &[])?;
    let mut chunks = Vec::new();
    for section in &archive.sections {
        if let Section::Bytes { offset, block } = section {
            sums.as_it_comes += archive.reader.payload(*block)?.len();
            chunks.push((*offset, *block, archive.chunk(*block)?));
        }
    }
    let encode = |may_take_long: bool| {
        let mut encoder = Encoder::default();
        let one = |(offset, _, bytes): &(u64, usize, Vec<u8>)| encoder.encode(*offset, bytes, may_take_long);
        chunks.iter().map(one).map(|code| code.map(|code| code.len())).sum::<Result<usize, _>>()
    };
    timed(&mut sums.encode, || encode(true))?;
    timed(&mut sums.decode, || chunks.iter().try_for_each(|(_, block, _)| archive.chunk(*block).map(|_| ())))?;
    // a payload begins with the offset of its chunk
    let offsets = chunks.iter().map(|(offset, ..)| (64 - (offset | 1).leading_zeros()).div_ceil(7) as usize);
    sums.by_zstd += encode(false)? + offsets.sum::<usize>();
    sums.between += chunks.iter().map(|(.., bytes)| bytes.len()).sum::<usize>();
    (sums.files, sums.content, sums.compressed) =
        (sums.files + 1, sums.content + content.len(), sums.compressed + file.len());
    Ok(())
}

/// Adds the best of a few passes.
fn timed<T>(sum: &mut Duration, work: impl Fn() -> T) -> T {
    let pass = || {
        let start = Instant::now();
        std::hint::black_box(work());
        start.elapsed()
    };
    *sum += (0..PASSES).map(|_| pass()).min().expect("there are passes");
    work()
}
