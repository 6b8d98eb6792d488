//! What can be asked: zstd's letters where zstd has them.

mod coding;
mod habits;
mod lossy;
mod measured;

use clap::{Args as Group, Parser, Subcommand};
use collapsar::internals::array::Dtype;
use collapsar::internals::device::Wish;
use collapsar::internals::{Adapt, References};
use std::ffi::OsString;
use std::path::PathBuf;

pub use coding::{Coding, Raw};
pub use habits::expand;
pub use lossy::Lossy;
pub use measured::{Eval, Report};

const AFTER: &str = "\
First steps:
  collapsar demo                          a synthetic telescope frame, there and back
  collapsar compare night1/*.fits         your files beside RICE, deflate and zstd; writes nothing
  collapsar compress night1/*.fits        a.fits -> a.fits.clps; the source is kept
  collapsar test night1/*.clps            decodes everything, writes nothing
  collapsar info night1/a.fits.clps       what is in it, and why it is as large as it is
  collapsar decompress -c night1/a.fits.clps | cmp - night1/a.fits && echo same
  collapsar report night1/a.fits --html a.html    what bounds would cost and lose, as a page

zstd's habits work too: collapsar FILE, -d FILE, -t FILE, -l FILE, with -k -c -f -o -r -T -M -q -v, --rm.

Exit codes: 0 ok, 1 usage, 2 input missing, unreadable or changed while it was read, 3 corrupt input,
4 verification failed or a source kept that --rm was to remove, 5 no space, I/O or device,
6 a limit exceeded, 7 missing model, 70 a bug, please report it; 128 + n ended by signal n,
141 nobody reads the pipe.";

/// Neural compression of scientific rasters: lossless unless asked, and the same bytes on every machine
#[derive(Parser)]
#[command(name = "collapsar", version, arg_required_else_help = true, after_help = AFTER, infer_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Subcommand)]
pub enum Verb {
    /// Compress files: a.fits -> a.fits.clps
    Compress(Compress),
    /// Restore files, byte for byte: a.fits.clps -> a.fits
    Decompress(Decompress),
    /// Decode everything and check it; write nothing
    Test(Test),
    /// Show what is in a .clps file and why it is as large as it is
    Info(Info),
    /// Measure ratio and speed on your files beside RICE, deflate and zstd; write nothing
    Compare(Compare),
    /// Show how good what comes back is: errors, PSNR, SSIM, histograms, thresholds
    Eval(Eval),
    /// Scan a row of bounds: rate against distortion as a table, CSV, JSON and a page with plots
    Report(Report),
    /// Measure this machine on built-in synthetic data
    Bench(Bench),
    /// List the models that are built in
    Models(Models),
    /// Make a telescope frame, compress it, restore it, compare
    Demo(Demo),
}

#[derive(Group)]
pub struct Talk {
    /// Say nothing but errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Say more
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Results as JSON on standard output, an object per line; what fails is {"error": {"kind", "message", "code"}}
    #[arg(long)]
    pub json: bool,
}

#[derive(Group)]
pub struct Progress {
    /// Show progress even where standard error is no terminal; with --json, as JSON lines on standard error
    #[arg(long, conflicts_with = "no_progress")]
    pub progress: bool,
    /// Show no progress
    #[arg(long)]
    pub no_progress: bool,
}

#[derive(Group)]
pub struct Power {
    /// Number of threads; 0 is one per core
    #[arg(short = 'T', long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub threads: usize,
    /// Use no more memory than this, as in 800M or 2G; an error where that is not enough
    #[arg(short = 'M', long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<u64>,
    /// Where networks run: auto, cpu, gpu, gpu:N
    #[arg(long, value_name = "DEVICE", default_value = "auto", hide_default_value = true, value_parser = device)]
    pub device: Wish,
    /// Fail where no GPU can be used
    #[arg(long)]
    pub require_gpu: bool,
}

#[derive(Group)]
pub struct Files {
    /// Files; - is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Walk folders
    #[arg(short, long)]
    pub recursive: bool,
}

#[derive(Group, Default)]
pub struct Place {
    /// Write to this file; - is standard output
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["output_dir", "stdout"])]
    pub output: Option<PathBuf>,
    /// Write into this folder; what -r finds in several keeps their names
    #[arg(long, value_name = "DIR", conflicts_with = "stdout")]
    pub output_dir: Option<PathBuf>,
    /// Write to standard output
    #[arg(short = 'c', long)]
    pub stdout: bool,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
    /// Keep the source (this is what happens anyway)
    #[arg(short, long, conflicts_with = "rm")]
    pub keep: bool,
    /// Remove the source after the written file was read again, decoded and compared with it
    #[arg(long, conflicts_with = "stdout")]
    pub rm: bool,
    /// Read the written file again, decode it and compare
    #[arg(long, conflicts_with = "stdout")]
    pub verify: bool,
}

#[derive(Group)]
pub struct Weights {
    /// A weights file (safetensors); may be given several times
    #[arg(long, value_name = "FILE")]
    pub weights: Vec<PathBuf>,
}

#[derive(Group)]
pub struct Compress {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub lossy: Lossy,
    #[command(flatten)]
    pub coding: Coding,
    /// Put the weights into the file, so that it can be restored without them
    #[arg(long)]
    pub embed_weights: bool,
    /// Arrays that others may be predicted from: auto (the default: those before them, where that pays), none, or names, numbers
    #[arg(long, value_name = "NAME,...", default_value = "auto", hide_default_value = true, value_delimiter = ',')]
    pub reference: Vec<String>,
    /// The first dimension of arrays counts fields: each is an array of its own, with its own range, and may be predicted from others
    #[arg(long)]
    pub fields: bool,
    #[command(flatten)]
    pub raw: Raw,
    /// A .gz that cannot be made again to the bit may be given back unpacked
    #[arg(long, conflicts_with_all = ["rm", "verify"])]
    pub gunzip: bool,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

#[derive(Group)]
pub struct Decompress {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub weights: Weights,
    /// Give back what can still be read of a damaged file, and name what is lost: NaN stands there in floats, in integers BLANK where
    /// the FITS header has it, else 0
    #[arg(long, conflicts_with_all = ["rm", "verify"])]
    pub salvage: bool,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

#[derive(Group)]
pub struct Test {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

#[derive(Group)]
pub struct Info {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Compare {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub weights: Weights,
    /// Leave out what takes long: zstd -19
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Bench {
    /// A few tiles only
    #[arg(long)]
    pub quick: bool,
    /// Compare two reports that --json wrote
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"])]
    pub diff: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Models {
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Demo {
    /// Seed of the frame
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub power: Power,
    #[command(flatten)]
    pub talk: Talk,
}

impl Compress {
    pub fn references(&self) -> References {
        match self.reference.as_slice() {
            [word] if word == "auto" => References::Auto,
            [word] if word == "none" => References::None,
            names => References::These(names.to_vec()),
        }
    }
}

/// Whether results are asked for as JSON: known also where the rest of the line means nothing.
pub fn is_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

fn device(text: &str) -> std::result::Result<Wish, String> {
    match (text, text.strip_prefix("gpu:")) {
        ("auto", _) => Ok(Wish::Auto),
        ("cpu", _) => Ok(Wish::Cpu),
        ("gpu", _) => Ok(Wish::Gpu(None)),
        (_, Some(n)) => n.parse().map(|n| Wish::Gpu(Some(n))).map_err(|_| format!("'{n}' is not the number of a GPU")),
        _ => Err("auto, cpu, gpu and gpu:N are possible".into()),
    }
}

fn adapt(text: &str) -> std::result::Result<Adapt, String> {
    match text {
        "off" => Ok(Adapt::Off),
        "fast" => Ok(Adapt::Fast),
        "max" => Ok(Adapt::Max),
        _ => Err("off, fast and max are possible".into()),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape(pub Vec<u64>);

fn shape(text: &str) -> std::result::Result<Shape, String> {
    let dimension = |d: &str| d.trim().parse().map_err(|_| format!("'{d}' is not a dimension"));
    Ok(Shape(text.split([',', 'x', '×']).map(dimension).collect::<std::result::Result<_, _>>()?))
}

fn dtype(text: &str) -> std::result::Result<Dtype, String> {
    Dtype::from_name(text).map_err(|e| e.message)
}

/// Bytes, or with K, M, G, T: of 1024.
fn size(text: &str) -> std::result::Result<u64, String> {
    let upper = text.to_uppercase();
    let digits = upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, shift) = match digits.chars().last() {
        Some('K') => (&digits[..digits.len() - 1], 10),
        Some('M') => (&digits[..digits.len() - 1], 20),
        Some('G') => (&digits[..digits.len() - 1], 30),
        Some('T') => (&digits[..digits.len() - 1], 40),
        _ => (digits, 0),
    };
    let n: Option<u64> = digits.trim().parse().ok();
    n.and_then(|n| n.checked_mul(1 << shift)).ok_or_else(|| format!("'{text}' is no size: write 800M or 2G"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }

    #[test]
    fn sizes_shapes_and_devices_are_read_or_refused() {
        assert_eq!(size("800M"), Ok(800 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert_eq!(size("12"), Ok(12));
        for wrong in ["", "M", "-1", "99999999T", "1.5G"] {
            assert!(size(wrong).is_err(), "{wrong}");
        }
        assert_eq!(shape("10,512x7"), Ok(Shape(vec![10, 512, 7])));
        assert!(shape("10,").is_err());
        assert_eq!(device("gpu:3"), Ok(Wish::Gpu(Some(3))));
        assert!(device("gpu:x").is_err());
    }
}
