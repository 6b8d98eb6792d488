//! samples of an HDF5 chunk ⇄ a chunk of Collapsar, as cd_values say
//!
//! A chunk at the edge of a dataset is filled up with fill values, and the filter isn't told where. So samples that are 0 or the fill
//! value don't count for a range: a bound only gets tighter by that. A fill value keeps its bits whatever the bound, and no other
//! sample becomes one; 0 is a number like any other.

use crate::cd_values::{self, Asked, Chunks};
use collapsar::internals::array::ArrayType;
use collapsar::internals::codec::search::choice::Choice;
use collapsar::internals::sample::{Bound, Survey, shorten};
use collapsar::internals::{
    Decoding, Error, Loss, Options, Recipe, Result, decode_chunk, decode_chunk_into, describe_chunk, encode_chunk,
    read_recipe,
};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

/// What HDF5 keeps of a dataset, read.
pub struct Coding {
    asked: Asked,
    chunks: Chunks,
    ty: ArrayType,
}

impl Coding {
    pub fn of(cd_values: &[u32]) -> Result<Coding> {
        let (asked, rest) = cd_values::read_asked(cd_values)?;
        let chunks = cd_values::read_chunks(rest)?;
        Ok(Coding { asked, ty: chunks.ty(), chunks })
    }

    /// Of the samples of a chunk.
    pub fn n_bytes(&self) -> Result<usize> {
        usize::try_from(self.ty.n_bytes()?).map_err(|_| Error::limit("a chunk that no memory holds"))
    }

    pub fn encode(&self, samples: &[u8]) -> Result<Vec<u8>> {
        let n_bytes = self.n_bytes()?;
        if samples.len() != n_bytes {
            return Err(Error::argument(format!(
                "{} bytes where a chunk has {n_bytes}: another filter was here",
                samples.len()
            )));
        }
        let fill = self.chunks.fill.filter(|bits| *bits != 0).map(|bits| self.bytes_of(bits));
        let fill = fill.filter(|fill| self.samples(samples).any(|sample| sample == fill));
        let (loss, shortened) = match self.asked.loss {
            Loss::Rel(_) => (self.bound(samples), Cow::Borrowed(samples)),
            Loss::Mantissa(..) => (Loss::None, self.shortened(samples, fill.as_deref()).into()),
            loss => (loss, Cow::Borrowed(samples)),
        };
        let options = self.options(loss)?;
        let chunk = encode_chunk(&shortened, &self.ty, &options)?;
        let is_safe = match &fill {
            Some(fill) if loss != Loss::None => {
                self.keeps(fill, samples, &decode_chunk(&chunk, &Decoding::default())?.1)
            }
            _ => true,
        };
        if is_safe { Ok(chunk) } else { encode_chunk(samples, &self.ty, &Options { loss: Loss::None, ..options }) }
    }

    /// Of another type than the dataset's, or damaged: an error.
    pub fn decode(&self, chunk: &[u8], samples: &mut [u8]) -> Result<()> {
        let ty = describe_chunk(chunk)?;
        if ty != self.ty {
            let [there, expected] = [&ty, &self.ty].map(|ty| format!("{} {:?}", ty.dtype.name(), ty.shape));
            return Err(Error::corrupt(format!("a chunk of {there} in a dataset of {expected}")));
        }
        let mut decoding = Decoding::default();
        if let Some(recipe) = self.recipe()? {
            decoding.models.extend(recipe.carried().iter().map(|(_, model)| model.clone()));
        }
        decode_chunk_into(chunk, &decoding, samples)?;
        Ok(())
    }

    fn recipe(&self) -> Result<Option<Arc<Recipe>>> {
        if self.asked.recipe.is_empty() { Ok(None) } else { recipe(&self.asked.recipe).map(Some) }
    }

    fn options(&self, loss: Loss) -> Result<Options> {
        Ok(Options { model: Choice::Level(self.asked.level), loss, recipe: self.recipe()?, ..Options::default() })
    }

    /// What a share of the range is in this chunk.
    fn bound(&self, samples: &[u8]) -> Loss {
        let none = [0, self.chunks.fill.unwrap_or(0)].map(|bits| self.bytes_of(bits));
        let ordinary = self.samples(samples).filter(|sample| !none.iter().any(|none| sample == none));
        let mut survey = Survey::new(self.ty.dtype);
        survey.update(&ordinary.flatten().copied().collect::<Vec<u8>>(), self.ty.big_endian);
        match self.asked.loss.bound(&survey) {
            Some(Bound::Abs(e)) => Loss::Abs(e),
            Some(Bound::PwRel(e)) => Loss::PwRel(e),
            Some(Bound::Near(n)) => Loss::Near(n),
            None => Loss::None,
        }
    }

    /// Mantissas cut here, so that fill values are not.
    fn shortened(&self, samples: &[u8], fill: Option<&[u8]>) -> Vec<u8> {
        let mut out = samples.to_vec();
        if let Loss::Mantissa(n_bits, rounding) = self.asked.loss {
            shorten(&mut out, self.ty.dtype, self.ty.big_endian, n_bits, rounding);
        }
        let n_bytes = self.ty.dtype.n_bytes();
        for (short, sample) in out.chunks_exact_mut(n_bytes).zip(self.samples(samples)) {
            if fill.is_some_and(|fill| sample == fill || short == fill) {
                short.copy_from_slice(sample);
            }
        }
        out
    }

    /// Whether fill values are where they were, and nowhere else.
    fn keeps(&self, fill: &[u8], before: &[u8], after: &[u8]) -> bool {
        self.samples(before).zip(self.samples(after)).all(|(x, y)| (x == fill) == (y == fill))
    }

    fn samples<'a>(&self, bytes: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        bytes.chunks_exact(self.ty.dtype.n_bytes())
    }

    fn bytes_of(&self, bits: u64) -> Vec<u8> {
        let mut bytes = bits.to_le_bytes()[..self.ty.dtype.n_bytes()].to_vec();
        if self.ty.big_endian {
            bytes.reverse();
        }
        bytes
    }
}

/// The recipe that was read last: packing its model takes longer than coding a chunk.
fn recipe(bytes: &[u8]) -> Result<Arc<Recipe>> {
    static LAST: Mutex<Option<(Vec<u8>, Arc<Recipe>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, recipe)) = &*last
        && of == bytes
    {
        return Ok(recipe.clone());
    }
    let recipe = Arc::new(read_recipe(bytes, &[])?);
    *last = Some((bytes.to_vec(), recipe.clone()));
    Ok(recipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use collapsar::internals::array::Dtype;
    use collapsar::internals::codec::chunk::learn_array;
    use collapsar::internals::codec::search::level::Level;
    use collapsar::internals::{ErrorKind, Rounding, write_recipe};

    const SIDE: usize = 96;

    fn coding(dtype: Dtype, loss: Loss, fill: Option<u64>, recipe: Vec<u8>) -> Coding {
        let asked = Asked { level: Level::new(4).unwrap(), loss, recipe };
        let chunks = Chunks { dtype, big_endian: true, fill, dimensions: vec![1, SIDE as u32, SIDE as u32, 1] };
        let again = Coding::of(&cd_values::write(&asked, &chunks)).unwrap();
        assert_eq!(again.ty.shape, [SIDE as u64; 2], "dimensions of 1 are left out");
        again
    }

    fn decoded(coding: &Coding, chunk: &[u8]) -> Vec<u8> {
        let mut out = vec![0; coding.n_bytes().unwrap()];
        coding.decode(chunk, &mut out).unwrap();
        out
    }

    fn frame(seed: usize) -> Vec<u16> {
        (0..SIDE * SIDE).map(|i| (1000 + i % SIDE + (i * i + seed) % 13) as u16).collect()
    }

    #[test]
    fn a_recipe_is_used_and_what_it_codes_needs_none() {
        let bytes = |seed| frame(seed).iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let options = Options { model: Choice::Level(Level::new(7).unwrap()), ..Options::default() };
        let recipe = write_recipe(&learn_array(&frame(0), &[SIDE, SIDE], &options).unwrap());
        let with = coding(Dtype::U16, Loss::None, None, recipe);
        let without = coding(Dtype::U16, Loss::None, None, Vec::new());
        for seed in [1, 5] {
            let chunk = with.encode(&bytes(seed)).unwrap();
            assert!(chunk != without.encode(&bytes(seed)).unwrap(), "the recipe made no difference");
            assert_eq!(decoded(&without, &chunk), bytes(seed));
        }
        let misfit = coding(Dtype::I16, Loss::None, None, with.asked.recipe.clone());
        assert_eq!(misfit.encode(&bytes(1)).unwrap_err().kind, ErrorKind::Argument);
    }

    fn rows(f: impl Fn(usize) -> f32) -> Vec<f32> {
        (0..SIDE * SIDE).map(f).collect()
    }

    fn floats(bytes: &[u8]) -> Vec<f32> {
        bytes.as_chunks().0.iter().map(|b| f32::from_be_bytes(*b)).collect()
    }

    #[test]
    fn a_range_is_that_of_samples_and_not_of_what_fills_a_chunk_up() {
        // zeros are too near to be found as fill values, and would double the range
        let padded = rows(|i| if i % SIDE < 60 { 125.0 + 45.0 * (i as f32).sin() } else { 0.0 });
        let bytes = padded.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let coding = coding(Dtype::F32, Loss::Rel(0.01), None, Vec::new());
        let back = floats(&decoded(&coding, &coding.encode(&bytes).unwrap()));
        let off = padded.iter().zip(&back).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off > 0.0 && off <= 0.9, "{off}");
    }

    #[test]
    fn a_fill_value_stays_where_it_is_and_nothing_becomes_one() {
        // 275 lies among the samples, and 3 of them are too few to be found
        let data = rows(|i| if i < 3 { 275.0 } else { 270.0 + 0.001 * (i % 9000) as f32 });
        let bytes = data.iter().flat_map(|v| v.to_be_bytes()).collect::<Vec<u8>>();
        let fill = Some(u64::from(275f32.to_bits()));
        let losses = [Loss::Abs(0.3), Loss::Rel(0.01), Loss::PwRel(0.001), Loss::Mantissa(3, Rounding::Round)];
        for loss in losses {
            let [with, without] = [fill, None].map(|fill| coding(Dtype::F32, loss, fill, Vec::new()));
            let fills = |back: &[f32]| back.iter().zip(&data).all(|(x, y)| (*x == 275.0) == (*y == 275.0));
            let [kept, lost] =
                [&with, &without].map(|coding| floats(&decoded(coding, &coding.encode(&bytes).unwrap())));
            assert!(fills(&kept) && !fills(&lost), "{loss:?}");
        }
    }

    #[test]
    fn other_bytes_than_those_of_a_chunk_are_an_error() {
        let coding = coding(Dtype::U16, Loss::None, None, Vec::new());
        assert_eq!(coding.encode(&[0; 2 * SIDE * SIDE + 4]).unwrap_err().kind, ErrorKind::Argument);
        let [mut out, chunk] = [vec![0; 2 * SIDE * SIDE], coding.encode(&[7; 2 * SIDE * SIDE]).unwrap()];
        assert_eq!(coding.decode(&chunk[1..], &mut out).unwrap_err().kind, ErrorKind::Corrupt);
        let other = super::tests::coding(Dtype::I16, Loss::None, None, Vec::new());
        assert_eq!(other.decode(&chunk, &mut out).unwrap_err().kind, ErrorKind::Corrupt);
    }
}
