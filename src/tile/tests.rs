use super::cells::{costs, decode, encode};
use super::stream::PlaneContext;
use crate::kernel::fast::Level;
use crate::kernel::{MAX_INT, ONE, PlaneStats};
use crate::model::l3c::Steps;
use crate::model::{Family, Model};
use crate::net::Head;
use crate::synthetic::{self, Lcg};

fn noisy_slope(h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut random = Lcg(7);
    (0..h * w).map(|i| ((i / w + i % w) as i32 * 3 + random.bits(5) as i32).min(max)).collect()
}

/// Of every family, and of those that know them with tables.
fn models(seed: u32, k: usize) -> Vec<Model> {
    let tables = [Family::Pixelcnn, Family::Lattice].map(|family| synthetic::tiny_with(family, seed, Head::Table));
    Family::OF_CELLS.map(|family| synthetic::tiny(family, seed, k)).into_iter().chain(tables).collect()
}

fn comes_back(model: &Model, h: usize, w: usize, ints: &[i32], max: i32, refs: &[&[i32]]) -> usize {
    let linears = model.linears(refs.len());
    let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
    let mut first = None;
    for level in Level::available() {
        let kernels = model.kernels(level);
        let context = PlaneContext {
            model,
            kernels: &kernels,
            linears: &linears,
            stats: PlaneStats { median: 6400, spread: 200 },
            max,
        };
        let payload = encode(context, &to_encode, ints, refs);
        let mut back = vec![-1; h * w];
        decode(context, &to_decode, &payload, refs, &mut back).unwrap();
        assert_eq!(back, ints, "{h}×{w} with {level:?}");
        let plain = first.get_or_insert_with(|| payload.clone());
        assert!(*plain == payload, "{h}×{w}: {level:?} gives other bytes than the plain kernels");
    }
    first.map_or(0, |payload| payload.len())
}

#[test]
fn every_size_comes_back_in_both_schedules() {
    for model in models(1, 3) {
        for (h, w) in [(1, 1), (1, 2), (2, 1), (1, 70), (70, 1), (2, 2), (3, 5), (16, 16), (17, 15), (31, 33), (64, 65)]
        {
            comes_back(&model, h, w, &noisy_slope(h, w, 4000), 4000, &[]);
        }
    }
}

#[test]
fn extreme_planes_come_back() {
    for model in models(2, 5) {
        for max in [1, 255, 4095, 65535, 65536, MAX_INT] {
            let ends: Vec<i32> = (0..400).map(|i| if i % 7 < 3 { 0 } else { max }).collect();
            comes_back(&model, 20, 20, &ends, max, &[]);
            comes_back(&model, 20, 20, &vec![max; 400], max, &[]);
        }
        comes_back(&model, 20, 20, &vec![0; 400], 0, &[]);
    }
}

#[test]
fn reference_planes_are_seen_by_both_sides_and_help() {
    for model in models(3, 3) {
        let (a, b) = (noisy_slope(40, 37, 9000), noisy_slope(40, 37, 9001));
        comes_back(&model, 40, 37, &a, 9001, &[&b]);
        comes_back(&model, 40, 37, &a, 9001, &[&b, &a]);
    }
}

#[test]
fn no_cut_and_no_flip_panics() {
    for model in models(4, 3).iter().filter(|model| model.family != Family::PixelcnnDeep) {
        cuts_and_flips(model);
    }
}

fn cuts_and_flips(model: &Model) {
    let linears = model.linears(0);
    let kernels = model.kernels(Level::detect());
    let stats = PlaneStats { median: 6400, spread: 200 };
    let context = PlaneContext { model, kernels: &kernels, linears: &linears, stats, max: 4000 };
    let ints = noisy_slope(16, 16, 4000);
    let payload = encode(context, &model.plan_to_encode(16, 16), &ints, &[]);
    let plan = model.plan_to_decode(16, 16);
    let mut back = vec![0; 256];
    for n in 0..payload.len() {
        assert!(decode(context, &plan, &payload[..n], &[], &mut back).is_err(), "cut at {n}");
    }
    for bit in 0..payload.len() * 8 {
        let mut wrong = payload.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        if decode(context, &plan, &wrong, &[], &mut back).is_ok() {
            assert!(back != ints && back.iter().all(|v| (0..=4000).contains(v)), "bit {bit}");
        }
    }
}

#[test]
fn steps_of_every_size_come_back() {
    let model = synthetic::tiny(Family::L3c, 6, 3);
    let (linears, kernels) = (model.linears(0), model.kernels(Level::detect()));
    for (h, w, max) in [(1, 40, 900), (3, 5, 24), (31, 18, 70_000), (40, 33, MAX_INT), (9, 9, 1)] {
        let (ints, plan) = (noisy_slope(h, w, max), model.plan_to_encode(h, w));
        for log2_step in [0, 1, 4, 15, 16] {
            let stats = PlaneStats { median: 6400, spread: ONE << log2_step };
            let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max };
            let payload = encode(context, &plan, &ints, &[]);
            let mut back = vec![-1; h * w];
            decode(context, &plan, &payload, &[], &mut back).unwrap();
            assert_eq!(back, ints, "{h}×{w} in steps of 2^{log2_step}");
            assert_eq!(costs(context, &plan, &ints, &[], &[]).len(), 3);
        }
    }
}

#[test]
fn random_bytes_are_hardly_ever_a_tile_of_scales_and_never_a_panic() {
    let model = synthetic::tiny(Family::L3c, 6, 3);
    let (linears, kernels, plan) = (model.linears(0), model.kernels(Level::detect()), model.plan_to_decode(20, 13));
    let stats = PlaneStats { median: 6400, spread: 5000 };
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max: 300 };
    let mut random = Lcg(5);
    let mut n_errors = 0;
    for n in 0..300 {
        let mut byte = || random.bits(8) as u8;
        let payload: Vec<u8> = [0, 1 + n as u8 % 90].into_iter().chain((0..4 * (1 + n % 90)).map(|_| byte())).collect();
        let mut ints = [0; 260];
        let decoded = decode(context, &plan, &payload, &[], &mut ints);
        assert!(decoded.is_err() || ints.iter().all(|int| (0..=300).contains(int)), "{n}");
        n_errors += u32::from(decoded.is_err());
    }
    assert!(n_errors > 200, "{n_errors}");
}

#[test]
fn a_symbol_beyond_its_last_is_corrupt() {
    let model = synthetic::tiny(Family::L3c, 6, 3);
    let (linears, kernels, plan) = (model.linears(0), model.kernels(Level::detect()), model.plan_to_decode(2, 2));
    let stats = PlaneStats { median: 0, spread: ONE };
    let context = PlaneContext { model: &model, kernels: &kernels, linears: &linears, stats, max: 300 };
    let mut all = vec![0; plan.n_ints()];
    let feature = &plan.steps[0];
    for (symbol, fits) in [(24, true), (25, false)] {
        all[feature.runs[0].first as usize] = symbol;
        let restored = crate::tile::pyramid::restore(context, Steps::of(stats), feature, feature.runs[0], &mut all);
        assert_eq!(restored.is_ok(), fits);
    }
}
