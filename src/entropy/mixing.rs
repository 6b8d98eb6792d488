//! p = squash(Σ wᵢ · stretch(pᵢ))        several opinions of the next bit, and how far each is to be trusted
//!
//! Counters have the opinions, each of its contexts; the weights of a mixer follow what was right.

use crate::kernel::interval::sigmoid;
use std::sync::OnceLock;

/// Largest |stretch|, in 1/256.
const MAX_STRETCH: i32 = 2047;
/// Weights, in 2⁻¹⁶.
const MAX_WEIGHT: i32 = 1 << 20;
const RATE: i32 = 6;
/// ⌊2¹⁴ / (n + 1½)⌋.
const RATES: [i32; 256] = {
    let mut rates = [0; 256];
    let mut n = 0;
    while n < 256 {
        rates[n] = (1 << 15) / (2 * n as i32 + 3);
        n += 1;
    }
    rates
};

/// 2¹⁶ · sigmoid(d / 256), 16 … 65 520.
fn squash(d: i32) -> u32 {
    let z = d.abs() << 7;
    let p = if d < 0 { (1 << 20) - sigmoid(z) } else { sigmoid(z) };
    (p >> 4).clamp(16, 65_520) as u32
}

/// The inverse by ⌊p / 16⌋: the smallest d with squash(d) ≥ 16·⌊p / 16⌋ + 8, or the largest.
#[derive(Clone, Copy)]
pub struct Stretch(&'static [i16; 4096]);

impl Default for Stretch {
    fn default() -> Stretch {
        static TABLE: OnceLock<Box<[i16; 4096]>> = OnceLock::new();
        Stretch(TABLE.get_or_init(|| {
            let mut d = -MAX_STRETCH;
            let entry = |i: usize| {
                while d < MAX_STRETCH && squash(d) < 16 * i as u32 + 8 {
                    d += 1;
                }
                d as i16
            };
            let entries: Vec<i16> = (0..4096).map(entry).collect();
            entries.try_into().expect("there are 4096 of them")
        }))
    }
}

impl Stretch {
    #[inline(always)]
    pub fn of(self, p: u16) -> i32 {
        i32::from(self.0[usize::from(p >> 4)])
    }
}

/// How likely a 1 is in a context, in 2¹⁶, and how often the context was met.
#[derive(Clone, Copy)]
pub struct Counter {
    pub p: u16,
    n: u8,
}

impl Counter {
    pub const EVEN: Counter = Counter { p: 32_768, n: 0 };

    /// It learns by 1 / (n + 1½), n up to `limit`.
    #[inline(always)]
    pub fn learn(&mut self, bit: u32, limit: u8) {
        let target = if bit == 1 { 65_535 } else { 0 };
        let p = i32::from(self.p);
        self.p = (p + (((target - p) * RATES[usize::from(self.n)] + (1 << 13)) >> 14)) as u16;
        self.n = (self.n + 1).min(limit);
    }
}

/// `squash` by |d| ≤ 2047, looked up.
#[derive(Clone, Copy)]
pub struct Squash(&'static [u16; 2 * MAX_STRETCH as usize + 1]);

impl Default for Squash {
    fn default() -> Squash {
        static TABLE: OnceLock<[u16; 2 * MAX_STRETCH as usize + 1]> = OnceLock::new();
        Squash(TABLE.get_or_init(|| std::array::from_fn(|i| squash(i as i32 - MAX_STRETCH) as u16)))
    }
}

impl Squash {
    #[inline(always)]
    pub fn of(self, d: i32) -> u32 {
        u32::from(self.0[(d.clamp(-MAX_STRETCH, MAX_STRETCH) + MAX_STRETCH) as usize])
    }
}

/// Sets of weights, one for each way of looking at what is known.
pub struct Mixer<const N: usize> {
    weights: Vec<[i32; N]>,
}

impl<const N: usize> Mixer<N> {
    pub fn new(n_sets: usize, first_weight: i32) -> Mixer<N> {
        Mixer { weights: vec![[first_weight; N]; n_sets] }
    }

    #[inline(always)]
    pub fn p(&self, set: usize, inputs: &[i32; N]) -> u32 {
        let sum: i64 = inputs.iter().zip(&self.weights[set]).map(|(x, w)| i64::from(*x) * i64::from(*w)).sum();
        squash((sum >> 16).clamp(i64::from(-MAX_STRETCH), i64::from(MAX_STRETCH)) as i32)
    }

    #[inline(always)]
    pub fn learn(&mut self, set: usize, inputs: &[i32; N], p: u32, bit: u32) {
        let error = ((bit << 16) as i32 - p as i32) * RATE;
        for (w, x) in self.weights[set].iter_mut().zip(inputs) {
            *w = (*w + ((x * error + (1 << 17)) >> 18)).clamp(-MAX_WEIGHT, MAX_WEIGHT);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretch_undoes_squash() {
        for d in -MAX_STRETCH..=MAX_STRETCH {
            let back = i32::from(Stretch::default().0[squash(d) as usize >> 4]);
            // an entry stands for 16 probabilities, and a step of d for up to 64
            assert!(squash(back).abs_diff(squash(d)) <= 16 + 64, "{d} {back}");
        }
        let table = Stretch::default().0;
        assert!(table.is_sorted() && table[0] < -1000 && table[4095] > 1000);
    }
}
