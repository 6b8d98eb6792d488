//! Lines in a frame, told apart by colour and by sign or dash: figures of codecs, and distributions before and after.

use super::scatter::{colour, sign};
use super::side::{FRAME, SIZE, Side};
use crate::cli::talk::html::escape;
use crate::cli::talk::svg;

const N_DASHES: usize = 3;

/// A line: its points, and what each is called.
pub struct Series {
    pub name: String,
    pub points: Vec<(f64, f64, String)>,
}

impl Series {
    pub fn xs(all: &[Series]) -> impl Iterator<Item = f64> + Clone {
        all.iter().flat_map(|series| series.points.iter().map(|p| p.0))
    }

    pub fn ys(all: &[Series]) -> impl Iterator<Item = f64> + Clone {
        all.iter().flat_map(|series| series.points.iter().map(|p| p.1))
    }
}

/// A sign at every point; none without points.
pub fn marked(id: &str, title: &str, sides: (Side, Side), all: &[Series]) -> Option<String> {
    let (across, up) = thinned(sides);
    let mut out = begun(id, title, (&across, &up), all)?;
    for (kind, series) in all.iter().enumerate() {
        out += &svg::line(&format!("of {}", colour(kind)), &places(series, (&across, &up)));
        for (x, y, name) in &series.points {
            let sign = sign(kind, (across.x(&FRAME, *x), up.y(&FRAME, *y)));
            out += &format!("<g>{sign}<title>{}, {}</title></g>\n", escape(&series.name), escape(name));
        }
    }
    Some(out + "</svg>")
}

/// Lines alone, dashed from the second on; none without points.
pub fn dashed(id: &str, title: &str, sides: (Side, Side), all: &[Series]) -> Option<String> {
    let (across, up) = thinned(sides);
    let mut out = begun(id, title, (&across, &up), all)?;
    for (kind, series) in all.iter().enumerate() {
        out += &svg::line(&dash(kind), &places(series, (&across, &up)));
    }
    Some(out + "</svg>")
}

fn dash(kind: usize) -> String {
    format!("of {} d{}", colour(kind), kind % N_DASHES)
}

/// What dashed lines stand for.
pub fn legend(names: &[&str]) -> String {
    let item = |(kind, name): (usize, &&str)| {
        let line = svg::line(&dash(kind), &[(0.0, 8.0), (32.0, 8.0)]);
        format!("<li><svg class=\"long\" viewBox=\"0 0 32 16\" aria-hidden=\"true\">{line}</svg>{}</li>", escape(name))
    };
    format!("<ul class=\"legend\">{}</ul>\n", names.iter().enumerate().map(item).collect::<String>())
}

fn thinned<'a>((mut across, mut up): (Side<'a>, Side<'a>)) -> (Side<'a>, Side<'a>) {
    across.thin(&FRAME);
    up.thin_up(&FRAME);
    (across, up)
}

fn begun(id: &str, title: &str, (across, up): (&Side, &Side), all: &[Series]) -> Option<String> {
    if all.iter().all(|series| series.points.is_empty()) {
        return None;
    }
    let names: Vec<&str> = all.iter().map(|series| series.name.as_str()).collect();
    let what = format!("{}; the table below has the numbers", names.join(", "));
    Some(svg::open(id, SIZE, "", title, &what) + &FRAME.axes(&across.axis, &up.axis))
}

fn places(series: &Series, (across, up): (&Side, &Side)) -> Vec<(f64, f64)> {
    series.points.iter().map(|(x, y, _)| (across.x(&FRAME, *x), up.y(&FRAME, *y))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_points_and_no_number_that_is_none() {
        let series = |name: &str, n: i32| Series {
            name: name.into(),
            points: (0..n).map(|i| (f64::from(i), 10f64.powi(-3 * i), format!("p{i}"))).collect(),
        };
        for n in [1, 2, 5] {
            let all = [series("a<b", n), series("c", n), series("none", 0)];
            let sides = || (Side::linear("x", Series::xs(&all)), Side::new("y", Series::ys(&all)));
            let signs = marked("m", "t", sides(), &all).unwrap();
            assert_eq!(signs.matches("class=\"sign").count(), 2 * n as usize);
            let lines = dashed("d", "t", sides(), &all).unwrap();
            assert_eq!(lines.matches("<polyline class=\"of c").count(), 3);
            for svg in [signs, lines] {
                assert!(!svg.contains("NaN") && !svg.contains("inf") && svg.contains("a&lt;b"), "{svg}");
            }
        }
        let none = [series("none", 0)];
        let sides = (Side::linear("x", Series::xs(&none)), Side::new("y", Series::ys(&none)));
        assert_eq!(marked("m", "t", sides, &none), None);
    }
}
