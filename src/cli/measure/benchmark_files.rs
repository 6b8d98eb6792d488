//! Codecs side by side on one file in memory: ratio, and speed both ways. Every answer is checked.
//!
//! RICE as FITS users run it on every array of integers, the rest of the file as it is; deflate and zstd on the bytes. These
//! use one thread, ours all that it was given.

use super::noise::{self, Noise};
use crate::cli::machine::memory;
use crate::cli::machine::resources;
use crate::cli::path::weights;
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::format::{self, Hint, Piece};
use collapsar::internals::model::Model;
use collapsar::internals::peers::Peer;
use collapsar::internals::{Choice, Error, Options, Result};
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
    /// Whether a network coded one of the arrays.
    pub by_network: bool,
}

pub fn run(bytes: &[u8], models: &[Arc<Model>], quick: bool) -> Result<Outcome> {
    let mut scores = Vec::new();
    let (mut noise_bytes, mut by_network) = (None, false);
    // first what `compress` does unless it is told otherwise
    let as_it_comes = ("as it comes".to_string(), Choice::default());
    let each = models.iter().map(|m| (weights::label(m, models), Choice::These(vec![m.clone()])));
    for (name, choice) in [as_it_comes].into_iter().chain(each).chain([("classic".to_string(), Choice::Classic)]) {
        let options =
            Options { model: choice, device: resources::device(), memory: resources::memory(), ..Options::default() };
        let (packed, score) = timed(
            bytes,
            || collapsar::internals::compress(bytes, &options),
            |packed| {
                let mut out = Vec::with_capacity(bytes.len());
                collapsar::internals::decompress_to(packed, &mut out, &resources::decoding(models), &|_| {
                    memory::watch()
                })?;
                Ok(out)
            },
        )?;
        scores.push((format!("collapsar {name}"), score));
        let archive = Archive::open(&packed, models)?;
        by_network |= archive.arrays().any(|array| array.head.coder.model().is_some());
        noise_bytes = noise_limit(&archive)?;
    }
    scores.push(("RICE".into(), rice(bytes)?));
    for other in [Peer::Deflate(6), Peer::Zstd(3), Peer::Zstd(19)] {
        if !(quick && other == Peer::Zstd(19)) {
            scores.push((other.name(), peer(other, bytes, &as_bytes(bytes))?));
        }
    }
    Ok(Outcome { scores, noise_bytes, by_network })
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
fn noise_limit(archive: &Archive) -> Result<Option<f64>> {
    let mut bits = None;
    for array in archive.arrays() {
        let Some(limit) = noise::of_array(archive, array)?.and_then(Noise::limit_bits) else { return Ok(None) };
        *bits.get_or_insert(0.0) += limit * array.head.ty.n_samples()? as f64;
    }
    Ok(bits.map(|b| b / 8.0))
}

/// The bytes of a file are an array of bytes to those who know no more.
fn as_bytes(bytes: &[u8]) -> ArrayType {
    ArrayType { dtype: Dtype::U8, big_endian: false, shape: vec![bytes.len() as u64] }
}

fn peer(peer: Peer, bytes: &[u8], ty: &ArrayType) -> Result<Score> {
    let start = Instant::now();
    let packed = peer.pack(bytes, ty)?;
    let encode_s = start.elapsed().as_secs_f64();
    let start = Instant::now();
    let back = peer.unpack(&packed, ty, bytes.len())?;
    let decode_s = start.elapsed().as_secs_f64();
    if back != bytes {
        return Err(Error::verify(format!("{} does not give the bytes back", peer.name())));
    }
    Ok(Score { n_in: bytes.len() as u64, n_out: packed.n_bytes(), encode_s, decode_s })
}

fn rice(bytes: &[u8]) -> Result<Score> {
    let mut score = Score::default();
    for piece in &format::read(&bytes, &Hint::default())?.pieces {
        let n_bytes = piece.n_bytes()?;
        score.add(&match piece {
            Piece::Bytes { .. } => Score { n_in: n_bytes, n_out: n_bytes, ..Score::default() },
            Piece::Array { offset, ty, .. } => peer(Peer::Rice, &bytes[*offset as usize..][..n_bytes as usize], ty)?,
        });
    }
    Ok(score)
}
