//! σ = median |d| / (0.6745 · √2)          d = differences of neighbouring ints
//!
//! Noise cannot be predicted: white noise of σ ≫ 1 takes log2(σ·√(2πe)) bits per sample whatever the codec, 0.25 above
//! log2(σ·√12), the number of bits that the noise fills evenly. The median does not see the stars.

use collapsar::codec::archive::{Archive, Array};
use collapsar::codec::decode::decode_array;
use collapsar::codec::shelf::Shelf;
use collapsar::device::Device;
use collapsar::tile::Place;
use collapsar::{Error, Kind, Result};
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
    if head.map.n_parts() != 1 || head.map.exception().is_some() {
        return Ok(None);
    }
    let (_, h, w) = head.ty.planes();
    let wanted = usize::try_from(h.saturating_mul(w)).unwrap_or(ENOUGH).min(ENOUGH);
    if !head.anchors.is_empty() {
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
    let mut shelf = Shelf::new(std::iter::empty());
    match decode_array(array, &Device::Cpu, &fetch, None, &mut shelf, &mut take, &|_| Ok(())) {
        Err(e) if e.kind != Kind::Verify => return Err(e),
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
    of_ints(&ints, w as usize)
}

/// The least of four estimates: a gradient spoils first differences, a colour filter array those of neighbours.
fn of_ints(ints: &[i32], w: usize) -> Option<Noise> {
    let kinds = [(1, false), (2, false), (1, true), (2, true)];
    let sigmas = kinds.iter().filter_map(|&(distance, second)| {
        let rows = ints.chunks(w.max(1));
        let d = rows.flat_map(|row| {
            row.windows((1 + usize::from(second)) * distance + 1).map(move |r| {
                let at = |i: usize| i64::from(r[i * distance] as u32);
                if second { at(0) - 2 * at(1) + at(2) } else { at(1) - at(0) }
            })
        });
        let sigma = spread(d.map(i64::unsigned_abs).collect())?;
        // squares of the coefficients add up to 6 or 2, and each int was rounded
        let n = if second { 6.0 } else { 2.0 };
        Some((sigma * sigma / n - 1.0 / 12.0 / n).max(0.0).sqrt())
    });
    sigmas.min_by(f64::total_cmp).map(|sigma| Noise { sigma })
}

/// σ of a normal distribution of which as many |d| are at most their median (plus half an int) as of these.
fn spread(mut d: Vec<u64>) -> Option<f64> {
    if d.len() < 16 {
        return None;
    }
    let middle = d.len() / 2;
    let median = *d.select_nth_unstable(middle).1;
    let share = d.iter().filter(|&&x| x <= median).count() as f64 / d.len() as f64;
    Some((median as f64 + 0.5) / normal_quantile(share))
}

/// z with P(|normal| ≤ z) = share, up to 6.
fn normal_quantile(share: f64) -> f64 {
    const N: usize = 6000;
    let step = 6.0 / N as f64;
    let mut sum = 0.0;
    for i in 0..N {
        let z = (i as f64 + 0.5) * step;
        sum += (2.0 / PI).sqrt() * (-z * z / 2.0).exp() * step;
        if sum >= share {
            return z + step / 2.0;
        }
    }
    6.0
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
            let found = of_ints(&ints, 256).unwrap().sigma;
            assert!((found / sigma - 1.0).abs() < 0.03, "{sigma}: {found}");
        }
        assert_eq!(of_ints(&[5; 100], 10).unwrap().limit_bits(), None);
        assert_eq!(of_ints(&[5; 3], 3), None);
    }
}
