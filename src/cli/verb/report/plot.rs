//! Plots as SVG that stands in a page: a curve with its points, and bars. Colours are the page's, by class.

use crate::cli::talk::html::escape;
use crate::cli::talk::svg::{self, Axis, Frame};
use collapsar::internals::quality::Histogram;
use collapsar::internals::sample::number;

const SIZE: (f64, f64) = (640.0, 320.0);
const FRAME: Frame = Frame { left: 64.0, right: 624.0, top: 16.0, bottom: 272.0 };

/// A point of the curve: (bits per sample, dB), and what it is called.
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub name: String,
}

/// Rate against distortion.
pub fn curve(points: &[Point]) -> String {
    let ends = |of: fn(&Point) -> f64| {
        let (min, max) =
            points.iter().map(of).fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), x| (a.min(x), b.max(x)));
        let more = (0.08 * (max - min)).max(0.5);
        (min - more, max + more)
    };
    let (x, y) = (ends(|p| p.x), ends(|p| p.y));
    let x = (x.0.max(0.0), x.1);
    let what = points.iter().map(|p| format!("{}: {} bits, {} dB", p.name, number(p.x), number(p.y)));
    let mut out = svg::open("rd", SIZE, "", "Rate against distortion", &what.collect::<Vec<String>>().join("; "));
    let (x, y) = (Axis::linear("bits per sample", x, 8.0), Axis::linear("PSNR, dB", y, 6.0));
    out += &FRAME.axes(&x, &y);
    let place = |p: &Point| (FRAME.x(p.x, &x), FRAME.y(p.y, &y));
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|a, b| a.x.total_cmp(&b.x));
    out += &svg::line(&order.iter().map(|p| place(p)).collect::<Vec<(f64, f64)>>());
    for p in order {
        let (x, y) = place(p);
        let (end, dx) = if x > SIZE.0 * 0.7 { ("end", -8.0) } else { ("start", 8.0) };
        out += &format!("<circle class=\"point\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"/>");
        out += &format!(
            "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"{end}\">{}</text>\n",
            x + dx,
            y + 14.0,
            escape(&p.name)
        );
    }
    out + "</svg>"
}

/// How often residuals of a size occur: bars as high as the logarithm of their counts.
pub fn bars(id: &str, residuals: &Histogram) -> String {
    let n = residuals.counts.len();
    let most = residuals.counts.iter().copied().max().unwrap_or(0).max(1);
    let height = |count: u64| if count == 0 { 0.0 } else { (count as f64).log10() + 0.3 };
    let (x, y) = ((residuals.edge(0), residuals.edge(n)), (0.0, height(most) * 1.05));
    let what = format!("{} samples in {n} bins from {} to {}", residuals.n(), number(x.0), number(x.1));
    let mut out = svg::open(id, SIZE, "", "How often residuals of a size occur", &what);
    // the axis of y is of logarithms: its ticks are written here
    let (x, y) = (Axis::linear("x′ − x", x, 8.0), Axis { name: "samples", ends: y, ticks: Vec::new() });
    out += &FRAME.axes(&x, &y);
    for power in 0..=most.ilog10() {
        let place = FRAME.y(height(10u64.pow(power)), &y);
        out += &FRAME.across(place);
        out += &format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">10<tspan dy=\"-4\">{power}</tspan></text>\n",
            FRAME.left - 6.0,
            place + 4.0
        );
    }
    let wide = (FRAME.right - FRAME.left) / n as f64;
    for (i, &count) in residuals.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let top = FRAME.y(height(count), &y);
        let left = FRAME.left + i as f64 * wide;
        out += &format!(
            "<rect class=\"bar\" x=\"{left:.2}\" y=\"{top:.1}\" width=\"{:.2}\" height=\"{:.1}\"/>\n",
            wide * 0.9,
            FRAME.bottom - top
        );
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_stands_for_every_bin_that_holds_something() {
        let residuals = Histogram { from: -2.5, width: 1.0, counts: vec![0, 1, 1000, 0, 7] };
        let svg = bars("h", &residuals);
        assert_eq!(svg.matches("<rect").count(), 3);
        assert!(svg.contains(">10<tspan dy=\"-4\">3</tspan>"), "{svg}");
        assert!(!bars("h", &Histogram { from: -0.5, width: 1.0, counts: vec![0] }).contains("<rect"));
        let mut wide = Histogram::of_residuals(1.7e308, false);
        [-1.7e308, 0.0, 1.7e308].iter().for_each(|x| wide.add(*x));
        let svg = bars("h", &wide);
        assert!(svg.matches("<rect").count() == 3 && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }

    #[test]
    fn a_curve_has_a_point_per_bound_and_no_number_that_is_none() {
        let point = |x, y, name: &str| Point { x, y, name: name.into() };
        let svg = curve(&[point(1.0, 60.0, "a<b"), point(2.0, 80.0, "c")]);
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("a&lt;b") && !svg.contains("NaN") && !svg.contains("inf"));
        assert!(!curve(&[point(1.0, 60.0, "one")]).contains("NaN"));
    }
}
