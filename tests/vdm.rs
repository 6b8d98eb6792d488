//! Family vdm: tiles come back on every level in the same bytes, what its noise takes is given back, and nothing that is damaged is
//! taken for a tile.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::fit::{Sample, fit};
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::kernel::{MAX_INT, PlaneStats};
use collapsar::internals::model::Model;
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::tile::cells::{costs, decode, encode};
use collapsar::internals::tile::code::{Code, Mode};
use collapsar::internals::tile::mask::Kind;
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Archive, Choice, Loss, Options, compress, decompress};
use std::sync::Arc;

const STATS: PlaneStats = PlaneStats { median: 6400, spread: 200 };

fn noisy_slope(h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut random = Lcg(7);
    (0..h * w).map(|i| ((i / w + i % w) as i32 * 3 + random.bits(5) as i32).min(max)).collect()
}

/// The payload, the same at every level, which gives the ints back.
fn comes_back(model: &Model, (h, w): (usize, usize), ints: &[i32], max: i32) -> Vec<u8> {
    let linears = model.linears(0);
    let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
    let mut first: Option<Vec<u8>> = None;
    for level in Level::available() {
        let kernels = model.kernels(level);
        let context = PlaneContext { model, kernels: &kernels, linears: &linears, stats: STATS, max };
        let payload = encode(context, &to_encode, ints, &[]);
        let mut back = vec![-1; h * w];
        decode(context, &to_decode, &payload, &[], &mut back).unwrap();
        assert!(back == ints, "{h}×{w} with {level:?}");
        assert!(*first.get_or_insert(payload.clone()) == payload, "{h}×{w}: {level:?} gives other bytes");
    }
    first.unwrap()
}

#[test]
fn every_size_comes_back_and_low_tiles_have_no_ladder() {
    let model = synthetic::ladder(1);
    for h in [1, 4, 15, 16, 17, 18, 63, 64, 65] {
        for w in [1, 2, 3, 16, 33, 70] {
            let payload = comes_back(&model, (h, w), &noisy_slope(h, w, 4000), 4000);
            assert_eq!(payload[0], u8::from(h >= 16), "{h}×{w}");
        }
    }
}

#[test]
fn ladders_of_more_rungs_come_back() {
    for per_octave in [2, 4] {
        let model = Model { per_octave, ..synthetic::ladder(1) };
        for (h, w) in [(16, 1), (17, 33), (65, 64)] {
            assert_eq!(model.plan_to_decode(h, w).scales.len() % per_octave, 1);
            assert_eq!(comes_back(&model, (h, w), &noisy_slope(h, w, 4000), 4000)[0], 1);
        }
    }
}

#[test]
fn extreme_planes_come_back() {
    let model = synthetic::ladder(2);
    for max in [1, 255, 4095, 65535, 65536, MAX_INT - (1 << 18), MAX_INT] {
        let ends: Vec<i32> = (0..40 * 20).map(|i| if i % 7 < 3 { 0 } else { max }).collect();
        let hot: Vec<i32> = (0..40 * 20).map(|i| if i % 97 == 0 { max } else { i % 2 }).collect();
        for ints in [ends, hot, vec![max; 800], vec![0; 800]] {
            // noise must not leave what kernels can hold
            assert_eq!(comes_back(&model, (40, 20), &ints, max)[0], u8::from(max < MAX_INT));
        }
    }
}

#[test]
fn no_cut_and_no_flip_is_taken_for_the_tile() {
    let model = synthetic::ladder(3);
    let (linears, kernels) = (model.linears(0), model.kernels(Level::detect()));
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats: STATS, max: 4000 };
    let (ints, plan) = (noisy_slope(17, 13, 4000), model.plan_to_decode(17, 13));
    let payload = encode(context, &model.plan_to_encode(17, 13), &ints, &[]);
    let mut back = vec![0; ints.len()];
    for n in 0..payload.len() {
        assert!(decode(context, &plan, &payload[..n], &[], &mut back).is_err(), "cut at {n}");
    }
    for bit in 0..payload.len() * 8 {
        let mut wrong = payload.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        if decode(context, &plan, &wrong, &[], &mut back).is_ok() {
            assert!(back.iter().all(|v| (0..=4000).contains(v)), "bit {bit}");
        }
    }
    let mut random = Lcg(5);
    for n in 0..300 {
        let any: Vec<u8> = [1, 3, 1].into_iter().chain((0..4 * (n % 90)).map(|_| random.bits(8) as u8)).collect();
        if decode(context, &plan, &any, &[], &mut back).is_ok() {
            assert!(back.iter().all(|v| (0..=4000).contains(v)), "{n}");
        }
    }
}

fn shipped() -> Arc<Model> {
    zoo::by_name("vdm-default", &[]).unwrap().remove(0)
}

/// Normal noise on a slope with some stars.
fn sky(h: usize, w: usize, sigma: i64) -> Vec<i32> {
    let mut random = Lcg(11);
    let mut ints: Vec<i32> = (0..h * w)
        .map(|i| {
            let sum: i64 = (0..12).map(|_| i64::from(random.bits(16)) - 32768).sum();
            3000 + ((i / w + i % w) / 8) as i32 + ((sum * sigma) >> 16) as i32
        })
        .collect();
    for _ in 0..h * w / 1500 {
        let (y0, x0, peak) = (random.below(h as u32) as i32, random.below(w as u32) as i32, random.below(9000) as i32);
        for (i, int) in ints.iter_mut().enumerate() {
            let (dy, dx) = ((i / w) as i32 - y0, (i % w) as i32 - x0);
            let r2 = dy * dy + dx * dx;
            *int += peak / (1 + r2 * (2 + r2 / 4));
        }
    }
    ints
}

#[test]
fn a_file_takes_what_the_model_says_within_a_hundredth() {
    let (model, h, w) = (shipped(), 256, 256);
    let kernels = model.kernels(Level::detect());
    let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
    for sigma in [2, 20, 300] {
        let ints = sky(h, w, sigma);
        let fitted = fit(&model, &[Sample { plan: &to_encode, ints: &ints, refs: &[] }]);
        let context = PlaneContext {
            model: &model,
            kernels: &kernels,
            linears: &fitted.linears,
            stats: fitted.stats,
            max: 65535,
        };
        let payload = encode(context, &to_encode, &ints, &[]);
        let mut back = vec![0; h * w];
        decode(context, &to_decode, &payload, &[], &mut back).unwrap();
        assert!(back == ints);
        // the bound is that of the rows below the strip
        let bound = costs(context, &to_encode, &ints, &[], &[])[0] / 256 * h as i64 / (h as i64 - 4);
        let real = payload.len() as i64 * 8;
        assert!(real * 100 < bound * 101, "{real} bits where the model says {bound}, noise {sigma}");
        // without bits back an int would take as much more as a quarter of what its noise is worth
        assert!(real * 100 > bound * 99, "{real} bits where the model says {bound}, noise {sigma}");
    }
}

#[test]
fn files_come_back_those_with_holes_too() {
    let (model, h, w) = (shipped(), 300, 270);
    let raw = |dtype| Some(ArrayType { dtype, big_endian: false, shape: vec![h as u64, w as u64] });
    let by = |model: Arc<Model>| Options { model: Choice::These(vec![model]), ..Options::default() };
    // hot pixels never enter the images above
    let mut random = Lcg(3);
    let mut hot = |v: i32| if random.below(10) == 0 { v + random.below(3000) as i32 } else { v };
    let ints: Vec<i32> = sky(h, w, 5).into_iter().map(&mut hot).collect();
    let content: Vec<u8> = ints.iter().flat_map(|&v| (v.clamp(0, 65535) as u16).to_le_bytes()).collect();
    let file = compress(&content, &Options { raw: raw(Dtype::U16), ..by(model.clone()) }).unwrap();
    assert_eq!(modes(&file)[0], Mode::Network);
    assert_eq!(decompress(&file).unwrap(), content);
    // a blank int is an int
    let blank = |(i, v): (usize, &i32)| if i % 270 < 40 && i < 9000 { i16::MIN } else { (*v).clamp(0, 32767) as i16 };
    let frame: Vec<u8> = ints.iter().enumerate().flat_map(|of| blank(of).to_le_bytes()).collect();
    let file = compress(&frame, &Options { raw: raw(Dtype::I16), ..by(model.clone()) }).unwrap();
    assert_eq!(modes(&file)[0], Mode::Network);
    assert_eq!(decompress(&file).unwrap(), frame);
    // a tile with a mask the family leaves to others
    let sky = sky(h, w, 20);
    for step in [7, h * w] {
        let field: Vec<f32> = (1..=h * w).map(|i| if i % step == 0 { f32::NAN } else { sky[i - 1] as f32 }).collect();
        let bytes: Vec<u8> = field.iter().flat_map(|v| v.to_le_bytes()).collect();
        let options = Options { raw: raw(Dtype::F32), loss: Loss::Abs(0.5), ..by(model.clone()) };
        let file = compress(&bytes, &options).unwrap();
        assert!(codes(&file).iter().all(|code| code.mode == Mode::Classic || code.mask == Kind::None));
        let back = decompress(&file).unwrap();
        let back = back.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        for (v, back) in field.iter().zip(back) {
            assert!(v.to_bits() == back.to_bits() || (v - back).abs() <= 0.5, "{back} for {v}");
        }
    }
}

fn modes(file: &[u8]) -> Vec<Mode> {
    codes(file).iter().map(|code| code.mode).collect()
}

fn codes(file: &[u8]) -> Vec<Code> {
    let archive = Archive::open(&file, &[]).unwrap();
    let array = archive.arrays().next().unwrap();
    let grid = array.head.grid();
    let places = (0..grid.n_planes).flat_map(|p| (0..grid.n_bands()).flat_map(move |b| grid.band(p, b)));
    places.enumerate().map(|(i, place)| archive.tile(array, &place, array.first_block + i).unwrap()).collect()
}
