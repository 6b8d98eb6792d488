//! limit = log2(σ·√(2πe))          fill = log2(σ·√12)
//!
//! Noise cannot be predicted: white noise of σ ≫ 1 takes the limit in bits per sample whatever the codec, 0.25 above the number of
//! bits that it fills evenly. σ is measured on the ints of an array, as it is where steps are a fraction of it.

use collapsar::internals::codec::file::archive::{Archive, Array};
use collapsar::internals::codec::file::decode::ArrayDecoder;
use collapsar::internals::grid::Place;
use collapsar::internals::sample::sigma;
use collapsar::internals::{Error, ErrorKind, Resources, Result};
use serde_json::{Value, json};
use std::f64::consts::{E, PI};
use std::sync::atomic::{AtomicBool, Ordering};

/// Samples that are looked at.
const ENOUGH: usize = 1 << 22;
/// Below this the ints are coarser than the noise, and the formula does not hold.
const LEAST_SIGMA: f64 = 0.5;

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// In ints.
    pub sigma: f64,
}

impl Noise {
    /// Bits per sample of white Gaussian noise.
    pub fn limit_bits(self) -> Option<f64> {
        self.bits((2.0 * PI * E).sqrt())
    }

    /// Bits per sample that the noise fills evenly.
    pub fn noise_bits(self) -> Option<f64> {
        self.bits(12f64.sqrt())
    }

    fn bits(self, factor: f64) -> Option<f64> {
        (self.sigma >= LEAST_SIGMA).then(|| (self.sigma * factor).log2())
    }

    pub fn json(self) -> Value {
        json!({"sigma": round(self.sigma), "limit_bits": self.limit_bits().map(round), "noise_bits": self.noise_bits().map(round)})
    }
}

pub fn round(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

/// The noise of an array, from what comes first of its first plane. None where ints are no measure: two parts, one value, a
/// map that loses.
pub fn of_array(archive: &Archive, array: &Array) -> Result<Option<Noise>> {
    let head = &array.head;
    if head.map.n_limbs() != 1 || head.map.exception().is_some() {
        return Ok(None);
    }
    let (_, h, w) = head.ty.planes();
    let wanted = usize::try_from(h.saturating_mul(w)).unwrap_or(ENOUGH).min(ENOUGH);
    if !head.references.is_empty() {
        let rows = (wanted as u64 / w.max(1)).max(1).min(h);
        let cut = archive.region(array, 0, 0..rows, 0..w)?;
        return Ok(of_samples(array, &cut.bytes, wanted));
    }
    let mut bytes = Vec::new();
    let enough = || Error::verify("enough has been seen");
    let seen = AtomicBool::new(false);
    let mut take = |bands: &[u8]| {
        bytes.extend_from_slice(bands);
        seen.store(bytes.len() >= wanted * head.ty.dtype.n_bytes(), Ordering::Relaxed);
        if seen.load(Ordering::Relaxed) { Err(enough()) } else { Ok(()) }
    };
    // the next bands are under way while these are taken
    let fetch = |place: &Place, block: usize| match seen.load(Ordering::Relaxed) {
        true => Err(enough()),
        false => archive.tile(array, place, block),
    };
    let with = Resources::default();
    let mut decoder = ArrayDecoder::new(std::iter::empty(), &with, &|_| Ok(()));
    match decoder.decode(array, &fetch, None, &mut take) {
        Err(e) if e.kind != ErrorKind::Verify => return Err(e),
        _ => {}
    }
    Ok(of_samples(array, &bytes, wanted))
}

/// Of the first samples of an array, at most `n`.
fn of_samples(array: &Array, bytes: &[u8], n: usize) -> Option<Noise> {
    let (head, (_, _, w)) = (&array.head, array.head.ty.planes());
    let n = n.min(bytes.len() / head.ty.dtype.n_bytes());
    let mut ints = vec![0; n];
    head.map.to_ints(&bytes[..n * head.ty.dtype.n_bytes()], head.ty.big_endian, &mut [&mut ints]);
    let numbers: Vec<f64> = ints.into_iter().map(|int| f64::from(int as u32)).collect();
    sigma(&numbers, w as usize).map(|sigma| Noise { sigma })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_finer_than_half_an_int_has_no_limit() {
        assert_eq!(Noise { sigma: 0.49 }.limit_bits(), None);
        assert_eq!(Noise { sigma: 1.0 }.limit_bits(), Some((2.0 * PI * E).sqrt().log2()));
    }
}
