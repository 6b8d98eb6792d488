//! Residuals as SVG that stands in a page: how often each occurs, by size and at which values. Colours are the page's, by class.

use super::png;
use super::side;
use crate::cli::talk::svg::{self, Axis, Frame};
use collapsar::internals::quality::{ByValue, Histogram, Logs};
use collapsar::internals::sample::{Bound, number};

const SIZE: (f64, f64) = (640.0, 320.0);
const FRAME: Frame = Frame { left: 64.0, right: 624.0, top: 16.0, bottom: 272.0 };

/// How often residuals of a size occur: bars as high as the logarithm of their counts.
pub fn bars(id: &str, residuals: &Histogram) -> String {
    let n = residuals.counts.len();
    let most = residuals.counts.iter().copied().max().unwrap_or(0).max(1);
    let x = (residuals.edge(0), residuals.edge(n));
    let what = format!("{} samples in {n} bins from {} to {}", residuals.n(), number(x.0), number(x.1));
    let mut out = svg::open(id, SIZE, "", "How often residuals of a size occur", &what);
    let x = Axis::linear("x′ − x", x, 8.0);
    out += &logarithmic(&FRAME, &x, &residuals.counts, most);
    out + "</svg>"
}

fn height(count: u64) -> f64 {
    if count == 0 { 0.0 } else { (count as f64).log10() + 0.3 }
}

/// Axes, and a bar for every count; the axis of y is of logarithms: its ticks are written here.
fn logarithmic(frame: &Frame, x: &Axis, counts: &[u64], most: u64) -> String {
    let y = Axis { name: "samples", ends: (0.0, height(most) * 1.05), ticks: Vec::new() };
    let mut out = frame.axes(x, &y);
    for power in 0..=most.ilog10() {
        let place = frame.y(height(10u64.pow(power)), &y);
        out += &frame.across(place);
        out += &format!(
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">10<tspan dy=\"-4\">{power}</tspan></text>\n",
            frame.left - 6.0,
            place + 4.0
        );
    }
    let wide = (frame.right - frame.left) / counts.len() as f64;
    for (i, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        let top = frame.y(height(count), &y);
        let left = frame.left + i as f64 * wide;
        out += &format!(
            "<rect class=\"bar\" x=\"{left:.2}\" y=\"{top:.1}\" width=\"{:.2}\" height=\"{:.1}\"/>\n",
            wide * 0.9,
            frame.bottom - top
        );
    }
    out
}

/// The same by the logarithm of the size, what became less on the left.
pub fn signed(id: &str, [less, more]: &[Logs; 2]) -> String {
    let n = less.counts.len();
    let counts: Vec<u64> =
        less.counts.iter().rev().chain([&(less.n_below + more.n_below)]).chain(&more.counts).copied().collect();
    let most = counts.iter().copied().max().unwrap_or(0).max(1);
    let middle = n as f64 + 0.5;
    let (first, last) = (less.edges[0], less.edges[n]);
    let off = |x: f64| 0.5 + n as f64 * (x / first).ln() / (last / first).ln();
    let powers = (first.log10().ceil() as i32..=last.log10().floor() as i32).map(|power| 10f64.powi(power));
    let bare = Axis { name: "", ends: (0.0, counts.len() as f64), ticks: Vec::new() };
    // the left mirrors the right, and its names are the longer ones
    let mut left = vec![(middle, "0".to_string())];
    left.extend(powers.clone().map(|x| (middle + off(x), number(-x))));
    svg::thin(&mut left, |tick| side::FRAME.x(tick, &bare));
    let right: Vec<(f64, String)> = powers.map(|x| (middle + off(x), number(x))).collect();
    let right: Vec<(f64, String)> =
        right.into_iter().filter(|tick| left.iter().any(|other| other.0 == tick.0)).collect();
    left.iter_mut().for_each(|(at, _)| *at = 2.0 * middle - *at);
    let ticks = left.into_iter().chain(right).collect();
    let x = Axis { name: "x′ − x", ticks, ..bare };
    let what = format!("{} samples from {} to {}", less.n() + more.n(), number(-less.edges[n]), number(less.edges[n]));
    let mut out = svg::open(id, side::SIZE, "", "How often residuals of a size occur, by sign and logarithm", &what);
    out += &logarithmic(&side::FRAME, &x, &counts, most);
    out + "</svg>"
}

/// How often a residual occurs at a value, and the bound.
pub fn by_value(id: &str, of: &ByValue, bound: Option<Bound>) -> String {
    let frame = &side::FRAME;
    let (min, max) = of.range;
    let allowed = |x: f64| match bound {
        Some(Bound::Abs(e)) => Some(e),
        Some(Bound::Near(n)) => Some(n as f64),
        Some(Bound::PwRel(e)) => Some(e * x.abs()),
        None => None,
    };
    let n_rows = of.rows.counts.len();
    let edge = of.rows.edge(n_rows);
    let reach = [min, max].into_iter().filter_map(allowed).fold(edge, f64::max).min(f64::MAX / 1.05) * 1.05;
    let mut x = Axis::linear("value before", of.range, 5.0);
    let bare = Axis { name: "", ends: x.ends, ticks: Vec::new() };
    // a name at the end of the range would stand over the edge
    x.ticks.retain(|(tick, name)| frame.x(*tick, &bare) + svg::width(name) / 2.0 <= side::SIZE.0);
    svg::thin(&mut x.ticks, |tick| frame.x(tick, &bare));
    let y = Axis::linear("x′ − x", (-reach, reach), 6.0);
    let most = of.counts.iter().copied().max().unwrap_or(0).max(1) as f64;
    let shade = |count: &u64| match count {
        0 => png::CLEAR,
        n => 1 + (254.0 * (1.0 + *n as f64).ln() / (1.0 + most).ln()).round() as u8,
    };
    let pixels: Vec<u8> = of.counts.chunks(of.n_columns).rev().flatten().map(shade).collect();
    let what =
        format!("values from {} to {}; x′ − x from {} to {}", number(min), number(max), number(-edge), number(edge));
    let mut out = svg::open(id, side::SIZE, "", "Residuals against values", &what);
    let (top, bottom) = (frame.y(edge, &y), frame.y(-edge, &y));
    out += &format!(
        "<image href=\"{}\" x=\"{}\" y=\"{top:.1}\" width=\"{}\" height=\"{:.1}\" preserveAspectRatio=\"none\"/>\n",
        png::address(&pixels, of.n_columns),
        frame.left,
        frame.right - frame.left,
        bottom - top
    );
    out += &frame.axes(&x, &y);
    let corners: Vec<f64> = if min < 0.0 && max > 0.0 { vec![min, 0.0, max] } else { vec![min, max] };
    for sign in [1.0, -1.0] {
        let at = |value: &f64| Some((frame.x(*value, &x), frame.y(sign * allowed(*value)?, &y)));
        let points: Vec<(f64, f64)> = corners.iter().filter_map(at).collect();
        if !points.is_empty() {
            out += &svg::line("bound", &points);
        }
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;
    use collapsar::internals::quality::{N_PARTS, Part};

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
    fn residuals_by_size_stand_on_both_sides_of_those_near_0() {
        let logs = |counts: Vec<u64>, n_below| Logs { edges: vec![0.01, 0.1, 1.0, 10.0], counts, n_below };
        let svg = signed("s", &[logs(vec![0, 3, 10], 2), logs(vec![1, 0, 0], 5)]);
        assert_eq!(svg.matches("class=\"bar\"").count(), 4);
        assert!(svg.contains(">-0.1</text>") && svg.contains(">0</text>") && svg.contains(">10</text>"), "{svg}");
        let none = signed("s", &[logs(vec![0; 3], 0), logs(vec![0; 3], 0)]);
        assert!(!none.contains("NaN") && !none.contains("class=\"bar\""));
    }

    #[test]
    fn a_bound_is_drawn_as_what_it_is() {
        let rows = Histogram::symmetric(3, 0.5, false);
        let counts = vec![0, 1, 2, 3, 4, 5];
        let of = ByValue { range: (-1.0, 3.0), n_columns: 2, rows, counts, parts: [Part::default(); N_PARTS] };
        let n_lines = |bound| by_value("v", &of, bound).matches("class=\"bound\"").count();
        let wide = ByValue { range: (0.0, 15_000.0), ..of.clone() };
        let names = by_value("v", &wide, None);
        assert!(names.contains(">10000</text>") && !names.contains(">15000</text>"), "{names}");
        let bounds = [None, Some(Bound::Abs(0.5)), Some(Bound::PwRel(0.2)), Some(Bound::Near(1))];
        assert_eq!(bounds.map(n_lines), [0, 2, 2, 2]);
        // the largest residuals are on top, the most frequent are the lightest
        assert!(by_value("v", &of, None).contains(&png::address(&[229, 255, 157, 198, png::CLEAR, 99], 2)));
    }
}
