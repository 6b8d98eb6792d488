//! e ← mean of the latents that chose it, of late          chosen: the nearest code, whose gradient is the latent's
//!
//! Codes begin as the k-means of many latents; one that nobody chooses begins anew where a latent is.

use crate::net::shape::CEILING;
use crate::random::Random;
use burn::tensor::{Device, Tensor, TensorData};
use collapsar::internals::error::Result;
use collapsar::internals::model::vqae::Codebook;

/// Of a codebook's means, per step.
const DECAY: f32 = 0.99;
/// A code chosen less often per step, on average, begins anew.
const SELDOM: f32 = 0.02;
/// Steps whose latents the first codes are means of, and rounds of k-means.
pub const N_MEANT: usize = 24;
const N_ROUNDS: usize = 12;

/// What stands for latents, how far it is from them, the latents in floats, the numbers of their codes.
pub type Choice = (Tensor<2>, Tensor<1>, Vec<f32>, Vec<usize>);

/// Codes in floats, and the means that they follow.
#[derive(Clone)]
pub struct Codes {
    width: usize,
    codes: Vec<f32>,
    n: Vec<f32>,
    sums: Vec<f32>,
}

impl Codes {
    pub fn new(n: usize, width: usize) -> Codes {
        Codes { width, codes: vec![0.0; n * width], n: vec![0.0; n], sums: vec![0.0; n * width] }
    }

    /// Codes as `lists` has them, none where these are not as long as so many codes are.
    pub fn from_lists(n: usize, width: usize, lists: [&Vec<f32>; 3]) -> Option<Codes> {
        let [codes, counts, sums] = lists.map(Vec::clone);
        let fits = (codes.len(), counts.len(), sums.len()) == (n * width, n, n * width);
        fits.then_some(Codes { width, codes, n: counts, sums })
    }

    /// All that they are.
    pub fn lists(&self) -> [Vec<f32>; 3] {
        [self.codes.clone(), self.n.clone(), self.sums.clone()]
    }

    fn nearest(&self, z: &[f32]) -> usize {
        let distance = |code: &[f32]| code.iter().zip(z).map(|(e, z)| (e - z) * (e - z)).sum::<f32>();
        let all = self.codes.chunks_exact(self.width).map(distance).enumerate();
        all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(i, _)| i)
    }

    /// The means of many latents, each the nearest of its own.
    pub fn begin(&mut self, z: &[f32], random: &mut Random) {
        let rows: Vec<&[f32]> = z.chunks_exact(self.width).collect();
        for code in self.codes.chunks_exact_mut(self.width) {
            code.copy_from_slice(rows[random.below(rows.len())]);
        }
        for _ in 0..N_ROUNDS {
            self.n.fill(0.0);
            self.sums.fill(0.0);
            for z in &rows {
                let i = self.nearest(z);
                self.n[i] += 1.0;
                self.sums[i * self.width..][..self.width].iter_mut().zip(*z).for_each(|(s, z)| *s += z);
            }
            for (i, &n) in self.n.iter().enumerate() {
                for j in i * self.width..(i + 1) * self.width {
                    self.codes[j] =
                        if n > 0.0 { self.sums[j] / n } else { rows[random.below(rows.len())][j % self.width] };
                }
            }
        }
        // as if they had been followed for long
        for (i, n) in self.n.iter_mut().enumerate() {
            *n = (*n / N_MEANT as f32).max(SELDOM);
            let means = self.codes[i * self.width..][..self.width].iter();
            self.sums[i * self.width..][..self.width].iter_mut().zip(means).for_each(|(s, e)| *s = e * *n);
        }
    }

    /// Where latents are, where a code is hardly ever chosen.
    pub fn renew(&mut self, z: &[f32], live: &[bool], random: &mut Random) {
        let rows: Vec<&[f32]> =
            z.chunks_exact(self.width).zip(live).filter(|(_, live)| **live).map(|(z, _)| z).collect();
        for i in 0..self.n.len() {
            if self.n[i] < SELDOM && !rows.is_empty() {
                let z = rows[random.below(rows.len())];
                self.codes[i * self.width..][..self.width].copy_from_slice(z);
                self.sums[i * self.width..][..self.width].copy_from_slice(z);
                self.n[i] = 1.0;
            }
        }
    }

    pub fn follow(&mut self, z: &[f32], live: &[bool], chosen: &[usize]) {
        self.n.iter_mut().chain(&mut self.sums).for_each(|x| *x *= DECAY);
        for ((z, _), &i) in z.chunks_exact(self.width).zip(live).zip(chosen).filter(|((_, live), _)| **live) {
            self.n[i] += 1.0 - DECAY;
            self.sums[i * self.width..][..self.width].iter_mut().zip(z).for_each(|(s, z)| *s += (1.0 - DECAY) * z);
        }
        for (i, n) in self.n.iter().enumerate().filter(|(_, n)| **n > 0.0) {
            for j in i * self.width..(i + 1) * self.width {
                self.codes[j] = (self.sums[j] / n).clamp(0.0, CEILING);
            }
        }
    }

    pub fn export(&self) -> Result<Codebook> {
        Codebook::new(self.width, self.codes.iter().map(|e| (e * 32.0).round().clamp(0.0, 127.0) as u8).collect())
    }

    /// The codes of latents, with the gradient of the latents, and how far these are from them.
    pub fn choose(&self, z: &Tensor<2>, live: &[bool], quantised: bool) -> Choice {
        let floats = z.clone().into_data().try_into_vec::<f32>().expect("latents are f32");
        let chosen: Vec<usize> = floats.chunks_exact(self.width).map(|z| self.nearest(z)).collect();
        let round = |e: f32| if quantised { (e * 32.0).round() / 32.0 } else { e };
        let code = |(&i, &live): (&usize, &bool)| {
            let codes = self.codes[i * self.width..][..self.width].iter();
            codes.map(move |&e| if live { round(e) } else { 0.0 }).collect::<Vec<f32>>()
        };
        let codes: Vec<f32> = chosen.iter().zip(live).flat_map(code).collect();
        let e = Tensor::<2>::from_data(TensorData::new(codes, z.dims()), &z.device());
        let z = z.clone() * mask(live, &z.device());
        let error = e - z.clone().detach();
        let apart = (z.clone() - (z.clone() + error.clone()).detach()).powi_scalar(2).mean();
        (z + error, apart, floats, chosen)
    }
    /// Latents as they are.
    pub fn leave(&self, z: &Tensor<2>, live: &[bool]) -> Choice {
        let floats = z.clone().into_data().try_into_vec::<f32>().expect("latents are f32");
        let chosen = vec![0; live.len()];
        (z.clone() * mask(live, &z.device()), Tensor::zeros([1], &z.device()), floats, chosen)
    }
}

/// 1 where a cell is seen.
fn mask(live: &[bool], device: &Device) -> Tensor<2> {
    let mask: Vec<f32> = live.iter().map(|&live| f32::from(u8::from(live))).collect();
    Tensor::from_data(TensorData::new(mask, [live.len(), 1]), device)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_find_the_clusters_that_there_are_and_follow_them() {
        let mut random = Random::new(3);
        let centers = [[0.5f32, 3.0], [3.0, 0.5], [2.0, 2.0]];
        let around = |random: &mut Random| centers[random.below(3)].map(|x| x + 0.1 * (random.unit() as f32 - 0.5));
        let z: Vec<f32> = (0..300).flat_map(|_| around(&mut random)).collect();
        let mut codes = Codes::new(12, 2);
        codes.begin(&z, &mut random);
        let far = |codes: &Codes, z: &[f32]| {
            let code = codes.nearest(z);
            codes.codes[2 * code..][..2].iter().zip(z).map(|(e, z)| (e - z).abs()).fold(0.0, f32::max)
        };
        let n_found = centers.iter().filter(|center| far(&codes, &center[..]) < 0.1).count();
        assert_eq!(n_found, centers.len(), "{:?}", codes.codes);
        for _ in 0..900 {
            let z = [1.0, 1.0];
            let chosen = [codes.nearest(&z)];
            codes.follow(&z, &[true], &chosen);
        }
        assert!(far(&codes, &[1.0, 1.0]) < 0.01, "{:?}", codes.codes);
    }

    #[test]
    fn a_cell_that_is_not_seen_has_a_code_of_zeros() {
        let mut codes = Codes::new(2, 2);
        codes.begin(&[1.0, 1.0, 2.0, 2.0], &mut Random::new(1));
        let z = Tensor::<2>::from_data(TensorData::new(vec![1.1f32, 1.0, 1.1, 1.0], [2, 2]), &Device::flex());
        let (e, ..) = codes.choose(&z, &[true, false], true);
        let e = e.into_data().try_into_vec::<f32>().unwrap();
        assert!(e[0] > 0.9 && e[2..] == [0.0, 0.0], "{e:?}");
    }
}
