//! A += w · d dᵀ,  b += w · t · d          of weighted cells: d what a predictor sees, t what it is to foresee
//!
//! Only the lower triangle of A is summed. Cells are added in their order, four while a sum is at hand.

/// A cell's differences, of which the first count, its weight, and what is to be foreseen.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    pub differences: &'a [f64],
    pub weight: f64,
    pub target: f64,
}

/// A and b of n numbers.
pub fn equations<'a>(n: usize, mut cells: impl Iterator<Item = Cell<'a>>) -> (Vec<f64>, Vec<f64>) {
    let (mut matrix, mut right) = (vec![0.0; n * n], vec![0.0; n]);
    while let Some(first) = cells.next() {
        // where there are no more, one that weighs nothing
        let mut next = || cells.next().unwrap_or(Cell { weight: 0.0, ..first });
        let four = [first, next(), next(), next()];
        let [a, b, c, d] = four.map(|cell| &cell.differences[..n]);
        for (i, (of_row, right)) in matrix.chunks_exact_mut(n).zip(&mut right).enumerate() {
            let weighted = four.map(|cell| cell.weight * cell.differences[i]);
            four.iter().zip(weighted).for_each(|(cell, weighted)| *right += weighted * cell.target);
            for (sum, (((a, b), c), d)) in of_row[..=i].iter_mut().zip(a.iter().zip(b).zip(c).zip(d)) {
                *sum = *sum + weighted[0] * a + weighted[1] * b + weighted[2] * c + weighted[3] * d;
            }
        }
    }
    (matrix, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_added_in_their_order() {
        let n_cells = 4 * 7 + 3;
        let rows: Vec<[f64; 5]> =
            (0..n_cells).map(|k| [1, 2, 3, 4, 5].map(|i| f64::from(k * k % 17 * i % 7) / 3.0)).collect();
        let cell = |row| Cell { differences: row, weight: 1.0 / (1.0 + row[1]), target: row[4] };
        let (matrix, right) = equations(4, rows.iter().map(|row| cell(&row[..])));
        for i in 0..4 {
            let sum = |of: &dyn Fn(&Cell) -> f64| {
                rows.iter()
                    .map(|row| cell(&row[..]))
                    .fold(0.0, |sum, cell| sum + cell.weight * cell.differences[i] * of(&cell))
            };
            assert_eq!(right[i], sum(&|cell| cell.target));
            (0..=i).for_each(|j| assert_eq!(matrix[i * 4 + j], sum(&|cell| cell.differences[j])));
        }
    }
}
