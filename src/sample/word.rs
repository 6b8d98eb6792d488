//! bytes = word₀ word₁ …   in either byte order; the loops that everything hot in this room is made of.
//!
//! Arithmetic wraps at the word's own width: 16-bit samples then run eight to a 128-bit register.

pub trait Word: Copy + Eq {
    fn low(wide: u64) -> Self;
    fn wide(self) -> u64;
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn right(self, n: u32) -> Self;
    /// Key of a float of this width, as in `order`.
    fn order(self) -> Self;
    fn unorder(self) -> Self;
    /// f(slot, word) for every word of the bytes.
    fn visit<T>(bytes: &[u8], big_endian: bool, slots: impl Iterator<Item = T>, f: impl FnMut(T, Self));
    /// Writes the words one after the other.
    fn fill(out: &mut [u8], big_endian: bool, words: impl Iterator<Item = Self>);
}

macro_rules! word {
    ($word:ty, $signed:ty, $n_bytes:literal) => {
        impl Word for $word {
            #[inline(always)]
            fn low(wide: u64) -> $word {
                wide as $word
            }
            #[inline(always)]
            fn wide(self) -> u64 {
                u64::from(self)
            }
            #[inline(always)]
            fn plus(self, other: $word) -> $word {
                self.wrapping_add(other)
            }
            #[inline(always)]
            fn minus(self, other: $word) -> $word {
                self.wrapping_sub(other)
            }
            #[inline(always)]
            fn times(self, other: $word) -> $word {
                self.wrapping_mul(other)
            }
            #[inline(always)]
            fn right(self, n: u32) -> $word {
                self.wrapping_shr(n)
            }
            #[inline(always)]
            fn order(self) -> $word {
                const TOP: $word = 1 << (<$word>::BITS - 1);
                self ^ ((self as $signed >> (<$word>::BITS - 1)) as $word | TOP)
            }
            #[inline(always)]
            fn unorder(self) -> $word {
                const TOP: $word = 1 << (<$word>::BITS - 1);
                self ^ ((!self as $signed >> (<$word>::BITS - 1)) as $word | TOP)
            }
            #[inline(always)]
            fn visit<T>(bytes: &[u8], big_endian: bool, slots: impl Iterator<Item = T>, mut f: impl FnMut(T, $word)) {
                let words = bytes.as_chunks::<$n_bytes>().0;
                if big_endian {
                    words.iter().zip(slots).for_each(|(&w, slot)| f(slot, <$word>::from_be_bytes(w)));
                } else {
                    words.iter().zip(slots).for_each(|(&w, slot)| f(slot, <$word>::from_le_bytes(w)));
                }
            }
            #[inline(always)]
            fn fill(out: &mut [u8], big_endian: bool, words: impl Iterator<Item = $word>) {
                let slots = out.as_chunks_mut::<$n_bytes>().0;
                if big_endian {
                    slots.iter_mut().zip(words).for_each(|(slot, w)| *slot = w.to_be_bytes());
                } else {
                    slots.iter_mut().zip(words).for_each(|(slot, w)| *slot = w.to_le_bytes());
                }
            }
        }
    };
}

word!(u8, i8, 1);
word!(u16, i16, 2);
word!(u32, i32, 4);
word!(u64, i64, 8);
