//! Encode and decode of one synthetic tile of 256 × 256: a noisy sky of 16 bits and a smooth field of 32.

use collapsar::internals::synthetic::Lcg;
use collapsar::internals::tile::classic;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const SIDE: usize = 256;

fn tile(mut at: impl FnMut(u32, u32, u32) -> u32) -> Vec<i32> {
    let mut random = Lcg(1);
    (0..(SIDE * SIDE) as u32).map(|i| at(i / SIDE as u32, i % SIDE as u32, random.bits(16)) as i32).collect()
}

fn classic_tile(c: &mut Criterion) {
    let sky = tile(|y, x, noise| 1000 + (x + y) / 8 + (noise & 15) + (noise >> 4 & 15) + (noise >> 8 & 15));
    let field = tile(|y, x, noise| 0x4000_0000 + 300 * y * y + 7000 * x + (noise & 255));
    let mut group = c.benchmark_group("classic");
    group.throughput(Throughput::Elements((SIDE * SIDE) as u64));
    for (name, ints) in [("sky16", sky), ("field32", field)] {
        let payload = classic::encode(&ints, SIDE, SIDE, u32::MAX);
        let mut out = vec![0; SIDE * SIDE];
        group.bench_function(format!("encode/{name}"), |b| {
            b.iter(|| classic::encode(black_box(&ints), SIDE, SIDE, u32::MAX));
        });
        group.bench_function(format!("decode/{name}"), |b| {
            b.iter(|| classic::decode(black_box(&payload), SIDE, SIDE, u32::MAX, &mut out));
        });
        group.bench_function(format!("estimate/{name}"), |b| {
            b.iter(|| classic::estimate_bits(black_box(&ints), SIDE, SIDE));
        });
    }
    group.finish();
}

criterion_group!(benches, classic_tile);
criterion_main!(benches);
