//! σ = 1.4826 · median |d| / √2          d = differences of neighbouring ints
//!
//! Noise cannot be predicted: white noise of σ ≫ 1 takes log2(σ·√(2πe)) bits per sample whatever the codec, 0.25 above
//! log2(σ·√12), the number of bits that the noise fills evenly. The median does not see the stars.

use collapsar::codec::archive::{Archive, Array};
use collapsar::codec::decode::decode_array;
use collapsar::codec::plane::Band;
use collapsar::tile::Place;
use collapsar::{Error, Kind, Result};
use serde_json::{Value, json};
use std::f64::consts::{E, PI};

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

/// The noise of an array, from what comes first of its first plane. None where ints are no measure: two parts, or one value.
pub fn of_array(archive: &Archive, array: &Array) -> Result<Option<Noise>> {
    let head = &array.head;
    if head.map.n_parts() != 1 {
        return Ok(None);
    }
    let (_, h, w) = head.ty.planes();
    let wanted = usize::try_from(h.saturating_mul(w)).unwrap_or(ENOUGH).min(ENOUGH);
    let mut bytes = Vec::new();
    let mut take = |_: &Band, band: &[u8]| {
        bytes.extend_from_slice(band);
        let enough = bytes.len() >= wanted * head.ty.dtype.n_bytes();
        if enough { Err(Error::verify("enough has been seen")) } else { Ok(()) }
    };
    let fetch = |place: &Place, block: usize| archive.tile(array, place, block);
    match decode_array(array, &collapsar::device::Device::Cpu, &fetch, None, &mut take, &|_| Ok(())) {
        Err(e) if e.kind != Kind::Verify => return Err(e),
        _ => {}
    }
    let n = wanted.min(bytes.len() / head.ty.dtype.n_bytes());
    let mut ints = vec![0; n];
    head.map.to_ints(&bytes[..n * head.ty.dtype.n_bytes()], head.ty.big_endian, &mut [&mut ints]);
    let distance = if head.grid.n_phases == 4 { 2 } else { 1 };
    Ok(of_ints(&ints, w as usize, distance))
}

/// `distance` is 2 where a neighbour of another colour lies between.
fn of_ints(ints: &[i32], w: usize, distance: usize) -> Option<Noise> {
    let rows = ints.chunks(w.max(1));
    let differences =
        rows.flat_map(|row| row.windows(distance + 1).map(move |d| (d[0] as u32).abs_diff(d[distance] as u32)));
    let mut d: Vec<u32> = differences.collect();
    if d.len() < 16 {
        return None;
    }
    let middle = d.len() / 2;
    let median = *d.select_nth_unstable(middle).1;
    // an int stands for all that is rounded to it, so the median lies somewhere inside its cell
    let below = d.iter().filter(|&&x| x < median).count() as f64;
    let here = d.iter().filter(|&&x| x == median).count() as f64;
    let (lower, width) = if median == 0 { (0.0, 0.5) } else { (f64::from(median) - 0.5, 1.0) };
    let median = lower + width * (d.len() as f64 / 2.0 - below) / here;
    Some(Noise { sigma: 1.4826 * median / 2f64.sqrt() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::painted::Random;

    #[test]
    fn the_noise_of_a_noisy_plane_is_found_within_three_per_cent() {
        for sigma in [1.0, 3.0, 40.0] {
            let mut random = Random::new(7);
            let ints: Vec<i32> = (0..1 << 16)
                .map(|i| (1000.0 + f64::from(i % 256) * 0.01 + sigma * random.normal()).round() as i32)
                .collect();
            let found = of_ints(&ints, 256, 1).unwrap().sigma;
            assert!((found / (sigma * sigma + 1.0 / 12.0).sqrt() - 1.0).abs() < 0.03, "{sigma}: {found}");
        }
        assert_eq!(of_ints(&[5; 100], 10, 1).unwrap().limit_bits(), None);
        assert_eq!(of_ints(&[5; 3], 3, 1), None);
    }
}
