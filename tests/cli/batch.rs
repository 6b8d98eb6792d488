//! Many files by many processes, which may be killed at any moment.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// Sources in two folders, two of them with one name.
const SOURCES: [&str; 7] =
    ["raw/a.fits", "raw/b.npy", "raw/c.txt", "raw/n/a.fits", "raw/n/d.npy", "raw/n/e.txt", "raw/n/o/f.fits"];

fn planned(options: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    for (name, i) in SOURCES.iter().zip(1u8..) {
        let bytes = match name.rsplit_once('.').unwrap().1 {
            "fits" => inputs::cube(i.into()),
            "npy" => inputs::npy(),
            _ => vec![i; 700],
        };
        sandbox.write(name, &bytes);
    }
    sandbox.says(0, &[&["batch", "plan", "raw", "--output-dir", "z", "-o", "plan.jsonl"], options].concat());
    sandbox
}

fn output(name: &str) -> String {
    name.replacen("raw", "z", 1) + ".clps"
}

fn outputs(sandbox: &Sandbox) -> Vec<Vec<u8>> {
    SOURCES.iter().map(|name| sandbox.read(&output(name))).collect()
}

/// The last object that a step tells.
fn counts(sandbox: &Sandbox, code: i32, args: &[&str]) -> Value {
    sandbox.json(code, &[&["batch"], args, &["--json"]].concat()).pop().unwrap()
}

fn run(sandbox: &Sandbox, code: i32, more: &[&str]) -> (u64, u64, u64) {
    let told = counts(sandbox, code, &[&["run", "plan.jsonl"], more].concat());
    let n = |key: &str| told[key].as_u64().unwrap();
    (n("done"), n("before"), n("failed"))
}

fn status(sandbox: &Sandbox) -> (u64, u64, u64) {
    let told = counts(sandbox, 0, &["status", "plan.jsonl"]);
    let n = |key: &str| told[key].as_u64().unwrap();
    assert_eq!(n("done") + n("missing") + n("failed"), n("files"));
    (n("done"), n("missing"), n("failed"))
}

/// All lines of all receipt files that are about an output.
fn receipts(sandbox: &Sandbox) -> Vec<Value> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(sandbox.path("plan.jsonl.receipts")).unwrap() {
        let said = fs::read_to_string(entry.unwrap().path()).unwrap();
        lines.extend(said.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()));
    }
    lines.retain(|line| line["output"].is_string());
    lines
}

/// Temporaries of ours below the folder of results.
fn temporaries(sandbox: &Sandbox) -> usize {
    let count = |folder: &str| {
        let names = fs::read_dir(sandbox.path(folder)).into_iter().flatten();
        names.filter(|e| e.as_ref().unwrap().file_name().to_str().unwrap().contains(".clps-partial-")).count()
    };
    ["z", "z/n", "z/n/o"].iter().map(|folder| count(folder)).sum()
}

#[test]
fn a_plan_names_every_file_with_its_result_and_writes_nothing_else() {
    let sandbox = planned(&["--level", "3", "--rel", "1e-3"]);
    assert_eq!(sandbox.names(), ["plan.jsonl", "raw"]);
    let plan = text(&sandbox.read("plan.jsonl"));
    let lines: Vec<Value> = plan.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 1 + SOURCES.len());
    assert_eq!((lines[0]["level"].as_u64(), lines[0]["files"].as_u64()), (Some(3), Some(7)));
    assert_eq!(lines[0]["options"].to_string(), r#"["--level=3","--rel=0.001"]"#);
    let root = fs::canonicalize(sandbox.0.path()).unwrap();
    for name in SOURCES {
        let line = lines.iter().find(|line| line["file"] == root.join(name).to_str().unwrap()).unwrap();
        assert_eq!(line["output"].as_str().unwrap(), root.join(output(name)).to_str().unwrap());
        assert_eq!(line["bytes"].as_u64().unwrap(), sandbox.read(name).len() as u64);
    }
    let again = ["batch", "plan", "raw", "-o", "plan.jsonl"];
    sandbox.fails(1, &again, "plan.jsonl: exists already");
    sandbox.says(0, &[&again[..], &["-f"]].concat());
    sandbox.fails(2, &["batch", "plan", "none", "-o", "p"], "none: ");
    sandbox.fails(1, &["batch", "plan", "raw", "--rel", "0", "-o", "p"], "bound");
    sandbox.fails(1, &["batch", "plan", "-", "-o", "p"], "name files");
    sandbox.says(1, &["batch", "plan", "raw"]);
    assert_eq!(sandbox.names(), ["plan.jsonl", "raw"]);
}

#[test]
fn shards_do_all_files_once_and_a_second_run_does_none() {
    let sandbox = planned(&[]);
    assert_eq!(status(&sandbox), (0, 7, 0));
    assert_eq!(run(&sandbox, 0, &["--shard", "0/3"]), (3, 0, 0));
    assert_eq!(status(&sandbox), (3, 4, 0));
    // counted from 1, the last is the first
    assert_eq!(run(&sandbox, 0, &["--shard", "3/3"]), (0, 3, 0));
    assert_eq!(run(&sandbox, 0, &["--shard", "1/3"]), (2, 0, 0));
    assert_eq!(run(&sandbox, 0, &["--shard", "2/3"]), (2, 0, 0));
    assert_eq!(status(&sandbox), (7, 0, 0));
    let named: BTreeSet<String> = receipts(&sandbox).iter().map(|line| line["output"].to_string()).collect();
    assert_eq!((receipts(&sandbox).len(), named.len()), (7, 7));
    for name in SOURCES {
        // the same bytes as compress writes
        sandbox.says(0, &["compress", name, "-o", "one", "-f"]);
        assert_eq!(sandbox.read(&output(name)), sandbox.read("one"), "{name}");
    }
    let before = outputs(&sandbox);
    assert_eq!(run(&sandbox, 0, &[]), (0, 7, 0));
    assert_eq!(outputs(&sandbox), before);
    assert_eq!(receipts(&sandbox).len(), 7);
    sandbox.says(1, &["batch", "run", "plan.jsonl", "--shard", "4/3"]);
    let told = counts(&sandbox, 0, &["status", "plan.jsonl"]);
    let n_in: usize = SOURCES.iter().map(|name| sandbox.read(name).len()).sum();
    let n_out: usize = before.iter().map(Vec::len).sum();
    assert_eq!((told["bytes_in"].as_u64(), told["bytes_out"].as_u64()), (Some(n_in as u64), Some(n_out as u64)));
    assert!((told["ratio"].as_f64().unwrap() - n_in as f64 / n_out as f64).abs() < 1e-3, "{told}");
}

#[test]
fn a_receipt_says_what_was_done() {
    let sandbox = planned(&["--near", "2", "--level", "1"]);
    run(&sandbox, 0, &[]);
    for line in receipts(&sandbox) {
        let digits = |path: &Value| blake3::hash(&fs::read(path.as_str().unwrap()).unwrap()).to_hex().to_string();
        assert_eq!(line["source_blake3"], digits(&line["file"]));
        assert_eq!(line["output_blake3"], digits(&line["output"]));
        let is_lossy = line["file"].as_str().unwrap().ends_with(".fits");
        assert_eq!(line["largest_error"].as_f64().unwrap(), if is_lossy { 2.0 } else { 0.0 }, "{line}");
        assert_eq!((line["lossless"].as_bool(), line["level"].as_u64()), (Some(!is_lossy), Some(1)));
        assert!(line["seconds"].as_f64().unwrap() > 0.0 && line["device"].is_string() && line["version"].is_string());
    }
}

#[test]
fn what_was_damaged_or_removed_is_done_again_and_what_is_not_ours_is_kept() {
    let sandbox = planned(&[]);
    sandbox.write("z/c.txt.clps", b"mine");
    assert_eq!(run(&sandbox, 1, &[]), (6, 0, 1));
    assert_eq!(sandbox.read("z/c.txt.clps"), b"mine");
    assert_eq!(status(&sandbox), (6, 0, 1));
    fs::remove_file(sandbox.path("z/c.txt.clps")).unwrap();
    assert_eq!(run(&sandbox, 0, &[]), (1, 6, 0));
    assert_eq!(status(&sandbox), (7, 0, 0));
    let whole = outputs(&sandbox);

    fs::remove_file(sandbox.path("z/n/a.fits.clps")).unwrap();
    let mut damaged = sandbox.read("z/a.fits.clps");
    *damaged.last_mut().unwrap() ^= 1;
    sandbox.write("z/a.fits.clps", &damaged);
    sandbox.write("z/b.npy.clps", &sandbox.read("z/b.npy.clps")[..99]);
    // of one damaged byte only a reading knows
    assert_eq!(status(&sandbox), (5, 2, 0));
    assert_eq!(run(&sandbox, 0, &[]), (3, 4, 0));
    assert_eq!(outputs(&sandbox), whole);

    // a result whose worker was killed before its receipt: the same bytes count, and nothing is written anew
    let folder = sandbox.path("plan.jsonl.receipts");
    fs::remove_dir_all(&folder).unwrap();
    let inode = |name: &str| fs::metadata(sandbox.path(name)).unwrap().created().ok();
    let before = inode("z/a.fits.clps");
    assert_eq!(run(&sandbox, 0, &[]), (7, 0, 0));
    assert_eq!((outputs(&sandbox), inode("z/a.fits.clps")), (whole.clone(), before));

    // a receipt cut in its last line is none
    let path = fs::read_dir(&folder).unwrap().next().unwrap().unwrap().path();
    let said = fs::read(&path).unwrap();
    fs::write(&path, &said[..said.len() - 1]).unwrap();
    assert_eq!(run(&sandbox, 0, &[]), (1, 6, 0));
    assert_eq!(outputs(&sandbox), whole);
}

#[test]
fn other_settings_and_other_sources_are_not_taken_for_done() {
    let sandbox = planned(&[]);
    run(&sandbox, 0, &[]);
    let whole = outputs(&sandbox);
    let plan = |options: &[&str]| {
        let base = ["batch", "plan", "raw", "--output-dir", "z", "-o", "plan.jsonl", "-f"];
        sandbox.says(0, &[&base, options].concat());
    };
    plan(&[]);
    assert_eq!(run(&sandbox, 0, &[]), (0, 7, 0));
    plan(&["--level", "1", "--near", "3"]);
    assert_eq!(status(&sandbox), (0, 7, 0));
    let (_, before, failed) = run(&sandbox, 1, &[]);
    assert!(before == 0 && failed >= 3, "{failed} of the results are others'");
    assert_eq!(outputs(&sandbox), whole);

    plan(&[]);
    sandbox.write("raw/c.txt", &[1; 800]);
    // its result still is what it was
    assert_eq!(run(&sandbox, 0, &[]), (0, 7, 0));
    fs::remove_file(sandbox.path("z/c.txt.clps")).unwrap();
    assert_eq!(run(&sandbox, 2, &[]), (0, 6, 1));
    let said = counts(&sandbox, 0, &["status", "plan.jsonl"])["failures"].to_string();
    assert!(said.contains("has 800 bytes, and 700 when it was planned"), "{said}");
    plan(&[]);
    assert_eq!(run(&sandbox, 0, &[]), (1, 6, 0));
    assert_eq!(status(&sandbox), (7, 0, 0));

    let text = text(&sandbox.read("plan.jsonl"));
    let (cut, _) = text.trim_end().rsplit_once('\n').unwrap();
    sandbox.write("cut", cut.as_bytes());
    sandbox.fails(3, &["batch", "run", "cut"], "cut: is not a plan, or not a whole one");
    sandbox.write("new", text.replacen("\"collapsar_plan\":1", "\"collapsar_plan\":9", 1).as_bytes());
    sandbox.fails(3, &["batch", "status", "new"], "a plan of version 9");
    sandbox.fails(2, &["batch", "verify", "none"], "does not exist");
}

#[test]
fn verify_finds_what_is_damaged_or_of_another_source_and_its_sample_is_always_the_same() {
    let sandbox = planned(&["--near", "1"]);
    let verified = |code: i32, more: &[&str]| {
        let told = sandbox.json(code, &[&["batch", "verify", "plan.jsonl", "--json"], more].concat());
        let last = told.last().unwrap().clone();
        let n = |key: &str| last[key].as_u64().unwrap();
        (n("verified"), n("without_source"), n("failed"), told)
    };
    assert_eq!(verified(4, &[]).2, 7);
    run(&sandbox, 0, &[]);
    let (same, without, failed, _) = verified(0, &[]);
    assert_eq!((same, without, failed), (7, 0, 0));
    let few = verified(0, &["--sample", "30%"]);
    assert_eq!((few.0, few.3), (3, verified(0, &["--sample", "0.3"]).3));
    assert_eq!(verified(0, &["--sample", "1%"]).0, 1);

    fs::remove_file(sandbox.path("raw/a.fits")).unwrap();
    assert_eq!(verified(0, &[]).1, 1);
    let mut source = sandbox.read("raw/b.npy");
    *source.last_mut().unwrap() ^= 1;
    sandbox.write("raw/b.npy", &source);
    let mut damaged = sandbox.read("z/n/e.txt.clps");
    damaged[40] ^= 1;
    sandbox.write("z/n/e.txt.clps", &damaged);
    let (same, _, failed, told) = verified(4, &[]);
    assert_eq!((same, failed), (5, 2), "{told:?}");
    let said: String = told.iter().map(|line| line["error"]["message"].to_string()).collect();
    assert!(said.contains("its source is not what it was") && said.contains("not what its receipt says"), "{said}");

    // a receipt that matches a file that decodes to something else
    let sandbox = planned(&[]);
    run(&sandbox, 0, &[]);
    fs::copy(sandbox.path("z/c.txt.clps"), sandbox.path("z/n/e.txt.clps")).unwrap();
    let wrong = blake3::hash(&sandbox.read("z/n/e.txt.clps")).to_hex().to_string();
    let path = fs::read_dir(sandbox.path("plan.jsonl.receipts")).unwrap().next().unwrap().unwrap().path();
    let said = fs::read_to_string(&path).unwrap();
    let forged = said.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if line["output"].as_str().is_some_and(|name| name.ends_with("e.txt.clps")) {
            line["output_blake3"] = wrong.clone().into();
        }
        line.to_string() + "\n"
    });
    fs::write(&path, forged.collect::<String>()).unwrap();
    let told = sandbox.json(4, &["batch", "verify", "plan.jsonl", "--json"]);
    let said: String = told.iter().map(|line| line["error"]["message"].to_string()).collect();
    assert!(said.contains("decodes to something else than its receipt says"), "{said}");
}

#[cfg(unix)]
mod killed {
    use super::*;
    use std::process::{Child, Stdio};
    use std::time::{Duration, Instant};

    /// What takes a second or two each, on one thread.
    fn slow(n_files: usize) -> Sandbox {
        let sandbox = Sandbox::new();
        let mut state = 1u32;
        for i in 0..n_files {
            let noise = (0..128 * 1024).flat_map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (1000 + (state >> 20) as u16).to_le_bytes()
            });
            sandbox.write(&format!("raw/{i}.raw"), &noise.collect::<Vec<u8>>());
        }
        let raw = ["--shape", "256,512", "--dtype", "u16", "--model", "pixelcnn-max"];
        sandbox.says(0, &[&["batch", "plan", "raw", "--output-dir", "z", "-o", "plan.jsonl"], &raw[..]].concat());
        sandbox
    }

    fn names(n_files: usize) -> Vec<String> {
        (0..n_files).map(|i| format!("z/{i}.raw.clps")).collect()
    }

    fn start(sandbox: &Sandbox) -> Child {
        let mut command = sandbox.command(&["batch", "run", "plan.jsonl", "--device", "cpu", "-T", "1"]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Waits until a temporary is being written.
    fn in_the_middle(sandbox: &Sandbox, child: &mut Child) {
        let start = Instant::now();
        while temporaries(sandbox) == 0 {
            assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
            assert!(start.elapsed() < Duration::from_secs(120), "nothing is written");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Waits until so many workers have written down their temporaries.
    fn written_down(sandbox: &Sandbox, n_workers: usize) {
        let start = Instant::now();
        let says = |path: &std::path::Path| fs::read_to_string(path).unwrap().contains("\"temporary\"");
        loop {
            let files = fs::read_dir(sandbox.path("plan.jsonl.receipts")).into_iter().flatten();
            if files.filter(|file| says(&file.as_ref().unwrap().path())).count() >= n_workers {
                return;
            }
            assert!(start.elapsed() < Duration::from_secs(120), "nothing is written");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// What the files of a plan become where nothing is killed.
    fn undisturbed(n_files: usize) -> Vec<Vec<u8>> {
        let sandbox = slow(n_files);
        assert_eq!(run(&sandbox, 0, &["--device", "cpu"]).0, n_files as u64);
        names(n_files).iter().map(|name| sandbox.read(name)).collect()
    }

    #[test]
    fn a_worker_killed_at_any_moment_leaves_no_wrong_result_and_the_next_run_does_the_rest() {
        const N: usize = 6;
        let whole = undisturbed(N);
        let sandbox = slow(N);
        let mut n_killed = 0;
        for round in 0..40u64 {
            let mut child = start(&sandbox);
            if round % 2 == 0 {
                // later and later after the first temporary, so that kills fall everywhere
                let begun = Instant::now();
                while temporaries(&sandbox) == 0 && child.try_wait().unwrap().is_none() {
                    assert!(begun.elapsed() < Duration::from_secs(120), "nothing is written");
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            std::thread::sleep(Duration::from_millis(7 + round * 61 % 400));
            let _ = child.kill();
            let ended = child.wait().unwrap();
            n_killed += usize::from(ended.code().is_none());
            for (name, whole) in names(N).iter().zip(&whole).filter(|(name, _)| sandbox.has(name)) {
                assert!(sandbox.read(name) == *whole, "{name} is another after kill {round}");
            }
            if ended.success() || round == 39 {
                break;
            }
            if n_killed % 2 == 0 {
                // of one killed before it could write down its temporary, age tells
                counts(&sandbox, 0, &["gc", "plan.jsonl", "--older-than", "0"]);
                assert_eq!(temporaries(&sandbox), 0, "all writers are dead");
            }
        }
        assert!(n_killed >= 3, "{n_killed}");
        let (done, before, failed) = run(&sandbox, 0, &["--device", "cpu"]);
        assert_eq!((done + before, failed), (N as u64, 0));
        assert!(names(N).iter().map(|name| sandbox.read(name)).eq(whole));
        counts(&sandbox, 0, &["gc", "plan.jsonl", "--older-than", "0"]);
        assert_eq!((temporaries(&sandbox), status(&sandbox)), (0, (N as u64, 0, 0)));
        assert_eq!(run(&sandbox, 0, &[]), (0, N as u64, 0));
    }

    #[test]
    fn two_workers_on_one_shard_write_the_same() {
        const N: usize = 4;
        let whole = undisturbed(N);
        let sandbox = slow(N);
        let children = [start(&sandbox), start(&sandbox)];
        for child in children {
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
        assert!(names(N).iter().map(|name| sandbox.read(name)).eq(whole));
        assert_eq!((status(&sandbox), temporaries(&sandbox)), ((N as u64, 0, 0), 0));
        let files = receipts(&sandbox).iter().map(|line| line["output"].to_string()).collect::<BTreeSet<_>>();
        assert_eq!(files.len(), N);
        assert_eq!(fs::read_dir(sandbox.path("plan.jsonl.receipts")).unwrap().count(), 2, "a file per worker");
    }

    #[test]
    fn sigterm_drops_the_file_at_hand_and_exits_with_75() {
        let sandbox = slow(2);
        let mut child = start(&sandbox);
        in_the_middle(&sandbox, &mut child);
        let pid = child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(75), ""));
        assert_eq!((temporaries(&sandbox), status(&sandbox)), (0, (0, 2, 0)));
        assert_eq!(run(&sandbox, 0, &[]), (2, 0, 0));
    }

    #[test]
    fn gc_removes_what_the_dead_have_left_and_nothing_of_the_living() {
        let sandbox = slow(2);
        let gc = |more: &[&str]| {
            let told = counts(&sandbox, 0, &[&["gc", "plan.jsonl"], more].concat());
            let n = |key: &str| told[key].as_u64().unwrap();
            (n("temporaries_removed"), n("temporaries_kept"))
        };
        let mut child = start(&sandbox);
        written_down(&sandbox, 1);
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(temporaries(&sandbox), 1);
        let mut alive = sandbox.command(&["batch", "run", "plan.jsonl", "--device", "cpu", "-T", "1"]).spawn().unwrap();
        written_down(&sandbox, 2);
        // stopped, it cannot go on to its next file meanwhile
        let signal = |name: &str| {
            let pid = alive.id().to_string();
            assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
        };
        signal("-STOP");
        std::thread::sleep(Duration::from_millis(100));
        // nobody wrote down whose these are; and the third is no temporary of a result of the plan
        sandbox.write("z/.0.raw.clps.clps-partial-abcdef", b"x");
        sandbox.write("z/.mine.clps-partial-abcdef", b"x");
        let (removed, kept) = gc(&[]);
        assert_eq!((removed, kept), (1, 2));
        assert_eq!(gc(&["--older-than", "0"]), (1, 1));
        signal("-CONT");
        assert!(alive.wait().unwrap().success());
        assert!(sandbox.has("z/.mine.clps-partial-abcdef"));
        assert_eq!((status(&sandbox), temporaries(&sandbox), gc(&[])), ((2, 0, 0), 1, (0, 0)));
    }
}
