//! AVX-512 with VNNI: sixteen lanes are one register.

use super::lanes::{Lanes, N};
use std::arch::x86_64::*;

#[derive(Clone, Copy)]
pub struct Avx512(__m512i);

/// Every intrinsic of this file is called through here.
macro_rules! call {
    ($name:ident $(::<$c:literal>)? ($($a:expr),*)) => {
        // SAFETY: methods of `Avx512` are inlined into the doors of this file alone, whose target features the dispatcher has
        // found on this machine; pointers come from arrays of the full size, gather indices are below the table's length.
        unsafe { $name$(::<$c>)?($($a),*) }
    };
}

impl Lanes for Avx512 {
    type Mask = __mmask16;
    type Words = __m512i;
    const OCTAVE_BIAS: i32 = 127 << 8;
    const WIDE: bool = true;

    #[inline(always)]
    fn load(from: &[i32; N]) -> Self {
        Avx512(call!(_mm512_loadu_si512(from.as_ptr().cast())))
    }
    #[inline(always)]
    fn store(self, to: &mut [i32; N]) {
        call!(_mm512_storeu_si512(to.as_mut_ptr().cast(), self.0));
    }
    #[inline(always)]
    fn splat(x: i32) -> Self {
        Avx512(call!(_mm512_set1_epi32(x)))
    }
    #[inline(always)]
    fn add(self, y: Self) -> Self {
        Avx512(call!(_mm512_add_epi32(self.0, y.0)))
    }
    #[inline(always)]
    fn sub(self, y: Self) -> Self {
        Avx512(call!(_mm512_sub_epi32(self.0, y.0)))
    }
    #[inline(always)]
    fn mul(self, y: Self) -> Self {
        Avx512(call!(_mm512_mullo_epi32(self.0, y.0)))
    }
    #[inline(always)]
    fn mul_halves(self, y: Self) -> Self {
        Avx512(call!(_mm512_madd_epi16(self.0, y.0)))
    }
    #[inline(always)]
    fn mul_fraction(self, y: Self) -> Self {
        Avx512(call!(_mm512_mulhrs_epi16(self.0, y.0)))
    }
    #[inline(always)]
    fn abs(self) -> Self {
        Avx512(call!(_mm512_abs_epi32(self.0)))
    }
    #[inline(always)]
    fn min(self, y: Self) -> Self {
        Avx512(call!(_mm512_min_epi32(self.0, y.0)))
    }
    #[inline(always)]
    fn max(self, y: Self) -> Self {
        Avx512(call!(_mm512_max_epi32(self.0, y.0)))
    }
    #[inline(always)]
    fn and(self, y: Self) -> Self {
        Avx512(call!(_mm512_and_si512(self.0, y.0)))
    }
    #[inline(always)]
    fn or(self, y: Self) -> Self {
        Avx512(call!(_mm512_or_si512(self.0, y.0)))
    }
    #[inline(always)]
    fn shl(self, n: Self) -> Self {
        Avx512(call!(_mm512_sllv_epi32(self.0, n.0)))
    }
    #[inline(always)]
    fn sar(self, n: Self) -> Self {
        Avx512(call!(_mm512_srav_epi32(self.0, n.0)))
    }
    #[inline(always)]
    fn shr(self, n: Self) -> Self {
        Avx512(call!(_mm512_srlv_epi32(self.0, n.0)))
    }
    /// A rotation does both directions: the bits that a right shift would lose arrive above bit 23.
    #[inline(always)]
    fn scale(self, e: Self) -> Self {
        let turned = call!(_mm512_rolv_epi32(self.0, Self::splat(15).sub(e).0));
        Avx512(turned).and(Self::splat((1 << 19) - 1))
    }
    /// The exponent of the truncating conversion is the position of the highest bit, its mantissa begins with the bits behind:
    /// half the instructions of counting zeros. No arithmetic is done on the result.
    #[inline(always)]
    fn octaves(self) -> Self {
        biased_octaves(self).sub(Self::splat(Self::OCTAVE_BIAS))
    }
    #[inline(always)]
    fn gt(self, y: Self) -> __mmask16 {
        call!(_mm512_cmpgt_epi32_mask(self.0, y.0))
    }
    #[inline(always)]
    fn equal(self, y: Self) -> __mmask16 {
        call!(_mm512_cmpeq_epi32_mask(self.0, y.0))
    }
    #[inline(always)]
    fn any(mask: __mmask16) -> bool {
        mask != 0
    }
    #[inline(always)]
    fn select(mask: __mmask16, x: Self, y: Self) -> Self {
        Avx512(call!(_mm512_mask_blend_epi32(mask, y.0, x.0)))
    }
    #[inline(always)]
    fn lookup8(self, table: &'static [i32; 8]) -> Self {
        let table = call!(_mm256_loadu_si256(table.as_ptr().cast()));
        Avx512(call!(_mm512_permutexvar_epi32(self.0, _mm512_broadcast_i64x4(table))))
    }
    #[inline(always)]
    fn lookup32(self, table: &'static [i32; 32]) -> Self {
        let (low, high) = (Self::load(table[..16].try_into().unwrap()), Self::load(table[16..].try_into().unwrap()));
        Avx512(call!(_mm512_permutex2var_epi32(low.0, self.0, high.0)))
    }
    #[inline(always)]
    fn lookup256(self, table: &'static [i32; 256]) -> Self {
        let index = self.and(Self::splat(255));
        Avx512(call!(_mm512_i32gather_epi32::<4>(index.0, table.as_ptr())))
    }
    #[inline(always)]
    fn dot(self, x: Self, w: Self) -> Self {
        Avx512(call!(_mm512_dpbusd_epi32(self.0, x.0, w.0)))
    }
    #[inline(always)]
    fn bytes([a, b, c, d]: [Self; 4]) -> Self {
        let words = call!(_mm512_packs_epi16(_mm512_packs_epi32(a.0, b.0), _mm512_packs_epi32(c.0, d.0)));
        let positive = call!(_mm512_max_epi8(words, _mm512_setzero_si512()));
        // 4×4 bytes in every quarter of the register, transposed
        let order = call!(_mm512_set4_epi32(0x0f0b_0703, 0x0e0a_0602, 0x0d09_0501, 0x0c08_0400));
        Avx512(call!(_mm512_shuffle_epi8(positive, order)))
    }
    #[inline(always)]
    fn join([a, b, c, d]: [Self; 4]) -> Self {
        let (low, high) = (a.or(b.shl(Self::splat(8))), c.or(d.shl(Self::splat(8))));
        low.or(high.shl(Self::splat(16)))
    }
    #[inline(always)]
    fn words([a, b]: [Self; 2]) -> __m512i {
        call!(_mm512_packus_epi32(a.0, b.0))
    }
    #[inline(always)]
    fn octave_words([a, b]: [Self; 2]) -> __m512i {
        Self::words([biased_octaves(a), biased_octaves(b)])
    }
    #[inline(always)]
    fn splat_words(x: i16) -> __m512i {
        call!(_mm512_set1_epi16(x))
    }
    #[inline(always)]
    fn add_words(x: __m512i, y: __m512i) -> __m512i {
        call!(_mm512_add_epi16(x, y))
    }
    #[inline(always)]
    fn bend_words(x: __m512i) -> __m512i {
        let m = call!(_mm512_and_si512(x, _mm512_set1_epi16(255)));
        let hill = call!(_mm512_mullo_epi16(m, _mm512_sub_epi16(_mm512_set1_epi16(256), m)));
        call!(_mm512_mulhrs_epi16(hill, _mm512_set1_epi16(44)))
    }
    #[inline(always)]
    fn sar_words(x: __m512i, n: __m512i) -> __m512i {
        call!(_mm512_srav_epi16(x, n))
    }
    #[inline(always)]
    fn min_words(x: __m512i, y: __m512i) -> __m512i {
        call!(_mm512_min_epi16(x, y))
    }
    #[inline(always)]
    fn mirror_words(x: __m512i, [a, b]: [Self; 2]) -> __m512i {
        let negative = call!(_mm512_movepi16_mask(_mm512_packs_epi32(a.0, b.0)));
        call!(_mm512_mask_sub_epi16(x, negative, _mm512_set1_epi16(128), x))
    }
    #[inline(always)]
    fn join_words([a, b, c, d]: [__m512i; 4]) -> [Self; 2] {
        let low = call!(_mm512_or_si512(a, _mm512_slli_epi16::<8>(b)));
        let high = call!(_mm512_or_si512(c, _mm512_slli_epi16::<8>(d)));
        [Avx512(call!(_mm512_unpacklo_epi16(low, high))), Avx512(call!(_mm512_unpackhi_epi16(low, high)))]
    }
    #[inline(always)]
    fn lookup_pair(self, table: &[u16]) -> Self {
        let last = Self::splat(i32::try_from(table.len() - 2).expect("tables are short"));
        let index = self.max(Self::splat(0)).min(last);
        Avx512(call!(_mm512_i32gather_epi32::<2>(index.0, table.as_ptr().cast())))
    }
    #[inline(always)]
    fn n_not_above(table: &[u16; 65], q: u16) -> u32 {
        let q = call!(_mm512_set1_epi16(q as i16));
        let low = call!(_mm512_loadu_si512(table[..32].as_ptr().cast()));
        let high = call!(_mm512_loadu_si512(table[32..64].as_ptr().cast()));
        call!(_mm512_cmple_epu16_mask(low, q)).count_ones() + call!(_mm512_cmple_epu16_mask(high, q)).count_ones()
    }
    #[inline(always)]
    fn join_halves([a, b]: [__m512i; 2]) -> Self {
        let both = call!(_mm512_or_si512(a, _mm512_slli_epi16::<8>(b)));
        // words 0 4 1 5 2 6 3 7 of every quarter
        let order = call!(_mm512_set4_epi32(0x0f0e_0706, 0x0d0c_0504, 0x0b0a_0302, 0x0908_0100));
        Avx512(call!(_mm512_shuffle_epi8(both, order)))
    }
}

#[inline(always)]
fn biased_octaves(x: Avx512) -> Avx512 {
    const TRUNCATE: i32 = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC;
    // SAFETY: as in `call`.
    let bits = unsafe { _mm512_castps_si512(_mm512_cvt_roundepi32_ps::<TRUNCATE>(x.0)) };
    Avx512(bits).shr(Avx512::splat(15))
}

super::doors!("popcnt,avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni", Avx512);

/// `context` with the products in tiles.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni")]
pub fn context_in_tiles(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Heads) {
    // SAFETY: the dispatcher has found tiles on this machine before it comes here.
    let tiles = unsafe { ops::amx::Tiles::new() };
    ops::context::context::<Avx512>(net, run, b, Some(&tiles), scratch, out);
}

/// `causal_conv` with the products in tiles.
#[target_feature(enable = "avx512f,avx512bw,avx512cd,avx512dq,avx512vl,avx512vnni")]
pub fn causal_conv_in_tiles(net: &PackedNet, run: Site, b: &[i32], scratch: &mut Scratch, out: &mut Heads) {
    // SAFETY: the dispatcher has found tiles on this machine before it comes here.
    let tiles = unsafe { ops::amx::Tiles::new() };
    ops::causal_conv::causal_conv::<Avx512>(net, run, b, Some(&tiles), scratch, out);
}
