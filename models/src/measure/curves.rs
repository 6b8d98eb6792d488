//! A page of HTML that shows a training's log: loss against steps, what held-out files cost by class, speed and rate.
//!
//! One file without scripts; every chart has its figures in a table below it.

use collapsar::internals::error::{Error, Result};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What stands in the log of one net.
#[derive(Default)]
struct Part {
    pass: String,
    points: Vec<Point>,
    /// By class: floats, rounded floats, integers.
    trained: BTreeMap<String, [f64; 3]>,
}

/// A line of the log.
struct Point {
    step: f64,
    seconds: f64,
    rate: f64,
    cells_per_second: Option<f64>,
    /// Of the batches since the last line: bits per cell, or the loss of a family that has no bits.
    batches: Option<f64>,
    weights: Option<f64>,
    average: Option<f64>,
    best: Option<(f64, f64)>,
    classes: BTreeMap<String, f64>,
}

impl Point {
    fn new(line: &Value) -> Option<Point> {
        let held_out = &line["held_out"];
        let classes = held_out["classes"].as_object().into_iter().flatten();
        let best = &line["best"];
        Some(Point {
            step: line["step"].as_f64()?,
            seconds: line["seconds"].as_f64()?,
            rate: line["rate"].as_f64()?,
            cells_per_second: line["cells_per_second"].as_f64(),
            batches: line["bits"].as_f64().or(line["loss"].as_f64()),
            weights: held_out["weights"].as_f64(),
            average: held_out["average"].as_f64(),
            best: best["bits"].as_f64().zip(best["step"].as_f64()),
            classes: classes.filter_map(|(name, bits)| Some((name.clone(), bits.as_f64()?))).collect(),
        })
    }
}

/// The page of a log whose lines are `lines`.
pub fn page(title: &str, lines: &str) -> Result<String> {
    let mut parts: BTreeMap<u64, Part> = BTreeMap::new();
    let mut n_held_out = 0;
    for (i, line) in lines.lines().enumerate() {
        let line: Value =
            serde_json::from_str(line).map_err(|e| Error::argument(format!("line {} is no JSON: {e}", i + 1)))?;
        n_held_out += usize::from(line.get("held_out_file").is_some());
        let Some(number) = line["part"].as_u64() else { continue };
        let part = parts.entry(number).or_default();
        part.pass = line["pass"].as_str().unwrap_or_default().to_owned();
        match line["trained"].is_string() {
            true => part.trained = trained(&line["classes"]),
            false => {
                if let Some(point) = Point::new(&line) {
                    // behind the last checkpoint lines are there twice: the later ones count
                    part.points.retain(|earlier| earlier.step < point.step);
                    part.points.push(point);
                }
            }
        }
    }
    if parts.values().all(|part| part.points.is_empty()) {
        return Err(Error::argument("the log tells of no step"));
    }
    let mut out = String::new();
    let title = escaped(title);
    let _ = writeln!(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n<title>{title}</title>");
    let _ =
        writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">\n<style>{STYLE}</style></head><body>");
    let _ = writeln!(out, "<h1>{title}</h1>\n<p>{n_held_out} files were held out: no step is taken on them.</p>");
    for (number, part) in &parts {
        part.write(*number, parts.len(), &mut out);
    }
    out.push_str("</body></html>\n");
    Ok(out)
}

fn trained(classes: &Value) -> BTreeMap<String, [f64; 3]> {
    let three = |bits: &Value| Some([bits[0].as_f64()?, bits[1].as_f64()?, bits[2].as_f64()?]);
    let classes = classes.as_object().into_iter().flatten();
    classes.filter_map(|(name, bits)| Some((name.clone(), three(bits)?))).collect()
}

const STYLE: &str = "
:root { color-scheme: light dark; --ink: #222; --faint: #bbb; --a: #0072b2; --b: #d55e00; --c: #999 }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --faint: #555; --a: #56b4e9; --b: #e69f00; --c: #888 } }
body { font: 16px/1.4 system-ui, sans-serif; max-width: 60rem; margin: 1rem auto; padding: 0 1rem; color: var(--ink) }
svg { width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: var(--ink) }
.wide { overflow-x: auto } table { border-collapse: collapse } td, th { padding: .1rem .6rem; text-align: right }
td:first-child, th:first-child { text-align: left } td svg { width: 8rem; height: 1.4rem }
tr { border-bottom: 1px solid var(--faint) }";

impl Part {
    fn write(&self, number: u64, n_parts: usize, out: &mut String) {
        let Some(last) = self.points.last() else { return };
        if n_parts > 1 {
            let _ = writeln!(out, "<h2>Net {} of {n_parts}, {}</h2>", number + 1, escaped(&self.pass));
        }
        let speeds: Vec<f64> = self.points.iter().filter_map(|point| point.cells_per_second).collect();
        let speed = speeds.iter().sum::<f64>() / speeds.len().max(1) as f64;
        let _ = write!(
            out,
            "<p>{} steps, {} min, {:.0} k cells/s.",
            last.step,
            (last.seconds / 6.0).round() / 10.0,
            speed / 1e3
        );
        if let Some((bits, step)) = last.best {
            let _ = write!(out, " Best on held-out files: {bits:.4}, at step {step}.");
        }
        out.push_str("</p>\n");
        self.losses(out);
        self.rates(out);
        self.classes(out);
    }

    /// Loss against steps.
    fn losses(&self, out: &mut String) {
        let line = |of: fn(&Point) -> Option<f64>| self.points.iter().filter_map(|p| Some((p.step, of(p)?))).collect();
        let curves = [
            Curve { name: "batches", class: "c", points: line(|p| p.batches) },
            Curve { name: "held out, weights", class: "a", points: line(|p| p.weights) },
            Curve { name: "held out, their average", class: "b", points: line(|p| p.average) },
        ];
        out.push_str("<h3>Bits per cell</h3>\n");
        chart(&curves, out);
        out.push_str("<details><summary>Figures</summary><div class=\"wide\"><table>\n");
        out.push_str("<tr><th>step<th>seconds<th>batches<th>weights<th>average</tr>\n");
        for p in &self.points {
            let _ = write!(out, "<tr><td>{}<td>{:.0}", p.step, p.seconds);
            [p.batches, p.weights, p.average].into_iter().for_each(|bits| cell(bits, 4, out));
            out.push_str("</tr>\n");
        }
        out.push_str("</table></div></details>\n");
    }

    /// Rate and speed against steps.
    fn rates(&self, out: &mut String) {
        let rate = self.points.iter().map(|p| (p.step, 1e3 * p.rate)).collect();
        let speed = self.points.iter().filter_map(|p| Some((p.step, p.cells_per_second? / 1e3))).collect();
        out.push_str("<h3>Learning rate, thousandths</h3>\n");
        chart(&[Curve { name: "rate", class: "a", points: rate }], out);
        out.push_str("<h3>Speed, thousand cells per second</h3>\n");
        chart(&[Curve { name: "speed", class: "a", points: speed }], out);
        out.push_str(
            "<details><summary>Figures</summary><div class=\"wide\"><table>\n<tr><th>step<th>rate<th>k cells/s</tr>\n",
        );
        for p in &self.points {
            let _ = write!(out, "<tr><td>{}<td>{:.6}", p.step, p.rate);
            cell(p.cells_per_second.map(|cells| cells / 1e3), 0, out);
            out.push_str("</tr>\n");
        }
        out.push_str("</table></div></details>\n");
    }

    /// What each class costs: at first, last, and as integers.
    fn classes(&self, out: &mut String) {
        let mut all: BTreeMap<&str, Vec<(f64, f64)>> = BTreeMap::new();
        for point in &self.points {
            point.classes.iter().for_each(|(name, &bits)| all.entry(name).or_default().push((point.step, bits)));
        }
        if all.is_empty() {
            return;
        }
        out.push_str("<h3>Held-out bits per cell by class</h3>\n<div class=\"wide\"><table>\n");
        out.push_str("<tr><th>class<th>first<th>last<th>%<th>floats<th>rounded<th>integers<th>curve</tr>\n");
        for (name, points) in all {
            let (first, last) = (points[0].1, points[points.len() - 1].1);
            let _ = write!(out, "<tr><td>{}", escaped(name));
            [first, last].into_iter().for_each(|bits| cell(Some(bits), 4, out));
            cell((first > 0.0).then(|| 100.0 * (last / first - 1.0)), 1, out);
            let trained = self.trained.get(name);
            (0..3).for_each(|i| cell(trained.map(|bits| bits[i]), 4, out));
            let _ = writeln!(out, "<td><svg viewBox=\"0 0 130 22\" aria-hidden=\"true\">{}</svg></tr>", small(&points));
        }
        out.push_str("</table></div>\n");
    }
}

fn cell(value: Option<f64>, digits: usize, out: &mut String) {
    match value {
        Some(value) => drop(write!(out, "<td>{value:.digits$}")),
        None => out.push_str("<td>"),
    }
}

struct Curve {
    name: &'static str,
    /// A colour of the style.
    class: &'static str,
    points: Vec<(f64, f64)>,
}

const SIZE: (f64, f64) = (900.0, 300.0);
const LEFT: f64 = 60.0;
const BELOW: f64 = 30.0;

/// The ends of what curves hold, and where a value lies between them; the first tenth of a curve, where everything falls, does not
/// set the height.
fn ends(curves: &[Curve]) -> Option<[f64; 4]> {
    let x: Vec<f64> = curves.iter().flat_map(|c| c.points.iter().map(|p| p.0)).collect();
    let (left, right) = (min(&x)?, max(&x)?);
    let late = |p: &&(f64, f64)| p.0 >= left + 0.1 * (right - left);
    let y: Vec<f64> = curves.iter().flat_map(|c| c.points.iter().filter(late).map(|p| p.1)).collect();
    Some([left, right, min(&y)?, max(&y)?])
}

fn min(of: &[f64]) -> Option<f64> {
    of.iter().copied().filter(|x| x.is_finite()).reduce(f64::min)
}

fn max(of: &[f64]) -> Option<f64> {
    of.iter().copied().filter(|x| x.is_finite()).reduce(f64::max)
}

fn chart(curves: &[Curve], out: &mut String) {
    let Some([left, right, low, high]) = ends(curves) else { return };
    let (w, h) = (SIZE.0 - LEFT - 10.0, SIZE.1 - BELOW - 10.0);
    let (dx, dy) = ((right - left).max(1e-9), (high - low).max(1e-9));
    let at = |(x, y): (f64, f64)| (LEFT + w * (x - left) / dx, 10.0 + h * (1.0 - ((y - low) / dy).clamp(0.0, 1.0)));
    let names: Vec<&str> = curves.iter().map(|c| c.name).collect();
    let _ =
        writeln!(out, "<svg viewBox=\"0 0 {} {}\" role=\"img\" aria-label=\"{}\">", SIZE.0, SIZE.1, names.join(", "));
    for i in 0..=4 {
        let value = low + dy * f64::from(i) / 4.0;
        let y = at((left, value)).1;
        let _ = write!(out, "<path d=\"M{LEFT} {y:.1}h{w}\" stroke=\"var(--faint)\"/>");
        let _ = writeln!(out, "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value:.3}</text>", LEFT - 6.0, y + 4.0);
        let step = left + dx * f64::from(i) / 4.0;
        let anchor = ["start", "middle", "middle", "middle", "end"][i as usize];
        let (x, below) = (at((step, low)).0, SIZE.1 - 10.0);
        let _ = writeln!(out, "<text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"{anchor}\">{step:.0}</text>");
    }
    for (i, Curve { name, class, points }) in curves.iter().enumerate().filter(|(_, c)| !c.points.is_empty()) {
        let _ = write!(
            out,
            "<path fill=\"none\" stroke=\"var(--{class})\" stroke-width=\"2\" d=\"{}\"/>",
            path(points, at)
        );
        let y = 24 + 16 * i;
        let _ = write!(out, "<text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{name}", SIZE.0 - 40.0);
        let _ = writeln!(
            out,
            "</text><path stroke=\"var(--{class})\" stroke-width=\"3\" d=\"M{} {}h20\"/>",
            SIZE.0 - 34.0,
            y - 4
        );
    }
    out.push_str("</svg>\n");
}

/// A curve of a row.
fn small(points: &[(f64, f64)]) -> String {
    let curve = Curve { name: "", class: "a", points: points.to_vec() };
    let Some([left, right, low, high]) = ends(std::slice::from_ref(&curve)) else { return String::new() };
    let (dx, dy) = ((right - left).max(1e-9), (high - low).max(1e-9));
    let at = |(x, y): (f64, f64)| (128.0 * (x - left) / dx + 1.0, 20.0 - 18.0 * ((y - low) / dy).clamp(0.0, 1.0));
    format!("<path fill=\"none\" stroke=\"var(--a)\" d=\"{}\"/>", path(points, at))
}

fn path(points: &[(f64, f64)], at: impl Fn((f64, f64)) -> (f64, f64)) -> String {
    let mut d = String::new();
    for (i, &point) in points.iter().enumerate() {
        let (x, y) = at(point);
        let _ = write!(d, "{}{x:.1} {y:.1}", if i == 0 { "M" } else { "L" });
    }
    d
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> String {
        let mut lines = vec![r#"{"held_out_file":"a/<b>.fits"}"#.to_owned()];
        for step in [0, 100, 200, 100, 200, 300] {
            let bits = 5.0 - f64::from(step) / 1000.0;
            lines.push(format!(
                r#"{{"part":0,"pass":"raster","step":{step},"seconds":{step},"rate":0.003,"bits":{bits},"cells_per_second":250000,
                "held_out":{{"weights":{bits},"average":{},"classes":{{"ccd<16>":{bits},"xray":3.5}}}},"best":{{"bits":{bits},"step":{step}}}}}"#,
                bits - 0.01
            ).replace('\n', " "));
        }
        lines.push(r#"{"part":0,"pass":"raster","trained":"raster","classes":{"xray":[3.5,3.51,3.52]}}"#.to_owned());
        lines.join("\n")
    }

    #[test]
    fn a_page_shows_every_step_once_and_every_class() {
        let page = page("a & b", &log()).unwrap();
        for part in ["<title>a &amp; b</title>", "1 files were held out", "ccd&lt;16&gt;", "<td>3.5200", "at step 300"]
        {
            assert!(page.contains(part), "{part}");
        }
        // a row for each of four steps, in each of the two tables of steps
        assert_eq!(page.matches("<tr><td>200<td>").count(), 2);
        assert!(page.matches("<svg").count() == 3 + 2 && !page.contains("<script") && !page.contains("NaN"));
    }

    #[test]
    fn a_log_of_nothing_and_one_that_is_none_are_errors() {
        assert!(page("t", "").unwrap_err().to_string().contains("no step"));
        assert!(page("t", "{\"part\":").unwrap_err().to_string().contains("line 1 is no JSON"));
    }
}
