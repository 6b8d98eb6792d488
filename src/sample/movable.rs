//! |x − x′| ≤ ⌊K σ⌋        what denoising may do to the integers of an array
//!
//! A sample is its distance to the middle of its dtype, so every dtype fits an i64; a fill value is `HOLE`.

use super::loss::Loss;
use super::noise::NoiseStep;
use super::order::{Kind, Order};
use super::ordinary::bits;
use super::survey::Survey;
use super::word::Word;
use crate::array::Dtype;

/// No sample. The smallest i64 means it, too: it stays as it is.
pub const HOLE: i64 = i64::MIN;

/// How far samples may go.
#[derive(Clone, Debug)]
pub struct Movable {
    dtype: Dtype,
    big_endian: bool,
    markers: Vec<u64>,
    pub noise: NoiseStep,
    /// σ in units of 1/256, at least 1.
    pub sigma_256: i64,
    /// The most a sample is moved.
    pub bound: i64,
    /// The smallest and the largest sample, which stay: they may be all that a detector could say.
    pub ends: (i64, i64),
}

impl Movable {
    /// From rows of `w` samples of the array; None where nothing may be moved.
    pub fn of(loss: Loss, survey: &Survey, rows: &[u8], big_endian: bool, w: usize) -> Option<Movable> {
        let (Loss::Denoise(_), order) = (loss, Order::of(survey.dtype())) else { return None };
        let noise = NoiseStep::of(loss, survey, rows, big_endian, w)?;
        let (bound, sigma_256) = ((0.5 * noise.step) as i64, (256.0 * noise.sigma).round() as i64);
        let surveyed = survey.surveyed();
        let (low, high) = surveyed.ends.filter(|_| order.kind != Kind::Float && bound > 0)?;
        let (dtype, markers, ends) = (survey.dtype(), surveyed.markers, (centred(order, low), centred(order, high)));
        Some(Movable { dtype, big_endian, markers, noise, sigma_256: sigma_256.max(1), bound, ends })
    }

    /// Adds whole samples.
    pub fn read(&self, bytes: &[u8], out: &mut Vec<i64>) {
        let order = Order::of(self.dtype);
        let sample = |x: u64| if self.markers.contains(&x) { HOLE } else { centred(order, order.key(x)) };
        out.extend(bits(self.dtype, bytes, self.big_endian).into_iter().map(sample));
    }

    /// Puts samples in place of others; a hole stays what it is.
    pub fn write(&self, samples: &[i64], out: &mut [u8]) {
        let order = Order::of(self.dtype);
        let before = bits(self.dtype, out, self.big_endian);
        let sample = |(&x, &before): (&i64, &u64)| if x == HOLE { before } else { order.bits(key(order, x)) };
        let after = samples.iter().zip(&before).map(sample);
        match self.dtype.n_bytes() {
            1 => u8::fill(out, self.big_endian, after.map(u8::low)),
            2 => u16::fill(out, self.big_endian, after.map(u16::low)),
            4 => u32::fill(out, self.big_endian, after.map(u32::low)),
            _ => u64::fill(out, self.big_endian, after),
        }
    }
}

fn centred(order: Order, key: u64) -> i64 {
    key.wrapping_sub(order.mask() / 2 + 1) as i64
}

fn key(order: Order, sample: i64) -> u64 {
    (sample as u64).wrapping_add(order.mask() / 2 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_every_integer_come_back_and_fill_values_are_holes() {
        let noise = NoiseStep { sigma: 2.0, step: 4.0 };
        for dtype in Dtype::ALL.into_iter().filter(|dtype| !matches!(dtype, Dtype::F32 | Dtype::F64)) {
            let n = dtype.n_bytes();
            let bytes: Vec<u8> = [0u64, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX, 7, 1 << 7, 1 << 15, 1 << 31]
                .into_iter()
                .flat_map(|x| x.to_be_bytes()[8 - n..].to_vec())
                .collect();
            let markers = bits(dtype, &bytes[5 * n..6 * n], true);
            let of = Movable { dtype, big_endian: true, markers, noise, sigma_256: 512, bound: 2, ends: (0, 0) };
            let (mut samples, mut again) = (Vec::new(), bytes.clone());
            of.read(&bytes, &mut samples);
            assert_eq!(samples[5], HOLE);
            again[..5 * n].fill(9);
            of.write(&samples[..5], &mut again[..5 * n]);
            // the smallest i64 is a hole of its own, and keeps what stands there
            let n_holes = samples[..5].iter().filter(|&&x| x == HOLE).count();
            assert!(again == bytes || n == 8 && n_holes == 1, "{dtype:?}");
            let mut order: Vec<i64> = samples[..2].to_vec();
            order.push(samples[3]);
            assert!(n == 8 || order.windows(2).next().is_some_and(|pair| pair[1] == pair[0] + 1), "{dtype:?}");
        }
    }

    #[test]
    fn nothing_is_moved_where_the_bound_is_less_than_one() {
        let rows: Vec<u8> = (0..4000u32).flat_map(|i| ((i * i % 7 + 90) as u16).to_le_bytes()).collect();
        let mut survey = Survey::new(Dtype::U16);
        survey.update(&rows, false);
        let of = |loss| Movable::of(loss, &survey, &rows, false, 100);
        assert!(of(Loss::Denoise(0.01)).is_none() && of(Loss::NoiseStep(0.01)).is_none());
        let movable = of(Loss::Denoise(2.0)).unwrap();
        assert_eq!(movable.bound, (2.0 * movable.noise.sigma) as i64);
        assert_eq!(movable.ends, (90 - 32768, 96 - 32768));
    }
}
