//! The bar of colours below a map: from which number to which they go, with round ticks, and a mark where one is asked for.

use super::png;
use super::stretch::Scale;
use crate::cli::talk::html::escape;
use crate::cli::talk::svg::{self, Axis};
use collapsar::internals::sample::number;

const SIZE: (f64, f64) = (400.0, 62.0);
const LEFT: f64 = 30.0;
const RIGHT: f64 = 370.0;
const TOP: f64 = 24.0;
const BOTTOM: f64 = 38.0;
const N_STEPS: usize = 60;
/// Where they lie within the ends, ticks of what is bent.
const BENT: [f64; 13] = [-10.0, -3.0, 0.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 1e4, 1e5, 1e6];

/// `mark` is a number and what it is called.
pub fn bar(id: &str, title: &str, scale: &Scale, mark: Option<(f64, &str)>) -> String {
    let place = |x: f64| LEFT + scale.at(x) * (RIGHT - LEFT);
    let what = match mark {
        Some((x, name)) => format!("from {} to {}; {name}: {x:.2}", number(scale.from), number(scale.to)),
        None => format!("from {} to {}", number(scale.from), number(scale.to)),
    };
    let mut out = svg::open(id, SIZE, "", title, &what);
    let wide = (RIGHT - LEFT) / N_STEPS as f64;
    for step in 0..N_STEPS {
        let [r, g, b] = png::colour(1 + (step * 254 / (N_STEPS - 1)) as u8);
        let left = LEFT + step as f64 * wide;
        // a little over the next one, so that nothing shows between them
        let wide = if step + 1 < N_STEPS { wide + 0.5 } else { wide };
        let high = BOTTOM - TOP;
        out += &format!(
            "<rect x=\"{left:.2}\" y=\"{TOP}\" width=\"{wide:.2}\" height=\"{high}\" fill=\"rgb({r} {g} {b})\"/>"
        );
    }
    let mut ticks = match scale.is_asinh {
        true => {
            let within = BENT.into_iter().filter(|x| (scale.from..=scale.to).contains(x));
            within.map(|x| (x, number(x))).collect()
        }
        false => Axis::linear("", (scale.from, scale.to), 8.0).ticks,
    };
    svg::thin(&mut ticks, place);
    for (tick, name) in &ticks {
        let x = place(*tick);
        out += &format!("\n<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{BOTTOM}\" y2=\"{}\"/>", BOTTOM + 5.0);
        out += &format!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>", BOTTOM + 18.0);
    }
    if let Some((x, name)) = mark {
        let text = format!("{name} {x:.2}");
        let x = place(x);
        let half = svg::width(&text) / 2.0;
        let middle = x.clamp(half, SIZE.0 - half);
        out += &format!(
            "\n<line class=\"limit\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{}\" y2=\"{}\"/>",
            TOP - 4.0,
            BOTTOM + 4.0
        );
        out += &format!("<text x=\"{middle:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>", TOP - 7.0, escape(&text));
    }
    out + "</svg>"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_has_ticks_within_its_ends_and_its_mark() {
        let bar = bar("b", "bits", &Scale { from: 4.1, to: 9.3, is_asinh: false }, Some((5.25, "noise limit")));
        assert!(bar.contains(">noise limit 5.25</text>") && bar.contains(">9</text>") && !bar.contains(">10</text>"));
        assert!(!bar.contains("NaN") && !bar.contains("inf"), "{bar}");
    }

    #[test]
    fn a_bar_of_one_number_has_no_number_that_is_none() {
        for is_asinh in [false, true] {
            let bar = bar("b", "x", &Scale { from: 2.0, to: 2.0, is_asinh }, None);
            assert!(!bar.contains("NaN") && !bar.contains("inf"), "{bar}");
        }
    }
}
