//! Scores as text: a row per class, then the mean of the classes and the total of all samples.

use crate::measure::eval::Score;

/// Bits per sample of one model.
pub fn scores(name: &str, scores: &[(String, Score)]) -> String {
    let mut text = format!(
        "{name:28} {:>6} {:>10} {:>8} {:>8} {:>7} {:>8} {:>7}\n",
        "planes", "samples", "floats", "integers", "gap %", "coded", "ratio"
    );
    let total: Score = scores.iter().map(|(_, score)| *score).sum();
    for (class, s) in scores.iter().map(|(class, score)| (class.as_str(), score)).chain([("total", &total)]) {
        let n = s.n_samples as f64;
        text += &format!(
            "{class:28} {:6} {:10} {:8.4} {:8.4} {:7.3} {:8.4} {:7.3}\n",
            s.n_planes,
            s.n_samples,
            s.float_bits / n,
            s.model_bits / n,
            s.gap(),
            s.bits_per_sample(),
            16.0 / s.bits_per_sample(),
        );
    }
    let mean = mean(scores);
    text + &format!("{:28} {:43} {mean:8.4} {:7.3}\n", "mean of classes", "", 16.0 / mean)
}

/// Bits per sample of the classes' payloads, the classes weighing the same.
pub fn mean(scores: &[(String, Score)]) -> f64 {
    scores.iter().map(|(_, s)| s.bits_per_sample()).sum::<f64>() / scores.len() as f64
}

/// A table of numbers: a name and a column for each of `columns`.
pub fn numbers(corner: &str, columns: &[String], rows: &[(String, Vec<f64>)], digits: usize) -> String {
    let width = columns.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
    let row = |name: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!(" {cell:>width$}")).collect();
        format!("{name:28}{cells}\n")
    };
    let head = row(corner, columns.to_vec());
    let number = |x: &f64| if x.is_finite() { format!("{x:.digits$}") } else { "-".into() };
    rows.iter().fold(head, |text, (name, cells)| text + &row(name, cells.iter().map(number).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_row_per_class_the_total_and_the_mean() {
        let score = |n_samples: usize, coded: f64| Score {
            n_planes: 2,
            n_samples,
            float_bits: 3.99 * n_samples as f64,
            model_bits: 4.0 * n_samples as f64,
            coded_bits: coded * n_samples as f64,
        };
        let text = scores("painted", &[("a".into(), score(100, 2.0)), ("b".into(), score(300, 4.0))]);
        let expected = [
            "painted                      planes    samples   floats integers   gap %    coded   ratio",
            "a                                 2        100   3.9900   4.0000   0.251   2.0000   8.000",
            "b                                 2        300   3.9900   4.0000   0.251   4.0000   4.000",
            "total                             4        400   3.9900   4.0000   0.251   3.5000   4.571",
            "mean of classes                                                            3.0000   5.333",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_number_that_is_none_is_a_dash() {
        let text = numbers("x", &["one".into(), "a-long-name".into()], &[("row".into(), vec![1.0, f64::NAN])], 2);
        let rows = [format!("{:28}         one a-long-name", "x"), format!("{:28}        1.00           -", "row")];
        assert_eq!(text.lines().collect::<Vec<_>>(), rows);
    }
}
