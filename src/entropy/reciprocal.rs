//! ⌊x / d⌋ = ⌊(x + r)·m / 2^(64+s)⌋        for 1 ≤ d ≤ 2¹² and x < d·2⁵²
//!
//! With s = ⌊log₂ d⌋ take m = ⌊(2^(64+s) − 1) / d⌋ and r = 1, or m one more and r = 0, and let e be how far m·d is from
//! 2^(64+s), on either side. The formula is exact where e·(x + r) ≤ 2^(64+s) (below: e·x < 2^(64+s)). Up to s = 10 that always
//! holds for r = 1, as e ≤ d < 2^(s+1); for s = 11 it holds where e ≤ 2¹¹, and of the two e, which add up to d, one is that
//! small. For d = 2¹², x + 1 may be 2⁶⁴, wraps, and the quotient is wrong: the only caller multiplies it by 0.

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reciprocal {
    m: u64,
    r: u8,
    s: u8,
}

/// Of every d; that of 0 means nothing.
pub static RECIPROCALS: [Reciprocal; (1 << 12) + 1] = {
    let mut all = [Reciprocal { m: 0, r: 0, s: 0 }; (1 << 12) + 1];
    let mut d = 1;
    while d < all.len() {
        all[d] = Reciprocal::of(d as u32);
        d += 1;
    }
    all
};

impl Reciprocal {
    const fn of(d: u32) -> Reciprocal {
        let s = d.ilog2();
        let one = 1u128 << (64 + s);
        let m = (one - 1) / d as u128;
        let e = one - m * d as u128;
        let down = s != 11 || e <= 1 << 11;
        Reciprocal { m: if down { m } else { m + 1 } as u64, r: down as u8, s: s as u8 }
    }

    #[inline(always)]
    pub fn quotient(self, x: u64) -> u64 {
        let product = u128::from(x.wrapping_add(u64::from(self.r))) * u128::from(self.m);
        ((product >> 64) as u64) >> self.s
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_divisor_divides_like_a_division() {
        for d in 1..1u64 << 12 {
            let reciprocal = RECIPROCALS[d as usize];
            let last = (d << 52) - 1;
            // around multiples of d, where a quotient that is off by a little steps too early or too late
            let scattered = (0..64u64).map(|i| (last / d).wrapping_sub((1u64 << i) - 1).min(last / d));
            for q in (0..52).map(|i| 1u64 << i).chain(scattered).chain([0, 1, 2, 3]) {
                for x in [(q * d).saturating_sub(1), q * d, q * d + 1, q * d + d - 1].map(|x| x.min(last)) {
                    assert_eq!(reciprocal.quotient(x), x / d, "{x} / {d}");
                }
            }
        }
    }

    #[test]
    fn the_largest_divisor_divides_all_but_the_largest_number() {
        let reciprocal = RECIPROCALS[1 << 12];
        for x in [0, 1, 4095, 4096, 1 << 63, u64::MAX - 1] {
            assert_eq!(reciprocal.quotient(x), x >> 12);
        }
    }
}
