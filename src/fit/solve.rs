//! x with A · x = b          by Cholesky; A symmetric and positive, only its lower half is read

/// None where A is not positive: the equations say nothing.
pub fn solve(a: &mut [f64], mut b: Vec<f64>) -> Option<Vec<f64>> {
    factor(a, b.len())?;
    substitute(a, &mut b);
    b.iter().all(|x| x.is_finite()).then_some(b)
}

/// A⁻¹ of n × n numbers.
pub fn inverse(a: &[f64], n: usize) -> Option<Vec<f64>> {
    let mut a = a.to_vec();
    factor(&mut a, n)?;
    let mut out = Vec::with_capacity(n * n);
    for i in 0..n {
        let mut b = vec![0.0; n];
        b[i] = 1.0;
        substitute(&a, &mut b);
        out.extend(b);
    }
    out.iter().all(|x| x.is_finite()).then_some(out)
}

/// A becomes L, of L · Lᵀ = A.
pub fn factor(a: &mut [f64], n: usize) -> Option<()> {
    for i in 0..n {
        for j in 0..=i {
            let sum = (0..j).fold(a[i * n + j], |sum, k| sum - a[i * n + k] * a[j * n + k]);
            if i != j {
                a[i * n + j] = sum / a[j * n + j];
            } else if sum > 0.0 && sum.is_finite() {
                a[i * n + i] = sum.sqrt();
            } else {
                return None;
            }
        }
    }
    Some(())
}

fn substitute(l: &[f64], b: &mut [f64]) {
    let n = b.len();
    for i in 0..n {
        b[i] = (0..i).fold(b[i], |sum, k| sum - l[i * n + k] * b[k]) / l[i * n + i];
    }
    for i in (0..n).rev() {
        b[i] = (i + 1..n).fold(b[i], |sum, k| sum - l[k * n + i] * b[k]) / l[i * n + i];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_system_is_solved() {
        let mut a = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, -2.0, 1.0, 6.0];
        let x = solve(&mut a, vec![4.0 + 4.0 - 6.0, 2.0 + 10.0 + 3.0, -2.0 + 2.0 + 18.0]).unwrap();
        let wrong = x.iter().zip([1.0, 2.0, 3.0]).map(|(x, y)| f64::abs(x - y)).fold(0.0, f64::max);
        assert!(wrong < 1e-12, "{x:?}"); // rounding of three steps
    }

    #[test]
    fn an_inverse_of_powers_of_two_is_exact() {
        assert_eq!(inverse(&[4.0, 0.0, 8.0, 20.0], 2).unwrap(), [1.25, -0.5, -0.5, 0.25]);
    }

    #[test]
    fn a_singular_system_is_refused() {
        assert_eq!(solve(&mut [1.0, 0.0, 1.0, 1.0], vec![1.0, 1.0]), None);
        assert_eq!(inverse(&[1.0, 0.0, 1.0, 1.0], 2), None);
    }
}
