//! What README.md, the guides and `collapsar --help` show runs as it stands there. models/tests/documents.rs has what trains.

#![cfg(unix)]

mod document;

use document::{Fate, NOT_RUN, Sandbox, Shown, documents, fits, mentioned, npy, shown};
use std::path::{Path, PathBuf};

/// Lines of documents that say `# not run: why`.
const N_MARKED: usize = 0;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn ci() -> String {
    std::fs::read_to_string(root().join(".ci/run")).unwrap()
}

/// What documents speak of: a night, and fields of a run.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new(&[("collapsar", PathBuf::from(env!("CARGO_BIN_EXE_collapsar")))]);
    for (name, seed) in [("a", 1), ("b", 2), ("c", 3)] {
        sandbox.write(&format!("night1/{name}.fits"), &fits(160, 192, seed));
    }
    for (name, seed) in [("T", 1), ("U", 2), ("V", 3)] {
        sandbox.write(&format!("{name}.npy"), &npy(96, 128, seed));
    }
    sandbox
}

/// The lines below "First steps:", without what they are said to do.
fn first_steps(help: &str) -> Vec<Shown> {
    let (_, after) = help.split_once("First steps:\n").expect("help has first steps");
    let lines = after.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let shown = |line: &str| Shown {
        place: "collapsar --help".into(),
        text: line.split("  ").next().unwrap_or_default().into(),
    };
    lines.map(shown).collect()
}

fn trains(text: &str) -> bool {
    text.contains("-p models")
}

#[test]
fn commands_of_readme_help_and_guides_run_as_they_are_written() {
    let mut n_run = 0;
    for (name, text) in documents(root()).iter().filter(|(_, text)| !shown("", text).iter().any(|s| trains(&s.text))) {
        let sandbox = sandbox();
        let mut lines = shown(name, text);
        if name == "README.md" {
            lines.extend(first_steps(&sandbox.run(name, "collapsar --help")));
        }
        // all are understood before the first one runs
        let fates: Vec<Fate> = lines.iter().map(|line| line.fate(&ci())).collect();
        let mut done = Vec::new();
        for (line, fate) in lines.iter().zip(fates) {
            let Fate::Run(command) = fate else { continue };
            let bare = command.split('#').next().unwrap_or_default().trim().to_string();
            if !done.contains(&bare) {
                let said = sandbox.run(&line.place, &command);
                assert!(!command.ends_with("echo same") || said.ends_with("same\n"), "{}: {said}", line.place);
                done.push(bare);
            }
        }
        n_run += done.len();
        mentioned(text).iter().filter(|span| !trains(span)).for_each(|span| sandbox.knows(name, span));
    }
    assert!(n_run >= 9, "{n_run}");
}

#[test]
fn what_is_not_run_is_counted() {
    let marked =
        |(name, text): &(String, String)| shown(name, text).iter().filter(|s| s.text.contains(NOT_RUN)).count();
    assert_eq!(documents(root()).iter().map(marked).sum::<usize>(), N_MARKED);
}

#[test]
fn readme_has_the_exit_codes_of_help() {
    let words = |text: &str| text.split_whitespace().collect::<Vec<&str>>().join(" ");
    let help = words(&sandbox().run("help", "collapsar --help"));
    let (_, codes) = help.split_once("Exit codes: ").expect("help has them");
    let codes = codes.split_once('.').expect("they are a sentence").0;
    assert!(codes.starts_with("0 ok, 1 usage, ") && codes.contains(" 70 "), "{codes}");
    let readme = words(&std::fs::read_to_string(root().join("README.md")).unwrap());
    assert!(readme.contains(codes), "README.md has not: {codes}");
}

#[test]
fn lines_are_found_joined_and_told_apart() {
    let text = "```\ncargo run --release -- demo\ntar c a \\\n  | collapsar -o b -   # why\n```\n```rust\nlet x = 1;\n```\n`collapsar x`\n";
    let lines = shown("d", text);
    let fates: Vec<Fate> = lines.iter().map(|line| line.fate("cargo test --release")).collect();
    assert_eq!(fates, [Fate::Run("collapsar demo".into()), Fate::Run("tar c a | collapsar -o b -   # why".into())]);
    assert_eq!((lines[1].place.as_str(), mentioned(text)), ("d:3", vec!["collapsar x"]));
    let fate = |text: &str| Shown { place: "d".into(), text: text.into() }.fate("cargo test --release");
    assert_eq!(fate("cargo test --release"), Fate::Ci);
    assert_eq!(fate("collapsar x # not run: an hour"), Fate::Marked);
    for unknown in ["rm -r x", "cargo publish"] {
        let shown = Shown { place: "d".into(), text: unknown.into() };
        assert!(std::panic::catch_unwind(|| shown.fate("cargo test --release")).is_err(), "{unknown}");
    }
}
