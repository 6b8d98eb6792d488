//! What a file holds, where its bits go, and how far they are from the noise.

mod gather;

use crate::cli::args;
use crate::cli::measure::noise::{self, Noise};
use crate::cli::path::input::{self, Input, Wanted};
use crate::cli::path::weights;
use crate::cli::talk::exit::Tally;
use crate::cli::talk::json;
use crate::cli::talk::print::{self, Talk};
use crate::cli::talk::table::Table;
use collapsar::internals::model::Model;
use collapsar::internals::source::Source;
use collapsar::internals::{ErrorKind, Result};
use gather::{ArrayInfo, Contents};
use serde_json::{Value, json};
use std::sync::Arc;

pub fn run(args: &args::Info) -> Result<Tally> {
    let talk = Talk::from(&args.talk);
    let given = weights::given(&args.weights)?;
    let mut tally = Tally::default();
    for input in &input::inputs(&args.files, Wanted::Clps, talk)? {
        let result = one(input, &given, talk);
        tally.add(&talk, &input.path, result);
    }
    Ok(tally)
}

fn one(input: &Input, given: &[Arc<Model>], talk: Talk) -> Result<()> {
    let opened = input.open()?;
    let contents = gather::contents(&opened.source)?;
    let arrays = match gather::arrays(&opened.source, given) {
        // what can be said without the model is said
        Err(e) if e.kind == ErrorKind::Model => Err(e.message),
        arrays => Ok(arrays?),
    };
    let name = print::name(&input.path);
    let mut value = json_of(opened.source.len(), &contents, &arrays);
    json::put_name(&mut value, "file", &input.path);
    talk.data(&value, || text_of(&name, opened.source.len(), &contents, &arrays, talk.verbose))
}

type Arrays = std::result::Result<Vec<ArrayInfo>, String>;

fn json_of(n_bytes: u64, c: &Contents, arrays: &Arrays) -> Value {
    let array = |a: &ArrayInfo| {
        let modes = a.modes.iter().map(|(mode, (n, bytes))| (mode.to_string(), json!({"tiles": n, "bytes": bytes})));
        json!({
            "label": a.label, "dtype": a.ty.dtype.name(), "shape": a.ty.shape, "big_endian": a.ty.big_endian,
            "map": a.map, "bound": a.bound.map(json::bound), "tile": [a.grid.tile_h, a.grid.tile_w], "tiles": a.grid.n_tiles(), "phases": a.grid.n_phases,
            "reference_planes": a.n_previous,
            "references": a.references.iter().map(|(label, gain)| json!({"label": label, "gain": f64::from(*gain) / 4096.0})).collect::<Vec<Value>>(),
            "model": a.model.as_ref().map(|(name, _)| name),
            "model_blake3": a.model.as_ref().map(|(_, hash)| json::hex(hash)), "refit_bytes": a.refit_bytes,
            "masked_samples": a.n_hidden, "mask_bytes": a.mask_bytes,
            "bytes": a.n_bytes(), "bits_per_sample": noise::round(a.bits_per_sample()),
            "modes": modes.collect::<serde_json::Map<String, Value>>(), "noise": a.noise.map(Noise::json),
        })
    };
    let weights: Vec<Value> =
        c.weights.iter().map(|(name, hash)| json!({"name": name, "blake3": json::hex(hash)})).collect();
    json!({
        "version": c.version, "format": c.format, "level": c.level, "gzip": c.gzip, "bytes": n_bytes,
        "content_bytes": c.content_len, "content_blake3": json::hex(&c.content_blake3),
        "ratio": print::ratio(c.content_len, n_bytes), "embedded_weights": weights,
        "bytes_of": {"heads": c.heads, "tiles": c.tiles, "chunks": c.chunks, "weights": c.weights_bytes, "container": c.container},
        "arrays": arrays.as_ref().map(|a| a.iter().map(array).collect::<Vec<Value>>()).unwrap_or_default(),
        "missing_model": arrays.as_ref().err(),
    })
}

fn text_of(name: &str, n_bytes: u64, c: &Contents, arrays: &Arrays, verbose: bool) -> String {
    let mut out = format!(
        "{name}: .clps version {}, {}{}{}\n  {} → {}  ratio {:.3}\n",
        c.version,
        c.format,
        c.gzip.as_ref().map_or(String::new(), |gz| format!(" in a .gz ({gz})")),
        c.level.map_or(", no level: a model was named".into(), |level| format!(", level {level}")),
        print::bytes(c.content_len),
        print::bytes(n_bytes),
        print::ratio(c.content_len, n_bytes),
    );
    let share = |n: u64| format!("{} ({:.1} %)", print::bytes(n), n as f64 / n_bytes.max(1) as f64 * 100.0);
    let parts = [
        ("tiles", c.tiles),
        ("heads", c.heads),
        ("chunks of bytes", c.chunks),
        ("weights", c.weights_bytes),
        ("container", c.container),
    ];
    let parts = parts.iter().filter(|(_, n)| *n > 0).map(|(what, n)| format!("{what} {}", share(*n)));
    out += &format!("  where the bytes are: {}\n", parts.collect::<Vec<_>>().join(", "));
    if verbose {
        out += &format!("  blake3 of the content: {}\n", json::hex(&c.content_blake3));
    }
    for (name, hash) in &c.weights {
        out += &format!("  weights inside: {} {}\n", print::clean(name), json::hex(&hash[..8]));
    }
    match arrays {
        Err(missing) => out + &format!("  {missing}\n"),
        Ok(arrays) if arrays.is_empty() => out + "  no arrays: the file is stored as bytes\n",
        Ok(arrays) => out + &arrays.iter().map(array_text).collect::<String>(),
    }
}

fn array_text(a: &ArrayInfo) -> String {
    let model = match &a.model {
        None => "no network".to_string(),
        Some((name, hash)) => {
            format!("{} {}{}", print::clean(name), json::hex(&hash[..8]), print::refitted(a.refit_bytes))
        }
    };
    let phases = if a.grid.n_phases == 4 { ", 2×2 phases apart" } else { "" };
    let planes = match a.n_previous {
        0 => String::new(),
        n => format!(", predicted from {n} planes before"),
    };
    let seen = |(label, gain): &(String, i32)| {
        format!(", predicted from {} × {:.3}", print::clean(label), f64::from(*gain) / 4096.0)
    };
    let references: String = a.references.iter().map(seen).collect();
    let mut out = format!(
        "  {}: {}, {}, {model}, {} tiles of {}×{}{phases}{planes}{references}\n",
        print::clean(&a.label),
        collapsar::internals::codec::file::archive::describe(&a.ty),
        a.map,
        a.grid.n_tiles(),
        a.grid.tile_h,
        a.grid.tile_w,
    );
    let mut table = Table::new(&["    mode", "tiles", "bytes"]);
    for (mode, (n, bytes)) in &a.modes {
        table.row(&[format!("    {mode}"), n.to_string(), bytes.to_string()]);
    }
    out += &table.text();
    if a.n_hidden > 0 {
        out +=
            &format!("    {} samples are fill values or exact: masks of {}\n", a.n_hidden, print::bytes(a.mask_bytes));
    }
    out += &format!("    {:.3} bits per sample{}\n", a.bits_per_sample(), noise_text(a));
    out
}

fn noise_text(a: &ArrayInfo) -> String {
    let Some(noise) = a.noise else { return String::new() };
    match (noise.limit_bits(), noise.noise_bits()) {
        (Some(limit), Some(bits)) => {
            let distance = a.bits_per_sample() - limit;
            let verdict = match distance < 0.0 {
                true => "what is near or before is alike, the limit lies lower".to_string(),
                false => format!("{distance:.3} above it"),
            };
            format!(
                "; noise σ {:.2} fills log2(σ√12) = {bits:.3}, limit log2(σ√2πe) = {limit:.3} if it is white: {verdict}",
                noise.sigma
            )
        }
        _ => "; the noise is finer than one int".into(),
    }
}
