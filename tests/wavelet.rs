//! Waves: every payload comes back within the bound, whatever its size; damage is told; they code what is smooth, and only that.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::codec::file::archive::Archive;
use collapsar::internals::error::ErrorKind;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::tile::transform::Tile;
use collapsar::internals::tile::transform::wavelet::{decode, encode};
use collapsar::internals::{Choice, Loss, Options, compress, decompress};

/// Hills that wander from plane to plane, with a little noise.
fn hills(shape: [usize; 3], noise: f64) -> Vec<f64> {
    let (mut random, [_, h, w]) = (Lcg(5), shape);
    let at = |i: usize| {
        let [z, y, x] = [i / (h * w), i / w % h, i % w].map(|at| at as f64);
        let wave = (x * 0.07 + z * 0.1).sin() * (y * 0.05 - z * 0.03).cos() + (x * 0.013 + y * 0.021).sin();
        wave * 40.0 + z * 0.3 + noise * f64::from(random.within(1000)) / 1000.0
    };
    (0..shape.iter().product()).map(at).collect()
}

fn options(dtype: Dtype, shape: &[u64], loss: Loss, model: Choice) -> Options {
    let raw = Some(ArrayType { dtype, big_endian: false, shape: shape.to_vec() });
    Options { raw, loss, model, ..Options::default() }
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|v| (*v as f32).to_le_bytes()).collect()
}

fn values(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().map(|&b| f64::from(f32::from_le_bytes(b))).collect()
}

fn coder(file: &[u8]) -> Option<String> {
    Archive::open(&file, &[]).unwrap().arrays().next().unwrap().head.coder.name().map(str::to_string)
}

#[test]
fn tiles_of_every_size_come_back_within_the_bound() {
    for ([n, h, w], max) in [
        ([1, 1, 1], 0),
        ([1, 1, 3000], 5000),
        ([5, 1, 700], 5000),
        ([1, 130, 1], 900),
        ([40, 9, 8], 1 << 20),
        ([9, 64, 77], 20_000),
        ([2, 3, 5], 65),
    ] {
        let mut random = Lcg(7);
        let field = hills([n, h, w], 10.0);
        let ints: Vec<i32> = field.iter().map(|v| ((v + 150.0) / 300.0 * f64::from(max)) as i32).collect();
        let noise: Vec<i32> = (0..n * h * w).map(|_| random.below(max as u32 + 1) as i32).collect();
        let hidden: Vec<u8> = (0..n * h * w).map(|i| u8::from(i % w < w / 3)).collect();
        for (ints, classes) in [(&ints, &[][..]), (&ints, &hidden[..]), (&noise, &[])] {
            let settled = encode(Tile { ints, classes, h: n * h, w, max }, h);
            let back = decode(&settled.code, classes, (n * h, w), h, max).unwrap();
            let seen = (0..ints.len()).filter(|&i| classes.get(i).is_none_or(|&class| class == 0));
            let off = seen.clone().map(|i| (ints[i] - back[i]).abs()).max().unwrap_or(0);
            assert!(off <= 32, "{n}×{h}×{w}: {off}");
            assert!(seen.clone().all(|i| back[i] == settled.ints[i] && (0..=max).contains(&back[i])));
        }
    }
}

#[test]
fn a_damaged_payload_is_told_or_gives_ints_of_the_range() {
    let (size, max) = ((9 * 20, 33), 3000);
    let ints: Vec<i32> = hills([9, 20, 33], 3.0).iter().map(|v| (v * 8.0 + 1200.0) as i32).collect();
    let code = encode(Tile { ints: &ints, classes: &[], h: size.0, w: size.1, max }, 20).code;
    assert_eq!(code[0], 2, "waves were to be tested");
    for n in 0..code.len() {
        assert!(decode(&code[..n], &[], size, 20, max).is_err());
    }
    assert!(decode(&[&code[..], &[0]].concat(), &[], size, 20, max).is_err());
    assert_eq!(decode(&[9, 0], &[], size, 20, max).unwrap_err().kind, ErrorKind::Unsupported);
    for bit in 0..code.len() * 8 {
        let mut wrong = code.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        if let Ok(ints) = decode(&wrong, &[], size, 20, max) {
            assert!(ints.iter().all(|v| (0..=max).contains(v)));
        }
    }
}

#[test]
fn fields_keep_their_bound_their_holes_and_their_regions() {
    for shape in [&[4000][..], &[90, 1], &[300, 280], &[20, 40, 50], &[3, 7, 30, 41], &[2, 2, 700, 900]] {
        let n: u64 = shape.iter().product();

        let mut whole = vec![1, 1, 1];
        whole.extend_from_slice(shape);
        let [.., h, w] = whole[..] else { unreachable!() };
        let mut field = hills([(n / (h * w)) as usize, h as usize, w as usize], 1.0);
        for (i, v) in field.iter_mut().enumerate() {
            match i % 977 {
                5 => *v = f64::NAN,
                600..640 => *v = -9999.0,
                _ => {}
            }
        }
        let original = bytes(&field);
        let packed = compress(&original, &options(Dtype::F32, shape, Loss::Abs(0.5), Choice::Wavelet)).unwrap();
        assert_eq!(coder(&packed).as_deref(), Some("wavelet"));
        let decoded = decompress(&packed).unwrap();
        for (x, y) in values(&original).into_iter().zip(values(&decoded)) {
            let is_kept = if x.is_nan() || x == -9999.0 { x.to_bits() == y.to_bits() } else { (x - y).abs() <= 0.5 };
            assert!(is_kept, "{shape:?}: {x} {y}");
        }
        let archive = Archive::open(&packed, &[]).unwrap();
        let array = archive.arrays().next().unwrap();
        let (plane, rows, columns) = (n / (h * w) - 1, h / 3..h / 2 + 1, w / 4..w);
        let cut = archive.region(array, plane, rows.clone(), columns.clone()).unwrap();
        let row = |y: u64| &decoded[4 * (plane * h * w + y * w + columns.start) as usize..][..4 * (w - w / 4) as usize];
        assert_eq!(cut.bytes, rows.flat_map(|y| row(y).to_vec()).collect::<Vec<u8>>(), "{shape:?}");
    }
}

#[test]
fn what_is_smooth_is_coded_by_waves_and_what_is_not_is_not() {
    let shape = [24, 48, 64];
    let by = |noise: f64, e: f64| {
        let original = bytes(&hills(shape.map(|n| n as usize), noise));
        let packed = compress(&original, &options(Dtype::F32, &shape, Loss::Abs(e), Choice::Auto)).unwrap();
        let decoded = values(&decompress(&packed).unwrap());
        assert!(values(&original).iter().zip(&decoded).all(|(x, y)| (x - y).abs() <= e));
        coder(&packed)
    };
    assert_eq!(by(0.1, 1.0).as_deref(), Some("wavelet"));
    assert_ne!(by(20.0, 0.5).as_deref(), Some("wavelet"));
}

#[test]
fn a_psnr_is_kept_and_hardly_exceeded() {
    let shape = [24, 48, 64];
    let field = hills(shape.map(|n| n as usize), 0.5);
    let original = bytes(&field);
    for (db, model) in [(40.0, Choice::Wavelet), (48.0, Choice::Auto)] {
        let packed = compress(&original, &options(Dtype::F32, &shape, Loss::Psnr(db), model)).unwrap();
        assert_eq!(coder(&packed).as_deref(), Some("wavelet"));
        let (x, y) = (values(&original), values(&decompress(&packed).unwrap()));
        let squares: f64 = x.iter().zip(&y).map(|(x, y)| (x - y) * (x - y)).sum();
        let range = x.iter().fold(f64::MIN, |m, &v| m.max(v)) - x.iter().fold(f64::MAX, |m, &v| m.min(v));
        let psnr = 20.0 * (range / (squares / x.len() as f64).sqrt()).log10();
        assert!((db..db + 0.5).contains(&psnr), "{psnr} dB for {db}");
    }
}

#[test]
fn what_waves_do_not_code_is_an_error() {
    let original = bytes(&hills([1, 40, 100], 1.0));
    let kind = |dtype, shape: &[u64], loss| {
        compress(&original, &options(dtype, shape, loss, Choice::Wavelet)).map(drop).unwrap_err().kind
    };
    for loss in [Loss::None, Loss::PwRel(0.1), Loss::Abs(1e-4)] {
        assert_eq!(kind(Dtype::F32, &[40, 100], loss), ErrorKind::Argument);
    }
    assert_eq!(kind(Dtype::U16, &[80, 100], Loss::Abs(3.0)), ErrorKind::Argument);
    let same = 7.5f32.to_le_bytes().repeat(4000);
    let packed = compress(&same, &options(Dtype::F32, &[40, 100], Loss::Rel(0.1), Choice::Wavelet)).unwrap();
    assert_eq!(decompress(&packed).unwrap(), same);
}
