//! An array of samples somewhere in a file: dtype, byte order, shape (C order).

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

    /// (planes, height, width): the last two dimensions are a plane, the others are a stack of them.
    pub fn planes(&self) -> (u64, u64, u64) {
        match self.shape.as_slice() {
            [] => (1, 1, 1),
            [w] => (1, 1, *w),
            [rest @ .., h, w] => (rest.iter().product(), *h, *w),
        }
    }
}
