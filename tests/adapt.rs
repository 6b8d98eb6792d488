//! A refit is kept where the file gets smaller by it, makes the same bytes everywhere, and comes back.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::weights::zoo;
use collapsar::internals::{Adapt, Archive, Choice, Options, compress, decompress};
use std::fs;
use std::path::Path;

const H: usize = 192;
const W: usize = 200;

fn plane(mut sample: impl FnMut(usize, &mut Lcg) -> u32) -> Vec<u8> {
    let mut random = Lcg(7);
    (0..H * W).flat_map(|i| (sample(i, &mut random) as u16).to_le_bytes()).collect()
}

/// Bends, a little noise, and now and then an int from anywhere: tails that no net has met.
fn wild() -> Vec<u8> {
    plane(|i, random| {
        let (y, x) = (i / W, i % W);
        let far = if random.below(9) == 0 { random.below(4000) } else { 0 };
        1000 + ((x * x + 2 * y * y) / 300) as u32 + random.below(5) + far
    })
}

/// A weights file of those that are built in for ever.
fn options(weights: &str, adapt: Adapt) -> Options {
    let raw = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![H as u64, W as u64] };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("weights").join(format!("{weights}.safetensors"));
    let hash = *blake3::hash(&fs::read(path).unwrap()).as_bytes();
    let model = Choice::These(vec![zoo::by_hash(&hash, &[]).unwrap()]);
    Options { model, raw: Some(raw), adapt, ..Options::default() }
}

fn refit_bytes(packed: &[u8]) -> u64 {
    Archive::open(&packed, &[]).unwrap().arrays().map(|a| a.head.refit_bytes()).sum()
}

#[test]
fn noise_that_no_net_has_met_is_learned_from_the_array() {
    let bytes = wild();
    for model in ["pixelcnn-default-1", "pixelcnn-fast-1", "lattice-fast-1"] {
        let plain = compress(&bytes, &options(model, Adapt::Off)).unwrap();
        assert_eq!(refit_bytes(&plain), 0);
        for adapt in [Adapt::Fast, Adapt::Max] {
            let packed = compress(&bytes, &options(model, adapt)).unwrap();
            assert!((50..400).contains(&refit_bytes(&packed)), "{model}: {} bytes of refit", refit_bytes(&packed));
            assert!(packed.len() * 16 / 15 < plain.len(), "{model}: {} of {}", packed.len(), plain.len());
            assert!(decompress(&packed).unwrap() == bytes);
        }
    }
}

#[test]
fn neither_threads_nor_repetition_reach_the_bytes() {
    let bytes = wild();
    for model in ["pixelcnn-default-1", "lattice-fast-1"] {
        let options = options(model, Adapt::Fast);
        let once = compress(&bytes, &options).unwrap();
        for n_threads in [1, 2, 3, 7] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
            assert!(pool.install(|| compress(&bytes, &options)).unwrap() == once, "{model}, {n_threads} threads");
        }
    }
}

#[test]
fn white_noise_and_small_arrays_are_left_alone() {
    let white = plane(|_, random| random.below(1 << 16));
    let small = Options {
        raw: Some(ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![80, 200] }),
        ..options("pixelcnn-default-1", Adapt::Max)
    };
    for adapt in [Adapt::Fast, Adapt::Max] {
        for model in ["pixelcnn-default-1", "lattice-default-1"] {
            assert_eq!(refit_bytes(&compress(&white, &options(model, adapt)).unwrap()), 0, "{model}");
        }
    }
    assert_eq!(refit_bytes(&compress(&wild()[..2 * 80 * 200], &small).unwrap()), 0);
}

#[test]
fn a_net_that_reads_other_cells_is_refitted_like_any_other() {
    let bytes = wild();
    let model = synthetic::grown();
    let options = |adapt| {
        let model = Choice::These(vec![model.clone()]);
        Options { model, embed: true, adapt, ..options("pixelcnn-fast-1", adapt) }
    };
    let plain = compress(&bytes, &options(Adapt::Off)).unwrap();
    let packed = compress(&bytes, &options(Adapt::Fast)).unwrap();
    assert_eq!(refit_bytes(&plain), 0);
    assert!(refit_bytes(&packed) > 0 && packed.len() < plain.len(), "{} of {}", packed.len(), plain.len());
    for packed in [plain, packed.clone()] {
        assert!(decompress(&packed).unwrap() == bytes);
    }
    for n_threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        assert!(pool.install(|| compress(&bytes, &options(Adapt::Fast))).unwrap() == packed, "{n_threads} threads");
    }
}
