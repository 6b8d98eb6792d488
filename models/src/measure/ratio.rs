//! ratio = bytes of the samples / bytes of the compressed files they become, with everything that those hold
//!
//! The library itself compresses each array that counts, and decompresses it again; nothing here knows how.

use crate::data::survey::{Listed, Survey, arrays};
use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::{Error, Result};
use collapsar::internals::model::Model;
use collapsar::internals::source::{FileSource, Source};
use collapsar::internals::{Choice, Decoding, Options, compress, decompress_to};
use std::fs::File;
use std::ops::Add;
use std::sync::Arc;

/// What one survey's files come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bytes {
    pub n_arrays: u64,
    pub samples: u64,
    pub coded: u64,
}

impl Add for Bytes {
    type Output = Bytes;

    fn add(self, other: Bytes) -> Bytes {
        Bytes {
            n_arrays: self.n_arrays + other.n_arrays,
            samples: self.samples + other.samples,
            coded: self.coded + other.coded,
        }
    }
}

impl Bytes {
    pub fn ratio(&self) -> f64 {
        self.samples as f64 / self.coded as f64
    }
}

/// A survey's 16-bit arrays with one model, or with whatever is built in.
pub fn ratio(survey: &Survey, model: Option<&Arc<Model>>) -> Result<Bytes> {
    let mut sum = Bytes::default();
    for file in &survey.files {
        add(file, model, &mut sum).map_err(|e| e.at(file.path.display()))?;
    }
    Ok(sum)
}

fn add(file: &Listed, model: Option<&Arc<Model>>, sum: &mut Bytes) -> Result<()> {
    let source = FileSource::new(File::open(&file.path)?)?;
    for (offset, ty) in arrays(file, &source)? {
        if matches!(ty.dtype, Dtype::U16 | Dtype::I16) && ty.planes().1 > 1 {
            let bytes = source.bytes(offset, ty.n_bytes()? as usize)?;
            sum.n_arrays += 1;
            sum.samples += bytes.len() as u64;
            sum.coded += coded(&bytes, ty, model)?;
        }
    }
    Ok(())
}

fn coded(bytes: &[u8], ty: ArrayType, model: Option<&Arc<Model>>) -> Result<u64> {
    let choice = model.map_or(Choice::Auto, |model| Choice::These(vec![model.clone()]));
    let packed = compress(bytes, &Options { model: choice, raw: Some(ty), ..Options::default() })?;
    let decoding = Decoding { models: model.into_iter().cloned().collect(), ..Decoding::default() };
    let mut back = Vec::with_capacity(bytes.len());
    decompress_to(&packed, &mut back, &decoding, &|_| Ok(()))?;
    if back != bytes {
        return Err(Error::verify("an array did not come back from its file"));
    }
    Ok(packed.len() as u64)
}
