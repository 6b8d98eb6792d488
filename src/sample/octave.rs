//! log₂ x = e + 2/ln 2 · (z + z³/3 + z⁵/5 + …),  z = (m − 1)/(m + 1),  x = m·2^e          2^y = 2^n · Σ tᵏ/k!,  t = (y − n)·ln 2
//!
//! The floats of logarithmic maps. A decoder must come to the same samples on every machine, and no library promises that of its
//! logarithms: here are + − × ÷ in one order, which IEEE fixes. How near the series come decides nothing: samples are checked.

use std::f64::consts::{LN_2, LOG2_E, SQRT_2};

const N_LOG2_TERMS: usize = 10;
const N_EXP2_TERMS: usize = 13;

/// 1/k.
const fn reciprocals<const N: usize>(first: usize, step: usize) -> [f64; N] {
    let mut all = [0.0; N];
    let mut i = 0;
    while i < N {
        all[i] = 1.0 / (first + i * step) as f64;
        i += 1;
    }
    all
}

const ODD: [f64; N_LOG2_TERMS] = reciprocals(1, 2);
const WHOLE: [f64; N_EXP2_TERMS] = reciprocals(1, 1);

/// 2^e of a normal float, −1022 ≤ e ≤ 1023.
pub fn power(e: i32) -> f64 {
    f64::from_bits(((e + 1023) as u64) << 52)
}

/// Of a finite x above 0.
pub fn log2(x: f64) -> f64 {
    let (x, below) = if x < power(-1022) { (x * power(64), 64) } else { (x, 0) };
    let bits = x.to_bits();
    let mut e = (bits >> 52) as i32 - 1023 - below;
    let mut m = f64::from_bits(bits & ((1 << 52) - 1) | 1023 << 52);
    if m > SQRT_2 {
        m *= 0.5;
        e += 1;
    }
    let z = (m - 1.0) / (m + 1.0);
    let square = z * z;
    let sum = ODD.iter().rev().fold(0.0, |sum, c| sum * square + c);
    f64::from(e) + 2.0 * z * sum * LOG2_E
}

/// Of −1100 < y < 1024; what lies beyond comes out as 0 or as infinity.
pub fn exp2(y: f64) -> f64 {
    let y = y.clamp(-1100.0, 1100.0);
    let n = y.round_ties_even();
    let t = (y - n) * LN_2;
    let sum = WHOLE.iter().rev().fold(1.0, |sum, c| 1.0 + sum * t * c);
    let n = n as i32;
    // 2^n itself may be no float
    sum * power(n / 2) * power(n - n / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_of_two_are_exact_and_the_two_undo_each_other() {
        for e in -1074..1024 {
            let x = exp2(f64::from(e));
            assert_eq!(x, if e < -1022 { f64::from_bits(1 << (e + 1074)) } else { power(e) }, "2^{e}");
            assert_eq!(log2(x), f64::from(e));
        }
        let mut x = 3.1e-320;
        while x < 1e308 {
            // rounding of y alone moves 2^y by 1100 · 2⁻⁵³, and a denormal has few bits
            let off = (exp2(log2(x)) / x - 1.0).abs();
            assert!(off < 1e-12 + 1e-323 / x, "{x}: {off}");
            x *= 1.37;
        }
    }

    #[test]
    fn what_no_float_holds_is_zero_or_infinite() {
        assert_eq!((exp2(-1.0e9), exp2(1025.0), exp2(f64::INFINITY)), (0.0, f64::INFINITY, f64::INFINITY));
    }
}
