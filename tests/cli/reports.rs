//! Data for programs, and what is asked of the machine.

use crate::inputs;
use crate::sandbox::{Sandbox, text};

#[test]
fn json_is_json_on_every_verb() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("w", &inputs::weights())]);
    let done = sandbox.json(0, &["compress", "--json", "--progress", "a.fits"]);
    assert_eq!((&done[0]["output"], &done[0]["lossless"]), (&"a.fits.clps".into(), &true.into()));
    let failed = sandbox.json(2, &["compress", "--json", "none"]);
    assert_eq!((&failed[0]["error"]["code"], &failed[0]["error"]["kind"]), (&2.into(), &"missing".into()));
    sandbox.json(0, &["decompress", "--json", "-f", "a.fits.clps"]);
    assert_eq!(sandbox.json(0, &["test", "--json", "a.fits.clps"])[0]["bytes_out"], inputs::fits().len());
    let info = &sandbox.json(0, &["info", "--json", "a.fits.clps"])[0];
    let packed = sandbox.read("a.fits.clps").len() as u64;
    let parts = info["bytes_of"].as_object().unwrap().values().map(|v| v.as_u64().unwrap()).sum::<u64>();
    assert_eq!((parts, &info["format"]), (packed, &"FITS".into()));
    let compared = &sandbox.json(0, &["compare", "--quick", "--json", "--weights", "w", "a.fits"])[0];
    let mut names: Vec<&str> =
        compared["codecs"].as_array().unwrap().iter().map(|c| c["codec"].as_str().unwrap()).collect();
    names.extend(compared["all_classic"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()));
    for codec in ["collapsar painted", "collapsar level 5", "RICE", "deflate -6", "zstd -3", "pcodec 8"] {
        assert!(names.contains(&codec), "{names:?}");
    }
    let models = &sandbox.json(0, &["models", "--json", "--weights", "w"])[0]["models"];
    assert!(models.as_array().unwrap().iter().any(|m| m["name"] == "painted" && m["embedded"] == false));
}

#[test]
fn fields_of_a_cube_are_predicted_from_each_other_and_from_those_that_are_named() {
    let sandbox = Sandbox::with(&[("c.fits", &inputs::cube(3))]);
    let numbers = |told: &serde_json::Value| {
        let arrays = told["arrays"].as_array().unwrap();
        arrays.iter().map(|a| a["references"].as_array().unwrap().len()).collect::<Vec<usize>>()
    };
    let references = |more: &[&str]| {
        let done = sandbox.json(0, &[&["compress", "--json", "-f", "--verify", "--fields", "c.fits"], more].concat());
        let info = sandbox.json(0, &["info", "--json", "c.fits.clps"]);
        assert_eq!(numbers(&done[0]), numbers(&info[0]));
        assert!(sandbox.output(&["decompress", "-c", "c.fits.clps"]).stdout == inputs::cube(3));
        numbers(&done[0])
    };
    let auto = references(&[]);
    assert!(auto[0] == 0 && auto[1] > 0 && auto[2] > 0, "{auto:?}");
    assert_eq!(references(&["--reference", "1"]), [0, 0, 1]);
    assert_eq!(references(&["--reference", "none"]), [0, 0, 0]);
    references(&[]);
    assert!(text(&sandbox.output(&["info", "c.fits.clps"]).stdout).contains("predicted from "));
}

#[test]
fn the_bench_reports_itself_and_two_reports_are_compared() {
    let sandbox = Sandbox::new();
    let report = sandbox.json(0, &["bench", "--quick", "--json"]).remove(0);
    assert!(report["stages"].as_array().unwrap().len() >= 14);
    assert!(report["machine"]["rustc"].as_str().unwrap().contains("rustc"));
    assert!(report["conformance"].as_array().unwrap().iter().all(|row| row["differing_bytes"] == 0));
    let latencies = report["latencies"].as_array().unwrap();
    for (side, n_levels) in [(256, 5), (1024, 4), (4096, 3)] {
        let of_side: Vec<_> = latencies.iter().filter(|row| row["side"] == side).collect();
        assert_eq!(of_side.len(), n_levels);
        for way in of_side.iter().flat_map(|row| [&row["compress"], &row["decompress"]]) {
            let [p50, p95] = ["p50_ms", "p95_ms"].map(|key| way[key].as_f64().unwrap());
            assert!(0.0 < p50 && p50 <= p95, "{way}");
        }
    }
    sandbox.write("a.json", report.to_string().as_bytes());
    sandbox.says(0, &["bench", "--diff", "a.json", "a.json"]);
    let mut other = report;
    other["conformance"][0]["fingerprint"] = "0".into();
    sandbox.write("b.json", other.to_string().as_bytes());
    sandbox.fails(4, &["bench", "--diff", "a.json", "b.json"], "was coded to other bytes");
    sandbox.write("c.json", b"{}");
    sandbox.fails(3, &["bench", "--diff", "a.json", "c.json"], "is no report");
}

#[test]
fn threads_memory_and_device_are_checked_before_any_work() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.says(0, &["compress", "-T", "1", "-M", "2G", "-o", "one.clps", "a.fits"]);
    sandbox.says(0, &["compress", "-T", "3", "-o", "three.clps", "a.fits"]);
    assert_eq!(sandbox.read("one.clps"), sandbox.read("three.clps"));
    sandbox.fails(6, &["compress", "-M", "1M", "a.fits"], "-M allows");
    sandbox.says(0, &["compress", "--device", "cpu", "-o", "cpu.clps", "a.fits"]);
    sandbox.says(1, &["compress", "--device", "cpu", "--require-gpu", "a.fits"]);
    sandbox.says(1, &["compress", "--device", "abacus", "a.fits"]);
    sandbox.says(1, &["compress", "-M", "much", "a.fits"]);
    assert!(!sandbox.has("a.fits.clps"));
}

#[test]
fn more_than_four_threads_per_core_are_not_started_and_that_is_said() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    let most = 4 * std::thread::available_parallelism().unwrap().get();
    for (threads, is_said) in [(100_000, true), (most + 1, true), (most, false)] {
        let said = sandbox.says(0, &["compress", "-f", "-T", &threads.to_string(), "a.fits"]);
        let note = format!("-T {threads}: {most} threads are used, 4 per core are the most");
        assert_eq!(said.contains(&note), is_said, "{said}");
    }
}

#[test]
fn memory_is_honoured_down_to_what_a_job_needs_which_is_said() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    sandbox.says(0, &["compress", "--device", "cpu", "-o", "usual.clps", "a.fits"]);
    let mut megabytes = 1;
    for args in [["compress", "-o", "small.clps", "a.fits"], ["decompress", "-o", "back", "small.clps"]] {
        loop {
            let most = format!("{megabytes}000000");
            let args = [&args[..], &["--device", "cpu", "-T", "1", "-M", &most]].concat();
            let output = sandbox.output(&args);
            let said = text(&output.stderr);
            if output.status.success() {
                break;
            }
            let (before, _) = said.split_once(" MB are needed with 1 thread,").expect(&said);
            let needed = before.rsplit(' ').next().unwrap().parse().unwrap();
            assert!(needed > megabytes && needed < 60, "{said}");
            megabytes = needed;
        }
    }
    assert_eq!(sandbox.read("small.clps"), sandbox.read("usual.clps"));
    assert_eq!(sandbox.read("back"), inputs::fits());
}

#[test]
fn questions_of_usage_exit_with_0_and_mistakes_with_1() {
    let sandbox = Sandbox::new();
    for args in [&["--help"][..], &["--version"], &["compress", "--help"], &["help", "bench"]] {
        assert_eq!(sandbox.says(0, args), "");
    }
    for args in [&[][..], &["nonsense"], &["compress", "--nonsense"], &["compress", "-T", "-1"]] {
        sandbox.says(1, args);
    }
}
