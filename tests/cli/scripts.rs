//! What scripts rely on: JSON whatever happens, names as they are, zstd's habits, a silent standard error.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use serde_json::{Value, json};
use std::fs;

/// What a run that fails says in JSON.
fn error(sandbox: &Sandbox, code: i32, args: &[&str]) -> Value {
    let told = sandbox.json(code, args).pop().unwrap_or_default();
    assert_eq!(told["error"]["code"], code, "{args:?}: {told}");
    assert!(
        told["error"]["message"].as_str().is_some_and(|text| !text.is_empty() && !text.contains("Usage:")),
        "{told}"
    );
    told
}

#[test]
fn a_run_that_ends_before_its_first_file_says_why_in_json() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("b.fits", &inputs::fits())]);
    for (code, kind, line) in [
        (1, "argument", "compress --json --model nonsense a.fits"),
        (1, "argument", "compress --json --rel 2 a.fits"),
        (1, "argument", "compress --json --device cpu --require-gpu a.fits"),
        (1, "argument", "compress --json -o x a.fits b.fits"),
        (1, "argument", "compress --json --nonsense a.fits"),
        (1, "argument", "compress --json -T many a.fits"),
        (1, "argument", "comprss --json a.fits"),
        (1, "argument", "eval --json"),
        (1, "argument", "report --json --rel x a.fits"),
        (2, "missing", "compress --json --weights none a.fits"),
        (3, "corrupt", "compress --json --weights a.fits a.fits"),
        (2, "missing", "decompress --json --weights none a.fits.clps"),
        (2, "missing", "test --json --weights none a.fits.clps"),
        (2, "missing", "info --json --weights none a.fits.clps"),
        (2, "missing", "compare --json --weights none a.fits"),
        (2, "missing", "bench --json --diff none none"),
        (2, "missing", "models --json --weights none"),
        (2, "missing", "demo --json --weights none"),
        (6, "limit", "compress --json -M 1M a.fits"),
    ] {
        let told = error(&sandbox, code, &line.split(' ').collect::<Vec<&str>>());
        assert_eq!((&told["error"]["kind"], &told["file"]), (&kind.into(), &Value::Null), "{line}");
    }
    assert_eq!(error(&sandbox, 2, &["info", "--json", "none"])["file"], "none");
    fs::create_dir(sandbox.path("empty")).unwrap();
    for verb in ["compress", "decompress", "test", "info", "compare"] {
        assert_eq!(sandbox.json(0, &[verb, "--json", "-r", "empty"]), [json!({"files": 0})], "{verb}");
    }
    assert_eq!(sandbox.names(), ["a.fits", "b.fits", "empty"]);
}

#[test]
fn json_tells_names_as_they_are() {
    let name = "a\n\x1b[2J \"é\".fits";
    let sandbox = Sandbox::with(&[(name, &inputs::fits())]);
    let packed = format!("{name}.clps");
    let done = &sandbox.json(0, &["compress", "--json", name])[0];
    assert_eq!((&done["file"], &done["output"]), (&name.into(), &packed.as_str().into()));
    let done = &sandbox.json(0, &["decompress", "--json", "-f", &packed])[0];
    assert_eq!((&done["file"], &done["output"]), (&packed.as_str().into(), &name.into()));
    for args in [&["test", &packed][..], &["info", &packed], &["eval", &packed, name], &["compress", &packed]] {
        let args = [args, &["--json"]].concat();
        let told: Value = serde_json::from_slice(&sandbox.output(&args).stdout).unwrap();
        assert_eq!(told["file"], packed, "{args:?}");
    }
    let told = sandbox.piped(&["test", "--json"], &sandbox.read(&packed)).stdout;
    assert_eq!(serde_json::from_slice::<Value>(&told).unwrap()["file"], "-");
}

#[cfg(unix)]
#[test]
fn json_has_the_bytes_of_names_that_are_no_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let sandbox = Sandbox::new();
    let name = std::ffi::OsStr::from_bytes(b"a\xff.npy");
    if fs::write(sandbox.0.path().join(name), inputs::npy()).is_err() {
        return; // not every file system takes such a name
    }
    let output = sandbox.command(&["compress", "--json"]).arg(name).output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&told["file"], &told["file_bytes"]), (&"a\u{fffd}.npy".into(), &"61ff2e6e7079".into()));
    assert_eq!(told["output_bytes"], "61ff2e6e70792e636c7073");
}

#[test]
fn json_says_which_device_coded_a_file_and_why() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(4)), ("text", b"no arrays")]);
    let device = |args: &[&str]| sandbox.json(0, args)[0]["device"].clone();
    let on_cpu = device(&["compress", "--json", "-f", "--device", "cpu", "--model", "pixelcnn-fast", "a.fits"]);
    assert_eq!((&on_cpu["kind"], &on_cpu["why"]), (&"cpu".into(), &"asked for".into()));
    for args in [
        &["test", "--json", "--device", "cpu", "a.fits.clps"][..],
        &["decompress", "--json", "-f", "--device", "cpu", "a.fits.clps"],
        &["eval", "--json", "--device", "cpu", "a.fits"],
    ] {
        assert_eq!(device(args), on_cpu, "{args:?}");
    }
    let none = "no array of this file is coded by a network that runs on a GPU";
    assert_eq!(device(&["compress", "--json", "text"])["why"], none);
    for model in ["classic", "vdm-default"] {
        assert_eq!(device(&["compress", "--json", "-f", "--model", model, "a.fits"])["why"], none);
    }
    let found = device(&["compress", "--json", "-f", "--model", "pixelcnn-fast", "a.fits"]);
    let wanted = if found["kind"] == "gpu" { "found" } else { "no GPU was found" };
    assert_eq!(found["why"], wanted);
    assert_eq!(sandbox.json(0, &["eval", "--json", "a.fits", "a.fits"])[0]["device"], json!(null));
}

#[test]
fn a_line_without_a_verb_does_what_zstd_does() {
    let (fits, sandbox) = (inputs::fits(), Sandbox::with(&[("a.fits", &inputs::fits())]));
    sandbox.says(0, &["a.fits"]);
    assert_eq!(sandbox.names(), ["a.fits", "a.fits.clps"]);
    let packed = sandbox.read("a.fits.clps");
    sandbox.says(0, &["-kf", "a.fits"]);
    assert_eq!(sandbox.output(&["-c", "a.fits"]).stdout, packed);
    assert_eq!(sandbox.piped(&["-"], &fits).stdout, packed);
    sandbox.says(0, &["-o", "x", "a.fits"]);
    assert_eq!(sandbox.read("x"), packed);
    sandbox.says(0, &["-kdf", "a.fits.clps"]);
    sandbox.says(0, &["a.fits.clps", "-d", "-o", "back"]);
    assert_eq!((sandbox.read("a.fits"), sandbox.read("back")), (fits.clone(), fits));
    assert!(sandbox.says(0, &["-t", "x"]).contains("OK"));
    assert!(text(&sandbox.output(&["-l", "x"]).stdout).contains("bits per sample"));
    sandbox.says(0, &["--rm", "-f", "a.fits"]);
    assert_eq!(sandbox.names(), ["a.fits.clps", "back", "x"]);
}

#[test]
fn a_verb_with_a_slip_in_it_is_guessed_and_a_file_of_that_name_is_a_file() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.fails(
        1,
        &["comprss", "a.fits"],
        "'comprss' is neither a verb nor a file that exists: did you mean compress?",
    );
    sandbox.fails(1, &["xyzzy"], "'xyzzy' is neither a verb nor a file that exists: see collapsar --help");
    sandbox.fails(2, &["none.fits"], "none.fits: does not exist");
    sandbox.write("comprss", b"a file");
    sandbox.says(0, &["comprss"]);
    assert!(sandbox.has("comprss.clps"));
    sandbox.json(0, &["--json", "test", "comprss.clps"]);
}

#[test]
fn several_folders_keep_their_names_where_results_go() {
    let fits = inputs::fits();
    let sandbox = Sandbox::with(&[("n/one/a.fits", &fits), ("n/two/a.fits", &fits), ("n/two/deep/b.fits", &fits)]);
    sandbox.says(0, &["compress", "-qr", "n/one", "n/two/", "--output-dir", "packed"]);
    for name in ["packed/one/a.fits.clps", "packed/two/a.fits.clps", "packed/two/deep/b.fits.clps"] {
        assert!(sandbox.has(name), "{name}");
    }
    sandbox.says(0, &["decompress", "-qr", "packed", "--output-dir", "back"]);
    assert_eq!(sandbox.read("back/two/deep/b.fits"), fits);
    sandbox.says(0, &["compress", "-qr", "n/one", "n/two/deep/b.fits", "--output-dir", "mixed"]);
    assert!(sandbox.has("mixed/one/a.fits.clps") && sandbox.has("mixed/b.fits.clps"));
    // nothing is written outside, whatever the folders' names
    let whole = sandbox.path("n/one").into_os_string().into_string().unwrap();
    sandbox.says(0, &["compress", "-qr", &whole, "n/two", "--output-dir", "inside"]);
    assert!(sandbox.has("inside/n/two/a.fits.clps") && !sandbox.has("n/one/a.fits.clps"));
}

#[test]
fn what_exists_already_names_the_option_that_replaces_it() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("a.fits.clps", b"old"), ("a.html", b"old")]);
    let replace = "exists already and is kept: give another name, or replace it with -f";
    sandbox.fails(1, &["compress", "a.fits"], &format!("a.fits.clps: {replace}"));
    sandbox.fails(1, &["report", "--html", "a.html", "a.fits"], replace);
}

#[test]
fn compare_has_a_row_for_what_compress_does_and_no_row_has_the_name_of_another() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(2)), ("w", &inputs::weights())]);
    sandbox.says(0, &["compress", "-q", "a.fits"]);
    // the weights are built in, given once more and given twice
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/pixelcnn-fast-1.safetensors");
    let args = ["compare", "--json", "--quick", "--weights", weights, "--weights", "w", "--weights", "w", "a.fits"];
    let compared = &sandbox.json(0, &args)[0];
    let rows: Vec<(String, u64)> = compared["codecs"].as_array().unwrap().iter().map(row).collect();
    assert!(rows.contains(&("collapsar level 5".into(), sandbox.read("a.fits.clps").len() as u64)), "{rows:?}");
    let mut names: Vec<&str> = rows.iter().map(|(name, _)| name.as_str()).collect();
    let n_rows = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), n_rows, "{names:?}");
}

fn row(codec: &Value) -> (String, u64) {
    (codec["codec"].as_str().unwrap().into(), codec["bytes_out"].as_u64().unwrap())
}

#[test]
fn models_are_listed_once_and_those_that_no_name_means_any_more_say_so() {
    let sandbox = Sandbox::new();
    let weights = concat!(env!("CARGO_MANIFEST_DIR"), "/weights/pixelcnn-fast-1.safetensors");
    let listed = &sandbox.json(0, &["models", "--json", "--weights", weights])[0]["models"];
    let key = |m: &Value| (m["name"].to_string(), m["superseded"] == true);
    let mut keys: Vec<(String, bool)> = listed.as_array().unwrap().iter().map(key).collect();
    let n_models = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), n_models, "{keys:?}");
    assert!(text(&sandbox.output(&["models"]).stdout).contains("no: reads older files"));
}

/// As .ci/run has it: there a missing GPU is an error.
fn must_have_gpu() -> bool {
    std::env::var_os("COLLAPSAR_REQUIRE_GPU").is_some()
}

#[cfg(unix)]
#[test]
fn drivers_do_not_talk_on_standard_error() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    for args in [&["compress", "-q", "-f", "--device", "gpu", "a.fits"][..], &["-qf", "--device", "gpu", "a.fits"]] {
        let output = sandbox.command(args).env_remove("XDG_RUNTIME_DIR").output().unwrap();
        let said = text(&output.stderr);
        match output.status.code() {
            Some(0) => assert_eq!(said, ""),
            _ => assert_eq!((must_have_gpu(), said.as_str()), (false, "collapsar: no usable GPU was found\n")),
        }
    }
    // what goes wrong behind them is still told
    let output = sandbox.command(&["compress", "-qf", "--device", "gpu:99", "a.fits"]).output().unwrap();
    assert!(text(&output.stderr).starts_with("collapsar: there is no GPU 99"), "{}", text(&output.stderr));
}
