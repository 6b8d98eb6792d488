use super::*;
use crate::kernel::fast::Level;
use crate::model::{Family, tests::painted_model};

fn painted(h: usize, w: usize, max: i32) -> Vec<i32> {
    let mut state = 7u32;
    let noise = |state: &mut u32| {
        *state = state.wrapping_mul(1664525).wrapping_add(1013904223);
        (*state >> 27) as i32
    };
    (0..h * w).map(|i| ((i / w + i % w) as i32 * 3 + noise(&mut state)).min(max)).collect()
}

fn comes_back(model: &Model, h: usize, w: usize, ints: &[i32], max: i32, refs: &[&[i32]]) -> usize {
    let linears = model.linears(refs.len());
    let (to_encode, to_decode) = (model.plan_to_encode(h, w), model.plan_to_decode(h, w));
    let mut first = None;
    for level in Level::available() {
        let fast = model.fast(level);
        let context =
            Context { model, fast: &fast, linears: &linears, usual: Usual { value: 6400, residual: 200 }, max };
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
    for family in Family::OF_CELLS {
        let model = painted_model(family, 1, 3);
        for (h, w) in [(1, 1), (1, 2), (2, 1), (1, 70), (70, 1), (2, 2), (3, 5), (16, 16), (17, 15), (31, 33), (64, 65)]
        {
            comes_back(&model, h, w, &painted(h, w, 4000), 4000, &[]);
        }
    }
}

#[test]
fn extreme_planes_come_back() {
    for family in Family::OF_CELLS {
        let model = painted_model(family, 2, 5);
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
    for family in Family::OF_CELLS {
        let model = painted_model(family, 3, 3);
        let (a, b) = (painted(40, 37, 9000), painted(40, 37, 9001));
        comes_back(&model, 40, 37, &a, 9001, &[&b]);
        comes_back(&model, 40, 37, &a, 9001, &[&b, &a]);
    }
}

#[test]
fn no_cut_and_no_flip_panics() {
    [Family::Lattice, Family::Idf].into_iter().for_each(cuts_and_flips);
}

fn cuts_and_flips(family: Family) {
    let model = painted_model(family, 4, 3);
    let linears = model.linears(0);
    let fast = model.fast(Level::detect());
    let context = Context {
        model: &model,
        fast: &fast,
        linears: &linears,
        usual: Usual { value: 6400, residual: 200 },
        max: 4000,
    };
    let ints = painted(16, 16, 4000);
    let payload = encode(context, &model.plan_to_encode(16, 16), &ints, &[]);
    let plan = model.plan_to_decode(16, 16);
    let mut back = vec![0; 256];
    for n in 0..payload.len() {
        assert!(decode(context, &plan, &payload[..n], &[], &mut back).is_err(), "cut at {n}");
    }
    for bit in 0..payload.len() * 8 {
        let mut wrong = payload.clone();
        wrong[bit / 8] ^= 1 << (bit % 8);
        let _ = decode(context, &plan, &wrong, &[], &mut back);
    }
}
