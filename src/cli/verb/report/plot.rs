//! Plots as SVG that stands in a page: a curve with its points, and bars. Colours are the page's, by class.

use super::html::escape;
use collapsar::internals::quality::Histogram;
use collapsar::internals::sample::number;

const W: f64 = 640.0;
const H: f64 = 320.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 48.0;

/// A point of the curve: (bits per sample, dB), and what it is called.
pub struct Point {
    pub x: f64,
    pub y: f64,
    pub name: String,
}

/// Numbers at round steps from the first to the last that lie within two ends.
fn ticks(min: f64, max: f64, n: f64) -> Vec<f64> {
    let rough = if (max - min).is_finite() { (max - min) / n } else { max / n - min / n };
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|k| k * power).into_iter().find(|s| *s >= rough).unwrap_or(rough);
    let first = (min / step).ceil();
    let last = (max / step).floor();
    // of two ends that are too near for floats there are none
    let n = if (last - first).is_finite() { (last - first).clamp(-1.0, 20.0) as i32 + 1 } else { 0 };
    (0..n).map(|i| (first + f64::from(i)) * step).collect()
}

/// Where a number lies between two others.
fn at(x: f64, (min, max): (f64, f64), (from, to): (f64, f64)) -> f64 {
    // the difference of two ends may be no float
    let half = if (max - min).is_finite() { 1.0 } else { 0.5 };
    from + (x * half - min * half) / (max * half - min * half) * (to - from)
}

fn open(id: &str, title: &str, what: &str) -> String {
    format!(
        "<svg viewBox=\"0 0 {W} {H}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n",
        escape(title),
        escape(what)
    )
}

fn axes(x: (f64, f64), y: (f64, f64), names: (&str, &str), y_ticks: &[f64]) -> String {
    let (right, bottom) = (W - RIGHT, H - BOTTOM);
    let mut out = String::new();
    for tick in ticks(x.0, x.1, 8.0) {
        let place = at(tick, x, (LEFT, right));
        out += &format!("<line class=\"grid\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{TOP}\" y2=\"{bottom}\"/>");
        out +=
            &format!("<text x=\"{place:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>\n", bottom + 16.0, number(tick));
    }
    for &tick in y_ticks {
        let place = at(tick, y, (bottom, TOP));
        out += &format!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/>");
        out += &format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
            LEFT - 6.0,
            place + 4.0,
            number(tick)
        );
    }
    let middle = ((LEFT + right) / 2.0, (TOP + bottom) / 2.0);
    out += &format!("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>", middle.0, H - 8.0, escape(names.0));
    let (x, y) = (14.0, middle.1);
    out + &format!(
        "<text transform=\"rotate(-90 {x} {y})\" x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{}</text>\n",
        escape(names.1)
    )
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
    let mut out = open("rd", "Rate against distortion", &what.collect::<Vec<String>>().join("; "));
    out += &axes(x, y, ("bits per sample", "PSNR, dB"), &ticks(y.0, y.1, 6.0));
    let place = |p: &Point| (at(p.x, x, (LEFT, W - RIGHT)), at(p.y, y, (H - BOTTOM, TOP)));
    let mut order: Vec<&Point> = points.iter().collect();
    order.sort_by(|a, b| a.x.total_cmp(&b.x));
    let line = order.iter().map(|p| place(p)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<String>>().join(" ");
    out += &format!("<polyline class=\"curve\" points=\"{line}\"/>\n");
    for p in order {
        let (x, y) = place(p);
        let (end, dx) = if x > W * 0.7 { ("end", -8.0) } else { ("start", 8.0) };
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
    let mut out = open(id, "How often residuals of a size occur", &what);
    // the axis of y is of logarithms: its ticks are written here
    out += &axes(x, y, ("x′ − x", "samples"), &[]);
    let bottom = H - BOTTOM;
    for power in 0..=most.ilog10() {
        let place = at(height(10u64.pow(power)), y, (bottom, TOP));
        out +=
            &format!("<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{place:.1}\" y2=\"{place:.1}\"/>", W - RIGHT);
        out += &format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">10<tspan dy=\"-4\">{power}</tspan></text>\n",
            LEFT - 6.0,
            place + 4.0
        );
    }
    let wide = (W - RIGHT - LEFT) / n as f64;
    for (i, &count) in residuals.counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let top = at(height(count), y, (bottom, TOP));
        let left = LEFT + i as f64 * wide;
        out += &format!(
            "<rect class=\"bar\" x=\"{left:.2}\" y=\"{top:.1}\" width=\"{:.2}\" height=\"{:.1}\"/>\n",
            wide * 0.9,
            bottom - top
        );
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_lie_within_the_ends() {
        assert_eq!(ticks(0.0, 10.0, 5.0), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(ticks(-1.5, 1.5, 6.0), [-1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5]);
        assert!(ticks(f64::NEG_INFINITY, f64::INFINITY, 6.0).is_empty());
        assert!(ticks(1.0, 1.0, 6.0).len() <= 1);
        assert_eq!(ticks(-1.5e308, 1.5e308, 6.0), [-1.5e308, -1e308, -5e307, 0.0, 5e307, 1e308, 1.5e308]);
    }

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
