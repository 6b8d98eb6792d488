//! The page of one file that is coded without loss: its codecs, and for each array its figures and its maps.

use super::bar::bar;
use super::file::{Figures, File};
use super::maps::{BOX, Maps};
use super::png;
use super::sheet::{self, digits, figure, row, table};
use super::stretch::{self, Scale};
use crate::cli::talk::html::escape;
use crate::cli::talk::print;
use collapsar::internals::codec::file::archive::describe;
use collapsar::internals::sample::number;
use collapsar::internals::tile::classic;

/// Arrays whose maps are drawn; the others have figures only.
pub const MAX_DRAWN: usize = 4;

const MEANING: &str = "The noise limit is an estimate: what white Gaussian noise of the measured σ takes at least, \
log₂(σ √(2πe)) bits per sample. No codec can foresee noise; what lies above the limit is structure that was not \
foreseen, or noise of another kind. Parts without noise can bring an array below it. Where σ is below half a step of the numbers there is no such limit.";

/// The page; `arrays` are the sections of `section`.
pub fn page(file: &File, back: Option<&str>, arrays: &str) -> String {
    let mut out = sheet::head(&format!("{}: what it takes without loss", escape(&file.name)));
    if let Some(back) = back {
        out += &format!("<p><a href=\"{back}\">All files</a></p>\n");
    }
    out += &format!("<h1>{}</h1>\n", escape(&file.name));
    let exposure = file.exposure.map_or(String::new(), |seconds| format!(" Exposed for {} s.", number(seconds)));
    out += &format!(
        "<p>{} became {}, ratio {:.2}; every byte came back. In folder {}.{exposure}</p>\n<p>{}</p>\n",
        print::bytes(file.n_in),
        print::bytes(file.n_out),
        file.ratio(),
        escape(&file.class),
        MEANING
    );
    let mut codecs: Vec<&(String, u64)> = file.codecs.iter().collect();
    codecs.sort_by_key(|codec| codec.1);
    let rows = codecs
        .into_iter()
        .map(|(name, n_out)| row(&escape(name), &[n_out.to_string(), format!("{:.3}", file.ratio_of(*n_out))]));
    out += &table("Codecs at hand, the smallest first", &["codec", "bytes", "ratio"], &rows.collect::<String>());
    out + arrays + sheet::TAIL
}

/// The figures of an array and its maps.
pub fn section(i: usize, array: &Figures, maps: Option<&Maps>) -> String {
    let mut out = format!("<section>\n<h2>{}: {}</h2>\n", escape(&array.label), escape(&describe(&array.ty)));
    if i < MAX_DRAWN {
        match maps {
            Some(maps) => out += &(pictures(i, array, maps) + &in_numbers(maps)),
            None => out += "<p>It is too small or too large to be drawn.</p>\n",
        }
    } else {
        out += &format!("<p>Maps are drawn of the first {MAX_DRAWN} arrays.</p>\n");
    }
    out += &table("Figures", &["of the array", "value"], &figures_of(array, maps));
    let modes = array.modes.iter().map(|(name, (n, bytes))| row(name, &[n.to_string(), bytes.to_string()]));
    out + &table("Tiles by what coded them", &["mode", "tiles", "bytes"], &modes.collect::<String>()) + "</section>\n"
}

/// What is under the maps for those who do not see them.
fn in_numbers(maps: &Maps) -> String {
    let signal = maps.signal();
    let all = [
        ("frame", Some(&maps.raw)),
        ("signal to noise", signal.as_ref()),
        ("bits by tile", Some(&maps.tiles)),
        ("bits by cell, smoothed", maps.cells.as_ref()),
    ];
    let rows = all.into_iter().filter_map(|(name, map)| {
        let of = |share: f64| digits(map.and_then(|map| stretch::quantile(map, share)), 2);
        map.map(|_| row(name, &[0.0, 0.01, 0.5, 0.99, 1.0].map(of)))
    });
    let titles = ["map", "least", "1 %", "median", "99 %", "most"];
    table("The maps in numbers, of evenly spread samples", &titles, &rows.collect::<String>())
}

fn figures_of(array: &Figures, maps: Option<&Maps>) -> String {
    let limit = array.limit();
    let above = limit.map(|limit| array.bits() - limit);
    let mut rows = vec![
        ("bits per sample", digits(Some(array.bits()), 3)),
        ("noise σ, in integer steps", figure(array.noise.map(|noise| (noise.sigma * 1000.0).round() / 1000.0))),
        ("noise limit, bits per sample (an estimate)", digits(limit, 3)),
        ("bits per sample above the limit", digits(above, 3)),
        ("network", array.model.clone().map_or("–".into(), |name| print::clean(&name))),
    ];
    if let Some(maps) = maps {
        rows.push(("median of the plane shown", figure(Some(maps.sky as f32 as f64))));
        rows.push(("σ of the plane shown, in units of the samples", digits(maps.sigma, 3)));
    }
    rows.into_iter().map(|(name, value)| row(name, &[value])).collect()
}

fn pictures(i: usize, array: &Figures, maps: &Maps) -> String {
    let w = maps.w;
    let id = |what: &str| format!("a{i}-{what}");
    let plane = if maps.n_planes > 1 {
        format!(" Plane {} of {}, counted from 0.", maps.plane, maps.n_planes)
    } else {
        String::new()
    };
    let mut out = "<div class=\"side\">\n".to_string();
    if let Some((from, to)) = stretch::zscale(&maps.raw) {
        let scale = Scale { from, to, is_asinh: false };
        let text = format!("The frame as it is, stretched by zscale; its first row is on top.{plane}");
        out += &map(&id("raw"), &maps.raw, w, &scale, &text, None);
    }
    if let Some(signal) = maps.signal() {
        let most = stretch::quantile(&signal, 0.9995).unwrap_or(0.0).max(10.0);
        let scale = Scale { from: -5.0, to: most, is_asinh: true };
        let text = "Signal to noise: (sample − median) / σ, on an asinh scale.";
        out += &map(&id("snr"), &signal, w, &scale, text, None);
    }
    let limit = array.limit();
    let ends = [maps.finest(), &maps.tiles];
    let low = ends.iter().filter_map(|m| stretch::quantile(m, 0.005)).fold(limit.unwrap_or(f64::INFINITY), f64::min);
    let high = ends.iter().filter_map(|m| stretch::quantile(m, 0.995)).fold(limit.unwrap_or(0.0), f64::max);
    let scale = Scale { from: (low - 0.05).max(0.0), to: high + 0.05, is_asinh: false };
    let mark = limit.map(|limit| (limit, "noise limit"));
    let distance = limit.map_or(String::new(), |limit| {
        format!(
            " The array takes {:.2} bits per sample, {:+.2} from the noise limit.",
            array.bits(),
            array.bits() - limit
        )
    });
    let text = format!("Bits per sample, tile by tile, as they lie in the written file.{distance}");
    out += &map(&id("tiles"), &maps.tiles, w, &scale, &text, mark);
    if let Some(cells) = &maps.cells {
        let by = if maps.names.contains(&"counts") { "the table of counts" } else { "the network’s probabilities" };
        let text = format!(
            "Bits per sample by {by}, means over {BOX} × {BOX} samples; of tiles that classic modes coded those of the tile."
        );
        out += &map(&id("cells"), cells, w, &scale, &text, mark);
    }
    out + &modes(&id("modes"), maps) + "</div>\n"
}

fn map(id: &str, values: &[f32], w: usize, scale: &Scale, text: &str, mark: Option<(f64, &str)>) -> String {
    let small = stretch::small(values, w);
    let pixel = |x: &f64| if x.is_nan() { png::CLEAR } else { 1 + (scale.at(*x) * 254.0).round() as u8 };
    let pixels: Vec<u8> = small.values.iter().map(pixel).collect();
    let text = match small.factor {
        1 => text.to_string(),
        f => format!("{text} A pixel is the mean of {f} × {f} samples."),
    };
    let address = png::address(&pixels, small.w);
    framed(
        &address,
        (small.w, small.h),
        &text,
        &bar(id, text.split(['.', ':']).next().unwrap_or_default(), scale, mark),
    )
}

fn framed(address: &str, (w, h): (usize, usize), text: &str, below: &str) -> String {
    let text = escape(text);
    format!(
        "<figure><img class=\"map\" src=\"{address}\" width=\"{w}\" height=\"{h}\" alt=\"{text}\">{below}<figcaption>{text}</figcaption></figure>\n"
    )
}

fn modes(id: &str, maps: &Maps) -> String {
    // the network is always the first colour
    let mut names = maps.names.clone();
    names.sort_by_key(|name| (*name != "network", *name));
    let number = |mode: &u8| {
        let name = maps.names.get(usize::from(*mode)).copied().unwrap_or_default();
        1 + names.iter().position(|n| *n == name).unwrap_or(0) as u8
    };
    let (w, shown) = stretch::most_frequent(&maps.modes, maps.w);
    let pixels: Vec<u8> = shown.iter().map(number).collect();
    let items = names.iter().enumerate().map(|(i, name)| {
        let [r, g, b] = png::kind(i as u8 + 1);
        format!(
            "<li><svg viewBox=\"0 0 16 16\" aria-hidden=\"true\"><rect class=\"frame\" x=\"1\" y=\"1\" width=\"14\" height=\"14\" style=\"fill:rgb({r} {g} {b})\"/></svg>{}</li>",
            if classic::MODE_NAMES.contains(name) { format!("classic: {name}") } else { (*name).to_string() }
        )
    });
    let legend = format!("<ul class=\"legend\" id=\"{id}\">{}</ul>", items.collect::<String>());
    let text = "What coded each tile: the network or the table of counts, or the classic mode that was smaller.";
    framed(&png::address_in(&pixels, w, png::kind), (w, pixels.len() / w.max(1)), text, &legend)
}
