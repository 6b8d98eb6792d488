//! 1 − Σ |e′| / Σ |e|          e: what a linear predictor leaves that sees known neighbours and the 3 × 3 of other planes;  e′: of one more
//!
//! How much the last of some planes tells of one that the others do not, in 2⁻¹⁶: a quick look before anything is coded. Predictors see
//! differences only, as `kernel::predict` does: the own plane's to the int left of the cell, another's to its int at the cell.

use super::normal::{Cell, equations};
use super::solve::solve;

/// Differences that are seen of the own plane, and of another.
const N_OWN: usize = 3;
const N_OTHER: usize = 8;
/// No difference counts for more than so many times what is usual of its kind.
const MAX_TIMES: f64 = 8.0;
/// Rounds of reweighting: fields that are the same but for a few places are found so.
const N_ROUNDS: usize = 3;
/// What keeps the equations solvable, as a share of their mean diagonal.
const HOLD: f64 = 1e-6;

/// A window of a plane and of others, as many in every window and at least one, and whether their ints are known there.
pub struct CandidateWindow<'a> {
    pub w: usize,
    pub ints: &'a [i32],
    pub others: Vec<&'a [i32]>,
    pub known: Vec<bool>,
}

/// Of all windows together, from about so many cells; 0 where it is no more than chance, which is the less the more cells there are.
pub fn predictive_gain(windows: &[CandidateWindow], max_cells: usize) -> u64 {
    let n_ints: usize = windows.iter().map(|window| window.ints.len()).sum();
    let stride = n_ints.div_ceil(max_cells).max(1);
    let n_all = N_OWN + N_OTHER * windows.first().map_or(1, |window| window.others.len());
    let mut rows: Vec<Vec<f64>> = windows.iter().flat_map(|window| rows(window, stride)).collect();
    for i in 0..=n_all {
        let usual = rows.iter().fold(0.0, |sum, row| sum + row[i].abs()) / rows.len().max(1) as f64;
        let most = MAX_TIMES * usual;
        rows.iter_mut().for_each(|row| row[i] = row[i].clamp(-most, most));
    }
    let (Some(before), Some(all)) = (left(&rows, n_all - N_OTHER), left(&rows, n_all)) else { return 0 };
    let share = if before > 0.0 { 1.0 - all / before } else { 0.0 };
    let chance = 2.0 * N_OTHER as f64 / rows.len().max(1) as f64;
    if share > chance { (share * 65536.0) as u64 } else { 0 }
}

/// Of every `stride`-th cell that is known all around: differences of the own plane and of the others, then the target. Beyond the
/// window other planes show their nearest int, and above its first row the own shows what is left of the cell.
fn rows(window: &CandidateWindow, stride: usize) -> Vec<Vec<f64>> {
    let CandidateWindow { w, ints, others, known } = window;
    let h = ints.len() / w;
    let place = |y: usize, x: usize| (y.clamp(1, h) - 1) * w + x.clamp(1, *w) - 1; // counted from 1
    let of_cell = |i: usize| {
        let (y, x) = (i / w + 1, i % w + 1);
        let around = [y - 1, y, y + 1].map(|y| [x - 1, x, x + 1].map(|x| place(y, x)));
        if x == 1 || !around.iter().flatten().all(|&j| known[j]) {
            return None;
        }
        let difference = |of: &[i32], i: usize, j: usize| f64::from(of[i]) - f64::from(of[j]);
        let own = around[0].map(|j| if y > 1 { difference(ints, j, i - 1) } else { 0.0 });
        let mut row = own.to_vec();
        for other in others {
            let places = around.iter().flatten().enumerate().filter(|(nth, _)| *nth != N_OTHER / 2);
            row.extend(places.map(|(_, &j)| difference(other, j, i)));
        }
        row.push(difference(ints, i, i - 1));
        Some(row)
    };
    (0..h * w).step_by(stride).filter_map(of_cell).collect()
}

/// Σ |e| of the predictor of least absolute residuals that sees the first n of a row.
fn left(rows: &[Vec<f64>], n: usize) -> Option<f64> {
    let target = |row: &[f64]| row.last().copied().unwrap_or_default();
    let mut errors: Vec<f64> = rows.iter().map(|row| target(row).abs()).collect();
    for _ in 0..N_ROUNDS {
        let floor = errors.iter().fold(0.0, |sum, e| sum + e) / errors.len().max(1) as f64 / 8.0 + 1e-3;
        let cells = rows.iter().zip(&errors);
        let cells =
            cells.map(|(row, error)| Cell { differences: row, weight: 1.0 / error.max(floor), target: target(row) });
        let (mut matrix, right) = equations(n, cells);
        let hold = HOLD * (0..n).fold(0.0, |sum, i| sum + matrix[i * n + i]) / n as f64 + 1e-9;
        (0..n).for_each(|i| matrix[i * n + i] += hold);
        let c = solve(&mut matrix, right)?;
        let error = |row: &Vec<f64>| (target(row) - c.iter().zip(row).fold(0.0, |sum, (c, d)| sum + c * d)).abs();
        errors = rows.iter().map(error).collect();
    }
    Some(errors.iter().fold(0.0, |sum, e| sum + e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32) -> impl FnMut() -> i32 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as i32
        }
    }

    fn of(ints: &[i32], other: &[i32], w: usize, known: impl Fn(usize) -> bool) -> u64 {
        let known = (0..ints.len()).map(known).collect();
        predictive_gain(&[CandidateWindow { w, ints, others: vec![other], known }], 1 << 13)
    }

    #[test]
    fn a_plane_tells_all_of_its_multiples_and_nothing_of_noise() {
        let (mut a, mut b) = (noise(1), noise(2));
        let field: Vec<i32> = (0..2000).map(|_| a()).collect();
        let multiple: Vec<i32> = field.iter().map(|v| 900 - 3 * v).collect();
        let strange: Vec<i32> = (0..2000).map(|_| b()).collect();
        assert!(of(&multiple, &field, 40, |_| true) > 65_000);
        assert_eq!(of(&strange, &field, 40, |_| true), 0);
        assert_eq!(of(&[7; 2000], &field, 40, |_| true), 0);
        assert_eq!(of(&multiple, &[7; 2000], 40, |_| true), 0);
        assert_eq!(of(&multiple, &field, 40, |i| i % 3 == 0), 0);
    }

    #[test]
    fn a_plane_that_another_is_a_derivative_of_is_found() {
        let mut a = noise(3);
        let field: Vec<i32> = (0..2000).map(|_| a()).collect();
        let slope: Vec<i32> = (0..2000).map(|i| if i % 40 == 39 { 0 } else { field[i + 1] - field[i] }).collect();
        assert!(of(&slope, &field, 40, |_| true) > 10_000);
    }

    #[test]
    fn a_plane_tells_what_those_before_it_do_not() {
        let (mut a, mut b) = (noise(5), noise(6));
        let (one, two): (Vec<i32>, Vec<i32>) = (0..2000).map(|_| (a(), b())).unzip();
        let sum: Vec<i32> = one.iter().zip(&two).map(|(a, b)| a - 2 * b).collect();
        let window = |others| CandidateWindow { w: 40, ints: &sum, others, known: vec![true; 2000] };
        let after = |others| predictive_gain(&[window(others)], 1 << 13);
        assert!(after(vec![&one]) < 20_000 && after(vec![&two, &one]) > 65_000);
        assert_eq!(after(vec![&one, &one]), 0);
    }

    #[test]
    fn a_plane_that_is_the_same_but_for_a_few_places_is_found() {
        let mut a = noise(7);
        let field: Vec<i32> = (0..2000).map(|_| a()).collect();
        let mostly: Vec<i32> = field.iter().enumerate().map(|(i, v)| if i % 50 == 7 { v + 300 } else { *v }).collect();
        assert!(of(&mostly, &field, 40, |_| true) > 50_000);
    }

    #[test]
    fn a_row_is_told_of_by_a_row() {
        let mut a = noise(4);
        let field: Vec<i32> = (0..3000).map(|_| a()).collect();
        let multiple: Vec<i32> = field.iter().map(|v| 5 * v).collect();
        assert!(of(&multiple, &field, 3000, |_| true) > 65_000);
    }

    #[test]
    fn windows_too_small_tell_nothing() {
        for (n, w) in [(1, 1), (6, 1), (6, 2), (9, 3), (12, 12)] {
            assert_eq!(of(&vec![1; n], &vec![2; n], w, |_| true), 0);
        }
    }
}
