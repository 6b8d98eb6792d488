//! |x − x′| ≤ E for every sample: arrays that were made to break bounds, there and back, checked by arithmetic of the test's own.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::error::ErrorKind;
use collapsar::internals::source::Source;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Choice, Loss, Options, Rounding, compress, compress_to, decompress};

const H: usize = 37;
const W: usize = 41;

fn options(dtype: Dtype, shape: &[u64], loss: Loss, model: Option<&str>) -> Options {
    let named = |name: &str| zoo::defaults().into_iter().find(|m| m.name == name).expect("a model that is built in");
    Options {
        raw: Some(ArrayType { dtype, big_endian: false, shape: shape.to_vec() }),
        model: model.map_or(Choice::Classic, |name| Choice::These(vec![named(name)])),
        loss,
        ..Options::default()
    }
}

/// A smooth field with noise, around 0.
fn field(seed: u32, scale: f64) -> Vec<f64> {
    let mut random = Lcg(seed);
    let at = |i: usize| {
        let (y, x) = ((i / W) as f64, (i % W) as f64);
        scale * ((x - 20.0) * (y - 11.0) / 50.0 + f64::from(random.within(1000)) / 4000.0)
    };
    (0..H * W).map(at).collect()
}

/// Any bit patterns.
fn noise(seed: u32) -> impl FnMut() -> u64 {
    let mut random = Lcg(seed);
    move || u64::from(random.below(u32::MAX)) << 32 ^ u64::from(random.below(u32::MAX)) << 8
}

/// Arrays of f64 that were made to break bounds; as f32 they are as bad.
fn adversaries() -> Vec<(&'static str, Vec<f64>)> {
    let n = H * W;
    let field = |scale: f64| field(7, scale);
    let with = |every: usize, value: f64| {
        let mut values = field(1.0);
        values.iter_mut().step_by(every).for_each(|v| *v = value);
        values
    };
    let slab = |value: f64| (0..n).map(|i| if (i % W) * 3 > W + i / W { field(1.0)[i] } else { value }).collect();
    let mut random = Lcg(3);
    let mut dynamic = || {
        let sign = if random.below(2) == 0 { -1.0 } else { 1.0 };
        sign * 2f64.powi(random.within(120)) * (1.0 + f64::from(random.below(1 << 20)) / f64::from(1 << 20))
    };
    vec![
        ("smooth", field(1.0)),
        ("far from zero", field(1.0).iter().map(|v| v + 12345.678).collect()),
        ("denormals", field(1e-39)),
        ("deeper denormals", field(3e-45)),
        ("huge", field(1e36)),
        ("dynamic", (0..n).map(|_| dynamic()).collect()),
        ("alternating", (0..n).map(|i| if i % 2 == 0 { 1e5 } else { -1e5 } + i as f64).collect()),
        ("constant", vec![3.7; n]),
        ("zeros", (0..n).map(|i| if i % 3 == 0 { -0.0 } else { 0.0 }).collect()),
        ("all NaN", vec![f64::NAN; n]),
        ("some NaN", with(5, f64::NAN)),
        (
            "infinite",
            with(7, f64::INFINITY)
                .iter()
                .enumerate()
                .map(|(i, v)| if i % 11 == 0 { -f64::INFINITY } else { *v })
                .collect(),
        ),
        ("fill values", slab(1e20)),
        ("nearer fill values", slab(-999.0)),
        ("one outlier", (0..n).map(|i| if i == 700 { 3e30 } else { field(1.0)[i] }).collect()),
        ("ends", (0..n).map(|i| [f64::from(f32::MAX), -f64::from(f32::MAX), 1e-45, 0.0, 1.0][i % 5]).collect()),
        ("two values", (0..n).map(|i| f64::from((i / 9 % 2) as u8)).collect()),
    ]
}

/// What is promised of one sample that is no fill value, by the numbers themselves.
#[derive(Clone, Copy)]
enum Promise {
    Abs(f64),
    PwRel(f64),
}

/// Samples that are off by more than was promised, or that are not finite and not the same.
fn violations(original: &[f64], decoded: &[f64], promise: Promise) -> usize {
    let beyond = |(x, y): (&f64, &f64)| {
        if !x.is_finite() || !y.is_finite() {
            return x.to_bits() != y.to_bits();
        }
        match promise {
            Promise::Abs(e) => (x - y).abs() > e,
            Promise::PwRel(e) => {
                (x - y).abs() > e * x.abs() || x.is_sign_negative() != y.is_sign_negative() && *x != 0.0
            }
        }
    };
    assert_eq!(original.len(), decoded.len());
    original.iter().zip(decoded).filter(|pair| beyond(*pair)).count()
}

fn bytes(values: &[f64], dtype: Dtype) -> Vec<u8> {
    match dtype {
        Dtype::F32 => values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect(),
        _ => values.iter().flat_map(|v| v.to_le_bytes()).collect(),
    }
}

fn values(bytes: &[u8], dtype: Dtype) -> Vec<f64> {
    match dtype {
        Dtype::F32 => bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect(),
        _ => bytes.as_chunks().0.iter().map(|&b| f64::from_le_bytes(b)).collect(),
    }
}

fn check(name: &str, original: &[f64], dtype: Dtype, loss: Loss, model: Option<&str>) {
    let original = bytes(original, dtype);
    let packed = compress(&original, &options(dtype, &[H as u64, W as u64], loss, model)).unwrap();
    let decoded = decompress(&packed).unwrap();
    let (x, y) = (values(&original, dtype), values(&decoded, dtype));
    let finite = || x.iter().copied().filter(|v| v.is_finite());
    let promise = match loss {
        Loss::Abs(e) => Promise::Abs(e),
        // the share of half the range, twice: the range itself may be no float
        Loss::Rel(e) => {
            let (min, max) = (finite().fold(f64::MAX, f64::min), finite().fold(f64::MIN, f64::max));
            Promise::Abs((max / 2.0 - min / 2.0).max(0.0) * e * 2.0)
        }
        Loss::PwRel(e) => Promise::PwRel(e),
        _ => unreachable!("no other loss is checked here"),
    };
    assert_eq!(violations(&x, &y, promise), 0, "{name}: {dtype:?} {loss:?} {model:?}");
}

#[test]
fn no_bound_is_broken_by_any_array() {
    for (name, array) in adversaries() {
        for e in [1e-2, 1e-3, 1e-4, 1e-5, 1e-6] {
            for loss in [Loss::Abs(e), Loss::Rel(e), Loss::PwRel(e)] {
                check(name, &array, Dtype::F32, loss, None);
                check(name, &array, Dtype::F64, loss, None);
            }
        }
    }
}

#[test]
fn no_bound_is_broken_where_networks_code() {
    for (name, array) in adversaries() {
        for (i, e) in [1e-2, 1e-4, 1e-6].into_iter().enumerate() {
            for loss in [Loss::Abs(e), Loss::Rel(e), Loss::PwRel(e)] {
                let model = if i % 2 == 0 { "lattice-default" } else { "pixelcnn-default" };
                check(name, &array, Dtype::F32, loss, Some(model));
            }
        }
    }
}

#[test]
fn no_bound_is_broken_where_waves_approximate() {
    let mut n_transformed = 0;
    for (name, array) in adversaries() {
        for dtype in [Dtype::F32, Dtype::F64] {
            let original = bytes(&array, dtype);
            let x = values(&original, dtype);
            let finite = || x.iter().copied().filter(|v| v.is_finite());
            let (min, max) = (finite().fold(f64::MAX, f64::min), finite().fold(f64::MIN, f64::max));
            for e in [0.1, 0.017, 1e-2, 1e-3] {
                let options = options(dtype, &[H as u64, W as u64], Loss::Rel(e), None);
                let options = Options { model: Choice::Wavelet, ..options };
                let packed = match compress(&original, &options) {
                    Ok(packed) => packed,
                    Err(error) => {
                        assert_eq!(error.kind, ErrorKind::Argument, "{name}: {error}");
                        continue;
                    }
                };
                n_transformed += 1;
                let y = values(&decompress(&packed).unwrap(), dtype);
                let promise = Promise::Abs((max / 2.0 - min / 2.0).max(0.0) * e * 2.0);
                assert_eq!(violations(&x, &y, promise), 0, "{name}: {dtype:?} {e}");
            }
        }
    }
    assert!(n_transformed > 60, "{n_transformed} arrays were transformed");
}

#[test]
fn a_violation_is_seen() {
    let x = field(1, 1.0);
    for (off, promise) in [(0.0101, Promise::Abs(0.01)), (x[5] * 0.0101, Promise::PwRel(0.01))] {
        let mut y = x.clone();
        assert_eq!(violations(&x, &y, promise), 0);
        y[5] += off;
        assert_eq!(violations(&x, &y, promise), 1);
        y[6] = f64::NAN;
        assert_eq!(violations(&x, &y, promise), 2);
    }
}

#[test]
fn nan_payloads_infinities_and_fill_values_keep_their_bits() {
    let mut next = noise(5);
    let mut samples: Vec<f32> = field(2, 1.0).iter().map(|&v| v as f32).collect();
    for (i, sample) in samples.iter_mut().enumerate() {
        match i % 13 {
            0 => *sample = f32::from_bits(0x7f80_0000 | (next() >> 40) as u32 | 1),
            1 => *sample = f32::INFINITY,
            2 | 3 => *sample = 9.96921e36,
            4 => *sample = -999.0,
            _ => {}
        }
    }
    let original: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    for model in [None, Some("lattice-default"), Some("pixelcnn-default")] {
        let options = options(Dtype::F32, &[H as u64, W as u64], Loss::Rel(1e-3), model);
        let decoded = decompress(&compress(&original, &options).unwrap()).unwrap();
        let (mut n_changed, range) = (0, 2.0 * field(2, 1.0).iter().fold(0.0f64, |m, v| m.max(v.abs())));
        for (i, (x, y)) in original.as_chunks::<4>().0.iter().zip(decoded.as_chunks::<4>().0).enumerate() {
            if i % 13 < 5 {
                assert_eq!(x, y, "sample {i}");
            } else {
                // fill values do not widen the range that a bound is relative to
                assert!((f32::from_le_bytes(*x) - f32::from_le_bytes(*y)).abs() as f64 <= 1e-3 * range);
                n_changed += usize::from(x != y);
            }
        }
        assert!(n_changed > 500, "little was lost");
    }
}

#[test]
fn integers_keep_a_near_bound_up_to_the_ends_of_their_type() {
    let mut next = noise(9);
    for (dtype, n_bytes) in
        [(Dtype::U8, 1), (Dtype::I8, 1), (Dtype::U16, 2), (Dtype::I16, 2), (Dtype::I32, 4), (Dtype::I64, 8)]
    {
        let bits = 8 * n_bytes as u32;
        let ends = [0, 1, u64::MAX, u64::MAX - 1, 1 << (bits - 1), (1 << (bits - 1)) - 1];
        let anything: Vec<u64> = (0..H * W).map(|i| if i % 3 == 0 { ends[i / 3 % 6] } else { next() }).collect();
        let smooth: Vec<u64> = (0..H * W).map(|i| (1 << (bits - 1)) + (i / W + i % W) as u64 % 90).collect();
        for words in [anything, smooth] {
            let original: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes().into_iter().take(n_bytes)).collect();
            for n in [1, 2, 7, 100, 40_000, u64::MAX] {
                let options = options(dtype, &[H as u64, W as u64], Loss::Near(n), None);
                let decoded = decompress(&compress(&original, &options).unwrap()).unwrap();
                let signed = matches!(dtype, Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64);
                let number = |b: &[u8]| {
                    let wide = b.iter().rev().fold(0u64, |w, &b| w << 8 | u64::from(b));
                    if signed { i128::from((wide << (64 - bits)) as i64 >> (64 - bits)) } else { i128::from(wide) }
                };
                for (x, y) in original.chunks(n_bytes).zip(decoded.chunks(n_bytes)) {
                    assert!((number(x) - number(y)).unsigned_abs() <= n.into(), "{dtype:?} near {n}");
                }
            }
        }
    }
}

#[test]
fn steps_of_the_noise_keep_half_a_step_and_come_out_the_same_each_time() {
    for (dtype, scale) in [(Dtype::F32, 1.0), (Dtype::F64, 1e-3), (Dtype::U16, 2000.0)] {
        // uniform noise of ±1/4 on a slope: σ = scale / (4 √3)
        let numbers: Vec<f64> = field(6, scale).iter().map(|v| v + 30_000.0).collect();
        let original = match dtype {
            Dtype::U16 => numbers.iter().flat_map(|v| (v.round() as u16).to_le_bytes()).collect(),
            _ => bytes(&numbers, dtype),
        };
        for q in [0.5, 4.0] {
            let options = options(dtype, &[H as u64, W as u64], Loss::NoiseStep(q), None);
            let (packed, report) = compress_to(&original, Vec::new(), &options, &|_| Ok(())).unwrap();
            assert_eq!(compress(&original, &options).unwrap(), packed);
            let noise = report.arrays[0].noise.unwrap();
            // an estimate for normal noise, of 1517 samples that are not: a third off at most
            let sigma = scale / (4.0 * 3f64.sqrt());
            assert!((noise.sigma / sigma - 1.0).abs() < 0.35 && noise.step == noise.sigma / q, "{dtype:?}: {noise:?}");
            let decoded = decompress(&packed).unwrap();
            let word = |b: &[u8]| f64::from(u16::from_le_bytes([b[0], b[1]]));
            let off = match dtype {
                Dtype::U16 => original
                    .chunks(2)
                    .zip(decoded.chunks(2))
                    .map(|(x, y)| (word(x) - word(y)).abs())
                    .fold(0.0, f64::max),
                _ => values(&original, dtype)
                    .iter()
                    .zip(values(&decoded, dtype))
                    .map(|(x, y)| (x - y).abs())
                    .fold(0.0, f64::max),
            };
            assert!(off <= noise.step / 2.0 && off > noise.step / 4.0, "{dtype:?} {q}: {off} {noise:?}");
            assert_eq!(report.errors().largest, off);
        }
    }
    // no noise, no loss
    let slope: Vec<u8> = (0..H * W).flat_map(|i| (i as f32).to_le_bytes()).collect();
    let options = options(Dtype::F32, &[H as u64, W as u64], Loss::NoiseStep(4.0), None);
    assert_eq!(decompress(&compress(&slope, &options).unwrap()).unwrap(), slope);
}

#[test]
fn mantissas_are_shortened_once_and_what_is_inside_is_the_short_file() {
    let samples: Vec<f32> = field(4, 100.0).iter().map(|&v| v as f32).collect();
    let original: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    for (rounding, n_bits) in [(Rounding::Round, 10), (Rounding::Trunc, 7), (Rounding::Round, 23)] {
        let options = options(Dtype::F32, &[H as u64, W as u64], Loss::Mantissa(n_bits, rounding), None);
        let packed = compress(&original, &options).unwrap();
        let once = decompress(&packed).unwrap();
        let scale = 2f64.powi(n_bits as i32);
        for (x, y) in samples.iter().zip(values(&once, Dtype::F32)) {
            let x = f64::from(*x);
            let unit = 2f64.powi(x.abs().log2().floor() as i32) / scale;
            let expected = match rounding {
                Rounding::Round => (x / unit).round() * unit,
                Rounding::Trunc => (x / unit).trunc() * unit,
            };
            assert_eq!(y, if x == 0.0 { x } else { expected });
        }
        assert_eq!(decompress(&compress(&once, &options).unwrap()).unwrap(), once, "twice is once");
        let lossless = Options { loss: Loss::None, ..options };
        assert_eq!(compress(&once, &lossless).unwrap(), packed);
    }
}

#[test]
fn bounds_that_do_not_concern_a_dtype_lose_nothing() {
    let floats = bytes(&field(1, 1.0), Dtype::F32);
    let ints: Vec<u8> = (0..H * W).flat_map(|i| (i as u16 * 7).to_le_bytes()).collect();
    for (dtype, original, loss) in [
        (Dtype::F32, &floats, Loss::Near(3)),
        (Dtype::U16, &ints, Loss::PwRel(0.1)),
        (Dtype::U16, &ints, Loss::Mantissa(3, Rounding::Round)),
        (Dtype::U16, &ints, Loss::Abs(0.9)),
        (Dtype::F32, &floats, Loss::Abs(1e-9)),
    ] {
        let options = options(dtype, &[H as u64, W as u64], loss, None);
        let (packed, report) = compress_to(original, Vec::new(), &options, &|_| Ok(())).unwrap();
        assert!(report.is_lossless(), "{loss:?}");
        assert_eq!(&decompress(&packed).unwrap(), original);
    }
}

#[test]
fn a_psnr_is_kept_and_hardly_exceeded() {
    let original = field(8, 30.0);
    for db in [40.0, 65.0, 90.0] {
        let options = options(Dtype::F64, &[H as u64, W as u64], Loss::Psnr(db), None);
        let decoded = decompress(&compress(&bytes(&original, Dtype::F64), &options).unwrap()).unwrap();
        let decoded = values(&decoded, Dtype::F64);
        let squares: f64 = original.iter().zip(&decoded).map(|(x, y)| (x - y) * (x - y)).sum();
        let range = original.iter().fold(f64::MIN, |m, &v| m.max(v)) - original.iter().fold(f64::MAX, |m, &v| m.min(v));
        let psnr = 20.0 * (range / (squares / original.len() as f64).sqrt()).log10();
        assert!((db..db + 0.5).contains(&psnr), "{psnr} dB for {db}");
    }
}

#[test]
fn a_ratio_is_reached_or_refused() {
    let original = bytes(&field(8, 30.0), Dtype::F32);
    for ratio in [4.0, 6.0] {
        let options = options(Dtype::F32, &[H as u64, W as u64], Loss::Ratio(ratio), None);
        let packed = compress(&original, &options).unwrap();
        let reached = original.len() as f64 / packed.len() as f64;
        assert!((ratio..ratio * 1.1).contains(&reached), "{reached} for {ratio}");
    }
    let wanting = |ratio: f64| options(Dtype::F32, &[H as u64, W as u64], Loss::Ratio(ratio), None);
    let error = compress(&original, &wanting(1e6)).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Argument);
    let (_, most) = error.message.split_once("the most is ").unwrap();
    let most: f64 = most.split(',').next().unwrap().parse().unwrap();
    let packed = compress(&original, &wanting(most)).unwrap();
    assert!(original.len() as f64 >= most * packed.len() as f64, "{error}");
}

#[test]
fn slabs_cost_nothing_and_cut_outs_show_what_is_hidden() {
    let (n, h, w) = (3u64, 300u64, 280u64);
    let mut random = Lcg(6);
    let waves: Vec<f32> = (0..n * h * w).map(|_| random.below(31) as f32 * 0.01).collect();
    let sea = |i: u64| ((i / w % h) as f32 * 0.3 + (i % w) as f32 * 0.1).sqrt() + waves[i as usize];
    let is_land = |i: u64| i % w > 100 + i / w % h / 3;
    let original = (0..n * h * w).map(|i| if is_land(i) { 1e20 } else { sea(i) });
    let original: Vec<u8> = original.flat_map(f32::to_le_bytes).collect();
    for model in [None, Some("lattice-default"), Some("pixelcnn-default")] {
        let options = options(Dtype::F32, &[n, h, w], Loss::Abs(5e-3), model);
        let packed = compress(&original, &options).unwrap();
        let decoded = decompress(&packed).unwrap();
        let archive = Archive::open(&packed, &[]).unwrap();
        let array = archive.arrays().next().unwrap();
        for (plane, rows, columns) in [(0, 0..3, 90..130), (2, 250..300, 0..280), (1, 255..257, 255..258)] {
            let cut = archive.region(array, plane, rows.clone(), columns.clone()).unwrap();
            let row = |y: u64| {
                let at = |x: u64| 4 * ((plane * h + y) * w + x) as usize;
                decoded[at(columns.start)..at(columns.end)].to_vec()
            };
            assert_eq!(cut.bytes, rows.flat_map(row).collect::<Vec<u8>>());
        }
        // nothing but sea on as many samples as there are of sea costs as much, but for the coast
        let n_sea = (0..h * w).filter(|i| !is_land(*i)).count() as u64 / w;
        let only_sea: Vec<u8> = (0..n * n_sea * w).map(sea).flat_map(f32::to_le_bytes).collect();
        let of_sea = compress(
            &only_sea,
            &Options {
                raw: Some(ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![n, n_sea, w] }),
                ..options
            },
        )
        .unwrap();
        let coast = n * h;
        assert!(
            packed.len() < of_sea.len() * 102 / 100 + coast as usize + 400,
            "{} and {} of sea",
            packed.len(),
            of_sea.len()
        );
    }
}

#[test]
fn four_phases_hide_what_they_hide_apart() {
    let (h, w) = (88usize, 93usize);
    let mut random = Lcg(3);
    let scene: Vec<u32> = (0..h * w).map(|_| random.below(100)).collect();
    let sample = |i: usize| {
        let (y, x) = (i / w, i % w);
        let colour = [500.0, 4000.0, 9000.0, 2000.0][2 * (y & 1) + (x & 1)];
        match (x * 3 > 200 + y, i % 1409) {
            (true, _) => f32::NAN,
            (_, 0) => 1e12,
            _ => colour + scene[y / 2 * (w / 2) + x / 2] as f32 + random.below(100) as f32 / 64.0,
        }
    };
    let original: Vec<u8> = (0..h * w).map(sample).flat_map(f32::to_le_bytes).collect();
    let options = options(Dtype::F32, &[h as u64, w as u64], Loss::Abs(0.25), Some("lattice-default"));
    let packed = compress(&original, &options).unwrap();
    let archive = Archive::open(&packed, &[]).unwrap();
    let array = archive.arrays().next().unwrap();
    assert!(array.head.grid().n_phases == 4 && array.head.map.bound().is_some(), "{}", array.head.map.name());
    let decoded = decompress(&packed).unwrap();
    assert_eq!(violations(&values(&original, Dtype::F32), &values(&decoded, Dtype::F32), Promise::Abs(0.25)), 0);
    let cut = archive.region(array, 0, 0..h as u64, 0..w as u64).unwrap();
    assert!(cut.bytes == decoded);
}

#[test]
fn the_content_of_a_lossy_file_is_what_it_gives_back() {
    let original = bytes(&field(1, 1.0), Dtype::F32);
    let options = options(Dtype::F32, &[H as u64, W as u64], Loss::Abs(0.01), None);
    let (packed, report) = compress_to(&original, Vec::new(), &options, &|_| Ok(())).unwrap();
    let decoded = decompress(&packed).unwrap();
    let archive = Archive::open(&packed, &[]).unwrap();
    assert_eq!(archive.reader.content_blake3(), blake3::hash(&decoded).as_bytes());
    let largest = values(&original, Dtype::F32)
        .iter()
        .zip(values(&decoded, Dtype::F32))
        .map(|(x, y)| (x - y).abs())
        .fold(0.0, f64::max);
    assert_eq!((report.errors().largest, report.n_bytes_in), (largest, Source::len(&original)));
    assert!(!report.is_lossless() && largest <= 0.01 && largest > 0.009);
    // what came back is its own best approximation
    assert_eq!(decompress(&compress(&decoded, &options).unwrap()).unwrap(), decoded);
}
