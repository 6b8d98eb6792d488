//! What goes wrong, and with which exit code.

use crate::desk::{Desk, text};
use crate::painted;
use std::fs;
use std::process::Stdio;

#[test]
fn what_is_missing_or_unreadable_exits_with_2_and_the_others_go_on() {
    let desk = Desk::with(&[("a.fits", &painted::fits()), ("folder/x", b"x")]);
    desk.fails(2, &["compress", "none.fits"], "collapsar: none.fits: does not exist");
    desk.fails(2, &["compress", "folder"], "walk it with -r");
    desk.fails(2, &["compress", "--weights", "none", "a.fits"], "none: does not exist");
    desk.fails(2, &["decompress", "none.clps"], "does not exist");
    let said = desk.says(2, &["compress", "none.fits", "a.fits", "folder"]);
    assert!(said.contains("2 of 3 files failed"), "{said}");
    assert!(desk.has("a.fits.clps"));
    #[cfg(target_os = "linux")]
    desk.fails(2, &["compress", "/dev/zero", "-o", "z"], "is a device");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_exits_with_2() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(&[("secret", b"x")]);
    fs::set_permissions(desk.path("secret"), PermissionsExt::from_mode(0o000)).unwrap();
    if fs::read(desk.path("secret")).is_err() {
        desk.fails(2, &["compress", "secret"], "may not be read by you");
    } // root reads everything
}

#[test]
fn damage_exits_with_3_and_leaves_nothing() {
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    desk.says(0, &["compress", "a.fits"]);
    let packed = desk.read("a.fits.clps");
    fs::remove_file(desk.path("a.fits")).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = packed.clone();
        change(&mut bytes);
        desk.write("b.clps", &bytes);
    };
    damaged(&|b| b.truncate(b.len() / 2));
    desk.fails(3, &["decompress", "b.clps"], "ends early");
    damaged(&|b| b[0] = b'X');
    desk.fails(3, &["test", "b.clps"], "b.clps: ");
    damaged(&|b| {
        let middle = b.len() / 2;
        b[middle] ^= 1;
    });
    desk.fails(3, &["decompress", "b.clps"], "checksum");
    desk.fails(3, &["info", "b.clps"], "checksum");
    damaged(&|b| {
        // a version from the future: version 9, oldest reader 9, and the sum of it
        (b[8], b[10]) = (9, 9);
        let crc = crc32c::crc32c(&b[..12]);
        b[12..16].copy_from_slice(&crc.to_le_bytes());
    });
    desk.fails(3, &["decompress", "b.clps"], "install a newer collapsar");
    damaged(&|b| b.clear());
    desk.fails(3, &["decompress", "b.clps"], "b.clps: ");
    assert_eq!(desk.names(), ["a.fits.clps", "b.clps"]);
}

#[test]
fn salvage_writes_what_is_left_names_what_is_lost_and_exits_with_3() {
    let desk = Desk::with(&[("a.fits", &painted::cube(4))]);
    desk.says(0, &["compress", "--model", "classic", "a.fits"]);
    let (whole, mut packed) = (desk.read("a.fits"), desk.read("a.fits.clps"));
    fs::remove_file(desk.path("a.fits")).unwrap();
    desk.says(0, &["decompress", "--salvage", "a.fits.clps"]);
    assert_eq!(desk.read("a.fits"), whole);
    let middle = packed.len() / 2;
    packed[middle] ^= 1;
    desk.write("a.fits.clps", &packed);
    desk.fails(3, &["decompress", "-f", "a.fits.clps"], "checksum");
    desk.fails(1, &["decompress", "--salvage", "a.fits.clps"], "exists");
    let said = desk.says(3, &["decompress", "--salvage", "-f", "a.fits.clps"]);
    assert!(said.contains("DAMAGED") && said.contains("a.fits.clps: lost: HDU 0: plane"), "{said}");
    assert!(said.contains("1 part of the content is lost, 1 of "), "{said}");
    let left = desk.read("a.fits");
    let same = left.iter().zip(&whole).filter(|(a, b)| a == b).count();
    assert!(left.len() == whole.len() && left != whole && same > whole.len() / 2, "{same} of {}", whole.len());
    let told = &desk.json(3, &["decompress", "--salvage", "-f", "--json", "a.fits.clps"])[0];
    assert_eq!((told["lossless"].as_bool(), told["lost"].as_array().map(Vec::len)), (Some(false), Some(1)));
    let lost = &told["lost"][0];
    let ends = |of: &str| (lost[of][0].as_u64().unwrap() as usize, lost[of][1].as_u64().unwrap() as usize);
    let ((plane, after), (y, below), (x, beside)) = (ends("planes"), ends("rows"), ends("columns"));
    assert_eq!((lost["array"].as_str(), lost["written"].as_str()), (Some("HDU 0"), Some("0")));
    assert_eq!((told["damage"].as_array().map(Vec::len), told["parts_lost"].as_u64()), (Some(1), Some(1)));
    for i in 0..4 * 80 * 96 {
        let named = (plane..after).contains(&(i / 7680))
            && (y..below).contains(&(i / 96 % 80))
            && (x..beside).contains(&(i % 96));
        let sample = 2880 + 2 * i..2882 + 2 * i;
        let wanted = if named { &[0, 0] } else { &whole[sample.clone()] };
        assert_eq!(&left[sample], wanted, "sample {i}, {lost}");
    }
    desk.says(1, &["decompress", "--salvage", "--verify", "a.fits.clps"]);
}

#[test]
fn a_model_that_is_not_at_hand_exits_with_7_and_its_hash() {
    let desk = Desk::with(&[("a.fits", &painted::cube(4)), ("w", &painted::weights())]);
    let said = desk.says(0, &["compress", "--weights", "w", "a.fits"]);
    assert!(said.contains("painted") && said.contains("--embed-weights"), "{said}");
    fs::remove_file(desk.path("a.fits")).unwrap();
    let hash = blake3::hash(&painted::weights()).to_hex().to_string();
    desk.fails(7, &["decompress", "a.fits.clps"], &hash);
    desk.fails(7, &["test", "a.fits.clps"], "--weights FILE");
    assert!(!desk.has("a.fits"));
    assert!(text(&desk.output(&["info", "a.fits.clps"]).stdout).contains(&hash));
    desk.says(0, &["decompress", "--weights", "w", "a.fits.clps"]);
    assert_eq!(desk.read("a.fits"), painted::cube(4));
    desk.says(0, &["compress", "-f", "--weights", "w", "--embed-weights", "a.fits"]);
    let said = desk.says(0, &["test", "a.fits.clps"]);
    assert!(said.contains("painted"), "{said}");
    let info = desk.json(0, &["info", "--json", "a.fits.clps"]);
    assert_eq!(info[0]["arrays"][0]["model_blake3"], hash.as_str());
    assert!(info[0]["arrays"][0]["modes"]["network"]["tiles"].as_u64().unwrap() > 0);
    desk.fails(1, &["compress", "-f", "--model", "nonsense", "a.fits"], "no model 'nonsense'");
    desk.fails(3, &["compress", "-f", "--weights", "a.fits", "a.fits"], "not a weights file");
    desk.says(0, &["compress", "-f", "--model", "classic", "a.fits"]);
}

#[test]
fn a_model_that_looks_around_is_built_in_and_one_of_ones_own_needs_its_weights() {
    let desk = Desk::with(&[("a.fits", &painted::cube(4)), ("w", &painted::deep_weights())]);
    desk.says(0, &["compress", "--model", "pixelcnn-deep", "a.fits"]);
    desk.says(0, &["test", "a.fits.clps"]);
    desk.says(0, &["compress", "-f", "--weights", "w", "a.fits"]);
    let hash = blake3::hash(&painted::deep_weights()).to_hex().to_string();
    let info = desk.json(0, &["info", "--json", "--weights", "w", "a.fits.clps"]);
    assert_eq!(info[0]["arrays"][0]["model_blake3"], hash.as_str());
    assert!(info[0]["arrays"][0]["modes"]["network"]["tiles"].as_u64().unwrap() > 0);
    desk.fails(7, &["test", "a.fits.clps"], &hash);
    desk.says(0, &["decompress", "-f", "--weights", "w", "a.fits.clps"]);
    assert_eq!(desk.read("a.fits"), painted::cube(4));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_exits_with_5_and_a_closed_pipe_ends_quietly() {
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    desk.says(0, &["compress", "a.fits"]);
    for args in [&["compress", "-c", "a.fits"][..], &["-dc", "a.fits.clps"], &["info", "a.fits.clps"], &["models"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = desk.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("no space is left"), "{}", text(&output.stderr));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk.command(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(141), ""), "{args:?}");
    }
}

#[test]
fn raw_arrays_need_a_shape_that_fits() {
    let samples: Vec<u8> = (0..3000u16).flat_map(|i| (i / 10).to_be_bytes()).collect();
    let desk = Desk::with(&[("a.raw", &samples)]);
    let raw = |shape: &'static str| ["compress", "-f", "--shape", shape, "--dtype", "u16", "--big-endian", "a.raw"];
    desk.says(0, &raw("3,20,50"));
    let info = &desk.json(0, &["info", "--json", "a.raw.clps"])[0];
    assert_eq!(info["arrays"][0]["shape"], serde_json::json!([3, 20, 50]));
    desk.says(0, &["decompress", "-f", "a.raw.clps"]);
    assert_eq!(desk.read("a.raw"), samples);
    desk.fails(1, &raw("3,20,51"), "6120 bytes");
    desk.fails(1, &raw("99999999999,99999999999"), "shape");
    desk.says(1, &["compress", "--shape", "3,x", "--dtype", "u16", "a.raw"]);
    desk.says(1, &["compress", "--shape", "3000", "a.raw"]);
    desk.says(1, &["compress", "--dtype", "u17", "--shape", "3000", "a.raw"]);
}
