//! How good what comes back is, and over a row of bounds.

use crate::inputs;
use crate::lossy::noisy;
use crate::pages::is_whole;
use crate::sandbox::{Sandbox, text};

/// Each sample of the NPY array, moved by a quarter.
fn moved() -> Vec<u8> {
    let mut npy = inputs::npy();
    for sample in npy[128..].as_chunks_mut::<4>().0 {
        *sample = (f32::from_le_bytes(*sample) + 0.25).to_le_bytes();
    }
    npy
}

#[test]
fn a_file_is_held_against_another_or_against_what_becomes_of_it() {
    let sandbox = Sandbox::with(&[("a.npy", &inputs::npy()), ("b.npy", &moved()), ("c.npy.gz", &inputs::gz(&moved()))]);
    for other in ["b.npy", "c.npy.gz"] {
        let value = &sandbox.json(0, &["eval", "--json", "a.npy", other])[0];
        let (array, total) = (&value["arrays"][0], &value["total"]);
        for (name, figure) in [("largest", 0.25), ("rmse", 0.25), ("bias", 0.25), ("wasserstein", 0.25)] {
            // W1 is one of bins: a 65536th of the range at most
            assert!((array[name].as_f64().unwrap() - figure).abs() < 600.0 / 65536.0, "{name}: {array}");
            assert_eq!(array[name], total[name]);
        }
        assert_eq!((array["rmse"].as_f64(), &value["bytes_out"]), (Some(0.25), &serde_json::Value::Null));
    }
    sandbox.write("a.npy", &noisy());
    sandbox.says(0, &["compress", "--abs", "0.1", "a.npy"]);
    let coded = &sandbox.json(0, &["eval", "--json", "a.npy", "a.npy.clps"])[0];
    let within = &sandbox.json(0, &["eval", "--json", "--abs", "0.1", "a.npy"])[0];
    assert_eq!((&coded["total"], &coded["bytes_out"]), (&within["total"], &sandbox.read("a.npy.clps").len().into()));
    let largest = within["total"]["largest"].as_f64().unwrap();
    assert!(largest > 0.05 && largest <= 0.1);
    let said = text(&sandbox.output(&["eval", "a.npy", "a.npy"]).stdout);
    assert!(said.contains("LOSSLESS") && said.contains('∞'), "{said}");
    assert_eq!(sandbox.json(0, &["eval", "--json", "a.npy"])[0]["lossless"], true);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let sandbox = Sandbox::with(&[
        ("a.npy", &inputs::npy()),
        ("a.fits", &inputs::fits()),
        ("text", b"no arrays"),
        ("empty", b""),
    ]);
    sandbox.fails(1, &["eval", "a.npy", "a.fits"], "different types");
    sandbox.fails(1, &["eval", "a.npy", "text"], "1 arrays cannot be held against 0");
    sandbox.fails(1, &["eval", "text"], "holds no arrays");
    sandbox.fails(1, &["eval", "empty"], "is empty");
    sandbox.fails(2, &["eval", "a.npy", "none"], "does not exist");
    sandbox.says(1, &["eval", "--abs", "1", "a.npy", "a.npy"]);
    sandbox.fails(1, &["report", "--rel", "1e-3,2", "a.npy"], "between 0 and 1");
    sandbox.says(1, &["report", "--rel", "1e-3", "--abs", "1", "a.npy"]);
    sandbox.fails(1, &["report", "--csv", "-", "--html", "-", "a.npy"], "standard output");
}

#[test]
fn a_row_of_bounds_becomes_lines_and_a_page_that_needs_nothing_else() {
    let sandbox = Sandbox::with(&[("a<b>.npy", &noisy())]);
    let args = ["report", "--abs", "0.1,1,10", "--csv", "a.csv", "--html", "a.html", "--json", "a<b>.npy"];
    let value = &sandbox.json(0, &args)[0];
    let bounds = value["bounds"].as_array().unwrap();
    let largest: Vec<f64> = bounds.iter().map(|b| b["total"]["largest"].as_f64().unwrap()).collect();
    assert!(largest.len() == 3 && largest.iter().zip([0.1, 1.0, 10.0]).all(|(e, bound)| *e <= bound), "{largest:?}");
    let csv = text(&sandbox.read("a.csv"));
    let lines: Vec<&str> = csv.lines().collect();
    // the head, and for each codec and bound one array and the total
    assert_eq!(lines.len(), 1 + 4 * 3 * 2);
    assert!(
        lines[0].starts_with("file,codec,bound,array,") && lines[1].starts_with("a<b>.npy,collapsar level 5,abs 0.1,")
    );
    let others = value["others"].as_array().unwrap();
    let names: Vec<&str> = others.iter().map(|other| other["codec"].as_str().unwrap()).collect();
    assert_eq!(names, ["quantised RICE", "quantised zstd -19", "quantised pcodec 8"]);
    for other in others {
        let largest = other["bounds"].as_array().unwrap().iter().map(|b| b["total"]["largest"].as_f64().unwrap());
        assert!(largest.zip([0.1, 1.0, 10.0]).all(|(e, bound)| e <= bound && e > bound / 2.0), "{other}");
    }
    let n_cells = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == n_cells), "{csv}");
    let page = text(&sandbox.read("a.html"));
    assert!(page.contains("<title>a&lt;b&gt;.npy") && page.contains("data:image/png;base64,"));
    for outside in ["http:", "https:", "<script", "url(", "@import", "<link"] {
        assert!(!page.contains(outside), "{outside}");
    }
    is_whole(&page);
    for words in [
        "Rate and distortion",
        "by size and sign",
        "against the value before",
        "Radial power",
        "|gradient|",
        "Largest error, ",
    ] {
        assert!(page.contains(words), "{words}");
    }
    // three charts of curves, and of each bound one of values with the bound drawn twice
    assert_eq!((page.matches("id=\"rd-").count(), page.matches("class=\"bound\"").count()), (3 * 2, 3 * 2));
    sandbox.fails(1, &args, "exists already");
    let again = [&args[..1], &["-f"], &args[1..]].concat();
    sandbox.json(0, &again);
    assert_eq!(text(&sandbox.read("a.html")), page);
}

#[test]
fn several_files_have_a_page_of_all_and_one_each() {
    let mut land = noisy();
    // a fill value in a tenth of the samples
    for sample in land[128..].as_chunks_mut::<4>().0.iter_mut().step_by(10) {
        *sample = 1e20f32.to_le_bytes();
    }
    let sandbox = Sandbox::with(&[
        ("run/a.npy", &noisy()),
        ("run/b.npy", &land),
        ("run/notes", b"cold"),
        ("c.npy", &inputs::npy()),
    ]);
    let args = [
        "report",
        "--rel",
        "1e-2,1e-4",
        "--levels",
        "1,5",
        "--html",
        "all.html",
        "--csv",
        "all.csv",
        "--json",
        "run",
        "c.npy",
    ];
    let told = sandbox.json(0, &args);
    assert_eq!(told.len(), 4, "{told:?}");
    let total = &told[3]["total"];
    let points = total["points"].as_array().unwrap();
    // ours, level 1 and three others at two bounds
    assert_eq!((&total["files"], points.len()), (&3.into(), 5 * 2));
    let n_out = |file: &serde_json::Value| file["bounds"][1]["bytes_out"].as_u64().unwrap();
    assert_eq!(points[1]["bytes_out"], told[..3].iter().map(n_out).sum::<u64>());
    assert!(points.iter().all(|p| p["largest_of_range"].as_f64().unwrap() <= 0.01), "{points:?}");
    // what a fill value was it is
    for other in told[1]["others"].as_array().unwrap() {
        assert_eq!(other["bounds"][0]["arrays"][0]["excluded_changed"], 0, "{other}");
    }
    let page = text(&sandbox.read("all.html"));
    is_whole(&page);
    assert!(page.contains("File by file") && page.contains("class=\"sign c4\""));
    let links: Vec<&str> = page.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert_eq!(links, ["all.pages/a.npy.html", "all.pages/b.npy.html", "all.pages/c.npy.html"]);
    for link in links {
        let single = text(&sandbox.read(link));
        is_whole(&single);
        assert!(single.contains("href=\"../all.html\"") && single.contains("data:image/png"));
    }
    let csv = text(&sandbox.read("all.csv"));
    assert_eq!(csv.lines().count(), 1 + 3 * 5 * 2 * 2);
    let out = text(&sandbox.output(&["report", "--keep", "largest<0.5", "--html", "-", "run", "c.npy"]).stdout);
    assert_eq!((out.matches("<!DOCTYPE").count(), out.matches(" keeps largest").count()), (1, 3));
    let said = text(&sandbox.output(&["report", "--rel", "1e-2", "run/a.npy", "none", "c.npy"]).stdout);
    assert!(said.lines().count() == 1 + 2 * 4 && said.starts_with("file"), "{said}");
    sandbox.fails(2, &["report", "--rel", "1e-2", "none", "c.npy"], "does not exist");
    sandbox.says(1, &["report", "--levels", "1", "--keep", "ks<1", "c.npy"]);
    sandbox.says(1, &["report", "--levels", "10", "c.npy"]);
}

#[test]
fn the_widest_bound_that_keeps_what_is_named_is_recommended() {
    let sandbox = Sandbox::with(&[("a.npy", &noisy())]);
    let asked = ["report", "--keep", "ks<0.02, otsu>0.9", "--html", "a.html", "--json", "a.npy"];
    let value = &sandbox.json(0, &asked)[0];
    let (keep, bounds) = (&value["keep"], value["bounds"].as_array().unwrap());
    assert_eq!(keep["conditions"], "ks<0.02, overlap>0.9");
    // from the tightest on: all that come before the next wider one keep both, and that one breaks what it says
    let keeps = |bound: &serde_json::Value| {
        let array = &bound["arrays"][0];
        array["ks"].as_f64().unwrap() < 0.02 && array["overlap"].as_f64().unwrap() > 0.9
    };
    let losses: Vec<&serde_json::Value> = bounds.iter().map(|bound| &bound["loss"]).collect();
    let chosen = losses.iter().position(|loss| **loss == keep["bound"]).expect("it was tried");
    assert!(bounds[..=chosen].iter().all(keeps) && !keeps(&bounds[chosen + 1]), "{keep}");
    assert_eq!(&keep["broken"]["bound"], losses[chosen + 1]);
    // the bounds are near each other
    let width = |i: usize| losses[i].as_str().unwrap().strip_prefix("rel ").unwrap().parse::<f64>().unwrap();
    let wider = width(chosen + 1) / width(chosen);
    assert!(wider > 1.0 && wider < 1.2, "{wider}");
    let sentence = text(&sandbox.output(&["report", "--keep", "ks<0.02,otsu>0.9", "a.npy"]).stdout);
    assert!(sentence.contains(" keeps ks<0.02, overlap>0.9; ") && sentence.contains(" breaks "), "{sentence}");
    assert!(text(&sandbox.read("a.html")).contains("keeps ks&lt;0.02"));
    // of bounds that were named, one of them
    let value = &sandbox.json(0, &["report", "--keep", "largest<5", "--abs", "0.1,9,2", "--json", "a.npy"])[0];
    assert_eq!((&value["keep"]["bound"], &value["keep"]["broken"]["bound"]), (&"abs 2".into(), &"abs 9".into()));
    sandbox.fails(1, &["report", "--keep", "largest<0.001", "--abs", "1,2", "a.npy"], "no bound that was tried keeps");
    sandbox.fails(1, &["report", "--keep", "colour<1", "a.npy"], "no figure is called colour");
    sandbox.fails(1, &["report", "--keep", "flux<1", "a.npy"], "no array has the figure flux_p95");
    sandbox.says(1, &["report", "--keep", "ks=1", "a.npy"]);
}

#[test]
fn steps_of_the_noise_are_told_with_what_they_came_to() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    let said = sandbox.says(0, &["compress", "--noise-step", "2", "--verify", "a.fits"]);
    assert!(
        said.contains("LOSSY (noise-step 2; σ ") && said.contains(", step ") && said.contains("verified"),
        "{said}"
    );
    let json = &sandbox.json(0, &["eval", "--json", "--noise-step", "2", "a.fits"])[0]["arrays"][0];
    let (sigma, step) = (json["noise"]["sigma"].as_f64().unwrap(), json["noise"]["step"].as_f64().unwrap());
    assert!(step == sigma / 2.0 && json["largest"].as_f64().unwrap() <= step / 2.0, "{json}");
    sandbox.says(1, &["compress", "-f", "--noise-step", "0", "a.fits"]);
    let said = sandbox.says(0, &["compress", "-f", "--denoise", "1.5", "--verify", "a.fits"]);
    assert!(said.contains("LOSSY (denoise 1.5; σ ") && said.contains(" σ), verified"), "{said}");
    assert!(sandbox.output(&["eval", "a.fits", "a.fits.clps"]).stdout.windows(5).any(|word| word == b"LOSSY"));
    let json = &sandbox.json(0, &["compress", "-f", "--json", "--denoise", "1.5", "a.fits"])[0];
    assert_eq!((&json["lossless"], &json["loss"]), (&false.into(), &"denoise 1.5".into()));
    let told = json["off_by"]["sigma"].as_f64().unwrap();
    assert!(told > 0.5 && told <= 1.5, "{json}");
    for wrong in [&["--denoise", "0"][..], &["--denoise", "-1"], &["--denoise", "1", "--noise-step", "2"]] {
        let code = sandbox.output(&[&["compress", "-f"], wrong, &["a.fits"]].concat()).status.code();
        assert!(code.is_some_and(|code| code == 1 || code == 2), "{wrong:?}: {code:?}");
    }
}

#[test]
fn figures_of_windows_spectra_and_stars_are_told_of_what_is_lossy() {
    let sandbox = Sandbox::with(&[("s.fits", &inputs::stars())]);
    let value = &sandbox.json(0, &["eval", "--json", "--near", "40", "s.fits"])[0];
    let (array, total) = (&value["arrays"][0], &value["total"]);
    let figure = |name: &str| array[name].as_f64().unwrap_or_else(|| panic!("no {name} in {array}"));
    assert!((0.5..=1.0).contains(&figure("auc")) && (0.0..1.0).contains(&figure("mmd")), "{array}");
    assert!(figure("js") > 0.0 && figure("skewness_before") > 1.0 && figure("kurtosis_after") > 1.0);
    assert_eq!(array["spectrum"].as_array().unwrap().len(), 5);
    assert!(array["stars"].as_u64().unwrap() >= 8, "{array}");
    assert!(figure("flux_median") <= figure("flux_p95") && figure("flux_p95") <= figure("flux_largest"));
    assert!(figure("flux_p95") > 0.0 && figure("flux_p95") < 0.1 && figure("shift_p95") < 0.5, "{array}");
    for name in ["js", "mmd", "auc", "flux_p95", "shift_p95"] {
        assert_eq!(array[name], total[name], "{name}");
    }
    let said = text(&sandbox.output(&["eval", "--near", "40", "s.fits"]).stdout);
    assert!(said.contains("AUC") && said.contains("flux 95 %") && said.lines().count() < 8, "{said}");
    let said = text(&sandbox.output(&["eval", "s.fits"]).stdout);
    assert!(said.contains("LOSSLESS") && !said.contains("AUC"), "{said}");
}
