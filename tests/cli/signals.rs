//! Signals, limits and standard streams that are not what they should be.

use crate::inputs;
use crate::sandbox::{Sandbox, text};
use std::io::Read;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What takes seconds to compress: noise, by the largest network.
fn slow() -> Sandbox {
    let mut state = 1u32;
    let noise = (0..1 << 21).flat_map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (1000 + (state >> 20) as u16).to_le_bytes()
    });
    Sandbox::with(&[("a.raw", &noise.collect::<Vec<u8>>())])
}

const COMPRESS: &str = "compress --shape 1024,2048 --dtype u16 --device cpu --model pixelcnn-max -T 1 a.raw";

/// A shell that does something first and is then the command; what it says can be read.
fn shell(sandbox: &Sandbox, first: &str, args: &str) -> Command {
    let mut command = Command::new("sh");
    let line = format!("{first}; exec {} {args}", env!("CARGO_BIN_EXE_collapsar"));
    command.args(["-c", &line]).current_dir(sandbox.0.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Waits until a temporary is being written.
fn in_the_middle(sandbox: &Sandbox, child: &mut Child) {
    let start = Instant::now();
    while !sandbox.names().iter().any(|name| name.contains(".clps-partial-")) {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it was killed");
        assert!(start.elapsed() < Duration::from_secs(60), "nothing is written");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn kill(child: &Child, signal: &str) {
    assert!(Command::new("kill").args([format!("-{signal}"), child.id().to_string()]).status().unwrap().success());
}

#[test]
fn a_signal_leaves_no_temporary_and_exits_with_128_and_its_number() {
    let sandbox = slow();
    for (signal, code) in [("TERM", 143), ("HUP", 129), ("INT", 130), ("XCPU", 152)] {
        let mut child = shell(&sandbox, "true", COMPRESS).spawn().unwrap();
        in_the_middle(&sandbox, &mut child);
        kill(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(code), ""), "{signal}");
        assert_eq!(sandbox.names(), ["a.raw"], "{signal}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_signal_that_was_ignored_before_stays_ignored() {
    let sandbox = slow();
    for signal in ["HUP", "INT"] {
        let mut child = shell(&sandbox, &format!("trap '' {signal}"), &format!("{COMPRESS} -f")).spawn().unwrap();
        in_the_middle(&sandbox, &mut child);
        kill(&child, signal);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{signal}: {}", text(&output.stderr));
        assert_eq!(sandbox.names(), ["a.raw", "a.raw.clps"], "{signal}");
        std::fs::remove_file(sandbox.path("a.raw.clps")).unwrap();
    }
}

#[test]
fn a_file_beyond_the_limit_of_the_shell_exits_with_5_and_leaves_no_temporary() {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::cube(9)), ("a.gz", &inputs::gz(&inputs::cube(9)))]);
    for args in
        ["compress --model classic a.fits", "compress -c a.fits >out", "compress - -o out <a.fits", "compress a.gz"]
    {
        let output = shell(&sandbox, "ulimit -f 8", args).output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{args}: {said}");
        assert!(said.contains("`ulimit -f`, does not take a file this large") && !said.contains("LOSSLESS"), "{said}");
        let _ = std::fs::remove_file(sandbox.path("out")); // the shell's own
        assert_eq!(sandbox.names(), ["a.fits", "a.gz"], "{args}");
    }
}

/// Every kind of thing that goes to standard output.
const WRITERS: [&str; 11] = [
    "compress -c a.fits",
    "decompress -c b.fits.clps",
    "compress -f --json a.fits",
    "decompress -f --json b.fits.clps",
    "test --json b.fits.clps",
    "info b.fits.clps",
    "info --json b.fits.clps",
    "compare --quick a.fits",
    "eval --rel 1e-2 c.npy",
    "models",
    "--help",
];

fn with_files() -> Sandbox {
    let sandbox = Sandbox::with(&[("a.fits", &inputs::fits()), ("b.fits", &inputs::fits()), ("c.npy", &inputs::npy())]);
    sandbox.says(0, &["compress", "b.fits"]);
    sandbox
}

fn assert_fails_with_5(args: &str, output: &Output, why: &str) {
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{args}: {said}");
    assert!(said.contains(&format!("standard output: {why}")), "{args}: {said}");
    assert!(!said.contains("LOSSLESS"), "{args}: {said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_closed_or_full_standard_output_exits_with_5_and_no_word_of_success() {
    let sandbox = with_files();
    for args in WRITERS {
        assert_fails_with_5(
            args,
            &shell(&sandbox, "true", &format!("{args} >/dev/full")).output().unwrap(),
            "no space is",
        );
        assert_fails_with_5(args, &shell(&sandbox, "true", &format!("{args} >&-")).output().unwrap(), "is closed");
        // nothing is closed, and nobody wants to see it
        let output = shell(&sandbox, "true", &format!("{args} 1<>/dev/null")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{args}: {}", text(&output.stderr));
    }
    let output = shell(&sandbox, "true", "compress - -o d <&-").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(!sandbox.has("d"));
}

#[cfg(unix)]
#[test]
fn a_pipe_that_nobody_reads_ends_every_verb_with_141_and_no_word() {
    let sandbox = with_files();
    for args in WRITERS {
        let mut child = shell(&sandbox, "read go", args).stdin(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stdin.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(141), ""), "{args}");
    }
}
