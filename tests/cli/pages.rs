//! Where bits go without loss: pages of one file and of a folder, maps as FITS.

use crate::inputs;
use crate::sandbox::{Sandbox, text};

/// What no page has: anything from elsewhere, and scripts.
const OUTSIDE: [&str; 7] = ["http:", "https:", "<script", "url(", "@import", "<link", "javascript:"];

pub fn is_whole(page: &str) {
    OUTSIDE.iter().for_each(|outside| assert!(!page.contains(outside), "{outside}"));
    for tag in ["svg", "section", "figure", "table", "div", "ul", "a", "g"] {
        let ends = page.matches(&format!("</{tag}>")).count();
        let begins = [" ", ">"].iter().map(|end| page.matches(&format!("<{tag}{end}")).count()).sum::<usize>();
        assert_eq!(begins, ends, "{tag}");
    }
    let words = page.split("base64,").map(|part| part.split_once("\" width").map_or(part, |(_, rest)| rest));
    assert!(words.clone().all(|w| !w.contains("NaN") && !w.contains(">inf")), "a number that is none");
    assert!(page.len() < 5_000_000);
}

/// The HDUs of a FITS file: cards and data.
fn hdus(mut bytes: &[u8]) -> Vec<(Vec<String>, Vec<u8>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let mut cards = Vec::new();
        while !bytes[cards.len() * 80..].starts_with(b"END     ") {
            cards.push(text(&bytes[cards.len() * 80..][..80]));
        }
        let header = ((cards.len() + 1) * 80).next_multiple_of(2880);
        let number = |key: &str| {
            let card = cards.iter().find(|card| card[..8].trim_end() == key)?;
            card[10..].split('/').next()?.trim().parse::<i64>().ok()
        };
        let n = number("NAXIS1").map_or(0, |w| w * number("NAXIS2").unwrap() * number("BITPIX").unwrap().abs() / 8);
        let data = bytes[header..][..n as usize].to_vec();
        bytes = &bytes[header + (n as usize).next_multiple_of(2880)..];
        all.push((cards, data));
    }
    all
}

fn floats(data: &[u8]) -> Vec<f64> {
    data.chunks(4).map(|b| f64::from(f32::from_be_bytes(b.try_into().unwrap()))).collect()
}

#[test]
fn a_file_shows_where_its_bits_go_on_a_page_and_as_fits() {
    let sandbox = Sandbox::with(&[("a<b>.fits", &inputs::stars())]);
    let args = ["report", "--lossless", "--html", "a.html", "--fits", "maps", "--json", "a<b>.fits"];
    let told = sandbox.json(0, &args);
    assert_eq!(told.len(), 1);
    let (told, array) = (&told[0], &told[0]["arrays"][0]);
    assert_eq!((&told["lossless"], &told["exposure_s"]), (&true.into(), &30.0.into()));
    sandbox.says(0, &["compress", "a<b>.fits"]);
    assert_eq!(told["bytes_out"], sandbox.read("a<b>.fits.clps").len());
    let codecs: Vec<&str> = told["codecs"].as_array().unwrap().iter().map(|c| c["codec"].as_str().unwrap()).collect();
    assert_eq!(codecs[..3], ["collapsar level 5", "RICE", "deflate -6"]);
    // 30 720 samples: the spread of the estimate is under 2 %
    let sigma = array["noise"]["sigma"].as_f64().unwrap();
    assert!((sigma / 20.0 - 1.0).abs() < 0.1, "{sigma}");
    let above = array["above_limit_bits"].as_f64().unwrap();
    assert!((0.0..1.0).contains(&above), "{above}");
    let page = text(&sandbox.read("a.html"));
    is_whole(&page);
    assert!(
        page.contains("<title>a&lt;b&gt;.fits") && page.contains("noise limit") && page.contains("Exposed for 30 s")
    );
    assert_eq!(page.matches("data:image/png;base64,").count(), 5);

    let maps = hdus(&sandbox.read("maps/a_b_.fits.maps.fits"));
    let name = |cards: &[String]| cards.iter().find(|c| c.starts_with("EXTNAME")).map(|c| c[11..19].trim().to_string());
    let names: Vec<Option<String>> = maps.iter().map(|hdu| name(&hdu.0)).collect();
    assert_eq!(
        names,
        [None, Some("SNR".into()), Some("BITSTILE".into()), Some("BITSCELL".into()), Some("MODE".into())]
    );
    let original = text(&inputs::stars()[..2880]);
    for (cards, _) in &maps[1..] {
        for key in ["CTYPE1", "CTYPE2", "CRPIX1", "CRVAL2", "CD1_1", "CD2_2"] {
            let card = cards.iter().find(|card| card.starts_with(&format!("{key:<8}="))).unwrap();
            assert!(original.contains(card), "{card}");
        }
        assert!(!cards.iter().any(|card| card.starts_with("OBSERVER")));
    }
    // the bits of tiles add up to what the written file has
    let bytes: u64 = array["modes"].as_array().unwrap().iter().map(|m| m["bytes"].as_u64().unwrap()).sum();
    let bits: f64 = floats(&maps[2].1).iter().sum();
    assert!((bits / 8.0 - bytes as f64).abs() < 1e-3 * bytes as f64, "{bits} {bytes}");
    // cells take what their tiles take, but for the framing
    let cells: f64 = floats(&maps[3].1).iter().sum();
    assert!((cells / bits - 1.0).abs() < 0.02, "{cells} {bits}");
    assert!(floats(&maps[1].1).iter().any(|x| *x > 50.0), "stars stand out of the noise");

    sandbox.fails(1, &args, "exists already");
    let again = [&args[..1], &["-f"], &args[1..]].concat();
    sandbox.json(0, &again);
    assert_eq!(text(&sandbox.read("a.html")), page);
}

#[test]
fn a_folder_has_a_page_that_leads_to_those_of_its_files_outliers_first() {
    let sandbox = Sandbox::with(&[
        ("night/one/a.fits", &inputs::exposed(30, 20.0)),
        ("night/one/b.fits", &inputs::exposed(60, 20.0)),
        ("night/one/c.fits", &inputs::exposed(90, 20.0)),
        ("night/one/noisy.fits", &inputs::exposed(120, 300.0)),
        ("night/two/a.fits", &inputs::exposed(10, 3.0)),
        ("night/two/notes.txt", b"clouds after midnight"),
    ]);
    let told = sandbox.json(0, &["report", "--lossless", "--html", "night.html", "--json", "night"]);
    assert_eq!(told.len(), 6);
    let total = &told[5]["total"];
    assert_eq!((&total["files"], &total["without_arrays"]), (&5.into(), &1.into()));
    let page = text(&sandbox.read("night.html"));
    is_whole(&page);
    for heading in ["Ratio by class", "Ratio against exposure time", "Ratio against noise", "All files"] {
        assert!(page.contains(&format!("<h2>{heading}</h2>")), "{heading}");
    }
    let links: Vec<&str> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    // charts and tables lead to all of them
    assert!(links.len() >= 3 * 5, "{links:?}");
    for link in &links {
        let single = text(&sandbox.read(link));
        is_whole(&single);
        assert!(single.contains("href=\"../night.html\""));
    }
    assert!(sandbox.has("night.pages/a.fits.html") && sandbox.has("night.pages/two-a.fits.html"));
    let said = text(&sandbox.output(&["report", "--lossless", "night"]).stdout);
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines.len() == 6 && lines[0].starts_with("file") && lines[1].starts_with("noisy.fits"), "{said}");
    let (_, files) = page.split_once("<h2>All files</h2>").unwrap();
    assert!(files.find("noisy.fits") < files.find("b.fits"));
    let out = text(&sandbox.output(&["report", "--lossless", "--html", "-", "night/one"]).stdout);
    is_whole(&out);
    assert!(out.contains("<h2>All files</h2>") && !out.contains("href=") && out.matches("<!DOCTYPE").count() == 1);
}

#[test]
fn what_is_cut_short_or_has_no_image_is_reported_as_far_as_it_goes() {
    let whole = inputs::stars();
    let mut values: Vec<u8> = inputs::npy();
    values.truncate(128);
    values.extend((0..2400).flat_map(|i| (if i % 7 == 0 { f32::NAN } else { i as f32 }).to_le_bytes()));
    let sandbox = Sandbox::with(&[
        ("cut.fits", &whole[..2880 + 40_000]),
        ("nan.npy", &values),
        ("cube.fits", &inputs::cube(3)),
        ("zipped.fits.gz", &inputs::gz(&whole)),
        ("raw", &vec![7; 6400]),
        ("text", b"no arrays"),
        ("empty", b""),
    ]);
    for name in ["cut.fits", "nan.npy", "cube.fits", "zipped.fits.gz"] {
        let said =
            text(&sandbox.output(&["report", "--lossless", "-f", "--html", "p.html", "--ds9", "m", name]).stdout);
        assert!(said.contains(name), "{said}");
        is_whole(&text(&sandbox.read("p.html")));
        assert_eq!(sandbox.read(&format!("m/{name}.maps.fits")).len() % 2880, 0);
    }
    let raw = ["report", "--lossless", "--json", "--dtype", "u16", "--shape", "40,80", "raw"];
    let told = &sandbox.json(0, &raw)[0];
    assert!(told["codecs"].as_array().unwrap().iter().all(|codec| codec["codec"] != "RICE"), "{told}");
    sandbox.fails(1, &["report", "--lossless", "text"], "holds no arrays");
    sandbox.fails(1, &["report", "--lossless", "empty"], "is empty");
    sandbox.fails(2, &["report", "--lossless", "none"], "does not exist");
    // the others are reported
    assert!(sandbox.says(1, &["report", "--lossless", "--html", "some.html", "text", "cut.fits"]).contains("text"));
    assert!(text(&sandbox.read("some.html")).contains("cut.fits"));
    assert!(sandbox.has("some.pages/cut.fits.html"));
}

#[test]
fn options_of_bounds_and_of_lossless_reports_are_told_apart() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("b.fits", &inputs::fits())]);
    sandbox.says(1, &["report", "--lossless", "--rel", "1e-3", "a.fits"]);
    sandbox.says(1, &["report", "--lossless", "--csv", "a.csv", "a.fits"]);
    sandbox.says(1, &["report", "--fits", "maps", "a.fits"]);
    sandbox.says(1, &["report"]);
    sandbox.fails(1, &["report", "--lossless", "--html", "-", "--json", "a.fits"], "standard output takes one of");
    assert_eq!(sandbox.names(), ["a.fits", "b.fits"]);
}
