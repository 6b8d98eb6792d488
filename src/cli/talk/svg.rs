//! What every drawing has: its words for those who do not see it, a frame, axes with round ticks. Colours are those of classes.

use super::html::escape;
use collapsar::internals::sample::number;

/// Where in a drawing the axes stand.
pub struct Frame {
    pub left: f64,
    pub right: f64,
    pub top: f64,
    pub bottom: f64,
}

/// What lies along one side of a frame: its two ends, and ticks with what they are called.
pub struct Axis<'a> {
    pub name: &'a str,
    pub ends: (f64, f64),
    pub ticks: Vec<(f64, String)>,
}

impl Axis<'_> {
    /// With about `n` ticks.
    pub fn linear(name: &str, ends: (f64, f64), n: f64) -> Axis<'_> {
        let ticks = ticks(ends.0, ends.1, n).into_iter().map(|tick| (tick, number(tick))).collect();
        Axis { name, ends, ticks }
    }

    /// Of the decimal logarithms of what the ticks are called: 1, 2 and 5 of each power, where powers alone would be few.
    pub fn logarithmic(name: &str, ends: (f64, f64)) -> Axis<'_> {
        let powers = ends.0.floor() as i32..=ends.1.ceil() as i32;
        let digits: &[f64] = if ends.1 - ends.0 > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let all = powers.flat_map(|power| digits.iter().map(move |digit| digit * 10f64.powi(power)));
        let within = |x: &f64| (ends.0..=ends.1).contains(&x.log10());
        // five letters have room beside the name of the axis
        let called = |x: f64| if x < 1e-3 { format!("{x:e}") } else { number(x) };
        Axis { name, ends, ticks: all.filter(within).map(|x| (x.log10(), called(x))).collect() }
    }
}

/// How wide a text is at most, in units of a drawing: no letter of the fonts that there are is wider on average.
pub fn width(text: &str) -> f64 {
    7.4 * text.chars().count() as f64
}

/// Leaves out ticks whose names would stand over those before them.
pub fn thin(ticks: &mut Vec<(f64, String)>, place: impl Fn(f64) -> f64) {
    let mut end = f64::NEG_INFINITY;
    ticks.retain(|(tick, name)| {
        let (middle, half) = (place(*tick), width(name) / 2.0);
        let is_free = middle - half > end + 6.0;
        if is_free {
            end = middle + half;
        }
        is_free
    });
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

/// The start of a drawing of a size; `more` are further attributes.
pub fn open(id: &str, (w, h): (f64, f64), more: &str, title: &str, what: &str) -> String {
    format!(
        "<svg {more}viewBox=\"0 0 {w} {h}\" role=\"img\" aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{}</title><desc id=\"{id}-d\">{}</desc>\n",
        escape(title),
        escape(what)
    )
}

impl Frame {
    pub fn x(&self, x: f64, axis: &Axis) -> f64 {
        at(x, axis.ends, (self.left, self.right))
    }

    pub fn y(&self, y: f64, axis: &Axis) -> f64 {
        at(y, axis.ends, (self.bottom, self.top))
    }

    /// A line across at a height.
    pub fn across(&self, y: f64) -> String {
        format!("<line class=\"grid\" x1=\"{}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>", self.left, self.right)
    }

    pub fn axes(&self, x: &Axis, y: &Axis) -> String {
        let Frame { left, right, top, bottom } = *self;
        let mut out = String::new();
        for (tick, name) in &x.ticks {
            let place = self.x(*tick, x);
            out += &format!("<line class=\"grid\" x1=\"{place:.1}\" x2=\"{place:.1}\" y1=\"{top}\" y2=\"{bottom}\"/>");
            out += &format!("<text x=\"{place:.1}\" y=\"{}\" text-anchor=\"middle\">{name}</text>\n", bottom + 16.0);
        }
        for (tick, name) in &y.ticks {
            let place = self.y(*tick, y);
            out += &self.across(place);
            out += &format!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\n", left - 6.0, place + 4.0);
        }
        let middle = ((left + right) / 2.0, (top + bottom) / 2.0);
        let below = bottom + 40.0;
        out += &format!("<text x=\"{}\" y=\"{below}\" text-anchor=\"middle\">{}</text>", middle.0, escape(x.name));
        let (x, turned) = (left - 50.0, middle.1);
        if y.name.is_empty() {
            return out;
        }
        out + &format!(
            "<text transform=\"rotate(-90 {x} {turned})\" x=\"{x}\" y=\"{turned}\" text-anchor=\"middle\">{}</text>\n",
            escape(y.name)
        )
    }
}

/// A line through points of a drawing.
pub fn line(class: &str, points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    format!("<polyline class=\"{class}\" points=\"{}\"/>\n", points.join(" "))
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
    fn names_of_ticks_do_not_stand_over_each_other() {
        let mut ticks: Vec<(f64, String)> = (0..10).map(|i| (f64::from(i), "1000".to_string())).collect();
        thin(&mut ticks, |x| 10.0 * x);
        // four letters and a gap are 35.6 wide
        assert_eq!(ticks.iter().map(|(x, _)| *x).collect::<Vec<f64>>(), [0.0, 4.0, 8.0]);
    }

    #[test]
    fn ticks_of_logarithms_are_round_numbers_and_few() {
        let names = |from: f64, to: f64| {
            let axis = Axis::logarithmic("MB/s", (from.log10(), to.log10()));
            axis.ticks.into_iter().map(|(_, name)| name).collect::<Vec<String>>()
        };
        assert_eq!(names(0.9, 60.0), ["1", "2", "5", "10", "20", "50"]);
        assert_eq!(names(0.01, 50_000.0).len(), 7);
        assert_eq!(names(0.9e-4, 3e-3), ["1e-4", "2e-4", "5e-4", "0.001", "0.002"]);
        assert!(names(3.0, 3.1).is_empty());
    }
}
