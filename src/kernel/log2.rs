//! L(x) ≈ 256 · log2(x)          for 1 ≤ x < 2³¹
//!
//! The position of the highest bit, the eight bits behind it, and a parabola for the bend between powers of two
//! (at most 3.7/256 of an octave off; monotone, which is all that is needed).

#[inline(always)]
pub fn log2(x: i32) -> i32 {
    debug_assert!(x >= 1, "the logarithm of {x} was asked for");
    let zeros = x.leading_zeros() as i32;
    let m = ((((x as u32) << zeros) >> 23) & 255) as i32;
    ((31 - zeros) << 8) + m + ((m * (256 - m) * 88 + 32768) >> 16)
}

#[cfg(test)]
mod tests {
    use super::log2;

    #[test]
    fn powers_of_two_are_exact() {
        for n in 0..31 {
            assert_eq!(log2(1 << n), n << 8);
        }
    }

    #[test]
    fn it_never_falls() {
        for x in 1..1 << 20 {
            assert!(log2(x) <= log2(x + 1), "between {x} and the next");
        }
        assert!(log2(i32::MAX - 1) <= log2(i32::MAX));
        assert!(log2(i32::MAX) < 31 << 8);
    }
}
