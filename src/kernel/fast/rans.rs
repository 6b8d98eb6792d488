//! kernel::rans with the instructions of a door: the compiler makes vectors of its loops.
//!
//! No vector divides 64 bits, so floats do. Their quotient is one too large at most and is put right, so that no bit depends on a float.

use super::lanes::Lanes;
use crate::kernel::rans::{self, Divide, N, Symbol, Words};

struct ByFloats;

impl Divide for ByFloats {
    #[inline(always)]
    fn divide(state: u64, width: u64) -> (u64, u64) {
        // the sum with 2⁵² has the nearest integer in its lower bits: the quotient, or one more
        let nearest = (state as f64 / width as f64 + (1u64 << 52) as f64).to_bits() & ((1 << 52) - 1);
        let rest = state.wrapping_sub(nearest * width);
        let is_above = (rest as i64) < 0;
        if is_above { (nearest - 1, rest.wrapping_add(width)) } else { (nearest, rest) }
    }
}

#[inline(always)]
pub fn push<V: Lanes>(states: &mut [u64; N], symbols: &[Symbol; N]) -> [Words; 2] {
    rans::push::<ByFloats>(states, symbols)
}

#[inline(always)]
pub fn pop<V: Lanes>(states: &mut [u64; N], start: &[u32; N], width: &[u32; N]) -> [u8; N] {
    rans::pop(states, start, width)
}

#[inline(always)]
pub fn pop_plain<V: Lanes>(states: &mut [u64; N], n: &[u32; N], out: &mut [u32; N]) -> [u8; N] {
    rans::pop_plain(states, n, out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::rans::Plainly;
    use crate::synthetic::Lcg;

    #[test]
    fn a_quotient_of_floats_that_is_put_right_is_that_of_integers() {
        let mut random = Lcg(3);
        let drawn = (0..3000).map(|_| 1 + u64::from(random.below(65_536)));
        for width in (1..300).chain((0..3000).map(|i| 65_536 - i)).chain(drawn) {
            let last = (width << 48).wrapping_sub(1);
            for shift in [0, 1, 5, 17, 30, 47] {
                let q = (last >> shift) / width;
                for x in [q * width, (q * width).wrapping_sub(1), q * width + width - 1, 0, 1] {
                    let x = x.min(last);
                    assert_eq!(ByFloats::divide(x, width), Plainly::divide(x, width), "{x} / {width}");
                }
            }
        }
    }
}
