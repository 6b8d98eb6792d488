//! A source that changes between two readings: what comes out is the file of one of its two states, or an error that says so.

mod tar;

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::error::Result;
use collapsar::internals::source::Source;
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::weights::zoo;
use collapsar::internals::{
    Choice, ErrorKind, Loss, Options, Rounding, compress, compress_to, decompress, decompress_to,
};
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are others in some of the readings.
struct Moving<'a> {
    before: &'a [u8],
    after: &'a [u8],
    /// Readings, counted from 0, that see what it was before.
    sees_before: Range<u64>,
    n_readings: AtomicU64,
}

impl<'a> Moving<'a> {
    fn new(before: &'a [u8], after: &'a [u8], sees_before: Range<u64>) -> Moving<'a> {
        assert_eq!(before.len(), after.len());
        Moving { before, after, sees_before, n_readings: AtomicU64::new(0) }
    }
}

impl Source for Moving<'_> {
    fn len(&self) -> u64 {
        self.before.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let now = self.n_readings.fetch_add(1, Ordering::Relaxed);
        let bytes = if self.sees_before.contains(&now) { self.before } else { self.after };
        bytes.read_at(offset, out)
    }
}

/// Moments that are tried, all over the run.
const N_MOMENTS: u64 = 6;

/// Compresses with a change at many moments, for good or for a while. Every result must be that of one state; some must be none.
fn holds(what: &str, before: &[u8], after: &[u8], options: &Options) {
    let whole = [before, after].map(|bytes| compress(bytes, options).unwrap());
    assert_ne!(whole[0], whole[1], "{what}: the change changes nothing");
    let run = |sees_before: Range<u64>| {
        let moving = Moving::new(before, after, sees_before.clone());
        let result = compress_to(&moving, Vec::new(), options, &|_| Ok(()));
        (moving.n_readings.into_inner(), result.map(|(packed, _)| packed))
    };
    let (n, still) = run(0..u64::MAX);
    assert!(still.unwrap() == whole[0], "{what}: a source that holds still");
    let mut n_refused = 0;
    let moments = (0..=N_MOMENTS).map(|i| n * i / N_MOMENTS);
    let all = moments.flat_map(|at| [0..at, at..u64::MAX, at..at + n / 8]);
    for sees_before in all {
        match run(sees_before.clone()).1 {
            Ok(packed) => {
                let is_whole = whole.contains(&packed);
                let decodes = decompress(&packed).map(|_| ());
                assert!(is_whole, "{what}: {sees_before:?} of {n}: neither state; decodes: {decodes:?}");
            }
            Err(e) => {
                assert_eq!(e.kind, ErrorKind::Changed, "{what}: {sees_before:?} of {n}: {e}");
                n_refused += 1;
            }
        }
    }
    assert!(n_refused > 0, "{what}: no moment was between two readings");
}

const H: usize = 160;
const W: usize = 200;

/// A smooth field with noise: sample number → value.
fn field(n_planes: usize) -> Vec<i32> {
    let mut random = Lcg(3);
    (0..n_planes * H * W).map(|i| 1000 + (i % W / 3 + i / W % H / 2) as i32 + random.bell(12)).collect()
}

fn u16s(ints: &[i32]) -> Vec<u8> {
    ints.iter().flat_map(|&v| (v as u16).to_le_bytes()).collect()
}

fn f32s(field: impl IntoIterator<Item = f32>) -> Vec<u8> {
    field.into_iter().flat_map(f32::to_le_bytes).collect()
}

/// The same with other samples in the last rows but one: no window that only reads corners or the middle need see it.
fn with(bytes: &[u8], sample: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let first = bytes.len() / sample.len() * 7 / 8;
    for i in 0..40 {
        out[(first + 3 * i) * sample.len()..][..sample.len()].copy_from_slice(sample);
    }
    out
}

fn raw(dtype: Dtype, n_planes: usize) -> Option<ArrayType> {
    Some(ArrayType { dtype, big_endian: false, shape: vec![n_planes as u64, H as u64, W as u64] })
}

fn classic(dtype: Dtype) -> Options {
    Options { raw: raw(dtype, 1), model: Choice::Classic, ..Options::default() }
}

fn by(model: &str, n_planes: usize) -> Options {
    Options { raw: raw(Dtype::U16, n_planes), model: models(model), ..Options::default() }
}

fn models(name: &str) -> Choice {
    Choice::These(zoo::by_name(name, &[]).unwrap())
}

#[test]
fn ints_outside_of_their_range_are_no_broken_file() {
    let samples = u16s(&field(1));
    for value in [0u16, 999, 5000, 65_535] {
        holds("u16", &samples, &with(&samples, &value.to_le_bytes()), &classic(Dtype::U16));
    }
    let bytes: Vec<u8> = field(1).iter().map(|v| (v / 20) as u8).collect();
    holds("u8", &bytes, &with(&bytes, &[255]), &classic(Dtype::U8));
    let wide: Vec<u8> = field(1).iter().flat_map(|&v| (i64::from(v) << 40 | 77).to_le_bytes()).collect();
    for value in [i64::MIN, 5, 78 << 20] {
        holds("i64 in two parts", &wide, &with(&wide, &value.to_le_bytes()), &classic(Dtype::I64));
    }
}

#[test]
fn values_that_an_alphabet_or_a_step_does_not_know_are_no_broken_file() {
    let sparse: Vec<i32> = field(1).iter().map(|v| v % 40 * v % 40 * 997).collect();
    let samples = u16s(&sparse);
    holds("rank", &samples, &with(&samples, &7u16.to_le_bytes()), &classic(Dtype::U16));
    let wide: Vec<u8> = sparse.iter().flat_map(|&v| (v * 65_000).to_le_bytes()).collect();
    holds("rank of 32 bits", &wide, &with(&wide, &7i32.to_le_bytes()), &classic(Dtype::I32));
    let steps = u16s(&field(1).iter().map(|v| v * 16).collect::<Vec<i32>>());
    holds("step", &steps, &with(&steps, &16_001u16.to_le_bytes()), &classic(Dtype::U16));
}

#[test]
fn floats_that_are_no_multiples_or_holes_are_no_broken_file() {
    let multiples = f32s(field(1).iter().map(|&v| v as f32 * 0.25));
    for value in [0.1f32, 1e20, f32::NAN, -0.0] {
        holds("multiples", &multiples, &with(&multiples, &value.to_le_bytes()), &classic(Dtype::F32));
    }
    let hole = f32s(field(1).iter().map(|&v| if v % 7 == 0 { f32::NAN } else { v as f32 * 0.37 }));
    for value in [f32::INFINITY, 1e30, f32::from_bits(0x7fc0_0001)] {
        holds("a hole", &hole, &with(&hole, &value.to_le_bytes()), &classic(Dtype::F32));
    }
}

#[test]
fn bounds_masks_and_shortened_mantissas_are_of_the_samples_that_are_coded() {
    let sea = |i: usize, v: i32| if i % W < 60 { 1e20 } else { v as f32 * 0.37 };
    let masked = f32s(field(1).iter().enumerate().map(|(i, &v)| sea(i, v)));
    let lossy = |loss: Loss| Options { loss, ..classic(Dtype::F32) };
    for loss in
        [Loss::Abs(0.5), Loss::Rel(0.01), Loss::Psnr(50.0), Loss::PwRel(0.01), Loss::Mantissa(9, Rounding::Round)]
    {
        for value in [1e20f32, -1e9, 3.0, f32::NAN] {
            let what = format!("{loss:?} and {value}");
            holds(&what, &masked, &with(&masked, &value.to_le_bytes()), &lossy(loss));
        }
    }
    let near = Options { loss: Loss::Near(3), ..classic(Dtype::U16) };
    let samples = u16s(&field(1));
    holds("near", &samples, &with(&samples, &60_000u16.to_le_bytes()), &near);
}

#[test]
fn masks_that_planes_share_are_of_the_samples_that_are_coded() {
    let sea = |i: usize, v: i32| if i % W < 60 + i / W % H % 9 { 1e20 } else { v as f32 * 0.37 };
    let masked = f32s(field(3).iter().enumerate().map(|(i, &v)| sea(i, v)));
    let options = Options { raw: raw(Dtype::F32, 3), loss: Loss::Abs(0.5), ..classic(Dtype::F32) };
    holds("a common mask", &masked, &with(&masked, &1e20f32.to_le_bytes()), &options);
}

#[test]
fn wavelets_and_autoencoders_approximate_what_is_coded() {
    let smooth = f32s(field(1).iter().enumerate().map(|(i, &v)| (i % W) as f32 + (i / W) as f32 + v as f32 * 0.001));
    for model in [Choice::Wavelet, models("vqae-default")] {
        let options = Options { loss: Loss::Abs(0.5), model, ..classic(Dtype::F32) };
        holds("painted", &smooth, &with(&smooth, &900f32.to_le_bytes()), &options);
    }
}

#[test]
fn networks_see_the_planes_that_a_decoder_sees() {
    let samples = u16s(&field(3));
    let mut first = samples.clone();
    first[100..140].fill(9);
    for model in ["lattice-fast", "pixelcnn-fast"] {
        for after in [&first, &with(&samples, &5000u16.to_le_bytes())] {
            holds(model, &samples, after, &by(model, 3));
        }
    }
}

/// An NPY file of u16.
fn npy(shape: &str, samples: &[u8]) -> Vec<u8> {
    let dict = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({shape}), }}");
    [&b"\x93NUMPY\x01\x00\x76\x00"[..], format!("{dict:<117}\n").as_bytes(), samples].concat()
}

fn tar(files: &[&[u8]]) -> Vec<u8> {
    let names: Vec<String> = ('a'..).take(files.len()).map(|name| format!("{name}.npy")).collect();
    tar::tar(names.iter().map(String::as_str).zip(files.iter().copied()))
}

#[test]
fn references_are_the_arrays_that_were_coded() {
    let (scene, other) = (field(1), field(1).iter().map(|v| 30_000 - 5 * v).collect::<Vec<i32>>());
    let (a, b) = (npy("160, 200, ", &u16s(&scene)), npy("160, 200, ", &u16s(&other)));
    let before = tar(&[&a, &b]);
    let options = Options { model: models("lattice-default"), ..Options::default() };
    let (_, report) = compress_to(&before, Vec::new(), &options, &|_| Ok(())).unwrap();
    assert_eq!(report.arrays[1].references, ["a.npy"]);
    holds("a member that is a reference", &before, &tar(&[&with(&a, &[200, 8]), &b]), &options);
    holds("a member that has a reference", &before, &tar(&[&a, &with(&b, &[200, 8])]), &options);
}

#[test]
fn headers_are_those_of_the_bytes_that_are_coded() {
    let samples = u16s(&field(1));
    let options = Options { model: Choice::Classic, ..Options::default() };
    holds("a shape", &npy("160, 200, ", &samples), &npy("200, 160, ", &samples), &options);
}

#[test]
fn a_gz_is_made_again_as_it_was_read() {
    use std::io::Write;
    let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    writer.write_all(&npy("160, 200, ", &u16s(&field(1)))).unwrap();
    let before = writer.finish().unwrap();
    let options = Options { model: Choice::Classic, ..Options::default() };
    for at in [4, before.len() / 2, before.len() - 3] {
        let mut after = before.clone();
        after[at] ^= 0x10;
        holds("a gz", &before, &after, &options);
    }
}

#[test]
fn a_ratio_is_searched_for_in_one_state() {
    let samples = f32s(field(1).iter().map(|&v| v as f32 * 0.37));
    let options = Options { loss: Loss::Ratio(9.0), ..classic(Dtype::F32) };
    holds("a ratio", &samples, &with(&samples, &4000f32.to_le_bytes()), &options);
}

#[test]
fn a_packed_file_that_changes_is_never_decoded_to_something_else() {
    // noise is packed, so that both files have one length
    let samples = [1, 2].map(|seed| {
        let mut random = Lcg(seed);
        (0..3 * H * W).map(|_| random.below(256) as u8).collect::<Vec<u8>>()
    });
    let options = Options { raw: raw(Dtype::U8, 3), ..classic(Dtype::U8) };
    let [before, after] = samples.each_ref().map(|bytes| compress(bytes, &options).unwrap());
    assert_eq!(before.len(), after.len());
    let decode = |sees_before: Range<u64>| {
        let (moving, mut out) = (Moving::new(&before, &after, sees_before), Vec::new());
        let result = decompress_to(&moving, &mut out, &Default::default(), &|_| Ok(()));
        (moving.n_readings.into_inner(), result.map(|()| out))
    };
    let n_readings = decode(0..u64::MAX).0;
    let mut n_refused = 0;
    for at in 0..=n_readings {
        for sees_before in [0..at, at..u64::MAX] {
            match decode(sees_before).1 {
                Ok(out) => assert!(samples.contains(&out), "{at} of {n_readings}"),
                Err(_) => n_refused += 1,
            }
        }
    }
    assert!(n_refused > 0, "no moment was between two readings");
}
