//! What may be lost: bounds that are asked for, told, and held to.

use crate::desk::{Desk, text};
use crate::painted;

/// The painted array with a little noise in it.
pub fn noisy() -> Vec<u8> {
    let mut npy = painted::npy();
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
    let desk = Desk::with(&[("a.npy", &noisy())]);
    let said = desk.says(0, &["compress", "--abs", "0.01", "a.npy"]);
    assert!(said.contains("LOSSY (abs 0.01; largest error 0.0"), "{said}");
    let shown = text(&desk.output(&["info", "a.npy.clps"]).stdout).to_string();
    assert!(shown.contains("within ±0.01 in steps of 0.0"), "{shown}");
    assert!(desk.says(0, &["test", "a.npy.clps"]).contains("OK"));
    assert!(desk.says(0, &["decompress", "-o", "b.npy", "a.npy.clps"]).contains("LOSSY (±0.01)"));
    let error = largest_error(&noisy(), &desk.read("b.npy"));
    assert!(error <= 0.01 && error > 0.005, "{error}");
    let json = &desk.json(0, &["compress", "-f", "--json", "--rel", "1e-3", "a.npy"])[0];
    assert_eq!((&json["lossless"], &json["loss"]), (&false.into(), &"rel 0.001".into()));
    let bound = json["arrays"][0]["bound"]["abs"].as_f64().unwrap();
    assert!(json["largest_error"].as_f64().unwrap() <= bound && bound < 0.7);
    assert_eq!(desk.json(0, &["info", "--json", "a.npy.clps"])[0]["arrays"][0]["bound"]["abs"], bound);
}

#[test]
fn lossy_files_are_verified_by_their_bounds_before_a_source_goes() {
    for how in [
        &["--abs", "0.01"][..],
        &["--mantissa", "6"],
        &["--mantissa", "6", "--mantissa-mode", "trunc"],
        &["--psnr", "60"],
    ] {
        let desk = Desk::with(&[("a.npy", &noisy()), ("b.npy.gz", &painted::gz(&noisy()))]);
        for name in ["a.npy", "b.npy.gz"] {
            let args = [&["compress", "--rm"], how, &[name]].concat();
            let said = desk.says(0, &args);
            assert!(said.contains("LOSSY (") && said.contains("), verified"), "{said}");
            assert!(!desk.has(name));
        }
        desk.says(0, &["decompress", "a.npy.clps"]);
        // there is no .gz that a lossy file could be made into again
        desk.says(0, &["decompress", "b.npy.clps"]);
        assert_eq!(desk.read("a.npy"), desk.read("b.npy"));
        let error = largest_error(&noisy(), &desk.read("a.npy"));
        assert!(error > 0.0 && error < 9.0, "{how:?}: {error}");
    }
}

#[test]
fn what_cannot_be_reached_or_means_nothing_is_an_error() {
    let desk = Desk::with(&[("a.npy", &noisy())]);
    desk.fails(4, &["compress", "--ratio", "1e9", "a.npy"], "is not reached");
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
        desk.says(1, &[&["compress"], wrong, &["a.npy"]].concat());
    }
    assert!(!desk.has("a.npy.clps"));
}

#[test]
fn what_a_bound_does_not_change_is_lossless() {
    let desk = Desk::with(&[("a.fits", &painted::fits()), ("text", b"no array at all"), ("a.npy", &noisy())]);
    for args in [
        &["--pw-rel", "0.1", "a.fits"][..],
        &["--abs", "0.5", "a.fits"],
        &["--near", "3", "a.npy"],
        &["--rel", "0.1", "text"],
    ] {
        let said = desk.says(0, &[&["compress", "-f", "--verify"], args].concat());
        assert!(said.contains("LOSSLESS, verified"), "{said}");
    }
    let said = desk.says(0, &["compress", "-f", "--near", "3", "a.fits"]);
    assert!(said.contains("LOSSY (near 3; largest error 3,"), "{said}");
}
