//! C(x) = Σₖ wₖ · sigmoid((x − ½ − μₖ) / σₖ)          the interval of symbol x is [C(x), C(x + 1)) in 2²⁴
//!
//! z = |x − ½ − μ| · 2^(15 − λ/256), saturating at 16; the sigmoid is 32 segments of eight straight pieces each. C rises by
//! at least 1 per symbol, is 0 at the first of the window and 2²⁴ behind the last.

use super::ONE;
use super::mixture::{Mixtures, Window};
use super::tables::{EXP2_8192, SIGMOID_CURVE, SIGMOID_SLOPE, SIGMOID_VALUE};

/// log2 of the total width.
pub const PRECISION: usize = 24;

/// 2²⁰ · sigmoid(z / 2¹⁵) for 0 ≤ z < 2¹⁹.
#[inline(always)]
pub fn sigmoid(z: i32) -> i32 {
    let segment = (z >> 14) as usize;
    let (eighth, f) = ((z >> 11) & 7, z & 2047);
    let (slope, curve) = (SIGMOID_SLOPE[segment], SIGMOID_CURVE[segment]);
    SIGMOID_VALUE[segment] + eighth * (slope - eighth * curve) + ((f * (slope - (2 * eighth + 1) * curve)) >> 11)
}

/// 2²⁰ · sigmoid((x − μ) / σ), x and μ in 1/64 int, λ = 256 · log2 σ.
#[inline(always)]
pub fn logistic(x: i32, location: i32, log2_scale: i32) -> i32 {
    let d = x - location;
    let (e, f) = (log2_scale >> 8, log2_scale & 255);
    let near = d.abs().min((1 << (e + 4)) - 1);
    let scaled = if e <= 15 { near << (15 - e) } else { near >> (e - 15) };
    let z = ((scaled as u32 * EXP2_8192[f as usize] as u32) >> 13) as i32;
    if d < 0 { (1 << 20) - sigmoid(z) } else { sigmoid(z) }
}

/// How the symbols of a run are distributed: a mixture for each cell, in a window around its prediction.
#[derive(Clone, Copy)]
pub struct Distributions<'a> {
    pub mixtures: &'a Mixtures,
    pub window: Window,
    pub b: &'a [i32],
}

/// C at the lower edge of int x, for cell i, in a window that begins at `low`.
#[inline(always)]
pub fn cumulative(of: Distributions, i: usize, low: i32, x: i32) -> u32 {
    let (m, n) = (of.mixtures, of.window.n_symbols());
    let symbol = (x - low) as u32;
    if symbol == 0 {
        return 0;
    }
    if symbol == n {
        return 1 << PRECISION;
    }
    let edge = x * ONE - ONE / 2;
    let mut sum = 0u32;
    for k in 0..m.k {
        let at = k * m.stride + i;
        sum += m.weight[at] as u32 * logistic(edge, m.location[at], m.log2_scale[at]) as u32;
    }
    (sum >> 8) + symbol
}

/// (start, width) of every int of a run; an int beyond the window is coded as the window's end, see `beyond`.
pub fn intervals(of: Distributions, ints: &[i32], start: &mut [u32], width: &mut [u32]) {
    for (i, &x) in ints.iter().enumerate() {
        let low = of.window.low(of.b[i]);
        let x = x.clamp(low, low + of.window.n_symbols() as i32 - 1);
        start[i] = cumulative(of, i, low, x);
        width[i] = cumulative(of, i, low, x + 1) - start[i];
    }
}

/// The int whose interval holds a quantile, and that interval; for cell i.
pub fn invert(of: Distributions, i: usize, quantile: u32) -> (i32, u32, u32) {
    let low = of.window.low(of.b[i]);
    let (mut below, mut above) = (low, low + of.window.n_symbols() as i32);
    // C(below) <= quantile < C(above)
    while above - below > 1 {
        let middle = below + ((above - below) >> 1);
        if cumulative(of, i, low, middle) <= quantile {
            below = middle;
        } else {
            above = middle;
        }
    }
    let start = cumulative(of, i, low, below);
    (below, start, cumulative(of, i, low, below + 1) - start)
}

/// −256 · log2 of the probability of intervals of these widths.
pub fn cost(width: &[u32]) -> i64 {
    width.iter().map(|&w| i64::from(PRECISION as i32 * 256 - super::log2::log2(w as i32))).sum()
}

/// How far an int lies at or beyond the end of an escaping window; None inside. Coded after the symbol, in 24 plain bits.
#[inline(always)]
pub fn beyond(window: Window, b: i32, coded: i32, int: i32) -> Option<u32> {
    if !window.escapes() {
        return None;
    }
    let low = window.low(b);
    (coded <= low || coded >= low + 65535).then(|| int.abs_diff(coded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sigmoid_never_falls_and_stays_in_its_half() {
        let mut last = 1 << 19;
        for z in 0..1 << 19 {
            let s = sigmoid(z);
            assert!((last..=1 << 20).contains(&s), "at {z}");
            last = s;
        }
        assert_eq!((sigmoid(0), last), (1 << 19, 1 << 20));
    }

    #[test]
    fn a_logistic_never_falls_whatever_its_scale() {
        for log2_scale in [256i32, 257, 511, 1024, 15 * 256 - 1, 15 * 256, 16 * 256 + 77, 24 * 256 - 1] {
            let mut last = 0;
            for step in -5000..5000 {
                let x = step << ((log2_scale >> 8i32).max(7) - 7);
                let s = logistic(x, 13, log2_scale);
                assert!(s >= last, "{log2_scale} at {x}");
                last = s;
            }
        }
        assert_eq!(logistic(-(1 << 29), 1 << 29, 256), 0);
        assert_eq!(logistic(1 << 29, -(1 << 29), 256), 1 << 20);
    }

    #[test]
    fn inverting_gives_back_the_symbol_at_both_ends_of_its_interval() {
        let mut m = Mixtures::new(2, 1);
        (m.location, m.log2_scale, m.weight) = (vec![6400, 9000], vec![1500, 2300], vec![3000, 1095]);
        let of = Distributions { mixtures: &m, window: Window { max: 4095 }, b: &[0] };
        for int in [0, 1, 50, 99, 100, 101, 140, 200, 4094, 4095] {
            let (mut start, mut width) = ([0], [0]);
            intervals(of, &[int], &mut start, &mut width);
            assert!(width[0] > 0);
            assert_eq!(invert(of, 0, start[0]), (int, start[0], width[0]));
            assert_eq!(invert(of, 0, start[0] + width[0] - 1), (int, start[0], width[0]));
        }
    }
}
