//! a.fits.clps → a.fits, and the same without writing.

use super::{Files, Place, Progress, Resources, Talk, Weights};
use clap::Args as Group;

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
    /// Spread floats that `--mantissa` rounded over the intervals that rounding left, so that distributions show no steps: what is
    /// written is not what was compressed, and rounding it again would give that. Not for floats of `--mantissa-mode trunc`, whose
    /// intervals lie elsewhere: a file does not say how its floats were shortened
    #[arg(long, conflicts_with_all = ["rm", "verify", "salvage"])]
    pub restore: bool,
    #[command(flatten)]
    pub resources: Resources,
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
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
    #[command(flatten)]
    pub progress: Progress,
}
