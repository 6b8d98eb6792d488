//! Frames of one camera → a network of its own.

use super::parse::{decoder, level};
use super::{Files, Lossy, Progress, Raw, Resources, Talk, Weights};
use clap::Args as Group;
use collapsar::internals::model::Model;
use collapsar::internals::{Choice, Decoder, Level, Result};
use std::path::PathBuf;
use std::sync::Arc;

#[derive(Group)]
pub struct AdaptTo {
    #[command(flatten)]
    pub files: Files,
    /// Write a recipe that carries the weights (.recipe), or the weights alone (.safetensors)
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Replace the output where it exists
    #[arg(short, long)]
    pub force: bool,
    /// What the network is called; the name of the output unless given
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Steps that each net is trained for, of 8192 cells each: 2000, fewer where that is more than 32 times all cells; the same
    /// files, steps and seed give the same bytes
    #[arg(long, value_name = "N", conflicts_with = "minutes", value_parser = clap::value_parser!(u64).range(1..))]
    pub steps: Option<u64>,
    /// An end by the clock instead: what comes of it cannot be reproduced
    #[arg(long, value_name = "N", value_parser = minutes)]
    pub minutes: Option<f64>,
    /// Decides the order in which cells come
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub seed: u64,
    #[command(flatten)]
    pub begin: Begin,
    #[command(flatten)]
    pub lossy: Lossy,
    /// The first dimension of arrays counts fields: each is an array of its own
    #[arg(long)]
    pub fields: bool,
    #[command(flatten)]
    pub raw: Raw,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}

/// What the training begins with.
#[derive(Group)]
pub struct Begin {
    /// Begin with the network of this level, 3 to 9, or -3 to -9; 5 unless given
    #[arg(long, value_name = "N", value_parser = level, default_value = "5", hide_default_value = true)]
    level: Level,
    /// What the files will be decoded on, cpu or gpu: levels begin with networks that it decodes fast
    #[arg(long, value_name = "DEVICE", value_parser = decoder, default_value = "cpu", hide_default_value = true)]
    decode_on: Decoder,
    /// Begin with this network, a name from `collapsar models`
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    pub weights: Weights,
}

impl Begin {
    pub fn choice(&self, given: &[Arc<Model>]) -> Result<Choice> {
        Choice::named(self.model.as_deref(), given, self.level.decoded_on(self.decode_on))
    }
}

fn minutes(text: &str) -> std::result::Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes: &f64| *minutes > 0.0 && minutes.is_finite());
    minutes.ok_or_else(|| format!("'{text}' is no number of minutes"))
}
