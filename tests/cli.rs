//! The command as its users meet it: files, streams, refusals, exit codes.

mod painted {
    //! Small files of every kind.
    use std::io::Write;

    pub fn fits() -> Vec<u8> {
        cube(1)
    }

    /// The same noise in every plane: only who looks at the plane before can foresee it.
    pub fn cube(n_planes: u32) -> Vec<u8> {
        let cards = [("SIMPLE", "T"), ("BITPIX", "16"), ("NAXIS", "3"), ("NAXIS1", "96"), ("NAXIS2", "80")];
        let card = |key: &str, value: &str| format!("{:<80}", format!("{key:<8}= {value:>20}"));
        let mut out: String = cards.iter().map(|(key, value)| card(key, value)).collect();
        out += &card("NAXIS3", &n_planes.to_string());
        out += &format!("{:<80}", "END");
        let mut out = out.into_bytes();
        out.resize(2880, b' ');
        for plane in 0..n_planes {
            let mut state = 1u32;
            for i in 0..96 * 80u32 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                out.extend(((1000 + plane + i % 96 + (state >> 22)) as u16).to_be_bytes());
            }
        }
        out.resize(out.len().next_multiple_of(2880), 0);
        out
    }

    pub fn npy() -> Vec<u8> {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (40, 60), }";
        let mut out = b"\x93NUMPY\x01\x00".to_vec();
        out.extend(118u16.to_le_bytes());
        out.extend(format!("{text:<117}\n").bytes());
        out.extend((0..2400).flat_map(|i| (i as f32 * 0.25 - 3.0).to_le_bytes()));
        out
    }

    pub fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut writer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap()
    }

    /// A .gz that no writer we know would make: stored blocks with an odd cut.
    pub fn odd_gz(bytes: &[u8]) -> Vec<u8> {
        let mut out = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        let n_blocks = bytes.len().div_ceil(777);
        for (i, block) in bytes.chunks(777).enumerate() {
            out.push(u8::from(i + 1 == n_blocks));
            out.extend((block.len() as u16).to_le_bytes());
            out.extend((!(block.len() as u16)).to_le_bytes());
            out.extend(block);
        }
        let mut crc = flate2::Crc::new();
        crc.update(bytes);
        out.extend(crc.sum().to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out
    }

    /// A weights file whose predictor sees the plane before.
    pub fn weights() -> Vec<u8> {
        use collapsar::kernel::predict::Linear;
        use collapsar::model::{Family, Model, Part};
        use collapsar::net::{Layer, Net, Pass, Spec};
        let mut taps: Vec<(i32, i32)> = (-3..=0).flat_map(|dy| (-3..=3).map(move |dx| (dy, dx))).collect();
        taps.retain(|&(dy, dx)| dy < 0 || dx < 0);
        taps.sort_by_key(|&(dy, dx)| (dy * dy + dx * dx, dy, dx));
        let spec = Spec {
            pass: Pass::Raster,
            k: 1,
            taps,
            n_linear: 6,
            n_values: 4,
            n_residuals: 4,
            n_refs: 0,
            ref_taps: vec![(0, 0), (0, -1), (-1, 0)],
            near_log2: 3,
            wide_log2: 4,
            scale_floor: 16,
            feature_shift: 4,
        };
        let n_in = spec.n_features().next_multiple_of(4);
        let layer = Layer { n_in, n_out: 3, weights: vec![0; 3 * n_in], bias: vec![0, 0, -128], shift: vec![0; 3] };
        let part = Part { net: Net::new(spec, vec![layer]).unwrap(), linear: Linear::mean(6) };
        let model = Model::new("painted", Family::Pixelcnn, vec![part], [0; 32]).unwrap();
        collapsar::net::store(&model).unwrap()
    }
}

use serde_json::Value;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A folder in which commands run.
struct Desk(TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    fn with(files: &[(&str, &[u8])]) -> Desk {
        let desk = Desk::new();
        files.iter().for_each(|(name, bytes)| desk.write(name, bytes));
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), bytes).unwrap();
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.0.path()).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_collapsar"));
        command.args(args).current_dir(self.0.path()).stdin(Stdio::null());
        command
    }

    fn output(&self, args: &[&str]) -> Output {
        let output = self.command(args).output().unwrap();
        let talk = text(&output.stderr);
        assert!(!talk.contains("panicked") && !talk.contains("a mistake of ours"), "{args:?}: {talk}");
        output
    }

    /// Runs, expects an exit code, gives what was said.
    fn says(&self, code: i32, args: &[&str]) -> String {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        text(&output.stderr)
    }

    fn fails(&self, code: i32, args: &[&str], with: &str) {
        let said = self.says(code, args);
        assert!(said.contains(with), "{args:?}: {said}");
        assert!(said.lines().all(|l| l.starts_with("collapsar: ")), "{args:?}: {said}");
    }

    fn json(&self, code: i32, args: &[&str]) -> Vec<Value> {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout).lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    }

    fn piped(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child =
            self.command(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        child.wait_with_output().unwrap()
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn every_kind_of_file_comes_back_and_the_source_is_kept() {
    let (fits, npy) = (painted::fits(), painted::npy());
    let kinds: [(&str, Vec<u8>); 7] = [
        ("a.fits", fits.clone()),
        ("a.npy", npy),
        ("a.fits.gz", painted::gz(&fits)),
        ("odd.gz", painted::odd_gz(&fits)),
        ("text", b"not an image".to_vec()),
        ("empty", Vec::new()),
        ("-dash é\n\x1b[2J.fits", fits),
    ];
    let desk = Desk::new();
    for (name, bytes) in &kinds {
        desk.write(name, bytes);
        let said = desk.says(0, &["compress", "--", name]);
        assert!(said.contains(" → ") && said.contains("  ratio ") && said.contains("LOSSLESS"), "{said}");
        assert!(!said.contains('\x1b'), "{said:?}");
        assert_eq!(&desk.read(name), bytes);
        let packed = format!("{name}.clps");
        assert!(desk.says(0, &["test", "--", &packed]).contains("OK"));
        fs::remove_file(desk.path(name)).unwrap();
        desk.says(0, &["decompress", "--", &packed]);
        assert_eq!(&desk.read(name), bytes, "{name}");
        assert!(desk.has(&packed));
    }
    assert_eq!(desk.names().len(), 2 * kinds.len(), "{:?}", desk.names());
}

#[test]
fn the_letters_of_zstd_work() {
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    desk.says(0, &["-z", "a.fits"]);
    desk.says(0, &["-t", "a.fits.clps"]);
    assert_eq!(desk.output(&["-dc", "a.fits.clps"]).stdout, painted::fits());
    assert!(text(&desk.output(&["-l", "a.fits.clps"]).stdout).contains("bits per sample"));
    assert_eq!(desk.says(0, &["-dqf", "a.fits.clps"]), "");
}

#[test]
fn what_exists_is_kept_unless_forced() {
    let desk = Desk::with(&[("a.fits", &painted::fits()), ("a.fits.clps", b"old")]);
    desk.fails(1, &["compress", "a.fits"], "a.fits.clps: exists already");
    assert_eq!(desk.read("a.fits.clps"), b"old");
    desk.says(0, &["compress", "-f", "a.fits"]);
    desk.fails(1, &["decompress", "a.fits.clps"], "exists already");
    desk.fails(1, &["compress", "-f", "-o", "a.fits", "a.fits"], "would replace itself");
    desk.says(0, &["compress", "a.fits", "-o", "other"]);
    desk.says(0, &["decompress", "other", "-o", "back"]);
    assert_eq!(desk.read("back"), painted::fits());
    desk.fails(1, &["decompress", "other"], "does not end in .clps");
    desk.fails(1, &["compress", "a.fits.clps"], "is a .clps file already");
    assert_eq!(desk.names(), ["a.fits", "a.fits.clps", "back", "other"]);
}

#[test]
fn streams_go_in_and_out() {
    let desk = Desk::new();
    let packed = desk.piped(&["compress"], &painted::fits());
    assert_eq!(packed.status.code(), Some(0), "{}", text(&packed.stderr));
    assert_eq!(desk.piped(&["decompress", "-"], &packed.stdout).stdout, painted::fits());
    assert_eq!(desk.piped(&["test"], &packed.stdout).status.code(), Some(0));
    desk.write("a.fits", &painted::fits());
    assert_eq!(desk.output(&["compress", "-c", "a.fits"]).stdout, packed.stdout);
    desk.fails(1, &["compress", "-c", "a.fits", "a.fits"], "several .clps files in one stream");
    desk.fails(1, &["compress", "-c", "--json", "a.fits"], "standard output takes the data");
    assert_eq!(desk.piped(&["compress", "-", "-o", "from-pipe.clps"], b"abc").status.code(), Some(0));
    assert_eq!(desk.output(&["decompress", "-c", "from-pipe.clps"]).stdout, b"abc");
}

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
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn a_source_is_removed_only_after_its_copy_was_checked() {
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    let said = desk.says(0, &["compress", "--rm", "a.fits"]);
    assert!(said.contains("LOSSLESS, verified"), "{said}");
    assert_eq!(desk.names(), ["a.fits.clps"]);
    let mut packed = desk.read("a.fits.clps");
    desk.says(0, &["decompress", "--rm", "a.fits.clps"]);
    assert_eq!(desk.names(), ["a.fits"]);
    assert_eq!(desk.read("a.fits"), painted::fits());
    desk.write("a.fits.clps", b"old");
    desk.says(1, &["compress", "--rm", "a.fits"]);
    assert!(desk.has("a.fits"));
    let middle = packed.len() / 2;
    packed[middle] ^= 1;
    desk.write("b.clps", &packed);
    desk.says(3, &["decompress", "--rm", "b.clps"]);
    assert!(desk.has("b.clps") && !desk.has("b"));
    desk.says(1, &["compress", "--rm", "-c", "a.fits"]);
    desk.says(1, &["compress", "--rm", "-k", "a.fits"]);
}

#[test]
fn folders_are_walked_and_their_shape_is_kept() {
    let fits = painted::fits();
    let desk = Desk::with(&[("night/a.fits", &fits), ("night/deep/b.fits", &fits), ("night/old.clps", b"x")]);
    desk.says(0, &["compress", "-r", "night", "--output-dir", "packed"]);
    assert!(desk.has("packed/a.fits.clps") && desk.has("packed/deep/b.fits.clps") && !desk.has("packed/old.clps.clps"));
    desk.says(0, &["test", "-r", "packed"]);
    desk.says(0, &["decompress", "-r", "packed", "--output-dir", "back"]);
    assert_eq!(desk.read("back/deep/b.fits"), fits);
    desk.says(0, &["compress", "-qr", "night"]);
    assert!(desk.has("night/deep/b.fits.clps"));
    desk.write("other/a.fits", b"another");
    let said = desk.says(1, &["compress", "night/a.fits", "other/a.fits", "--output-dir", "flat", "--rm", "-f"]);
    assert!(said.contains("has just been written for another file"), "{said}");
    assert_eq!(desk.read("other/a.fits"), b"another");
    desk.says(1, &["compress", "-o", "x", "night/a.fits", "other/a.fits"]);
}

#[test]
fn a_gz_that_cannot_be_made_again_is_given_back_unpacked_if_wished() {
    let odd = painted::odd_gz(&painted::fits());
    let desk = Desk::with(&[("a.fits.gz", &odd)]);
    desk.says(0, &["compress", "a.fits.gz"]);
    assert_eq!(desk.output(&["-dc", "a.fits.gz.clps"]).stdout, odd);
    fs::remove_file(desk.path("a.fits.gz.clps")).unwrap();
    let said = desk.says(0, &["compress", "--gunzip", "a.fits.gz"]);
    assert!(said.contains("given back unpacked"), "{said}");
    assert_eq!(desk.names(), ["a.fits.clps", "a.fits.gz"]);
    desk.says(0, &["decompress", "a.fits.clps"]);
    assert_eq!(desk.read("a.fits"), painted::fits());
    desk.says(1, &["compress", "--gunzip", "--rm", "a.fits.gz"]);
    desk.write("b.gz", &painted::gz(&painted::fits()));
    desk.says(0, &["compress", "--gunzip", "b.gz"]);
    assert_eq!(desk.output(&["-dc", "b.gz.clps"]).stdout, painted::gz(&painted::fits()));
}

#[test]
fn json_is_json_on_every_verb() {
    let desk = Desk::with(&[("a.fits", &painted::fits()), ("w", &painted::weights())]);
    let done = desk.json(0, &["compress", "--json", "--progress", "a.fits"]);
    assert_eq!((&done[0]["output"], &done[0]["lossless"]), (&"a.fits.clps".into(), &true.into()));
    let failed = desk.json(2, &["compress", "--json", "none"]);
    assert_eq!((&failed[0]["error"]["code"], &failed[0]["error"]["kind"]), (&2.into(), &"missing".into()));
    desk.json(0, &["decompress", "--json", "-f", "a.fits.clps"]);
    assert_eq!(desk.json(0, &["test", "--json", "a.fits.clps"])[0]["bytes_out"], painted::fits().len());
    let info = &desk.json(0, &["info", "--json", "a.fits.clps"])[0];
    let packed = desk.read("a.fits.clps").len() as u64;
    let parts = info["bytes_of"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum::<u64>();
    assert_eq!((parts, &info["format"]), (packed, &"FITS".into()));
    let compared = &desk.json(0, &["compare", "--quick", "--json", "--weights", "w", "a.fits"])[0]["codecs"];
    let names: Vec<&str> = compared.as_array().unwrap().iter().map(|c| c["codec"].as_str().unwrap()).collect();
    for codec in ["collapsar painted", "collapsar classic", "RICE", "deflate -6", "zstd -3"] {
        assert!(names.contains(&codec), "{names:?}");
    }
    let models = &desk.json(0, &["models", "--json", "--weights", "w"])[0]["models"];
    assert!(models.as_array().unwrap().iter().any(|m| m["name"] == "painted" && m["embedded"] == false));
}

#[test]
fn the_bench_reports_itself_and_two_reports_are_compared() {
    let desk = Desk::new();
    let report = desk.json(0, &["bench", "--quick", "--json"]).remove(0);
    assert!(report["stages"].as_array().unwrap().len() >= 14);
    assert!(report["machine"]["rustc"].as_str().unwrap().contains("rustc"));
    assert!(report["conformance"].as_array().unwrap().iter().all(|row| row["differing_bytes"] == 0));
    desk.write("a.json", report.to_string().as_bytes());
    desk.says(0, &["bench", "--diff", "a.json", "a.json"]);
    let mut other = report;
    other["conformance"][0]["fingerprint"] = "0".into();
    desk.write("b.json", other.to_string().as_bytes());
    desk.fails(4, &["bench", "--diff", "a.json", "b.json"], "was coded to other bytes");
    desk.write("c.json", b"{}");
    desk.fails(3, &["bench", "--diff", "a.json", "c.json"], "is no report");
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

#[test]
fn threads_memory_and_device_are_checked_before_any_work() {
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    desk.says(0, &["compress", "-T", "1", "-M", "2G", "-o", "one.clps", "a.fits"]);
    desk.says(0, &["compress", "-T", "3", "-o", "three.clps", "a.fits"]);
    assert_eq!(desk.read("one.clps"), desk.read("three.clps"));
    desk.fails(6, &["compress", "-M", "1M", "a.fits"], "-M allows");
    desk.says(0, &["compress", "--device", "cpu", "-o", "cpu.clps", "a.fits"]);
    desk.says(1, &["compress", "--device", "cpu", "--require-gpu", "a.fits"]);
    desk.says(1, &["compress", "--device", "abacus", "a.fits"]);
    desk.says(1, &["compress", "-M", "much", "a.fits"]);
    assert!(!desk.has("a.fits.clps"));
}

#[test]
fn questions_of_usage_exit_with_0_and_mistakes_with_1() {
    let desk = Desk::new();
    for args in [&["--help"][..], &["--version"], &["compress", "--help"], &["help", "bench"]] {
        assert_eq!(desk.says(0, args), "");
    }
    for args in [&[][..], &["nonsense"], &["compress", "--nonsense"], &["compress", "-T", "-1"]] {
        desk.says(1, args);
    }
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_unicode_and_a_pipe_with_a_name_work() {
    use std::os::unix::ffi::OsStrExt;
    let desk = Desk::new();
    let name = Path::new(std::ffi::OsStr::from_bytes(b"a\xff.fits"));
    if fs::write(desk.0.path().join(name), painted::fits()).is_err() {
        return; // not every file system takes such a name
    }
    let run = |verb: &str, name: &Path| desk.command(&[verb, "-f"]).arg(name).output().unwrap().status.code();
    assert_eq!(run("compress", name), Some(0));
    assert_eq!(run("decompress", Path::new(std::ffi::OsStr::from_bytes(b"a\xff.fits.clps"))), Some(0));
    assert_eq!(fs::read(desk.0.path().join(name)).unwrap(), painted::fits());
}

#[cfg(unix)]
#[test]
fn modes_and_times_travel_both_ways() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(&[("a.fits", &painted::fits())]);
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::options().write(true).open(desk.path("a.fits")).unwrap().set_modified(time).unwrap();
    fs::set_permissions(desk.path("a.fits"), PermissionsExt::from_mode(0o640)).unwrap();
    desk.says(0, &["compress", "--rm", "a.fits"]);
    desk.says(0, &["decompress", "a.fits.clps"]);
    let meta = fs::metadata(desk.path("a.fits")).unwrap();
    assert_eq!((meta.modified().unwrap(), meta.permissions().mode() & 0o777), (time, 0o640));
}
