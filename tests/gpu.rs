//! Every GPU that is found gives the plain kernels' answer to the bit: op by op, and in whole tiles.
//!
//! Without a GPU the tests say so and pass; with COLLAPSAR_REQUIRE_GPU=1 they fail.

use collapsar::internals::array::{ArrayType, Dtype};
use collapsar::internals::device::Device;
use collapsar::internals::error::{ErrorKind, Result};
use collapsar::internals::gpu::{Backend, Gpu, Op, Shaders, TileInts, TilePayload, adapters};
use collapsar::internals::kernel::activation_cache::ActivationCache;
use collapsar::internals::kernel::causal_conv::{causal_conv, n_planes};
use collapsar::internals::kernel::context::{Heads, context};
use collapsar::internals::kernel::fast::Level;
use collapsar::internals::kernel::interval::{Distributions, intervals};
use collapsar::internals::kernel::mixture::{Mixtures, Window, mass, mixture};
use collapsar::internals::kernel::predict::{Linear, predict};
use collapsar::internals::kernel::quantise::{MAX_FEATURE, coarsen, quantise};
use collapsar::internals::kernel::table::{Choices, choose};
use collapsar::internals::kernel::{Arenas, MAX_INT, MAX_RESIDUAL, ONE, Offsets, PlaneStats, Site};
use collapsar::internals::model::l3c::Steps;
use collapsar::internals::model::{Family, Model, PassNet};
use collapsar::internals::net::{Head, Layer, Net, Pass, Spec};
use collapsar::internals::synthetic::{self, Lcg};
use collapsar::internals::tile::cells;
use collapsar::internals::tile::stream::PlaneContext;
use collapsar::internals::weights::zoo;
use collapsar::internals::{Adapt, Archive, Choice, Decoding, Loss, Options, compress, decompress_to};
use std::sync::{Arc, LazyLock, Mutex};

const SIZES: [usize; 10] = [1, 15, 16, 17, 63, 64, 65, 255, 256, 257];
const PITCH: i32 = 64;

/// Opened once: compiling shaders is what takes long.
static GPUS: LazyLock<Vec<Gpu>> = LazyLock::new(|| {
    let gpus: Vec<Gpu> = (0..adapters().len()).map(|i| Gpu::open(Some(i)).unwrap()).collect();
    for gpu in &gpus {
        println!("{} ({}, {} {})", gpu.info.name, gpu.info.backend.name(), gpu.info.driver, gpu.info.driver_info);
    }
    gpus
});

fn gpus() -> &'static [Gpu] {
    let required = std::env::var("COLLAPSAR_REQUIRE_GPU").is_ok_and(|v| v == "1");
    assert!(!required || !GPUS.is_empty(), "COLLAPSAR_REQUIRE_GPU=1, and no usable GPU was found");
    if GPUS.is_empty() {
        println!("skipped: no usable GPU was found");
    }
    &GPUS
}

fn extreme_net(random: &mut Lcg, pass: Pass, head: Head, n_refs: usize, hidden: &[usize]) -> Net {
    let size = synthetic::Size { values: 40, residuals: 31, hidden: &[], head };
    let spec = Spec { n_linear: 12, ..synthetic::spec(pass, n_refs, size) };
    let mut widths = vec![spec.n_features()];
    widths.extend(hidden);
    widths.push(head.n_outputs());
    let layers = widths.windows(2).map(|w| {
        let n_in = w[0].next_multiple_of(4);
        Layer {
            n_in,
            n_out: w[1],
            weights: (0..n_in * w[1]).map(|_| random.signed(127) as i8).collect(),
            bias: (0..w[1]).map(|_| random.signed(20000)).collect(),
            shift: (0..w[1]).map(|_| 6 + (random.bits(24) % 6) as u8).collect(),
        }
    });
    let layers = layers.collect();
    Net::new(spec, layers).unwrap()
}

fn extreme_model(family: Family, k: usize, hidden: &[usize]) -> Model {
    extreme_model_with(family, Head::Mixture { k }, hidden)
}

/// Of every family, and of those that know them with tables.
fn extreme_models(k: usize, hidden: &[usize]) -> Vec<Model> {
    let tables = [Family::Pixelcnn, Family::Lattice].map(|family| extreme_model_with(family, Head::Table, hidden));
    Family::OF_CELLS.map(|family| extreme_model(family, k, hidden)).into_iter().chain(tables).collect()
}

fn extreme_model_with(family: Family, head: Head, hidden: &[usize]) -> Model {
    if family == Family::PixelcnnDeep {
        return deep_model(head.k(), hidden.len());
    }
    let mut random = Lcg(head.k() as u32 + 77);
    let mut part =
        |pass, n_refs| PassNet { net: extreme_net(&mut random, pass, head, n_refs, hidden), linear: Linear::mean(12) };
    let n_refs = 0..=family.max_refs().min(2);
    let kinds = family.passes().iter().flat_map(|&pass| n_refs.clone().map(move |n_refs| (pass, n_refs)));
    let parts = kinds.map(|(pass, n_refs)| part(pass, n_refs)).collect();
    Model::new("painted", family, parts, [0; 32]).unwrap()
}

/// Nets that read other cells, with the reference planes that the others have.
fn deep_model(k: usize, seed: usize) -> Model {
    let mut random = Lcg(seed as u32 + 3);
    let places = synthetic::places(3, &mut random);
    let size = synthetic::Size { head: Head::Mixture { k }, ..synthetic::SMALL };
    let mut part = |n_refs| {
        let net = synthetic::deep(n_refs, size, &places, &mut random);
        PassNet { net, linear: Linear::mean(16) }
    };
    let parts = vec![part(0), part(1), part(2)];
    Model::new("painted", Family::PixelcnnDeep, parts, [0; 32]).unwrap()
}

/// Something like an image: a slope, a star, noise.
fn extreme_tile(seed: u32, h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut random = Lcg(seed);
    let slope = |i: usize| (i / w * 2 + i % w * 3) as i32;
    let star = |i: usize| if i / w % 19 == 7 && i % w % 23 == 5 { max / 2 } else { 0 };
    (0..h * w).map(|i| (100 + slope(i) + star(i) + random.signed(30)).clamp(0, max)).collect()
}

fn offsets(net: &Net) -> Offsets {
    let address = |&(dy, dx): &(i32, i32)| dy * PITCH + dx;
    let spec = net.spec();
    Offsets {
        taps: spec.taps.iter().map(address).collect(),
        ref_taps: spec.ref_taps.iter().map(address).collect(),
        around: net.around().iter().map(address).collect(),
        hints: spec.taps[..spec.n_hints].iter().map(|tap| address(tap) + 3).collect(),
    }
}

#[test]
fn every_op_equals_its_plain_kernel() -> Result<()> {
    for gpu in gpus() {
        let mut random = Lcg(3);
        let mut turn = 0;
        // about 3, 15 and 70 thousand multiplications, and the widest layer there may be
        for hidden in [&[24, 24][..], &[64, 64, 48], &[256, 160, 64], &[1024, 9]] {
            for n_refs in 0..3 {
                turn += 1;
                let head = if turn % 3 == 0 { Head::Table } else { Head::Mixture { k: 1 + turn % 8 } };
                let net = extreme_net(&mut random, Pass::Raster, head, n_refs, hidden);
                for i in 0..5 {
                    let n = SIZES[(turn * 5 + i) % SIZES.len()];
                    let max = [255, 4095, 65535, 65536, MAX_INT][i];
                    ops_equal(gpu, &mut random, &net, n, max)?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn nets_of_scales_and_the_ops_between_them_equal_their_plain_kernels() -> Result<()> {
    for gpu in gpus() {
        let mut random = Lcg(9);
        for (i, n) in SIZES.into_iter().enumerate() {
            let hidden = [&[24, 24][..], &[64, 64, 48], &[7]][i % 3];
            let (pass, head) = ([Pass::Finer, Pass::Encoder, Pass::Feature][i % 3], Head::Mixture { k: 1 + i % 8 });
            let net = extreme_net(&mut random, pass, head, 0, hidden);
            ops_equal(gpu, &mut random, &net, n, [24, 65535, 65536, MAX_INT][i % 4])?;

            let heads = (0..3 * n).map(|_| random.signed(32767)).collect();
            let heads = Heads { stride: n, s: vec![1; n], heads };
            for max in [1, 24, 4095] {
                let (mut plain, mut other) = (vec![0; n], vec![0; n]);
                quantise(n, &heads, MAX_FEATURE.min(max), &mut plain);
                gpu.quantise(&heads, MAX_FEATURE.min(max), &mut other)?;
                assert_eq!(plain, other, "quantise");
            }
            let b: Vec<i32> = (0..n).map(|_| random.extreme(MAX_INT) * ONE).collect();
            let s: Vec<i32> = (0..n).map(|_| 1 + random.extreme(MAX_RESIDUAL)).collect();
            let steps = Steps::of(PlaneStats { median: 0, spread: ONE << (i % 16) });
            for scale in 0..5 {
                let (mut plain_s, mut plain, mut other_s, mut other) = (s.clone(), vec![0; n], s.clone(), vec![0; n]);
                coarsen(n, steps.of_scale(scale), &b, &mut plain_s, &mut plain);
                gpu.coarsen(steps, Some(scale), &b, &mut other_s, &mut other)?;
                assert_eq!((plain_s, plain), (other_s, other), "coarsen");
            }
        }
    }
    Ok(())
}

#[test]
fn causal_convolutions_equal_their_plain_kernel() -> Result<()> {
    for gpu in gpus() {
        for (i, n) in SIZES.into_iter().enumerate() {
            let mut random = Lcg(i as u32 + 1);
            let places = synthetic::places(1 + i % 5, &mut random);
            let size = [synthetic::SMALL, synthetic::MIDDLE, synthetic::TINY][i % 3];
            let net = synthetic::deep(
                i % 3,
                synthetic::Size { head: Head::Mixture { k: 1 + i % 8 }, ..size },
                &places,
                &mut random,
            );
            ops_equal(gpu, &mut random, &net, n, [255, 65535, 65536, MAX_INT][i % 4])?;
        }
    }
    Ok(())
}

fn ops_equal(gpu: &Gpu, random: &mut Lcg, net: &Net, n: usize, max: i32) -> Result<()> {
    let spec = net.spec();
    let (at, offsets) = (15 * PITCH as usize + 15, offsets(net));
    let values = |random: &mut Lcg| (0..2 * at + n).map(|_| random.extreme(max) * ONE).collect::<Vec<i32>>();
    let own = values(random);
    let refs: Vec<Vec<i32>> = (0..spec.n_refs).map(|_| values(random)).collect();
    let residuals: Vec<i32> = (0..2 * at + n).map(|_| random.signed(MAX_RESIDUAL)).collect();
    let refs: Vec<&[i32]> = refs.iter().map(Vec::as_slice).collect();
    let stats = PlaneStats { median: random.extreme(max) * ONE, spread: 1 + random.extreme(MAX_RESIDUAL - 1) };
    let arenas = Arenas { values: &own, residuals: &residuals, refs: &refs, stats };
    let run = Site { arenas, offsets: &offsets, at, n, level: 2 };
    let mut c = |n: usize| (0..n).map(|_| random.signed(1100) as i16).collect::<Vec<i16>>();
    let own = c(spec.n_linear - 1);
    let linear = Linear::new(own, (0..spec.n_refs).map(|_| c(spec.ref_taps.len() - 1)).collect())?;
    let place = format!("{}: {n} cells, {} MAC, {} refs, max {max}", gpu.info.name, net.n_mac(), spec.n_refs);

    let (mut b, mut gpu_b) = (vec![0; n], vec![0; n]);
    predict(&linear, run, max, &mut b);
    gpu.predict(&linear, run, max, &mut gpu_b)?;
    assert_eq!(b, gpu_b, "predict on {place}");

    let (mut heads, mut gpu_heads) = (Heads::new(spec.head.n_outputs(), n), Heads::new(spec.head.n_outputs(), n));
    if net.is_plain() {
        context(net, run, &b, &mut heads);
        gpu.context(net, run, &b, &mut gpu_heads)?;
    } else {
        let mut cache = ActivationCache::default();
        cache.begin(n_planes(net), at, n);
        causal_conv(net, run, &b, &mut cache, &mut heads);
        gpu.causal_conv(net, run, &b, &mut gpu_heads)?;
    }
    assert!(heads == gpu_heads, "context on {place}");

    let extreme = Heads {
        stride: n,
        s: (0..n).map(|_| 1 + random.extreme(MAX_RESIDUAL + 65535)).collect(),
        heads: (0..spec.head.n_outputs() * n).map(|_| random.signed(32767)).collect(),
    };
    for heads in [&heads, &extreme] {
        if spec.head == Head::Table {
            let (mut choices, mut gpu_choices) = (Choices::new(n), Choices::new(n));
            choose(&b, heads, max, &mut choices);
            gpu.choose(&b, heads, max, &mut gpu_choices)?;
            assert!(choices == gpu_choices, "table on {place}");
            continue;
        }
        let window = Window { max };
        let mass = mass(window.n_symbols());
        let (mut m, mut gpu_m) = (Mixtures::new(spec.head.k(), n), Mixtures::new(spec.head.k(), n));
        mixture(&b, heads, mass, &mut m);
        gpu.mixture(&b, heads, mass, &mut gpu_m)?;
        assert!(m == gpu_m, "mixture on {place}");

        let ints: Vec<i32> =
            (0..n).map(|i| if i % 2 == 0 { random.extreme(max) } else { m.location[i] >> 6 }).collect();
        let ints: Vec<i32> = ints.iter().map(|x| x.clamp(&0, &max)).copied().collect();
        let (mut plain, mut other) = ([vec![0; n], vec![0; n]], [vec![0; n], vec![0; n]]);
        let [start, width] = &mut plain;
        let of = Distributions { mixtures: &m, window, b: &b };
        intervals(of, &ints, start, width);
        let [start, width] = &mut other;
        gpu.intervals(of, &ints, start, width)?;
        assert!(plain == other, "interval on {place}");
    }
    Ok(())
}

#[test]
fn whole_tiles_have_the_bytes_of_the_cpu_and_come_back() -> Result<()> {
    for gpu in gpus() {
        for (family, sizes) in [
            (Family::Pixelcnn, &[(1, 1), (1, 9), (7, 1), (16, 17)][..]),
            (Family::Lattice, &[(1, 1), (1, 9), (7, 1), (16, 17), (63, 65), (128, 128)]),
            (Family::PixelcnnDeep, &[(1, 1), (1, 9), (7, 1), (13, 17)]),
            (Family::Idf, &[(1, 1), (1, 2), (2, 1), (1, 9), (7, 1), (3, 5), (16, 17), (63, 65), (128, 128)]),
            (Family::L3c, &[(1, 1), (1, 9), (7, 1), (3, 5), (16, 17), (63, 65), (127, 128)]),
        ] {
            let model = extreme_model(family, 3, &[24, 24]);
            for &(h, w) in sizes {
                for (n_refs, max) in [(0, 4000), (1, 65536), (2, MAX_INT), (0, 9)] {
                    tiles_equal(gpu, &model, h, w, n_refs, max)?;
                }
            }
        }
    }
    Ok(())
}

#[test]
fn tiles_of_tables_have_the_bytes_of_the_cpu_and_come_back() -> Result<()> {
    for gpu in gpus() {
        for (family, sizes) in [
            (Family::Pixelcnn, &[(1, 1), (1, 9), (7, 1), (16, 17)][..]),
            (Family::Lattice, &[(1, 1), (1, 9), (7, 1), (16, 17), (63, 65)]),
        ] {
            // one that predicts, and one that has the ends of all ranges
            let models =
                [synthetic::tiny_with(family, 5, Head::Table), extreme_model_with(family, Head::Table, &[24, 24])];
            for model in &models {
                for &(h, w) in sizes {
                    for (n_refs, max) in [(0, 0), (1, 1), (0, 255), (1, 65535), (0, 65535), (0, MAX_INT), (1, MAX_INT)]
                    {
                        tiles_equal(gpu, model, h, w, n_refs, max)?;
                    }
                }
            }
        }
    }
    Ok(())
}

fn tiles_equal(gpu: &Gpu, model: &Model, h: usize, w: usize, n_refs: usize, max: i32) -> Result<()> {
    let planes: Vec<Vec<i32>> = (0..n_refs + 3).map(|i| extreme_tile(i as u32, h, w, max)).collect();
    let refs: Vec<&[i32]> = planes[3..].iter().map(Vec::as_slice).collect();
    let tiles: Vec<TileInts> = planes[..3].iter().map(|ints| TileInts { ints, refs: &refs }).collect();
    let linears = model.linears(n_refs);
    let kernels = model.kernels(Level::detect());
    let context = PlaneContext {
        model,
        kernels: &kernels,
        linears: &linears,
        stats: PlaneStats { median: 64 * 900, spread: 200 },
        max,
    };
    let plan = model.plan_to_encode(h, w);
    let payloads = gpu.encode(context, &plan, &tiles)?;
    let place = format!("{}: {:?} {h}×{w}, {n_refs} refs, max {max}", gpu.info.name, model.family);
    for (payload, tile) in payloads.iter().zip(&tiles) {
        assert!(*payload == cells::encode(context, &plan, tile.ints, &refs), "encode on {place}");
    }
    let coded: Vec<TilePayload> = payloads.iter().map(|payload| TilePayload { payload, refs: &refs }).collect();
    for (back, tile) in gpu.decode(context, &model.plan_to_decode(h, w), &coded)?.iter().zip(&tiles) {
        assert!(back.as_deref() == Ok(tile.ints), "decode on {place}");
    }
    Ok(())
}

#[test]
fn the_size_of_a_batch_does_not_reach_the_bytes() -> Result<()> {
    for index in 0..gpus().len() {
        let mut gpu = Gpu::open(Some(index))?;
        for model in extreme_models(2, &[8]) {
            let linears = model.linears(1);
            let kernels = model.kernels(Level::detect());
            let context = PlaneContext {
                model: &model,
                kernels: &kernels,
                linears: &linears,
                stats: PlaneStats { median: 64 * 900, spread: 200 },
                max: 70000,
            };
            let (h, w) = (12, 15);
            let planes: Vec<Vec<i32>> = (0..8).map(|i| extreme_tile(i, h, w, 70000)).collect();
            let refs: Vec<[&[i32]; 1]> = (0..7).map(|i| [planes[i + 1].as_slice()]).collect();
            let tile = |i: usize| TileInts { ints: &planes[i], refs: &refs[i] };
            let tiles: Vec<TileInts> = (0..7).map(tile).collect();
            let mut coded = Vec::new();
            for batch_bytes in [0, 150_000, 1 << 28] {
                gpu.batch_bytes = batch_bytes;
                let payloads = gpu.encode(context, &model.plan_to_encode(h, w), &tiles)?;
                let tiles: Vec<TilePayload> =
                    payloads.iter().zip(&refs).map(|(payload, refs)| TilePayload { payload, refs }).collect();
                let back = gpu.decode(context, &model.plan_to_decode(h, w), &tiles)?;
                assert!(back.iter().zip(&planes).all(|(back, ints)| back.as_ref() == Ok(ints)));
                coded.push(payloads);
            }
            assert!(coded[0] == coded[1] && coded[1] == coded[2], "{} in {:?}", gpu.info.name, model.family);
        }
    }
    Ok(())
}

#[test]
fn a_corrupt_tile_fails_alone() -> Result<()> {
    let tables = extreme_model_with(Family::Lattice, Head::Table, &[8]);
    let models = [extreme_model(Family::Lattice, 2, &[8]), extreme_model(Family::Idf, 2, &[8]), tables];
    for (gpu, model) in gpus().iter().flat_map(|gpu| models.iter().map(move |model| (gpu, model))) {
        let linears = model.linears(0);
        let kernels = model.kernels(Level::detect());
        let context = PlaneContext {
            model,
            kernels: &kernels,
            linears: &linears,
            stats: PlaneStats { median: 64 * 900, spread: 200 },
            max: 70000,
        };
        let (h, w) = (24, 31);
        let ints: Vec<Vec<i32>> = (0..4).map(|i| extreme_tile(i, h, w, 70000)).collect();
        let tiles: Vec<TileInts> = ints.iter().map(|ints| TileInts { ints, refs: &[] }).collect();
        let mut payloads = gpu.encode(context, &model.plan_to_encode(h, w), &tiles)?;
        payloads[1].truncate(9);
        let middle = payloads[2].len() / 2;
        payloads[2][middle] ^= 16;
        let tiles: Vec<TilePayload> = payloads.iter().map(|payload| TilePayload { payload, refs: &[] }).collect();
        let back = gpu.decode(context, &model.plan_to_decode(h, w), &tiles)?;
        assert_eq!((back[0].as_ref(), back[3].as_ref()), (Ok(&ints[0]), Ok(&ints[3])));
        assert_eq!(back[1].as_ref().unwrap_err().kind, ErrorKind::Corrupt);
        assert_ne!(back[2].as_ref(), Ok(&ints[2]));
    }
    Ok(())
}

#[test]
fn a_device_is_verified_and_a_wrong_one_is_refused() -> Result<()> {
    let model = extreme_model(Family::Lattice, 3, &[24, 24]);
    for gpu in gpus() {
        for model in extreme_models(3, &[24, 24]) {
            gpu.verify(&model)?;
        }
        gpu.verify(&synthetic::loaded_vqae())?;
    }
    let wrong = [
        (Op::Predict, "var sum = 32;", "var sum = 31;", "predict"),
        (Op::Predict, "(sum >> 6u)", "(sum >> 7u)", "predict"),
        (Op::Context, "- log_s + half", "- log_s", "context"),
        (Op::Context, "vec4<i32>(127)", "vec4<i32>(126)", "context"),
        (Op::Mixture, "MAX_LOG2_SCALE: i32 = 6143", "MAX_LOG2_SCALE: i32 = 6142", "mixture"),
        (Op::Mixture, "s, 524288", "s, 524287", "mixture"),
        (Op::Interval, "+ 1) * curve", "+ 2) * curve", "interval"),
        (Op::Interval, "x * 64 - 32", "x * 64 - 31", "interval"),
        (Op::Fill, "seeds[tile] * 64", "seeds[tile] * 63", "a tile"),
        (Op::Residual, "to.y == NONE", "to.y + 1u == NONE", "a tile"),
    ];
    let convolutions = [
        (Op::Features, "- log_s + half", "- log_s", "causal_conv"),
        (Op::Features, "acts[here] = u32(s)", "acts[here] = u32(s + 1)", "features"),
        (Op::CausalConv, "vec4<i32>(64)", "vec4<i32>(63)", "causal_conv"),
        (
            Op::CausalConv,
            "clamp(u + a, vec4<i32>(0), vec4<i32>(127))",
            "clamp(u + a, vec4<i32>(0), vec4<i32>(126))",
            "causal_conv",
        ),
        (Op::CausalConv, "if (more.x != 0u)", "if (more.x > 99u)", "causal_conv"),
        (Op::CausalConv, "here + vec4<u32>(input.x)", "here + vec4<u32>(input.x + 1u)", "causal_conv"),
        (Op::CausalConv, "w0 + half)", "w0)", "causal_conv"),
    ];
    let flow = [
        (Op::Couple, "+ shift + 32)", "+ shift + 31)", "a tile"),
        (Op::Couple, "-1024, 1024", "-1024, 9", "a tile"),
        (Op::Couple, "params.sign * int", "int", "a tile"),
        (Op::Copy, "tile + pair.y", "tile + pair.y + 1u", "a tile"),
        (Op::Detail, ">> 6u", ">> 7u", "a tile"),
    ];
    let scales = [
        (Op::Context, "HINT_SHIFT: u32 = 4u", "HINT_SHIFT: u32 = 5u", "context"),
        (Op::Quantise, "a + 128", "a + 127", "quantise"),
        (Op::Quantise, "0, params.most", "0, params.most + 1", "quantise"),
        (Op::Coarsen, "+ 32 -", "+ 31 -", "coarsen"),
        (Op::Coarsen, "log2_step, 1)", "log2_step, 0)", "coarsen"),
        (Op::Coarsen, "FEATURE_B: i32 = 768", "FEATURE_B: i32 = 767", "coarsen"),
    ];
    let tables = [
        (Op::Table, "MAX_LOG2_SCALE: i32 = 6112", "MAX_LOG2_SCALE: i32 = 6080", "table"),
        (Op::Table, "MIN_LOG2_SCALE: i32 = 512", "MIN_LOG2_SCALE: i32 = 480", "table"),
        (Op::Table, "+ 16) >> LOG2_TAIL_STEPS", "+ 15) >> LOG2_TAIL_STEPS", "table"),
        (Op::Table, "+ 32) >> LOG2_SKEW_STEPS", "+ 31) >> LOG2_SKEW_STEPS", "table"),
        (Op::Table, "((1 << log2_step) >> 1u)", "0", "table"),
        (Op::Table, "640 - (16 << places)", "640 - (8 << places)", "table"),
        (Op::Table, "OUTSIDE: i32 = 16", "OUTSIDE: i32 = 15", "table"),
        (Op::Table, "(n + 6) >> 3u", "(n + 5) >> 3u", "table"),
        (Op::Table, "(n + 14) >> 5u", "(n + 15) >> 5u", "table"),
        (Op::Table, "s, 524288", "s, 524287", "table"),
        (Op::Table, "tile * 2u * stride", "tile * stride", "a tile"),
    ];
    let meshes = [
        (Op::Mesh, "sum + half)", "sum)", "mesh"),
        (Op::Mesh, "v[o], -32768, 32767", "v[o], -32768, 40", "mesh"),
        (Op::Mesh, ") + tap.x", ") - tap.x", "mesh"),
        (Op::Mesh, "sx >= side", "sx > side", "mesh"),
        (Op::Mesh, "(y << log2) >> side_log2", "(y << log2)", "mesh"),
        (Op::Mesh, "params.added != NONE", "params.added == 9u", "mesh"),
        (Op::Nearest, "distance < least", "distance > least", "nearest"),
        (Op::Nearest, "acts[z + c], 0, 127", "acts[z + c], 0, 60", "nearest"),
        (Op::Nearest, "is_covered * e", "e", "mesh"),
    ];
    let vqae = zoo::by_name("vqae-default", &[])?.swap_remove(0); // one whose meshes all see other cells
    let deep = extreme_model(Family::PixelcnnDeep, 3, &[24, 24]);
    let raster = extreme_model_with(Family::Pixelcnn, Head::Table, &[24, 24]);
    let idf = extreme_model(Family::Idf, 3, &[24, 24]);
    let l3c = extreme_model(Family::L3c, 3, &[24, 24]);
    let wrong = wrong.iter().map(|&w| (w, &model)).chain(convolutions.iter().map(|&w| (w, &deep)));
    let wrong = wrong.chain(flow.iter().map(|&w| (w, &idf)));
    let wrong = wrong.chain(scales.iter().map(|&w| (w, &l3c)));
    let wrong = wrong.chain(tables.iter().map(|&w| (w, &raster)));
    let wrong = wrong.chain(meshes.iter().map(|&w| (w, &*vqae)));
    for ((op, from, to, named), model) in wrong {
        let shaders = Shaders::default().with(op, from, to);
        for backend in [Backend::Vulkan, Backend::Metal, Backend::Dx12] {
            for gpu in Gpu::open_with(backend, &shaders)? {
                let error = gpu.verify(model).expect_err(to);
                assert_eq!(error.kind, ErrorKind::Device);
                assert!(error.message.contains(named), "{to}: {error}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_wrong_gpu_that_nobody_asked_for_gives_way_to_the_cpu_and_that_is_told_once() -> Result<()> {
    let model = synthetic::loaded(Family::Pixelcnn); // one that fits the tile, and is chosen
    let samples: Vec<u8> = synthetic::tile(20, 21, 65535).iter().flat_map(|&v| (v as u16).to_le_bytes()).collect();
    let raw = Some(ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![20, 21] });
    let on = |device: &Device| {
        let options = Options { model: Choice::These(vec![model.clone()]), raw: raw.clone(), ..Options::default() };
        compress(&samples, &Options { device: device.clone(), ..options })
    };
    let plain = on(&Device::Cpu)?;
    for (from, to, n_told) in [("", "", 0), ("var sum = 32;", "var sum = 31;", 1)] {
        let shaders = if from.is_empty() { Shaders::default() } else { Shaders::default().with(Op::Predict, from, to) };
        for gpu in Gpu::open_with(Backend::Vulkan, &shaders)? {
            let told = Arc::new(Mutex::new(Vec::new()));
            let into = told.clone();
            let found = Device::auto(Ok(Some(gpu)), Box::new(move |why| into.lock().unwrap().push(why.to_string())));
            for _ in 0..2 {
                assert_eq!(on(&found)?, plain);
                let (mut back, decoding) = (
                    Vec::new(),
                    Decoding { models: vec![model.clone()], device: found.clone(), ..Decoding::default() },
                );
                decompress_to(&plain, &mut back, &decoding, &|_| Ok(()))?;
                assert_eq!(back, samples);
            }
            let told = told.lock().unwrap();
            assert_eq!(told.len(), n_told, "{told:?}");
            assert!(
                told.iter().all(|why| why.contains("predict") && why.ends_with("the CPU is used instead")),
                "{told:?}"
            );
        }
        for gpu in Gpu::open_with(Backend::Vulkan, &shaders)? {
            assert_eq!(on(&Device::Gpu(Arc::new(gpu))).is_err(), n_told == 1);
        }
    }
    Ok(())
}

/// A refitted net has the hash of the net it came from: nothing may take one for the other.
#[test]
fn a_refitted_file_has_the_bytes_of_the_cpu_and_comes_back() -> Result<()> {
    let mut random = Lcg(9);
    let mut int = |i: u32| {
        let far = if random.bits(24) < 1 << 21 { random.bits(24) % 4000 } else { 0 };
        1000 + i * i / 900_000 + random.bits(24) % 5 + far
    };
    let bytes: Vec<u8> = (0..160 * 150).flat_map(|i| (int(i) as u16).to_le_bytes()).collect();
    let mixtures = zoo::by_name("pixelcnn-fast", &[])?.swap_remove(0);
    let tables = synthetic::stored(&synthetic::tiny_with(Family::Pixelcnn, 1, Head::Table));
    for (index, model) in (0..gpus().len()).flat_map(|index| [(index, &mixtures), (index, &tables)]) {
        let device = Device::Gpu(Arc::new(Gpu::open(Some(index))?));
        for adapt in [Adapt::Off, Adapt::Fast] {
            let raw = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![160, 150] };
            let cpu =
                Options { model: Choice::These(vec![model.clone()]), raw: Some(raw), adapt, ..Options::default() };
            let packed = collapsar::internals::compress(&bytes, &cpu)?;
            let refitted =
                Archive::open(&packed, std::slice::from_ref(model))?.arrays().all(|a| a.head.refit_bytes() > 0);
            // random tables may be past mending
            assert!(refitted == (adapt == Adapt::Fast) || (!refitted && model.head() == Head::Table));
            assert!(collapsar::internals::compress(&bytes, &Options { device: device.clone(), ..cpu })? == packed);
            let decoding = Decoding { models: vec![model.clone()], device: device.clone(), ..Decoding::default() };
            let mut back = Vec::new();
            collapsar::internals::decompress_to(&packed, &mut back, &decoding, &|_| Ok(()))?;
            assert!(back == bytes);
        }
    }
    Ok(())
}

/// Blocks of many tiles go to the device together, masked or not, and in batches that do not fit its memory at once.
#[test]
fn an_autoencoder_has_the_bytes_of_the_cpu_and_comes_back() -> Result<()> {
    let ints = synthetic::shades(300, 290);
    let hidden = |i: usize| i / 290 < 80 && i % 290 > 199 || i % 9001 == 7;
    let value = |(i, v): (usize, &i32)| if hidden(i) { -999.0 } else { *v as f32 };
    let bytes: Vec<u8> = ints.iter().enumerate().flat_map(|of| value(of).to_le_bytes()).collect();
    let model = synthetic::loaded_vqae();
    for index in 0..gpus().len() {
        for batch_bytes in [1 << 20, 1 << 28] {
            let mut gpu = Gpu::open(Some(index))?;
            gpu.batch_bytes = batch_bytes;
            let device = Device::Gpu(Arc::new(gpu));
            let raw = Some(ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![300, 290] });
            let models = Choice::These(vec![model.clone()]);
            let cpu = Options { model: models, raw, loss: Loss::Abs(32.6), embed: true, ..Options::default() };
            let packed = compress(&bytes, &cpu)?;
            assert!(compress(&bytes, &Options { device: device.clone(), ..cpu })? == packed);
            let mut back = Vec::new();
            decompress_to(&packed, &mut back, &Decoding { device, ..Decoding::default() }, &|_| Ok(()))?;
            assert!(back == collapsar::internals::decompress(&packed)? && back != bytes);
        }
    }
    Ok(())
}

/// Tiles with masks in them go to the CPU, the others read what was filled in there.
#[test]
fn a_lossy_file_with_fill_values_has_the_bytes_of_the_cpu_and_comes_back() -> Result<()> {
    let mut random = Lcg(11);
    let mut sample = |i: usize| {
        let (y, x) = (i / 270 % 260, i % 270);
        if x > 230 + y / 9 { -999.0 } else { ((y * x) as f32).sqrt() + random.extreme(99) as f32 * 0.01 }
    };
    let bytes: Vec<u8> = (0..2 * 260 * 270).flat_map(|i| sample(i).to_le_bytes()).collect();
    for index in 0..gpus().len() {
        let device = Device::Gpu(Arc::new(Gpu::open(Some(index))?));
        for name in ["pixelcnn-fast", "lattice-fast"] {
            let raw = ArrayType { dtype: Dtype::F32, big_endian: false, shape: vec![2, 260, 270] };
            let model = Choice::These(zoo::by_name(name, &[])?[..1].to_vec());
            let loss = Loss::Abs(0.02);
            let cpu = Options { model, raw: Some(raw), adapt: Adapt::Off, loss, ..Options::default() };
            let packed = collapsar::internals::compress(&bytes, &cpu)?;
            assert!(collapsar::internals::compress(&bytes, &Options { device: device.clone(), ..cpu })? == packed);
            let decoding = Decoding { device: device.clone(), ..Decoding::default() };
            let mut back = Vec::new();
            collapsar::internals::decompress_to(&packed, &mut back, &decoding, &|_| Ok(()))?;
            assert!(back == collapsar::internals::decompress(&packed)? && back != bytes);
        }
    }
    Ok(())
}

/// No shader runs it: whoever asks for a GPU gets the bytes of the CPU.
#[test]
fn a_ladder_is_coded_by_the_cpu_whatever_the_device() -> Result<()> {
    let model = zoo::by_name("vdm-default", &[])?.swap_remove(0);
    let bytes: Vec<u8> = synthetic::frame(150, 160, 3).iter().flat_map(|v| v.to_le_bytes()).collect();
    let raw = ArrayType { dtype: Dtype::U16, big_endian: false, shape: vec![150, 160] };
    let cpu = Options { model: Choice::These(vec![model]), raw: Some(raw), ..Options::default() };
    let packed = compress(&bytes, &cpu)?;
    assert!(
        Archive::open(&packed, &[])?.arrays().all(|a| !a.head.coder.runs_on_gpus() && a.head.coder.model().is_some())
    );
    for index in 0..gpus().len() {
        let device = Device::Gpu(Arc::new(Gpu::open(Some(index))?));
        assert!(compress(&bytes, &Options { device: device.clone(), ..cpu.clone() })? == packed);
        let mut back = Vec::new();
        decompress_to(&packed, &mut back, &Decoding { device, ..Decoding::default() }, &|_| Ok(()))?;
        assert!(back == bytes);
    }
    Ok(())
}
