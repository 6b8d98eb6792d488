//! How far decoded samples are from the original ones.

use crate::array::{ArrayType, NATIVE_BIG_ENDIAN, Sample, bytes_of};
use crate::error::Error;
use crate::internals::quality::{self, Stretch};

/// What was measured. Samples that count are finite in the original and no fill values.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Quality {
    /// Samples of the array.
    pub n_samples: u64,
    /// Samples that count and are other bits now.
    pub n_changed: u64,
    /// The largest |x − x′|.
    pub largest_error: f64,
    /// The root of the mean squared error.
    pub rmse: f64,
    /// 20 log₁₀((max − min) / rmse) in dB; infinite where nothing changed. None where all samples are equal.
    pub psnr: Option<f64>,
    /// The mean structural similarity over windows. None where an array is too small for one.
    pub ssim: Option<f64>,
}

/// Compares two arrays of one shape.
///
/// ```
/// use collapsar::quality;
/// let original: Vec<f32> = (0..32 * 32).map(|i| i as f32).collect();
/// let decoded: Vec<f32> = original.iter().map(|x| x + 0.5).collect();
/// let quality = quality::measure(&original, &decoded, &[32, 32])?;
/// assert_eq!((quality.largest_error, quality.rmse), (0.5, 0.5));
/// assert!((quality.psnr.unwrap() - 66.2).abs() < 0.1); // 20 log₁₀(1023 / 0.5)
/// # Ok::<(), collapsar::Error>(())
/// ```
pub fn measure<T: Sample>(original: &[T], decoded: &[T], shape: &[usize]) -> Result<Quality, Error> {
    let shape: Vec<u64> = shape.iter().map(|&n| n as u64).collect();
    let ty = ArrayType { dtype: T::DTYPE, big_endian: NATIVE_BIG_ENDIAN, shape };
    if [original, decoded].iter().any(|samples| ty.n_samples() != Ok(samples.len() as u64)) {
        let [a, b] = [original.len(), decoded.len()];
        return Err(Error::argument(format!("{a} and {b} samples do not both fill the shape {:?}", ty.shape)));
    }
    let (original, decoded) = (bytes_of(original), bytes_of(decoded));
    let of = quality::measure(
        Stretch { source: &original, offset: 0, ty: &ty },
        Stretch { source: &decoded, offset: 0, ty: &ty },
    )?;
    Ok(Quality {
        n_samples: of.n_samples,
        n_changed: of.n_changed,
        largest_error: of.largest,
        rmse: of.rmse(),
        psnr: of.psnr(),
        ssim: of.ssim(),
    })
}
