//! Many files: a plan, and what is done by it.

use super::parse::share;
use super::{Arrays, Coding, Lossy, Progress, Resources, Talk};
use clap::{Args as Group, Command, FromArgMatches, Subcommand};
use collapsar::internals::{Adapt, Error, Result, Rounding};
use std::path::PathBuf;

#[derive(Group)]
pub struct Batch {
    #[command(subcommand)]
    pub step: Step,
}

#[derive(Subcommand)]
pub enum Step {
    /// Write down which files would be compressed, to which names and how; nothing else is written
    Plan(Box<Plan>),
    /// Compress the files of a plan, or a share of them, that have no receipt whose result is as it was written
    Run(RunBatch),
    /// Say what of a plan is done, missing and failed: by receipts and sizes, no file is read
    Status(OfPlan),
    /// Decode results of a plan and hold them against receipts and sources
    Verify(VerifyBatch),
    /// Remove temporaries that killed processes have left
    Gc(Gc),
}

#[derive(Group)]
pub struct Plan {
    /// Files, and folders with what lies in them
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the plan to this file; receipts will lie beside it, in PLAN.receipts
    #[arg(short, long, value_name = "PLAN")]
    pub output: PathBuf,
    /// Results go into this folder and keep their places below the folders named; without it, beside their sources
    #[arg(long, value_name = "DIR")]
    pub output_dir: Option<PathBuf>,
    /// Replace a plan that exists; receipts for the same files and settings count on
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub settings: Settings,
    #[command(flatten)]
    pub talk: Talk,
}

/// What decides the bytes of every file of a plan.
#[derive(Group)]
pub struct Settings {
    #[command(flatten)]
    pub lossy: Lossy,
    #[command(flatten)]
    pub coding: Coding,
    #[command(flatten)]
    pub arrays: Arrays,
}

#[derive(Group)]
pub struct RunBatch {
    /// What `batch plan` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Take the files whose number, counted from 0, leaves I when divided by N. I is 0 to N-1; N is taken for 0, so that a job array
    /// may count from 0 or from 1: --shard $SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT. Without it, all files
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<Shard>,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

#[derive(Group)]
pub struct OfPlan {
    /// What `batch plan` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct VerifyBatch {
    /// What `batch plan` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Of the files look at this share, as 1% or 0.01; the same ones each time, one at least
    #[arg(long, value_name = "SHARE", value_parser = share, default_value = "100%", hide_default_value = true)]
    pub sample: f64,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Gc {
    /// What `batch plan` wrote
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,
    /// Where it cannot be seen that the process has ended (another machine, no record), remove what is so many hours old
    #[arg(long, value_name = "HOURS", default_value_t = 24)]
    pub older_than: u64,
    #[command(flatten)]
    pub talk: Talk,
}

/// The files whose number leaves `index` when divided by `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    pub index: u64,
    pub of: u64,
}

impl Shard {
    pub const ALL: Shard = Shard { index: 0, of: 1 };

    pub fn has(self, number: usize) -> bool {
        number as u64 % self.of == self.index
    }
}

fn shard(text: &str) -> std::result::Result<Shard, String> {
    let parsed = text.split_once('/').and_then(|(i, n)| Some((i.parse::<u64>().ok()?, n.parse::<u64>().ok()?)));
    match parsed {
        Some((i, n)) if i <= n && n > 0 => Ok(Shard { index: i % n, of: n }),
        Some((i, n)) => {
            Err(format!("{i} of {n}: the number of a shard is 0 to N-1, or 1 to N; job arrays without a step"))
        }
        None => Err("a shard is a number of it, a slash, and how many there are, as 3/500".into()),
    }
}

impl Settings {
    /// The words of `compress` that mean the same, without those of `weights`.
    pub fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut put = |name: &str, value: Option<String>| words.extend(value.map(|value| format!("--{name}={value}")));
        let float = |x: Option<f64>| x.map(|x| format!("{x:?}"));
        let Settings { lossy, coding, arrays } = self;
        put("level", Some(coding.level.number().to_string()));
        put("model", coding.model.clone());
        let adapt = match coding.adapt() {
            Adapt::ByLevel => None,
            Adapt::Off => Some("off"),
            Adapt::Short => Some("short"),
            Adapt::Fast => Some("fast"),
            Adapt::Max => Some("max"),
        };
        put("adapt", adapt.map(str::to_string));
        put("abs", float(lossy.abs));
        put("rel", float(lossy.rel));
        put("pw-rel", float(lossy.pw_rel));
        put("near", lossy.near.map(|n| n.to_string()));
        put("mantissa", lossy.mantissa.map(|n| n.to_string()));
        let rounding = |rounding| if rounding == Rounding::Trunc { "trunc" } else { "round" };
        put("mantissa-mode", lossy.mantissa_mode.map(|mode| rounding(mode).to_string()));
        put("psnr", float(lossy.psnr));
        put("noise-step", float(lossy.noise_step));
        put("denoise", float(lossy.denoise));
        put("ratio", float(lossy.ratio));
        put("reference", Some(arrays.reference.join(",")).filter(|names| names != "auto"));
        if let Some(ty) = arrays.raw.array() {
            put("shape", Some(ty.shape.iter().map(u64::to_string).collect::<Vec<String>>().join(",")));
            put("dtype", Some(ty.dtype.name().to_string()));
        }
        let flags =
            [("embed-weights", arrays.embed_weights), ("fields", arrays.fields), ("big-endian", arrays.raw.big_endian)];
        words.extend(flags.iter().filter(|(_, is)| *is).map(|(name, _)| format!("--{name}")));
        words
    }

    /// What such words mean.
    pub fn of(words: &[String]) -> Result<Settings> {
        let command = Settings::augment_args(Command::new("plan").no_binary_name(true));
        let parsed = command.try_get_matches_from(words).and_then(|matches| Settings::from_arg_matches(&matches));
        parsed.map_err(|_| Error::corrupt(format!("its settings mean nothing to this version: {}", words.join(" "))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_come_back_from_their_words() {
        for line in [
            "--level=5",
            "--level=9 --rel=0.001",
            "--level=5 --abs=1e-300",
            "--level=5 --pw-rel=0.1",
            "--level=5 --near=3",
            "--level=5 --mantissa=9 --mantissa-mode=trunc",
            "--level=5 --psnr=-3.5",
            "--level=5 --noise-step=4.0",
            "--level=5 --denoise=0.5",
            "--level=2 --ratio=7.25",
            "--level=5 --model=classic --adapt=off --reference=none",
            "--level=5 --adapt=max --reference=T,U --fields",
            "--level=1 --shape=10,5,7 --dtype=u16 --embed-weights --big-endian",
        ] {
            let words: Vec<String> = line.split(' ').map(str::to_string).collect();
            assert_eq!(Settings::of(&words).unwrap().words(), words);
        }
        assert!(Settings::of(&["--nonsense".into()]).is_err());
    }

    #[test]
    fn shards_count_from_0_or_from_1_and_hold_each_number_once() {
        for first in [0, 1] {
            let shards: Vec<Shard> = (first..first + 7).map(|i| shard(&format!("{i}/7")).unwrap()).collect();
            for number in 0..50 {
                assert_eq!(shards.iter().filter(|shard| shard.has(number)).count(), 1);
            }
        }
        for wrong in ["8/7", "0/0", "1", "1/", "-1/3", "a/b", "/"] {
            assert!(shard(wrong).is_err(), "{wrong}");
        }
        assert!((0..9).all(|number| Shard::ALL.has(number)));
    }
}
