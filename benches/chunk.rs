//! Arrays of 64 KiB as chunks, beside the same arrays as files: what a Zarr store or an HDF5 filter does all day.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::synthetic::Lcg;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Choice, Decoding, Options, compress, decode_array, decompress, encode_array};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const H: usize = 128;
const W: usize = 256;

fn frame() -> Vec<u16> {
    let mut random = Lcg(1);
    let mut noise = || random.bits(16) & 15;
    (0..H * W).map(|i| (1000 + (i / W + i % W) as u32 / 8 + noise() + noise() + noise()) as u16).collect()
}

fn chunks(c: &mut Criterion) {
    let samples = frame();
    let bytes: Vec<u8> = samples.iter().flat_map(|v| v.to_le_bytes()).collect();
    let ty = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![H as u64, W as u64] };
    let named = |name| Choice::These(zoo::by_name(name, &[]).expect("it is built in"));
    let mut group = c.benchmark_group("chunk");
    group.throughput(Throughput::Bytes(bytes.len() as u64)).sample_size(10);
    for (name, model) in [
        ("auto", Choice::Auto),
        ("pixelcnn-default", named("pixelcnn-default")),
        ("lattice-fast", named("lattice-fast")),
        ("classic", Choice::Classic),
    ] {
        let options = Options { model, raw: Some(ty.clone()), ..Options::default() };
        let chunk = encode_array(&samples, &[H, W], &options).unwrap();
        let file = compress(&bytes, &options).unwrap();
        group.bench_function(format!("encode/{name}"), |b| b.iter(|| encode_array(&samples, &[H, W], &options)));
        group.bench_function(format!("encode-file/{name}"), |b| b.iter(|| compress(&bytes, &options)));
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| decode_array::<u16>(&chunk, &Decoding::default()));
        });
        group.bench_function(format!("decode-file/{name}"), |b| b.iter(|| decompress(&file)));
    }
    group.finish();
}

criterion_group!(benches, chunks);
criterion_main!(benches);
