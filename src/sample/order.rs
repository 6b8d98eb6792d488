//! key(bits):   unsigned  bits          signed  bits ^ top          float  negative !bits, positive bits ^ top
//!
//! Keys of one dtype compare as unsigned numbers the way its samples compare; −NaN < −∞ < … < −0 < +0 < … < +∞ < +NaN. The
//! function is a bijection of bit patterns, so nothing that a float can carry is lost.

use crate::array::Dtype;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Unsigned,
    Signed,
    Float,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pub kind: Kind,
    pub n_bits: u32,
}

impl Order {
    pub fn of(dtype: Dtype) -> Order {
        let kind = match dtype {
            Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Kind::Unsigned,
            Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => Kind::Signed,
            Dtype::F32 | Dtype::F64 => Kind::Float,
        };
        Order { kind, n_bits: 8 * dtype.n_bytes() as u32 }
    }

    /// The largest key, which is also the mask of the bits of a sample.
    pub fn mask(self) -> u64 {
        u64::MAX >> (64 - self.n_bits)
    }

    fn top(self) -> u64 {
        1 << (self.n_bits - 1)
    }

    #[inline(always)]
    pub fn key(self, bits: u64) -> u64 {
        match self.kind {
            Kind::Unsigned => bits,
            Kind::Signed => bits ^ self.top(),
            Kind::Float if bits & self.top() != 0 => bits ^ self.mask(),
            Kind::Float => bits ^ self.top(),
        }
    }

    #[inline(always)]
    pub fn bits(self, key: u64) -> u64 {
        match self.kind {
            Kind::Unsigned => key,
            Kind::Signed => key ^ self.top(),
            Kind::Float if key & self.top() != 0 => key ^ self.top(),
            Kind::Float => key ^ self.mask(),
        }
    }

    /// The sample of an integer dtype as a person writes it.
    pub fn integer(self, key: u64) -> i128 {
        match self.kind {
            Kind::Signed => i128::from(key) - i128::from(self.top()),
            _ => i128::from(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_order_floats_and_come_back() {
        let order = Order::of(Dtype::F32);
        let nan = f32::from_bits(0x7fc0_0001);
        let rising =
            [-nan, f32::NEG_INFINITY, f32::MIN, -1.0, -1e-45, -0.0, 0.0, 1e-45, 1.0, f32::MAX, f32::INFINITY, nan];
        let keys: Vec<u64> = rising.iter().map(|v| order.key(u64::from(v.to_bits()))).collect();
        assert!(keys.is_sorted_by(|a, b| a < b));
        let back: Vec<u32> = keys.iter().map(|&k| order.bits(k) as u32).collect();
        assert_eq!(back, rising.map(f32::to_bits));
    }

    #[test]
    fn keys_order_signed_integers_and_come_back() {
        let order = Order::of(Dtype::I16);
        for v in [i16::MIN, -1, 0, 1, i16::MAX] {
            let key = order.key(u64::from(v as u16));
            assert_eq!(key as i64, i64::from(v) + 32768);
            assert_eq!(order.bits(key) as u16 as i16, v);
            assert_eq!(order.integer(key), i128::from(v));
        }
    }
}
