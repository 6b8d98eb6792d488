//! Rate and distortion of codecs: curves, and their points in a table. Of several files the bytes of all over the samples of all.

use super::curves::{self, Series};
use super::scatter;
use super::sheet::{row, table_of_names};
use super::side::Side;
use crate::cli::measure::trial::Trial;
use crate::cli::talk::html::escape;
use crate::cli::talk::print;
use crate::cli::verb::eval::cell;
use collapsar::internals::quality::Total;
use collapsar::internals::sample::number;

/// What stands beside ours, once.
pub const MEANING: &str = "Quantised: every array in steps of twice the bound, a little less where the cast to its dtype would break it, the \
integers then coded without loss by other people’s methods; fill values and what is not finite are kept bit for bit. zstd takes the integers byte \
by byte, the low bytes of all first. There is none for bounds relative to each float.";

/// A codec at a bound.
#[derive(Clone)]
pub struct Point {
    pub codec: String,
    pub bound: String,
    pub n_in: u64,
    pub n_out: u64,
    pub total: Total,
}

impl Point {
    pub fn of(codec: &str, trial: &Trial) -> Point {
        Point {
            codec: codec.to_string(),
            bound: trial.asked(),
            n_in: trial.n_bytes_in,
            n_out: trial.n_bytes_out.unwrap_or(0),
            total: trial.total.clone(),
        }
    }

    /// Per sample, headers and all.
    pub fn bits(&self) -> f64 {
        self.n_out as f64 * 8.0 / self.total.n_samples.max(1) as f64
    }

    pub fn psnr(&self) -> Option<f64> {
        self.total.psnr().filter(|db| db.is_finite())
    }

    pub fn ratio(&self) -> f64 {
        self.n_in as f64 / self.n_out.max(1) as f64
    }
}

/// All files as one: codecs and bounds that every file has, in the order of the first.
pub fn summed<'a>(files: impl Iterator<Item = &'a [Point]> + Clone) -> Vec<Point> {
    let Some(first) = files.clone().next() else { return Vec::new() };
    let one = |wanted: &Point| {
        let mut sum = Point { n_in: 0, n_out: 0, total: Total::default(), ..wanted.clone() };
        for file in files.clone() {
            let point = file.iter().find(|p| (&p.codec, &p.bound) == (&wanted.codec, &wanted.bound))?;
            (sum.n_in, sum.n_out) = (sum.n_in + point.n_in, sum.n_out + point.n_out);
            sum.total.merge(&point.total);
        }
        Some(sum)
    };
    first.iter().filter_map(one).collect()
}

/// Codecs in the order in which they come.
fn codecs(points: &[Point]) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for point in points {
        if !names.contains(&point.codec.as_str()) {
            names.push(&point.codec);
        }
    }
    names
}

/// PSNR, SSIM and the largest error against bits, a curve per codec.
pub fn section(points: &[Point]) -> String {
    let names = codecs(points);
    let series = |of: &dyn Fn(&Point) -> Option<f64>| -> Vec<Series> {
        let one = |name: &&str| {
            let of_codec = points.iter().filter(|p| p.codec == **name);
            let mut points: Vec<(f64, f64, String)> =
                of_codec.filter_map(|p| Some((p.bits(), of(p)?, p.bound.clone()))).collect();
            points.sort_by(|a, b| a.0.total_cmp(&b.0));
            Series { name: name.to_string(), points }
        };
        names.iter().map(one).collect()
    };
    let psnr = series(&Point::psnr);
    let unlike = series(&|p| p.total.ssim().map(|ssim| 1.0 - ssim).filter(|x| *x > 0.0));
    let largest = series(&|p| Some(p.total.largest_share).filter(|x| *x > 0.0));
    let bits = "bits per sample";
    let charts = [
        ("rd-psnr", "PSNR", Side::linear("PSNR, dB", Series::ys(&psnr)), &psnr, "higher is better"),
        ("rd-ssim", "1 − SSIM", Side::new("1 − SSIM", Series::ys(&unlike)), &unlike, "lower is better"),
        (
            "rd-largest",
            "Largest error",
            Side::new("largest error / range", Series::ys(&largest)),
            &largest,
            "lower is better; as a share of the range of its array, the worst array",
        ),
    ];
    let mut out = format!(
        "<section>\n<h2>Rate and distortion</h2>\n{}<div class=\"side\">\n",
        scatter::legend(&names.iter().map(|name| name.to_string()).collect::<Vec<String>>())
    );
    for (id, title, up, series, words) in charts {
        let across = Side::linear(bits, Series::xs(series));
        if let Some(chart) = curves::marked(id, &format!("{title} against bits per sample"), (across, up), series) {
            out += &format!(
                "<figure>{chart}<figcaption>{title} against bits per sample, headers and all: {words}.</figcaption></figure>\n"
            );
        }
    }
    out + "</div>\n" + &in_numbers(points) + "</section>\n"
}

fn in_numbers(points: &[Point]) -> String {
    let rows = points.iter().map(|p| {
        let cells = [
            p.bound.clone(),
            format!("{:.2}", p.ratio()),
            number(p.bits()),
            cell(p.total.psnr()),
            cell(p.total.ssim()),
            cell(Some(p.total.largest)),
            number(p.total.largest_share),
            print::bytes(p.n_out),
        ];
        row(&escape(&p.codec), &cells)
    });
    let titles = ["codec", "bound", "ratio", "bits", "PSNR", "SSIM", "largest", "of range", "became"];
    table_of_names("The points of the curves", &titles, &rows.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(codec: &str, bound: &str, n_out: u64) -> Point {
        let mut total = Total::default();
        total.n_samples = 100;
        Point { codec: codec.into(), bound: bound.into(), n_in: 400, n_out, total }
    }

    #[test]
    fn files_are_summed_where_all_have_a_codec_and_a_bound() {
        let files = [
            vec![point("a", "rel 1", 10), point("b", "rel 1", 20), point("a", "rel 2", 5)],
            vec![point("a", "rel 2", 7), point("a", "rel 1", 30)],
        ];
        let sum = summed(files.iter().map(Vec::as_slice));
        let told: Vec<(&str, u64, f64)> = sum.iter().map(|p| (p.bound.as_str(), p.n_out, p.bits())).collect();
        assert_eq!(told, [("rel 1", 40, 1.6), ("rel 2", 12, 0.48)]);
        assert_eq!((codecs(&files[0]), summed(std::iter::empty::<&[Point]>()).len()), (vec!["a", "b"], 0));
        let page = section(&sum);
        assert!(page.contains(">rel 2</td>") && !page.contains("NaN"), "{page}");
    }
}
