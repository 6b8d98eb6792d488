//! Any bytes as a chunk. With an odd first byte they are the type and the body, and magic, length and sum are made.
#![no_main]

use collapsar::internals::synthetic;
use collapsar::internals::array::Dtype;
use collapsar::internals::codec::array::memory::Memory;
use collapsar::internals::model::{Family, Model};
use collapsar::internals::{Choice, Decoding, decode_chunk, describe_chunk, encode_chunk};
use collapsar_fuzz::{bounded::Bounded, inputs, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(512 << 20);
static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| Family::OF_CELLS.map(synthetic::loaded).to_vec());
const MAX_BYTES: u64 = 4 << 20;

/// Chunks of each form, and the same without what is made around them.
fn begin() -> Vec<Vec<u8>> {
    let one = |i: usize| {
        let shape = [vec![], vec![12, 13], vec![2, 9, 11], vec![200], vec![40, 3]][i % 5].clone();
        let n: u64 = shape.iter().product();
        let dtype = Dtype::ALL[i % 10];
        let (noise, model) = ((i % 4) as u64, MODELS[i % MODELS.len()].clone());
        let model = if i % 3 == 0 { Choice::Classic } else { Choice::These(vec![model]) };
        let sample = |j: u64| ((j / 7 + (j * 0x9e37 >> 7) % (1 + 5 * noise)) as u64).to_le_bytes();
        let bytes: Vec<u8> = (0..n).flat_map(|j| sample(j)[..dtype.n_bytes()].to_vec()).collect();
        let options = inputs::options(model, dtype, i % 2 == 1, &shape);
        let ty = options.raw.clone().expect("it was just given");
        let chunk = encode_chunk(&bytes, &ty, &options).expect("a small array is coded");
        let length = 1 + chunk[4..].iter().position(|b| b & 0x80 == 0).expect("a varint ends");
        [[vec![1], chunk[4 + length..chunk.len() - 4].to_vec()].concat(), [vec![0], chunk].concat()]
    };
    (0..40).flat_map(one).collect()
}

/// With magic, version, length and a sum that is right.
fn whole(described: &[u8]) -> Vec<u8> {
    let mut out = vec![0x8f, b'C', b'A', 1];
    let mut n = described.len() + 4;
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out.extend(described);
    out.extend(crc32c::crc32c(&out).to_le_bytes());
    out
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let Some((&how, rest)) = bytes.split_first() else { return };
    let chunk = if how & 1 == 1 { whole(rest) } else { rest.to_vec() };
    let memory = Memory { most: Some(MAX_BYTES), taken: 0 };
    let within = Decoding { models: MODELS.clone(), memory, ..Decoding::default() };
    let unbounded = Decoding { models: MODELS.clone(), ..Decoding::default() };
    let Ok(ty) = describe_chunk(&chunk) else {
        assert!(decode_chunk(&chunk, &within).is_err(), "decoded without a type");
        return;
    };
    let n_bytes = ty.n_bytes().expect("a type that was read has a size");
    let decoding = if n_bytes <= MAX_BYTES { &unbounded } else { &within };
    if let Ok((there, samples)) = decode_chunk(&chunk, decoding) {
        assert!(there == ty && samples.len() as u64 == n_bytes, "another array than was described");
    }
});
