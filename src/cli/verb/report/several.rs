//! The page of several files over a row of bounds: curves of codecs over all of them, curves of the files, a row per file.

use super::curves::{self, Series};
use super::rates::{self, Point};
use super::scatter;
use super::sheet::{self, table_of_names};
use super::side::Side;
use super::study::Study;
use crate::cli::talk::html::escape;
use crate::cli::talk::print;
use collapsar::internals::sample::number;

/// Files that are drawn: as many as there are signs and colours that are told apart.
const MAX_DRAWN: usize = 8;
/// A table has no more rows; the others are in the CSV and the JSON.
const MAX_ROWS: usize = 500;

const MEANING: &str = "Of all files together: their bytes over all their samples; PSNR of errors as shares of the range of each array; \
SSIM over all windows; the largest error as a share of the range of its array, of the worst one. Only bounds that every file has are summed.";

/// What is kept of a file when it is done.
pub struct Entry {
    pub name: String,
    /// Its page, where it has one.
    link: Option<String>,
    pub points: Vec<Point>,
    /// Ours.
    codec: String,
    /// A sentence.
    pub recommended: Option<String>,
}

impl Entry {
    pub fn new(study: &Study, link: Option<String>) -> Entry {
        Entry {
            name: study.name.clone(),
            link,
            points: study.points(),
            codec: study.curves().next().map_or(String::new(), |(codec, _)| codec.to_string()),
            recommended: study.recommended.as_ref().map(|recommended| recommended.text()),
        }
    }

    fn ours(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|point| point.codec == self.codec)
    }
}

pub fn page(title: &str, files: &[Entry], n_skipped: usize) -> String {
    let title = escape(title);
    let mut out = sheet::head(&format!("{title}: rate and distortion"));
    let n_in = files.iter().filter_map(|file| file.points.first()).map(|point| point.n_in).sum();
    let skipped = match n_skipped {
        0 => String::new(),
        n => format!(" {n} further files hold no arrays that are understood."),
    };
    out += &format!(
        "<h1>{title}</h1>\n<p>{} files, {}.{skipped}</p>\n<p>{}</p>\n<p>{}</p>\n",
        files.len(),
        print::bytes(n_in),
        escape(MEANING),
        escape(rates::MEANING)
    );
    let sum = rates::summed(files.iter().map(|file| file.points.as_slice()));
    if !sum.is_empty() {
        out += &rates::section(&sum);
    }
    out + &by_file(files) + sheet::TAIL
}

fn by_file(files: &[Entry]) -> String {
    let series = |file: &Entry| {
        let mut points: Vec<(f64, f64, String)> =
            file.ours().filter_map(|p| Some((p.bits(), p.psnr()?, p.bound.clone()))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Series { name: file.name.clone(), points }
    };
    let all: Vec<Series> = files.iter().take(MAX_DRAWN).map(series).collect();
    let sides = (Side::linear("bits per sample", Series::xs(&all)), Side::linear("PSNR, dB", Series::ys(&all)));
    let codec = files.first().map_or("", |file| &file.codec);
    let mut out = format!("<section>\n<h2>File by file: {}</h2>\n", escape(codec));
    if let Some(chart) = curves::marked("files", "PSNR against bits per sample, file by file", sides, &all) {
        let names: Vec<String> = all.into_iter().map(|series| series.name).collect();
        let first = if files.len() > MAX_DRAWN { format!(" The first {MAX_DRAWN} files.") } else { String::new() };
        out += &format!(
            "<figure>{}{chart}<figcaption>PSNR against bits per sample, file by file.{first}</figcaption></figure>\n",
            scatter::legend(&names)
        );
    }
    out + &in_numbers(files) + "</section>\n"
}

/// A row per file: bits and dB at every bound that one of the first files has.
fn in_numbers(files: &[Entry]) -> String {
    let mut bounds: Vec<&str> = Vec::new();
    for point in files.iter().take(MAX_DRAWN).flat_map(Entry::ours) {
        if !bounds.contains(&point.bound.as_str()) {
            bounds.push(&point.bound);
        }
    }
    let has_keep = files.iter().any(|file| file.recommended.is_some());
    let row = |file: &Entry| {
        let name = match &file.link {
            Some(link) => format!("<a href=\"{link}\">{}</a>", escape(&file.name)),
            None => escape(&file.name),
        };
        let cell = |bound: &&str| match file.ours().find(|point| point.bound == **bound) {
            Some(point) => {
                let db = point.psnr().map_or("∞".to_string(), |db| format!("{db:.1}"));
                format!("{} b, {db} dB", number((point.bits() * 1000.0).round() / 1000.0))
            }
            None => "–".to_string(),
        };
        let mut cells: Vec<String> = bounds.iter().map(cell).collect();
        if has_keep {
            cells.push(file.recommended.clone().unwrap_or_default());
        }
        sheet::row(&name, &cells)
    };
    let mut titles = vec!["file"];
    titles.extend(&bounds);
    titles.extend(has_keep.then_some("recommended"));
    let rows = files.iter().take(MAX_ROWS).map(row).collect::<String>();
    let table = table_of_names("Bits per sample and PSNR of each file at each bound", &titles, &rows);
    match files.len().saturating_sub(MAX_ROWS) {
        0 => table,
        n => table + &format!("<p>{n} further files are in the CSV and the JSON only.</p>\n"),
    }
}
