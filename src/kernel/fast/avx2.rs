//! AVX2, with or without VNNI: sixteen lanes are two registers.

use super::lanes::{Lanes, N};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub struct Avx2<const VNNI: bool>(__m256i, __m256i);

/// Every intrinsic of this file is called through here.
macro_rules! call {
    ($name:ident $(::<$c:literal>)? ($($a:expr),*)) => {
        // SAFETY: methods of `Avx2` are inlined into the doors of this file alone, whose target features the dispatcher has
        // found on this machine; pointers come from arrays of the full size, gather indices are below the table's length.
        unsafe { $name$(::<$c>)?($($a),*) }
    };
}

/// One intrinsic on both halves.
macro_rules! both {
    ($name:ident $(::<$c:literal>)? ($x:expr, $y:expr)) => {
        Avx2(call!($name$(::<$c>)?($x.0, $y.0)), call!($name$(::<$c>)?($x.1, $y.1)))
    };
}

impl<const VNNI: bool> Avx2<VNNI> {
    #[inline(always)]
    fn gather(self, table: &'static [i32], below: i32) -> Self {
        debug_assert_eq!(table.len(), below as usize, "the mask is that of another table");
        let index = self.and(Self::splat(below - 1));
        Avx2(
            call!(_mm256_i32gather_epi32::<4>(table.as_ptr(), index.0)),
            call!(_mm256_i32gather_epi32::<4>(table.as_ptr(), index.1)),
        )
    }

    /// The exponent of the conversion is the position of the highest bit, and its mantissa begins with the bits behind: there
    /// is no instruction that counts zeros. Clearing the bit 16 places behind the highest keeps every rounding away from the nine bits
    /// that are used, whatever the rounding mode; no arithmetic is done on the result.
    #[inline(always)]
    fn biased_octaves(self) -> Self {
        let high = self.shr(Self::splat(16));
        let cut: Self = both!(_mm256_andnot_si256(high, self));
        let (low, high) = (call!(_mm256_cvtepi32_ps(cut.0)), call!(_mm256_cvtepi32_ps(cut.1)));
        let bits: Self = Avx2(call!(_mm256_castps_si256(low)), call!(_mm256_castps_si256(high)));
        bits.shr(Self::splat(15))
    }
}

impl<const VNNI: bool> Lanes for Avx2<VNNI> {
    type Mask = Self;
    type Words = Self;
    const OCTAVE_BIAS: i32 = 127 << 8;
    const WIDE: bool = false;

    #[inline(always)]
    fn load(from: &[i32; N]) -> Self {
        let (low, high) = from.split_at(8);
        Avx2(call!(_mm256_loadu_si256(low.as_ptr().cast())), call!(_mm256_loadu_si256(high.as_ptr().cast())))
    }
    #[inline(always)]
    fn store(self, to: &mut [i32; N]) {
        let (low, high) = to.split_at_mut(8);
        call!(_mm256_storeu_si256(low.as_mut_ptr().cast(), self.0));
        call!(_mm256_storeu_si256(high.as_mut_ptr().cast(), self.1));
    }
    #[inline(always)]
    fn splat(x: i32) -> Self {
        let x = call!(_mm256_set1_epi32(x));
        Avx2(x, x)
    }
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        both!(_mm256_add_epi32(self, y))
    }
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        both!(_mm256_sub_epi32(self, y))
    }
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        both!(_mm256_mullo_epi32(self, y))
    }
    #[inline(always)]
    fn mul_halves(self, y: Self) -> Self {
        both!(_mm256_madd_epi16(self, y))
    }
    #[inline(always)]
    fn mul_fraction(self, y: Self) -> Self {
        both!(_mm256_mulhrs_epi16(self, y))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Avx2(call!(_mm256_abs_epi32(self.0)), call!(_mm256_abs_epi32(self.1)))
    }
    #[inline(always)]
    fn min(self, y: Self) -> Self {
        both!(_mm256_min_epi32(self, y))
    }
    #[inline(always)]
    fn max(self, y: Self) -> Self {
        both!(_mm256_max_epi32(self, y))
    }
    #[inline(always)]
    fn and(self, y: Self) -> Self {
        both!(_mm256_and_si256(self, y))
    }
    #[inline(always)]
    fn or(self, y: Self) -> Self {
        both!(_mm256_or_si256(self, y))
    }
    #[inline(always)]
    fn shl(self, n: Self) -> Self {
        both!(_mm256_sllv_epi32(self, n))
    }
    #[inline(always)]
    fn sar(self, n: Self) -> Self {
        both!(_mm256_srav_epi32(self, n))
    }
    #[inline(always)]
    fn shr(self, n: Self) -> Self {
        both!(_mm256_srlv_epi32(self, n))
    }
    /// A shift by a negative count gives 0, so one of the two is the answer; by 0 both are.
    #[inline(always)]
    fn scale(self, e: Self) -> Self {
        let up = Self::splat(15).sub(e);
        let down = e.sub(Self::splat(15));
        self.shl(up).or(self.shr(down))
    }
    #[inline(always)]
    fn octaves(self) -> Self {
        self.biased_octaves().sub(Self::splat(Self::OCTAVE_BIAS))
    }
    #[inline(always)]
    fn gt(self, y: Self) -> Self {
        both!(_mm256_cmpgt_epi32(self, y))
    }
    #[inline(always)]
    fn equal(self, y: Self) -> Self {
        both!(_mm256_cmpeq_epi32(self, y))
    }
    #[inline(always)]
    fn any(mask: Self) -> bool {
        call!(_mm256_movemask_epi8(_mm256_or_si256(mask.0, mask.1))) != 0
    }
    #[inline(always)]
    fn select(mask: Self, x: Self, y: Self) -> Self {
        Avx2(call!(_mm256_blendv_epi8(y.0, x.0, mask.0)), call!(_mm256_blendv_epi8(y.1, x.1, mask.1)))
    }
    #[inline(always)]
    fn lookup8(self, table: &'static [i32; 8]) -> Self {
        let table = call!(_mm256_loadu_si256(table.as_ptr().cast()));
        let table: Self = Avx2(table, table);
        both!(_mm256_permutevar8x32_epi32(table, self))
    }
    #[inline(always)]
    fn lookup32(self, table: &'static [i32; 32]) -> Self {
        self.gather(table, 32)
    }
    #[inline(always)]
    fn lookup256(self, table: &'static [i32; 256]) -> Self {
        self.gather(table, 256)
    }
    /// Without VNNI the sum of two products fits 16 bits, as 2 · 127 · 127 does.
    #[inline(always)]
    fn dot(self, x: Self, w: Self) -> Self {
        if VNNI {
            return Avx2(
                call!(_mm256_dpbusd_avx_epi32(self.0, x.0, w.0)),
                call!(_mm256_dpbusd_avx_epi32(self.1, x.1, w.1)),
            );
        }
        let pairs: Self = both!(_mm256_maddubs_epi16(x, w));
        self.add(pairs.mul_halves(Self::splat(0x0001_0001)))
    }
    #[inline(always)]
    fn bytes([a, b, c, d]: [Self; 4]) -> Self {
        let (ab, cd): (Self, Self) = (both!(_mm256_packs_epi32(a, b)), both!(_mm256_packs_epi32(c, d)));
        let (bytes, zero): (Self, Self) = (both!(_mm256_packs_epi16(ab, cd)), Self::splat(0));
        let positive: Self = both!(_mm256_max_epi8(bytes, zero));
        // 4×4 bytes in every half of a register, transposed
        const ORDER: [i32; 4] = [0x0c08_0400, 0x0d09_0501, 0x0e0a_0602, 0x0f0b_0703];
        let order = call!(_mm256_loadu_si256([ORDER, ORDER].as_ptr().cast()));
        let order: Self = Avx2(order, order);
        both!(_mm256_shuffle_epi8(positive, order))
    }
    #[inline(always)]
    fn join([a, b, c, d]: [Self; 4]) -> Self {
        let (low, high) = (a.or(b.shl(Self::splat(8))), c.or(d.shl(Self::splat(8))));
        low.or(high.shl(Self::splat(16)))
    }
    #[inline(always)]
    fn words([a, b]: [Self; 2]) -> Self {
        Avx2(call!(_mm256_packus_epi32(a.0, a.1)), call!(_mm256_packus_epi32(b.0, b.1)))
    }
    #[inline(always)]
    fn octave_words([a, b]: [Self; 2]) -> Self {
        Self::words([a.biased_octaves(), b.biased_octaves()])
    }
    #[inline(always)]
    fn splat_words(x: i16) -> Self {
        let x = call!(_mm256_set1_epi16(x));
        Avx2(x, x)
    }
    #[inline(always)]
    fn add_words(x: Self, y: Self) -> Self {
        both!(_mm256_add_epi16(x, y))
    }
    #[inline(always)]
    fn bend_words(x: Self) -> Self {
        let m = x.and(Self::splat_words(255));
        let top = Self::splat_words(256);
        let rest: Self = both!(_mm256_sub_epi16(top, m));
        let hill: Self = both!(_mm256_mullo_epi16(m, rest));
        hill.mul_fraction(Self::splat_words(44))
    }
    #[inline(always)]
    fn sar_words(x: Self, n: Self) -> Self {
        let n = call!(_mm256_castsi256_si128(_mm256_and_si256(n.0, _mm256_set_epi64x(0, 0, 0, 15))));
        Avx2(call!(_mm256_sra_epi16(x.0, n)), call!(_mm256_sra_epi16(x.1, n)))
    }
    #[inline(always)]
    fn min_words(x: Self, y: Self) -> Self {
        both!(_mm256_min_epi16(x, y))
    }
    #[inline(always)]
    fn mirror_words(x: Self, [a, b]: [Self; 2]) -> Self {
        // 64 + the sign of the neighbour times (x − 64); x = 64 where the neighbour is 0
        let middle = Self::splat_words(64);
        let sign: Self = Avx2(call!(_mm256_packs_epi32(a.0, a.1)), call!(_mm256_packs_epi32(b.0, b.1)));
        let far: Self = both!(_mm256_sub_epi16(x, middle));
        let far: Self = both!(_mm256_sign_epi16(far, sign));
        Self::add_words(middle, far)
    }
    #[inline(always)]
    fn lookup_pair(self, table: &[u16]) -> Self {
        let last = Self::splat(i32::try_from(table.len() - 2).expect("tables are short"));
        let index = self.max(Self::splat(0)).min(last);
        let pairs = table.as_ptr().cast();
        Avx2(call!(_mm256_i32gather_epi32::<2>(pairs, index.0)), call!(_mm256_i32gather_epi32::<2>(pairs, index.1)))
    }
    #[inline(always)]
    fn n_not_above(table: &[u16; 65], q: u16) -> u32 {
        let q = call!(_mm256_set1_epi16(q as i16));
        let mut not_above = [q; 4];
        for (quarter, out) in table.chunks_exact(16).zip(&mut not_above) {
            let c = call!(_mm256_loadu_si256(quarter.as_ptr().cast()));
            let larger = call!(_mm256_max_epu16(c, q));
            *out = call!(_mm256_cmpeq_epi16(larger, q));
        }
        let [a, b, c, d] = not_above;
        let (low, high) = (call!(_mm256_packs_epi16(a, b)), call!(_mm256_packs_epi16(c, d)));
        let both = (call!(_mm256_movemask_epi8(low)) as u32, call!(_mm256_movemask_epi8(high)) as u32);
        both.0.count_ones() + both.1.count_ones()
    }
    #[inline(always)]
    fn join_halves([a, b]: [Self; 2]) -> Self {
        let both = a.or(b.shl(Self::splat(8)));
        Avx2(call!(_mm256_unpacklo_epi16(both.0, both.1)), call!(_mm256_unpackhi_epi16(both.0, both.1)))
    }
    #[inline(always)]
    fn join_words([a, b, c, d]: [Self; 4]) -> [Self; 2] {
        let (b, d): (Self, Self) = (b.shl(Self::splat(8)), d.shl(Self::splat(8)));
        let (low, high) = (a.or(b), c.or(d));
        [
            Avx2(call!(_mm256_unpacklo_epi16(low.0, high.0)), call!(_mm256_unpackhi_epi16(low.0, high.0))),
            Avx2(call!(_mm256_unpacklo_epi16(low.1, high.1)), call!(_mm256_unpackhi_epi16(low.1, high.1))),
        ]
    }
}

/// With the dot product as one instruction.
pub mod vnni {
    super::super::doors!("avx2,popcnt,avxvnni", super::Avx2<true>);
}

super::doors!("avx2,popcnt", Avx2<false>);
