//! How good what comes back is, of one coding and over a row of bounds; how small beside other codecs.

use super::parse::level;
use super::{Coding, Files, Keep, Lossy, Raw, Resources, Talk, Weights};
use clap::Args as Group;
use collapsar::internals::{Error, Level, Loss, Result};
use std::path::PathBuf;

const FIGURES: &str = "\
Figures, of each array and in total, over the samples that are neither NaN, infinite nor fill values:
  largest    largest |x' - x|            bias       mean of x' - x
  RMSE       root of the mean of (x' - x)^2
  PSNR       20 log10((max - min) / RMSE), dB; in total of the errors as shares of each array's range
  SSIM       mean over all windows of 8x8 samples, L = max - min, C1 = (0.01 L)^2, C2 = (0.03 L)^2
  KL         divergence of the histograms, bits: 256 bins, half a sample added to each
  W1, KS     Wasserstein distance (in samples) and Kolmogorov-Smirnov distance, of up to 65536 bins
  moved      share of the samples that are on the other side of Otsu's threshold, taken before and after
  overlap    of what is above it: above in both / above in either
  bits       coded bits per sample
  JS         Jensen-Shannon divergence of the histograms, bits: 256 bins, at most 1
  MMD        maximum mean discrepancy of 512 windows of 4x4 samples, RBF kernel of their median distance
  AUC        how well a small network, trained on 1536 places, tells windows after from windows before at
             512 others, four times; 0.5: not at all, give or take 0.01; 1: always
  power      of frequencies after / before, in the octave where that is furthest from 1; --json has all
  skewness, kurtosis   of the distribution before and after; of a normal one 0 and 0
  flux       |flux after / flux before - 1| of stars in an aperture of radius 4 over a ring from 6 to 9;
             stars are found 6 sigma above the background of the original: 95 of 100 are within this
  shift      of their centroids, in samples
In total, distances are those of the worst array.";

const KEEP: &str = "

Names that --keep knows, each with < or > and a number:
  largest bias rmse psnr ssim kl wasserstein ks moved bits range js mmd auc power
  overlap, also otsu                 of what is above the threshold
  flux_median flux_p95 flux_largest  of stars; flux is flux_p95
  shift_median shift_p95 shift_largest  of their centroids; shift is shift_p95
  skewness_before skewness_after kurtosis_before kurtosis_after";

/// Two files, or one and a loss to compress it with
#[derive(Group)]
#[command(after_help = FIGURES)]
pub struct Eval {
    /// The original
    #[arg(value_name = "ORIGINAL")]
    pub original: PathBuf,
    /// What it became: a .clps file, or one of the same arrays in any format; without it ORIGINAL is compressed, and nothing is kept
    #[arg(value_name = "CODED", conflicts_with = "lossy")]
    pub coded: Option<PathBuf>,
    #[command(flatten)]
    pub lossy: Lossy,
    #[command(flatten)]
    pub coding: Coding,
    #[command(flatten)]
    pub raw: Raw,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
}

/// Files over a row of bounds, or with --lossless where their bits go
#[derive(Group)]
#[command(after_help = [FIGURES, KEEP].concat())]
pub struct Report {
    /// Files, and folders
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Code without loss: of each image the frame, its signal to noise, bits per sample and modes; of several files ratio by class, exposure and noise
    #[arg(long, conflicts_with_all = ["Bounds", "csv"])]
    pub lossless: bool,
    #[command(flatten)]
    pub bounds: Bounds,
    /// Code at these levels as well, for their curves beside those of --level and of other people's methods within the same bounds
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', value_parser = level, conflicts_with_all = ["lossless", "keep", "model"])]
    pub levels: Vec<Level>,
    /// Recommend the widest bound at which every array keeps these figures, such as ks<0.01,otsu>0.99: by the names below. Bounds are tried from the widest on; where none are named, 1e-1 to 1e-6 of the range, and between the first that keeps them and the one before
    #[arg(long, value_name = "CONDITIONS", conflicts_with = "lossless")]
    pub keep: Option<Keep>,
    /// Write the figures to this file, a line per file, codec, bound and array; - is standard output
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Write a page with plots to this file: it needs nothing else, no script and no network; of several files each has one of its own beside it
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Write the maps of --lossless as FITS into this folder, with the world coordinate system of each image
    #[arg(long, visible_alias = "ds9", value_name = "DIR", requires = "lossless")]
    pub fits: Option<PathBuf>,
    /// Replace files that exist
    #[arg(short, long)]
    pub force: bool,
    #[command(flatten)]
    pub coding: Coding,
    #[command(flatten)]
    pub raw: Raw,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
}

#[derive(Group)]
pub struct Compare {
    #[command(flatten)]
    pub files: Files,
    #[command(flatten)]
    pub weights: Weights,
    /// Leave out what takes long: level 9 (with -v also 8), zstd -19, pcodec 12
    #[arg(long)]
    pub quick: bool,
    #[command(flatten)]
    pub resources: Resources,
    #[command(flatten)]
    pub talk: Talk,
}

/// At most one of these; --rel 1e-2,1e-3,1e-4,1e-5,1e-6 unless given.
#[derive(Group, Default)]
#[group(multiple = false)]
pub struct Bounds {
    /// Bounds relative to the range of each array; 1e-2,1e-3,1e-4,1e-5,1e-6 unless other bounds are given
    #[arg(long, value_name = "E,E,...", value_delimiter = ',')]
    pub rel: Vec<f64>,
    /// Absolute bounds
    #[arg(long, value_name = "E,E,...", value_delimiter = ',')]
    pub abs: Vec<f64>,
    /// Bounds relative to each float
    #[arg(long, value_name = "E,E,...", value_delimiter = ',')]
    pub pw_rel: Vec<f64>,
    /// Bounds of integers
    #[arg(long, value_name = "N,N,...", value_delimiter = ',')]
    pub near: Vec<u64>,
    /// Steps as fractions of the noise of each array
    #[arg(long, value_name = "Q,Q,...", value_delimiter = ',')]
    pub noise_step: Vec<f64>,
}

const MAX_BOUNDS: usize = 64;

impl Bounds {
    /// Whether none was named.
    pub fn is_default(&self) -> bool {
        let Bounds { rel, abs, pw_rel, near, noise_step } = self;
        rel.is_empty() && abs.is_empty() && pw_rel.is_empty() && near.is_empty() && noise_step.is_empty()
    }

    /// In the order given.
    pub fn losses(&self) -> Result<Vec<Loss>> {
        let floats = |list: &[f64], loss: fn(f64) -> Loss| list.iter().map(|&e| loss(e)).collect::<Vec<Loss>>();
        let mut losses = floats(&self.rel, Loss::Rel);
        losses.extend(floats(&self.abs, Loss::Abs));
        losses.extend(floats(&self.pw_rel, Loss::PwRel));
        losses.extend(self.near.iter().map(|&n| Loss::Near(n)));
        losses.extend(floats(&self.noise_step, Loss::NoiseStep));
        if losses.is_empty() {
            losses = floats(&[1e-2, 1e-3, 1e-4, 1e-5, 1e-6], Loss::Rel);
        }
        if losses.len() > MAX_BOUNDS {
            return Err(Error::argument(format!("{} bounds: {MAX_BOUNDS} at most", losses.len())));
        }
        losses.into_iter().map(Loss::check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_given_and_five_shares_of_the_range_otherwise() {
        assert_eq!(Bounds::default().losses().unwrap().len(), 5);
        let near = Bounds { near: vec![1, 4], ..Bounds::default() };
        assert_eq!(near.losses(), Ok(vec![Loss::Near(1), Loss::Near(4)]));
        assert!(Bounds { rel: vec![0.1, 2.0], ..Bounds::default() }.losses().is_err());
        assert!(Bounds { abs: vec![1.0; MAX_BOUNDS + 1], ..Bounds::default() }.losses().is_err());
    }
}
