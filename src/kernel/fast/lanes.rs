//! Sixteen cells side by side: the words in which the fast kernels are written, once for all instruction sets.
//!
//! Lanes are i32 and wrap, like the plain kernels in release. A method means what its plain loop says; where an instruction set
//! is free (what happens to a product that does not fit), the comment says what the caller must keep.

pub const N: usize = 16;

pub trait Lanes: Copy {
    type Mask: Copy;
    /// 32 lanes of 16 bits, made of two vectors; which lane comes from where is the instruction set's business.
    type Words: Copy;
    /// What `octave_words` adds to every octave.
    const OCTAVE_BIAS: i32;
    /// Registers suffice for two vectors of cells by eight outputs at once, otherwise for one by four.
    const WIDE: bool;

    fn load(from: &[i32; N]) -> Self;
    fn store(self, to: &mut [i32; N]);
    fn splat(x: i32) -> Self;

    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    /// The low 32 bits of the product.
    fn mul(self, y: Self) -> Self;
    /// The product where both fit 16 bits and one of them is not negative; more generally the sum of the products of the
    /// halves of a lane.
    fn mul_halves(self, y: Self) -> Self;
    /// (x · y + 2¹⁴) >> 15 where both fit 16 bits and neither is negative.
    fn mul_fraction(self, y: Self) -> Self;
    fn abs(self) -> Self;
    fn min(self, y: Self) -> Self;
    fn max(self, y: Self) -> Self;
    fn and(self, y: Self) -> Self;
    fn or(self, y: Self) -> Self;

    /// Shifts by 0..=31 bits; the constant ones fold to their immediate forms.
    fn shl(self, n: Self) -> Self;
    /// Arithmetic.
    fn sar(self, n: Self) -> Self;
    /// Logical.
    fn shr(self, n: Self) -> Self;
    /// 2^(15−e) · x for x < 2^(e+4), 1 ≤ e ≤ 23.
    fn scale(self, e: Self) -> Self;
    /// 256 · the position of the highest bit + the eight bits behind it, for x ≥ 1.
    fn octaves(self) -> Self;

    /// x > y.
    fn gt(self, y: Self) -> Self::Mask;
    fn equal(self, y: Self) -> Self::Mask;
    fn any(mask: Self::Mask) -> bool;
    /// Where the mask holds x, elsewhere y.
    fn select(mask: Self::Mask, x: Self, y: Self) -> Self;

    /// Entry (x mod 8).
    fn lookup8(self, table: &'static [i32; 8]) -> Self;
    /// Entry (x mod 32).
    fn lookup32(self, table: &'static [i32; 32]) -> Self;
    /// Entry (x mod 256).
    fn lookup256(self, table: &'static [i32; 256]) -> Self;

    /// self + Σ of the four byte products of a lane: x unsigned up to 127, w signed.
    fn dot(self, x: Self, w: Self) -> Self;
    /// Four lanes' worth of outputs, clamped to 0..=127, as the bytes of one.
    fn bytes(x: [Self; 4]) -> Self;
    /// The bytes of one lane from four that are 0..=255.
    fn join(x: [Self; 4]) -> Self;

    /// Number x of a slice and the one behind it, the former in the lower half; x must be within.
    fn lookup_pair(self, table: &[u16]) -> Self;
    /// How many of a table's first 64 numbers are not above q.
    fn n_not_above(table: &[u16; 65], q: u16) -> u32;

    /// Lanes that are 0..=65535, as they are.
    fn words(x: [Self; 2]) -> Self::Words;
    /// `octaves` of both, OCTAVE_BIAS higher.
    fn octave_words(x: [Self; 2]) -> Self::Words;
    fn splat_words(x: i16) -> Self::Words;
    fn add_words(x: Self::Words, y: Self::Words) -> Self::Words;
    /// (m (256 − m) · 88 + 2¹⁵) >> 16 of the lower bytes m.
    fn bend_words(x: Self::Words) -> Self::Words;
    fn sar_words(x: Self::Words, n: Self::Words) -> Self::Words;
    fn min_words(x: Self::Words, y: Self::Words) -> Self::Words;
    /// 128 − x where `of` is negative, elsewhere x.
    fn mirror_words(x: Self::Words, of: [Self; 2]) -> Self::Words;
    /// Four words of 0..=127 as the bytes of the lanes they came from.
    fn join_words(x: [Self::Words; 4]) -> [Self; 2];
    /// Two words, each of two features of the same cells, as the bytes of those cells: the first feature of both, then the second.
    fn join_halves(x: [Self::Words; 2]) -> Self;
}

/// The sixteen ints from `i`.
#[inline(always)]
pub fn sixteen(cells: &[i32], i: usize) -> &[i32; N] {
    cells[i..].first_chunk().expect("there is room behind every run for a whole vector")
}

#[inline(always)]
pub fn sixteen_mut(cells: &mut [i32], i: usize) -> &mut [i32; N] {
    cells[i..].first_chunk_mut().expect("there is room behind every run for a whole vector")
}

/// L(x) of kernel::log2.
#[inline(always)]
pub fn log2<V: Lanes>(x: V) -> V {
    let octaves = x.octaves();
    let m = octaves.and(V::splat(255));
    // (m (256 − m) · 88 + 2¹⁵) >> 16, halved so that it is one rounded product
    let bend = m.mul_halves(V::splat(256).sub(m)).mul_fraction(V::splat(44));
    octaves.add(bend)
}

#[inline(always)]
pub fn clamp<V: Lanes>(x: V, low: i32, high: i32) -> V {
    x.max(V::splat(low)).min(V::splat(high))
}
