//! `--denoise`: bounded, the same everywhere, and blind to what is no noise.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::search::denoised::Denoised;
use collapsar::internals::denoise::{HALO, Patch};
use collapsar::internals::kernel::fast::{Kernels, Level};
use collapsar::internals::sample::{Movable, Survey, Values};
use collapsar::internals::source::Source;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::{
    ErrorKind, Loss, Options, Report, compress, compress_to, decode_array, decode_chunk, decompress, encode_chunk,
    weights,
};

const LOSS: Loss = Loss::Denoise(1.5);

fn array(dtype: Dtype, shape: &[u64]) -> ArrayType {
    ArrayType { dtype, big_endian: false, shape: shape.to_vec() }
}

/// Noise, σ near 6, around 60.
fn noise(n: usize, seed: u32) -> Vec<i64> {
    let mut random = Lcg(seed);
    (0..n).map(|_| 60 + i64::from(random.bell(6))).collect()
}

fn bytes(samples: &[i64], dtype: Dtype) -> Vec<u8> {
    samples.iter().flat_map(|x| x.to_le_bytes()[..dtype.n_bytes()].to_vec()).collect()
}

fn packed(bytes: &[u8], ty: &ArrayType) -> (Vec<u8>, Report) {
    let options = Options { raw: Some(ty.clone()), loss: LOSS, ..Options::default() };
    compress_to(&bytes, Vec::new(), &options, &|_| Ok(())).unwrap()
}

fn differences(before: &[u8], after: &[u8], dtype: Dtype) -> Vec<i128> {
    let n = dtype.n_bytes();
    let number = |x: &[u8]| {
        let wide = x.iter().rev().fold(0u64, |wide, &byte| wide << 8 | u64::from(byte));
        match dtype {
            Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => {
                i128::from((wide << (64 - 8 * n)) as i64 >> (64 - 8 * n))
            }
            _ => i128::from(wide),
        }
    };
    before.chunks(n).zip(after.chunks(n)).map(|(a, b)| number(b) - number(a)).collect()
}

#[test]
fn no_integer_of_any_dtype_is_moved_by_more_than_was_said_and_noise_gets_smaller() {
    let integers = Dtype::ALL.into_iter().filter(|dtype| !matches!(dtype, Dtype::F32 | Dtype::F64));
    for (i, dtype) in integers.enumerate() {
        let ty = array(dtype, &[97, 130]);
        let before = bytes(&noise(97 * 130, i as u32), dtype);
        let (file, report) = packed(&before, &ty);
        let after = decompress(&file).unwrap();
        let (moved, told) = (differences(&before, &after, dtype), &report.arrays[0]);
        let sigma = told.noise.unwrap().sigma;
        assert!((5.0..7.5).contains(&sigma), "{dtype:?}: {sigma}");
        let largest = moved.iter().map(|d| d.unsigned_abs()).max().unwrap();
        assert_eq!(told.errors.largest, largest as f64);
        assert!(largest as f64 <= 1.5 * sigma && largest as f64 > sigma, "{dtype:?}: {largest} of {sigma}");
        assert!(!report.is_lossless());
        let lossless = compress(&before, &Options { raw: Some(ty.clone()), ..Options::default() }).unwrap();
        assert!(file.len() * 10 < lossless.len() * 9, "{dtype:?}: {} of {}", file.len(), lossless.len());
    }
}

#[test]
fn odd_sizes_constants_and_single_samples_come_back_within_the_bound() {
    for shape in [
        &[1u64, 1][..],
        &[1],
        &[3, 3],
        &[1, 63],
        &[64, 1],
        &[65, 7],
        &[2, 3, 5],
        &[3, 40, 41],
        &[5000],
        &[2, 2, 64, 65],
    ] {
        for dtype in [Dtype::U8, Dtype::I32] {
            let ty = array(dtype, shape);
            let n = ty.n_samples().unwrap() as usize;
            for samples in [noise(n, 9), vec![7; n]] {
                let before = bytes(&samples, dtype);
                let (file, report) = packed(&before, &ty);
                let after = decompress(&file).unwrap();
                let most = report.arrays.first().and_then(|told| told.noise).map_or(0.0, |noise| 1.5 * noise.sigma);
                let moved = differences(&before, &after, dtype);
                assert!(moved.iter().all(|d| d.unsigned_abs() as f64 <= most), "{shape:?}: {most}");
                assert!(samples != vec![7; n] || after == before);
            }
        }
    }
}

#[test]
fn stars_lines_holes_and_the_ends_of_the_range_stay() {
    let (h, w, dtype) = (120usize, 140usize, Dtype::U16);
    let mut samples: Vec<i64> = noise(h * w, 3).into_iter().map(|x| x + 1000).collect();
    let mut stays = Vec::new();
    for (y, x) in [(30, 30), (31, 90), (80, 50)] {
        for (dy, dx, by) in [(0, 0, 300), (0, 1, 150), (1, 0, 150), (0, -1, 150), (-1, 0, 150)] {
            let at = (y + dy) as usize * w + (x + dx) as usize;
            samples[at] += by;
            stays.push(at);
        }
    }
    let line = (0..w).map(|x| 60 * w + x);
    line.clone().for_each(|at| samples[at] += 40);
    stays.extend(line);
    // a border without samples, and saturated ones
    (0..h).flat_map(|y| (100..w).map(move |x| y * w + x)).for_each(|at| samples[at] = 0);
    (0..6).for_each(|i| samples[95 * w + 20 + i] = 1400);
    stays.extend((0..h).flat_map(|y| (100..w).map(move |x| y * w + x)));
    stays.extend((0..6).map(|i| 95 * w + 20 + i));
    let before = bytes(&samples, dtype);
    let after = decompress(&packed(&before, &array(dtype, &[h as u64, w as u64])).0).unwrap();
    let moved = differences(&before, &after, dtype);
    assert!(stays.iter().all(|&at| moved[at] == 0));
    let n_moved = moved.iter().filter(|d| **d != 0).count();
    assert!(n_moved > h * w / 3, "{n_moved}");
}

#[test]
fn codes_that_never_come_do_not_come() {
    let (n, dtype) = (90 * 91, Dtype::U16);
    let samples: Vec<i64> = noise(n, 6).into_iter().map(|x| 16 * (x / 2)).collect();
    let before = bytes(&samples, dtype);
    let after = decompress(&packed(&before, &array(dtype, &[90, 91])).0).unwrap();
    let moved = differences(&before, &after, dtype);
    assert!(moved.iter().all(|d| d % 16 == 0) && moved.iter().filter(|d| **d != 0).count() > n / 4);
}

#[test]
fn a_part_that_is_read_is_that_part_of_the_whole() {
    for (shape, mosaic) in [(vec![3, 70, 90], false), (vec![150, 90], true), (vec![40_000], false)] {
        let ty = array(Dtype::U16, &shape);
        let n = ty.n_samples().unwrap() as usize;
        let mut samples = noise(n, 1);
        if mosaic {
            samples.iter_mut().enumerate().for_each(|(i, x)| *x += [900, 400, 380, 100][i / 90 % 2 * 2 + i % 2]);
        }
        let file = [vec![1; 7], bytes(&samples, ty.dtype), vec![2; 5]].concat();
        let mut denoised = Denoised::new(&file);
        denoised.add(7, &ty, LOSS).unwrap();
        let whole = denoised.bytes(0, file.len()).unwrap();
        assert!(whole != file && whole[..7] == file[..7] && whole[file.len() - 5..] == file[file.len() - 5..]);
        let mut random = Lcg(8);
        for _ in 0..40 {
            let from = random.below(file.len() as u32) as usize;
            let len = random.below((file.len() - from) as u32 + 1) as usize;
            assert!(denoised.bytes(from as u64, len).unwrap() == whole[from..from + len], "{shape:?}: {from} {len}");
        }
        let errors = denoised.check(7, &ty, &whole[7..file.len() - 5]).unwrap();
        assert!(errors.n_changed as usize > n / 2, "{shape:?}: {} of {n} moved", errors.n_changed);
        let mut wrong = whole.clone();
        wrong[7 + 20] ^= 64;
        assert_eq!(denoised.check(7, &ty, &wrong[7..file.len() - 5]).unwrap_err().kind, ErrorKind::Verify);
    }
}

#[test]
fn every_instruction_set_says_the_same() {
    let (h, w) = (50, 61);
    let ty = array(Dtype::U16, &[(h + 2 * HALO) as u64, (w + 2 * HALO) as u64]);
    let bytes = bytes(&noise((h + 2 * HALO) * (w + 2 * HALO), 5), ty.dtype);
    let mut survey = Survey::new(ty.dtype);
    survey.update(&bytes, false);
    let mut values = Values::new(ty.dtype);
    values.update(&bytes, false);
    let movable = Movable::of(LOSS, (&survey, &values), &bytes, false, w + 2 * HALO).unwrap();
    let mut samples = Vec::new();
    movable.read(&bytes, &mut samples);
    let patch = Patch { samples: &samples, h, w, step: 1 };
    let at = |level| patch.denoised(&Kernels::new(level, []).with([weights::denoiser()]), &movable);
    let plain = at(Level::Plain);
    let n_moved = (0..h * w).filter(|i| plain[*i] != samples[(i / w + HALO) * (w + 2 * HALO) + i % w + HALO]).count();
    assert!(n_moved > h * w / 2);
    for level in Level::available() {
        assert!(at(level) == plain, "{level:?}");
    }
}

#[test]
fn a_chunk_is_denoised_as_a_file_is_and_floats_are_refused() {
    let ty = array(Dtype::I16, &[64, 65]);
    let before = bytes(&noise(64 * 65, 2), ty.dtype);
    let options = Options { loss: LOSS, ..Options::default() };
    let chunk = encode_chunk(&before, &ty, &options).unwrap();
    let after = decompress(&packed(&before, &ty).0).unwrap();
    assert!(decode_chunk(&chunk, &Default::default()).unwrap().1 == after && after != before);
    assert_eq!(decode_array::<i16>(&chunk, &Default::default()).unwrap().1.len(), 64 * 65);
    let floats = array(Dtype::F32, &[64, 64]);
    for error in [
        encode_chunk(&[0; 64 * 64 * 4], &floats, &options).unwrap_err(),
        compress(&[0; 64 * 64 * 4], &Options { raw: Some(floats), ..options }).unwrap_err(),
    ] {
        assert_eq!(error.kind, ErrorKind::Argument);
        assert!(error.message.contains("integers"), "{error}");
    }
}
