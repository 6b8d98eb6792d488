//! The page of one file: the figures of all bounds, curves of codecs, and for every bound residuals, where they lie, and a closer look.
//!
//! Nothing is fetched and nothing runs; light or dark as the reader has it; every plot has its words, every number is in a table.

use super::sheet::{self, table};
use super::study::Study;
use super::{closer, plot, png, rates};
use crate::cli::measure::trial::{Judged, Trial};
use crate::cli::talk::html::escape;
use crate::cli::talk::print;
use crate::cli::verb::eval::{Figures, TITLES, cell, figures, figures_of_all};
use collapsar::internals::codec::file::archive::describe;
use collapsar::internals::quality::{Look, Picture};
use collapsar::internals::sample::number;

/// Arrays that are drawn for each bound at most, and arrays and bounds on a page; the others are in the tables.
pub const MAX_ARRAYS: usize = 6;
pub const MAX_DRAWN: usize = 36;

/// What the columns mean, once.
const MEANING: &str = "All figures are of the samples that are neither NaN, infinite nor fill values. largest: largest |x′ − x|; bias: mean of \
x′ − x; PSNR: 20 log₁₀((max − min) / RMSE) in dB; SSIM: over all windows of 8 × 8 samples, L = max − min; KL: divergence of the histograms in \
bits; W1 and KS: distances of the distributions, W1 in units of the samples; moved: share of the samples on the other side of Otsu’s \
threshold, taken before and after; overlap: above it in both / above in either; bits: coded bits per sample. In total, distances and \
thresholds are those of the worst array.";

pub fn page(study: &Study, back: Option<&str>) -> String {
    let name = escape(&study.name);
    let mut out = sheet::head(&format!("{name}: rate and distortion"));
    if let Some(back) = back {
        out += &format!("<p><a href=\"{back}\">All files</a></p>\n");
    }
    out += &format!("<h1>{name}</h1>\n");
    if let Some(trial) = study.trials.first() {
        let t = &trial.total;
        out += &format!(
            "<p>{}, {} arrays, {} samples, of which {} are fill values or not finite.</p>\n<p>{}</p>\n<p>{}</p>\n",
            print::bytes(trial.n_bytes_in),
            t.n_arrays,
            t.n_samples,
            t.n_masked,
            escape(MEANING),
            escape(rates::MEANING)
        );
    }
    if let Some(recommended) = &study.recommended {
        out += &format!("<p><strong>{}</strong></p>\n", escape(&recommended.text()));
    }
    out += &(totals(&study.trials) + &rates::section(&study.points()));
    for (i, (trial, looks)) in study.trials.iter().zip(&study.looks).enumerate() {
        let looks = if i < MAX_DRAWN { looks.as_slice() } else { &[] };
        out += &section(i, trial, looks);
    }
    out + sheet::TAIL
}

fn row(name: &str, before: &[String], figures: Figures) -> String {
    let cells = before.iter().cloned().chain(figures.iter().take(TITLES.len()).map(|(_, x)| cell(*x)));
    let cells: String = cells.map(|c| format!("<td>{}</td>", escape(&c))).collect();
    format!("<tr><th scope=\"row\">{}</th>{cells}</tr>\n", escape(name))
}

fn totals(trials: &[Trial]) -> String {
    let one = |t: &Trial| {
        let ratio = print::ratio(t.n_bytes_in, t.n_bytes_out.unwrap_or(0));
        row(&t.asked(), &[format!("{ratio:.2}")], figures_of_all(&t.total, t.bits()))
    };
    let rows: String = trials.iter().map(one).collect();
    table("All arrays together", &[&["bound", "ratio"], &TITLES[..]].concat(), &rows)
}

fn section(i: usize, trial: &Trial, looks: &[Option<Look>]) -> String {
    let mut out = format!("<section>\n<h2>{}</h2>\n", escape(&trial.asked()));
    let rows: String = trial.arrays.iter().map(|a| row(&a.label, &[], figures(&a.quality, a.bits()))).collect();
    out += &table("Array by array", &[&["array"], &TITLES[..]].concat(), &rows);
    for (j, (array, look)) in trial.arrays.iter().zip(looks).enumerate() {
        out += &drawn(&format!("b{i}a{j}"), array, look.as_ref());
    }
    if trial.arrays.len() > looks.len() {
        out += &format!("<p>{} further arrays are in the table only.</p>\n", trial.arrays.len() - looks.len());
    }
    out + "</section>\n"
}

fn drawn(id: &str, array: &Judged, look: Option<&Look>) -> String {
    let q = &array.quality;
    let mut out = format!("<h3>{}: {}</h3>\n", escape(&array.label), escape(&describe(&array.ty)));
    if q.n_changed == 0 {
        return out + "<p>Every sample is what it was.</p>\n";
    }
    let bars = plot::bars(id, &q.residuals);
    out += &format!(
        "<div class=\"side\">\n<figure>{bars}<figcaption>x′ − x, counts as logarithms.</figcaption></figure>\n"
    );
    out += &picture(&q.picture, q.largest);
    if let Some(look) = look {
        let coded = array.coded.unwrap_or_default();
        out += &closer::figures(id, look, coded.bound);
    }
    out + "</div>\n"
}

fn picture(picture: &Picture, largest: f64) -> String {
    // not above 255: the largest is the largest; the colour of nothing is for where nothing counts
    let pixel = |x: &f64| if x.is_nan() { png::CLEAR } else { 1 + (x / largest * 254.0) as u8 };
    let pixels: Vec<u8> = picture.largest.iter().map(pixel).collect();
    let (w, h, f) = (picture.w, picture.h, picture.factor);
    let scale = (w.max(h) as f64 / 480.0).recip().max(1.0) as usize;
    let (wide, high) = (w * scale, (h * scale).max(if h == 1 { 24 } else { 1 }));
    let of = if f == 1 { "Errors".to_string() } else { format!("Largest error of every {f} × {f} samples") };
    let alt =
        format!("{of}, in plane {} from 0, which has the largest of all; from 0 to {}", picture.plane, number(largest));
    let stops: Vec<String> = [1u8, 64, 128, 192, 255]
        .iter()
        .map(|&n| {
            let [r, g, b] = png::colour(n);
            format!("rgb({r} {g} {b})")
        })
        .collect();
    format!(
        "<figure><img src=\"{}\" width=\"{wide}\" height=\"{high}\" alt=\"{}\"><figcaption>{}. 0 <span class=\"scale\" style=\"background:linear-gradient(90deg,{})\"></span> {}</figcaption></figure>\n",
        png::address(&pixels, w),
        escape(&alt),
        escape(&alt),
        stops.join(","),
        number(largest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(escape("<b a=\"&\">\n"), "&lt;b a=&quot;&amp;&quot;&gt;\\n");
    }

    #[test]
    fn the_largest_error_has_the_brightest_pixel_and_nothing_the_clear_one() {
        let shown = Picture { plane: 0, h: 1, w: 3, factor: 1, largest: vec![f64::NAN, 0.0, 0.3] };
        let text = picture(&shown, 0.3);
        assert!(text.contains(&png::address(&[png::CLEAR, 1, 255], 3)), "{text}");
    }
}
