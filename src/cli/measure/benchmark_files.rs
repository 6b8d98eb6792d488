//! Codecs side by side on one file in memory: ratio, and speed both ways. Every answer is checked.
//!
//! RICE and pcodec take every array that they can, the rest of the file stays as it is; deflate and zstd take the bytes of the file.
//! These use one thread, ours all that it was given.

use super::noise::{self, Noise};
use crate::cli::machine::memory;
use crate::cli::machine::resources;
use crate::cli::path::weights;
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::format::{self, Hint, Piece};
use collapsar::internals::model::Model;
use collapsar::internals::peers::Peer;
use collapsar::internals::tile::code::Mode;
use collapsar::internals::{Choice, Error, Level, Options, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a row is of.
#[derive(Clone)]
pub enum Codec {
    Level(Level),
    /// What one word of --model means, or one network.
    Named(String, Choice),
    Peer(Peer),
}

impl Codec {
    pub fn name(&self) -> String {
        match self {
            Codec::Level(level) => format!("collapsar level {}", level.number()),
            Codec::Named(name, _) => format!("collapsar {name}"),
            Codec::Peer(peer) => peer.name(),
        }
    }
}

/// These levels, of those that there are.
pub fn levels(wanted: impl IntoIterator<Item = u8>) -> Vec<Codec> {
    wanted.into_iter().filter_map(Level::new).map(Codec::Level).collect()
}

/// A row per network, and for what the other words of --model mean.
pub fn named(models: &[Arc<Model>]) -> Vec<Codec> {
    let words = [("auto", Choice::Auto), ("classic", Choice::Classic)];
    let words = words.into_iter().map(|(word, choice)| Codec::Named(word.into(), choice));
    words.chain(networks_named(models, models)).collect()
}

/// A row per network, by names that none of `among` has.
pub fn networks_named(models: &[Arc<Model>], among: &[Arc<Model>]) -> Vec<Codec> {
    models.iter().map(|m| Codec::Named(weights::label(m, among), Choice::These(vec![m.clone()]))).collect()
}

/// The peers at hand; without what takes long where it shall be quick.
pub fn peers(quick: bool) -> Vec<Codec> {
    let all = [Peer::Rice, Peer::Deflate(6), Peer::Zstd(3), Peer::Zstd(19), Peer::Pcodec(8), Peer::Pcodec(12)];
    let is_wanted = |peer: &Peer| !(quick && matches!(peer, Peer::Zstd(19) | Peer::Pcodec(12)));
    all.into_iter().filter(is_wanted).map(Codec::Peer).collect()
}

/// How a codec did, summed over files.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    pub n_in: u64,
    pub n_out: u64,
    pub encode_s: f64,
    pub decode_s: f64,
}

impl Score {
    fn add(&mut self, other: &Score) {
        self.n_in += other.n_in;
        self.n_out += other.n_out;
        self.encode_s += other.encode_s;
        self.decode_s += other.decode_s;
    }
}

/// A codec and how it did.
#[derive(Clone)]
pub struct Row {
    pub codec: Codec,
    pub score: Score,
    /// The networks that coded a tile; none where classic modes coded every one.
    pub networks: BTreeSet<String>,
}

impl Row {
    pub fn level(&self) -> Option<u8> {
        if let Codec::Level(level) = self.codec { Some(level.number()) } else { None }
    }

    /// Whether it has the name of a network that coded nothing.
    pub fn is_misnamed(&self) -> bool {
        matches!(self.codec, Codec::Named(_, Choice::These(_))) && self.networks.is_empty()
    }
}

/// The rows of one file or of several, in a fixed order, and the least that white noise allows.
#[derive(Clone)]
pub struct Outcome {
    pub n_files: usize,
    pub rows: Vec<Row>,
    /// Bytes that the noise of the arrays takes, the rest of the file for nothing; None where it is not known of all.
    pub noise_bytes: Option<f64>,
}

impl Outcome {
    pub fn add(&mut self, other: &Outcome) {
        self.n_files += other.n_files;
        self.noise_bytes = self.noise_bytes.zip(other.noise_bytes).map(|(a, b)| a + b);
        for (row, more) in self.rows.iter_mut().zip(&other.rows) {
            row.score.add(&more.score);
            row.networks.extend(more.networks.iter().cloned());
        }
    }

    pub fn n_bytes(&self) -> u64 {
        self.rows.first().map_or(0, |row| row.score.n_in)
    }

    /// Whether a network coded one of the arrays: levels name those that GPUs may run.
    pub fn on_gpus(&self) -> bool {
        self.rows.iter().any(|row| !row.networks.is_empty())
    }
}

/// How often each is measured: the time that counts is the median.
#[derive(Clone, Copy)]
pub struct Turns {
    pub most: usize,
    /// Where so much time has gone, this was the last turn.
    pub enough: Duration,
}

pub const ONCE: Turns = Turns { most: 1, enough: Duration::ZERO };

/// Every codec on one file; `models` are all that a decoder may need.
pub fn run(bytes: &[u8], codecs: &[Codec], models: &[Arc<Model>], turns: Turns) -> Result<Outcome> {
    let (mut rows, mut noise_bytes) = (Vec::new(), None);
    for codec in codecs {
        let (score, networks) = match codec {
            Codec::Peer(peer) => (of_peer(*peer, bytes, turns)?, BTreeSet::new()),
            Codec::Level(_) | Codec::Named(..) => {
                let (packed, score) = ours(bytes, codec, models, turns)?;
                let archive = Archive::open(&packed, models)?;
                if rows.is_empty() {
                    noise_bytes = noise_limit(&archive)?;
                }
                (score, networks(&archive)?)
            }
        };
        rows.push(Row { codec: codec.clone(), score, networks });
    }
    Ok(Outcome { n_files: 1, rows, noise_bytes })
}

fn ours(bytes: &[u8], codec: &Codec, models: &[Arc<Model>], turns: Turns) -> Result<(Vec<u8>, Score)> {
    let model = match codec {
        Codec::Level(level) => Choice::Level(*level),
        Codec::Named(_, choice) => choice.clone(),
        Codec::Peer(_) => unreachable!("a peer is not ours"),
    };
    let options = Options { model, device: resources::device(), memory: resources::memory(), ..Options::default() };
    let unpack = |packed: &Vec<u8>| {
        let mut out = Vec::with_capacity(bytes.len());
        collapsar::internals::decompress_to(packed, &mut out, &resources::decoding(models), &|_| memory::watch())?;
        Ok(out)
    };
    let (packed, times) =
        timed(&codec.name(), bytes, turns, || collapsar::internals::compress(bytes, &options), unpack)?;
    let score = times.score(bytes.len(), packed.len() as u64);
    Ok((packed, score))
}

/// Medians, in seconds.
pub struct Times {
    pub encode: Vec<f64>,
    pub decode: Vec<f64>,
}

impl Times {
    fn score(&self, n_in: usize, n_out: u64) -> Score {
        let median = |times: &[f64]| percentile(times, 50);
        Score { n_in: n_in as u64, n_out, encode_s: median(&self.encode), decode_s: median(&self.decode) }
    }
}

/// The time that so many per cent do not exceed; of at least one.
pub fn percentile(times: &[f64], percent: usize) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) * percent).div_ceil(100)]
}

/// Packs and unpacks in turns; what comes back must be what went in.
pub fn timed<T>(
    name: &str,
    bytes: &[u8],
    turns: Turns,
    pack: impl Fn() -> Result<T>,
    unpack: impl Fn(&T) -> Result<Vec<u8>>,
) -> Result<(T, Times)> {
    let (begun, mut times) = (Instant::now(), Times { encode: Vec::new(), decode: Vec::new() });
    loop {
        let clock = Instant::now();
        let packed = pack()?;
        times.encode.push(clock.elapsed().as_secs_f64());
        let clock = Instant::now();
        let back = unpack(&packed)?;
        times.decode.push(clock.elapsed().as_secs_f64());
        if back != bytes {
            return Err(Error::verify(format!("{name} does not give the bytes back")));
        }
        if times.encode.len() >= turns.most || begun.elapsed() >= turns.enough {
            return Ok((packed, times));
        }
    }
}

/// The networks that coded at least one tile.
fn networks(archive: &Archive) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for array in archive.arrays() {
        if let Some(model) = array.head.coder.model().filter(|model| !names.contains(&model.name))
            && has_network_tile(archive, array)?
        {
            names.insert(model.name.clone());
        }
    }
    Ok(names)
}

fn has_network_tile(archive: &Archive, array: &Array) -> Result<bool> {
    let grid = array.head.grid();
    let bands = (0..grid.n_planes).flat_map(|plane| (0..grid.n_bands()).map(move |band| (plane, band)));
    for (place, block) in bands.flat_map(|(plane, band)| grid.band(plane, band)).zip(array.first_block..) {
        if archive.tile(array, &place, block)?.mode == Mode::Network {
            return Ok(true);
        }
    }
    Ok(false)
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

fn of_peer(peer: Peer, bytes: &[u8], turns: Turns) -> Result<Score> {
    if !peer.is_for_arrays() {
        return of_array(peer, bytes, &as_bytes(bytes), turns);
    }
    let mut score = Score::default();
    for piece in &format::read(&bytes, &Hint::default())?.pieces {
        let n_bytes = piece.n_bytes()?;
        score.add(&match piece {
            Piece::Bytes { .. } => Score { n_in: n_bytes, n_out: n_bytes, ..Score::default() },
            Piece::Array { offset, ty, .. } => {
                of_array(peer, &bytes[*offset as usize..][..n_bytes as usize], ty, turns)?
            }
        });
    }
    Ok(score)
}

fn of_array(peer: Peer, bytes: &[u8], ty: &ArrayType, turns: Turns) -> Result<Score> {
    let unpack = |packed: &_| peer.unpack(packed, ty, bytes.len());
    let (packed, times) = timed(&peer.name(), bytes, turns, || peer.pack(bytes, ty), unpack)?;
    Ok(times.score(bytes.len(), packed.n_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_times_that_were_taken() {
        assert_eq!([0, 50, 95, 100].map(|percent| percentile(&[3.0, 1.0, 2.0], percent)), [1.0, 2.0, 3.0, 3.0]);
        assert_eq!([50, 95].map(|percent| percentile(&[7.0], percent)), [7.0, 7.0]);
    }

    #[test]
    fn turns_end_where_there_are_enough_and_an_answer_that_differs_is_an_error() {
        let long = Duration::from_secs(3600);
        for (most, enough, n) in [(3, long, 3), (3, Duration::ZERO, 1), (1, long, 1)] {
            let (_, times) = timed("one", b"ab", Turns { most, enough }, || Ok(7), |_| Ok(b"ab".to_vec())).unwrap();
            assert_eq!((times.encode.len(), times.decode.len()), (n, n));
        }
        assert!(timed("one", b"ab", ONCE, || Ok(7), |_| Ok(b"ac".to_vec())).is_err());
    }
}
