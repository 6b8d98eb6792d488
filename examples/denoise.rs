//! Frames denoised, beside frames quantised to files that are no larger: what either does to sizes, stars and means.
//!
//! ```sh
//! cargo run --release --example denoise -- 3 FRAME.fits OTHER.fits
//! ```
//!
//! The first word is the level. Of one array of integers `--near`, `--abs` and `--noise-step` are the same quantiser; N is the smallest
//! bound whose file is no larger than that of the denoised frame. Sizes are sums; what is told of stars is the median of the files that
//! have some: of the change of flux and of the shift of the centroid, each the median and the 95th percentile of a file.

use collapsar::internals::array::ArrayType;
use collapsar::internals::format::{self, Hint, Piece};
use collapsar::internals::quality::{Stretch, measure};
use collapsar::internals::{Choice, Level, Loss, Options, compress_to, decompress};
use std::error::Error;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What came of a file: bytes, the largest error and the root of the mean square, the bias, and of stars flux and shift.
struct Came {
    n_bytes: u64,
    bound: f64,
    figures: Vec<f64>,
    stars: Option<[f64; 4]>,
}

struct File {
    bytes: Vec<u8>,
    offset: u64,
    ty: ArrayType,
    level: Level,
}

fn main() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let level = words.next().and_then(|word| word.parse().ok()).and_then(Level::new).ok_or("a level, then files")?;
    let files: Vec<File> = words.map(|path| File::read(&path, level)).collect::<Result<_>>()?;
    let raw: usize = files.iter().map(|file| file.bytes.len()).sum();
    println!("{} files, {raw} bytes\n", files.len());
    println!(
        "| | ratio | largest | rms | bias | flux | flux, 95 % | shift | shift, 95 % |\n|---|---|---|---|---|---|---|---|---|"
    );
    let lossless = files.iter().map(|file| file.came(Loss::None)).collect::<Result<Vec<Came>>>()?;
    tell("lossless", raw, &lossless);
    for k in [0.5, 1.0, 2.0] {
        let denoised = files.iter().map(|file| file.came(Loss::Denoise(k))).collect::<Result<Vec<Came>>>()?;
        tell(&format!("`--denoise {k}`"), raw, &denoised);
        let as_small = |(file, denoised): (&File, &Came)| file.as_small(denoised.n_bytes);
        let quantised = files.iter().zip(&denoised).map(as_small).collect::<Result<Vec<Came>>>()?;
        tell("quantised, no larger", raw, &quantised);
    }
    Ok(())
}

fn tell(name: &str, raw: usize, all: &[Came]) {
    let n_bytes: u64 = all.iter().map(|came| came.n_bytes).sum();
    let median = |mut list: Vec<f64>| {
        list.sort_by(f64::total_cmp);
        list.get(list.len() / 2).copied().unwrap_or(f64::NAN)
    };
    let mut line = format!(
        "| {name} | {:.3} | {:.1} ",
        raw as f64 / n_bytes as f64,
        median(all.iter().map(|came| came.bound).collect())
    );
    for i in 0..2 {
        line += &format!("| {:.4} ", median(all.iter().map(|came| came.figures[i]).collect()));
    }
    for i in 0..4 {
        let of_stars: Vec<f64> = all.iter().filter_map(|came| Some(came.stars?[i])).collect();
        line += &format!("| {:.5} ", median(of_stars));
    }
    println!("{line}|");
}

impl File {
    fn read(path: &str, level: Level) -> Result<File> {
        let bytes = std::fs::read(path)?;
        let pieces = format::read(&bytes, &Hint::default())?.pieces;
        let array = pieces.into_iter().find_map(|piece| match piece {
            Piece::Array { offset, ty, .. } => Some((offset, ty)),
            Piece::Bytes { .. } => None,
        });
        let (offset, ty) = array.ok_or(format!("{path} holds no array"))?;
        Ok(File { bytes, offset, ty, level })
    }

    fn packed(&self, loss: Loss) -> Result<Vec<u8>> {
        let options = Options { model: Choice::Level(self.level), loss, ..Options::default() };
        Ok(compress_to(&self.bytes, Vec::new(), &options, &|_| Ok(()))?.0)
    }

    fn came(&self, loss: Loss) -> Result<Came> {
        let packed = self.packed(loss)?;
        let decoded = decompress(&packed)?;
        let stretch = |source| Stretch { source, offset: self.offset, ty: &self.ty };
        let quality = measure(stretch(&self.bytes), stretch(&decoded))?;
        let stars = quality.stars.map(|s| [s.flux.median, s.flux.p95, s.shift.median, s.shift.p95]);
        let figures = vec![quality.rmse(), quality.bias()];
        Ok(Came { n_bytes: packed.len() as u64, bound: quality.largest, figures, stars })
    }

    /// Within the smallest bound at which the file is no larger.
    fn as_small(&self, n_bytes: u64) -> Result<Came> {
        let is_enough = |n: u64| Ok::<bool, Box<dyn Error>>(self.packed(Loss::Near(n))?.len() as u64 <= n_bytes);
        let (mut below, mut enough) = (0, 1);
        while !is_enough(enough)? {
            (below, enough) = (enough, 2 * enough);
        }
        while enough - below > 1 {
            let middle = (below + enough) / 2;
            if is_enough(middle)? { enough = middle } else { below = middle }
        }
        self.came(Loss::Near(enough))
    }
}
