//! Arrays that chunks are made of, and the golden chunks: `tests/golden/chunk-1` to `chunk-3`.

#![allow(dead_code, reason = "tests and the example use their part")]

use collapsar::internals::array::{ArrayType, Dtype, Sample, bytes_of};
use collapsar::internals::codec::search::related::References;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Choice, Loss, Options};
use std::fs;
use std::path::{Path, PathBuf};

/// A frame of 16 bits: sky and stars, brighter ones with more noise.
pub fn frame(h: usize, w: usize) -> Vec<u16> {
    let mut random = Lcg(3);
    let stars: Vec<(usize, usize, usize)> = (0..h * w / 400)
        .map(|_| (random.below(h as u32) as usize, random.below(w as u32) as usize, 200 + random.below(3000) as usize))
        .collect();
    let light = |y: usize, x: usize| -> usize {
        let far = |(a, b, peak): &(usize, usize, usize)| {
            let d = y.abs_diff(*a).pow(2) + x.abs_diff(*b).pow(2);
            peak * 400 / (20 + d).pow(2)
        };
        stars.iter().map(far).sum()
    };
    let light: Vec<usize> = (0..h * w).map(|i| light(i / w, i % w)).collect();
    light.iter().map(|&light| (1000 + light as i32 + random.bell(6 + light as i32 / 40)) as u16).collect()
}

/// A frame behind a colour filter.
fn mosaic(h: usize, w: usize) -> Vec<u16> {
    let gain = |i: usize| [4, 9, 9, 6][2 * (i / w % 2) + i % w % 2];
    frame(h, w).iter().enumerate().map(|(i, &v)| v * gain(i) / 4).collect()
}

/// A smooth field of floats in steps of 1/64, with fronts, and rougher in some places than in others.
pub fn field(h: usize, w: usize) -> Vec<f32> {
    let mut random = Lcg(4);
    let wave = |y: i64, x: i64| (y - 50) * (y - 50) / 9 + (x - 30) * (x + 40) / 15 + 200 * ((y * 3 + x * x / 40) / 90);
    let mut sample = |i: usize| {
        let (y, x) = (i / w, i % w);
        let rough = if (y / 24 + x / 24).is_multiple_of(2) { 2 } else { 14 };
        (17_920 + wave(y as i64, x as i64) as i32 + random.bell(rough)) as f32 / 64.0
    };
    (0..h * w).map(&mut sample).collect()
}

/// Counts of a few events per cell.
pub fn counts(h: usize, w: usize) -> Vec<i32> {
    let mut random = Lcg(5);
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
    // the first network of a name: one that is trained again changes no chunk here
    let first = |name: &str| zoo::embedded().iter().find(|model| model.name == name).cloned().unwrap();
    let named = |name| with(Choice::These(vec![first(name)]));
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
        of("predictors-of-model", &frame(24, 24), &[24, 24], with(Choice::Auto), 137),
        of("mosaic", &mosaic(40, 60), &[40, 60], named("pixelcnn-fast"), 131),
        of("stack", &stack, &[4, 24, 24], named("pixelcnn-fast"), 133),
        of("tiles", &counts(260, 20), &[260, 20], with(Choice::Classic), 128),
        of("parts", &[vec![1u8; 1 << 23], vec![2; 5]].concat(), &[(1 << 23) + 5], with(Choice::Classic), 3),
        of("wavelet", &field(32, 32), &[32, 32], bounded, 2),
    ]
}

/// What encoders wrote, the last of them today's.
pub const FOLDERS: [&str; 3] = ["chunk-1", "chunk-2", NEWEST];
pub const NEWEST: &str = "chunk-3";

pub fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Every golden chunk of a folder: its name, its bytes, the type and the blake3 of its array.
pub fn golden(of: &str) -> Vec<(String, Vec<u8>, ArrayType, String)> {
    let list = fs::read_to_string(folder(of).join("CONTENT.txt")).unwrap();
    let read = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, dtype, order, shape, hash] = words[..] else { panic!("what is '{line}'?") };
        let shape = shape.split('x').map(|d| d.parse().unwrap()).collect();
        let ty = ArrayType { dtype: Dtype::from_name(dtype).unwrap(), big_endian: order == "big", shape };
        (name.to_string(), fs::read(folder(of).join(format!("{name}.chunk"))).unwrap(), ty, hash.to_string())
    };
    list.lines().map(read).collect()
}
