//! Ratio against speed, as a drawing that stands alone: compressing on the left, decompressing on the right.
//!
//! The levels are joined by a line, other codecs are squares. Every label has a place of its own; where that is not beside its point,
//! a thin line leads there. Colours are light or dark as the reader has it.

use crate::cli::talk::html::escape;
use crate::cli::talk::svg::{self, Axis, Frame};
use collapsar::internals::sample::number;

const SIZE: (f64, f64) = (960.0, 450.0);
const FRAMES: [Frame; 2] = [
    Frame { left: 64.0, right: 474.0, top: 56.0, bottom: 396.0 },
    Frame { left: 540.0, right: 944.0, top: 56.0, bottom: 396.0 },
];
const STYLE: &str = "<style>\
.paper{fill:#fff}.grid{stroke:#d5d8dc}text{fill:#1c1e21;font:12px system-ui,sans-serif}.head{font-size:15px}\
.curve{fill:none;stroke:#2166ac;stroke-width:2}.point{fill:#2166ac}.peer{fill:#b35806}.leader{stroke:#8a8f98;stroke-width:.7}\
@media (prefers-color-scheme:dark){.paper{fill:#16181b}.grid{stroke:#3b3f45}text{fill:#e6e6e6}\
.curve{stroke:#74add1}.point{fill:#74add1}.peer{fill:#fdae61}}\
</style>\n";

const LINE: f64 = 14.0;
/// Half the side of what stands for a point.
const DOT: f64 = 5.0;

/// A codec in the drawing.
pub struct Point {
    pub name: String,
    pub is_level: bool,
    pub ratio: f64,
    /// MB/s of compressing and decompressing; 0 where no time was taken.
    pub speeds: [f64; 2],
}

pub fn chart(head: &str, points: &[Point]) -> String {
    let what = points.iter().map(|p| {
        let [encode, decode] = p.speeds.map(number);
        format!("{}: ratio {}, compress {encode} MB/s, decompress {decode} MB/s", p.name, number(p.ratio))
    });
    let what: Vec<String> = what.collect();
    let standing_alone = "xmlns=\"http://www.w3.org/2000/svg\" ";
    let mut out = svg::open("levels", SIZE, standing_alone, "Ratio against speed", &what.join("; "));
    out += STYLE;
    out += &format!("<rect class=\"paper\" width=\"{}\" height=\"{}\"/>\n", SIZE.0, SIZE.1);
    out += &format!("<text class=\"head\" x=\"{}\" y=\"24\">{}</text>\n", FRAMES[0].left, escape(head));
    out += &format!(
        "<circle class=\"point\" cx=\"{}\" cy=\"40\" r=\"4\"/><text x=\"{}\" y=\"44\">levels of collapsar</text>",
        FRAMES[0].left + 4.0,
        FRAMES[0].left + 14.0
    );
    out += &square(FRAMES[0].left + 144.0, 40.0);
    out += &format!("<text x=\"{}\" y=\"44\">other codecs</text>\n", FRAMES[0].left + 154.0);
    for (i, name) in ["compress, MB/s", "decompress, MB/s"].into_iter().enumerate() {
        let timed: Vec<&Point> = points.iter().filter(|p| p.speeds[i] > 0.0).collect();
        out += &panel(&FRAMES[i], name, i, &timed);
    }
    out + "</svg>\n"
}

fn panel(frame: &Frame, name: &str, i: usize, points: &[&Point]) -> String {
    let (x, y) = (Axis::logarithmic(name, speeds(points, i)), Axis::linear("ratio", ratios(points), 6.0));
    let at = |p: &&Point| (frame.x(p.speeds[i].log10(), &x), frame.y(p.ratio, &y));
    let places: Vec<(f64, f64)> = points.iter().map(at).collect();
    let line: Vec<(f64, f64)> = points.iter().filter(|p| p.is_level).map(at).collect();
    let mut out = frame.axes(&x, &y) + &svg::line("curve", &line);
    let names: Vec<&str> = points.iter().map(|p| p.name.as_str()).collect();
    for ((p, at), label) in points.iter().zip(&places).zip(labels(frame, &places, &names, &line)) {
        out += &match p.is_level {
            true => format!("<circle class=\"point\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"4\"/>", at.0, at.1),
            false => square(at.0, at.1),
        };
        let Some(label) = label else { continue };
        let (to, far) = label.nearest(*at);
        if far > 2.0 * DOT {
            out += &format!(
                "<line class=\"leader\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
                at.0, at.1, to.0, to.1
            );
        }
        let (middle, base) = ((label.left + label.right) / 2.0, label.bottom - 3.0);
        out += &format!("<text x=\"{middle:.1}\" y=\"{base:.1}\" text-anchor=\"middle\">{}</text>\n", escape(&p.name));
    }
    out
}

fn square(x: f64, y: f64) -> String {
    format!("<rect class=\"peer\" x=\"{:.1}\" y=\"{:.1}\" width=\"8\" height=\"8\"/>", x - 4.0, y - 4.0)
}

fn ends(of: impl Iterator<Item = f64>) -> (f64, f64) {
    of.fold((f64::INFINITY, f64::NEG_INFINITY), |(min, max), x| (min.min(x), max.max(x)))
}

/// Logarithms of the slowest and of the fastest, a decade apart at least.
fn speeds(points: &[&Point], i: usize) -> (f64, f64) {
    let (min, max) = ends(points.iter().map(|p| p.speeds[i].log10()));
    let (min, max) = if min <= max { (min, max) } else { (0.0, 0.0) };
    let more = (0.08 * (max - min)).max((1.0 - (max - min)) / 2.0);
    (min - more, max + more)
}

fn ratios(points: &[&Point]) -> (f64, f64) {
    let (min, max) = ends(points.iter().map(|p| p.ratio));
    let (min, max) = if min <= max { (min, max) } else { (1.0, 1.0) };
    let more = (0.1 * (max - min)).max(0.05);
    (min - more, max + more)
}

/// What a label or a point takes of the drawing.
#[derive(Clone, Copy, Debug)]
struct Space {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Space {
    fn around((x, y): (f64, f64), w: f64, h: f64) -> Space {
        Space { left: x - w / 2.0, right: x + w / 2.0, top: y - h / 2.0, bottom: y + h / 2.0 }
    }

    fn overlaps(&self, other: &Space) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    fn is_within(&self, frame: &Frame) -> bool {
        self.left >= frame.left && self.right <= frame.right && self.top >= frame.top && self.bottom <= frame.bottom
    }

    /// The place in it that is nearest to another, and how far that is.
    fn nearest(&self, (x, y): (f64, f64)) -> ((f64, f64), f64) {
        let to = (x.clamp(self.left, self.right), y.clamp(self.top, self.bottom));
        (to, (to.0 - x).hypot(to.1 - y))
    }
}

/// Places along a line, close together.
fn along(from: (f64, f64), to: (f64, f64)) -> impl Iterator<Item = (f64, f64)> {
    let n = ((to.0 - from.0).hypot(to.1 - from.1) / 3.0).ceil().max(1.0) as usize;
    (0..=n).map(move |i| {
        let share = i as f64 / n as f64;
        (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share)
    })
}

/// A place for each label, near its point: not on another label, not on a point, and not on the line where that can be.
fn labels(frame: &Frame, points: &[(f64, f64)], names: &[&str], line: &[(f64, f64)]) -> Vec<Option<Space>> {
    let dots: Vec<Space> = points.iter().map(|at| Space::around(*at, 2.0 * DOT, 2.0 * DOT)).collect();
    let thin = |at: (f64, f64)| Space::around(at, 2.0, 2.0);
    let drawn: Vec<Space> = line.windows(2).flat_map(|w| along(w[0], w[1])).map(thin).collect();
    let mut placed: Vec<Option<Space>> = vec![None; points.len()];
    let is_free = |space: &Space, placed: &[Option<Space>]| {
        let taken = dots.iter().chain(placed.iter().flatten());
        space.is_within(frame) && !taken.into_iter().any(|other| other.overlaps(space))
    };
    for (i, at) in points.iter().enumerate() {
        let size = (svg::width(names[i]), LINE);
        let leads_through = |space: &Space, placed: &[Option<Space>]| {
            along(*at, space.nearest(*at).0).any(|at| placed.iter().flatten().any(|other| other.overlaps(&thin(at))))
        };
        let spaces: Vec<Space> =
            around(*at, size).filter(|s| is_free(s, &placed) && !leads_through(s, &placed)).collect();
        let beside_line = spaces.iter().find(|space| !drawn.iter().any(|other| other.overlaps(space)));
        let anywhere = || everywhere(frame, size).find(|space| is_free(space, &placed));
        placed[i] = beside_line.or(spaces.first()).copied().or_else(anywhere);
    }
    placed
}

/// Spaces of a size around a point, nearest first.
fn around((x, y): (f64, f64), (w, h): (f64, f64)) -> impl Iterator<Item = Space> {
    [7.0, 13.0, 22.0, 34.0, 50.0, 70.0, 95.0].into_iter().flat_map(move |far: f64| {
        (0..16).map(move |turn| {
            let (sin, cos) = (f64::from(turn) * std::f64::consts::PI / 8.0).sin_cos();
            Space::around((x + cos * (far + w / 2.0), y - sin * (far + h / 2.0)), w, h)
        })
    })
}

fn everywhere(frame: &Frame, (w, h): (f64, f64)) -> impl Iterator<Item = Space> {
    let steps = |from: f64, to: f64| (0..).map(move |i| from + f64::from(i) * 7.0).take_while(move |at| *at <= to);
    steps(frame.top + h / 2.0, frame.bottom - h / 2.0)
        .flat_map(move |y| steps(frame.left + w / 2.0, frame.right - w / 2.0).map(move |x| Space::around((x, y), w, h)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use collapsar::internals::synthetic::Xorshift;

    fn points(random: &mut Xorshift, spread: f64) -> Vec<Point> {
        let peers = ["RICE", "deflate -6", "zstd -3", "zstd -19", "pcodec 8", "pcodec 12"];
        let names = (1..=9).map(|n| (n.to_string(), true)).chain(peers.map(|name| (name.to_string(), false)));
        let mut near = |x: f64| x * 10f64.powf(spread * (random.uniform() - 0.5));
        names
            .map(|(name, is_level)| Point { name, is_level, ratio: near(2.0), speeds: [near(9.0), near(70.0)] })
            .collect()
    }

    #[test]
    fn every_label_has_a_place_of_its_own_on_no_point() {
        let mut random = Xorshift::new(1);
        for spread in [0.0, 0.001, 0.1, 1.0, 3.0] {
            for _ in 0..20 {
                let points = points(&mut random, spread);
                let some: Vec<&Point> = points.iter().collect();
                let (x, y) = (Axis::logarithmic("x", speeds(&some, 0)), Axis::linear("y", ratios(&some), 6.0));
                let frame = &FRAMES[0];
                let places: Vec<(f64, f64)> =
                    points.iter().map(|p| (frame.x(p.speeds[0].log10(), &x), frame.y(p.ratio, &y))).collect();
                let names: Vec<&str> = points.iter().map(|p| p.name.as_str()).collect();
                let labels = labels(frame, &places, &names, &places[..9]);
                let spaces: Vec<Space> = labels.into_iter().map(|label| label.expect("there is room")).collect();
                for (i, space) in spaces.iter().enumerate() {
                    assert!(space.is_within(frame), "{space:?}");
                    assert!(spaces[..i].iter().all(|other| !other.overlaps(space)), "{space:?}");
                    let on = |at: &(f64, f64)| Space::around(*at, 8.0, 8.0).overlaps(space);
                    assert!(!places.iter().any(on), "{space:?}");
                }
            }
        }
    }

    #[test]
    fn a_chart_stands_alone_and_has_a_mark_and_a_label_for_each_codec_and_direction() {
        let mut all = points(&mut Xorshift::new(2), 1.0);
        all[9].speeds[1] = 0.0; // nothing was decompressed
        let svg = chart("a<b", &all);
        // one of each in the legend
        assert_eq!((svg.matches("<circle").count(), svg.matches("\"peer\"").count()), (1 + 18, 1 + 11));
        assert_eq!((svg.matches(">zstd -19<").count(), svg.matches(">RICE<").count()), (2, 1));
        assert!(svg.contains("a&lt;b") && svg.contains("prefers-color-scheme:dark") && svg.starts_with("<svg xmlns"));
        for wrong in ["NaN", "inf", "<script", "url(", "@import", "href"] {
            assert!(!svg.contains(wrong), "{wrong}");
        }
        assert!(!chart("none", &[]).contains("NaN"));
    }
}
