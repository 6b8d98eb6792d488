//! Arrays that chunks are made of, and the golden chunks: `tests/golden/chunk-1`.

use collapsar::internals::array::{ArrayType, Dtype, Sample, bytes_of};
use collapsar::internals::codec::search::related::References;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Choice, Loss, Options};
use std::fs;
use std::path::{Path, PathBuf};

use crate::painted::Random;

/// A frame of 16 bits: sky, noise, a few stars.
pub fn frame(h: usize, w: usize) -> Vec<u16> {
    let mut random = Random(3);
    let star = |y: usize, x: usize| {
        [(60, 90, 900), (20, 200, 400), (100, 40, 1500)].map(|(a, b, peak)| {
            let d = y.abs_diff(a).pow(2) + x.abs_diff(b).pow(2);
            peak * 20 / (20 + d * d)
        })
    };
    (0..h * w).map(|i| (1000 + star(i / w, i % w).iter().sum::<usize>() as i32 + random.bell(6)) as u16).collect()
}

/// A smooth field of floats in steps of 1/64.
pub fn field(h: usize, w: usize) -> Vec<f32> {
    let mut random = Random(4);
    let wave = |y: i64, x: i64| (y - 50) * (y - 50) / 3 + (x - 30) * (x + 40) / 5 + (y * x) / 7;
    (0..h * w)
        .map(|i| ((17_920 + wave((i / w) as i64, (i % w) as i64)) as i32 + random.bell(3)) as f32 / 64.0)
        .collect()
}

/// Counts of a few events per cell.
pub fn counts(h: usize, w: usize) -> Vec<i32> {
    let mut random = Random(5);
    let mut event = |i: usize| i32::from(random.below(90) < 10 + (i / w % 64) as u32);
    (0..h * w).map(|i| (0..24).map(|_| event(i)).sum()).collect()
}

pub fn ty<T: Sample>(shape: &[u64]) -> ArrayType {
    ArrayType { dtype: T::DTYPE, big_endian: false, shape: shape.to_vec() }
}

/// What a golden chunk is made of, and the form that it is there to show.
pub struct Case {
    pub name: &'static str,
    pub ty: ArrayType,
    pub bytes: Vec<u8>,
    pub options: Options,
    pub form: u8,
}

fn of<T: Sample>(name: &'static str, samples: &[T], shape: &[u64], options: Options, form: u8) -> Case {
    Case { name, ty: ty::<T>(shape), bytes: bytes_of(samples).to_vec(), options, form }
}

pub fn cases() -> Vec<Case> {
    let with = |model| Options { model, references: References::None, ..Options::default() };
    let named = |name| with(Choice::These(zoo::by_name(name, &[]).unwrap()));
    let noise: Vec<u64> = (0..9).map(|i: u64| (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect();
    let big = ArrayType { dtype: Dtype::I16, big_endian: true, shape: vec![12, 17] };
    let turned = frame(12, 17).iter().flat_map(|v| v.to_be_bytes()).collect();
    let stack: Vec<u16> = [frame(24, 24), frame(24, 24), frame(24, 24), frame(24, 24)].concat();
    let bounded = Options { loss: Loss::Abs(0.05), ..with(Choice::Wavelet) };
    vec![
        of("empty", &[0f64; 0], &[0, 3], with(Choice::Classic), 0),
        of("stored", &noise, &[3, 3], with(Choice::Classic), 0),
        of("constant", &[f32::NAN; 6], &[1, 2, 3], with(Choice::Classic), 1),
        of("classic", &counts(9, 30), &[9, 30], with(Choice::Classic), 128),
        Case { name: "big-endian", ty: big, bytes: turned, options: with(Choice::Classic), form: 128 },
        of("pixelcnn", &frame(48, 50), &[48, 50], named("pixelcnn-fast"), 129),
        of("lattice", &frame(48, 50), &[48, 50], named("lattice-fast"), 129),
        of("auto", &frame(64, 64), &[64, 64], Options::default(), 137),
        of("stack", &stack, &[4, 24, 24], named("pixelcnn-fast"), 133),
        of("tiles", &frame(30, 300), &[30, 300], with(Choice::Classic), 128),
        of("wavelet", &field(32, 32), &[32, 32], bounded, 2),
    ]
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chunk-1")
}

/// Every golden chunk: its name, its bytes, the type and the blake3 of its array.
pub fn golden() -> Vec<(String, Vec<u8>, ArrayType, String)> {
    let list = fs::read_to_string(folder().join("CONTENT.txt")).unwrap();
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, dtype, order, shape, hash] = words[..] else { panic!("what is '{line}'?") };
        let shape = shape.split('x').map(|d| d.parse().unwrap()).collect();
        let ty = ArrayType { dtype: Dtype::from_name(dtype).unwrap(), big_endian: order == "big", shape };
        (name.to_string(), fs::read(folder().join(format!("{name}.chunk"))).unwrap(), ty, hash.to_string())
    };
    list.lines().map(read).collect()
}

/// Those that are there are never edited.
pub fn write_missing(encode: impl Fn(&Case) -> Vec<u8>) {
    let mut list = fs::read_to_string(folder().join("CONTENT.txt")).unwrap_or_default();
    for case in cases() {
        let path = folder().join(format!("{}.chunk", case.name));
        if path.exists() {
            continue;
        }
        let chunk = encode(&case);
        let (ty, bytes) = collapsar::internals::decode_chunk(&chunk, &Default::default()).unwrap();
        let shape: Vec<String> = ty.shape.iter().map(u64::to_string).collect();
        let order = if ty.big_endian { "big" } else { "little" };
        let (name, dtype, shape) = (case.name, ty.dtype.name(), shape.join("x"));
        list += &format!("{name} {dtype} {order} {shape} {}\n", blake3::hash(&bytes));
        fs::write(path, chunk).unwrap();
    }
    fs::write(folder().join("CONTENT.txt"), list).unwrap();
}
