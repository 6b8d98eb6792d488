use super::*;
use crate::model::{Family, Model};
use crate::synthetic;

fn model() -> Model {
    synthetic::tiny(Family::L3c, 1, 2)
}

#[test]
fn every_int_of_every_scale_is_coded_once_but_for_the_seed() {
    for (h, w) in [(1, 1), (1, 9), (9, 1), (2, 2), (3, 5), (17, 16), (64, 33)] {
        let plan = model().plan_to_decode(h, w);
        let mut n_coded = vec![0; plan.n_ints()];
        for run in &plan.order {
            (0..run.n).for_each(|i| n_coded[(run.first + i * run.step as u32) as usize] += 1);
        }
        assert_eq!(n_coded.remove(0), 0, "{h}×{w}");
        assert!(n_coded.iter().all(|&n| n == 1), "{h}×{w}: {n_coded:?}");
    }
}

#[test]
fn a_run_sees_means_and_features_of_its_own_block_and_of_those_around() {
    let (h, w) = (6, 7);
    let plan = model().plan_to_decode(h, w);
    let mut all = vec![0; plan.n_ints()];
    let scale = plan.scales[1];
    for i in 0..scale.h * scale.w {
        (all[scale.ints + i], all[scale.features + i]) = (10 + i as i32, 50 + i as i32);
    }
    let mut values = plan.arena(0);
    plan.fill(&all, &mut values);
    let steps: Vec<&Step> = plan.steps.iter().filter(|s| s.level == 0 && s.pass == Pass::Finer).collect();
    let taps = &model().nets[2].net.taps.clone();
    for (phase, step) in steps.into_iter().enumerate() {
        let offsets = &plan.offsets[step.offsets];
        for (row, run) in step.runs.iter().enumerate() {
            for column in 0..run.n as usize {
                let show = |o: i32| values[(run.at as usize + column).strict_add_signed(o as isize)] / ONE;
                for (i, &(dy, dx)) in taps.iter().enumerate() {
                    let (dy, dx) = (if phase >= 2 { -dy } else { dy }, if phase % 2 == 1 { -dx } else { dx });
                    let y = (row as i32 + dy).clamp(0, scale.h as i32 - 1);
                    let x = (column as i32 + dx).clamp(0, scale.w as i32 - 1);
                    assert_eq!(show(offsets.taps[i]), 10 + y * scale.w as i32 + x);
                    if let Some(&hint) = offsets.hints.get(i) {
                        assert_eq!(show(hint), 50 + y * scale.w as i32 + x);
                    }
                }
            }
        }
    }
}

#[test]
fn means_are_rounded_into_steps_and_blocks_at_the_edge_are_smaller() {
    let plan = model().plan_to_encode(3, 3);
    let tile = [10, 11, 7, 12, 14, 8, 20, 23, 90];
    let of = |log2_step| {
        let all = pyramid(&plan, &tile, 100, Steps::of(PlaneStats { median: 0, spread: ONE << log2_step }));
        all[plan.scales[1].ints..][..4].to_vec()
    };
    assert_eq!(of(0), [12, 8, 22, 90]);
    assert_eq!(of(2), [14, 10, 22, 90]);
    assert_eq!(of(6), [32, 32, 32, 96]);
}

#[test]
fn steps_are_measured_by_the_noise_and_said_by_the_usual_residual() {
    let noise = |n: i32| -> Vec<i32> {
        let mut state = 3u32;
        let mut random = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            ((state >> 8) as i32) % n
        };
        (0..64 * 64).map(|_| 1000 + random()).collect()
    };
    let of = |n| Steps::measured([(&noise(n)[..], 64)].into_iter());
    assert_eq!(of(1).of_scale(1), 0);
    for (n, log2_step) in [(16, 3), (64, 5), (1024, 9)] {
        // noise of n / √12
        assert_eq!((of(n).of_scale(0), of(n).of_scale(1), of(n).of_scale(2)), (0, log2_step, log2_step - 1), "{n}");
        assert_eq!(Steps::of(PlaneStats { median: 0, spread: of(n).residual() }), of(n));
    }
    assert_eq!(of(16).wider(-9).of_scale(1), 0);
    assert_eq!(Steps::of(PlaneStats { median: 0, spread: 1 }).of_scale(3), 0);
    assert_eq!(Steps::of(PlaneStats { median: 0, spread: 1 << 22 }).of_scale(1), MAX_LOG2_STEP);
    assert_eq!(Steps::measured([(&[5][..], 1)].into_iter()).of_scale(1), 0);
}
