//! m ← β₁ m + (1 − β₁) g      v ← β₂ v + (1 − β₂) g²      w ← w − rate · (m / (1 − β₁ᵗ)) / (√(v / (1 − β₂ᵗ)) + ε)
//!
//! On plain floats, not on tensors: the whole state is two lists, so a training can be put down and taken up again to
//! the bit.

const BETA_1: f32 = 0.9;
const BETA_2: f32 = 0.999;
const EPSILON: f32 = 1e-8;

#[derive(Clone, Debug, PartialEq)]
pub struct Adam {
    /// m and v, one per weight.
    pub first: Vec<f32>,
    pub second: Vec<f32>,
}

impl Adam {
    pub fn new(n: usize) -> Adam {
        Adam { first: vec![0.0; n], second: vec![0.0; n] }
    }

    /// The step number `t`, from 1.
    pub fn step(&mut self, t: u64, rate: f64, weights: &mut [f32], gradients: &[f32]) {
        assert_eq!((weights.len(), gradients.len()), (self.first.len(), self.second.len()), "one gradient per weight");
        let t = t.min(1 << 20) as i32; // by then both powers are 0
        let correction_1 = (1.0 - f64::from(BETA_1).powi(t)) as f32;
        let correction_2 = (1.0 - f64::from(BETA_2).powi(t)) as f32;
        let rate = rate as f32;
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((w, &g), (m, v)) in weights.iter_mut().zip(gradients).zip(moments) {
            *m = BETA_1 * *m + (1.0 - BETA_1) * g;
            *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
            *w -= rate * (*m / correction_1) / ((*v / correction_2).sqrt() + EPSILON);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_is_the_rate_against_the_sign_of_the_gradient() {
        let mut weights = [1.0, 1.0, 1.0];
        Adam::new(3).step(1, 0.25, &mut weights, &[1e-3, -40.0, 0.0]);
        // but for epsilon and the rounding of 1 − β
        assert!((weights[0] - 0.75).abs() < 1e-4 && (weights[1] - 1.25).abs() < 1e-4, "{weights:?}");
        assert_eq!(weights[2], 1.0);
    }

    #[test]
    fn a_bowl_is_descended() {
        let (mut adam, mut weights) = (Adam::new(2), [3.0f32, -2.0]);
        for t in 1..=400 {
            let gradients = weights.map(|w| 2.0 * (w - 0.5));
            adam.step(t, 0.05, &mut weights, &gradients);
        }
        assert!(weights.iter().all(|w| (w - 0.5).abs() < 1e-3), "{weights:?}");
    }
}
