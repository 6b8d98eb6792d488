//! What goes wrong, and with which exit code.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use std::fs;
use std::process::Stdio;

#[test]
fn what_is_missing_or_unreadable_exits_with_2_and_the_others_go_on() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("folder/x", b"x")]);
    sandbox.fails(2, &["compress", "none.fits"], "collapsar: none.fits: does not exist");
    sandbox.fails(2, &["compress", "folder"], "walk it with -r");
    sandbox.fails(2, &["compress", "--weights", "none", "a.fits"], "none: does not exist");
    sandbox.fails(2, &["decompress", "none.clps"], "does not exist");
    let said = sandbox.says(2, &["compress", "none.fits", "a.fits", "folder"]);
    assert!(said.contains("2 of 3 files failed"), "{said}");
    assert!(sandbox.has("a.fits.clps"));
    #[cfg(target_os = "linux")]
    sandbox.fails(2, &["compress", "/dev/zero", "-o", "z"], "is a device");
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_exits_with_2() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::with(&[("secret", b"x")]);
    fs::set_permissions(sandbox.path("secret"), PermissionsExt::from_mode(0o000)).unwrap();
    match fs::read(sandbox.path("secret")) {
        Err(_) => sandbox.fails(2, &["compress", "secret"], "may not be read by you"),
        Ok(_) => eprintln!("skipped: this user, root perhaps, reads every file"),
    }
}

#[test]
fn damage_exits_with_3_and_leaves_nothing() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.says(0, &["compress", "a.fits"]);
    let packed = sandbox.read("a.fits.clps");
    fs::remove_file(sandbox.path("a.fits")).unwrap();
    let damaged = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = packed.clone();
        change(&mut bytes);
        sandbox.write("b.clps", &bytes);
    };
    damaged(&|b| b.truncate(b.len() / 2));
    sandbox.fails(3, &["decompress", "b.clps"], "ends early");
    damaged(&|b| b[0] = b'X');
    sandbox.fails(3, &["test", "b.clps"], "b.clps: ");
    damaged(&|b| {
        let middle = b.len() / 2;
        b[middle] ^= 1;
    });
    sandbox.fails(3, &["decompress", "b.clps"], "checksum");
    sandbox.fails(3, &["info", "b.clps"], "checksum");
    damaged(&|b| {
        // a version from the future: version 9, oldest reader 9, and the sum of it
        (b[8], b[10]) = (9, 9);
        let crc = crc32c::crc32c(&b[..12]);
        b[12..16].copy_from_slice(&crc.to_le_bytes());
    });
    sandbox.fails(3, &["decompress", "b.clps"], "install a newer collapsar");
    damaged(&|b| b.clear());
    sandbox.fails(3, &["decompress", "b.clps"], "b.clps: ");
    assert_eq!(sandbox.names(), ["a.fits.clps", "b.clps"]);
}

#[test]
fn salvage_writes_what_is_left_names_what_is_lost_and_exits_with_3() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(4))]);
    sandbox.says(0, &["compress", "--model", "classic", "a.fits"]);
    let (whole, mut packed) = (sandbox.read("a.fits"), sandbox.read("a.fits.clps"));
    fs::remove_file(sandbox.path("a.fits")).unwrap();
    sandbox.says(0, &["decompress", "--salvage", "a.fits.clps"]);
    assert_eq!(sandbox.read("a.fits"), whole);
    let middle = packed.len() / 2;
    packed[middle] ^= 1;
    sandbox.write("a.fits.clps", &packed);
    sandbox.fails(3, &["decompress", "-f", "a.fits.clps"], "checksum");
    sandbox.fails(1, &["decompress", "--salvage", "a.fits.clps"], "exists");
    let said = sandbox.says(3, &["decompress", "--salvage", "-f", "a.fits.clps"]);
    assert!(said.contains("DAMAGED") && said.contains("a.fits.clps: lost: HDU 0: plane"), "{said}");
    assert!(said.contains("1 part of the content is lost, 1 of "), "{said}");
    let left = sandbox.read("a.fits");
    let same = left.iter().zip(&whole).filter(|(a, b)| a == b).count();
    assert!(left.len() == whole.len() && left != whole && same > whole.len() / 2, "{same} of {}", whole.len());
    let told = &sandbox.json(3, &["decompress", "--salvage", "-f", "--json", "a.fits.clps"])[0];
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
    sandbox.says(1, &["decompress", "--salvage", "--verify", "a.fits.clps"]);
}

#[test]
fn a_model_that_is_not_at_hand_exits_with_7_and_its_hash() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(4)), ("w", &inputs::weights())]);
    let said = sandbox.says(0, &["compress", "--weights", "w", "a.fits"]);
    assert!(said.contains("painted") && said.contains("--embed-weights"), "{said}");
    fs::remove_file(sandbox.path("a.fits")).unwrap();
    let hash = blake3::hash(&inputs::weights()).to_hex().to_string();
    sandbox.fails(7, &["decompress", "a.fits.clps"], &hash);
    sandbox.fails(7, &["test", "a.fits.clps"], "--weights FILE");
    assert!(!sandbox.has("a.fits"));
    assert!(text(&sandbox.output(&["info", "a.fits.clps"]).stdout).contains(&hash));
    sandbox.says(0, &["decompress", "--weights", "w", "a.fits.clps"]);
    assert_eq!(sandbox.read("a.fits"), inputs::cube(4));
    sandbox.says(0, &["compress", "-f", "--weights", "w", "--embed-weights", "a.fits"]);
    let said = sandbox.says(0, &["test", "a.fits.clps"]);
    assert!(said.contains("painted"), "{said}");
    let info = sandbox.json(0, &["info", "--json", "a.fits.clps"]);
    assert_eq!(info[0]["arrays"][0]["model_blake3"], hash.as_str());
    assert!(info[0]["arrays"][0]["modes"]["network"]["tiles"].as_u64().unwrap() > 0);
    sandbox.fails(1, &["compress", "-f", "--model", "nonsense", "a.fits"], "no model 'nonsense'");
    sandbox.fails(3, &["compress", "-f", "--weights", "a.fits", "a.fits"], "not a weights file");
    sandbox.says(0, &["compress", "-f", "--model", "classic", "a.fits"]);
}

#[test]
fn a_model_that_reads_other_cells_is_built_in_and_one_of_ones_own_needs_its_weights() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(4)), ("w", &inputs::deep_weights())]);
    sandbox.says(0, &["compress", "--model", "pixelcnn-deep", "a.fits"]);
    sandbox.says(0, &["test", "a.fits.clps"]);
    sandbox.says(0, &["compress", "-f", "--weights", "w", "a.fits"]);
    let hash = blake3::hash(&inputs::deep_weights()).to_hex().to_string();
    let info = sandbox.json(0, &["info", "--json", "--weights", "w", "a.fits.clps"]);
    assert_eq!(info[0]["arrays"][0]["model_blake3"], hash.as_str());
    assert!(info[0]["arrays"][0]["modes"]["network"]["tiles"].as_u64().unwrap() > 0);
    sandbox.fails(7, &["test", "a.fits.clps"], &hash);
    sandbox.says(0, &["decompress", "-f", "--weights", "w", "a.fits.clps"]);
    assert_eq!(sandbox.read("a.fits"), inputs::cube(4));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_device_exits_with_5_and_a_closed_pipe_ends_quietly() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.says(0, &["compress", "a.fits"]);
    for args in [&["compress", "-c", "a.fits"][..], &["-dc", "a.fits.clps"], &["info", "a.fits.clps"], &["models"]] {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = sandbox.command(args).stdout(full).stderr(Stdio::piped()).output().unwrap();
        assert_eq!(output.status.code(), Some(5), "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("no space is left"), "{}", text(&output.stderr));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = sandbox.command(args).stdout(writer).stderr(Stdio::piped()).output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(141), ""), "{args:?}");
    }
}

#[test]
fn raw_arrays_need_a_shape_that_fits() {
    let samples: Vec<u8> = (0..3000u16).flat_map(|i| (i / 10).to_be_bytes()).collect();
    let sandbox = Sandbox::with(&[("a.raw", &samples)]);
    let raw = |shape: &'static str| ["compress", "-f", "--shape", shape, "--dtype", "u16", "--big-endian", "a.raw"];
    sandbox.says(0, &raw("3,20,50"));
    let info = &sandbox.json(0, &["info", "--json", "a.raw.clps"])[0];
    assert_eq!(info["arrays"][0]["shape"], serde_json::json!([3, 20, 50]));
    sandbox.says(0, &["decompress", "-f", "a.raw.clps"]);
    assert_eq!(sandbox.read("a.raw"), samples);
    sandbox.fails(1, &raw("3,20,51"), "6120 bytes");
    sandbox.fails(1, &raw("99999999999,99999999999"), "shape");
    sandbox.says(1, &["compress", "--shape", "3,x", "--dtype", "u16", "a.raw"]);
    sandbox.says(1, &["compress", "--shape", "3000", "a.raw"]);
    sandbox.says(1, &["compress", "--dtype", "u17", "--shape", "3000", "a.raw"]);
}
