//! Man pages and completions, as the tools that read them take them.

use crate::sandbox::{Sandbox, text};
use std::process::{Command, Stdio};

const VERBS: [&str; 14] = [
    "compress",
    "decompress",
    "test",
    "info",
    "compare",
    "eval",
    "report",
    "bench",
    "batch",
    "external",
    "models",
    "demo",
    "man",
    "completions",
];

/// What a tool says of a text; None where it is not installed.
fn said_by(sandbox: &Sandbox, tool: &str, args: &[&str], input: &str) -> Option<String> {
    sandbox.write("page", input.as_bytes());
    let mut command = Command::new(tool);
    command.args(args).arg(sandbox.path("page")).env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
    let Ok(output) = command.output() else {
        eprintln!("skipped: {tool} is not installed");
        return None;
    };
    assert!(output.status.success(), "{tool}: {}", text(&output.stderr));
    Some(text(&output.stderr).to_string())
}

#[test]
fn the_man_pages_are_roff_without_a_warning() {
    let sandbox = Sandbox::new();
    let all = text(&sandbox.output(&["man"]).stdout).to_string();
    for verb in VERBS {
        assert!(all.contains(&format!("collapsar\\-{verb}(1)")), "{verb}");
        let page = text(&sandbox.output(&["man", verb]).stdout).to_string();
        assert!(page.contains(".SH SYNOPSIS"), "{verb}: {page}");
        assert_eq!(
            said_by(&sandbox, "groff", &["-man", "-ww", "-Tutf8", "-z"], &page).unwrap_or_default(),
            "",
            "{verb}"
        );
    }
    assert_eq!(said_by(&sandbox, "groff", &["-man", "-ww", "-Tutf8", "-z"], &all).unwrap_or_default(), "");
    sandbox.fails(1, &["man", "nonsense"], "'nonsense' is not a verb");
}

#[test]
fn completions_know_every_verb_and_bash_reads_them() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = text(&sandbox.output(&["completions", shell]).stdout).to_string();
        VERBS.iter().for_each(|verb| assert!(script.contains(verb), "{shell}: {verb}"));
        if shell == "bash" {
            assert_eq!(said_by(&sandbox, "bash", &["-n"], &script).unwrap_or_default(), "");
        }
    }
    assert!(sandbox.says(1, &["completions", "tcsh"]).contains("tcsh"));
}
