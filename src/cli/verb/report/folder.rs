//! The page of several files: ratio by class and codec, against exposure time and against noise; tables with outliers first.

use super::file::File;
use super::scatter::{self, Point};
use super::sheet::{self, digits, figure, row, table, table_of_names};
use super::stretch;
use crate::cli::measure::noise::Noise;
use crate::cli::talk::html::escape;
use crate::cli::talk::print;
use std::collections::BTreeMap;

/// A table has no more rows; the others are in the JSON.
const MAX_ROWS: usize = 500;
/// Classes that are drawn, with the most files.
const MAX_CLASSES: usize = 30;

const MEANING: &str = "A class is the folder that files lie in. Off is how far the ratio of a file is from the median of \
its class; files that are far off come first. The noise limit is an estimate: what white Gaussian noise of the measured σ \
takes at least, log₂(σ √(2πe)) bits per sample; σ is in integer steps, of the largest array of a file. A .gz counts \
unpacked.";

/// A file, and its page where it has one.
pub struct Entry<'a> {
    pub file: &'a File,
    pub link: Option<&'a str>,
    /// ratio / median of its class − 1.
    pub off: f64,
}

/// Files with how far each is off, those furthest off first.
pub fn entries<'a>(files: &'a [File], links: &'a [Option<String>]) -> Vec<Entry<'a>> {
    let mut ratios: BTreeMap<&str, Vec<f32>> = BTreeMap::new();
    for file in files {
        ratios.entry(&file.class).or_default().push(file.ratio() as f32);
    }
    let medians: BTreeMap<&str, f64> =
        ratios.iter().map(|(class, ratios)| (*class, stretch::median(ratios).unwrap_or(1.0))).collect();
    let entry = |(i, file): (usize, &'a File)| {
        // the median is of shorter floats
        let off = f64::from(file.ratio() as f32) / medians[file.class.as_str()] - 1.0;
        Entry { file, link: links.get(i).and_then(|link| link.as_deref()), off }
    };
    let mut entries: Vec<Entry> = files.iter().enumerate().map(entry).collect();
    let far = |e: &Entry| (1.0 + e.off).ln().abs();
    entries.sort_by(|a, b| far(b).total_cmp(&far(a)).then_with(|| a.file.path.cmp(&b.file.path)));
    entries
}

pub fn page(title: &str, files: &[File], links: &[Option<String>], n_skipped: usize) -> String {
    let entries = entries(files, links);
    let (n_in, n_out) = (files.iter().map(|f| f.n_in).sum::<u64>(), files.iter().map(|f| f.n_out).sum::<u64>());
    let title = escape(title);
    let mut out = sheet::head(&format!("{title}: what its files take without loss"));
    let skipped = match n_skipped {
        0 => String::new(),
        n => format!(" {n} further files hold no arrays that are understood."),
    };
    out += &format!(
        "<h1>{title}</h1>\n<p>{} files, {} became {}, ratio {:.2}; every byte came back.{skipped}</p>\n<p>{}</p>\n",
        files.len(),
        print::bytes(n_in),
        print::bytes(n_out),
        n_in as f64 / n_out.max(1) as f64,
        MEANING
    );
    out += &codecs(files);
    out += &classes(files);
    let kinds = kinds(files);
    let exposures = Against {
        id: "exposure",
        title: "Ratio against exposure time",
        name: "exposure, s",
        none: "No file says how long it was exposed.",
        of: |file| file.exposure,
        // a bias has 0 s, which no logarithm has
        is_drawn: |x| x > 0.0,
        curve: |_| None,
        words: "",
    };
    let noises = Against {
        id: "noise",
        title: "Ratio against noise",
        name: "noise σ, integer steps",
        none: "Noise is seen in no file.",
        of: File::sigma,
        is_drawn: |x| x > 0.0,
        curve: |sigma| Noise { sigma }.limit_bits().map(|limit| 16.0 / limit),
        words: " The line is what samples of 16 bits would reach if they were white noise and nothing else.",
    };
    out += &exposures.section(&entries, &kinds);
    out += &noises.section(&entries, &kinds);
    out + &all(&entries) + sheet::TAIL
}

/// Every codec that was run on all files.
fn names(files: &[File]) -> Vec<String> {
    let Some(first) = files.first() else { return Vec::new() };
    let is_everywhere = |name: &&String| files.iter().all(|file| file.codecs.iter().any(|codec| codec.0 == **name));
    first.codecs.iter().map(|codec| &codec.0).filter(is_everywhere).cloned().collect()
}

fn ratio<'a>(files: impl Iterator<Item = &'a File>, codec: &str) -> f64 {
    let of = |file: &File| file.codecs.iter().find(|c| c.0 == codec).map_or(0, |c| c.1);
    let (n_in, n_out) = files.fold((0, 0), |(a, b), file| (a + file.n_in, b + of(file)));
    n_in as f64 / n_out.max(1) as f64
}

fn codecs(files: &[File]) -> String {
    let mut rows: Vec<(String, f64)> = names(files)
        .into_iter()
        .map(|name| {
            let ratio = ratio(files.iter(), &name);
            (name, ratio)
        })
        .collect();
    rows.sort_by(|a, b| b.1.total_cmp(&a.1));
    let rows: String = rows.iter().map(|(name, ratio)| row(&escape(name), &[format!("{ratio:.3}")])).collect();
    table("Codecs at hand on all files, the smallest result first", &["codec", "ratio"], &rows)
}

/// Classes with their files, those with the most files first.
fn by_class(files: &[File]) -> Vec<(&str, Vec<&File>)> {
    let mut classes: BTreeMap<&str, Vec<&File>> = BTreeMap::new();
    for file in files {
        classes.entry(&file.class).or_default().push(file);
    }
    let mut classes: Vec<(&str, Vec<&File>)> = classes.into_iter().collect();
    classes.sort_by_key(|(_, files)| std::cmp::Reverse(files.len()));
    classes
}

/// Which sign the files of a class have: the last one is shared.
fn kinds(files: &[File]) -> Vec<String> {
    const MOST: usize = 11;
    let classes = by_class(files);
    let mut names: Vec<String> = classes.iter().take(MOST).map(|(name, _)| (*name).to_string()).collect();
    if classes.len() > MOST {
        names.push(format!("{} other classes", classes.len() - MOST));
    }
    names
}

fn classes(files: &[File]) -> String {
    let names = names(files);
    let mut classes: Vec<(&str, Vec<&File>, Vec<f64>)> = by_class(files)
        .into_iter()
        .map(|(class, files)| {
            let ratios = names.iter().map(|name| ratio(files.iter().copied(), name)).collect();
            (class, files, ratios)
        })
        .collect();
    let mut out = "<section>\n<h2>Ratio by class</h2>\n".to_string();
    let drawn: Vec<(String, Vec<f64>)> = {
        let mut some: Vec<_> = classes.iter().take(MAX_CLASSES).collect();
        some.sort_by(|a, b| a.2[0].total_cmp(&b.2[0]));
        some.into_iter().map(|(class, _, ratios)| ((*class).to_string(), ratios.clone())).collect()
    };
    if let Some(chart) = scatter::rows("classes", "Ratio of every codec by class", "ratio", &drawn) {
        out += &format!(
            "<figure>{}{chart}<figcaption>Ratio of every codec, by class of file; the class with the least is on top.</figcaption></figure>\n",
            scatter::legend(&names)
        );
    }
    classes.sort_by(|a, b| a.2[0].total_cmp(&b.2[0]));
    let rows = classes.iter().take(MAX_ROWS).map(|(class, files, ratios)| {
        let cells = ratios.iter().map(|ratio| format!("{ratio:.3}"));
        row(&escape(class), &std::iter::once(files.len().to_string()).chain(cells).collect::<Vec<String>>())
    });
    let titles: Vec<&str> = ["class", "files"].into_iter().chain(names.iter().map(String::as_str)).collect();
    out += &table_of_names("Ratio by class, the least first", &titles, &rows.collect::<String>());
    out + &more(classes.len()) + "</section>\n"
}

fn more(n: usize) -> String {
    if n > MAX_ROWS { format!("<p>{} further rows are in the JSON only.</p>\n", n - MAX_ROWS) } else { String::new() }
}

/// Ratio against a number of each file.
struct Against {
    id: &'static str,
    title: &'static str,
    name: &'static str,
    none: &'static str,
    of: fn(&File) -> Option<f64>,
    is_drawn: fn(f64) -> bool,
    /// A ratio that belongs to the number, and what it is.
    curve: fn(f64) -> Option<f64>,
    words: &'static str,
}

impl Against {
    fn section(&self, entries: &[Entry], kinds: &[String]) -> String {
        let mut out = format!("<section>\n<h2>{}</h2>\n", self.title);
        let known: Vec<(&Entry, f64)> = entries.iter().filter_map(|e| Some((e, (self.of)(e.file)?))).collect();
        if known.is_empty() {
            return out + &format!("<p>{}</p>\n</section>\n", self.none);
        }
        let kind = |file: &File| kinds.iter().position(|k| *k == file.class).unwrap_or(kinds.len().saturating_sub(1));
        let point = |(e, x): &(&Entry, f64)| Point {
            x: *x,
            y: e.file.ratio(),
            kind: kind(e.file),
            name: format!("{}: {}, ratio {:.3}", e.file.name, figure(Some(*x)), e.file.ratio()),
            link: e.link.map(str::to_string),
        };
        let points: Vec<Point> = known.iter().filter(|(_, x)| (self.is_drawn)(*x)).map(point).collect();
        let n_left = known.len() - points.len();
        if let Some(chart) = scatter::scatter(self.id, self.title, (self.name, "ratio"), &points, self.curve) {
            let left =
                if n_left > 0 { format!(" {n_left} files with 0 are in the table only.") } else { String::new() };
            out += &format!(
                "<figure>{}{chart}<figcaption>{}, a sign per file.{left}{}</figcaption></figure>\n",
                scatter::legend(kinds),
                self.title,
                self.words
            );
        }
        let rows = known.iter().take(MAX_ROWS).map(|(e, x)| {
            let cells = [e.file.class.clone(), figure(Some(round(*x))), format!("{:.3}", e.file.ratio()), off(e.off)];
            row(&name(e), &cells)
        });
        let titles = ["file", "class", self.name, "ratio", "off"];
        out += &table_of_names(&format!("{}, outliers first", self.title), &titles, &rows.collect::<String>());
        out + &more(known.len()) + "</section>\n"
    }
}

fn all(entries: &[Entry]) -> String {
    let rows = entries.iter().take(MAX_ROWS).map(|e| {
        let main = e.file.main();
        let cells = [
            e.file.class.clone(),
            format!("{:.3}", e.file.ratio()),
            off(e.off),
            digits(main.map(|array| array.bits()), 2),
            digits(main.and_then(|array| array.limit()), 2),
            digits(e.file.above(), 2),
            e.file.n_in.to_string(),
            e.file.n_out.to_string(),
        ];
        row(&name(e), &cells)
    });
    let titles = ["file", "class", "ratio", "off", "bits", "noise limit", "above", "bytes", "became"];
    let rows = rows.collect::<String>();
    let caption = "Outliers first; bits per sample of the largest array, the limit of its noise, and what lies above";
    format!(
        "<section>\n<h2>All files</h2>\n{}{}</section>\n",
        table_of_names(caption, &titles, &rows),
        more(entries.len())
    )
}

fn name(e: &Entry) -> String {
    match e.link {
        Some(link) => format!("<a href=\"{link}\">{}</a>", escape(&e.file.name)),
        None => escape(&e.file.name),
    }
}

fn round(x: f64) -> f64 {
    (x * 1000.0).round() / 1000.0
}

pub fn off(x: f64) -> String {
    format!("{:+.1} %", 100.0 * x)
}
