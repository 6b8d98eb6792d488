//! files → each coded without loss → a page per file, a page of all, FITS of maps, JSON, a table
//!
//! The same files and options give the same bytes: no time is told.

use super::file::{Coded, Figures, File};
use super::places::{Places, is_stdout, put, title};
use super::sheet::{digits, figure};
use super::{fits, folder, single};
use crate::cli::args::{self, Files};
use crate::cli::machine::resources;
use crate::cli::measure::noise::Noise;
use crate::cli::measure::trial::NO_ARRAYS;
use crate::cli::path::input::{self, Input, Wanted};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use collapsar::internals::model::Model;
use collapsar::internals::{Error, Result};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn run(args: &args::Report) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let to_stdout = args.html.as_deref().is_some_and(is_stdout);
    if to_stdout && talk.json {
        return Err(Error::argument("standard output takes one of --html - and --json"));
    }
    let given = weights::given(&args.coding.weights)?;
    let models = weights::at_hand(&given);
    let inputs = input::inputs(&Files { files: args.files.clone(), recursive: true }, Wanted::Others, talk)?;
    let is_one = inputs.len() == 1 && inputs[0].root.is_none();
    let mut places = Places::new(args, is_one)?;
    let (mut tally, mut files, mut links, mut n_skipped) = (Tally::default(), Vec::new(), Vec::new(), 0);
    for input in &inputs {
        let result = one(input, args, (&given, &models), &mut places);
        let Some(done) = tally.add(&talk, &input.path, result) else { continue };
        let Some((file, link)) = done else {
            n_skipped += 1;
            continue;
        };
        if talk.json {
            talk.data(&json_of(&file), String::new)?;
        } else if inputs.len() > 1 {
            talk.verbose(&format!("{}: ratio {:.3}", print::name(&input.path), file.ratio()));
        }
        files.push(file);
        links.push(link);
    }
    if n_skipped > 0 {
        talk.line(&format!("{n_skipped} files hold no arrays that are understood"));
    }
    if files.is_empty() {
        return Ok(tally);
    }
    if !is_one {
        let title = title(&args.files, files.len());
        if let Some(page) = &places.page {
            put(page, args.force, &folder::page(&title, &files, &links, n_skipped))?;
        }
        if talk.json {
            talk.data(&total(&files, n_skipped), String::new)?;
        }
    }
    if !talk.json && !to_stdout {
        print::out(&text(&files, &links))?;
    }
    Ok(tally)
}

/// None where it was found in a folder and holds no arrays.
fn one(
    input: &Input,
    args: &args::Report,
    (given, models): (&[Arc<Model>], &[Arc<Model>]),
    places: &mut Places,
) -> Result<Option<(File, Option<String>)>> {
    let Some(coded) = Coded::new(input, args.raw.array(), &args.coding, given, models)? else {
        return match input.root {
            Some(_) => Ok(None),
            None => Err(Error::argument(NO_ARRAYS)),
        };
    };
    let name = places.name(&coded.file.name, &coded.file.class);
    let (page, link) = places.page_of(&name)?;
    let mut maps_file = places.fits_of(&name)?;
    if let Some(sink) = &mut maps_file {
        fits::begin(sink)?;
    }
    let mut sections = String::new();
    if page.is_some() || maps_file.is_some() {
        let n_most = if maps_file.is_some() { usize::MAX } else { single::MAX_DRAWN };
        coded.maps(n_most, |i, array, maps| {
            if page.is_some() {
                sections += &single::section(i, array, maps.as_ref());
            }
            match (&mut maps_file, &maps) {
                (Some(sink), Some(maps)) => fits::write(sink, i + 1, &array.label, maps, &array.cards),
                _ => Ok(()),
            }
        })?;
    }
    if let Some(sink) = maps_file {
        sink.finish(None)?;
    }
    if let Some(path) = page {
        put(&path, args.force, &single::page(&coded.file, places.back().as_deref(), &sections))?;
    }
    Ok(Some((coded.file, link)))
}

fn text(files: &[File], links: &[Option<String>]) -> String {
    let mut table = Table::new(&["file", "class", "ratio", "off", "bits", "limit", "above", "best other", "exposure"]);
    for e in folder::entries(files, links) {
        let (file, main) = (e.file, e.file.main());
        let best = file.codecs.iter().skip(1).min_by_key(|codec| codec.1);
        table.row(&[
            file.name.clone(),
            file.class.clone(),
            format!("{:.3}", file.ratio()),
            folder::off(e.off),
            digits(main.map(Figures::bits), 2),
            digits(main.and_then(Figures::limit), 2),
            digits(file.above(), 2),
            best.map_or("–".into(), |(name, n_out)| format!("{:.3} {name}", file.ratio_of(*n_out))),
            figure(file.exposure),
        ]);
    }
    table.text()
}

fn json_of(file: &File) -> Value {
    let array = |array: &Figures| {
        let modes = array.modes.iter().map(|(mode, (n, bytes))| json!({"mode": mode, "tiles": n, "bytes": bytes}));
        json!({
            "label": array.label, "dtype": array.ty.dtype.name(), "shape": array.ty.shape, "bytes": array.n_bytes,
            "bits_per_sample": array.bits(), "noise": array.noise.map(Noise::json), "network": array.model,
            "above_limit_bits": array.limit().map(|limit| array.bits() - limit),
            "modes": modes.collect::<Vec<Value>>(),
        })
    };
    let codec = |(name, n_out): &(String, u64)| json!({"codec": name, "bytes_out": n_out, "ratio": print::ratio(file.n_in, *n_out)});
    let is_network = file.arrays.iter().any(|array| array.modes.contains_key("network"));
    let mut value = json!({
        "class": file.class, "bytes_in": file.n_in, "bytes_out": file.n_out, "lossless": true,
        "ratio": print::ratio(file.n_in, file.n_out), "exposure_s": file.exposure,
        "codecs": file.codecs.iter().map(codec).collect::<Vec<Value>>(),
        "arrays": file.arrays.iter().map(array).collect::<Vec<Value>>(),
        "device": resources::used(is_network).json(),
    });
    json::put_name(&mut value, "file", &file.path);
    value
}

fn total(files: &[File], n_skipped: usize) -> Value {
    let (n_in, n_out) = (files.iter().map(|f| f.n_in).sum::<u64>(), files.iter().map(|f| f.n_out).sum::<u64>());
    json!({"total": {
        "files": files.len(), "without_arrays": n_skipped, "bytes_in": n_in, "bytes_out": n_out,
        "ratio": print::ratio(n_in, n_out),
    }})
}
