//! pcodec: the samples of an array as numbers of its dtype, one after the other, through the crate of its author.

use crate::array::{ArrayType, Dtype};
use crate::error::{Error, Result};
use pco::ChunkConfig;
use pco::data_types::Number;
use pco::errors::PcoError;
use pco::standalone::{simple_compress, simple_decompress};

/// Calls a function of this file with the number that a dtype means, and with its bytes ⇄ number in the order of an array.
macro_rules! by_dtype {
    ($ty:expr, $call:ident, $order:ident $(, $argument:expr)*) => {
        match $ty.dtype {
            Dtype::U8 => $call($($argument,)* u8::$order),
            Dtype::I8 => $call($($argument,)* i8::$order),
            Dtype::U16 => $call($($argument,)* u16::$order),
            Dtype::I16 => $call($($argument,)* i16::$order),
            Dtype::U32 => $call($($argument,)* u32::$order),
            Dtype::I32 => $call($($argument,)* i32::$order),
            Dtype::I64 => $call($($argument,)* i64::$order),
            Dtype::U64 => $call($($argument,)* u64::$order),
            Dtype::F32 => $call($($argument,)* f32::$order),
            Dtype::F64 => $call($($argument,)* f64::$order),
        }
    };
}

pub fn encode(bytes: &[u8], ty: &ArrayType, level: usize) -> Result<Vec<u8>> {
    // bytes that are samples are numbers
    let config = ChunkConfig::default().with_compression_level(level).with_enable_8_bit(true);
    match ty.big_endian {
        true => by_dtype!(ty, pack, from_be_bytes, bytes, &config),
        false => by_dtype!(ty, pack, from_le_bytes, bytes, &config),
    }
}

pub fn decode(coded: &[u8], ty: &ArrayType) -> Result<Vec<u8>> {
    match ty.big_endian {
        true => by_dtype!(ty, unpack, to_be_bytes, coded),
        false => by_dtype!(ty, unpack, to_le_bytes, coded),
    }
}

fn pack<T: Number, const N: usize>(bytes: &[u8], config: &ChunkConfig, of: fn([u8; N]) -> T) -> Result<Vec<u8>> {
    let numbers: Vec<T> = bytes.as_chunks::<N>().0.iter().map(|sample| of(*sample)).collect();
    simple_compress(&numbers, config).map_err(told)
}

fn unpack<T: Number, const N: usize>(coded: &[u8], to: fn(T) -> [u8; N]) -> Result<Vec<u8>> {
    let numbers: Vec<T> = simple_decompress(coded).map_err(told)?;
    Ok(numbers.into_iter().flat_map(to).collect())
}

fn told(error: PcoError) -> Error {
    Error::corrupt(format!("pcodec: {}", error.message))
}
