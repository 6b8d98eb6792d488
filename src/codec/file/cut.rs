//! The arrays of a file as they are coded: fields that are to be arrays of their own, and rows too long to hold, cut.

use crate::array::ArrayType;
use crate::error::Result;
use crate::format::MIN_ARRAY_BYTES;

/// A row of more samples is coded as arrays of one dimension of at most this many.
const MAX_ROW: u64 = 1 << 23;

/// The fields of an array of several: those that its first dimension counts.
pub fn fields(offset: u64, ty: &ArrayType, apart: bool) -> Result<Vec<(u64, ArrayType)>> {
    let n_bytes = ty.n_bytes()?;
    let (n, rest) = match ty.shape.as_slice() {
        [n, rest @ ..] if apart && *n > 1 && n_bytes / n >= MIN_ARRAY_BYTES => (*n, rest),
        _ => return Ok(vec![(offset, ty.clone())]),
    };
    let field = |i: u64| (offset + i * (n_bytes / n), ArrayType { shape: rest.to_vec(), ..ty.clone() });
    Ok((0..n).map(field).collect())
}

/// An array whose rows (or columns, where these are all there is) are too long to hold becomes arrays of one dimension.
pub fn cut(offset: u64, ty: &ArrayType) -> Result<Vec<(u64, ArrayType)>> {
    let n = ty.n_samples()?;
    let row = match ty.planes() {
        (_, 1, 1) => n,
        (_, h, 1) => h,
        (_, _, w) => w,
    };
    if row <= MAX_ROW {
        return Ok(vec![(offset, ty.clone())]);
    }
    let starts = (0..n).step_by(MAX_ROW as usize);
    let piece = |at: u64| {
        let shape = vec![(n - at).min(MAX_ROW)];
        (offset + at * ty.dtype.n_bytes() as u64, ArrayType { shape, ..ty.clone() })
    };
    Ok(starts.map(piece).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::array::Dtype;

    fn array(shape: &[u64]) -> ArrayType {
        ArrayType { dtype: Dtype::U16, big_endian: false, shape: shape.to_vec() }
    }

    #[test]
    fn fields_are_what_the_first_dimension_counts_unless_they_are_small_or_together() {
        let apart = |shape: &[u64]| fields(100, &array(shape), true).unwrap();
        assert_eq!(apart(&[2, 8, 16]), [(100, array(&[8, 16])), (356, array(&[8, 16]))]);
        assert_eq!(fields(100, &array(&[2, 8, 16]), false).unwrap(), [(100, array(&[2, 8, 16]))]);
        for whole in [&[2, 8, 15][..], &[1, 8, 16], &[0, 8, 16], &[300], &[]] {
            assert_eq!(apart(whole), [(100, array(whole))]);
        }
    }

    #[test]
    fn long_rows_are_cut_and_nothing_else() {
        let long = MAX_ROW + 3;
        assert_eq!(cut(7, &array(&[long])).unwrap(), [(7, array(&[MAX_ROW])), (7 + 2 * MAX_ROW, array(&[3]))]);
        assert_eq!(cut(7, &array(&[3, MAX_ROW])).unwrap(), [(7, array(&[3, MAX_ROW]))]);
    }
}
