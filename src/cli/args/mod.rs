//! What can be asked: zstd's letters where zstd has them.

mod adapt;
mod arrays;
mod batch;
mod coding;
mod compress;
mod decompress;
mod external;
mod files;
mod habits;
mod keep;
mod lossy;
mod measured;
mod parse;
mod recipe;
mod resources;
mod small;
mod talk;

use clap::{Parser, Subcommand};
use std::ffi::OsString;

pub use adapt::AdaptTo;
pub use arrays::Arrays;
pub use batch::{Batch, Gc, OfPlan, Plan, RunBatch, Settings, Shard, Step, VerifyBatch};
pub use coding::{Coding, Raw, Weights};
pub use compress::Compress;
pub use decompress::{Decompress, Test};
pub use external::External;
pub use files::{Files, Place};
pub use habits::expand;
pub use keep::Keep;
pub use lossy::Lossy;
pub use measured::{Compare, Eval, Report};
pub use recipe::Recipes;
pub use resources::Resources;
pub use small::{Bench, Completions, Demo, Info, Man, Models};
pub use talk::{Progress, Talk};

const AFTER: &str = "\
First steps:
  collapsar demo                          a synthetic telescope frame, there and back
  collapsar compare night1/*.fits         your files at each level, beside other codecs
  collapsar compress night1/*.fits        a.fits -> a.fits.clps; the source is kept
  collapsar test night1/*.clps            decodes everything, writes nothing
  collapsar info night1/a.fits.clps       what is in it, and why it is as large as it is
  collapsar decompress -c night1/a.fits.clps | cmp - night1/a.fits && echo same
  collapsar report night1/a.fits --html a.html    what bounds would cost and lose, as a page

zstd's habits work too: collapsar FILE, -d FILE, -t FILE, -l FILE, with -k -c -f -o -r -T -M -q -v, --rm.

Exit codes: 0 ok, 1 usage, 2 input missing, unreadable or changed while it was read, 3 corrupt input,
4 verification failed or a source kept that --rm was to remove, 5 no space, I/O or device,
6 a limit exceeded, 7 missing model, 70 a bug, please report it, 75 SIGTERM ended a batch: run it
again; 128 + n ended by signal n, 141 nobody reads the pipe.";

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
    /// Measure ratio and speed of the levels on your files, beside RICE, deflate, zstd and pcodec; with -v of all networks; write nothing
    Compare(Compare),
    /// Show how good what comes back is: errors, PSNR, SSIM, histograms, thresholds
    Eval(Eval),
    /// Scan a row of bounds: rate against distortion as a table, CSV, JSON and a page with plots; with --lossless show where bits go
    Report(Report),
    /// Measure this machine on built-in synthetic data, or with --levels the levels on your files
    Bench(Bench),
    /// Compress many files by many processes, killed and started again as it may be: plan, run, status, verify, gc
    Batch(Batch),
    /// Be a compressor of libpressio, which starts this verb and adds what it wants (its external_compressor, version 5)
    External(External),
    /// Train a network on frames of one camera, in minutes: a recipe or a weights file that compress and all who read take
    Adapt(AdaptTo),
    /// List the models that are built in
    Models(Models),
    /// Make a telescope frame, compress it, restore it, compare
    Demo(Demo),
    /// Write the man page of the command, or of a verb: collapsar man | man -l -
    Man(Man),
    /// Write completions for a shell: source <(collapsar completions bash)
    Completions(Completions),
}

/// Whether results are asked for as JSON: known also where the rest of the line means nothing.
pub fn is_json(words: &[OsString]) -> bool {
    words.iter().take_while(|word| *word != "--").any(|word| word == "--json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        <Args as clap::CommandFactory>::command().debug_assert();
    }
}
