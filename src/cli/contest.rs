//! Codecs side by side on one file in memory: ratio, and speed both ways. Every answer is checked.
//!
//! RICE as FITS users run it on every array of integers, the rest of the file as it is; deflate and zstd on the bytes. These
//! use one thread, ours all that it was given.

use super::noise::{self, Noise};
use super::power;
use collapsar::array::Dtype;
use collapsar::codec::archive::Archive;
use collapsar::format::{self, Hint, Piece};
use collapsar::model::Model;
use collapsar::peers::rice::{self, Width};
use collapsar::{Choice, Error, Options, Result};
use flate2::{Compression, read::ZlibDecoder, write::ZlibEncoder};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

/// How a codec did, summed over files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Score {
    pub n_in: u64,
    pub n_out: u64,
    pub encode_s: f64,
    pub decode_s: f64,
}

impl Score {
    pub fn add(&mut self, other: &Score) {
        self.n_in += other.n_in;
        self.n_out += other.n_out;
        self.encode_s += other.encode_s;
        self.decode_s += other.decode_s;
    }
}

/// The answers on one file, in a fixed order, and the least that white noise allows.
pub struct Outcome {
    pub scores: Vec<(String, Score)>,
    /// Bytes that the noise of the arrays takes, the rest of the file for nothing; None where it is not known of all.
    pub noise_bytes: Option<f64>,
}

pub fn run(bytes: &[u8], models: &[Arc<Model>], quick: bool) -> Result<Outcome> {
    let mut scores = Vec::new();
    let mut noise_bytes = None;
    let ours = models.iter().map(|m| (m.name.clone(), Choice::These(vec![m.clone()])));
    for (name, choice) in ours.chain([("classic".to_string(), Choice::Classic)]) {
        let options = Options { model: choice, device: power::device(), ..Options::default() };
        let (packed, score) = timed(
            bytes,
            || collapsar::compress(bytes, &options),
            |packed| {
                let mut out = Vec::with_capacity(bytes.len());
                collapsar::decompress_to(packed, &mut out, &power::decoding(models), &|_| Ok(()))?;
                Ok(out)
            },
        )?;
        scores.push((format!("collapsar {name}"), score));
        noise_bytes = noise_limit(&packed, models)?;
    }
    scores.push(("RICE".into(), rice(bytes)?));
    scores.push(("deflate -6".into(), timed(bytes, || deflate(bytes), |packed| inflate(packed))?.1));
    for level in if quick { &[3][..] } else { &[3, 19] } {
        let pack = || Ok(zstd::bulk::compress(bytes, *level)?);
        let score = timed(bytes, pack, |packed| Ok(zstd::bulk::decompress(packed, bytes.len())?))?.1;
        scores.push((format!("zstd -{level}"), score));
    }
    Ok(Outcome { scores, noise_bytes })
}

fn timed(
    bytes: &[u8],
    pack: impl FnOnce() -> Result<Vec<u8>>,
    unpack: impl FnOnce(&Vec<u8>) -> Result<Vec<u8>>,
) -> Result<(Vec<u8>, Score)> {
    let start = Instant::now();
    let packed = pack()?;
    let encode_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let back = unpack(&packed)?;
    let decode_s = start.elapsed().as_secs_f64();
    if back != bytes {
        return Err(Error::verify("decoding does not give the file back"));
    }
    let score = Score { n_in: bytes.len() as u64, n_out: packed.len() as u64, encode_s, decode_s };
    Ok((packed, score))
}

/// What a perfect codec of the same arrays would need if they were noise and nothing else.
fn noise_limit(packed: &[u8], models: &[Arc<Model>]) -> Result<Option<f64>> {
    let archive = Archive::open(&packed, models)?;
    let mut bits = None;
    for array in archive.arrays() {
        let Some(limit) = noise::of_array(&archive, array)?.and_then(Noise::limit_bits) else { return Ok(None) };
        *bits.get_or_insert(0.0) += limit * array.head.ty.n_samples()? as f64;
    }
    Ok(bits.map(|b| b / 8.0))
}

fn deflate(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut writer = ZlibEncoder::new(Vec::new(), Compression::new(6));
    writer.write_all(bytes)?;
    Ok(writer.finish()?)
}

fn inflate(packed: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    ZlibDecoder::new(packed).read_to_end(&mut out)?;
    Ok(out)
}

fn rice(bytes: &[u8]) -> Result<Score> {
    let mut score = Score { n_in: bytes.len() as u64, ..Score::default() };
    for piece in &format::read(&bytes, &Hint::default())?.pieces {
        let n_bytes = piece.n_bytes()?;
        let Piece::Array { offset, ty, .. } = piece else {
            score.n_out += n_bytes;
            continue;
        };
        let width = match ty.dtype {
            Dtype::U8 | Dtype::I8 => Width::Bits8,
            Dtype::U16 | Dtype::I16 => Width::Bits16,
            Dtype::U32 | Dtype::I32 => Width::Bits32,
            Dtype::I64 | Dtype::U64 | Dtype::F32 | Dtype::F64 => {
                score.n_out += n_bytes;
                continue;
            }
        };
        let array = &bytes[*offset as usize..][..n_bytes as usize];
        let ints = ints(array, ty.dtype.n_bytes(), ty.big_endian);
        let w = ty.planes().2.max(1) as usize;
        let start = Instant::now();
        let rows = rice::encode_plane(&ints, w, width);
        score.encode_s += start.elapsed().as_secs_f64();
        score.n_out += rows.iter().map(|r| (r.len() + rice::DESCRIPTOR_BYTES) as u64).sum::<u64>();
        let start = Instant::now();
        for (row, ints) in rows.iter().zip(ints.chunks(w)) {
            if rice::decode(row, ints.len(), width)? != ints {
                return Err(Error::verify("RICE does not give a row back"));
            }
        }
        score.decode_s += start.elapsed().as_secs_f64();
    }
    Ok(score)
}

/// Samples without sign, as RICE gives them back.
fn ints(bytes: &[u8], n_bytes: usize, big_endian: bool) -> Vec<i32> {
    let int = |sample: &[u8]| {
        let join = |n: u32, b: &u8| n << 8 | u32::from(*b);
        if big_endian { sample.iter().fold(0, join) as i32 } else { sample.iter().rev().fold(0, join) as i32 }
    };
    bytes.chunks_exact(n_bytes).map(int).collect()
}
