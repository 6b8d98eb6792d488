//! a.fits → a.fits.clps

use super::{Arrays, Coding, Files, Lossy, Place, Progress, Recipes, Resources, Talk};
use clap::Args as Group;

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
    #[command(flatten)]
    pub recipes: Recipes,
    #[command(flatten)]
    pub arrays: Arrays,
    /// A .gz that cannot be made again to the bit may be given back unpacked
    #[arg(long, conflicts_with_all = ["rm", "verify"])]
    pub gunzip: bool,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}
