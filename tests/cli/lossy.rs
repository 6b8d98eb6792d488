//! What may be lost: bounds that are asked for, told, and held to.

use crate::inputs;
use crate::sandbox::{Sandbox, text};

/// The NPY array with a little noise in it.
pub fn noisy() -> Vec<u8> {
    let mut npy = inputs::npy();
    let mut state = 5u32;
    for sample in npy[128..].as_chunks_mut::<4>().0 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample = (f32::from_le_bytes(*sample) + (state >> 8) as f32 / 1e8).to_le_bytes();
    }
    npy
}

fn largest_error(a: &[u8], b: &[u8]) -> f32 {
    assert_eq!((a.len(), &a[..128]), (b.len(), &b[..128]));
    let pairs = a[128..].as_chunks::<4>().0.iter().zip(b[128..].as_chunks::<4>().0);
    pairs.map(|(a, b)| (f32::from_le_bytes(*a) - f32::from_le_bytes(*b)).abs()).fold(0.0, f32::max)
}

#[test]
fn a_bound_is_told_kept_and_shown() {
    let sandbox = Sandbox::with(&[("a.npy", &noisy())]);
    let said = sandbox.says(0, &["compress", "--abs", "0.01", "a.npy"]);
    assert!(said.contains("LOSSY (abs 0.01; largest error 0.0"), "{said}");
    let shown = text(&sandbox.output(&["info", "a.npy.clps"]).stdout).to_string();
    assert!(shown.contains("within ±0.01 in steps of 0.0"), "{shown}");
    assert!(sandbox.says(0, &["test", "a.npy.clps"]).contains("OK"));
    assert!(sandbox.says(0, &["decompress", "-o", "b.npy", "a.npy.clps"]).contains("LOSSY (±0.01)"));
    let error = largest_error(&noisy(), &sandbox.read("b.npy"));
    assert!(error <= 0.01 && error > 0.005, "{error}");
    let json = &sandbox.json(0, &["compress", "-f", "--json", "--rel", "1e-3", "a.npy"])[0];
    assert_eq!((&json["lossless"], &json["loss"]), (&false.into(), &"rel 0.001".into()));
    let bound = json["arrays"][0]["bound"]["abs"].as_f64().unwrap();
    assert!(json["largest_error"].as_f64().unwrap() <= bound && bound < 0.7);
    assert_eq!(sandbox.json(0, &["info", "--json", "a.npy.clps"])[0]["arrays"][0]["bound"]["abs"], bound);
}

#[test]
fn lossy_files_are_verified_by_their_bounds_before_a_source_goes() {
    for how in [
        &["--abs", "0.01"][..],
        &["--mantissa", "6"],
        &["--mantissa", "6", "--mantissa-mode", "trunc"],
        &["--psnr", "60"],
    ] {
        let sandbox = Sandbox::with(&[("a.npy", &noisy()), ("b.npy.gz", &inputs::gz(&noisy()))]);
        for name in ["a.npy", "b.npy.gz"] {
            let args = [&["compress", "--rm"], how, &[name]].concat();
            let said = sandbox.says(0, &args);
            assert!(said.contains("LOSSY (") && said.contains("), verified"), "{said}");
            assert!(!sandbox.has(name));
        }
        sandbox.says(0, &["decompress", "a.npy.clps"]);
        // there is no .gz that a lossy file could be made into again
        sandbox.says(0, &["decompress", "b.npy.clps"]);
        assert_eq!(sandbox.read("a.npy"), sandbox.read("b.npy"));
        let error = largest_error(&noisy(), &sandbox.read("a.npy"));
        assert!(error > 0.0 && error < 9.0, "{how:?}: {error}");
    }
}

#[test]
fn what_cannot_be_reached_or_means_nothing_is_an_error() {
    let sandbox = Sandbox::with(&[("a.npy", &noisy())]);
    sandbox.fails(1, &["compress", "--ratio", "1e9", "a.npy"], "a ratio of 1e9 is out of reach: the most is ");
    for wrong in [
        &["--abs", "0"][..],
        &["--abs", "-1"],
        &["--abs", "nan"],
        &["--rel", "2"],
        &["--mantissa", "0"],
        &["--mantissa-mode", "trunc"],
        &["--mantissa", "3", "--mantissa-mode", "up"],
        &["--abs", "1", "--rel", "0.1"],
        &["--near", "x"],
    ] {
        sandbox.says(1, &[&["compress"], wrong, &["a.npy"]].concat());
    }
    assert!(!sandbox.has("a.npy.clps"));
}

#[test]
fn what_a_bound_does_not_change_is_lossless() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("text", b"no array at all"), ("a.npy", &noisy())]);
    for args in [
        &["--pw-rel", "0.1", "a.fits"][..],
        &["--abs", "0.5", "a.fits"],
        &["--near", "3", "a.npy"],
        &["--rel", "0.1", "text"],
    ] {
        let said = sandbox.says(0, &[&["compress", "-f", "--verify"], args].concat());
        assert!(said.contains("LOSSLESS, verified"), "{said}");
    }
    let said = sandbox.says(0, &["compress", "-f", "--near", "3", "a.fits"]);
    assert!(said.contains("LOSSY (near 3; largest error 3)"), "{said}");
}

/// An array of 400 numbers in a file.
fn npy(descr: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (20, 20), }}");
    let mut npy = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    npy.extend(format!("{head:<117}\n").bytes());
    npy.extend_from_slice(bytes);
    npy
}

fn doubles(scale: f64) -> Vec<u8> {
    let values = (0..400).map(|i| (i * 7919 % 401) as f64 / 400.0 * scale);
    npy("<f8", &values.flat_map(f64::to_le_bytes).collect::<Vec<u8>>())
}

/// The figure behind some words.
fn figure(said: &str, before: &str, after: &str) -> f64 {
    let (_, rest) = said.split_once(before).unwrap_or_else(|| panic!("no {before:?} in {said}"));
    rest.split_once(after).unwrap_or_else(|| panic!("no {after:?} in {said}")).0.parse().unwrap()
}

#[test]
fn the_largest_error_is_told_in_the_unit_that_was_asked_for() {
    // a range of 600: an error of 5 is one of 0.0083
    let values: Vec<u8> =
        (0..400).flat_map(|i| (((i * 7919 % 401) as f32).sqrt() * 30.0 - 300.0).to_le_bytes()).collect();
    let ints: Vec<u8> = (0..400).flat_map(|i: i32| (((i * 7919 % 401).pow(2) / 400) as i16).to_le_bytes()).collect();
    let sandbox = Sandbox::with(&[("a.npy", &npy("<f4", &values)), ("i.npy", &npy("<i2", &ints))]);
    for (option, bound, before, after, unit) in [
        ("--abs", "5", "(abs 5; largest error ", ")", "abs"),
        ("--rel", "0.01", "(rel 0.01; largest error ", " of the range)", "rel"),
        ("--pw-rel", "0.01", "(pw-rel 0.01; largest error ", " of the sample)", "pw_rel"),
        ("--mantissa", "6", "(mantissa 6, rounded; largest error ", " of the sample)", "pw_rel"),
    ] {
        let json = &sandbox.json(0, &["compress", "-f", "--json", option, bound, "a.npy"])[0];
        let told = json["off_by"][unit].as_f64().unwrap();
        assert_eq!(json["off_by"], json["arrays"][0]["off_by"]);
        let said = sandbox.says(0, &["compress", "-f", option, bound, "a.npy"]);
        let printed = figure(&said, before, after);
        let most = if option == "--mantissa" { 1.0 / 64.0 } else { bound.parse().unwrap() };
        // five digits of it
        assert!((printed / told - 1.0).abs() < 1e-4 && told <= most && told > most / 3.0, "{said}");
    }
    let said = sandbox.says(0, &["compress", "-f", "--psnr", "40", "a.npy"]);
    assert!((40.0..41.0).contains(&figure(&said, "(psnr 40; ", " dB)")), "{said}");
    let said = sandbox.says(0, &["compress", "-f", "--rel", "0.01", "i.npy"]);
    assert!(said.contains("(rel 0.01; largest error 0.01 of the range)"), "{said}");
    let said = sandbox.says(0, &["compress", "-f", "--noise-step", "2", "a.npy"]);
    assert!(figure(&said, "largest error ", " σ)") <= 0.25, "{said}");
    let said = sandbox.says(1, &["compress", "-f", "--denoise", "1", "a.npy"]);
    assert!(said.contains("denoising is for integers"), "{said}");
    let said = sandbox.says(0, &["compress", "-f", "-v", "--rel", "0.01", "a.npy"]);
    assert_eq!(said.matches(" of the range").count(), 2, "{said}");
}

#[test]
fn a_psnr_is_kept_and_measured_where_squares_are_no_floats() {
    for scale in ["1e-300", "1e-170", "1e-160", "1e160", "1e200", "1e300", "1.7e308"] {
        let sandbox = Sandbox::with(&[("a.npy", &doubles(scale.parse().unwrap()))]);
        let said = sandbox.says(0, &["compress", "--psnr", "60", "a.npy"]);
        assert!((60.0..61.0).contains(&figure(&said, "(psnr 60; ", " dB)")), "{scale}: {said}");
        sandbox.says(0, &["decompress", "-o", "b.npy", "a.npy.clps"]);
        for coded in ["a.npy.clps", "b.npy"] {
            let of_all = &sandbox.json(0, &["eval", "--json", "a.npy", coded])[0]["total"];
            assert!((60.0..61.0).contains(&of_all["psnr"].as_f64().unwrap()), "{scale}: {of_all}");
            let said = text(&sandbox.output(&["eval", "a.npy", coded]).stdout);
            assert!(said.contains("LOSSY") && !said.contains('∞') && !said.contains("NaN"), "{scale}: {said}");
        }
        let args = ["report", "-f", "--rel", "0.1,1e-3", "--csv", "r.csv", "--html", "r.html", "a.npy"];
        assert_eq!(sandbox.output(&args).status.code(), Some(0));
        for name in ["r.csv", "r.html"] {
            let written = text(&sandbox.read(name));
            // the words, and not the pictures
            let words = written.split("base64,").map(|part| part.split_once("\" width").map_or(part, |(_, rest)| rest));
            assert!(words.clone().all(|w| !["inf", "NaN", "∞"].iter().any(|n| w.contains(n))), "{scale}: {written}");
        }
    }
}

#[test]
fn floats_up_to_the_largest_are_stored_within_a_bound_of_the_order_of_their_range() {
    let ends = |largest: f64| (0..400).map(move |i| ((i * 7919 % 401) as f64 / 200.0 - 1.0) * largest);
    let singles: Vec<u8> = ends(f64::from(f32::MAX)).flat_map(|x| (x as f32).to_le_bytes()).collect();
    let doubles: Vec<u8> = ends(f64::MAX).flat_map(f64::to_le_bytes).collect();
    let sandbox = Sandbox::with(&[("s.npy", &npy("<f4", &singles)), ("d.npy", &npy("<f8", &doubles))]);
    for (name, largest) in [("s.npy", f64::from(f32::MAX)), ("d.npy", f64::MAX)] {
        for share in ["0.3", "0.4", "0.5", "0.9"] {
            let said = sandbox.says(0, &["compress", "-f", "--rel", share, "--verify", name]);
            let most: f64 = share.parse().unwrap();
            assert!(figure(&said, "largest error ", " of the range") <= most, "{said}");
            sandbox.says(0, &["compress", "-f", "--verify", "--model", "wavelet", "--rel", share, name]);
        }
        sandbox.says(0, &["compress", "-f", "--verify", "--abs", &format!("{:e}", largest * 0.8), name]);
    }
}

#[test]
fn rounded_floats_are_restored_where_that_is_asked_for_and_round_to_the_same() {
    let sandbox = Sandbox::with(&[("a.npy", &noisy())]);
    sandbox.says(0, &["compress", "--mantissa", "6", "a.npy"]);
    sandbox.says(0, &["decompress", "-o", "rounded.npy", "a.npy.clps"]);
    let said = sandbox.says(0, &["decompress", "--restore", "-o", "restored.npy", "a.npy.clps"]);
    assert!(said.contains("RESTORED 1 of 1 arrays, from mantissas of 6 bits"), "{said}");
    let (rounded, restored) = (sandbox.read("rounded.npy"), sandbox.read("restored.npy"));
    assert!(rounded != restored && rounded[..128] == restored[..128]);
    sandbox.says(0, &["compress", "--mantissa", "6", "restored.npy"]);
    sandbox.says(0, &["decompress", "-o", "again.npy", "restored.npy.clps"]);
    assert!(sandbox.read("again.npy") == rounded);

    sandbox.says(0, &["compress", "-o", "whole.clps", "a.npy"]);
    let json = &sandbox.json(0, &["decompress", "--json", "--restore", "-o", "whole.npy", "whole.clps"])[0];
    assert_eq!((&json["restored_bits"][0], &json["lossless"]), (&serde_json::Value::Null, &false.into()));
    assert!(sandbox.read("whole.npy") == noisy());
    assert!(sandbox.says(1, &["decompress", "--restore", "--verify", "a.npy.clps"]).contains("cannot be used with"));
}
