//! cd_values = what was asked · what the chunks are                     FORMAT.md, section 13
//!
//! What was asked comes from a person, and may end early; what the chunks are comes from `set_local`, and HDF5 keeps both in the
//! file. A number that is a float or a fill value takes two words, the high one first: of a bound the high one is enough.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::search::level::Level;
use collapsar::internals::{Error, Loss, Result, Rounding};

pub const VERSION: u32 = 1;
const N_ASKED: usize = 6;
const BIG_ENDIAN: u32 = 0x80;
/// HDF5 keeps them in a header message of less than 64 KiB.
const MAX_RECIPE_BYTES: usize = 60_000;
/// `H5S_MAX_RANK`.
pub const MAX_DIMENSIONS: usize = 32;

/// What was asked: version · level · kind of bound · bound × 2 · bytes of a recipe · recipe.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub level: Level,
    pub loss: Loss,
    /// Empty where there is none.
    pub recipe: Vec<u8>,
}

/// What the chunks are: dtype · whether a fill value was set · fill value × 2 · n_dimensions · dimension each.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunks {
    pub dtype: Dtype,
    pub big_endian: bool,
    /// The bits of a sample that says "nothing here", where the dataset has one.
    pub fill: Option<u64>,
    pub dimensions: Vec<u32>,
}

impl Chunks {
    /// How a chunk is coded: a dimension of 1 says nothing about neighbours.
    pub fn ty(&self) -> ArrayType {
        let shape = self.dimensions.iter().filter(|n| **n != 1).map(|&n| u64::from(n)).collect();
        ArrayType { dtype: self.dtype, big_endian: self.big_endian, shape }
    }
}

/// What was asked, and the words behind it.
pub fn read_asked(values: &[u32]) -> Result<(Asked, &[u32])> {
    let at = |i: usize| values.get(i).copied().unwrap_or(0);
    if let Some(&version) = values.first()
        && version != VERSION
    {
        return Err(Error::unsupported(format!("cd_values of version {version}, this filter knows {VERSION}")));
    }
    let level = match at(1) {
        0 => Level::default(),
        n => u8::try_from(n)
            .ok()
            .and_then(Level::new)
            .ok_or_else(|| Error::argument(format!("level {n} in cd_values: it is 1 to 9, or 0 for the usual one")))?,
    };
    let loss = read_loss(at(2), f64::from_bits(pair(at(3), at(4))))?;
    let n_bytes = at(5) as usize;
    if n_bytes > MAX_RECIPE_BYTES {
        return Err(Error::limit(format!("a recipe of {n_bytes} bytes: a file takes {MAX_RECIPE_BYTES}")));
    }
    let rest = values.get(N_ASKED..).unwrap_or(&[]);
    let (words, rest) = rest
        .split_at_checked(n_bytes.div_ceil(4))
        .ok_or_else(|| Error::truncated("cd_values end within the recipe"))?;
    let recipe = words.iter().flat_map(|word| word.to_le_bytes()).take(n_bytes).collect();
    Ok((Asked { level, loss, recipe }, rest))
}

pub fn read_chunks(values: &[u32]) -> Result<Chunks> {
    let wrong = || Error::corrupt("cd_values do not say what the chunks are: the dataset was made without the filter");
    let [dtype, has_fill @ 0..=1, high, low, n_dimensions, dimensions @ ..] = values else { return Err(wrong()) };
    let code = u8::try_from(dtype & !BIG_ENDIAN).map_err(|_| wrong())?;
    if dimensions.len() != *n_dimensions as usize || dimensions.len() > MAX_DIMENSIONS {
        return Err(wrong());
    }
    let fill = (*has_fill == 1).then(|| pair(*high, *low));
    let (big_endian, dimensions) = (dtype & BIG_ENDIAN != 0, dimensions.to_vec());
    let chunks = Chunks { dtype: Dtype::from_code(code)?, big_endian, fill, dimensions };
    chunks.ty().n_bytes()?;
    Ok(chunks)
}

pub fn write(asked: &Asked, chunks: &Chunks) -> Vec<u32> {
    let (kind, bound) = write_loss(asked.loss);
    let [high, low] = words(bound.to_bits());
    let mut out = vec![VERSION, u32::from(asked.level.number()), kind, high, low, asked.recipe.len() as u32];
    let word = |bytes: &[u8]| bytes.iter().rev().fold(0, |word, &byte| word << 8 | u32::from(byte));
    out.extend(asked.recipe.chunks(4).map(word));
    let Chunks { dtype, big_endian, fill, dimensions } = chunks;
    let [high, low] = words(fill.unwrap_or(0));
    let order = if *big_endian { BIG_ENDIAN } else { 0 };
    out.extend([*dtype as u32 | order, u32::from(fill.is_some()), high, low, dimensions.len() as u32]);
    out.extend(dimensions);
    out
}

fn read_loss(kind: u32, bound: f64) -> Result<Loss> {
    let whole = || {
        let n = bound as u32;
        if f64::from(n) == bound {
            Ok(n)
        } else {
            Err(Error::argument(format!("a bound of {bound}: it is a whole number")))
        }
    };
    let loss = match kind {
        0 => Loss::None,
        1 => Loss::Abs(bound),
        2 => Loss::Rel(bound),
        3 => Loss::PwRel(bound),
        4 => Loss::Near(u64::from(whole()?)),
        5 => Loss::Mantissa(whole()?, Rounding::Round),
        6 => Loss::Mantissa(whole()?, Rounding::Trunc),
        7 => Loss::NoiseStep(bound),
        _ => return Err(Error::argument(format!("kind of bound {kind} in cd_values: it is 0 to 7"))),
    };
    loss.check()
}

/// What `read_loss` gave: whole numbers are floats, too.
fn write_loss(loss: Loss) -> (u32, f64) {
    match loss {
        Loss::Abs(e) => (1, e),
        Loss::Rel(e) => (2, e),
        Loss::PwRel(e) => (3, e),
        Loss::Near(n) => (4, n as f64),
        Loss::Mantissa(n, Rounding::Round) => (5, f64::from(n)),
        Loss::Mantissa(n, Rounding::Trunc) => (6, f64::from(n)),
        Loss::NoiseStep(q) => (7, q),
        _ => (0, 0.0),
    }
}

fn pair(high: u32, low: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

fn words(wide: u64) -> [u32; 2] {
    [(wide >> 32) as u32, wide as u32]
}

#[cfg(test)]
mod tests {
    use super::*;
    use collapsar::internals::ErrorKind;

    #[test]
    fn what_is_written_is_read() {
        let losses = [
            Loss::None,
            Loss::Abs(0.25),
            Loss::Rel(1e-3),
            Loss::PwRel(1e-9),
            Loss::Near(u64::from(u32::MAX)),
            Loss::Mantissa(52, Rounding::Round),
            Loss::Mantissa(1, Rounding::Trunc),
            Loss::NoiseStep(4.0),
        ];
        for (i, loss) in losses.into_iter().enumerate() {
            let asked = Asked { level: Level::new(i as u8 + 1).unwrap(), loss, recipe: (0..i as u8).collect() };
            let fill = (i % 2 == 0).then_some(u64::MAX / 3 * i as u64);
            let chunks = Chunks { dtype: Dtype::ALL[i], big_endian: i % 3 == 0, fill, dimensions: vec![7; i] };
            let values = write(&asked, &chunks);
            let (again, rest) = read_asked(&values).unwrap();
            assert_eq!((again, read_chunks(rest).unwrap()), (asked.clone(), chunks));
        }
    }

    #[test]
    fn what_a_person_leaves_out_is_usual_and_the_high_word_of_a_bound_is_enough() {
        let asked = |values: &[u32]| read_asked(values).unwrap().0;
        let usual = Asked { level: Level::default(), loss: Loss::None, recipe: Vec::new() };
        assert!(asked(&[]) == usual && asked(&[1]) == usual && asked(&[1, 0, 0]) == usual);
        assert_eq!(asked(&[1, 7]).level.number(), 7);
        let Loss::Abs(bound) = asked(&[1, 5, 1, words(1e-3f64.to_bits())[0]]).loss else { panic!("another kind") };
        assert!(bound <= 1e-3 && bound > 0.999_999e-3);
    }

    #[test]
    fn what_means_nothing_is_refused() {
        let kind = |values: &[u32]| read_asked(values).unwrap_err().kind;
        assert_eq!(kind(&[2]), ErrorKind::Unsupported);
        for wrong in [&[1, 10][..], &[1, 0, 8], &[1, 0, 1], &[1, 0, 2, 0x3ff0_0000], &[1, 0, 4, 0x3fe0_0000]] {
            assert_eq!(kind(wrong), ErrorKind::Argument, "{wrong:?}");
        }
        assert_eq!(kind(&[1, 0, 0, 0, 0, 5, 9]), ErrorKind::Truncated);
        assert_eq!(kind(&[1, 0, 0, 0, 0, 60_001]), ErrorKind::Limit);
        let chunks = |values: &[u32]| read_chunks(values).unwrap_err().kind;
        for wrong in [
            &[][..],
            &[3, 0, 0, 0],
            &[3, 2, 0, 0, 0],
            &[3, 0, 0, 0, 2, 5],
            &[3, 0, 0, 0, 1, 5, 5],
            &[0x103, 0, 0, 0, 0],
        ] {
            assert_eq!(chunks(wrong), ErrorKind::Corrupt, "{wrong:?}");
        }
        assert_eq!(chunks(&[11, 0, 0, 0, 0]), ErrorKind::Unsupported);
        assert_eq!(chunks(&[3, 0, 0, 0, 2, u32::MAX, u32::MAX]), ErrorKind::Limit);
    }
}
