//! An array of samples: dtype, byte order, shape (C order); and the Rust types that samples have in memory.

use crate::error::{Error, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Dtype {
    U8 = 1,
    I8 = 2,
    U16 = 3,
    I16 = 4,
    U32 = 5,
    I32 = 6,
    I64 = 7,
    F32 = 8,
    F64 = 9,
    U64 = 10,
}

impl Dtype {
    pub const ALL: [Dtype; 10] = [
        Dtype::U8,
        Dtype::I8,
        Dtype::U16,
        Dtype::I16,
        Dtype::U32,
        Dtype::I32,
        Dtype::I64,
        Dtype::F32,
        Dtype::F64,
        Dtype::U64,
    ];

    pub fn from_code(code: u8) -> Result<Dtype> {
        Dtype::ALL
            .into_iter()
            .find(|d| *d as u8 == code)
            .ok_or_else(|| Error::unsupported(format!("dtype code {code} is not known to this version")))
    }

    pub fn n_bytes(self) -> usize {
        match self {
            Dtype::U8 | Dtype::I8 => 1,
            Dtype::U16 | Dtype::I16 => 2,
            Dtype::U32 | Dtype::I32 | Dtype::F32 => 4,
            Dtype::I64 | Dtype::U64 | Dtype::F64 => 8,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Dtype::U8 => "u8",
            Dtype::I8 => "i8",
            Dtype::U16 => "u16",
            Dtype::I16 => "i16",
            Dtype::U32 => "u32",
            Dtype::I32 => "i32",
            Dtype::I64 => "i64",
            Dtype::F32 => "f32",
            Dtype::F64 => "f64",
            Dtype::U64 => "u64",
        }
    }

    pub fn from_name(name: &str) -> Result<Dtype> {
        Dtype::ALL.into_iter().find(|d| d.name() == name).ok_or_else(|| {
            Error::argument(format!("dtype '{name}' is not one of u8 i8 u16 i16 u32 i32 i64 u64 f32 f64"))
        })
    }
}

/// What the samples are and how they lie in memory; C order, the last dimension runs fastest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArrayType {
    pub dtype: Dtype,
    pub big_endian: bool,
    pub shape: Vec<u64>,
}

impl ArrayType {
    /// Number of samples, if it and the bytes fit 63 bits.
    pub fn n_samples(&self) -> Result<u64> {
        self.shape
            .iter()
            .try_fold(1u64, |n, &d| n.checked_mul(d))
            .filter(|n| n.checked_mul(self.dtype.n_bytes() as u64).is_some_and(|b| b < 1 << 63))
            .ok_or_else(|| Error::limit(format!("shape {:?} holds more samples than any file can", self.shape)))
    }

    pub fn n_bytes(&self) -> Result<u64> {
        Ok(self.n_samples()? * self.dtype.n_bytes() as u64)
    }

    /// Samples that are asked for as a type must be of it.
    pub fn check_holds<T: Sample>(&self) -> Result<()> {
        if self.dtype != T::DTYPE {
            let (there, asked) = (self.dtype.name(), T::DTYPE.name());
            return Err(Error::argument(format!("samples are {there}, and {asked} was asked for")));
        }
        Ok(())
    }

    /// (planes, height, width): the last two dimensions are a plane, the others are a stack of them.
    pub fn planes(&self) -> (u64, u64, u64) {
        match self.shape.as_slice() {
            [] => (1, 1, 1),
            [w] => (1, 1, *w),
            [rest @ .., h, w] => (rest.iter().product(), *h, *w),
        }
    }
}

/// The types that samples have in memory: `u8` to `u64`, `i8` to `i64`, `f32`, `f64`.
pub trait Sample: sealed::Plain {
    #[doc(hidden)]
    const DTYPE: Dtype;
}

mod sealed {
    /// Any bits are a value of it, and it is nothing but its bits.
    pub trait Plain: bytemuck::Pod + Send + Sync {}
}

macro_rules! samples {
    ($($native:ty => $dtype:ident),*) => {$(
        impl sealed::Plain for $native {}
        impl Sample for $native {
            const DTYPE: Dtype = Dtype::$dtype;
        }
    )*};
}

samples!(
    u8 => U8, i8 => I8, u16 => U16, i16 => I16, u32 => U32, i32 => I32, u64 => U64, i64 => I64, f32 => F32, f64 => F64
);

/// Whether this machine has the highest byte first.
pub const NATIVE_BIG_ENDIAN: bool = cfg!(target_endian = "big");

/// The bytes of samples, in the order of this machine.
pub fn bytes_of<T: Sample>(samples: &[T]) -> &[u8] {
    bytemuck::cast_slice(samples)
}

/// The same, to be written to.
pub fn bytes_of_mut<T: Sample>(samples: &mut [T]) -> &mut [u8] {
    bytemuck::cast_slice_mut(samples)
}

/// So many samples, all bits 0.
pub fn zeros<T: Sample>(n: usize) -> Vec<T> {
    vec![T::zeroed(); n]
}

/// Turns samples of `n_bytes` each from one byte order into another.
pub fn reorder(bytes: &mut [u8], n_bytes: usize, from_big_endian: bool, to_big_endian: bool) {
    if n_bytes > 1 && from_big_endian != to_big_endian {
        bytes.chunks_exact_mut(n_bytes).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_byte_order_changes_sample_by_sample_and_only_where_it_differs() {
        let mut bytes = [1, 2, 3, 4];
        reorder(&mut bytes, 2, true, false);
        assert_eq!(bytes, [2, 1, 4, 3]);
        reorder(&mut bytes, 2, true, true);
        reorder(&mut bytes, 1, true, false);
        assert_eq!(bytes, [2, 1, 4, 3]);
        reorder(&mut bytes, 4, false, true);
        assert_eq!(bytes, [3, 4, 1, 2]);
    }

    #[test]
    fn every_dtype_has_a_type_of_its_size() {
        fn size<T: Sample>() -> (Dtype, usize) {
            (T::DTYPE, size_of::<T>())
        }
        let all = [
            size::<u8>(),
            size::<i8>(),
            size::<u16>(),
            size::<i16>(),
            size::<u32>(),
            size::<i32>(),
            size::<i64>(),
            size::<f32>(),
            size::<f64>(),
            size::<u64>(),
        ];
        assert_eq!(all, Dtype::ALL.map(|dtype| (dtype, dtype.n_bytes())));
    }
}
