//! Any bytes as the code of a synthetic tile, by waves or by the autoencoder that is built in: no panic, and no int beyond its range.
//!
//! input = shape u8 · code
#![no_main]

use collapsar::internals::synthetic::Lcg;
use collapsar::internals::tile::transform::{Tile, wavelet};
use collapsar::internals::tile::transform::vqae::{self, Autoencoder};
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::model::Model;
use collapsar::internals::weights::zoo;
use collapsar_fuzz::{bounded::Bounded, script::Script, seeds};
use libfuzzer_sys::fuzz_target;
use std::sync::{Arc, LazyLock};

#[global_allocator]
static MEMORY: Bounded = Bounded::new(512 << 20);
static MODEL: LazyLock<Arc<Model>> =
    LazyLock::new(|| zoo::by_name("vqae", &[]).expect("an autoencoder is built in").swap_remove(0));
static FAST: LazyLock<Kernels> = LazyLock::new(|| {
    let meshes = MODEL.vqae.as_ref().expect("it is an autoencoder").meshes();
    Kernels::new(Level::Plain, []).with(meshes)
});
/// Planes, rows, columns, the largest int, and whether some are hidden; waves first, then blocks of one plane.
const SHAPES: [(usize, usize, usize, i32, bool); 8] = [
    (1, 1, 1, 0, false),
    (9, 8, 17, 4000, false),
    (1, 33, 9, 1 << 20, true),
    (20, 1, 40, 900, true),
    (2, 16, 16, 65, false),
    (1, 1, 200, 5000, false),
    (1, 16, 16, 4000, false),
    (1, 70, 65, 1 << 20, true),
];
const N_WAVES: usize = 5;

fn classes((n, h, w, _, hidden): (usize, usize, usize, i32, bool)) -> Vec<u8> {
    if hidden { (0..n * h * w).map(|i| u8::from(i % w < 3)).collect() } else { Vec::new() }
}

fn autoencoder() -> Autoencoder<'static> {
    Autoencoder { vqae: MODEL.vqae.as_ref().expect("it is an autoencoder"), kernels: &FAST }
}

/// Codes that are right, for the ones that go wrong to begin with.
fn begin() -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for (i, &shape) in SHAPES.iter().enumerate() {
        let ((n, h, w, max, _), classes) = (shape, classes(shape));
        for bits in [1, 6] {
            let mut random = Lcg(9);
            let int = |j: usize| (j as i32 * 37 % (max / 2 + 1) + random.bits(bits) as i32).min(max);
            let ints: Vec<i32> = (0..n * h * w).map(int).collect();
            let tile = Tile { ints: &ints, classes: &classes, h: n * h, w, max };
            let settled = if i < N_WAVES { wavelet::encode(tile, h) } else { vqae::encode(autoencoder(), tile) };
            seeds.push([&[i as u8], &settled.code[..]].concat());
        }
    }
    seeds
}

fuzz_target!(init: seeds::offer(begin), |bytes: &[u8]| {
    let mut script = Script(bytes);
    let i = script.below(SHAPES.len());
    let ((n, h, w, max, _), classes) = (SHAPES[i], classes(SHAPES[i]));
    let ints = match i < N_WAVES {
        true => wavelet::decode(script.0, &classes, (n * h, w), h, max),
        false => vqae::decode(autoencoder(), script.0, &classes, (n * h, w), max),
    };
    if let Ok(ints) = ints {
        assert!(ints.iter().all(|int| (0..=max).contains(int)), "an int beyond {max}");
    }
});
