//! A closer look at an array at a bound: residuals by size and by value, gradients, power, worst places; each with its numbers.

use super::curves::{self, Series};
use super::plot;
use super::png;
use super::sheet::{digits, figure, row, table};
use super::side::Side;
use super::stretch::Scale;
use crate::cli::talk::html::escape;
use collapsar::internals::quality::{Logs, Look, Part, Place, Ring};
use collapsar::internals::sample::{Bound, number};

const BEFORE_AFTER: [&str; 2] = ["before", "after"];
/// Bins of residuals that a row of their table has.
const N_TOGETHER: usize = 8;

/// Figures in a grid, their tables below each.
pub fn figures(id: &str, look: &Look, bound: Option<Bound>) -> String {
    let mut out = sizes(id, &look.residuals) + &values(id, look, bound);
    out += &powers(id, &look.rings);
    out + &gradients(id, &look.gradients) + &places(id, &look.places)
}

fn framed(chart: &str, legend: &str, caption: &str, table: &str) -> String {
    format!("<div><figure>{legend}{chart}<figcaption>{}</figcaption></figure>\n{table}</div>\n", escape(caption))
}

fn sizes(id: &str, residuals: &[Logs; 2]) -> String {
    let [less, more] = residuals;
    let n = less.counts.len();
    let ends = (0..n).step_by(N_TOGETHER).map(|i| (i, (i + N_TOGETHER).min(n)));
    let sum = |logs: &Logs, (from, to): (usize, usize)| logs.counts[from..to].iter().sum::<u64>().to_string();
    let rows = ends.map(|(from, to)| {
        let name = format!("{} to {}", number(less.edges[from]), number(less.edges[to]));
        row(&name, &[sum(less, (from, to)), sum(more, (from, to))])
    });
    let near = (less.n_below + more.n_below).to_string();
    let none = row(&format!("below {}", number(less.edges[0])), &[near, String::new()]);
    let table = table(
        "Samples by size of x′ − x",
        &["size", "less (and all near 0)", "more"],
        &(none + &rows.collect::<String>()),
    );
    let caption = "x′ − x by size and sign, both axes as logarithms; the bar in the middle is what is nearer to 0.";
    framed(&plot::signed(&format!("{id}-sizes"), residuals), "", caption, &table)
}

fn values(id: &str, look: &Look, bound: Option<Bound>) -> String {
    let by_value = &look.by_value;
    let (min, max) = by_value.range;
    let n = by_value.parts.len() as f64;
    let edge = |i: usize| min * (1.0 - i as f64 / n) + max * (i as f64 / n);
    let rows = by_value.parts.iter().enumerate().map(|(i, part): (usize, &Part)| {
        let name = format!("{} to {}", number(edge(i)), number(edge(i + 1)));
        let largest = (part.n > 0).then_some(part.largest);
        row(&name, &[part.n.to_string(), figure(part.mean()), figure(part.rms()), figure(largest)])
    });
    let table = table("x′ − x by value", &["value", "samples", "mean", "RMS", "largest"], &rows.collect::<String>());
    let line = match bound {
        Some(bound) => format!(" The dashed lines are the bound, {bound}."),
        None => String::new(),
    };
    let caption = format!("x′ − x against the value before: the lighter, the more samples (logarithms).{line}");
    framed(&plot::by_value(&format!("{id}-values"), by_value, bound), "", &caption, &table)
}

fn powers(id: &str, rings: &[Ring]) -> String {
    let series = |name: &str, of: fn(&Ring) -> f64| Series {
        name: name.to_string(),
        points: rings.iter().map(|r| (r.frequency, of(r), String::new())).filter(|p| p.1 > 0.0).collect(),
    };
    let all = [series("before", |r| r.before), series("after", |r| r.after), series("x′ − x", |r| r.residual)];
    let across = Side::new("wavenumber, cycles per sample", Series::xs(&all));
    let up = Side::new("power", Series::ys(&all));
    let Some(chart) = curves::dashed(&format!("{id}-power"), "Power against wavenumber", (across, up), &all) else {
        return String::new();
    };
    let rows = rings.iter().map(|r| {
        let ratio = digits(Some(r.after / r.before), 4);
        row(&three(r.frequency), &[three(r.before), three(r.after), three(r.residual), ratio])
    });
    let titles = ["wavenumber", "before", "after", "x′ − x", "after / before"];
    let table = table("Power, in squares of the range", &titles, &rows.collect::<String>());
    let caption =
        "Radial power spectrum, of up to 32 blocks under a Hann window: white noise of variance σ² has σ² everywhere.";
    framed(&chart, &curves::legend(&["before", "after", "x′ − x"]), caption, &table)
}

fn gradients(id: &str, gradients: &[Logs; 2]) -> String {
    let series = |(name, logs): (&str, &Logs)| {
        let n = logs.n().max(1) as f64;
        let middle = |i: usize| (logs.edges[i] * logs.edges[i + 1]).sqrt();
        let points = logs.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        let points = points.map(|(i, count)| (middle(i), *count as f64 / n, String::new())).collect();
        Series { name: name.to_string(), points }
    };
    let all: Vec<Series> = BEFORE_AFTER.into_iter().zip(gradients).map(series).collect();
    let across = Side::new("|gradient|, ranges per sample", Series::xs(&all));
    let up = Side::new("share of samples", Series::ys(&all));
    let chart = curves::dashed(&format!("{id}-gradients"), "How often a gradient occurs", (across, up), &all);
    let of = |share: f64| gradients.each_ref().map(|logs| figure(logs.quantile(share)));
    let rows = [("median", 0.5), ("90 %", 0.9), ("99 %", 0.99), ("99.9 %", 0.999)];
    let rows = rows.map(|(name, share)| row(name, &of(share))).concat();
    let flat = gradients.each_ref().map(|logs| digits(Some(100.0 * logs.n_below as f64 / logs.n().max(1) as f64), 2));
    let first = row(&format!("below {}, %", number(gradients[0].edges[0])), &flat);
    let table = table("|gradient|, in ranges per sample", &["", "before", "after"], &(first + &rows));
    let caption =
        "Distribution of |gradient|, from the samples above and to the left; what is flat is in the table only.";
    framed(&chart.unwrap_or_default(), &curves::legend(&BEFORE_AFTER), caption, &table)
}

fn places(id: &str, places: &[Place]) -> String {
    let mut out = String::new();
    for (i, place) in places.iter().enumerate() {
        out += &crops(&format!("{id}-place{i}"), place);
    }
    out
}

/// What a place is, in words.
fn what(place: &Place) -> String {
    let Place { plane, row, column, value, .. } = place;
    let at = format!("plane {plane}, row {row}, column {column}, counted from 0");
    match place.is_window {
        true => format!("Window with the least SSIM, {}, from {at}", digits(Some(*value), 4)),
        false => format!("Largest error, {}, at {at}", number(*value)),
    }
}

fn crops(id: &str, place: &Place) -> String {
    let residual: Vec<f64> = place.after.iter().zip(&place.before).map(|(y, x)| y - x).collect();
    let ends = |numbers: &mut dyn Iterator<Item = &f64>| {
        let finite = numbers.filter(|x| x.is_finite());
        finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), x| (min.min(*x), max.max(*x)))
    };
    let (from, to) = ends(&mut place.before.iter().chain(&place.after));
    let (least, most) = ends(&mut residual.iter());
    let reach = most.max(-least);
    let plain = |x: &f64| shade(*x, (from, to));
    let (before, after): (Vec<u8>, Vec<u8>) =
        (place.before.iter().map(plain).collect(), place.after.iter().map(plain).collect());
    let off: Vec<u8> = residual.iter().map(|d| shade(*d, (-reach, reach))).collect();
    let (w, h) = (place.w, place.before.len() / place.w.max(1));
    let image = |name: &str, address: String| {
        let style = if h < 4 { " style=\"height:1.5rem\"" } else { "" };
        format!(
            "<span><img class=\"map\" src=\"{address}\" width=\"{w}\" height=\"{h}\" alt=\"{name}\"{style}>{name}</span>"
        )
    };
    let images = [
        image("before", png::address(&before, w)),
        image("after", png::address(&after, w)),
        image("x′ − x", png::address_in(&off, w, png::diverging)),
    ];
    let caption = format!(
        "{}. {w} × {h} samples around it: before and after from dark, {}, to light, {}; x′ − x from blue, {}, over white to orange, {}.",
        what(place),
        number(from),
        number(to),
        number(-reach),
        number(reach)
    );
    let finite = |numbers: &[f64]| numbers.iter().filter(|x| x.is_finite()).count().max(1) as f64;
    let rms = (residual.iter().filter(|d| d.is_finite()).map(|d| d * d).sum::<f64>() / finite(&residual)).sqrt();
    let mean = |numbers: &[f64]| numbers.iter().filter(|x| x.is_finite()).sum::<f64>() / finite(numbers);
    let rows = [
        ("before", ends(&mut place.before.iter()), mean(&place.before)),
        ("after", ends(&mut place.after.iter()), mean(&place.after)),
        ("x′ − x", (least, most), mean(&residual)),
    ];
    let rows = rows.map(|(name, (min, max), mean)| row(name, &[min, max, mean].map(|x| figure(Some(x))))).concat();
    let table = table(
        &format!("The crop in numbers; RMS of x′ − x {}", figure(Some(rms))),
        &["", "least", "most", "mean"],
        &rows,
    );
    format!(
        "<div><figure id=\"{id}\"><div class=\"crops\">{}</div><figcaption>{}</figcaption></figure>\n{table}</div>\n",
        images.concat(),
        escape(&caption)
    )
}

/// In three digits.
fn three(x: f64) -> String {
    figure(format!("{x:.2e}").parse().ok())
}

/// The number of a colour between two ends.
fn shade(x: f64, (from, to): (f64, f64)) -> u8 {
    let scale = Scale { from, to, is_asinh: false };
    if x.is_finite() { 1 + (scale.at(x) * 254.0).round() as u8 } else { png::CLEAR }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_has_the_same_colours_before_and_after_and_none_where_nothing_counts() {
        let before = vec![0.0, 1.0, f64::NAN, 3.0];
        let place = Place {
            is_window: false,
            value: 1.0,
            plane: 0,
            row: 1,
            column: 1,
            w: 2,
            after: vec![0.0, 1.0, f64::NAN, 4.0],
            before,
        };
        let text = crops("c", &place);
        assert!(text.contains(&png::address(&[1, 65, png::CLEAR, 192], 2)), "{text}");
        assert!(text.contains(&png::address_in(&[128, 128, png::CLEAR, 255], 2, png::diverging)), "{text}");
        assert!(!text.contains("NaN") && text.contains("Largest error, 1, at plane 0, row 1, column 1"));
    }
}
