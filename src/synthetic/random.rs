//! Seeded generators: the same numbers on every machine.
//!
//! ```text
//! Lcg        x ← 1664525 x + 1013904223 mod 2³²      ints; the high bits are the good ones
//! Xorshift   xorshift64*                             floats
//! ```

/// A linear congruential generator, and its state.
pub struct Lcg(pub u32);

impl Lcg {
    /// The n highest bits of the next state, 1 to 32.
    pub fn bits(&mut self, n: u32) -> u32 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        self.0 >> (32 - n)
    }

    /// In 0..n.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits(32)) * u64::from(n)) >> 32) as u32
    }

    /// −n..=n.
    pub fn within(&mut self, n: i32) -> i32 {
        self.below(2 * n as u32 + 1) as i32 - n
    }

    /// About bell-shaped, with deviation near n.
    pub fn bell(&mut self, n: i32) -> i32 {
        (0..3).map(|_| self.within(n)).sum()
    }

    /// 0..=max, of every size, with the ends of the range among them.
    pub fn extreme(&mut self, max: i32) -> i32 {
        let noise = ((u64::from(self.bits(24)) * (max as u64 + 1)) >> 24) as i32;
        match self.bits(24) % 8 {
            0 => 0,
            1 => max,
            2 => noise >> (self.bits(24) % 20),
            3 => max - (noise >> (self.bits(24) % 20)),
            4 | 5 => (max >> 1) + (noise >> 8),
            _ => noise,
        }
    }

    /// −max..=max, as `extreme`.
    pub fn signed(&mut self, max: i32) -> i32 {
        if self.bits(24) & 1 == 0 { self.extreme(max) } else { -self.extreme(max) }
    }
}

/// xorshift64*, and its state.
pub struct Xorshift(u64);

impl Xorshift {
    pub fn new(seed: u64) -> Xorshift {
        Xorshift(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// In 0..1.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }

    /// Mean 0, σ 1: the sum of twelve uniforms of 16 bits each.
    pub fn normal(&mut self) -> f64 {
        let sum: u64 = (0..3).map(|_| self.bits()).map(|b| (0..4).map(|i| b >> (16 * i) & 0xffff).sum::<u64>()).sum();
        (sum as f64 + 6.0) / 65536.0 - 6.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_normal_numbers_have_mean_0_and_sigma_1() {
        let mut random = Xorshift::new(1);
        let n = 100_000;
        let x: Vec<f64> = (0..n).map(|_| random.normal()).collect();
        let mean = x.iter().sum::<f64>() / n as f64;
        let sigma = (x.iter().map(|x| x * x).sum::<f64>() / n as f64).sqrt();
        assert!(mean.abs() < 0.01 && (sigma - 1.0).abs() < 0.01, "{mean} {sigma}");
    }
}
