//! Sources that grow, shrink, are replaced or rewritten while they are read, and what becomes of them then.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime};

/// Takes a network some time.
fn slow() -> Vec<u8> {
    inputs::cube(60)
}

const SLOW: [&str; 4] = ["--model", "pixelcnn-default", "--device", "cpu"];

fn signal(pid: u32, name: &str) {
    assert!(Command::new("kill").args([name, &pid.to_string()]).status().unwrap().success());
}

/// Bytes that a process has read.
fn n_read(pid: u32) -> u64 {
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    io.lines().find_map(|line| line.strip_prefix("rchar: ")?.parse().ok()).unwrap_or(0)
}

/// Runs the command, stops it when it has begun its result and read so much, changes something, and lets it go on. Returns the exit
/// code and what was said.
fn after(n_bytes: usize, sandbox: &Sandbox, args: &[&str], change: impl FnOnce()) -> (i32, String) {
    let mut command = sandbox.command(args);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = || sandbox.names().iter().any(|name| name.contains(".clps-partial-"));
    for _ in 0..20_000 {
        if begun() && n_read(child.id()) >= n_bytes as u64 {
            break;
        }
        sleep(Duration::from_micros(500));
    }
    signal(child.id(), "-STOP");
    assert!(begun(), "{args:?} was over too soon, or never began");
    change();
    signal(child.id(), "-CONT");
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert!(!said.contains("a mistake of ours"), "{args:?}: {said}");
    (output.status.code().unwrap(), said)
}

fn during(sandbox: &Sandbox, args: &[&str], change: impl FnOnce()) -> (i32, String) {
    after(0, sandbox, args, change)
}

fn compress<'a>(how: &[&'a str]) -> Vec<&'a str> {
    [&["compress"], &SLOW[..], how, &["a.fits"]].concat()
}

fn append(sandbox: &Sandbox, name: &str) {
    File::options().append(true).open(sandbox.path(name)).unwrap().write_all(&[1; 2880]).unwrap();
}

fn replace(sandbox: &Sandbox, name: &str) {
    sandbox.write("new", b"another file");
    fs::rename(sandbox.path("new"), sandbox.path(name)).unwrap();
}

/// The statistics have been taken, and windows are looked at.
fn surveyed() -> usize {
    slow().len() * 3 / 2
}

/// Other bytes in place, near the end.
fn rewrite(sandbox: &Sandbox, name: &str) {
    let file = File::options().write(true).open(sandbox.path(name)).unwrap();
    let end = file.metadata().unwrap().len();
    file.write_all_at(&[0x7f; 100], end - end / 8).unwrap();
}

#[test]
fn a_source_that_grew_or_was_replaced_is_kept_and_what_it_was_is_packed() {
    let n = slow().len();
    let grown = format!("a.fits: the source is kept: it grew from {n} to {} bytes since it was opened", n + 2880);
    for (change, said) in [
        (append as fn(&Sandbox, &str), grown.as_str()),
        (replace, "a.fits: the source is kept: another file has its name since it was opened"),
    ] {
        let sandbox = Sandbox::with(&[("a.fits", &slow())]);
        let (code, told) = during(&sandbox, &compress(&["--rm"]), || change(&sandbox, "a.fits"));
        assert_eq!((code, told.contains(said), told.contains("LOSSLESS")), (4, true, false), "{told}");
        assert_eq!(sandbox.names(), ["a.fits", "a.fits.clps"]);
        assert_eq!(sandbox.output(&["-dc", "a.fits.clps"]).stdout, slow());
    }
}

#[test]
fn a_source_that_was_rewritten_gives_no_result_and_is_kept() {
    for how in [&[][..], &["--verify"], &["--rm"], &["--rm", "--abs", "3"]] {
        let sandbox = Sandbox::with(&[("a.fits", &slow())]);
        let (code, told) = after(surveyed(), &sandbox, &compress(how), || rewrite(&sandbox, "a.fits"));
        assert_eq!((code, told.contains("changed while it was read")), (2, true), "{how:?}: {told}");
        assert_eq!(sandbox.names(), ["a.fits"], "{how:?}");
    }
}

#[test]
fn a_source_whose_time_was_set_back_after_it_was_rewritten_gives_no_result() {
    for how in [&[][..], &["--rm"]] {
        let sandbox = Sandbox::with(&[("a.fits", &slow())]);
        let set_back = || {
            let time = fs::metadata(sandbox.path("a.fits")).unwrap().modified().unwrap();
            rewrite(&sandbox, "a.fits");
            File::options().write(true).open(sandbox.path("a.fits")).unwrap().set_modified(time).unwrap();
        };
        let (code, told) = after(surveyed(), &sandbox, &compress(how), set_back);
        assert_eq!((code, told.contains("changed while it was read")), (2, true), "{how:?}: {told}");
        assert_eq!(sandbox.names(), ["a.fits"], "{how:?}");
    }
}

#[test]
fn without_rm_whatever_is_no_longer_the_file_that_was_read_gives_no_result() {
    let gone = |sandbox: &Sandbox, name: &str| fs::remove_file(sandbox.path(name)).unwrap();
    for (change, said) in [
        (append as fn(&Sandbox, &str), "it grew from"),
        (replace, "another file has its name"),
        (gone, "it is no longer there"),
    ] {
        let sandbox = Sandbox::with(&[("a.fits", &slow())]);
        let (code, told) = during(&sandbox, &compress(&[]), || change(&sandbox, "a.fits"));
        let said = format!("a.fits: changed while it was read: {said}");
        assert_eq!((code, told.contains(&said)), (2, true), "{told}");
        assert!(!sandbox.has("a.fits.clps"));
    }
}

#[test]
fn a_mode_that_changes_costs_a_reading_and_with_rm_the_source_is_kept() {
    let change =
        |sandbox: &Sandbox| fs::set_permissions(sandbox.path("a.fits"), PermissionsExt::from_mode(0o600)).unwrap();
    let sandbox = Sandbox::with(&[("a.fits", &slow())]);
    let (code, told) = during(&sandbox, &compress(&[]), || change(&sandbox));
    assert_eq!((code, told.contains("LOSSLESS, verified")), (0, true), "{told}");
    let sandbox = Sandbox::with(&[("a.fits", &slow())]);
    let (code, told) = during(&sandbox, &compress(&["--rm"]), || change(&sandbox));
    assert_eq!((code, told.contains("the source is kept: its mode")), (4, true), "{told}");
    assert_eq!(sandbox.names(), ["a.fits", "a.fits.clps"]);
}

#[test]
fn a_source_that_shrank_says_where_it_ends() {
    // mere zeros, but so many that reading them takes a while
    let (width, height) = (1 << 14, 1 << 14);
    let n = 2880 + 2 * width * height / 2880 * 2880 + 2880;
    let cards = [("SIMPLE", "T".to_string()), ("BITPIX", "16".into()), ("NAXIS", "2".into())];
    let axes = [("NAXIS1", width.to_string()), ("NAXIS2", height.to_string())];
    let card = |(key, value): &(&str, String)| format!("{:<80}", format!("{key:<8}= {value:>20}"));
    let header: String = cards.iter().chain(&axes).map(card).collect::<String>() + "END";
    for how in [&[][..], &["--rm"]] {
        let sandbox = Sandbox::with(&[("a.fits", format!("{header:<2880}").as_bytes())]);
        let file = File::options().write(true).open(sandbox.path("a.fits")).unwrap();
        file.set_len(n as u64).unwrap();
        let args = [&["compress", "--model", "classic", "-T", "1"], how, &["a.fits"]].concat();
        let (code, told) = during(&sandbox, &args, || file.set_len(100_000).unwrap());
        let said = format!("changed while it was read: it ends at byte 100000 of {n}\n");
        assert_eq!((code, told.ends_with(&said)), (2, true), "{told}");
        assert_eq!(sandbox.names(), ["a.fits"]);
    }
}

/// A sandbox with a packed file that takes a while to unpack.
fn packed() -> Sandbox {
    let sandbox = Sandbox::with(&[("a.fits", &slow())]);
    sandbox.says(0, &compress(&["--rm"]));
    sandbox
}

#[test]
fn a_packed_file_that_grew_or_was_replaced_is_kept_and_what_it_was_is_unpacked() {
    for (change, said) in [(append as fn(&Sandbox, &str), "it grew from"), (replace, "another file has its name")] {
        let sandbox = packed();
        let args = ["decompress", "--rm", "--device", "cpu", "a.fits.clps"];
        let (code, told) = during(&sandbox, &args, || change(&sandbox, "a.fits.clps"));
        let said = format!("a.fits.clps: the source is kept: {said}");
        assert_eq!((code, told.contains(&said)), (4, true), "{told}");
        assert_eq!(sandbox.names(), ["a.fits", "a.fits.clps"]);
        assert_eq!(sandbox.read("a.fits"), slow());
    }
}

#[test]
fn a_packed_file_that_was_rewritten_or_cut_is_no_damage_and_gives_no_result() {
    let cut = |sandbox: &Sandbox, name: &str| {
        let file = File::options().write(true).open(sandbox.path(name)).unwrap();
        file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    };
    for change in [rewrite as fn(&Sandbox, &str), cut] {
        for how in [&[][..], &["--verify"], &["--rm"], &["--salvage"]] {
            let sandbox = packed();
            let args = [&["decompress", "--device", "cpu"], how, &["a.fits.clps"]].concat();
            let (code, told) = during(&sandbox, &args, || change(&sandbox, "a.fits.clps"));
            assert_eq!((code, told.contains("changed while it was read")), (2, true), "{how:?}: {told}");
            assert_eq!(sandbox.names(), ["a.fits.clps"], "{how:?}");
        }
    }
}

#[test]
fn a_file_that_is_being_written_to_is_not_read() {
    let sandbox = Sandbox::with(&[("a.fits", &slow())]);
    let mut file = File::options().write(true).open(sandbox.path("a.fits")).unwrap();
    let stop = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                file.seek(SeekFrom::Start(5000)).unwrap();
                file.write_all(b"x").unwrap();
                sleep(Duration::from_millis(1));
            }
        });
        let output = sandbox.output(&["compress", "--rm", "a.fits"]);
        stop.store(true, std::sync::atomic::Ordering::Relaxed);
        let said = text(&output.stderr);
        // on a busy machine the writer may pause for as long as a step of its times is
        assert!(said.starts_with("collapsar: a.fits: changed while it was read: it "), "{said}");
        assert_eq!(output.status.code(), Some(2));
    });
    assert_eq!(sandbox.names(), ["a.fits"]);
}

#[test]
fn a_page_is_not_written_of_a_file_that_changed() {
    let sandbox = Sandbox::with(&[("a.npy", &crate::lossy::noisy())]);
    let args = ["report", "--rel", "1e-2,1e-3,1e-4,1e-5", "--html", "page.html", "--model", "pixelcnn-deep", "a.npy"];
    sleep(Duration::from_millis(50)); // the file has come to rest
    let child = sandbox.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let opened = || {
        let links = fs::read_dir(format!("/proc/{}/fd", child.id())).into_iter().flatten().flatten();
        links.flat_map(|link| fs::read_link(link.path())).any(|to| to.ends_with("a.npy"))
    };
    while !opened() {
        sleep(Duration::from_micros(500));
    }
    sleep(Duration::from_millis(20));
    append(&sandbox, "a.npy");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("changed while it was read: it grew from"));
    assert_eq!(sandbox.names(), ["a.npy"]);
}

#[test]
fn pipes_are_read_once_and_nothing_of_them_can_change() {
    let sandbox = Sandbox::new();
    let fifo = sandbox.path("pipe");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let child = sandbox.command(&["compress", "--rm", "pipe", "-o", "a.clps"]).stderr(Stdio::piped()).spawn().unwrap();
    fs::write(&fifo, inputs::fits()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(sandbox.names(), ["a.clps", "pipe"]);
    assert_eq!(sandbox.output(&["-dc", "a.clps"]).stdout, inputs::fits());
}

#[test]
fn owner_and_group_travel_both_ways_where_root_says_so() {
    use std::os::unix::fs::{MetadataExt, chown};
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits())]);
    if chown(sandbox.path("a.fits"), Some(12_345), Some(23_456)).is_err() {
        return; // only root gives files away
    }
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    File::options().write(true).open(sandbox.path("a.fits")).unwrap().set_modified(time).unwrap();
    fs::set_permissions(sandbox.path("a.fits"), PermissionsExt::from_mode(0o4640)).unwrap();
    let like = |name: &str| {
        let meta = fs::metadata(sandbox.path(name)).unwrap();
        (meta.uid(), meta.gid(), meta.mode() & 0o7777, meta.modified().unwrap())
    };
    sandbox.says(0, &["compress", "--rm", "a.fits"]);
    assert_eq!(like("a.fits.clps"), (12_345, 23_456, 0o640, time));
    sandbox.says(0, &["decompress", "a.fits.clps"]);
    assert_eq!(like("a.fits"), (12_345, 23_456, 0o640, time));
}
