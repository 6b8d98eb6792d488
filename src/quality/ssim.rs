//! SSIM = (2·μₓμᵧ + c₁)(2·cov + c₂) / ((μₓ² + μᵧ² + c₁)(varₓ + varᵧ + c₂))          c₁ = 0.01², c₂ = 0.03²
//!
//! The structural similarity of Wang et al. (2004) with L = the original's range, here by scaling samples to 0…1; over all windows
//! of 8 × 8 samples (1 × 8 in one dimension) that lie in a plane, all samples weighing the same, variances over n. Windows with a sample that
//! does not count are left out: it is NaN, and so is every sum over it.

const SIDE: usize = 8;
const C1: f64 = 0.01 * 0.01;
const C2: f64 = 0.03 * 0.03;
/// x, y, x², y², xy.
const N_SUMS: usize = 5;

/// The size of windows in planes of a size.
pub fn window((h, w): (usize, usize)) -> (usize, usize) {
    (SIDE.min(h), SIDE.min(w))
}

/// The sum over all windows that end in a stretch of rows of `w` samples, and how many there are.
pub fn sum(x: &[f64], y: &[f64], w: usize, window: (usize, usize)) -> (f64, u64) {
    let (mut sum, mut n) = (0.0, 0);
    each(x, y, w, window, |_, value| (sum, n) = (sum + value, n + 1));
    (sum, n)
}

/// Every such window: its first row and column, and what it has.
pub fn each(
    x: &[f64],
    y: &[f64],
    w: usize,
    (window_h, window_w): (usize, usize),
    mut see: impl FnMut((usize, usize), f64),
) {
    if w < window_w {
        return;
    }
    let n_columns = w + 1 - window_w;
    let mut rows = vec![vec![0.0; N_SUMS * n_columns]; window_h];
    let mut columns = vec![0.0; N_SUMS * n_columns];
    let mut product = vec![0.0; w];
    for (i, (x, y)) in x.chunks_exact(w).zip(y.chunks_exact(w)).enumerate() {
        let slot = &mut rows[i % window_h];
        for (k, out) in slot.chunks_exact_mut(n_columns).enumerate() {
            let (a, b) = [(x, None), (y, None), (x, Some(x)), (y, Some(y)), (x, Some(y))][k];
            match b {
                None => along(a, window_w, out),
                Some(b) => {
                    product.iter_mut().zip(a.iter().zip(b)).for_each(|(p, (a, b))| *p = a * b);
                    along(&product, window_w, out);
                }
            }
        }
        if i + 1 < window_h {
            continue;
        }
        columns.fill(0.0);
        for row in &rows {
            columns.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
        }
        for c in 0..n_columns {
            let s = [0, 1, 2, 3, 4].map(|k| columns[k * n_columns + c] / (window_h * window_w) as f64);
            let value = one(s);
            if !value.is_nan() {
                see((i + 1 - window_h, c), value);
            }
        }
    }
}

/// Sums of `n` neighbours.
fn along(x: &[f64], n: usize, out: &mut [f64]) {
    out.fill(0.0);
    for first in 0..n {
        out.iter_mut().zip(&x[first..]).for_each(|(sum, x)| *sum += x);
    }
}

/// From means of x, y, x², y², xy.
fn one([x, y, xx, yy, xy]: [f64; N_SUMS]) -> f64 {
    let (var_x, var_y, cov) = (xx - x * x, yy - y * y, xy - x * y);
    (2.0 * (x * y) + C1) * (2.0 * cov + C2) / ((x * x + y * y + C1) * (var_x + var_y + C2))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(n: usize) -> Vec<f64> {
        (0..n).map(|i| (i * 37 % 101) as f64 / 100.0).collect()
    }

    #[test]
    fn equal_planes_have_one_in_every_window() {
        for (h, w) in [(8, 8), (9, 8), (8, 15), (20, 33), (1, 8), (3, 5)] {
            let x = ramp(h * w);
            let (wh, ww) = window((h, w));
            let n = ((h - wh + 1) * (w - ww + 1)) as u64;
            assert_eq!(sum(&x, &x, w, (wh, ww)), (n as f64, n), "{h}×{w}");
        }
    }

    #[test]
    fn one_window_is_the_formula() {
        // x alternates between 0 and 1, y = 1 − x: means ½, variances ¼, covariance −¼
        let x: Vec<f64> = (0..64).map(|i| f64::from(i as u8 & 1)).collect();
        let y: Vec<f64> = x.iter().map(|x| 1.0 - x).collect();
        assert_eq!(sum(&x, &y, 8, (8, 8)), ((0.5 + C1) * (C2 - 0.5) / ((0.5 + C1) * (0.5 + C2)), 1));
        // two constants: only the means count
        let (sum, n) = sum(&[0.25; 64], &[0.75; 64], 8, (8, 8));
        assert_eq!((sum, n), ((0.375 + C1) * C2 / ((0.625 + C1) * C2), 1));
    }

    #[test]
    fn windows_with_a_hidden_sample_are_left_out() {
        let mut x = ramp(20 * 20);
        let y = x.clone();
        x[10 * 20 + 10] = f64::NAN;
        let (sum, n) = sum(&x, &y, 20, (8, 8));
        // the sample lies in windows that end in 8 rows and 8 columns of the 13 × 13
        assert_eq!((sum, n), (169.0 - 64.0, 169 - 64));
    }
}
