//! How much is said, and in what form.

use clap::Args as Group;

#[derive(Group, Default)]
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
