//! How good what comes back is, array by array and in total.

use crate::cli::args;
use crate::cli::machine::resources;
use crate::cli::measure::trial::{Judged, Original, Trial};
use crate::cli::path::input::{Input, Opened};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use collapsar::internals::quality::{self, Band, Quality, Segmentation, Stretch, Total};
use collapsar::internals::sample::number;
use collapsar::internals::{Error, Result};
use serde_json::{Value, json};
use std::path::Path;

pub fn run(args: &args::Eval) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let mut tally = Tally::default();
    let result = one(args, talk);
    tally.add(&talk, &args.original, result);
    Ok(tally)
}

fn one(args: &args::Eval, talk: Talk) -> Result<()> {
    let given = weights::given(&args.coding.weights)?;
    let Opened { source, held, .. } = open(&args.original)?;
    let original = Original::new(source, args.raw.array())?.checked()?;
    let trial = match &args.coded {
        Some(coded) => {
            let named = |e: Error| e.at(print::name(coded));
            let other = open(coded).map_err(named)?;
            let trial = original.against(other.source, &given)?;
            other.held.check().map_err(named)?;
            trial
        }
        None => original.trial(args.lossy.loss(), &args.coding, &given)?,
    };
    held.check()?;
    let name = print::name(&args.original);
    let mut value = json_of(&args.original, &trial);
    value["device"] = trial.n_bytes_out.map(|_| resources::used(trial.on_gpus()).json()).into();
    match &args.coded {
        Some(coded) => json::put_name(&mut value, "coded", coded),
        None => value["coded"] = Value::Null,
    }
    talk.data(&value, || text(&name, &trial))
}

/// What `--json` says of a file and what it became, but for the device.
pub fn of_files(original: &Path, coded: &Path) -> Result<Value> {
    let before = open(original).map_err(|e| e.at(print::name(original)))?;
    let after = open(coded).map_err(|e| e.at(print::name(coded)))?;
    let trial = Original::new(before.source, None)?.checked()?.against(after.source, &[])?;
    Ok(json_of(original, &trial))
}

/// What `--json` says of one array of a file.
pub fn of_arrays(original: Stretch, decoded: Stretch) -> Result<Value> {
    Ok(json_of_array(&quality::measure(original, decoded)?, None))
}

pub fn open(path: &Path) -> Result<Opened> {
    let opened = Input { path: path.to_owned(), root: None }.open()?;
    match collapsar::internals::source::Source::is_empty(&opened.source) {
        true => Err(Error::argument("is empty")),
        false => Ok(opened),
    }
}

/// The figures by name, of an array or of all; infinite ones are null in JSON, and told apart by `largest`.
pub type Figures = [(&'static str, Option<f64>); 26];

pub fn figures(q: &Quality, bits: Option<f64>) -> Figures {
    let d = q.distances;
    let [before, after] = &q.moments;
    [
        ("largest", Some(q.largest)),
        ("bias", Some(q.bias())),
        ("rmse", Some(q.rmse())),
        ("psnr", q.psnr()),
        ("ssim", q.ssim()),
        ("kl", d.map(|d| d.kl)),
        ("wasserstein", d.map(|d| d.wasserstein)),
        ("ks", d.map(|d| d.ks)),
        ("moved", q.segmentation.map(|s| s.moved())),
        ("overlap", q.segmentation.map(|s| s.overlap())),
        ("bits", bits),
        ("range", q.range.map(|_| q.width())),
        ("js", d.map(|d| d.js)),
        ("mmd", q.mmd),
        ("auc", q.auc),
        ("power", q.power()),
        ("skewness_before", before.skewness()),
        ("skewness_after", after.skewness()),
        ("kurtosis_before", before.kurtosis()),
        ("kurtosis_after", after.kurtosis()),
        ("flux_median", q.stars.map(|s| s.flux.median)),
        ("flux_p95", q.stars.map(|s| s.flux.p95)),
        ("flux_largest", q.stars.map(|s| s.flux.largest)),
        ("shift_median", q.stars.map(|s| s.shift.median)),
        ("shift_p95", q.stars.map(|s| s.shift.p95)),
        ("shift_largest", q.stars.map(|s| s.shift.largest)),
    ]
}

/// The same names; what has no meaning of several arrays is none.
pub fn figures_of_all(t: &Total, bits: Option<f64>) -> Figures {
    [
        ("largest", Some(t.largest)),
        ("bias", Some(t.bias())),
        ("rmse", Some(t.rmse())),
        ("psnr", t.psnr()),
        ("ssim", t.ssim()),
        ("kl", t.kl),
        ("wasserstein", t.wasserstein),
        ("ks", t.ks),
        ("moved", t.moved),
        ("overlap", t.overlap),
        ("bits", bits),
        ("range", None),
        ("js", t.js),
        ("mmd", t.mmd),
        ("auc", t.auc),
        ("power", None),
        ("skewness_before", None),
        ("skewness_after", None),
        ("kurtosis_before", None),
        ("kurtosis_after", None),
        ("flux_median", None),
        ("flux_p95", t.flux[0]),
        ("flux_largest", t.flux[1]),
        ("shift_median", None),
        ("shift_p95", t.shift[0]),
        ("shift_largest", t.shift[1]),
    ]
}

/// A figure for people.
pub fn cell(figure: Option<f64>) -> String {
    match figure {
        None => "–".into(),
        Some(x) if x.is_infinite() => "∞".into(),
        Some(x) => number(x),
    }
}

fn json_of_array(q: &Quality, bits: Option<f64>) -> Value {
    let threshold = |s: Segmentation| json!({"before": s.before, "after": s.after, "above_before": s.n_above_before, "above_after": s.n_above_after, "above_both": s.n_above_both});
    let mut value = object(figures(q, bits));
    value["samples"] = q.n_samples.into();
    value["excluded"] = q.n_masked.into();
    value["excluded_changed"] = q.n_masked_changed.into();
    value["lost"] = q.n_lost.into();
    value["changed"] = q.n_changed.into();
    value["threshold"] = q.segmentation.map(threshold).into();
    let band = |b: &Band| json!({"from": b.from, "to": b.to, "ratio": b.ratio, "residual": b.residual});
    value["spectrum"] = q.spectrum.iter().map(band).collect::<Vec<Value>>().into();
    value["stars"] = q.stars.map_or(0, |stars| stars.n).into();
    value
}

pub fn json_of(path: &Path, trial: &Trial) -> Value {
    let array = |a: &Judged| {
        let mut value = json_of_array(&a.quality, a.bits());
        value["label"] = a.label.clone().into();
        value["dtype"] = a.ty.dtype.name().into();
        value["shape"] = a.ty.shape.clone().into();
        value["bound"] = a.coded.and_then(|c| c.bound).map(json::bound).into();
        value["noise"] = a.coded.and_then(|c| c.noise).map(json::noise).into();
        value
    };
    let t = &trial.total;
    let mut total = object(figures_of_all(t, trial.bits()));
    for (name, n) in [("samples", t.n_samples), ("excluded", t.n_masked), ("lost", t.n_lost), ("changed", t.n_changed)]
    {
        total[name] = n.into();
    }
    let mut value = json!({
        "loss": trial.loss.map(|loss| loss.describe()), "lossless": trial.is_lossless(),
        "bytes_in": trial.n_bytes_in, "bytes_out": trial.n_bytes_out,
        "ratio": trial.n_bytes_out.map(|n| print::ratio(trial.n_bytes_in, n)),
        "arrays": trial.arrays.iter().map(array).collect::<Vec<Value>>(), "total": total,
    });
    json::put_name(&mut value, "file", path);
    value
}

fn object(figures: Figures) -> Value {
    figures.into_iter().map(|(name, x)| (name.to_string(), json!(x))).collect::<serde_json::Map<_, _>>().into()
}

pub const TITLES: [&str; 11] =
    ["largest", "bias", "RMSE", "PSNR", "SSIM", "KL", "W1", "KS", "moved", "overlap", "bits"];

fn text(name: &str, trial: &Trial) -> String {
    let mut table = Table::new(&[&["array"], &TITLES[..]].concat());
    let mut row = |name: &str, figures: Figures| {
        let cells = figures.iter().take(TITLES.len()).map(|(_, x)| cell(*x));
        table.row(&std::iter::once(print::clean(name)).chain(cells).collect::<Vec<String>>());
    };
    for array in &trial.arrays {
        row(&array.label, figures(&array.quality, array.bits()));
    }
    if trial.arrays.len() > 1 {
        row("total", figures_of_all(&trial.total, trial.bits()));
    }
    let table = table.text() + &if trial.is_lossless() { String::new() } else { seen(trial) };
    let sizes = trial.n_bytes_out.map(|n| {
        let ratio = print::ratio(trial.n_bytes_in, n);
        format!("  {} → {}  ratio {ratio:.2}", print::bytes(trial.n_bytes_in), print::bytes(n))
    });
    let word = if trial.is_lossless() { "LOSSLESS" } else { "LOSSY" };
    let loss = trial.loss.filter(|_| !trial.is_lossless()).map(|loss| format!(" ({})", loss.describe()));
    let head = format!("{name}{}  {word}{}\n", sizes.unwrap_or_default(), loss.unwrap_or_default());
    head + &table + &notes(trial)
}

/// What would be seen of it, array by array: shapes, spectra, stars.
fn seen(trial: &Trial) -> String {
    let mut table = Table::new(&[
        "array",
        "JS",
        "MMD",
        "AUC",
        "skewness",
        "after",
        "kurtosis",
        "after",
        "power",
        "stars",
        "flux 95 %",
        "shift 95 %",
    ]);
    for a in trial.arrays.iter().filter(|a| a.quality.n_changed > 0) {
        let figures = figures(&a.quality, None);
        let of = |name: &str| cell(figures.iter().find(|(n, _)| *n == name).and_then(|(_, x)| *x));
        let mut cells = vec![print::clean(&a.label)];
        let shapes = ["skewness_before", "skewness_after", "kurtosis_before", "kurtosis_after"];
        cells.extend(["js", "mmd", "auc"].into_iter().chain(shapes).chain(["power"]).map(of));
        cells.push(a.quality.stars.map_or("–".into(), |stars| stars.n.to_string()));
        cells.extend(["flux_p95", "shift_p95"].map(of));
        table.row(&cells);
    }
    table.text()
}

/// What the figures leave out.
fn notes(trial: &Trial) -> String {
    let t = &trial.total;
    let mut out = String::new();
    for a in trial.arrays.iter() {
        if let Some(noise) = a.coded.and_then(|c| c.noise) {
            out +=
                &format!("{}: noise σ {}, step {}\n", print::clean(&a.label), number(noise.sigma), number(noise.step));
        }
    }
    if t.n_masked > 0 {
        let changed =
            if t.n_masked_changed > 0 { format!("; {} of them changed", t.n_masked_changed) } else { String::new() };
        out += &format!(
            "{} of {} samples are fill values or not finite, and left out{changed}\n",
            t.n_masked, t.n_samples
        );
    }
    if t.n_lost > 0 {
        out += &format!("{} samples came out as no number, and are part of no figure\n", t.n_lost);
    }
    out
}
