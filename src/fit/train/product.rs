//! y[o] += Σᵢ a[o][i] · x[i]          x and y in rows of 16 numbers
//!
//! The one loop that a training spends its time in. Sums are taken in the order of i, whatever the machine: vectors are side by side
//! in a row, never along a sum.

use crate::fit::likelihood::{N, Row};

/// Outputs side by side: as many rows as registers hold.
const GROUP: usize = 3;

/// Adds to the rows of `y` what `a`, [n_out][n_in], makes of the rows of `x`, which lie `step` apart; those of `y` likewise.
pub fn add_product(a: &[f32], n_in: usize, x: &[Row], x_step: usize, y: &mut [Row], y_step: usize) {
    let n_out = a.len() / n_in;
    let n_grouped = n_out / GROUP * GROUP;
    for o in (0..n_grouped).step_by(GROUP) {
        group::<GROUP>(&a[o * n_in..], n_in, x, x_step, &mut y[o * y_step..], y_step);
    }
    for o in n_grouped..n_out {
        group::<1>(&a[o * n_in..], n_in, x, x_step, &mut y[o * y_step..], y_step);
    }
}

#[inline(always)]
fn group<const G: usize>(a: &[f32], n_in: usize, x: &[Row], x_step: usize, y: &mut [Row], y_step: usize) {
    let a: [&[f32]; G] = std::array::from_fn(|g| &a[g * n_in..][..n_in]);
    let mut sums: [Row; G] = std::array::from_fn(|g| y[g * y_step]);
    for (i, x) in x.iter().step_by(x_step).take(n_in).enumerate() {
        for g in 0..G {
            for j in 0..N {
                sums[g][j] += a[g][i] * x[j];
            }
        }
    }
    sums.into_iter().enumerate().for_each(|(g, sum)| y[g * y_step] = sum);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sum_is_that_of_its_row_and_column() {
        for (n_in, n_out, x_step, y_step) in [(1, 1, 1, 1), (5, 4, 1, 2), (7, 9, 3, 1)] {
            let a: Vec<f32> = (0..n_in * n_out).map(|i| (i * 7 % 11) as f32 - 5.0).collect();
            let x: Vec<Row> = (0..n_in * x_step).map(|i| std::array::from_fn(|j| (i * 5 + j * 3) as f32)).collect();
            let mut y = vec![[2.0; N]; n_out * y_step];
            add_product(&a, n_in, &x, x_step, &mut y, y_step);
            for (o, j) in (0..n_out).flat_map(|o| (0..N).map(move |j| (o, j))) {
                let sum = (0..n_in).fold(2.0, |sum, i| sum + a[o * n_in + i] * x[i * x_step][j]);
                assert_eq!(y[o * y_step][j], sum, "{n_in} × {n_out}, output {o}, column {j}");
            }
        }
    }
}
