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

/// Which values occur, of a dtype of at most 16 bits: others may be codes that the detector never says.
#[derive(Clone, Debug)]
pub struct Values {
    dtype: Dtype,
    /// By key; none of wider dtypes.
    occur: Vec<bool>,
}

impl Values {
    pub fn new(dtype: Dtype) -> Values {
        let n = if dtype.n_bytes() <= 2 { 1 << (8 * dtype.n_bytes()) } else { 0 };
        Values { dtype, occur: vec![false; n] }
    }

    /// `bytes` are whole samples.
    pub fn update(&mut self, bytes: &[u8], big_endian: bool) {
        if !self.occur.is_empty() {
            let order = Order::of(self.dtype);
            bits(self.dtype, bytes, big_endian).into_iter().for_each(|x| self.occur[order.key(x) as usize] = true);
        }
    }

    pub fn merge(&mut self, other: &Values) {
        self.occur.iter_mut().zip(&other.occur).for_each(|(a, b)| *a |= b);
    }

    fn samples(&self) -> Vec<i64> {
        let order = Order::of(self.dtype);
        let keys = self.occur.iter().enumerate().filter(|(_, occurs)| **occurs);
        keys.map(|(key, _)| centred(order, key as u64)).collect()
    }
}

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
    /// What a sample may become, rising; empty where it may be anything.
    values: Vec<i64>,
}

impl Movable {
    /// From what is known of an array, and rows of `w` samples of it; None where nothing may be moved.
    pub fn of(
        loss: Loss,
        (survey, values): (&Survey, &Values),
        rows: &[u8],
        big_endian: bool,
        w: usize,
    ) -> Option<Movable> {
        let (Loss::Denoise(_), order) = (loss, Order::of(survey.dtype())) else { return None };
        let noise = NoiseStep::of(loss, survey, rows, big_endian, w)?;
        let (bound, sigma_256) = ((0.5 * noise.step) as i64, (256.0 * noise.sigma).round() as i64);
        let surveyed = survey.surveyed();
        let (low, high) = surveyed.ends.filter(|_| order.kind != Kind::Float && bound > 0)?;
        let (dtype, markers, ends) = (survey.dtype(), surveyed.markers, (centred(order, low), centred(order, high)));
        let values = values.samples();
        Some(Movable { dtype, big_endian, markers, noise, sigma_256: sigma_256.max(1), bound, ends, values })
    }

    /// What a sample becomes that would best be `there`: of the values that occur the nearest one within the bound.
    pub fn nearest(&self, here: i64, there: i64) -> i64 {
        if self.values.is_empty() {
            return there;
        }
        let above = self.values.partition_point(|&value| value <= there);
        let both = self.values[above.saturating_sub(1)..].iter().copied().take(2);
        let within = both.filter(|value| value.abs_diff(here) <= self.bound.unsigned_abs());
        within.min_by_key(|value| value.abs_diff(there)).unwrap_or(here)
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
            let of = Movable {
                dtype,
                big_endian: true,
                markers,
                noise,
                sigma_256: 512,
                bound: 2,
                ends: (0, 0),
                values: Vec::new(),
            };
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
        let mut values = Values::new(Dtype::U16);
        values.update(&rows, false);
        let of = |loss| Movable::of(loss, (&survey, &values), &rows, false, 100);
        assert!(of(Loss::Denoise(0.01)).is_none() && of(Loss::NoiseStep(0.01)).is_none());
        let movable = of(Loss::Denoise(2.0)).unwrap();
        assert_eq!(movable.bound, (2.0 * movable.noise.sigma) as i64);
        // squares leave 0, 1, 2 and 4 when they are divided by 7
        assert_eq!(movable.values, [90, 91, 92, 94].map(|x| x - 32768));
        assert_eq!(movable.ends, (90 - 32768, 94 - 32768));
        let movable = Movable { bound: 2, ..movable };
        let nearest = |here: i64, there: i64| movable.nearest(here - 32768, there - 32768) + 32768;
        assert_eq!([nearest(92, 93), nearest(94, 93), nearest(91, 70), nearest(91, 99)], [92, 92, 90, 91]);
    }
}
