//! 1 − Σ e′² / Σ e²          e: what a linear predictor of known neighbours leaves;  e′: one that sees another plane's 3 × 3 as well
//!
//! How much another plane tells of one, in 2⁻¹⁶: a quick look before anything is coded. Both see differences only, as `kernel::predict`
//! does: the own plane's to the int left of the cell, the other's to its int at the cell.

use super::solve::solve;

/// Cells that are looked at, about.
const MAX_CELLS: usize = 1 << 14;
const N_OWN: usize = 3;
const N_ALL: usize = N_OWN + 8;
/// No difference counts for more than so many times what is usual of its kind.
const MAX_TIMES: f64 = 8.0;
/// What keeps the equations solvable, as a share of their mean diagonal.
const HOLD: f64 = 1e-6;

/// A window of a plane and of another, and whether ints of both are known there.
pub struct Pair<'a> {
    pub w: usize,
    pub ints: &'a [i32],
    pub other: &'a [i32],
    pub known: &'a dyn Fn(usize) -> bool,
}

/// Of all windows together; 0 where it is no more than chance.
pub fn telling(pairs: &[Pair]) -> u64 {
    let n_ints: usize = pairs.iter().map(|pair| pair.ints.len()).sum();
    let stride = n_ints.div_ceil(MAX_CELLS).max(1);
    let mut rows: Vec<[f64; N_ALL + 1]> = pairs.iter().flat_map(|pair| rows(pair, stride)).collect();
    for i in 0..=N_ALL {
        let usual = rows.iter().fold(0.0, |sum, row| sum + row[i].abs()) / rows.len().max(1) as f64;
        let most = MAX_TIMES * usual;
        rows.iter_mut().for_each(|row| row[i] = row[i].clamp(-most, most));
    }
    let (Some(own), Some(all)) = (left(&rows, N_OWN), left(&rows, N_ALL)) else { return 0 };
    let share = if own > 0.0 { 1.0 - all / own } else { 0.0 };
    let chance = 3.0 * (N_ALL - N_OWN) as f64 / rows.len().max(1) as f64;
    if share > chance { (share * 65536.0) as u64 } else { 0 }
}

/// Of every `stride`-th cell that is known all around: differences of the own plane and of the other, then the target. Beyond the
/// window the other plane shows its nearest int, and above its first row the own shows what is left of the cell.
fn rows(pair: &Pair, stride: usize) -> Vec<[f64; N_ALL + 1]> {
    let &Pair { w, ints, other, known } = pair;
    let h = ints.len() / w;
    let place = |y: usize, x: usize| (y.clamp(1, h) - 1) * w + x.clamp(1, w) - 1; // counted from 1
    let of_cell = |i: usize| {
        let (y, x) = (i / w + 1, i % w + 1);
        let around = [y - 1, y, y + 1].map(|y| [x - 1, x, x + 1].map(|x| place(y, x)));
        if x == 1 || !around.iter().flatten().all(|&j| known(j)) {
            return None;
        }
        let difference = |of: &[i32], i: usize, j: usize| f64::from(of[i]) - f64::from(of[j]);
        let mut row = [0.0; N_ALL + 1];
        if y > 1 {
            (0..N_OWN).for_each(|k| row[k] = difference(ints, around[0][k], i - 1));
        }
        let others = around.iter().flatten().enumerate().filter(|(k, _)| *k != 4);
        row[N_OWN..].iter_mut().zip(others).for_each(|(out, (_, &j))| *out = difference(other, j, i));
        row[N_ALL] = difference(ints, i, i - 1);
        Some(row)
    };
    (0..h * w).step_by(stride).filter_map(of_cell).collect()
}

/// Σ e² of the least squares over the first n of a row.
fn left(rows: &[[f64; N_ALL + 1]], n: usize) -> Option<f64> {
    let (mut matrix, mut right) = (vec![0.0; n * n], vec![0.0; n]);
    for row in rows {
        for i in 0..n {
            right[i] += row[i] * row[N_ALL];
            for j in 0..=i {
                matrix[i * n + j] += row[i] * row[j];
            }
        }
    }
    let hold = HOLD * (0..n).fold(0.0, |sum, i| sum + matrix[i * n + i]) / n as f64 + 1e-9;
    (0..n).for_each(|i| matrix[i * n + i] += hold);
    let c = solve(&mut matrix, right)?;
    let error = |row: &[f64; N_ALL + 1]| row[N_ALL] - c.iter().zip(row).fold(0.0, |sum, (c, d)| sum + c * d);
    Some(rows.iter().fold(0.0, |sum, row| sum + error(row) * error(row)))
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

    fn of(ints: &[i32], other: &[i32], w: usize, known: &dyn Fn(usize) -> bool) -> u64 {
        telling(&[Pair { w, ints, other, known }])
    }

    #[test]
    fn a_plane_tells_all_of_its_multiples_and_nothing_of_noise() {
        let (mut a, mut b) = (noise(1), noise(2));
        let field: Vec<i32> = (0..2000).map(|_| a()).collect();
        let multiple: Vec<i32> = field.iter().map(|v| 900 - 3 * v).collect();
        let strange: Vec<i32> = (0..2000).map(|_| b()).collect();
        assert!(of(&multiple, &field, 40, &|_| true) > 65_000);
        assert_eq!(of(&strange, &field, 40, &|_| true), 0);
        assert_eq!(of(&[7; 2000], &field, 40, &|_| true), 0);
        assert_eq!(of(&multiple, &[7; 2000], 40, &|_| true), 0);
        assert_eq!(of(&multiple, &field, 40, &|i| i % 3 == 0), 0);
    }

    #[test]
    fn a_plane_that_another_is_a_derivative_of_is_found() {
        let mut a = noise(3);
        let field: Vec<i32> = (0..2000).map(|_| a()).collect();
        let slope: Vec<i32> = (0..2000).map(|i| if i % 40 == 39 { 0 } else { field[i + 1] - field[i] }).collect();
        assert!(of(&slope, &field, 40, &|_| true) > 20_000);
    }

    #[test]
    fn a_row_is_told_of_by_a_row() {
        let mut a = noise(4);
        let field: Vec<i32> = (0..3000).map(|_| a()).collect();
        let multiple: Vec<i32> = field.iter().map(|v| 5 * v).collect();
        assert!(of(&multiple, &field, 3000, &|_| true) > 65_000);
    }

    #[test]
    fn windows_too_small_tell_nothing() {
        for (n, w) in [(1, 1), (6, 1), (6, 2), (9, 3), (12, 12)] {
            assert_eq!(of(&vec![1; n], &vec![2; n], w, &|_| true), 0);
        }
    }
}
