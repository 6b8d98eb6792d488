//! compress, then decompress, is nothing: for any dtype, shape, choice of model and bytes.
//!
//! input = dtype and byte order u8 · dimensions u8 · how long each · model u8 · how the bytes grow u8 · bytes
#![no_main]

use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::array::Dtype;
use collapsar::internals::model::{Family, Model};
use collapsar::internals::{Choice, Options, compress, decompress_to};
use collapsar_fuzz::{bounded::Bounded, inputs, refused, script::Script, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(768 << 20);
static MODELS: LazyLock<Vec<Arc<Model>>> = LazyLock::new(|| Family::OF_CELLS.map(synthetic::loaded).to_vec());
const MAX_BYTES: usize = 6000;

fn begin() -> Vec<Vec<u8>> {
    let one = |i: u8| {
        let shape = [[2, 9, 11], [1, 1, 200], [12, 4, 4], [1, 40, 3], [1, 22, 23]][usize::from(i) % 5];
        [vec![i, 3], shape.to_vec(), vec![i / 3, i / 4], (0..120).map(|j: u8| j.wrapping_mul(i)).collect()].concat()
    };
    (0..40).map(one).collect()
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    let which = script.byte();
    let dtype = Dtype::ALL[usize::from(which / 2) % Dtype::ALL.len()];
    let mut left = MAX_BYTES / dtype.n_bytes();
    let mut shape = Vec::new();
    for _ in 0..script.below(6) {
        let d = script.byte() as usize;
        let d = if d >= 250 { (d - 249) * 800 } else { d }.min(left);
        shape.push(d as u64);
        left /= d.max(1);
    }
    let n = shape.iter().product::<u64>() as usize * dtype.n_bytes();
    let choice = script.byte();
    let model = match choice % 6 {
        0 => Choice::Classic,
        1 => Choice::Auto,
        2 => Choice::These(MODELS.to_vec()),
        i => Choice::These(vec![MODELS[usize::from(i) % MODELS.len()].clone()]),
    };
    let (embed, structured) = (choice >= 128, choice & 64 == 0);
    let how = script.byte();
    let own = script.0;
    let mut random = Lcg(u32::from(how));
    let content: Vec<u8> = (0..n)
        .map(|i| match own.get(i) {
            Some(&byte) => byte,
            None if own.is_empty() => 0,
            // beyond the input: its bytes again, with a little noise in some of them
            None => own[i % own.len()] ^ (random.bits(8) as u8 & how & if i % 2 == 1 { 255 } else { 0 }),
        })
        .collect();
    let mut options = inputs::options(model, dtype, which & 1 == 1, &shape);
    options.embed = embed;
    if !structured {
        options = Options { raw: None, ..options };
    }
    let content = if structured { content } else { own.to_vec() };
    let Some(packed) = refused(compress(&content, &options)) else { return };
    let mut back = Vec::new();
    let known: &[Arc<Model>] = if embed { &[] } else { &MODELS };
    decompress_to(&packed, &mut back, &collapsar_fuzz::known(known), &|_| Ok(())).expect("our own file is read");
    assert!(back == content, "not the same");
});
