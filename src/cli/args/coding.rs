//! What a file is, and with what it is coded: the same for all verbs that compress.

use super::parse::{Shape, adapt, decoder, dtype, level, shape};
use clap::Args as Group;
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::model::Model;
use collapsar::internals::{Adapt, Choice, Decoder, Level, Result};
use std::path::PathBuf;
use std::sync::Arc;

/// The array that the caller says the file is.
#[derive(Group)]
pub struct Raw {
    /// The file is one raw array of this shape, slowest dimension first, as in 10,512,512
    #[arg(long, value_name = "N,N,...", requires = "dtype", value_parser = shape)]
    pub shape: Option<Shape>,
    /// dtype of a raw array: u8 i8 u16 i16 u32 i32 i64 u64 f32 f64
    #[arg(long, requires = "shape", value_parser = dtype)]
    pub dtype: Option<Dtype>,
    /// The raw array is big-endian
    #[arg(long, requires = "shape")]
    pub big_endian: bool,
}

impl Raw {
    pub fn array(&self) -> Option<ArrayType> {
        let (Some(shape), Some(dtype)) = (&self.shape, self.dtype) else { return None };
        Some(ArrayType { dtype, big_endian: self.big_endian, shape: shape.0.clone() })
    }
}

#[derive(Group)]
pub struct Coding {
    /// From 1, the fastest, to 9, the smallest, or -1 to -9; 5 unless given
    #[arg(long, value_name = "N", value_parser = level, default_value = "5", hide_default_value = true)]
    pub level: Level,
    /// What the files will be decoded on, cpu or gpu: levels choose networks that it decodes fast; every file is decoded on both
    #[arg(long, value_name = "DEVICE", value_parser = decoder, default_value = "cpu", hide_default_value = true)]
    decode_on: Decoder,
    /// Instead of a level: auto measures the built-in defaults, classic uses no network, wavelet is for fields within a bound, else a name from `collapsar models`
    #[arg(long, value_name = "NAME")]
    pub model: Option<String>,
    #[command(flatten)]
    pub weights: Weights,
    /// Refit networks to each array where it gets smaller by it: off, short, fast, max (seconds per array); what the level says unless given
    #[arg(long, value_name = "HOW", value_parser = adapt)]
    adapt: Option<Adapt>,
}

impl Coding {
    pub fn choice(&self, given: &[Arc<Model>]) -> Result<Choice> {
        self.choice_at(self.level, given)
    }

    /// The same at another level.
    pub fn choice_at(&self, level: Level, given: &[Arc<Model>]) -> Result<Choice> {
        Choice::named(self.model.as_deref(), given, level.decoded_on(self.decode_on))
    }

    pub fn adapt(&self) -> Adapt {
        self.adapt.unwrap_or_default()
    }
}

#[derive(Group)]
pub struct Weights {
    /// A weights file (safetensors), or a recipe that carries weights; may be given several times
    #[arg(long, value_name = "FILE")]
    pub weights: Vec<PathBuf>,
}
