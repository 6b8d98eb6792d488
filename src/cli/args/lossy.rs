//! What may be lost, as it is asked for.

use super::parse::rounding;
use clap::Args as Group;
use collapsar::internals::{Loss, Rounding};

/// What may be lost: at most one of these.
#[derive(Group, Default)]
#[group(multiple = true)]
pub struct Lossy {
    /// Lossy: no sample is off by more than E (integers: by more than the whole part of E)
    #[arg(long, value_name = "E", group = "lossy", allow_negative_numbers = true)]
    pub abs: Option<f64>,
    /// Lossy: no sample is off by more than E times the range of its array, fill values left out
    #[arg(long, value_name = "E", group = "lossy", allow_negative_numbers = true)]
    pub rel: Option<f64>,
    /// Lossy: no float is off by more than E times itself
    #[arg(long, value_name = "E", group = "lossy", allow_negative_numbers = true)]
    pub pw_rel: Option<f64>,
    /// Lossy: no integer is off by more than N
    #[arg(long, value_name = "N", group = "lossy")]
    pub near: Option<u64>,
    /// Lossy: floats keep N bits of their mantissas
    #[arg(long, value_name = "N", group = "lossy")]
    pub mantissa: Option<u32>,
    /// How mantissas are shortened: round (the default; halves away from zero) or trunc
    #[arg(long, value_name = "HOW", requires = "mantissa", value_parser = rounding)]
    pub mantissa_mode: Option<Rounding>,
    /// Lossy: the PSNR of every array is at least so many dB
    #[arg(long, value_name = "DB", group = "lossy", allow_negative_numbers = true)]
    pub psnr: Option<f64>,
    /// Lossy: steps of the noise of each array divided by Q, as in fpack -q Q: no sample is off by more than sigma / (2 Q)
    #[arg(long, value_name = "Q", group = "lossy", allow_negative_numbers = true)]
    pub noise_step: Option<f64>,
    /// Lossy: integers come closer to what their neighbours say, where nothing stands out; no sample is moved by more than K sigma of
    /// the noise of its array
    #[arg(long, value_name = "K", group = "lossy", allow_negative_numbers = true)]
    pub denoise: Option<f64>,
    /// Lossy: the smallest error at which the file gets R times smaller
    #[arg(long, value_name = "R", group = "lossy", allow_negative_numbers = true)]
    pub ratio: Option<f64>,
}

impl Lossy {
    pub fn loss(&self) -> Loss {
        let mantissa = self.mantissa.map(|n| Loss::Mantissa(n, self.mantissa_mode.unwrap_or_default()));
        let all = [
            self.abs.map(Loss::Abs),
            self.rel.map(Loss::Rel),
            self.pw_rel.map(Loss::PwRel),
            self.near.map(Loss::Near),
            mantissa,
            self.psnr.map(Loss::Psnr),
            self.ratio.map(Loss::Ratio),
            self.noise_step.map(Loss::NoiseStep),
            self.denoise.map(Loss::Denoise),
        ];
        all.into_iter().flatten().next().unwrap_or_default()
    }
}
