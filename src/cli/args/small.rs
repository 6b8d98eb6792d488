//! The verbs that have few options.

use super::{Files, Resources, Talk, Weights};
use clap::Args as Group;
use clap_complete::Shell;
use std::path::PathBuf;

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
pub struct Bench {
    /// A few tiles and small frames only; with --levels each codec once
    #[arg(long)]
    pub quick: bool,
    /// Measure ratio and speed of each level on these files instead, beside RICE, deflate, zstd and pcodec
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with = "diff")]
    pub levels: Vec<PathBuf>,
    /// Draw ratio against speed, as measured by --levels, to this file
    #[arg(long, value_name = "OUT.svg", requires = "levels")]
    pub svg: Option<PathBuf>,
    /// Replace the drawing where it exists
    #[arg(short, long, requires = "svg")]
    pub force: bool,
    /// Compare two reports that --json wrote
    #[arg(long, num_args = 2, value_names = ["A.json", "B.json"])]
    pub diff: Option<Vec<PathBuf>>,
    #[command(flatten)]
    pub weights: Weights,
    #[command(flatten)]
    pub resources: Resources,
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
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Man {
    /// The verb whose page is written; without one, that of the command
    #[arg(value_name = "VERB")]
    pub verb: Option<String>,
}

#[derive(Group)]
pub struct Completions {
    /// The shell that is to complete: bash, elvish, fish, powershell, zsh
    #[arg(value_name = "SHELL", hide_possible_values = true)]
    pub shell: Shell,
}
