//! Which files are read, and where results go.

use clap::Args as Group;
use std::path::PathBuf;

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
