//! Charts of many files: ratio against a number of each, and ratio by class and codec. A sign has a form beside its colour.

use super::side::{FRAME, SIZE, Side};
use crate::cli::talk::html::escape;
use crate::cli::talk::svg::{self, Axis, Frame};

const N_COLOURS: usize = 8;
const N_FORMS: usize = 6;

pub struct Point {
    pub x: f64,
    pub y: f64,
    /// Which sign it has.
    pub kind: usize,
    pub name: String,
    pub link: Option<String>,
}

/// Points in a frame, and a curve over as much of it as there is; none without points.
pub fn scatter(
    id: &str,
    title: &str,
    (x, y): (&str, &str),
    points: &[Point],
    curve: fn(f64) -> Option<f64>,
) -> Option<String> {
    if points.is_empty() {
        return None;
    }
    let mut across = Side::new(x, points.iter().map(|p| p.x));
    let mut up = Side::new(y, points.iter().map(|p| p.y));
    across.thin(&FRAME);
    up.thin_up(&FRAME);
    let what = format!("{} files; the table below has their numbers", points.len());
    let mut out = svg::open(id, SIZE, "", title, &what);
    out += &FRAME.axes(&across.axis, &up.axis);
    let steps =
        (0..=100).map(|i| across.axis.ends.0 + f64::from(i) / 100.0 * (across.axis.ends.1 - across.axis.ends.0));
    let on_curve = steps.filter_map(|step| {
        let y = up.of(curve(if across.is_log { 10f64.powf(step) } else { step })?);
        let is_inside = up.axis.ends.0 <= y && y <= up.axis.ends.1;
        is_inside.then(|| (FRAME.x(step, &across.axis), FRAME.y(y, &up.axis)))
    });
    let on_curve: Vec<(f64, f64)> = on_curve.collect();
    if on_curve.len() > 1 {
        out += &svg::line("curve", &on_curve);
    }
    for point in points {
        let at = (across.x(&FRAME, point.x), up.y(&FRAME, point.y));
        let sign = format!("<g>{}<title>{}</title></g>", sign(point.kind, at), escape(&point.name));
        out += &match &point.link {
            Some(link) => format!("<a href=\"{link}\">{sign}</a>\n"),
            None => sign + "\n",
        };
    }
    Some(out + "</svg>")
}

/// Rows of signs along one axis, each row below its name.
pub fn rows(id: &str, title: &str, x: &str, rows: &[(String, Vec<f64>)]) -> Option<String> {
    const HIGH: f64 = 40.0;
    let numbers = rows.iter().flat_map(|row| row.1.iter().copied()).filter(|x| x.is_finite());
    numbers.clone().next()?;
    let mut across = Side::new(x, numbers);
    let frame = Frame { left: 14.0, right: 386.0, top: 4.0, bottom: 8.0 + HIGH * rows.len() as f64 };
    across.thin(&frame);
    let size = (SIZE.0, frame.bottom + 48.0);
    let mut out = svg::open(id, size, "", title, &format!("{} classes; the table below has their numbers", rows.len()));
    out += &frame.axes(&across.axis, &Axis { name: "", ends: (0.0, 1.0), ticks: Vec::new() });
    for (i, (name, values)) in rows.iter().enumerate() {
        let top = frame.top + HIGH * i as f64;
        let middle = top + 28.0;
        let short: String =
            if name.chars().count() > 48 { name.chars().take(47).chain(['…']).collect() } else { name.clone() };
        out += &format!(
            "<text x=\"{}\" y=\"{}\">{}</text>{}\n",
            frame.left,
            top + 14.0,
            escape(&short),
            frame.across(middle)
        );
        for (kind, x) in values.iter().enumerate().filter(|(_, x)| x.is_finite()) {
            out += &format!(
                "<g>{}<title>{} {x:.3}</title></g>\n",
                sign(kind, (across.x(&frame, *x), middle)),
                escape(name)
            );
        }
    }
    Some(out + "</svg>")
}

/// What the signs stand for.
pub fn legend(names: &[String]) -> String {
    let item = |(kind, name): (usize, &String)| {
        format!(
            "<li><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\">{}</svg>{}</li>",
            sign(kind, (8.0, 8.0)),
            escape(name)
        )
    };
    format!("<ul class=\"legend\">{}</ul>\n", names.iter().enumerate().map(item).collect::<String>())
}

pub fn sign(kind: usize, (x, y): (f64, f64)) -> String {
    let r = 4.5;
    let path = match kind % N_FORMS {
        0 => format!("M{:.1} {y:.1}a{r} {r} 0 1 0 {} 0a{r} {r} 0 1 0 -{} 0", x - r, 2.0 * r, 2.0 * r),
        1 => format!("M{:.1} {:.1}h8v8h-8z", x - 4.0, y - 4.0),
        2 => format!("M{x:.1} {:.1}l5 9h-10z", y - 5.5),
        3 => format!("M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z", y - 5.5),
        4 => format!("M{:.1} {:.1}l8 8m0 -8l-8 8", x - 4.0, y - 4.0),
        _ => format!("M{x:.1} {:.1}v10m-5 -5h10", y - 5.0),
    };
    format!("<path class=\"sign {}\" d=\"{path}\"/>", colour(kind))
}

pub fn colour(kind: usize) -> String {
    format!("c{}", kind % N_COLOURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chart_has_a_sign_per_point_and_no_number_that_is_none() {
        let point = |x: f64, y: f64, kind| Point { x, y, kind, name: "a<b".into(), link: Some("p/a.html".into()) };
        for points in [vec![point(1.0, 2.0, 0)], (1..20).map(|i| point(f64::from(i * i), 2.0, i as usize)).collect()] {
            let svg = scatter("s", "t", ("x", "y"), &points, Some).unwrap();
            assert_eq!(svg.matches("class=\"sign").count(), points.len());
            assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.contains("a&lt;b"), "{svg}");
        }
        assert_eq!(scatter("s", "t", ("x", "y"), &[], |_| None), None);
        let some = vec![("c".to_string(), vec![1.5, f64::NAN, 2.0])];
        assert_eq!(rows("r", "t", "x", &some).unwrap().matches("class=\"sign").count(), 2);
    }
}
