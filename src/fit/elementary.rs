//! 2^x = 2^n · Σ (r ln 2)^i / i!,  x = n + r          log2 x = n + 2/ln 2 · Σ t^(2i+1) / (2i + 1),  t = (m − 1) / (m + 1)
//!
//! In + − × ÷ and whole steps of exponents, so that every machine gives the same bits, and so plain that a compiler sees vectors.

use std::f32::consts::LN_2;

/// 1.5 · 2²³: added, it leaves the nearest whole number in the low bits.
const WHOLE: f32 = 12_582_912.0;

/// 2^x, good to 3e-7 of itself; beyond ±126 the value there.
#[inline(always)]
pub fn exp2(x: f32) -> f32 {
    let x = x.clamp(-126.0, 126.0);
    let shifted = x + WHOLE;
    let r = x - (shifted - WHOLE);
    let power = shifted.to_bits().wrapping_sub(WHOLE.to_bits()).wrapping_add(127) << 23;
    let sum = 0.001_333_355_8 + r * 0.000_154_035_3;
    let sum = 0.055_504_11 + r * (0.009_618_129 + r * sum);
    let sum = 1.0 + r * (LN_2 + r * (0.240_226_5 + r * sum));
    f32::from_bits(power) * sum
}

/// log2 x of a normal x > 0, good to 3e-7.
#[inline(always)]
pub fn log2(x: f32) -> f32 {
    const ROOT_HALF: u32 = 0x3f35_04f3;
    let n = x.to_bits().wrapping_sub(ROOT_HALF) as i32 >> 23;
    let m = f32::from_bits(x.to_bits().wrapping_sub((n << 23) as u32));
    let t = (m - 1.0) / (m + 1.0);
    let square = t * t;
    let sum = 0.577_078_04 + square * (0.412_198_57 + square * 0.320_598_9);
    n as f32 + t * (2.885_39 + square * (0.961_796_7 + square * sum))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_what_the_library_says() {
        for i in -126_000..126_000 {
            let x = i as f32 / 1000.0;
            let (mine, exact) = (f64::from(exp2(x)), f64::from(x).exp2());
            assert!((mine / exact - 1.0).abs() < 3e-7, "2^{x} = {mine}"); // two roundings of the sum, one of the product
            let (mine, exact) = (f64::from(log2(exp2(x))), f64::from(exp2(x)).log2());
            assert!((mine - exact).abs() < 3e-7 * exact.abs().max(1.0), "the logarithm of 2^{x} is {mine}");
        }
        assert_eq!((exp2(0.0), exp2(-3.0), log2(1.0), log2(0.25)), (1.0, 0.125, 0.0, -2.0));
        assert_eq!((exp2(1e30), exp2(-1e30)), (exp2(126.0), exp2(-126.0)));
    }
}
