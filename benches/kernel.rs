//! What each op costs, and a whole tile, at every level of this machine: cells per second of one thread.

use collapsar::internals::kernel::context::Heads;
use collapsar::internals::kernel::fast::{Inverted, Level, Scratch, room};
use collapsar::internals::kernel::interval::Distributions;
use collapsar::internals::kernel::mixture::{Mixtures, Window, mass};
use collapsar::internals::kernel::{Arenas, ONE, PlaneStats};
use collapsar::internals::model::vqae::{BLOCK, Role};
use collapsar::internals::model::{Family, Model};
use collapsar::internals::synthetic;
use collapsar::internals::tile::cells::{decode, encode};
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::weights::zoo;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

const SIDE: usize = 256;
const SIZES: [synthetic::Size; 3] = [synthetic::SMALL, synthetic::MIDDLE, synthetic::LARGE];

/// The family, and multiplications per cell in thousands.
fn name(model: &Model) -> String {
    format!("{}/{}k", model.family.name(), model.n_mac().div_ceil(1000))
}

/// The meshes of a trained autoencoder, ints of one block.
fn meshes(criterion: &mut Criterion) {
    let model = zoo::by_name("vqae-default", &[]).unwrap().swap_remove(0);
    let vqae = model.vqae.as_ref().unwrap();
    for level in Level::available() {
        let kernels = model.kernels(level);
        let mut group = criterion.benchmark_group("mesh");
        group.throughput(Throughput::Elements((BLOCK * BLOCK) as u64));
        for role in [Role::EncoderTop, Role::EncoderBottom, Role::Decoder, Role::PriorBottom] {
            let sheet = |n: usize| (0..n).map(|i| (i * 37 % 128) as i32).collect::<Vec<i32>>();
            let sources: Vec<Vec<i32>> =
                vqae.meshes()[role as usize].sources().iter().map(|s| sheet(s.n_cells() * s.width)).collect();
            let sources: Vec<&[i32]> = sources.iter().map(Vec::as_slice).collect();
            group.bench_function(format!("{role:?}/{level:?}"), |b| {
                b.iter(|| kernels.mesh(role as usize, black_box(&sources)))
            });
        }
    }
}

/// Every op on the rows of a tile in the encoder's raster plan; `context` is `causal_conv` where layers are.
fn ops(criterion: &mut Criterion) {
    for (size, family) in SIZES.into_iter().flat_map(|size| [(size, Family::Pixelcnn), (size, Family::PixelcnnDeep)]) {
        for level in Level::available() {
            let model = synthetic::model(family, size);
            let kernels = model.kernels(level);
            let plan = model.plan_to_encode(SIDE, SIDE);
            let ints = synthetic::tile(SIDE, SIDE, 65535);
            let mut values = plan.arena(ints[0] * ONE);
            plan.fill(&ints, &mut values);
            let residuals: Vec<i32> = values.iter().map(|v| v % 1500 - 700).collect();
            let stats = PlaneStats { median: 900 * ONE, spread: 500 };
            let arenas = Arenas { values: &values, residuals: &residuals, refs: &[], stats };
            let (offsets, linear) = (&plan.offsets[0], &model.linears(0)[0]);
            let (step, run) = (&plan.steps[SIDE / 2], plan.steps[SIDE / 2].runs[0]);
            let site = plan.site(arenas, step, run);
            let (at, n, window) = (run.at as usize, SIDE, Window { max: 65535 });
            let known: Vec<i32> = (0..room(n)).map(|i| values[at + i] / ONE).collect();

            let (mut b, mut scratch) = (vec![0; room(n)], Scratch::default());
            scratch.fit(&kernels);
            scratch.begin(&kernels, 0, offsets, n);
            let (mut heads, mut mixtures) =
                (Heads::new(size.head.n_outputs(), room(n)), Mixtures::new(size.head.k(), room(n)));
            let (mut start, mut width) = (vec![0; room(n)], vec![0; room(n)]);
            let mut symbols = Inverted::default();

            let mut group = criterion.benchmark_group(format!("{}/{level:?}", name(&model)));
            group.throughput(Throughput::Elements(n as u64));
            group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_millis(400)).sample_size(10);
            group.bench_function("predict", |bench| {
                bench.iter(|| kernels.predict(black_box(linear), site, 65535, &mut b));
            });
            group.bench_function("context", |bench| {
                bench.iter(|| kernels.context(0, black_box(site), &b, &mut scratch, &mut heads));
            });
            group.bench_function("mixture", |bench| {
                bench.iter(|| kernels.mixture(n, &b, black_box(&heads), mass(65536), &mut mixtures));
            });
            group.bench_function("intervals", |bench| {
                bench.iter(|| {
                    let of = Distributions { mixtures: &mixtures, window, b: &b };
                    kernels.intervals(of, n, black_box(&known), &mut start, &mut width);
                });
            });
            group.bench_function("invert", |bench| {
                bench.iter(|| {
                    let of = Distributions { mixtures: &mixtures, window, b: &b };
                    for i in (0..n).step_by(16) {
                        let quantiles = start[i..].first_chunk().unwrap();
                        kernels.invert(of, i, 16, black_box(quantiles), &mut symbols);
                    }
                });
            });
            group.finish();
        }
    }
}

fn tiles(criterion: &mut Criterion) {
    for family in Family::OF_CELLS {
        for size in SIZES {
            for level in Level::available() {
                let model = synthetic::model(family, size);
                let (kernels, linears) = (model.kernels(level), model.linears(0));
                let context = PlaneContext {
                    model: &model,
                    kernels: &kernels,
                    linears: &linears,
                    stats: PlaneStats { median: 900 * ONE, spread: 500 },
                    max: 65535,
                };
                let (to_encode, to_decode) = (model.plan_to_encode(SIDE, SIDE), model.plan_to_decode(SIDE, SIDE));
                let ints = synthetic::tile(SIDE, SIDE, 65535);
                let payload = encode(context, &to_encode, &ints, &[]);
                let mut back = vec![0; ints.len()];

                let mut group = criterion.benchmark_group(format!("{}/{level:?}", name(&model)));
                group.throughput(Throughput::Elements(ints.len() as u64));
                group.warm_up_time(Duration::from_millis(100)).measurement_time(Duration::from_secs(1)).sample_size(10);
                group.bench_function("encode", |bench| bench.iter(|| encode(context, &to_encode, &ints, &[])));
                group.bench_function("decode", |bench| {
                    bench.iter(|| decode(context, &to_decode, &payload, &[], &mut back).unwrap());
                });
                group.finish();
            }
        }
    }
}

criterion_group!(benches, ops, tiles, meshes);
criterion_main!(benches);
