//! Documents can be read: lines fit a screen, the front page fits two, and what is named is there.

use std::fs;
use std::path::Path;

const DOCUMENTS: [&str; 27] = [
    "ARCHITECTURE.md",
    "BENCHMARKS.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "FORMAT.md",
    "NUMERICS.md",
    "README.md",
    "SECURITY.md",
    "STYLE.md",
    "docs/archive.md",
    "docs/batch.md",
    "docs/benchmarker.md",
    "docs/hdf5.md",
    "docs/python.md",
    "docs/researcher.md",
    "docs/scripts.md",
    "python/README.md",
    "models/README.md",
    "shaders/README.md",
    "tests/golden/chunk-1/README.md",
    "tests/golden/chunk-2/README.md",
    "tests/golden/chunk-3/README.md",
    "tests/golden/encoder-1/README.md",
    "tests/golden/encoder-2/README.md",
    "tests/golden/encoder-3/README.md",
    "tests/golden/encoder-4/README.md",
    "weights/README.md",
];
const ENDINGS: [&str; 5] = [".md", ".rs", ".toml", ".cff", ".yml"];

fn read(name: &str) -> String {
    fs::read_to_string(name).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// Lines of more than 120 columns that are neither code nor the row of a table.
fn wide(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut prose = |line: &str| {
        in_code ^= line.trim_start().starts_with("```");
        !in_code && !line.starts_with("    ") && !line.starts_with('|')
    };
    let lines = text.lines().enumerate().filter(|(_, line)| prose(line) && line.chars().count() > 120);
    lines.map(|(i, _)| i + 1).collect()
}

/// Files that a document names, beside it or at the root, and that are not there. `<op>.rs` is a pattern, `*.md` many.
fn missing<'a>(text: &'a str, folder: &Path) -> Vec<&'a str> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "_-./<>*{}$".contains(c)));
    let files = words.map(|w| w.trim_end_matches('.')).filter(|w| ENDINGS.iter().any(|end| w.ends_with(end)));
    let files = files.filter(|w| !w.contains(['<', '*', '{', '$']) && Path::new(w).file_stem().is_some());
    files.filter(|w| !Path::new(w).exists() && !folder.join(w).exists()).collect()
}

#[test]
fn no_line_of_prose_is_wider_than_120_columns() {
    for name in DOCUMENTS {
        assert_eq!(wide(&read(name)), [0; 0], "{name}");
    }
}

#[test]
fn the_front_page_has_150_lines_and_the_glossary_30_at_most() {
    assert!(read("README.md").lines().count() <= 150);
    let architecture = read("ARCHITECTURE.md");
    let (_, after) = architecture.split_once("\n## 0. Glossary\n").expect("there is a glossary");
    let n = after.lines().take_while(|line| !line.starts_with('#')).filter(|line| !line.is_empty()).count();
    assert!((10..=30).contains(&n), "{n} lines");
}

/// ARCHITECTURE.md names files by their place in src, and a test of its own reads it.
#[test]
fn files_that_documents_name_are_there() {
    let documents = DOCUMENTS.iter().filter(|name| **name != "ARCHITECTURE.md");
    let wrong = documents.flat_map(|name| {
        let folder = Path::new(name).parent().expect("a document lies in a folder");
        missing(&read(name), folder).into_iter().map(|file| format!("{name} names {file}")).collect::<Vec<_>>()
    });
    assert_eq!(wrong.collect::<Vec<String>>(), [""; 0]);
}

#[test]
fn a_wide_line_and_a_missing_file_are_found() {
    let long = "word ".repeat(30);
    let text = format!("{long}\n    {long}\n|{long}\n```text\n{long}\n```\n{long}\n");
    assert_eq!(wide(&text), [1, 7]);
    assert_eq!(
        missing("README.md, `src/wat.rs`; GHOST.md. src/kernel/<op>.rs", Path::new("")),
        ["src/wat.rs", "GHOST.md"]
    );
}
